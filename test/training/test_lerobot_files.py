"""Checkpoints in LeRobot's form, written by hand: what is read of them, and what is refused.

That they are what LeRobot writes is held by test_lerobot_act.py, which needs LeRobot.
"""

import json

import pytest
import torch

from neuracore_ros.description import DataType, Descriptions, embodiment
from neuracore_ros.errors import PolicyError
from neuracore_ros.training.external_model import ModelOrigin
from neuracore_ros.training.lerobot import read_checkpoint
from neuracore_ros.training.lerobot_act import ActNetwork, ActShape

save_file = pytest.importorskip('safetensors.torch').save_file

JOINTS, IMAGES = DataType.JOINT_POSITIONS, DataType.RGB_IMAGES
TARGETS = DataType.JOINT_TARGET_POSITIONS
SIZE = (32, 64)
STATE, ACTION, CAMERA = 'observation.state', 'action', 'observation.images.'
OURS = ('rgb_0', 'rgb_1')


def origin(**more):
    """An arm whose second index is a gap."""
    joints, cameras = {0: 'pan', 2: 'lift'}, {0: 'wrist', 1: 'top'}
    robot = embodiment({'JOINT_POSITIONS': joints, 'RGB_IMAGES': cameras})
    described = Descriptions(
        {'arm': robot}, {'arm': embodiment({'JOINT_TARGET_POSITIONS': joints})}
    )
    return ModelOrigin(described, ('arm',), 20.0, **more)


def write(folder, cameras=OURS, numbers=3, way='MEAN_STD', config=(), weights=()):
    """A checkpoint whose actions, before they are brought back, are all zero."""
    torch.manual_seed(0)
    keys = [CAMERA + name for name in cameras]
    shape = ActShape(numbers, len(keys), SIZE, numbers, 4, 32, 2, 16, 1, 1)
    network = ActNetwork(shape)
    torch.nn.init.zeros_(network.action_head.weight)
    torch.nn.init.zeros_(network.action_head.bias)
    state = {f'model.{name}': tensor for name, tensor in network.state_dict().items()}
    state['model.vae_encoder.weight'] = torch.zeros(1)
    save_file({**state, **dict(weights)}, folder / 'model.safetensors')
    features = {STATE: {'shape': [numbers]}} | {key: {'shape': [3, *SIZE]} for key in keys}
    record = {
        'type': 'act',
        'input_features': features,
        'output_features': {ACTION: {'shape': [numbers]}},
        'vision_backbone': 'resnet18',
        'feedforward_activation': 'relu',
        'pre_norm': False,
        **{'chunk_size': 4, 'dim_model': 32, 'n_heads': 2, 'dim_feedforward': 16},
        **{'n_encoder_layers': 1, 'n_decoder_layers': 1, 'latent_dim': 32},
    }
    (folder / 'config.json').write_text(json.dumps(record | dict(config)))
    found = {}
    for key, own in ((STATE, (numbers,)), (ACTION, (numbers,)), *((k, (3, 1, 1)) for k in keys)):
        for name, value in (('mean', 1.0), ('std', 2.0), ('min', -1.0), ('max', 4.0)):
            found[f'{key}.{name}'] = torch.full(own, value)
    ways = dict.fromkeys(('STATE', 'VISUAL', 'ACTION'), way)
    for name, step in (('pre', 'normalizer_processor'), ('post', 'unnormalizer_processor')):
        save_file(found, folder / f'{name}.safetensors')
        part = {'registry_name': step, 'config': {'norm_map': ways, 'eps': 1e-8}}
        part['state_file'] = f'{name}.safetensors'
        (folder / f'policy_{name}processor.json').write_text(json.dumps({'steps': [part]}))
    return folder


@pytest.mark.parametrize(('way', 'zero'), [('MEAN_STD', 1.0), ('MIN_MAX', 1.5), ('IDENTITY', 0.0)])
def test_what_was_normalised_is_brought_back(tmp_path, way, zero):
    found = read_checkpoint(write(tmp_path, way=way), origin())
    assert (found.manifest.horizon, found.manifest.image_size) == (4, SIZE)
    images = torch.zeros(1, 1, 2, *SIZE, 3, dtype=torch.uint8)
    inputs = {JOINTS.value: torch.zeros(1, 1, 3), IMAGES.value: images}
    valid = {JOINTS.value: torch.ones(1, 3) > 0, IMAGES.value: torch.ones(1, 2) > 0}
    chunk = found.module(inputs, valid)[TARGETS.value]
    assert torch.allclose(chunk, torch.full((1, 4, 3), zero))


