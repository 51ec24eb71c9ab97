"""Runs under an interpreter that has lerobot 0.6: writes a small policy with random weights.

Usage: python lerobot_policy_writer.py KIND FOLDER ...

What a policy of language is built on, a tokenizer and a network of random weights, lies beside
the folder.
"""

import sys
from pathlib import Path

import torch
from lerobot.configs.types import FeatureType, NormalizationMode, PolicyFeature
from lerobot.policies.factory import (
    get_policy_class,
    make_policy_config,
    make_pre_post_processors,
)

STATE, ACTIONS, SIZE = 6, 6, (48, 64)
CAMERAS = ('observation.images.front', 'observation.images.wrist')
SMALL = {
    'act': {
        'chunk_size': 8,
        'n_action_steps': 5,
        'dim_model': 32,
        'n_heads': 2,
        'dim_feedforward': 48,
        'n_encoder_layers': 1,
        'n_vae_encoder_layers': 1,
        'pretrained_backbone_weights': None,
    },
    'diffusion': {
        'horizon': 16,
        'n_action_steps': 8,
        'down_dims': (16, 32),
        'n_groups': 4,
        'num_train_timesteps': 10,
        'num_inference_steps': 3,
        'spatial_softmax_num_keypoints': 4,
        'use_separate_rgb_encoder_per_camera': False,
        'use_group_norm': True,
        'pretrained_backbone_weights': None,
    },
    'vqbet': {
        'crop_shape': (40, 40),
        'gpt_input_dim': 32,
        'gpt_output_dim': 32,
        'gpt_hidden_dim': 32,
        'gpt_n_layer': 1,
        'gpt_n_head': 2,
        'vqvae_embedding_dim': 16,
        'vqvae_enc_hidden_dim': 16,
        'spatial_softmax_num_keypoints': 4,
        'use_group_norm': True,
        'pretrained_backbone_weights': None,
    },
    'multi_task_dit': {
        'horizon': 12,
        'n_action_steps': 8,
        'num_train_timesteps': 10,
        'num_inference_steps': 3,
        'hidden_dim': 16,
        'num_layers': 1,
        'num_heads': 2,
        'timestep_embed_dim': 16,
        'image_crop_shape': (32, 32),
        'tokenizer_max_length': 20,
    },
    'smolvla': {
        'chunk_size': 6,
        'n_action_steps': 4,
        'num_steps': 2,
        'resize_imgs_with_padding': (64, 64),
        'max_state_dim': 8,
        'max_action_dim': 8,
        'num_vlm_layers': 2,
        'tokenizer_max_length': 16,
        'load_vlm_weights': False,
    },
    'xvla': {
        'chunk_size': 6,
        'n_action_steps': 4,
        'hidden_size': 32,
        'depth': 1,
        'num_heads': 2,
        'num_denoising_steps': 2,
        'action_mode': 'auto',
        'max_action_dim': 8,
        'max_state_dim': 8,
        'resize_imgs_with_padding': (64, 64),
        'tokenizer_max_length': 12,
        'max_len_seq': 128,
        'len_soft_prompts': 2,
        'num_domains': 2,
    },
}
# The same without a memory.
SMALL |= {f'{kind}_now': SMALL[kind] | {'n_obs_steps': 1} for kind in ('diffusion', 'vqbet')}
START, END = '<|startoftext|>', '<|endoftext|>'


def main(*words):
    for kind, folder in zip(words[::2], words[1::2], strict=True):
        write(kind, Path(folder))


def write(name, folder):
    torch.manual_seed(0)
    kind = name.removesuffix('_now')
    cameras = CAMERAS[:1] if kind == 'vqbet' else CAMERAS
    way = NormalizationMode('MEAN_STD' if kind in ('act', 'smolvla') else 'MIN_MAX')
    config = make_policy_config(
        kind,
        input_features={
            'observation.state': PolicyFeature(FeatureType.STATE, (STATE,)),
            **{key: PolicyFeature(FeatureType.VISUAL, (3, *SIZE)) for key in cameras},
        },
        output_features={'action': PolicyFeature(FeatureType.ACTION, (ACTIONS,))},
        normalization_mapping={
            'VISUAL': NormalizationMode('IDENTITY' if kind == 'smolvla' else 'MEAN_STD'),
            'STATE': way,
            'ACTION': way,
        },
        device='cpu',
        push_to_hub=False,
        **SMALL[name],
        **(BASES[kind](folder.parent) if kind in BASES else {}),
    )
    policy = get_policy_class(kind)(config).eval()
    processors = make_pre_post_processors(config, dataset_stats=statistics(cameras))
    for part in (policy, *processors):
        part.save_pretrained(folder)


