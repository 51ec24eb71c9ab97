"""Bags as the recorder writes them, without a graph: whole, cut, discarded, and rescued."""

import os

import pytest

from neuracore_ros.bags.bag import open_bag
from neuracore_ros.bags.writer import STRING, BagWriter, next_episode, require_type, rescue
from neuracore_ros.cli.main import main
from neuracore_ros.errors import BagError, WriteError
from neuracore_ros.files import locked

STATE = 'sensor_msgs/msg/JointState'


def begun(path, **more):
    """A bag of two words, still open."""
    writer = BagWriter(path, {'/said': STRING, '/joint_states': STATE}, **more)
    for time_ns, word in ((10**9, 'one'), (3 * 10**9, 'two')):
        writer.write_text('/said', time_ns, word)
    return writer


def words(path):
    with open_bag(path) as bag:
        return [recorded.message.data for recorded in bag.read(['/said'])]


def test_a_bag_is_there_under_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / 'episode_000'
    writer = begun(path, latched=['/said'], notes={'task': 'wave'})
    assert not path.exists()
    assert (writer.counts, writer.duration_s) == ({'/said': 2, '/joint_states': 0}, 2.0)
    writer.close()
    assert words(path) == ['one', 'two']
    with open_bag(path) as bag:
        assert (bag.task, bag.topics['/joint_states'].count) == ('wave', 0)
    assert [each.name for each in tmp_path.iterdir()] == ['episode_000']


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / 'episode_000').mkdir()
    with pytest.raises(BagError, match='is there already: recordings are never overwritten'):
        begun(tmp_path / 'episode_000')


def test_what_cannot_be_written_is_told_with_its_place(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(WriteError, match=r'file/.*episode_000.*: cannot be written: Not a direct'):
        begun(tmp_path / 'file' / 'episode_000')


def test_a_bag_that_cannot_get_its_name_says_where_it_lies(tmp_path):
    writer = begun(tmp_path / 'episode_000')
    (tmp_path / 'episode_000').touch()
    with pytest.raises(BagError, match='cannot be completed: .*; what there is lies in .*partial'):
        writer.close()


def test_a_cut_bag_is_read_without_its_end(tmp_path):
    writer = begun(tmp_path / 'episode_000')
    writer.flush()
    writer.close_cut()
    assert words(tmp_path / 'episode_000') == ['one', 'two']


def test_a_discarded_bag_leaves_nothing(tmp_path):
    begun(tmp_path / 'episode_000').discard()
    assert list(tmp_path.iterdir()) == []


def test_the_next_episode_comes_after_all_that_are_there(tmp_path):
    assert next_episode(tmp_path).name == 'episode_000'
    for name in ('episode_003', 'episode_x', 'other_009'):
        (tmp_path / name).mkdir()
    assert next_episode(tmp_path).name == 'episode_004'


def killed(folder, name, process='999999999'):
    """What a recorder leaves that was killed after a flush."""
    writer = begun(folder / name)
    writer.flush()
    partial = folder / f'.partial-{name}-{os.getpid()}'
    return partial.rename(folder / f'.partial-{name}-{process}')


def test_bags_of_killed_recorders_get_a_name_that_is_free(tmp_path):
    killed(tmp_path, 'episode_000')
    begun(tmp_path / 'episode_001').close()
    killed(tmp_path, 'episode_002')
    (tmp_path / 'episode_002').mkdir()
    assert [path.name for path in rescue(tmp_path)] == ['episode_000', 'episode_003']
    assert words(tmp_path / 'episode_003') == ['one', 'two']


def test_what_a_recorder_still_writes_and_what_nobody_can_read_stay(tmp_path):
    running = killed(tmp_path, 'episode_000', str(os.getpid()))
    empty = tmp_path / '.partial-episode_001-999999999'
    (empty / 'episode_001').mkdir(parents=True)
    of_root = killed(tmp_path, 'episode_002', '1')
    assert rescue(tmp_path) == []
    assert running.exists() and empty.exists() and of_root.exists()


def test_types_of_a_workspace_are_found_with_all_that_they_hold(tmp_path, monkeypatch):
    folder = tmp_path / 'share' / 'arm_msgs' / 'msg'
    folder.mkdir(parents=True)
    (folder / 'Grip.msg').write_text('float64 width\n')
    (folder / 'Hands.msg').write_text('arm_msgs/Grip left\narm_msgs/Grip[] others\n')
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    writer = BagWriter(tmp_path / 'episode_000', {'/hands': 'arm_msgs/msg/Hands'})
    writer.close()
    with pytest.raises(BagError, match='holds no message'), open_bag(tmp_path / 'episode_000'):
        pass


def test_a_type_that_nobody_defines_names_its_package(tmp_path, monkeypatch):
    monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)
    with pytest.raises(BagError, match='source the workspace that has leg_msgs'):
        require_type('leg_msgs/msg/Leg')
    folder = tmp_path / 'share' / 'torso_msgs' / 'msg'
    folder.mkdir(parents=True)
    (folder / 'Torso.msg').write_text('leg_msgs/Leg left\n')
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    with pytest.raises(BagError, match=r'leg_msgs/msg/Leg \(which torso_msgs/msg/Torso needs\)'):
        require_type('torso_msgs/msg/Torso')