def test_a_folder_of_a_training_is_looked_into(tmp_path):
    (tmp_path / 'pretrained_model').mkdir()
    write(tmp_path / 'pretrained_model')
    assert read_checkpoint(tmp_path, origin()).warnings == ()


def test_numbers_of_others_are_those_that_the_robot_has_in_its_order(tmp_path):
    found = read_checkpoint(write(tmp_path, ('top', 'wrist'), numbers=2), origin())
    assert found.module.state_columns.tolist() == [0, 2]
    assert found.module.camera_slots.tolist() == [1, 0]
    assert found.warnings[0] == (
        "observation.state is taken in the order of 'arm': JOINT_POSITIONS.0, JOINT_POSITIONS.2"
    )


def test_images_of_other_names_are_taken_in_order_and_that_is_told(tmp_path):
    found = read_checkpoint(write(tmp_path, ('left', 'right'), numbers=2), origin())
    assert found.warnings[0] == (
        'images are taken in the order of the robot file: left is wrist, right is top'
    )


@pytest.mark.parametrize(
    ('written', 'says'),
    [
        ({'config': {'type': 'diffusion'}}, "a policy of type 'diffusion'; only 'act' can be"),
        ({'config': {'vision_backbone': 'vgg'}}, "'vgg' is not known here; resnet18, resnet34"),
        ({'config': {'feedforward_activation': 'tanh'}}, "activation 'tanh' is not known"),
        ({'config': {'input_features': {STATE: {'shape': [3]}}}}, 'reads no images'),
        ({'config': {'input_features': {'force': {'shape': [3]}}}}, "reads 'force', which is not"),
        (
            {
                'config': {
                    'input_features': {
                        CAMERA + 'rgb_0': {'shape': [3, 8, 8]},
                        CAMERA + 'rgb_1': {'shape': [3, 9, 9]},
                    }
                }
            },
            'its images differ in size; one size can be read',
        ),
        ({'cameras': ('front',), 'numbers': 2}, 'Name the same cameras.'),
        ({'numbers': 2}, 'observation.state has 2 numbers; what was given describes 3'),
        ({'cameras': ('top', 'wrist'), 'numbers': 5}, 'has 5 numbers; the robot file describes 2'),
        ({'way': 'RANK'}, "normalises STATE by 'RANK', which is not known here"),
        ({'way': 'QUANTILES'}, "lacks 'q01' of observation.state"),
        ({'config': {'dim_model': 64}}, 'does not fit config.json'),
        ({'config': {'n_decoder_layers': 2}}, "lacks 'decoder.layers.1"),
        ({'weights': {'model.more': torch.zeros(1)}}, "has the unknown 'more'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(tmp_path, written, says):
    with pytest.raises(PolicyError) as refused:
        read_checkpoint(write(tmp_path, **written), origin())
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ('file', 'text', 'says'),
    [
        ('config.json', None, 'config.json: no such file; a checkpoint of LeRobot has it'),
        ('config.json', '{', 'config.json: is not JSON'),
        ('model.safetensors', None, 'model.safetensors: no such file'),
        ('model.safetensors', 'x', 'model.safetensors: is damaged'),
        ('policy_preprocessor.json', '{"steps": []}', "has 0 steps 'normalizer_processor', not"),
    ],
)
def test_a_file_that_is_missing_or_damaged_is_named(tmp_path, file, text, says):
    write(tmp_path)
    (tmp_path / file).unlink()
    if text is not None:
        (tmp_path / file).write_text(text)
    with pytest.raises(PolicyError) as refused:
        read_checkpoint(tmp_path, origin())
    assert says in str(refused.value)


def test_a_checkpoint_of_other_images_than_the_dataset_is_refused(tmp_path):
    with pytest.raises(PolicyError, match='reads images of 64 x 32 px, not of 8 x 8 px'):
        read_checkpoint(write(tmp_path), origin(image_size=(8, 8)))
