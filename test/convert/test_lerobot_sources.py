"""`neuracore_ros convert` takes LeRobot datasets as it takes bags."""

import json
import shutil

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.dataset_snapshots import contents
from helpers.interrupted_runs import killed_run
from helpers.lerobot_arm import convert_words, write_robot
from helpers.lerobot_datasets import LENGTHS, TASKS, action, state, write_lerobot
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.dataset.tables import open_table, read_tasks
from neuracore_ros.loading.batches import Batches


def radians(degrees):
    """As the scale of the robot file makes them, in double precision."""
    return (np.array(degrees, np.float64) * 0.017453292519943295).astype(np.float32)


@pytest.fixture
def robot(tmp_path):
    return write_robot(tmp_path)


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    return write_lerobot(tmp_path_factory.mktemp('source') / 'so101', cameras=('front',))


@pytest.fixture(scope='module')
def alone(tmp_path_factory, source):
    """The dataset that one process makes of it at once."""
    folder = tmp_path_factory.mktemp('alone')
    assert main(convert_words(folder / 'data', write_robot(folder), source)) == 0
    return contents(folder / 'data')


def column(data, episode, key):
    with open_table(data / f'data/chunk-000/file-{episode:03d}.parquet') as table:
        return np.array(table.read([key])[key].to_pylist())


def lines(text):
    return [line for line in text.splitlines() if 'convert:' in line]


@pytest.mark.parametrize('version', ['v2.1', 'v3.0'])
def test_an_episode_becomes_an_episode_row_by_row(tmp_path, robot, version):
    root = write_lerobot(tmp_path / 'set', version, cameras=('front',))
    data = tmp_path / 'data'
    assert main(convert_words(data, robot, root)) == 0
    metadata = load_metadata(data)
    assert [episode.steps for episode in metadata.episodes] == [*LENGTHS]
    assert [episode.bag for episode in metadata.episodes] == [
        f'{root}/episode_{number:06d}' for number in range(3)
    ]
    assert [*read_tasks(data)] == [*TASKS]
    for number, length in enumerate(LENGTHS):
        for key, function in (('observation.state', state), ('action', action)):
            wanted = radians([function(number, k)[[0, 2]] for k in range(length)])
            found = column(data, number, key)[:, [0, 2]]
            np.testing.assert_array_equal(found, wanted)


def test_a_source_needs_no_type_even_where_it_is_a_command(tmp_path, source, alone):
    """JointTrajectory is the usual type of targets; a JointState may be written as well."""
    typed = write_robot(tmp_path, **{'{topic: action,': '{topic: action, type: JointState,'})
    assert main(convert_words(tmp_path / 'data', typed, source)) == 0
    assert contents(tmp_path / 'data').keys() == alone.keys()
    np.testing.assert_array_equal(
        column(tmp_path / 'data', 1, 'action')[:, 0],
        radians([action(1, k)[0] for k in range(LENGTHS[1])]),
    )


def test_numbers_without_names_are_read_by_their_order(tmp_path):
    root = write_lerobot(tmp_path / 'set', cameras=('front',), form=None)
    order = '[shoulder_pan, shoulder_lift, elbow_flex, wrist_flex, wrist_roll, gripper]'
    names = 'names: {shoulder_pan: shoulder_pan.pos, elbow_flex: elbow_flex.pos}'
    robot = write_robot(tmp_path, **{names: f'order: {order}'})
    assert main(convert_words(tmp_path / 'data', robot, root)) == 0
    found = column(tmp_path / 'data', 0, 'observation.state')[:, 2]
    wanted = radians([state(0, k)[2] for k in range(LENGTHS[0])])
    np.testing.assert_array_equal(found, wanted)


