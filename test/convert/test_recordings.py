"""What recordings really hold. Each test has its line in docs/recordings.md."""

import json
import re
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from helpers.damaged_bags import storage_file, write_mcap
from helpers.small_bags import ROS2, Messages, Ros2Writer, S, at, write_bag
from helpers.two_arms import LEFT, NUMBERS, images, joint_states, picture, trajectories
from neuracore_ros.dataset.metadata import load_metadata

JOINT_STATE = 'sensor_msgs/msg/JointState'
STORAGES = ('mcap', 'sqlite3')


class Outcome:
    """What one convert did."""

    def __init__(self, dataset, code, out, error):
        self.code, self.error = code, error
        report = json.loads(out)
        (self.bag,) = report['bags']
        self.streams = {stream['topic']: stream for stream in report['streams']}
        self.said = ' | '.join([*self.bag['notes'], *self.bag['losses'], self.bag['error']])
        made = load_metadata(dataset).episodes if self.bag['episodes'] else ()
        self.episodes = [(e.start_ns - at(0)) / S for e in made]
        self.steps = [e.steps for e in made]
        self.tables = [
            dataset / f'data/chunk-000/file-{n:03d}.parquet' for n in self.bag['episodes']
        ]

    def column(self, name, slot):
        import pyarrow.parquet as pq

        rows = [row for table in self.tables for row in pq.read_table(table)[name].to_pylist()]
        return np.array(rows)[:, slot]


@pytest.fixture
def converted(tmp_path, convert):
    """Converts a bag of the arm `numbers`, or of another robot file."""

    def run(bag, *options, dataset='data', **others):
        return Outcome(
            tmp_path / dataset, *convert(bag, *options, '--json', dataset=dataset, **others)
        )

    return run


def parts(folder, kind, *files, metadata=True, mode=None):
    """A rosbag2 folder of several files, each of its own messages."""
    folder.mkdir()
    suffix = 'mcap' if kind == 'mcap' else 'db3'
    listed = []
    for number, messages in enumerate(files):
        name = f'{folder.name}_{number}'
        made = write_bag(folder.parent / f'{folder.name}_made' / name, messages, kind)
        shutil.move(made / f'{name}.{suffix}', folder)
        listed.append((f'{name}.{suffix}', len(messages)))
    if metadata:
        write_metadata(folder, kind, listed)
    return folder


def write_metadata(folder, kind, listed):
    import yaml

    record = {
        'version': 9,
        'storage_identifier': kind,
        'relative_file_paths': [name for name, _ in listed],
        'message_count': sum(count for _, count in listed),
        'files': [{'path': name, 'message_count': count} for name, count in listed],
    }
    text = yaml.safe_dump({'rosbag2_bagfile_information': record})
    (folder / 'metadata.yaml').write_text(text)


def compressed(path, mode, kind='mcap', messages=None):
    """A bag with compressed files or messages."""
    plugin = StoragePlugin.MCAP if kind == 'mcap' else StoragePlugin.SQLITE3
    writer = Ros2Writer(path, version=9, storage_plugin=plugin)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection('/joint_states', JOINT_STATE, typestore=ROS2)
        for _, message, log_ns in messages or joint_states(2.0):
            writer.write(connection, log_ns, ROS2.serialize_cdr(message, JOINT_STATE))
    return path


def assert_two_seconds(outcome):
    """All of joint_states(2.0) is there, and nothing is said."""
    assert (outcome.code, outcome.steps, outcome.said) == (0, [40], '')
    np.testing.assert_allclose(np.diff(outcome.column('observation.state', 0)), 0.05, atol=0.021)


@pytest.mark.parametrize('kind', STORAGES)
@pytest.mark.parametrize('metadata', [True, False])
def test_a_split_bag(tmp_path, converted, kind, metadata):
    messages = joint_states(2.0)
    bag = parts(tmp_path / 'bag', kind, messages[:30], messages[30:70], messages[70:])
    if not metadata:
        (bag / 'metadata.yaml').unlink()
    assert_two_seconds(converted(bag))


@pytest.mark.parametrize('kind', STORAGES)
def test_files_that_overlap_in_time(tmp_path, converted, kind):
    messages = joint_states(2.0)
    assert_two_seconds(converted(parts(tmp_path / 'bag', kind, messages[::2], messages[1::2])))


