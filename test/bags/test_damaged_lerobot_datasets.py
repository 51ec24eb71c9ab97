"""What is whole of a damaged LeRobot dataset is read; what is not is said in one line."""

import json

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.bounded_process import run_bounded
from helpers.lerobot_datasets import LENGTHS, STATE, write_lerobot
from helpers.mutations import budget
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.bags.expansion import expanded
from neuracore_ros.bags.identity import fingerprint
from neuracore_ros.errors import BagError

FRONT = 'observation.images.front'


def opened(path):
    """What is said of an episode that cannot be opened."""
    with pytest.raises(BagError) as error, open_bag(path):
        pass
    assert '\n' not in str(error.value)
    return str(error.value)


def read_all(path):
    """How many messages each topic gives, how many of its images can be decoded; and losses."""
    counts, decoded = {}, 0
    with open_bag(path) as bag:
        fingerprint(bag)
        for topic, message, _ in bag.read(bag.topics):
            counts[topic] = counts.get(topic, 0) + 1
            if hasattr(message, 'frame'):
                try:
                    decoded += message.pixels() is not None
                except ValueError as error:
                    assert 'is missing or damaged' in str(error)
        return counts, decoded, bag.losses


def edit_info(root, change):
    path = root / 'meta/info.json'
    info = json.loads(path.read_text())
    change(info)
    path.write_text(json.dumps(info))


@pytest.mark.parametrize(
    ('key', 'value', 'text'),
    [
        ('codebase_version', 'v1.6', 'codebase_version must be v2.0, v2.1 or v3.0, is "v1.6"'),
        ('codebase_version', None, 'codebase_version must be a text, is null'),
        ('fps', 0, 'fps must be a number from 0.1 to 1000, is 0'),
        ('fps', 'fast', 'fps must be a number from 0.1 to 1000, is "fast"'),
        ('features', [], 'features: must be a JSON object, is []'),
        ('data_path', '/etc/{chunk_index}', 'data_path must be a path below the dataset'),
        ('data_path', '../{chunk_index}', 'data_path must be a path below the dataset'),
        ('data_path', 'data/{secret}.parquet', 'has {secret}; known: chunk_index, file_index'),
    ],
)
def test_a_wrong_value_of_info_json_is_told_by_its_key(tmp_path, key, value, text):
    root = write_lerobot(tmp_path / 'set', cameras=())
    edit_info(root, lambda info: info.update({key: value}))
    assert text in opened(root / 'episode_000000')


@pytest.mark.parametrize(
    ('name', 'feature', 'text'),
    [
        (STATE, 7, 'features: observation.state: must be a JSON object, is 7'),
        (STATE, {'shape': [6]}, "lacks 'dtype'"),
        (STATE, {'dtype': 'float32', 'shape': 'six'}, 'shape must be a list of sizes'),
        (STATE, {'dtype': 'float32', 'shape': [10**9]}, 'at most 10000 numbers in all'),
        (FRONT, {'dtype': 'video', 'shape': [0, 9, 3]}, 'shape must be [height, width, channels]'),
        (FRONT, {'dtype': 'video', 'shape': None}, 'shape must be [height, width, channels]'),
        ('../x', {'dtype': 'float32', 'shape': [1]}, 'letters, and no /'),
    ],
)
def test_a_wrong_feature_is_told_by_its_name(tmp_path, name, feature, text):
    root = write_lerobot(tmp_path / 'set', cameras=())
    edit_info(root, lambda info: info['features'].update({name: feature}))
    assert text in opened(root / 'episode_000000')


def test_a_missing_table_is_one_line(tmp_path):
    root = write_lerobot(tmp_path / 'set', cameras=())
    (table,) = root.glob('data/**/*.parquet')
    table.unlink()
    assert f'{table}: missing or damaged: No such file' in opened(root / 'episode_000000')


def test_missing_lists_of_episodes_are_one_line(tmp_path):
    new = write_lerobot(tmp_path / 'new', cameras=())
    for each in new.glob('meta/episodes/**/*.parquet'):
        each.unlink()
    assert 'there is no episodes table' in opened(new / 'episode_000000')
    old = write_lerobot(tmp_path / 'old', 'v2.1', cameras=())
    (old / 'meta/episodes.jsonl').unlink()
    assert 'episodes.jsonl: missing or damaged: No such file' in opened(old / 'episode_000000')


