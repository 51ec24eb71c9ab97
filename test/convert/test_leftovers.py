"""What a killed recorder left behind: `convert` says where it lies, and reads it if it is given."""

import shutil

import pytest

from helpers.small_bags import ROS2, write_bag
from helpers.two_arms import joint_states
from neuracore_ros.bags.writer import BagWriter, rescue

JOINT_STATE = 'sensor_msgs/msg/JointState'
NOBODY = 999999999


def left_by_killed_recorder(folder, name='episode_001', start=10.0):
    """Two seconds of an episode, as they are on the disk when its recorder is killed."""
    writer = BagWriter(folder / name, {'/joint_states': JOINT_STATE})
    for topic, message, log_ns in joint_states(2.0, start=start):
        writer.write(topic, log_ns, bytes(ROS2.serialize_cdr(message, JOINT_STATE)))
    writer.flush()
    (partial,) = folder.glob('.partial-*')
    return partial.rename(folder / f'.partial-{name}-{NOBODY}') / name


@pytest.fixture
def bags(tmp_path):
    """A folder with one whole episode, and one that is not."""
    write_bag(tmp_path / 'bags' / 'episode_000', joint_states(2.0))
    left_by_killed_recorder(tmp_path / 'bags')
    return tmp_path / 'bags'


@pytest.mark.parametrize('given', ['*', 'episode_000', 'episode_000/episode_000.mcap'])
def test_what_a_pattern_overlooks_is_named(bags, convert, given):
    code, out, error = convert(bags / given)
    left = bags / f'.partial-episode_001-{NOBODY}' / 'episode_001'
    assert error == (
        f'{left}: not among the bags, and not complete (was its recorder killed?): '
        'give it, too, to convert what it holds\n'
    )
    assert code == 0 and '1 episode, 40 steps' in out


def test_what_was_left_behind_is_converted_where_it_is_given(bags, convert):
    left = bags / f'.partial-episode_001-{NOBODY}' / 'episode_001'
    code, out, error = convert(bags / '*', left)
    assert (code, error) == (0, '') and f'{left}: 1 episode, 40 steps' in out
    # The recorder gives it its name when it is started again.
    (named,) = rescue(bags)
    assert f'{named}: skipped, already in the dataset (1 episode), as {left}' in convert(named)[1]


def test_a_folder_of_which_nothing_is_whole_names_what_is_there(tmp_path, convert):
    (tmp_path / 'bags').mkdir()
    left = left_by_killed_recorder(tmp_path / 'bags')
    for given in (tmp_path / 'bags', tmp_path / 'bags' / '*', left.parent):
        code, _, error = convert(given)
        assert code == 1 and str(left) in error
    assert f'give the bags inside it: {left}' in convert(left.parent)[2]


def test_a_ros1_bag_that_was_never_completed_is_named(tmp_path, convert):
    bag = write_bag(tmp_path / 'bags' / 'one.bag', joint_states(2.0, kind='ros1'), 'ros1')
    active = shutil.copy(bag, bag.with_name('two.bag.active'))
    assert f'{active}: not among the bags, and not complete' in convert(bag)[2]
    assert convert(bag, active)[2] == ''


def test_an_episode_that_is_being_recorded_is_not_named(tmp_path, convert):
    bag = write_bag(tmp_path / 'bags' / 'episode_000', joint_states(2.0))
    writer = BagWriter(tmp_path / 'bags' / 'episode_001', {'/joint_states': JOINT_STATE})
    assert convert(bag)[2] == ''
    writer.discard()
