"""`neuracore_ros check --bag` says of a recording what `convert` says."""

import json

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from mcap.writer import CompressionType

from helpers.damaged_bags import write_mcap
from helpers.small_bags import Messages, at, write_bag
from helpers.small_policies import StandStill
from helpers.two_arms import NUMBERS, describe, images, joint_states
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save


@pytest.fixture
def both(tmp_path, capsys):
    """What convert and check say of a recording: their exit codes, and their words."""
    slots = (0, 1, 2)
    manifest = Manifest(
        input={DataType.JOINT_POSITIONS: InputSlots(3, slots)},
        output={DataType.JOINT_POSITIONS: OutputSlots(3, slots)},
        rate_hz=20.0,
        horizon=4,
    )
    save(StandStill(4, key='JOINT_POSITIONS'), manifest, tmp_path / 'policy.pt')

    def run(bag, robot=NUMBERS):
        description = describe(tmp_path, numbers=robot)
        main(
            [
                'convert',
                str(tmp_path / 'data'),
                str(bag),
                '--description',
                str(description),
                '--json',
            ]
        )
        (converted,) = json.loads(capsys.readouterr().out)['bags']
        arguments = [str(tmp_path / 'policy.pt'), str(tmp_path / 'numbers.yaml')]
        main(['check', *arguments, '--bag', str(bag), '--json'])
        return converted, json.loads(capsys.readouterr().out)

    return run


def test_of_a_good_recording_they_say_the_same(tmp_path, both):
    messages = joint_states(2.0) + joint_states(2.0, start=3.0)
    converted, checked = both(write_bag(tmp_path / 'bag', messages))
    assert not checked['errors']
    assert f'2 episodes, {converted["steps"]} steps; ' in checked['facts'][-1]
    assert f'{converted["ticks_unusable"]} of {converted["ticks"]} ticks' in checked['facts'][-1]


def test_of_a_damaged_recording_they_say_that_the_same_is_lost(tmp_path, both):
    bag = write_mcap(
        tmp_path / 'bag.mcap', joint_states(4.0), 6000, compression=CompressionType.NONE
    )
    data = bytearray(bag.read_bytes()[:-200])
    data[len(data) // 3] ^= 1
    bag.write_bytes(data)
    converted, checked = both(bag)
    assert len(converted['losses']) > 1 and not checked['errors']
    assert [f'{bag}: lost: {loss}' for loss in converted['losses']] == checked['warnings']


@pytest.mark.parametrize('late_s', [0.5, 1e9])
def test_of_a_recording_that_is_no_use_they_give_the_same_reason(tmp_path, both, late_s):
    messages = [
        ('/joint_states', Messages().joints(at(t - late_s), a=t, c=t), at(t))
        for t in np.arange(50) / 50
    ]
    converted, checked = both(write_bag(tmp_path / 'bag', messages))
    assert checked['errors'] == [converted['error']] and 'stamp: receive' in converted['error']


def test_of_images_smaller_than_their_crop_they_say_the_same(tmp_path, both):
    robot = NUMBERS.replace(
        'input: {JOINT_POSITIONS: {0: a, 2: c}}',
        'input: {JOINT_POSITIONS: {0: a, 2: c}, RGB_IMAGES: {0: top}}',
    ).replace(
        'sources: {JOINT_POSITIONS: {topic: /joint_states}}',
        'sources: {JOINT_POSITIONS: {topic: /joint_states}, '
        'RGB_IMAGES: {topic: /front/image_raw, crop: [60, 0, 8, 8]}}',
    )
    messages = joint_states(1.0) + images(1.0)
    converted, checked = both(write_bag(tmp_path / 'bag', messages), robot)
    assert converted['error'] == checked['errors'][-1]
    assert "'top' (RGB_IMAGES index 0): the image is 64 x 48 px" in converted['error']
    assert 'its crop [60, 0, 8, 8] ends at column 68 and row 8' in converted['error']