@pytest.mark.parametrize('kind', STORAGES)
@pytest.mark.parametrize('metadata', [True, False])
@pytest.mark.parametrize('mode', [CompressionMode.FILE, CompressionMode.MESSAGE])
def test_zstd_files_and_messages(tmp_path, converted, kind, mode, metadata):
    bag = compressed(tmp_path / 'bag', mode, kind)
    if not metadata:
        (bag / 'metadata.yaml').unlink()
    assert_two_seconds(converted(bag))


def test_a_player_left_the_decompressed_file(tmp_path, converted):
    bag = compressed(tmp_path / 'bag', CompressionMode.FILE)
    plain = write_bag(tmp_path / 'made' / 'bag', joint_states(2.0))
    shutil.copy(plain / 'bag.mcap', bag)
    (bag / 'metadata.yaml').unlink()
    assert_two_seconds(converted(bag))


@pytest.mark.parametrize('codec', [CompressionType.ZSTD, CompressionType.LZ4])
def test_mcap_chunks_with_zstd_and_lz4(tmp_path, converted, codec):
    bag = write_mcap(tmp_path / 'bag.mcap', joint_states(2.0), compression=codec)
    assert_two_seconds(converted(bag))


@pytest.mark.parametrize('kind', STORAGES)
def test_no_metadata(tmp_path, converted, kind):
    bag = write_bag(tmp_path / 'bag', joint_states(2.0), kind)
    (bag / 'metadata.yaml').unlink()
    assert_two_seconds(converted(bag))


def test_metadata_that_is_no_yaml(tmp_path, converted):
    bag = write_bag(tmp_path / 'bag', joint_states(2.0))
    (bag / 'metadata.yaml').write_text('rosbag2_bagfile_information: {version: [')
    outcome = converted(bag)
    assert outcome.steps == [40]
    assert 'metadata.yaml cannot be read' in outcome.said and 'read without it' in outcome.said


def test_metadata_lists_a_file_that_is_missing(tmp_path, converted):
    messages = joint_states(3.0)
    bag = parts(tmp_path / 'bag', 'mcap', messages[:50], messages[50:100], messages[100:])
    (bag / 'bag_1.mcap').unlink()
    outcome = converted(bag)
    assert outcome.code == 0 and len(outcome.steps) == 2
    expected = 'bag_1.mcap is listed in metadata.yaml, but is not there: lost with its 50 messages'
    assert expected in outcome.said


def test_metadata_lacks_a_file_that_is_there(tmp_path, converted):
    messages = joint_states(2.0)
    bag = parts(tmp_path / 'bag', 'mcap', messages, messages)
    write_metadata(bag, 'mcap', [('bag_0.mcap', 100)])
    outcome = converted(bag)
    assert outcome.steps == [40]
    assert 'bag_1.mcap: not listed in metadata.yaml, and not read' in outcome.said


def test_the_files_were_renamed(tmp_path, converted):
    bag = parts(tmp_path / 'bag', 'mcap', joint_states(2.0))
    (bag / 'bag_0.mcap').rename(bag / 'good_run.mcap')
    outcome = converted(bag)
    assert outcome.steps == [40]
    assert 'good_run.mcap: not listed in metadata.yaml, but read in place' in outcome.said


def test_metadata_counts_more_messages(tmp_path, converted):
    bag = parts(tmp_path / 'bag', 'mcap', joint_states(2.0))
    write_metadata(bag, 'mcap', [('bag_0.mcap', 120)])
    outcome = converted(bag)
    assert outcome.steps == [40]
    assert 'metadata.yaml counts 120 messages, the files hold 100' in outcome.said


