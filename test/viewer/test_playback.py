"""Slot values out of recordings are those that `convert` writes into datasets."""

import re

import numpy as np
import pytest

from helpers.small_bags import FORMATS, write_bag
from helpers.three_arms import CONFIG, write_arm_bag, write_cubes
from helpers.two_arms import (
    LEFT,
    describe,
    images,
    joint_states,
    record_left,
    record_left_in_pieces,
)
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.errors import UserError
from neuracore_ros.loading.reading import read_columns
from neuracore_ros.viewer.playback import Playback, recordings

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
HANDS = DataType.END_EFFECTOR_POSES


def left(folder):
    describe(folder, left=LEFT)
    return load_robot(folder / 'left.yaml')


def converted(folder, robot_file, *bags):
    """The dataset that `convert` makes of bags."""
    data, size = folder / 'data', ('--image-size', '32x24', '--min-steps', '2')
    words = ['convert', data, '--description', robot_file, *bags, *size]
    assert main([*map(str, words)]) == 0
    return data, load_metadata(data)


@pytest.mark.parametrize('kind', FORMATS)
def test_the_values_of_a_bag_are_the_rows_of_its_dataset(tmp_path, kind):
    robot, bag = left(tmp_path), record_left(tmp_path / 'bag.bag', kind=kind)
    data, metadata = converted(tmp_path, tmp_path / 'left.yaml', bag)
    playback, rows = Playback.open(bag, robot), read_columns(data, metadata, 0)
    state, action = rows.state, rows.action
    for column, index in ((0, 0), (2, 2)):
        assert np.array_equal(playback.values[JOINTS, index], state[:, column])
        assert np.array_equal(playback.values[TARGETS, index], action[:, column])
    assert (JOINTS, 1) not in playback.values
    assert playback.duration_s == pytest.approx((len(state) - 1) / 20)


def test_a_recording_with_a_silence_is_played_in_its_pieces(tmp_path):
    robot, bag = left(tmp_path), record_left_in_pieces(tmp_path / 'bag')
    data, metadata = converted(tmp_path, tmp_path / 'left.yaml', bag)
    rows = np.concatenate([read_columns(data, metadata, n).state for n in range(2)])
    playback = Playback.open(bag, robot)
    # Rows of convert end where the camera does; what joints did after that is seen as well.
    played = dict(zip(playback.times_s.round(6), playback.values[JOINTS, 0], strict=True))
    starts = [episode.start_ns for episode in metadata.episodes]
    times = [
        (start - starts[0]) / 1e9 + k / 20
        for start, episode in zip(starts, metadata.episodes, strict=True)
        for k in range(episode.steps)
    ]
    assert [played[round(time, 6)] for time in times] == rows[:, 0].tolist()
    held = playback.slots_at(1.8)[JOINTS, 0]
    assert held == max(v for t, v in played.items() if t <= 1.8)


@pytest.mark.parametrize('arm', ['franka', 'ur5'])
def test_the_poses_of_a_chain_are_the_rows_of_its_dataset(tmp_path, arm):
    (tmp_path / f'{arm}.urdf').write_text((CONFIG / f'{arm}.urdf').read_text())
    file = tmp_path / f'{arm}_hand.yaml'
    file.write_text(re.sub(', crop: .*]', '', (CONFIG / f'{arm}_hand.yaml').read_text()))
    bag = write_arm_bag(tmp_path / 'bag', arm, ('overhead',))
    data, metadata = converted(tmp_path, file, bag)
    rows = metadata.input_layout.split(read_columns(data, metadata, 0).state)[HANDS]
    playback = Playback.open(bag, load_robot(file))
    assert np.array_equal(playback.values[HANDS, 0][: len(rows)], rows[:, 0])
    assert playback.slots_at(0.1)[HANDS, 0] == tuple(rows[2, 0].tolist())