@pytest.mark.parametrize(
    'odd',
    [
        'episode_²',
        'episode_',
        'episode_٣',
        'episode_5a',
        '.partial-episode_000-99999999999999999999999',
        '.partial-episode_000-',
        '.partial-episode_²-1',
    ],
)
def test_folders_that_only_look_like_episodes_are_left_alone(tmp_path, odd):
    (tmp_path / odd / 'episode_000').mkdir(parents=True)
    (tmp_path / 'episode_004').mkdir()
    assert rescue(tmp_path) == []
    assert next_episode(tmp_path) == tmp_path / 'episode_005'
    assert (tmp_path / odd / 'episode_000').is_dir()


def test_links_among_what_killed_recorders_left_are_not_followed(tmp_path):
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    bag = killed(elsewhere, 'episode_000')
    folder = tmp_path / 'bags'
    folder.mkdir()
    (folder / bag.name).symlink_to(bag)
    inner = folder / '.partial-episode_001-999999999'
    inner.mkdir()
    (inner / 'episode_001').symlink_to(bag / 'episode_000')
    assert rescue(folder) == []
    assert (bag / 'episode_000').is_dir()


def test_what_lies_beside_a_rescued_bag_stays(tmp_path):
    mine = killed(tmp_path, 'episode_000') / 'notes'
    mine.write_text('mine')
    assert [path.name for path in rescue(tmp_path)] == ['episode_000']
    assert mine.read_text() == 'mine'


def test_a_killed_recorder_of_a_container_had_the_number_of_this_process(tmp_path):
    killed(tmp_path, 'episode_000', str(os.getpid()))
    assert next_episode(tmp_path).name == 'episode_001'
    assert [path.name for path in rescue(tmp_path, but=[os.getpid()])] == ['episode_000']


def test_a_bag_is_not_written_through_a_link(tmp_path):
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    (tmp_path / f'.partial-episode_000-{os.getpid()}').symlink_to(elsewhere)
    with pytest.raises(WriteError, match='cannot be written: File exists'):
        begun(tmp_path / 'episode_000')
    (tmp_path / 'episode_001').symlink_to(tmp_path / 'nowhere')
    with pytest.raises(BagError, match='episode_001 is there already'):
        begun(tmp_path / 'episode_001')
    assert list(elsewhere.iterdir()) == []


def test_two_recorders_of_one_folder_are_kept_apart(tmp_path, capsys):
    pytest.importorskip('rclpy')
    with locked(tmp_path, 'record', ''):
        assert main(['record', 'ur5', '--out', str(tmp_path), '--seconds', '1']) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f'another record (process {os.getpid()}) is writing to it; wait for it, or' in line
    assert list(tmp_path.iterdir()) == []