@pytest.mark.parametrize(
    'codec', [CompressionType.NONE, CompressionType.ZSTD, CompressionType.LZ4]
)
def test_an_mcap_that_is_cut_within_a_chunk(tmp_path, converted, codec):
    bag = write_mcap(tmp_path / 'bag.mcap', joint_states(4.0), 6000, compression=codec)
    bag.write_bytes(bag.read_bytes()[: bag.stat().st_size // 2])
    outcome = converted(bag)
    assert outcome.code == 0 and 20 < outcome.steps[0] < 60
    assert 'was the recorder killed?' in outcome.said and 'bytes from byte' in outcome.said
    # The piece that was being written ends with the last whole row, and is an episode.
    assert (np.diff(outcome.column('observation.state', 0)) > 0).all()


def test_one_chunk_of_an_mcap_is_damaged(tmp_path, converted):
    bag = write_mcap(
        tmp_path / 'bag.mcap', joint_states(4.0), 6000, compression=CompressionType.NONE
    )
    data = bytearray(bag.read_bytes())
    data[len(data) // 2] ^= 1
    bag.write_bytes(data)
    outcome = converted(bag)
    assert outcome.code == 0 and len(outcome.steps) == 2
    assert 'its checksum is wrong' in outcome.said and 's of recording' in outcome.said
    assert re.search(r'/joint_states: \d+ of 200 messages are lost', outcome.said)


def test_a_sqlite3_file_that_is_cut(tmp_path, converted):
    bag = write_bag(tmp_path / 'bag', joint_states(20.0), 'sqlite3') / 'bag.db3'
    bag.write_bytes(bag.read_bytes()[:-30_000])
    outcome = converted(bag)
    assert outcome.code == 0 and 200 < outcome.steps[0] < 390
    assert 'bytes are missing at the end: ' in outcome.said and 'can be read' in outcome.said


@pytest.mark.parametrize('mode', ['wal', 'persist'])
def test_a_sqlite3_file_with_a_journal(tmp_path, converted, mode):
    made = write_bag(tmp_path / 'made', joint_states(1.0), 'sqlite3') / 'made.db3'
    recorder = sqlite3.connect(made)
    recorder.execute(f'PRAGMA journal_mode={mode}')
    recorder.execute('PRAGMA cache_size=2')
    if mode == 'wal':
        rows = [
            (1, log_ns, bytes(ROS2.serialize_cdr(message, JOINT_STATE)))
            for _, message, log_ns in joint_states(1.0, start=1.0)
        ]
        insert = 'INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)'
        recorder.executemany(insert, rows)
        recorder.commit()
    else:  # an unfinished transaction has begun to overwrite pages
        recorder.execute('BEGIN')
        recorder.execute("UPDATE messages SET data = x'00'")
    bag = tmp_path / 'killed'
    bag.mkdir()
    for file in made.parent.glob('made.db3*'):
        shutil.copy(file, bag)
    recorder.close()
    before = {file.name: file.read_bytes() for file in bag.iterdir()}
    outcome = converted(bag)
    assert (outcome.code, outcome.steps) == (0, [40 if mode == 'wal' else 20])
    assert 'lies beside it (was the recorder killed?): what it holds is read' in outcome.said
    assert {file.name: file.read_bytes() for file in bag.iterdir()} == before


def test_a_ros1_bag_without_an_index(tmp_path, converted):
    whole = write_bag(tmp_path / 'whole.bag', joint_states(2.0, kind='ros1'), 'ros1')
    data = whole.read_bytes()
    place = data.index(b'index_pos=') + 10
    bag = tmp_path / 'killed.bag.active'
    bag.write_bytes(data[:place] + bytes(8) + data[place + 8 :])
    outcome = converted(bag)
    assert (outcome.code, outcome.steps) == (0, [40])
    assert 'the bag is not indexed): was the recorder killed?' in outcome.said


def test_a_ros1_bag_that_is_cut(tmp_path, converted):
    messages = joint_states(4.0, kind='ros1')
    bag = storage_file(tmp_path / 'made', 'ros1_lz4', messages)
    bag.write_bytes(bag.read_bytes()[: bag.stat().st_size // 2])
    outcome = converted(bag)
    assert outcome.code == 0 and 20 < outcome.steps[0] < 60
    assert 'was the recorder killed?' in outcome.said and 'bytes from byte' in outcome.said


@pytest.mark.parametrize('kind', STORAGES)
def test_a_compressed_file_that_is_cut(tmp_path, converted, kind):
    # zstd gives out nothing of an unfinished block, so that there must be some.
    messages = joint_states(60.0, rate_hz=100)
    bag = compressed(tmp_path / 'bag', CompressionMode.FILE, kind, messages)
    (file,) = bag.glob('*.zstd')
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    (bag / 'metadata.yaml').unlink()
    outcome = converted(bag)
    assert outcome.code == 0 and sum(outcome.steps) > 200
    assert f'{file.name}: the compressed file is cut off' in outcome.said


def test_a_topic_that_the_arm_and_the_gripper_share(tmp_path, converted):
    messages = joint_states(2.0, names='a') + joint_states(2.0, start=0.007, names='c')
    outcome = converted(write_bag(tmp_path / 'bag', messages))
    assert (outcome.code, outcome.steps, outcome.said) == (0, [40], '')
    # Each name alone has t in its own messages.
    state = [outcome.column('observation.state', slot) for slot in (0, 2)]
    assert np.abs(np.subtract(*state)).max() < 0.05


@pytest.mark.parametrize('more', [{}, {'gripper': 0.0}])
def test_two_programs_publish_one_joint(tmp_path, converted, more):
    make = Messages()
    others = [
        ('/joint_states', make.joints(log_ns + S // 100, a=3.0, c=3.0, **more), log_ns + S // 100)
        for _, _, log_ns in joint_states(2.0)
    ]
    outcome = converted(write_bag(tmp_path / 'bag', joint_states(2.0) + others))
    assert '/joint_states: ' in outcome.said
    assert 'times (likewise c): do two programs publish it?' in outcome.said


def test_joints_that_appear_in_only_some_messages(tmp_path, converted):
    messages = [
        (
            '/joint_states',
            Messages().joints(at(t), **({'a': t, 'c': t} if k % 3 else {'a': t})),
            at(t),
        )
        for k, t in enumerate(np.arange(100) / 50)
    ]
    outcome = converted(write_bag(tmp_path / 'bag', messages))
    assert (outcome.code, outcome.steps, outcome.said) == (0, [40], '')


def test_names_are_empty(tmp_path, converted):
    joints = Messages()
    messages = []
    for t in np.arange(100) / 50:
        message = joints.joints(at(t), a=t, c=-t)
        message.name = []
        messages.append(('/joint_states', message, at(t)))
    bag = write_bag(tmp_path / 'bag', messages)
    outcome = converted(bag)
    assert outcome.code == 1 and 'write `order: [...]`' in outcome.said
    text = NUMBERS.replace('/joint_states}', '/joint_states, order: [a, c]}')
    assert converted(bag, robot=text, dataset='ordered').steps == [40]


def test_stamps_are_zero(tmp_path, converted):
    messages = [
        ('/joint_states', Messages().joints(0, a=t, c=t), at(t)) for t in np.arange(100) / 50
    ]
    assert_two_seconds(converted(write_bag(tmp_path / 'bag', messages)))


def test_stamps_jump_back(tmp_path, converted):
    times = np.arange(150) / 50
    stamps = np.where((times >= 1) & (times < 1.5), times - 0.6, times)
    messages = [
        ('/joint_states', Messages().joints(at(s), a=t, c=t), at(t))
        for t, s in zip(times, stamps, strict=True)
    ]
    outcome = converted(write_bag(tmp_path / 'bag', messages))
    assert outcome.code == 0 and outcome.episodes == [0.0, 1.5]
    assert outcome.streams['/joint_states']['drops'] == {'older': 25}
    assert outcome.bag['ticks_dropped'] == {'JOINT_POSITIONS a, c: stale': 6}


def test_a_slow_joint_beside_a_fast_one_is_told_with_what_to_write(tmp_path, converted):
    joints = Messages().joints
    fast = [('/joint_states', joints(at(t), a=t), at(t)) for t in np.arange(100) / 50]
    slow = [('/joint_states', joints(at(t), c=t), at(t)) for t in np.arange(4) / 2 + 0.003]
    bag = write_bag(tmp_path / 'bag', sorted([*fast, *slow], key=lambda m: m[2]))
    outcome = converted(bag, '--min-steps', '3')
    joints = outcome.streams['/joint_states']
    assert (joints['slowest'], joints['rate_hz']) == ('c', 2.0)
    assert joints['longest_gap_s'] == 0.5
    (reason,) = outcome.bag['ticks_dropped']
    assert reason == 'JOINT_POSITIONS c: stale'
    assert 'It comes at 2 Hz: raise the rate of its driver, or' in outcome.bag['why'][reason]
    cure = NUMBERS.replace('topic: /joint_states', 'topic: /joint_states, c: {max_age_s: 1.5}')
    assert converted(bag, robot=cure, dataset='cured').code == 0


def test_each_message_is_there_twice(tmp_path, converted):
    messages = [(topic, m, log_ns + S // 1000) for topic, m, log_ns in joint_states(2.0)]
    outcome = converted(write_bag(tmp_path / 'bag', [m for m in messages for _ in range(2)]))
    assert_two_seconds(outcome)
    assert outcome.streams['/joint_states']['drops'] == {'repeated': 100}


@pytest.mark.parametrize('offset_s', [-1.6e9, 5.0, 4e8])
def test_headers_are_of_another_clock_than_the_log(tmp_path, converted, offset_s):
    messages = [
        ('/joint_states', Messages().joints(at(t + offset_s), a=t, c=t), at(t))
        for t in np.arange(100) / 50
    ]
    bag = write_bag(tmp_path / 'bag', messages)
    outcome = converted(bag)
    assert outcome.code == 1 and 'write `stamp: receive`' in outcome.said
    text = NUMBERS.replace('/joint_states}', '/joint_states, stamp: receive}')
    assert converted(bag, robot=text, dataset='received').steps == [40]


def test_clock_was_recorded_with_simulated_stamps(tmp_path, converted):
    clock = ROS2.types['rosgraph_msgs/msg/Clock']
    time = ROS2.types['builtin_interfaces/msg/Time']
    messages = []
    for t in np.arange(100) / 50:
        stamp = round((t + 5) * S)
        messages.append(('/clock', clock(time(*divmod(stamp, S))), at(t)))
        messages.append(('/joint_states', Messages().joints(stamp, a=t, c=t), at(t)))
    bag = write_bag(tmp_path / 'bag', messages)
    outcome = converted(bag)
    assert outcome.code == 1 and 'before the arrival' in outcome.said
    assert 'write `stamp: receive`' in outcome.said
    text = NUMBERS.replace('/joint_states}', '/joint_states, stamp: receive}')
    assert converted(bag, robot=text, dataset='received').steps == [40]


def test_commands_start_late(tmp_path, converted):
    messages = joint_states(5.0) + images(5.0) + trajectories(2.0, start=3.0)
    outcome = converted(write_bag(tmp_path / 'bag', messages), robot=LEFT)
    assert (outcome.code, outcome.episodes) == (0, [3.0])
    assert '/arm/joint_trajectory (output) starts 3.0 s after /joint_states' in outcome.said


def test_commands_end_early(tmp_path, converted):
    messages = joint_states(5.0) + images(5.0) + trajectories(2.0)
    outcome = converted(write_bag(tmp_path / 'bag', messages), robot=LEFT)
    assert (outcome.code, outcome.steps) == (0, [100])
    assert '/arm/joint_trajectory (output) ends 3.0 s before /joint_states' in outcome.said
    assert len(set(outcome.column('action', 0)[-50:])) == 1


def test_one_trajectory_covers_five_seconds(tmp_path, converted):
    path = [(t, [t, -t]) for t in (1.0, 2.0, 5.0)]
    command = Messages().trajectory(at(0.5), path, 'ac')
    messages = [*joint_states(7.0), *images(7.0), ('/arm/joint_trajectory', command, at(0.5))]
    outcome = converted(write_bag(tmp_path / 'bag', messages), robot=LEFT)
    assert (outcome.code, outcome.episodes) == (0, [0.5])
    action = outcome.column('action', 0)
    times = np.arange(len(action)) / 20
    # Before its first point the first command stands at it; after the last one it holds.
    np.testing.assert_allclose(action, np.clip(times, 1.0, 5.0), atol=1e-5)


def test_trajectories_count_their_times_from_the_start_of_a_mission(tmp_path, converted):
    make = Messages()
    messages = [*joint_states(4.0), *images(4.0)] + [
        ('/arm/joint_trajectory', make.trajectory(at(t), [(t + 0.1, [t, t])], 'ac'), at(t))
        for t in np.arange(0, 4, 0.02)
    ]
    outcome = converted(write_bag(tmp_path / 'bag', messages), robot=LEFT)
    assert re.search(r'_trajectory: 19\d of 199 trajectories were replaced long', outcome.said)
    assert (outcome.code, outcome.steps) == (0, [80])


def test_a_camera_stops_midway(tmp_path, converted):
    messages = joint_states(4.0) + trajectories(4.0) + images(2.0)
    outcome = converted(write_bag(tmp_path / 'bag', messages), robot=LEFT)
    assert outcome.code == 0 and outcome.steps == [49]
    assert outcome.bag['ticks_dropped'] == {'RGB_IMAGES front: stale': 31}


def test_an_image_changes_its_size_and_encoding(tmp_path, converted):
    image = Messages()
    frames = images(1.0)
    for k in range(15):
        t = 1.0 + k / 15
        pixels = picture(k, (96, 128))
        message = image.image(at(t), np.ascontiguousarray(pixels[..., ::-1]))
        message.encoding = 'bgr8'
        frames.append(('/front/image_raw', message, at(t)))
    for k in range(15):
        t = 2.0 + k / 15
        message = image.image(at(t), picture(k))
        message.encoding = 'colours'
        frames.append(('/front/image_raw', message, at(t)))
    messages = joint_states(4.0) + trajectories(4.0) + frames + images(1.0, start=3.0)
    outcome = converted(write_bag(tmp_path / 'bag', messages), robot=LEFT)
    assert outcome.code == 0 and outcome.steps == [40, 20]
    assert outcome.bag['ticks_dropped'] == {'RGB_IMAGES front: undecodable': 20}
    assert "'colours'" in ' '.join(outcome.bag['why'].values())


def test_images_become_smaller_than_their_crop(tmp_path, converted):
    image = Messages()
    frames = images(1.0)
    frames += [
        ('/front/image_raw', image.image(at(1.0 + k / 15), picture(k, (24, 32))), at(1.0 + k / 15))
        for k in range(15)
    ]
    messages = joint_states(2.0) + trajectories(2.0) + frames
    cropped = LEFT.replace('/front/image_raw}', '/front/image_raw, crop: [8, 8, 40, 30]}')
    outcome = converted(write_bag(tmp_path / 'bag', messages), robot=cropped)
    assert outcome.code == 0 and outcome.steps == [20]
    assert outcome.bag['ticks_dropped'] == {'RGB_IMAGES front: size': 20}
    assert 'the image is 32 x 24 px, and its crop [8, 8, 40, 30] ends at' in ' '.join(
        outcome.bag['why'].values()
    )


HAND = """
robot: hand
limits: {g: {position: [0, 1], velocity: 1}, a: {position: none, velocity: 1}}
input: {JOINT_POSITIONS: {0: a}, PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: g}}
output: {JOINT_TARGET_POSITIONS: {0: a}}
sources:
  JOINT_POSITIONS: {topic: /joint_states}
  JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: /hand/joint_trajectory, follow_s: 0.4}
commands: {JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}}
"""


def test_the_hand_was_never_commanded(tmp_path, converted):
    bag = write_bag(tmp_path / 'bag', joint_states(2.0))
    text = HAND.replace('output: {JOINT_TARGET_POSITIONS', 'output: {JOINT_POSITIONS')
    text = re.sub('.*/arm/joint_trajectory.*\n', '', text)
    outcome = converted(bag, robot=text)
    assert outcome.code == 1
    assert "/hand/joint_trajectory (PARALLEL_GRIPPER_OPEN_AMOUNTS 'g' of" in outcome.said
    assert 'no command was recorded: without follow_s, the measured opening' in outcome.said


def test_the_hand_is_first_commanded_midway(tmp_path, converted):
    closing = Messages().trajectory(0, [(0.0, [0.0])], 'g')
    messages = [
        *joint_states(3.0),
        *trajectories(3.0),
        ('/hand/joint_trajectory', closing, at(1.0)),
    ]
    outcome = converted(write_bag(tmp_path / 'bag', messages), robot=HAND)
    assert outcome.code == 0 and len(outcome.steps) == 1
    opening = outcome.column('observation.state', 1)
    first_s = outcome.episodes[0]
    times_s = first_s + np.arange(len(opening)) / 20
    expected = np.where(times_s <= 1.0, 1.0, np.exp(-(times_s - 1.0) / 0.4))
    assert np.allclose(opening, expected, atol=1e-5)


def test_types_without_a_definition(tmp_path, converted):
    odd = get_typestore(Stores.EMPTY)
    odd.register(get_types_from_msg('float64 x', 'odd_msgs/msg/Odd'))
    bag = tmp_path / 'bag.mcap'
    joints = joint_states(2.0)
    write_mcap(bag, joints, unknown=('/odd', 'odd_msgs/msg/Odd'))
    assert_two_seconds(converted(bag))
    text = NUMBERS.replace('/joint_states}', '/odd, type: sensor_msgs/msg/JointState}')
    outcome = converted(bag, robot=text, dataset='odd')
    assert outcome.code == 1 and '/odd holds odd_msgs/msg/Odd' in outcome.said


def test_a_namespace(tmp_path, converted):
    bag = write_bag(tmp_path / 'bag', joint_states(2.0, topic='/left/joint_states'))
    text = NUMBERS.replace('topic: /joint_states', 'topic: joint_states')
    assert 'did you mean --namespace /left?' in converted(bag, robot=text).said
    assert_two_seconds(converted(bag, '--namespace', '/left', robot=text))


def test_topics_without_their_slash(tmp_path, converted):
    messages = joint_states(2.0, kind='ros1', topic='joint_states')
    assert_two_seconds(converted(write_bag(tmp_path / 'bag.bag', messages, 'ros1')))


@pytest.mark.parametrize('chunks', [True, False])
def test_log_times_are_not_in_order(tmp_path, converted, chunks):
    messages = joint_states(2.0)
    messages = [messages[k ^ 3] for k in range(len(messages))]
    bag = write_mcap(tmp_path / 'bag.mcap', messages, 1000, use_chunking=chunks)
    outcome = converted(bag)
    assert outcome.code == 0 and outcome.steps == [40]
    assert not outcome.streams['/joint_states']['drops']


def test_messages_that_are_not_of_their_type(tmp_path, converted):
    bag = tmp_path / 'bag'
    with Ros2Writer(bag, version=9) as writer:
        connection = writer.add_connection('/joint_states', JOINT_STATE, typestore=ROS2)
        for k, (_, message, log_ns) in enumerate(joint_states(2.0)):
            data = bytes(ROS2.serialize_cdr(message, JOINT_STATE))
            writer.write(connection, log_ns, data[:20] if k == 50 else data)
    outcome = converted(bag)
    assert outcome.code == 0 and outcome.steps == [40]
    assert '/joint_states: 1 messages are not of their type' in outcome.said


def test_a_log_time_of_years_ahead(tmp_path, converted):
    messages = [*joint_states(2.0), *joint_states(0.2, start=3e8)]
    outcome = converted(write_bag(tmp_path / 'bag', messages))
    assert outcome.code == 0 and outcome.steps == [44]
    (ticks,) = (n for reason, n in outcome.bag['ticks_dropped'].items() if 'no message' in reason)
    assert ticks == pytest.approx(3e8 * 20, rel=1e-4)
    assert 'no message of any stream for 299999998 s' in ' '.join(outcome.bag['why'].values())


def test_the_table_and_the_tests_are_of_the_same_situations():
    text = (Path(__file__).parents[2] / 'docs/recordings.md').read_text()
    told = set(re.findall(r'`(test_\w+)`', text))
    here = {name for name in globals() if name.startswith('test_')}
    sources = [path.read_text() for path in Path(__file__).parents[1].glob('*/test_*.py')]
    assert here - {'test_the_table_and_the_tests_are_of_the_same_situations'} <= told
    assert told <= set(re.findall(r'def (test_\w+)', ' '.join(sources)))


@pytest.mark.parametrize('encoding', ['protobuf', 'flatbuffer', 'ros2msg'])
def test_a_topic_of_another_middleware_beside_those_of_ros(tmp_path, converted, encoding):
    binary = b'\x0a\xff\xfe\x00\xb8'
    bag = tmp_path / 'bag.mcap'
    with bag.open('wb') as file:
        writer = McapWriter(file)
        writer.start()
        number = writer.register_schema('foxglove.Pose', encoding, binary)
        pose = writer.register_channel('/pose', 'protobuf', number)
        definition = ROS2.generate_msgdef(JOINT_STATE, ros_version=2)[0].encode()
        number = writer.register_schema(JOINT_STATE, 'ros2msg', definition)
        joints = writer.register_channel('/joint_states', 'cdr', number)
        for _, message, log_ns in joint_states(2.0):
            writer.add_message(pose, log_ns, binary, log_ns)
            data = bytes(ROS2.serialize_cdr(message, JOINT_STATE))
            writer.add_message(joints, log_ns, data, log_ns)
        writer.finish()
    assert_two_seconds(converted(bag))