def test_numbers_without_names_are_read_by_their_places(tmp_path):
    root = write_lerobot(tmp_path / 'set', cameras=('front',), form=None)
    robot = tmp_path / 'so101.yaml'
    text = write_robot(tmp_path).read_text()
    for topic in ('observation.state', 'action'):
        text = text.replace(
            f'{{topic: {topic}, names: {{shoulder_pan: shoulder_pan.pos, elbow_flex: elbow_flex.pos}}',
            f'{{topic: {topic}, names: {{shoulder_pan: {topic}.0, elbow_flex: {topic}.2}}',
        )
    robot.write_text(text)
    assert main(convert_words(tmp_path / 'data', robot, root)) == 0


def test_a_name_that_the_dataset_lacks_is_told_with_those_that_it_has(tmp_path, source, capsys):
    robot = write_robot(tmp_path, **{'elbow_flex: elbow_flex.pos': 'elbow_flex: elbow.pos'})
    assert main(convert_words(tmp_path / 'data', robot, source)) == 1
    error = capsys.readouterr().err
    assert "observation.state lacks 'elbow.pos'" in error
    assert "did you mean 'elbow_flex.pos'" in error and 'gripper.pos' in error


def test_a_feature_that_the_dataset_lacks_is_told_with_the_nearest(tmp_path, source, capsys):
    robot = write_robot(tmp_path, **{'observation.images.front': 'observation.images.from'})
    assert main(convert_words(tmp_path / 'data', robot, source)) == 1
    error = capsys.readouterr().err
    assert 'observation.images.from' in error and 'did you mean observation.images.front' in error


def test_a_feature_of_another_kind_is_told(tmp_path, source, capsys):
    robot = write_robot(tmp_path, **{'{topic: observation.images.front}': '{topic: action}'})
    assert main(convert_words(tmp_path / 'data', robot, source)) == 1
    error = capsys.readouterr().err
    assert 'action holds sensor_msgs/msg/JointState' in error and 'Traceback' not in error


def test_degrees_that_are_taken_for_radians_are_refused_with_the_unit(tmp_path, source, capsys):
    robot = write_robot(tmp_path, **{', scale: 0.017453292519943295': ''})
    assert main(convert_words(tmp_path / 'data', robot, source / 'episode_000002')) == 1
    assert 'degrees' in capsys.readouterr().err
    assert not [*(tmp_path / 'data').glob('data/**/*.parquet')]


def test_what_is_in_the_dataset_is_skipped_without_being_read(
    tmp_path, robot, source, alone, capsys, monkeypatch
):
    data = tmp_path / 'data'
    assert main(convert_words(data, robot, source)) == 0
    capsys.readouterr()
    monkeypatch.setattr('neuracore_ros.convert.convert_bag.open_bag', None)
    assert main(convert_words(data, robot, source)) == 0
    assert capsys.readouterr().out.count('skipped, already in the dataset (1 episode)') == 3
    assert contents(data) == alone


def test_new_episodes_of_a_dataset_are_added(tmp_path, robot, capsys):
    root = write_lerobot(tmp_path / 'set', 'v2.1', cameras=('front',), lengths=(5, 6, 7))
    listed = root / 'meta/episodes.jsonl'
    every = listed.read_text()
    listed.write_text(''.join(every.splitlines(keepends=True)[:2]))
    data = tmp_path / 'data'
    assert main(convert_words(data, robot, root)) == 0
    listed.write_text(every)
    capsys.readouterr()
    assert main(convert_words(data, robot, root)) == 0
    assert [each.steps for each in load_metadata(data).episodes] == [5, 6, 7]


def test_a_moved_dataset_is_known(tmp_path, robot, source, alone, capsys):
    data = tmp_path / 'data'
    assert main(convert_words(data, robot, source)) == 0
    copy = tmp_path / 'copy'
    shutil.copytree(source, copy)
    capsys.readouterr()
    assert main(convert_words(data, robot, copy)) == 0
    assert capsys.readouterr().out.count('skipped, already in the dataset (1 episode)') == 3
    assert len(load_metadata(data).episodes) == 3