def test_a_line_that_is_cut_off_is_told_and_one_without_an_end_is_read(tmp_path):
    root = write_lerobot(tmp_path / 'set', 'v2.1', cameras=())
    path = root / 'meta/episodes.jsonl'
    path.write_text(path.read_text().rstrip('\n'))
    assert len(expanded([root])) == 3
    path.write_text(path.read_text()[:-5])
    with pytest.raises(BagError, match=r'episodes.jsonl:3: is not JSON'):
        expanded([root])


def test_a_missing_video_is_a_loss_and_the_numbers_are_read(tmp_path):
    root = write_lerobot(tmp_path / 'set', cameras=('front',))
    (video,) = root.glob('videos/**/*.mp4')
    video.unlink()
    counts, _, losses = read_all(root / 'episode_000000')
    assert counts == {STATE: 12, 'action': 12, 'task': 12}
    (loss,) = losses
    assert loss.startswith(f'episode_000000: {FRONT}: {video}: missing or damaged: No such file')


def test_a_video_without_its_description_is_a_loss(tmp_path):
    root = write_lerobot(tmp_path / 'set', 'v2.1', cameras=('front',), lengths=(15,))
    (video,) = root.glob('videos/**/*.mp4')
    data = video.read_bytes()
    video.write_bytes(data[: data.index(b'moov')])
    counts, _, losses = read_all(root / 'episode_000000')
    assert FRONT not in counts
    assert f'{video}: missing or damaged: Invalid data' in losses[0]


