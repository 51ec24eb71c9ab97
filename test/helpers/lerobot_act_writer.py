"""Runs under an interpreter that has lerobot: writes an ACT checkpoint and what it predicts.

Usage: python lerobot_act_writer.py FOLDER MODE   (MEAN_STD, MIN_MAX or IDENTITY)
"""

import sys
from pathlib import Path

import numpy as np
import torch
from lerobot.configs.types import FeatureType, NormalizationMode, PolicyFeature
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.act.modeling_act import ACTPolicy
from lerobot.policies.factory import make_pre_post_processors

SIZE, STATE, ACTIONS = (40, 64), 7, 7
CAMERAS = ('observation.images.rgb_0', 'observation.images.rgb_1')


def main(folder, mode):
    torch.manual_seed(0)
    way = NormalizationMode(mode)
    config = ACTConfig(
        input_features={
            'observation.state': PolicyFeature(FeatureType.STATE, (STATE,)),
            **{key: PolicyFeature(FeatureType.VISUAL, (3, *SIZE)) for key in CAMERAS},
        },
        output_features={'action': PolicyFeature(FeatureType.ACTION, (ACTIONS,))},
        normalization_mapping={'VISUAL': way, 'STATE': way, 'ACTION': way},
        chunk_size=5,
        n_action_steps=5,
        dim_model=32,
        n_heads=2,
        dim_feedforward=48,
        n_encoder_layers=2,
        pre_norm=mode == 'MIN_MAX',
        pretrained_backbone_weights=None,
        device='cpu',
        push_to_hub=False,
    )
    policy = ACTPolicy(config).eval()
    for name, tensor in policy.state_dict().items():
        if name.endswith(('running_mean', 'running_var')):
            tensor.copy_(torch.rand_like(tensor) + 0.5)
    before, after = make_pre_post_processors(config, dataset_stats=statistics())
    for part in (policy, before, after):
        part.save_pretrained(folder)

    rng = np.random.default_rng(1)
    state = rng.normal(size=STATE).astype(np.float32)
    images = rng.integers(0, 256, (len(CAMERAS), *SIZE, 3), np.uint8)

    def predict(joints, cameras):
        """As from a row of our datasets: zeros and black where a robot has no slot."""
        padded = state * np.isin(np.arange(STATE), joints)
        batch = {'observation.state': torch.from_numpy(padded)}
        for index, (key, image) in enumerate(zip(CAMERAS, images, strict=True)):
            pixels = torch.from_numpy(image * (index in cameras)).permute(2, 0, 1)
            batch[key] = pixels.float() / 255
        return after(policy.predict_action_chunk(before(batch)))[0].numpy()

    np.savez(
        Path(folder) / 'predicted.npz',
        state=state,
        images=images,
        chunk=predict(range(STATE), range(len(CAMERAS))),
        chunk_of_short=predict([0, 2], [1]),
    )


def statistics():
    def of(shape):
        low = torch.rand(shape) - 1
        return {'mean': low, 'std': torch.rand(shape) + 0.2, 'min': low, 'max': low + 1.5}

    keys = {'observation.state': (STATE,), 'action': (ACTIONS,)}
    keys |= dict.fromkeys(CAMERAS, (3, 1, 1))
    return {key: of(shape) for key, shape in keys.items()}


if __name__ == '__main__':
    main(*sys.argv[1:])