def test_an_episode_that_is_given_twice_is_converted_once(tmp_path, robot, source, capsys):
    (tmp_path / 'link').symlink_to(source)
    again = [tmp_path / 'link/episode_1', source / 'episode_000001']
    data = tmp_path / 'data'
    assert main(convert_words(data, robot, source, *again)) == 0
    assert 'episode_000001 (and 1 more): given more than once' in capsys.readouterr().err
    assert len(load_metadata(data).episodes) == 3


@pytest.mark.parametrize(('kind', 'moment'), [('row', 4), ('row', 15), ('rename', 3)])
def test_the_same_command_goes_on_where_it_was_killed(
    tmp_path, robot, source, alone, kind, moment
):
    data = tmp_path / 'data'
    words = convert_words(data, robot, source)
    assert killed_run(kind, moment, words) == -9
    assert main(words) == 0
    assert contents(data) == alone


def test_the_dataset_does_not_depend_on_the_number_of_workers(tmp_path, robot, source, alone):
    data = tmp_path / 'data'
    assert main([*convert_words(data, robot, source), '--workers', '2']) == 0
    assert contents(data) == alone


def test_features_are_in_no_namespace(tmp_path, robot, source, alone):
    words = convert_words(tmp_path / 'data', robot, source)
    assert main([*words, '--namespace', 'left']) == 0
    assert contents(tmp_path / 'data').keys() == alone.keys()


def depth_png(millimetres):
    return cv2.imencode('.png', np.full((48, 64), millimetres, np.uint16))[1].tobytes()


def with_depths(folder, files):
    """A dataset with depths of so many millimetres in each step, in such files."""
    root = write_lerobot(
        folder / 'set', cameras=('front',), lengths=(12,), extra={'observation.depth': flag}
    )
    (table,) = root.glob('data/**/*.parquet')
    rows = pq.read_table(table)
    place = rows.column_names.index('observation.depth')
    kind = pa.struct([('bytes', pa.binary()), ('path', pa.string())])
    cells = pa.array([{'bytes': files(k), 'path': None} for k in range(12)], kind)
    pq.write_table(rows.set_column(place, 'observation.depth', cells), table)
    info = json.loads((root / 'meta/info.json').read_text())
    info['features']['observation.depth'] = {
        'dtype': 'image',
        'shape': [48, 64, 1],
        'names': ['height', 'width', 'channels'],
        'info': {'is_depth_map': True},
    }
    (root / 'meta/info.json').write_text(json.dumps(info))
    return root


def depth_robot(folder):
    return write_robot(
        folder,
        **{
            'RGB_IMAGES: {1: front}': 'RGB_IMAGES: {1: front}\n  DEPTH_IMAGES: [front]',
            '  RGB_IMAGES: {front:': '  DEPTH_IMAGES: {topic: observation.depth}\n'
            '  RGB_IMAGES: {front:',
        },
    )


def test_depths_in_a_table_are_millimetres(tmp_path):
    root = with_depths(tmp_path, lambda k: depth_png(1000 + k))
    data = tmp_path / 'data'
    assert main(convert_words(data, depth_robot(tmp_path), root)) == 0
    batches = Batches(data)
    depths = batches.take(np.arange(12), 1, 1).inputs['DEPTH_IMAGES'][:, 0, 0]
    wanted = np.arange(1000, 1012, dtype=np.float32) / 1000
    np.testing.assert_allclose(depths[:, 20, 30], wanted, atol=1e-6)


def test_depths_of_another_form_are_told(tmp_path, capsys):
    root = with_depths(tmp_path, lambda k: b'II*\0' + bytes(100))
    assert main(convert_words(tmp_path / 'data', depth_robot(tmp_path), root)) == 1
    error = capsys.readouterr().err
    assert 'depths are read from PNG only' in error and 'Traceback' not in error


