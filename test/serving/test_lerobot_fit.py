"""A server file that is none of a checkpoint is refused before anything is sent."""

import pytest

from helpers.lerobot_files import FILE, write_checkpoint
from neuracore_ros.description.shipped import shipped_servers
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.serving.lerobot.checkpoint import read_lerobot_checkpoint
from neuracore_ros.serving.lerobot.fit import require_fit


@pytest.fixture
def checkpoint(tmp_path):
    return read_lerobot_checkpoint(write_checkpoint(tmp_path / 'act'))


def check(checkpoint, text, horizon=8):
    require_fit(ServerFile.parse(text, checkpoint.folder), checkpoint, horizon)


def test_a_server_file_of_the_checkpoint_fits(checkpoint):
    check(checkpoint, FILE)


@pytest.mark.parametrize(
    ('before', 'after', 'said'),
    [
        ('server: openpi', 'server: gr00t\nversion: "1.7"', 'server is gr00t'),
        ('horizon: 8', 'horizon: 9', 'write horizon: 8'),
        (
            'send:',
            'steps: {images: [-1, 0], numbers: [-1, 0]}\nsend:',
            'sends 2 observation steps',
        ),
        ('images.front:', 'images.frnt:', "sends 'observation.images.frnt'"),
        (
            '  observation.images.wrist: {RGB_IMAGES: 1, size: [48, 64]}\n',
            '',
            "does not send 'observation.images.wrist'",
        ),
        ('receive:', '  task: LANGUAGE\nreceive:', "sends 'task', which the policy does not read"),
        ('0, size: [48, 64]', '0, size: [64, 48]', 'is [64, 48] hwc; the policy was trained on'),
        ('1, size: [48, 64]', '1, size: [48, 64], layout: chw', 'is [48, 64] chw'),
        ('front: {RGB_IMAGES: 0, size: [48, 64]}', 'front: LANGUAGE', 'is an image: write'),
        (
            '[0, 1, 2, 3, 4], scale: 0.0174532925}\n    - {PARALLEL_GRIPPER_OPEN',
            '[0, 1, 2], scale: 0.0174532925}\n    - {PARALLEL_GRIPPER_OPEN',
            'observation.state: must be a list of 6 columns',
        ),
        (
            '[0, 1, 2, 3, 4], scale: 0.0174532925}\n    - {PARALLEL_GRIPPER_TARGET',
            '[0, 1, 2], scale: 0.0174532925}\n    - {PARALLEL_GRIPPER_TARGET',
            "action has 4 columns; the policy gives one array, 'action', of 6",
        ),
    ],
)
def test_a_server_file_of_something_else_is_refused(checkpoint, before, after, said):
    assert before in FILE
    with pytest.raises(PolicyError) as caught:
        check(checkpoint, FILE.replace(before, after, 1))
    assert said in str(caught.value)


def test_the_shipped_server_file_is_one_of_an_act_policy(tmp_path):
    inputs = {
        'observation.state': {'type': 'STATE', 'shape': [6]},
        'observation.images.front': {'type': 'VISUAL', 'shape': [3, 480, 640]},
    }
    folder = write_checkpoint(tmp_path / 'act', {'input_features': inputs})
    file = ServerFile.read(shipped_servers()['lerobot_so101.server.yaml'])
    require_fit(file, read_lerobot_checkpoint(folder), 100)
