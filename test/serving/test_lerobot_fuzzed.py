"""Whatever stands in the files of LeRobot, it becomes a server file or one line."""

import contextlib
import json

import pytest

from helpers.lerobot_files import NAMES, SO101, write_checkpoint, write_dataset
from helpers.mutations import budget, spoilt
from neuracore_ros.description import load_robot
from neuracore_ros.errors import UserError
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.policy.remote.server_map import ServerMap
from neuracore_ros.serving.lerobot.checkpoint import read_lerobot_checkpoint
from neuracore_ros.serving.lerobot.drafted_map import LerobotWiring, server_file_of
from neuracore_ros.serving.lerobot.names import read_calibration, read_dataset_names
from neuracore_ros.serving.lerobot.units import JointUnits, LerobotUnits

POS = [f'{name}.pos' for name in NAMES]


@pytest.fixture
def folder(tmp_path):
    renamed = {'observation.images.top': 'observation.images.front'}
    steps = [
        {'registry_name': 'rename_observations_processor', 'config': {'rename_map': renamed}},
        {'registry_name': 'normalizer_processor', 'state_file': 'policy_s.safetensors'},
        {'registry_name': 'relative_actions_processor', 'config': {'action_names': POS}},
        {'registry_name': 'tokenizer_processor', 'config': {'tokenizer_name': 'a/b'}},
    ]
    config = {'type': 'pi05', 'action_feature_names': POS, 'pretrained_path': None}
    act = write_checkpoint(tmp_path / 'act', config, steps[:2], steps[2:])
    (act / 'policy_s.safetensors').write_bytes((act / 'model.safetensors').read_bytes())
    (act / 'train_config.json').write_text(json.dumps({'dataset': {'repo_id': 'me/cubes'}}))
    write_dataset(tmp_path / 'data', POS, POS)
    ranges = {'id': 1, 'drive_mode': 0, 'homing_offset': 0, 'range_min': 0, 'range_max': 4095}
    (tmp_path / 'arm.json').write_text(json.dumps(dict.fromkeys(NAMES, ranges)))
    (tmp_path / 'so101.yaml').write_text(SO101)
    return tmp_path


def read(folder, robot):
    units = JointUnits(LerobotUnits.NORMALIZED, (0, 100), read_calibration(folder / 'arm.json'))
    wiring = LerobotWiring(
        read_dataset_names(folder / 'data'), robot, units, {'top': 'front'}, has_task=True
    )
    checkpoint = read_lerobot_checkpoint(folder / 'act')
    text = server_file_of(checkpoint, wiring, 8, None)
    return ServerMap(ServerFile.parse(text, folder)).manifest()


def test_all_of_it_can_be_read(folder):
    assert read(folder, load_robot(folder / 'so101.yaml')).rate_hz == 30


@pytest.mark.parametrize(
    'name',
    [
        'act/config.json',
        'act/policy_preprocessor.json',
        'act/policy_postprocessor.json',
        'act/train_config.json',
        'data/meta/info.json',
        'arm.json',
    ],
)
def test_a_spoilt_file_is_read_or_refused_in_one_line(folder, name):
    path, robot = folder / name, load_robot(folder / 'so101.yaml')
    whole = path.read_text()
    for seed in range(budget(150)):
        path.write_bytes(spoilt(whole, (name, seed)))
        with contextlib.suppress(UserError):
            read(folder, robot)