def test_options_that_cut_recordings_cut_episodes(tmp_path, robot, source):
    data = tmp_path / 'data'
    words = convert_words(data, robot, source / 'episode_000000')
    assert main([*words, '--range', '0.1:0.3', '--gap-s', '1', '--trim-idle', '1e-6']) == 0
    (episode,) = load_metadata(data).episodes
    assert episode.steps == 6
    found = column(data, 0, 'observation.state')[:, 0]
    wanted = radians([state(0, k)[0] for k in range(3, 9)])
    np.testing.assert_array_equal(found, wanted)


def flag(episode, k):
    return np.array([3 <= k < 8], bool)


def test_a_flag_of_the_dataset_is_a_marker(tmp_path, robot):
    root = write_lerobot(
        tmp_path / 'set', cameras=('front',), lengths=(12,), extra={'is_moving': flag}
    )
    data = tmp_path / 'data'
    assert main([*convert_words(data, robot, root), '--marker', 'is_moving']) == 0
    (episode,) = load_metadata(data).episodes
    assert episode.steps == 5


def two_tasks(folder):
    """A dataset of one episode that has two tasks, one after the other."""
    root = write_lerobot(folder / 'set', cameras=('front',), lengths=(12,))
    (table,) = root.glob('data/**/*.parquet')
    rows = pq.read_table(table)
    place = rows.column_names.index('task_index')
    indices = pa.array([0] * 7 + [1] * 5)
    pq.write_table(rows.set_column(place, 'task_index', indices), table)
    (listed,) = root.glob('meta/episodes/**/*.parquet')
    rows = pq.read_table(listed)
    place = rows.column_names.index('tasks')
    pq.write_table(rows.set_column(place, 'tasks', pa.array([[*TASKS]])), listed)
    return root


def test_each_step_has_its_own_task_where_the_topic_is_read(tmp_path):
    robot = write_robot(
        tmp_path,
        **{
            'RGB_IMAGES: {1: front}': 'RGB_IMAGES: {1: front}\n  LANGUAGE: [task]',
            '  RGB_IMAGES: {front:': '  LANGUAGE: {topic: task}\n  RGB_IMAGES: {front:',
        },
    )
    data = tmp_path / 'data'
    assert main(convert_words(data, robot, two_tasks(tmp_path))) == 0
    tasks = read_tasks(data)
    assert [tasks[k] for k in column(data, 0, 'task_index')] == [TASKS[0]] * 7 + [TASKS[1]] * 5


def test_the_first_of_several_tasks_is_taken_else_and_that_is_noted(tmp_path, robot, capsys):
    data = tmp_path / 'data'
    assert main(convert_words(data, robot, two_tasks(tmp_path))) == 0
    assert read_tasks(data) == [TASKS[0]]
    out = capsys.readouterr().out
    assert 'throughout, of 2 tasks' in out and 'LANGUAGE: {topic: task}' in out


def test_a_task_that_is_given_stands_for_that_of_the_dataset(tmp_path, robot, source):
    data = tmp_path / 'data'
    assert main([*convert_words(data, robot, source), '--task', 'lift']) == 0
    assert [*read_tasks(data)] == ['lift']


def test_a_rate_below_that_of_the_source_takes_every_other_row(tmp_path, robot, source):
    data = tmp_path / 'data'
    words = convert_words(data, robot, source / 'episode_000002')
    words[words.index('30')] = '15'
    assert main(words) == 0
    found = column(data, 0, 'observation.state')[:, 0]
    wanted = radians([state(2, k)[0] for k in range(0, LENGTHS[2], 2)])
    np.testing.assert_array_equal(found, wanted)


