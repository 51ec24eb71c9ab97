"""One policy of an SO-101 from LeRobot's dataset, and a Panda and a UR5 from bags."""

import shutil

import numpy as np
import pytest

from helpers.three_arms import CONFIG, SO101_URDF, so101_state, write_arm_bag, write_cubes
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.loading.reading import read_columns

pytest.importorskip('torch')
# The SO-101 has the slots of the Panda's joints that do the same, as so100.yaml has.
SO101 = """
robot: so101
urdf: so101.urdf
input:
  JOINT_POSITIONS: {0: shoulder_pan, 1: shoulder_lift, 3: elbow_flex, 5: wrist_flex, 6: wrist_roll}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: gripper}
  RGB_IMAGES: {1: front}
  LANGUAGE: {0: instruction}
output:
  JOINT_TARGET_POSITIONS:
    {0: shoulder_pan, 1: shoulder_lift, 3: elbow_flex, 5: wrist_flex, 6: wrist_roll}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: gripper}
sources:
  JOINT_POSITIONS: {topic: observation.state, scale: 0.0174533, names: &motors {
    shoulder_pan: shoulder_pan.pos, shoulder_lift: shoulder_lift.pos, elbow_flex: elbow_flex.pos,
    wrist_flex: wrist_flex.pos, wrist_roll: wrist_roll.pos}}
  PARALLEL_GRIPPER_OPEN_AMOUNTS:
    {topic: observation.state, scale: 0.01, names: {gripper: gripper.pos}}
  RGB_IMAGES: {front: {topic: observation.images.front}}
  JOINT_TARGET_POSITIONS: {topic: action, scale: 0.0174533, names: *motors}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: action, scale: 0.01, names: {gripper: gripper.pos}}
commands:
  JOINT_TARGET_POSITIONS: {topic: arm_controller/joint_trajectory}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: gripper_controller/joint_trajectory}
"""


@pytest.fixture(scope='module')
def station(tmp_path_factory):
    """Robot files and recordings of three arms, converted into one dataset."""
    folder = tmp_path_factory.mktemp('station')
    (folder / 'so101.yaml').write_text(SO101)
    (folder / 'so101.urdf').write_text(SO101_URDF)
    for arm in ('franka', 'ur5'):
        shutil.copy(CONFIG / f'{arm}.yaml', folder)
    (folder / 'all.yaml').write_text(
        'robots: {so101: so101.yaml, franka: franka.yaml, ur5: ur5.yaml}\n'
    )
    write_cubes(folder / 'cubes')
    write_arm_bag(folder / 'bags/franka/episode_000', 'franka', ('wrist', 'overhead'))
    write_arm_bag(folder / 'bags/ur5/episode_000', 'ur5', ('overhead',), phase=1.0)
    recordings = {'so101': 'cubes', 'franka': 'bags/franka/*', 'ur5': 'bags/ur5/*'}
    for robot, recorded in recordings.items():
        words = [
            'convert',
            folder / 'data',
            '--description',
            folder / 'all.yaml',
            '--robot',
            robot,
        ]
        words += ['--rate-hz', 20, '--image-size', '64x48', folder / recorded]
        assert main([*map(str, words)]) == 0
    return folder


def test_the_dataset_has_all_three_in_one_layout(station):
    metadata = load_metadata(station / 'data')
    robots = [episode.robot for episode in metadata.episodes]
    assert robots == ['so101', 'so101', 'franka', 'ur5']
    assert {bool(metadata.episodes[0].bag), metadata.rate_hz} == {True, 20.0}
    columns = read_columns(station / 'data', metadata, 0)
    # Five of its joints, in radians; the Panda's slots 2 and 4 stay empty.
    degrees = so101_state(0, 0)
    assert columns.state[0, :7] == pytest.approx(
        np.radians([degrees[0], degrees[1], 0, degrees[2], 0, degrees[3], degrees[4]]), abs=1e-4
    )


@pytest.fixture(scope='module')
def policy(station):
    """A policy that is trained for two steps on all of them."""
    words = ['train', station / 'data', '--out', station / 'run', '--steps', 2, '--batch', 2]
    words += ['--horizon', 4, '--cache', 'none', '--threads', 1]
    assert main([*map(str, words)]) == 0
    return str(station / 'run' / 'policy.pt')


@pytest.mark.parametrize('robot', ['so101', 'franka', 'ur5'])
def test_one_policy_fits_each_of_them(station, policy, robot, capsys):
    assert main(['check', policy, str(station / f'{robot}.yaml')]) == 0, capsys.readouterr().err
    said = capsys.readouterr()
    assert 'error' not in said.out + said.err


@pytest.mark.parametrize(
    ('robot', 'recording'),
    [('so101', 'cubes/episode_000001'), ('ur5', 'bags/ur5/episode_000')],
)
def test_a_recording_is_checked_and_evaluated(station, policy, robot, recording, capsys):
    words = [policy, str(station / f'{robot}.yaml')]
    assert main(['check', *words, '--bag', str(station / recording)]) == 0
    assert main(['evaluate', *words, str(station / recording)]) == 0, capsys.readouterr().err