@pytest.mark.parametrize('codec', ['libx264', 'libx265', 'libsvtav1'])
def test_the_frames_before_the_end_of_a_video_that_is_cut_off_are_read(tmp_path, codec):
    root = write_lerobot(tmp_path / 'set', 'v2.1', cameras=('front',), codec=codec, lengths=(15,))
    (video,) = root.glob('videos/**/*.mp4')
    first = tmp_path / 'first.mp4'
    with (
        av.open(str(video)) as read,
        av.open(str(first), 'w', options={'movflags': 'faststart'}) as written,
    ):
        given = read.streams.video[0]
        stream = written.add_stream_from_template(given, opaque=True)
        for packet in read.demux(given):
            if packet.dts is not None:
                packet.stream = stream
                written.mux(packet)
    data = first.read_bytes()
    begin = data.index(b'mdat')
    video.write_bytes(data[: begin + (len(data) - begin) // 2])
    counts, decoded, _ = read_all(root / 'episode_000000')
    assert counts[FRONT] == 15
    assert 0 < decoded < 15


def test_rows_that_a_table_lacks_are_a_loss(tmp_path):
    root = write_lerobot(tmp_path / 'set', cameras=(), per_file=1)
    path = root / 'data/chunk-000/file-001.parquet'
    pq.write_table(pq.read_table(path).slice(0, 5), path)
    counts, _, losses = read_all(root / 'episode_000001')
    assert counts[STATE] == 5
    assert 'file-001.parquet has 5 rows of the episode, which should have 9' in ' '.join(losses)


def test_a_list_of_episodes_that_does_not_fit_the_table_costs_no_row(tmp_path):
    root = write_lerobot(tmp_path / 'set', cameras=())
    (table,) = root.glob('data/**/*.parquet')
    rows = pq.read_table(table)
    order = np.argsort(-np.asarray(rows['episode_index']), kind='stable')
    pq.write_table(rows.take(pa.array(order)), table, row_group_size=10)
    for number, path in enumerate(expanded([root])):
        assert read_all(path)[0][STATE] == LENGTHS[number]


def test_a_column_that_info_json_promises_is_missed(tmp_path):
    root = write_lerobot(tmp_path / 'set', cameras=())
    feature = {'dtype': 'float32', 'shape': [2], 'names': None}
    edit_info(root, lambda info: info['features'].update({'extra': feature}))
    counts, _, losses = read_all(root / 'episode_000000')
    assert counts[STATE] == 12
    assert losses == ('episode_000000: extra: file-000.parquet has no column extra',)


def test_rows_whose_numbers_do_not_count_up_end_the_episode(tmp_path):
    root = write_lerobot(tmp_path / 'set', cameras=(), lengths=(9,))
    (table,) = root.glob('data/**/*.parquet')
    rows = pq.read_table(table)
    frames = pa.array([0, 1, 2, 2, 4, 5, 6, 7, 8])
    place = rows.column_names.index('frame_index')
    pq.write_table(rows.set_column(place, 'frame_index', frames), table)
    counts, _, losses = read_all(root / 'episode_000000')
    assert counts[STATE] == 3
    assert 'damaged after row 3: frame_index does not count up' in ' '.join(losses)


@pytest.mark.parametrize('time_s', [np.nan, np.inf, 1e30, -1e30, -5.0, None])
def test_a_time_that_no_video_has_costs_frames_and_no_more(tmp_path, time_s):
    root = write_lerobot(tmp_path / 'set', cameras=('front',), lengths=(9,))
    (table,) = root.glob('data/**/*.parquet')
    rows = pq.read_table(table)
    times = pa.array([0.0, 1 / 30, time_s, *(k / 30 for k in range(3, 9))], pa.float32())
    place = rows.column_names.index('timestamp')
    pq.write_table(rows.set_column(place, 'timestamp', times), table)
    counts, decoded, _ = read_all(root / 'episode_000000')
    assert 2 <= decoded < 9
    assert counts[STATE] >= 2


def test_a_row_that_is_left_out_is_a_gap_in_time(tmp_path):
    root = write_lerobot(tmp_path / 'set', cameras=('front',), lengths=(9,))
    (table,) = root.glob('data/**/*.parquet')
    rows = pq.read_table(table)
    pq.write_table(rows.take(pa.array([0, 1, 2, 4, 5, 6, 7, 8])), table)
    with open_bag(root / 'episode_000000') as bag:
        found = [(m.log_time_ns, m.message.frame.index) for m in bag.read([FRONT])]
    assert [index for _, index in found] == [0, 1, 2, 4, 5, 6, 7, 8]
    assert found[3][0] - found[2][0] > found[2][0] - found[1][0] + 30e6


SPOIL = """
import random, sys
from pathlib import Path
from helpers.mutations import spoilt_bytes
from test_damaged_lerobot_datasets import read_all
from neuracore_ros.errors import BagError
root, pattern, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
file = next(root.glob(pattern))
before = file.read_bytes()
fine = 0
for seed in range(count):
    chance = random.Random(seed)
    data = spoilt_bytes(before, chance)
    if seed % 2:
        # The description of a table lies at its end, and what counts lies there.
        end = max(len(before) - 1500, 0)
        data = before[:end] + spoilt_bytes(before[end:], chance)
    file.write_bytes(data)
    try:
        read_all(root / 'episode_000001')
        fine += 1
    except BagError as error:
        assert str(error).isprintable() and len(str(error)) < 1000, error
print('read', fine)
"""


@pytest.mark.parametrize(
    ('version', 'dtype', 'pattern'),
    [
        ('v3.0', 'image', 'data/**/*.parquet'),
        ('v3.0', 'video', 'videos/**/*.mp4'),
        ('v3.0', 'video', 'meta/episodes/**/*.parquet'),
        ('v3.0', 'video', 'meta/tasks.parquet'),
        ('v3.0', 'video', 'meta/info.json'),
        ('v2.1', 'video', 'meta/episodes.jsonl'),
    ],
)
def test_no_damage_of_a_file_ends_in_more_than_a_line(tmp_path, version, dtype, pattern):
    root = write_lerobot(tmp_path / 'set', version, cameras=('front',), dtype=dtype, size=(32, 32))
    code = f'import sys; sys.path += {[*map(str, _test_paths())]!r}\n{SPOIL}'
    done = run_bounded(root, pattern, budget(80), code=code, seconds=300)
    assert done.code == 0, done.err[-2000:]
    assert done.out.startswith('read ')


def _test_paths():
    from pathlib import Path

    here = Path(__file__).parent
    return here, here.parent


def test_a_table_that_stands_for_gigabytes_is_refused(tmp_path):
    root = write_lerobot(tmp_path / 'set', cameras=(), lengths=(3,))
    (table,) = root.glob('data/**/*.parquet')
    rows = pq.read_table(table)
    # A row of as many numbers as equal ones take no bytes.
    many = pa.array([[0.0] * 6, [0.0] * 3_000_000, [0.0] * 6], pa.list_(pa.float32()))
    place = rows.column_names.index(STATE)
    pq.write_table(rows.set_column(place, STATE, many), table)
    counts, _, losses = read_all(root / 'episode_000000')
    assert not counts
    assert 'a column has more than 30000 values' in ' '.join(losses)