def test_numbers_that_are_not_finite_end_a_piece(tmp_path, robot):
    def broken(episode, k):
        values = state(episode, k)
        return values * np.float32(np.nan) if 6 <= k < 20 else values

    root = write_lerobot(
        tmp_path / 'set', cameras=('front',), lengths=(30,), numbers=(broken, action)
    )
    data = tmp_path / 'data'
    assert main(convert_words(data, robot, root)) == 0
    metadata = load_metadata(data)
    # A sample lives 0.2 s: the last sound one serves that long.
    assert [each.steps for each in metadata.episodes] == [12, 10]
    assert np.isfinite(column(data, 0, 'observation.state')).all()


@pytest.mark.parametrize('first', [1, 2, 5])
def test_rows_are_taken_one_by_one_whichever_is_the_first(tmp_path, robot, first):
    def late(episode, k):
        return state(episode, k) * np.float32(np.nan if k < first else 1)

    root = write_lerobot(
        tmp_path / 'set', cameras=('front',), lengths=(30,), numbers=(late, action)
    )
    data = tmp_path / 'data'
    assert main(convert_words(data, robot, root)) == 0
    found = column(data, 0, 'observation.state')[:, 2]
    np.testing.assert_array_equal(found, radians([state(0, k)[2] for k in range(first, 30)]))


def test_an_episode_without_its_video_does_not_keep_the_others_out(tmp_path, robot, capsys):
    root = write_lerobot(tmp_path / 'set', 'v2.1', cameras=('front',))
    video = root / 'videos/chunk-000/observation.images.front/episode_000001.mp4'
    video.unlink()
    data = tmp_path / 'data'
    assert main(convert_words(data, robot, root)) == 1
    error = capsys.readouterr().err
    assert f'{video}: missing or damaged' in error and 'Traceback' not in error
    assert [each.steps for each in load_metadata(data).episodes] == [12, 15]


def test_a_damaged_table_does_not_keep_the_others_out(tmp_path, robot, capsys):
    root = write_lerobot(tmp_path / 'set', cameras=('front',), per_file=1)
    table = root / 'data/chunk-000/file-001.parquet'
    table.write_bytes(table.read_bytes()[:-20])
    data = tmp_path / 'data'
    assert main(convert_words(data, robot, root)) == 1
    error = capsys.readouterr().err
    assert f'{table}: missing or damaged' in error and 'Traceback' not in error
    assert [each.steps for each in load_metadata(data).episodes] == [12, 15]


def test_a_damaged_list_of_episodes_is_one_line(tmp_path, robot, capsys):
    root = write_lerobot(tmp_path / 'set', cameras=('front',))
    (root / 'meta/episodes/chunk-000/file-000.parquet').write_bytes(b'PAR1')
    assert main(convert_words(tmp_path / 'data', robot, root)) == 1
    (line,) = lines(capsys.readouterr().err)
    assert 'episodes/chunk-000/file-000.parquet: missing or damaged' in line


def test_a_dataset_of_this_package_is_no_source(tmp_path, robot, source, capsys):
    data = tmp_path / 'data'
    assert main(convert_words(data, robot, source)) == 0
    capsys.readouterr()
    assert main(convert_words(tmp_path / 'other', robot, data)) == 1
    (line,) = lines(capsys.readouterr().err)
    assert 'is a dataset of this package already' in line


def test_the_page_of_the_dataset_names_its_episodes(tmp_path, robot, source, capsys):
    data, page = tmp_path / 'data', tmp_path / 'page.html'
    assert main(convert_words(data, robot, source)) == 0
    assert main(['report', str(data), '--out', str(page)]) == 0
    text = page.read_text()
    assert all(f'episode_00000{number}' in text for number in range(3))


def test_the_audit_of_an_episode_has_its_streams(tmp_path, robot, source, capsys):
    words = [*convert_words(tmp_path / 'data', robot, source), '--json']
    assert main(words) == 0
    bags = json.loads(capsys.readouterr().out)['bags']
    assert len(bags) == 3
    (audit,) = {json.dumps(sorted(s['topic'] for s in bag['streams'])) for bag in bags}
    assert json.loads(audit) == ['action', 'observation.images.front', 'observation.state']