def test_an_episode_of_a_dataset_is_played_by_its_slots(tmp_path):
    robot, bag = left(tmp_path), record_left(tmp_path / 'bag')
    data, metadata = converted(tmp_path, tmp_path / 'left.yaml', bag)
    playback, rows = Playback.open(data / 'episode_0', robot), read_columns(data, metadata, 0)
    assert [Playback.open(each, robot).name for each in recordings(data)] == [playback.name]
    for k in (0, 7, 39):
        values = playback.slots_at(k / 20)
        assert values[JOINTS, 0] == rows.state[k, 0] and values[TARGETS, 2] == rows.action[k, 2]
    assert (JOINTS, 1) not in playback.slots_at(0.0)
    with pytest.raises(UserError, match=r'has no episode 3; it has 1, counted from 0'):
        Playback.open(data / 'episode_3', robot)


def test_before_the_first_tick_and_after_the_last_one_the_nearest_values_hold(tmp_path):
    playback = Playback.open(record_left(tmp_path / 'bag'), left(tmp_path))
    assert playback.slots_at(-5.0) == playback.slots_at(0.0)
    assert playback.slots_at(1e9) == playback.slots_at(playback.duration_s)


def test_an_episode_of_lerobot_is_played_in_the_slots_of_the_robot_file(tmp_path):
    text = """
robot: so101
limits: {pan: {position: [-2, 2], velocity: 1}}
input: {JOINT_POSITIONS: {0: pan}}
output: {JOINT_POSITIONS: {0: pan}}
sources:
  JOINT_POSITIONS:
    pan: {topic: observation.state, names: {pan: shoulder_pan.pos}, scale: 0.0174533}
commands: {JOINT_POSITIONS: {topic: /arm}}
"""
    (tmp_path / 'so101.yaml').write_text(text)
    data = write_cubes(tmp_path / 'cubes')
    playback = Playback.open(data / 'episode_1', load_robot(tmp_path / 'so101.yaml'), rate_hz=30.0)
    wanted = [110 * 0.9 * np.sin(0.05 * k + 1) * 0.0174533 for k in range(40)]
    np.testing.assert_allclose(playback.values[JOINTS, 0], wanted, rtol=1e-5)


def test_a_dataset_means_its_episodes_and_a_bag_itself(tmp_path):
    data = write_cubes(tmp_path / 'cubes')
    assert [each.name for each in recordings(data)] == ['episode_000000', 'episode_000001']
    assert recordings(tmp_path / 'bag') == [tmp_path / 'bag']


def test_a_camera_that_was_not_recorded_is_left_out_with_a_note(tmp_path):
    bag = write_bag(tmp_path / 'bag', joint_states(1.0))
    playback = Playback.open(bag, left(tmp_path))
    assert playback.values[JOINTS, 0][0] == pytest.approx(0.0)
    assert '/front/image_raw' in ' '.join(playback.notes)


def test_a_recording_without_the_joints_is_refused_in_one_line(tmp_path):
    bag = write_bag(tmp_path / 'bag', joint_states(1.0, topic='/other'))
    with pytest.raises(UserError, match=r'/joint_states.*is not in the bag') as refused:
        Playback.open(bag, left(tmp_path))
    assert '\n' not in str(refused.value)


def test_a_recording_whose_messages_lack_a_joint_is_refused_by_its_name(tmp_path):
    bag = write_bag(tmp_path / 'bag', joint_states(1.0, names='ab'))
    with pytest.raises(UserError, match=r"'c'"):
        Playback.open(bag, left(tmp_path))


def test_a_recording_whose_streams_follow_each_other_is_refused_in_one_line(tmp_path):
    streams = joint_states(1.0) + images(1.0, start=5.0)
    bag = write_bag(tmp_path / 'bag', streams)
    with pytest.raises(UserError) as refused:
        Playback.open(bag, left(tmp_path))
    # That joints are five seconds old at the end of the bag is no reason.
    assert str(refused.value) == (
        f'{bag}: there is no tick at which all of its streams have values'
    )


@pytest.mark.parametrize('name', ['nothing', 'data', 'data/episode_00x'])
def test_what_is_no_recording_is_refused_in_one_line(tmp_path, name):
    with pytest.raises(UserError):
        Playback.open(tmp_path / name, left(tmp_path))
