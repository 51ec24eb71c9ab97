"""Episodes of LeRobot datasets are recordings: topics, names, values, tasks, images."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.lerobot_datasets import (
    ACTION,
    LENGTHS,
    NAMES,
    STATE,
    TASKS,
    picture,
    state,
    write_lerobot,
)
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.bags.expansion import expanded
from neuracore_ros.bags.identity import files_digest, fingerprint
from neuracore_ros.errors import BagError

FRONT = 'observation.images.front'


def small(folder, *arguments, **options):
    """A dataset without cameras."""
    return write_lerobot(folder, *arguments, **{'cameras': (), **options})


def change_info(root, **keys):
    path = root / 'meta/info.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


def change_feature(root, key, **values):
    features = json.loads((root / 'meta/info.json').read_text())['features']
    features[key] = features.get(key, {}) | values
    change_info(root, features=features)


def messages(path, topic):
    with open_bag(path) as bag:
        return [each.message for each in bag.read([topic])]


@pytest.mark.parametrize('version', ['v2.1', 'v3.0'])
@pytest.mark.parametrize('episode', range(3))
def test_each_row_is_a_message_of_the_numbers_as_they_are_stored(tmp_path, version, episode):
    root = small(tmp_path / 'set', version)
    found = messages(root / f'episode_{episode:06d}', STATE)
    wanted = [state(episode, k).tolist() for k in range(LENGTHS[episode])]
    assert [message.position for message in found] == wanted
    assert all(message.name == list(NAMES) for message in found)


@pytest.mark.parametrize('per_file', [1, 2, 3])
def test_an_episode_is_found_in_whichever_file_it_lies(tmp_path, per_file):
    root = small(tmp_path / 'set', per_file=per_file)
    for episode, length in enumerate(LENGTHS):
        found = messages(root / f'episode_{episode:06d}', ACTION)
        assert [message.position[0] for message in found] == [
            state(episode, k + 1)[0] for k in range(length)
        ]


@pytest.mark.parametrize('fps', [30, 29.97, 7])
def test_row_k_is_received_k_periods_after_the_first(tmp_path, fps):
    root = small(tmp_path / 'set', fps=fps)
    with open_bag(root / 'episode_000001') as bag:
        times = list(bag.times_ns([STATE]))
        assert times == [bag.start_ns + round(k * 1e9 / fps) for k in range(LENGTHS[1])]
        assert (bag.start_ns, bag.end_ns) == (times[0], times[-1])


def test_the_task_is_that_of_the_recording_and_a_topic(tmp_path):
    root = small(tmp_path / 'set')
    with open_bag(root / 'episode_000001') as bag:
        assert bag.task == TASKS[1]
        assert {each.message.data for each in bag.read(['task'])} == {TASKS[1]}


@pytest.mark.parametrize('form', ['flat', 'nested', 'dict'])
def test_names_in_each_form_of_info_json_are_those_of_the_message(tmp_path, form):
    root = small(tmp_path / 'set', form=form)
    with open_bag(root / 'episode_000000') as bag:
        assert bag.names(bag.topics[STATE]) == list(NAMES)


@pytest.mark.parametrize(
    'names',
    [
        None,
        ['a', 'b'],
        [*NAMES, 'more'],
        {'motors': None},
        {'a': 1},
        'text',
        [1, 2],
        [['a'], ['b']],
    ],
    ids=str,
)
def test_names_that_do_not_fit_the_numbers_become_places(tmp_path, names):
    root = small(tmp_path / 'set')
    change_feature(root, STATE, names=names)
    first = messages(root / 'episode_000000', STATE)[0]
    assert first.name == [f'{STATE}.{place}' for place in range(6)]
    assert first.is_numbered


def test_numbers_serve_as_state_command_and_array(tmp_path):
    root = small(tmp_path / 'set')
    with open_bag(root / 'episode_000000') as bag:
        for kind in ('sensor_msgs/msg/JointState', 'trajectory_msgs/msg/JointTrajectory'):
            assert bag.find(ACTION, kind).holds(kind)
        assert not bag.find(ACTION, 'geometry_msgs/msg/Twist').holds('geometry_msgs/msg/Twist')
        message = next(bag.read({ACTION: 'trajectory_msgs/msg/JointTrajectory'})).message
    (point,) = message.points
    assert message.joint_names == list(NAMES)
    assert point.positions == message.position == message.data == message.velocity


def reward(episode, k):
    return np.array([0.5 * k], np.float64)


def done(episode, k):
    return np.array([k == 3], bool)


def counted(episode, k):
    return np.array([2**60 + k, -k], np.int64)


def wrong(episode, k):
    return np.array([np.nan if k == 2 else k, np.inf], np.float32)


def test_numbers_of_each_dtype_are_read_exactly(tmp_path):
    extra = {
        'next.reward': reward,
        'next.done': done,
        'observation.counts': counted,
        'observation.wrong': wrong,
    }
    path = small(tmp_path / 'set', extra=extra) / 'episode_000000'
    assert [m.position for m in messages(path, 'next.reward')][:3] == [[0.0], [0.5], [1.0]]
    flags = messages(path, 'next.done')
    assert [m.data for m in flags] == [k == 3 for k in range(12)]
    assert flags[3].position == [True]
    assert messages(path, 'observation.counts')[2].position == [2**60 + 2, -2]
    values = [m.position for m in messages(path, 'observation.wrong')]
    assert np.isnan(values[2][0])
    assert values[3] == [3.0, np.inf]


def test_a_flag_is_a_topic_of_bool(tmp_path):
    path = small(tmp_path / 'set', extra={'next.done': done}) / 'episode_000000'
    with open_bag(path) as bag:
        assert bag.topics['next.done'].type == 'std_msgs/msg/Bool'


def replace_column(path, name, values):
    table = pq.read_table(path)
    place = table.column_names.index(name)
    pq.write_table(table.set_column(place, name, values), path)


def test_a_number_without_dimensions_is_one(tmp_path):
    root = small(tmp_path / 'set', extra={'next.reward': reward})
    change_feature(root, 'next.reward', shape=[])
    assert messages(root / 'episode_000000', 'next.reward')[1].position == [0.5]


def test_rows_with_another_count_of_numbers_are_lost_and_the_others_read(tmp_path):
    root = small(tmp_path / 'set', lengths=(3,))
    lists = pa.array([[1.0] * 6, [2.0] * 5, None], pa.list_(pa.float64()))
    replace_column(root / 'data/chunk-000/file-000.parquet', STATE, lists)
    with open_bag(root / 'episode_000000') as bag:
        assert [each.message.position for each in bag.read([STATE])] == [[1.0] * 6]
        assert bag.losses == (f'{STATE}: 2 of 3 messages are lost',)


def test_a_null_among_numbers_is_none(tmp_path):
    root = small(tmp_path / 'set', lengths=(1,))
    lists = pa.array([[1.0, None, 3.0, 4.0, 5.0, 6.0]], pa.list_(pa.float32()))
    replace_column(root / 'data/chunk-000/file-000.parquet', STATE, lists)
    (message,) = messages(root / 'episode_000000', STATE)
    assert np.isnan(message.position[1])
    assert message.position[2] == 3.0


def test_texts_are_topics_of_strings(tmp_path):
    root = small(tmp_path / 'set', lengths=(3,), extra={'note': reward})
    change_feature(root, 'note', dtype='string')
    texts = pa.array(['grasp', None, 'lift ⚙'])
    replace_column(root / 'data/chunk-000/file-000.parquet', 'note', texts)
    assert [m.data for m in messages(root / 'episode_000000', 'note')] == ['grasp', 'lift ⚙']


def test_a_matrix_is_refused_by_its_shape_and_harms_nothing_else(tmp_path):
    root = small(tmp_path / 'set', extra={'observation.matrix': counted})
    change_feature(root, 'observation.matrix', shape=[1, 2])
    with open_bag(root / 'episode_000000') as bag:
        assert len(list(bag.read([STATE]))) == LENGTHS[0]
        with pytest.raises(BagError, match=r'observation.matrix is int64 of shape \[1, 2\]; of a'):
            list(bag.read(['observation.matrix']))


def test_a_depth_video_is_refused_in_one_line(tmp_path):
    root = write_lerobot(tmp_path / 'set', cameras=('depth',))
    change_feature(root, 'observation.images.depth', info={'is_depth_map': True})
    with (
        open_bag(root / 'episode_000000') as bag,
        pytest.raises(BagError, match='depth is a video of depths; of a LeRobot dataset'),
    ):
        list(bag.read(['observation.images.depth']))


@pytest.mark.parametrize('version', ['v2.1', 'v3.0'])
@pytest.mark.parametrize('codec', ['libx264', 'libx265', 'libsvtav1'])
def test_each_row_has_its_own_frame_of_a_video(tmp_path, version, codec):
    root = write_lerobot(tmp_path / 'set', version, cameras=('front',), codec=codec)
    for episode, length in enumerate(LENGTHS):
        first = sum(LENGTHS[:episode]) if version == 'v3.0' else 0
        with open_bag(root / f'episode_{episode:06d}') as bag:
            found = [each.message for each in bag.read([FRONT])]
            assert [each.frame.index for each in found] == [*range(first, first + length)]
            for k, each in enumerate(found):
                near = [distance(each.pixels(), picture(0, episode, j)) for j in range(length)]
                assert near.index(min(near)) == k


def distance(one, other):
    return float(np.abs(one.astype(int) - other).mean())


def test_frames_are_found_in_any_order_and_where_they_lead_each_other(tmp_path):
    options = {'bf': '2', 'g': '12'}
    root = write_lerobot(tmp_path / 'set', cameras=('front',), lengths=(40, 30), options=options)
    with open_bag(root / 'episode_000001') as bag:
        in_order = [each.message.pixels() for each in bag.read([FRONT])]
    with open_bag(root / 'episode_000001') as bag:
        found = [each.message for each in bag.read([FRONT])]
        for k in (29, 3, 4, 17, 0, 28):
            np.testing.assert_array_equal(found[k].pixels(), in_order[k])


def test_a_video_of_a_multiple_of_the_rate_gives_the_frame_at_the_time_of_each_row(tmp_path):
    root = write_lerobot(tmp_path / 'set', 'v2.1', cameras=('front',), lengths=(12,))
    path = root / 'data/chunk-000/episode_000000.parquet'
    rows = pq.read_table(path).take([0, 3, 6, 9])
    rows = rows.set_column(
        rows.column_names.index('frame_index'), 'frame_index', pa.array([0, 1, 2, 3])
    )
    pq.write_table(rows, path)
    (root / 'meta/episodes.jsonl').write_text('{"episode_index": 0, "tasks": [], "length": 4}\n')
    change_info(root, fps=10)
    with open_bag(root / 'episode_000000') as bag:
        found = [each.message for each in bag.read([FRONT])]
        assert [(each.frame.index, each.frame.rate_hz) for each in found] == [
            (0, 30), (3, 30), (6, 30), (9, 30)
        ]  # fmt: skip
        for k, each in enumerate(found):
            near = [distance(each.pixels(), picture(0, 0, j)) for j in range(12)]
            assert near.index(min(near)) == 3 * k


def test_a_frame_of_a_closed_recording_is_an_error_that_says_so(tmp_path):
    root = write_lerobot(tmp_path / 'set', cameras=('front',))
    first = messages(root / 'episode_000000', FRONT)[0]
    with pytest.raises(ValueError, match='frame 0: its recording is closed'):
        first.pixels()


@pytest.mark.parametrize('version', ['v2.1', 'v3.0'])
def test_images_in_a_table_are_read_as_their_files(tmp_path, version):
    from neuracore_ros.observation.decode import decode_image

    root = write_lerobot(tmp_path / 'set', version, cameras=('front',), dtype='image')
    found = messages(root / 'episode_000001', FRONT)
    for k, message in enumerate(found):
        np.testing.assert_array_equal(decode_image(message), picture(0, 1, k))


def test_images_in_files_beside_a_table_are_read_but_none_outside_of_the_dataset(tmp_path):
    root = write_lerobot(tmp_path / 'set', cameras=('front',), dtype='image', lengths=(3,))
    path = root / 'data/chunk-000/file-000.parquet'
    image = pq.read_table(path)[FRONT][0].as_py()['bytes']
    (root / 'images').mkdir()
    (root / 'images/a.png').write_bytes(image)
    (tmp_path / 'b.png').write_bytes(image)
    kind = pa.struct([('bytes', pa.binary()), ('path', pa.string())])
    paths = ['images/a.png', '../b.png', str(tmp_path / 'b.png')]
    cells = pa.array([{'bytes': None, 'path': each} for each in paths], kind)
    replace_column(path, FRONT, cells)
    with open_bag(root / 'episode_000000') as bag:
        assert [each.message.data for each in bag.read([FRONT])] == [image]
        assert bag.losses == (f'{FRONT}: 2 of 3 messages are lost',)


def test_a_fingerprint_is_of_the_content_and_decodes_nothing(tmp_path, monkeypatch):
    root = write_lerobot(tmp_path / 'set', cameras=('front',))
    monkeypatch.setattr('neuracore_ros.bags.lerobot_video.EpisodeVideo.pixels', None)
    marks = []
    for episode in range(3):
        with open_bag(root / f'episode_{episode:06d}') as bag:
            marks.append(fingerprint(bag))
    assert len(set(marks)) == 3
    root.rename(tmp_path / 'moved')
    with open_bag(tmp_path / 'moved/episode_000001') as bag:
        assert fingerprint(bag) == marks[1]


def test_a_changed_packet_changes_the_fingerprint(tmp_path):
    root = write_lerobot(tmp_path / 'set', 'v2.1', cameras=('front',), lengths=(9,))
    with open_bag(root / 'episode_000000') as bag:
        before = fingerprint(bag)
    (video,) = root.glob('videos/**/*.mp4')
    data = bytearray(video.read_bytes())
    place = data.index(b'mdat') + 40
    data[place] ^= 1
    video.write_bytes(data)
    with open_bag(root / 'episode_000000') as bag:
        assert fingerprint(bag) != before


def test_episodes_with_equal_content_are_two_recordings(tmp_path):
    def same(episode, k):
        return np.array([k], np.float32)

    root = small(tmp_path / 'set', numbers=(same, same), joints=('a',), lengths=(9, 9))
    marks = set()
    for path in expanded([root]):
        with open_bag(path) as bag:
            marks.add(fingerprint(bag))
    assert len(marks) == 2


def test_a_digest_of_files_stays_while_other_episodes_come(tmp_path):
    root = small(tmp_path / 'set', per_file=1)
    path = root / 'episode_000001'
    before = files_digest(path)
    assert before
    assert files_digest(path) == before
    (root / 'meta/info.json').touch()
    (root / 'data/chunk-000/file-000.parquet').touch()
    assert files_digest(path) == before
    (root / 'data/chunk-000/file-001.parquet').touch()
    assert files_digest(path) != before


def test_a_dataset_is_its_episodes_and_a_pattern_some_of_them(tmp_path):
    root = small(tmp_path / 'set')
    every = [root / f'episode_{number:06d}' for number in range(3)]
    assert expanded([root]) == every
    assert expanded([f'{root}/episode_00000[12]']) == every[1:]
    assert expanded([f'{root}/episode_2', tmp_path / 'none.bag']) == [
        every[2],
        tmp_path / 'none.bag',
    ]
    assert expanded([f'{tmp_path}/s*']) == every


def test_a_dataset_is_no_recording_itself(tmp_path):
    root = small(tmp_path / 'set')
    with (
        pytest.raises(
            BagError, match=r'is a LeRobot dataset; give one of its episodes: .*_000000'
        ),
        open_bag(root),
    ):
        pass


def test_an_episode_that_is_not_there_is_told_with_those_that_are(tmp_path):
    root = small(tmp_path / 'set')
    with (
        pytest.raises(BagError, match=r'episode_000007: no such episode; .* has 0, 1, 2$'),
        open_bag(root / 'episode_000007'),
    ):
        pass


def test_a_dataset_of_this_package_is_refused_in_one_line(tmp_path):
    root = small(tmp_path / 'set')
    (root / 'meta/neuracore_ros.json').write_text('{}')
    with pytest.raises(BagError, match='is a dataset of this package already') as error:
        expanded([root])
    assert '\n' not in str(error.value)