def clip(beside):
    from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

    folder = beside / 'clip'
    letters = [chr(number) for number in range(ord('a'), ord('z') + 1)]
    words = [*letters, *(f'{letter}</w>' for letter in letters), START, END]
    vocabulary = {word: number for number, word in enumerate(words)}
    CLIPTokenizer(vocab=vocabulary, merges=[]).save_pretrained(folder)
    size = {
        'hidden_size': 16,
        'intermediate_size': 16,
        'num_hidden_layers': 1,
        'num_attention_heads': 2,
    }
    ids = {'bos_token_id': vocabulary[START], 'eos_token_id': vocabulary[END], 'pad_token_id': 1}
    text = {**size, **ids, 'vocab_size': len(words), 'max_position_embeddings': 77}
    vision = {**size, 'image_size': 32, 'patch_size': 16}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
    CLIPModel(config).save_pretrained(folder)
    return {'vision_encoder_name': str(folder), 'text_encoder_name': str(folder)}


def vlm(beside):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        PreTrainedTokenizerFast,
        SmolVLMConfig,
        SmolVLMImageProcessor,
        SmolVLMProcessor,
        SmolVLMVideoProcessor,
    )

    folder = beside / 'vlm'
    special = {
        'image_token': '<image>',
        'fake_image_token': '<fake_token_around_image>',
        'global_image_token': '<global-img>',
        'end_of_utterance_token': '<end_of_utterance>',
    }
    words = ['<pad>', '<unk>', *special.values(), 'put', 'the', 'cube', 'into', 'bowl']
    numbers = {word: number for number, word in enumerate(words)}
    tokens = Tokenizer(models.WordLevel(numbers, unk_token='<unk>'))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens,
        pad_token='<pad>',
        unk_token='<unk>',
        extra_special_tokens=special,
    )
    images, videos = SmolVLMImageProcessor(), SmolVLMVideoProcessor()
    SmolVLMProcessor(images, tokenizer, videos, image_seq_len=4).save_pretrained(folder)
    text = {
        'model_type': 'llama',
        'vocab_size': len(words),
        'hidden_size': 32,
        'intermediate_size': 32,
        'num_hidden_layers': 2,
        'num_attention_heads': 2,
        'num_key_value_heads': 1,
        'head_dim': 16,
        'pad_token_id': 0,
    }
    vision = {
        'hidden_size': 24,
        'intermediate_size': 24,
        'num_hidden_layers': 1,
        'num_attention_heads': 2,
        'image_size': 64,
        'patch_size': 16,
    }
    image = numbers[special['image_token']]
    SmolVLMConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=image,
        scale_factor=2,
        pad_token_id=0,
    ).save_pretrained(folder)
    return {'vlm_model_name': str(folder)}


def florence(beside):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    folder = beside / 'words'
    words = ['<s>', '<pad>', '</s>', '<unk>', 'put', 'the', 'cube', 'into', 'bowl']
    numbers = {word: number for number, word in enumerate(words)}
    tokens = Tokenizer(models.WordLevel(numbers, unk_token='<unk>'))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokens, pad_token='<pad>', unk_token='<unk>'
    ).save_pretrained(folder)
    ids = {'pad_token_id': 1, 'bos_token_id': 0, 'eos_token_id': 2}
    vision = {
        'depths': [1, 1, 1, 1],
        'embed_dim': [8, 8, 16, 16],
        'num_heads': [2, 2, 2, 2],
        'num_groups': [2, 2, 2, 2],
        'window_size': 2,
        'projection_dim': 16,
        'max_temporal_embeddings': 10,
        'max_position_embeddings': 50,
    }
    text = {
        'model_type': 'bart',
        'vocab_size': 32,
        'd_model': 16,
        'encoder_layers': 1,
        'decoder_layers': 1,
        'encoder_attention_heads': 2,
        'decoder_attention_heads': 2,
        'encoder_ffn_dim': 16,
        'decoder_ffn_dim': 16,
        **ids,
    }
    network = {'vision_config': vision, 'text_config': text, 'image_token_id': 31, **ids}
    return {'tokenizer_name': str(folder), 'florence_config': network}


BASES = {'multi_task_dit': clip, 'smolvla': vlm, 'xvla': florence}


def statistics(cameras):
    def of(shape, wide):
        low = wide * (torch.rand(shape) - 1)
        half = wide * (torch.rand(shape) + 0.5)
        return {'mean': low + half, 'std': half / 2, 'min': low, 'max': low + 2 * half}

    found = {'observation.state': of((STATE,), 60.0), 'action': of((ACTIONS,), 60.0)}
    return found | {key: of((3, 1, 1), 0.5) for key in cameras}


if __name__ == '__main__':
    main(*sys.argv[1:])
