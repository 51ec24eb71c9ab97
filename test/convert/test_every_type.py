"""Every DataType from a bag to batches, as the node would see it."""

import itertools
import json
import pickle

import numpy as np
import pyarrow.parquet as pq
import pytest

from helpers.every_data_type import (
    BARE,
    EVERY,
    SUPPORTED,
    depth_picture,
    record_bare,
    record_every,
)
from helpers.small_bags import ROS2
from helpers.two_arms import describe
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.bags.writer import BagWriter
from neuracore_ros.cli.main import main
from neuracore_ros.convert.cutting import WHOLE
from neuracore_ros.convert.recording import Recording
from neuracore_ros.dataset import depths, tables
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.dataset.staging import EpisodeWriter
from neuracore_ros.dataset.tables import EpisodeRecord
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.loading.batches import Batches
from neuracore_ros.loading.depth_frames import DepthFrames
from neuracore_ros.observation import Observation, Observer
from neuracore_ros.observation.depth import metres
from neuracore_ros.observation.texts import decode_text

SIZE = (48, 64)


@pytest.fixture(scope='module')
def converted(tmp_path_factory):
    """A dataset of both robots, its folder, and the bag of the one that has everything."""
    folder = tmp_path_factory.mktemp('every')
    cross = describe(folder, every=EVERY, bare=BARE)
    options = ['--description', str(cross), '--image-size', f'{SIZE[1]}x{SIZE[0]}']
    bag = record_every(folder / 'bag')
    bare = record_bare(folder / 'bare')
    data = folder / 'data'
    assert main(['convert', str(data), str(bag), '--robot', 'every', *options]) == 0
    more = ['--robot', 'bare', '--task', 'go']
    assert main(['convert', str(data), str(bare), *more, *options]) == 0
    return data, folder, bag


def seen_by_the_node(folder, bag, steps, rate_hz=20.0):
    """What the node's observer sees of the bag at the ticks of its episode."""
    robot = load_robot(folder / 'every.yaml')
    layout = Batches(folder / 'data').metadata.input_layout
    eyes = Observer(robot.input_sources(), layout, SIZE, texts=robot.texts(''))
    found = []
    with open_bag(bag) as opened:
        messages = list(opened.read(eyes.topics))
    start_ns = messages[0].log_time_ns
    for step in range(steps):
        tick_ns = start_ns + round(step * 1e9 / rate_hz)
        while messages and messages[0].log_time_ns <= tick_ns:
            topic, message, receive_ns = messages.pop(0)
            eyes.receive(topic, message, receive_ns)
        seen = eyes.observe(tick_ns)
        assert isinstance(seen, Observation), seen
        found.append(seen)
    return found


def test_what_is_learnt_from_is_what_the_node_sees(converted):
    data, folder, bag = converted
    batches = Batches(data)
    episode = batches.episodes[0]
    learnt = batches.take(episode.rows, 1, 1)
    seen = seen_by_the_node(folder, bag, len(episode.rows))
    assert set(learnt.inputs) == set(SUPPORTED) - {
        DataType.JOINT_TARGET_POSITIONS,
        DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS,
    }
    for kind, values in learnt.inputs.items():
        live = np.stack([one.inputs[kind] for one in seen])
        assert values.shape == (len(seen), 1, *live.shape[1:]) and values.dtype == live.dtype
        assert live.any(), kind
        if kind is DataType.RGB_IMAGES:  # which went through a video
            assert np.abs(values[:, 0].astype(int) - live).mean() < 2
        else:
            np.testing.assert_array_equal(values[:, 0], live, err_msg=kind)
        assert (learnt.valid[kind] == seen[0].valid[kind]).all()


def test_depths_are_kept_to_the_millimetre_with_what_was_not_measured(converted):
    batches = Batches(converted[0])
    depths = batches.take(np.array([0]), 1, 1).inputs[DataType.DEPTH_IMAGES][0, 0]
    assert depths.dtype == np.float32
    assert not depths[0].any(), 'no robot has camera 0'
    assert np.array_equal(depths[1], metres(depth_picture(0)))
    assert not depths[1, :9, :9].any() and (depths[1, 9:] > 0.3).all()


def test_gripper_amounts_are_0_to_1_in_states_and_actions(converted):
    batches = Batches(converted[0])
    rows = batches.episodes[0].rows
    amount = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
    state = batches.numbers(rows, 1)[amount]
    action = batches.targets(rows, 1)[0][DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS]
    for values in (state, action):
        assert 0.0 <= values.min() < 0.2 and 0.8 < values.max() <= 1.0


def test_depths_are_never_held_in_memory_all_at_once(converted, tmp_path):
    data, folder, bag = converted
    metadata = load_metadata(data)
    writing = EpisodeWriter(tmp_path / 'episode', metadata)
    with open_bag(bag) as opened:
        recording = Recording(opened, load_robot(folder / 'every.yaml'), metadata, WHOLE)
        for row in itertools.chain.from_iterable(recording.pieces()):
            for _ in range(5):
                writing.add(row)
    staged = writing.finish()
    spool = staged.columns.depths['observation.images.depth_1']
    assert spool.path.read_bytes()[:100] not in pickle.dumps(staged.columns)
    record = EpisodeRecord(0, 'every', (), 0, staged.steps, staged.statistics)
    with (tmp_path / 'table').open('wb') as file:
        tables.write_data(file, staged.columns, record, staged.columns.tasks, 20.0)
    groups = pq.ParquetFile(tmp_path / 'table').metadata
    assert staged.steps > 2 * depths.BLOCK and groups.num_row_groups > 2
    assert max(groups.row_group(k).num_rows for k in range(groups.num_row_groups)) == depths.BLOCK
    shape = (staged.steps, *SIZE)
    frames = DepthFrames(tmp_path / 'table', 'observation.images.depth_1', shape)
    images = np.stack(list(frames))
    assert images[0].any() and np.array_equal(images[0], images[4])
    assert not images[0, :5, :5].any()
    for step in (0, depths.BLOCK, staged.steps - 1):
        image = np.empty(SIZE, np.uint16)
        frames.read(step, image)
        assert np.array_equal(image, images[step])


def test_the_task_is_what_was_said_at_each_step(converted):
    data, _, _ = converted
    batches = Batches(data)
    rows = batches.episodes[0].rows
    texts = batches.take(rows, 1, 1).inputs[DataType.LANGUAGE][:, 0, 0]
    said = [decode_text(text) for text in texts]
    half = len(rows) // 2 + 1
    assert said == ['pick the räd cube'] * half + ['put it down'] * (len(rows) - half)
    tasks = pq.read_table(data / 'meta/tasks.parquet').to_pydict()
    assert tasks['task'] == ['pick the räd cube', 'put it down', 'go']


def test_what_a_robot_lacks_is_zero_and_not_valid(converted):
    batches = Batches(converted[0])
    bare = batches.episodes[1]
    batch = batches.take(bare.rows, 2, 2)
    for kind, values in batch.inputs.items():
        has = batch.valid[kind].any()
        assert has == values.any() == (kind is DataType.JOINT_POSITIONS), kind


def test_columns_are_named_and_statistics_count_what_is_valid(converted):
    data, _, _ = converted
    info = json.loads((data / 'meta/info.json').read_text())['features']
    names = info['observation.state']['names']
    assert [name for name in names if name.startswith('POSES.1')] == [
        f'POSES.1.{part}' for part in ('x', 'y', 'z', 'qx', 'qy', 'qz', 'qw')
    ]
    assert info['observation.images.depth_1']['info']['is_depth_map'] is True
    stats = json.loads((data / 'meta/stats.json').read_text())
    state = stats['observation.state']
    counts = dict(zip(names, state['valid_count'], strict=True))
    steps = Batches(data).episodes
    own, all_steps = steps[0].stop, steps[1].stop
    assert (counts['POSES.1.qw'], counts['POSES.0.x'], counts['CUSTOM_1D.0']) == (own, 0, own)
    assert (counts['JOINT_POSITIONS.0'], counts['JOINT_POSITIONS.1']) == (own, all_steps - own)
    depth = stats['observation.images.depth_1']
    assert np.shape(depth['mean']) == (1, 1, 1)
    assert depth['min'][0][0][0] >= 400, 'what was not measured does not count'


def test_a_task_that_is_too_long_for_a_policy_is_refused(tmp_path, capsys):
    cross = describe(tmp_path, every=EVERY.replace('  LANGUAGE: {topic: /say}\n', ''))
    bag = record_every(tmp_path / 'bag', seconds=1.0)
    arguments = ['convert', str(tmp_path / 'data'), str(bag), '--description', str(cross)]
    assert main([*arguments, '--task', 'x' * 257]) == 1
    assert '257 bytes; at most 256 fit' in capsys.readouterr().err


def test_the_task_says_what_no_topic_does(tmp_path):
    text = EVERY.replace('  LANGUAGE: {topic: /say}\n', '')
    cross = describe(tmp_path, every=text)
    bag = record_every(tmp_path / 'bag', seconds=1.0)
    arguments = ['convert', str(tmp_path / 'data'), str(bag), '--description', str(cross)]
    assert main([*arguments, '--task', 'stack them']) == 0
    batch = Batches(tmp_path / 'data').take(np.array([0]), 1, 1)
    assert decode_text(batch.inputs[DataType.LANGUAGE][0, 0, 0]) == 'stack them'
    assert batch.valid[DataType.LANGUAGE].all()


def record_task(path, task):
    """A recording of the bare robot, as `neuracore_ros record --task` writes it."""
    bare = record_bare(path.with_name('source'))
    topics = {'/record/task': 'std_msgs/msg/String'}
    with open_bag(bare) as opened:
        topics |= {topic.name: topic.type for topic in opened.topics.values()}
        writer = BagWriter(path, topics, notes={'robot': 'bare', 'task': task})
        messages = list(opened.read(opened.topics))
        writer.write_text('/record/task', messages[0].log_time_ns, task)
        for topic, message, log_time_ns in messages:
            data = ROS2.serialize_cdr(message, topics[topic])
            writer.write(topic, log_time_ns, bytes(data))
    return writer


def tasks(dataset):
    return pq.read_table(dataset / 'meta/tasks.parquet').to_pydict()['task']


def test_a_recording_says_itself_what_is_done_in_it(tmp_path):
    listener = BARE.replace(
        '{JOINT_POSITIONS: {1: z}}', '{JOINT_POSITIONS: {1: z}, LANGUAGE: [x]}'
    )
    cross = describe(tmp_path, bare=listener)
    record_task(tmp_path / 'bag', 'pick it up').close()
    arguments = [str(tmp_path / 'bag'), '--description', str(cross)]
    assert main(['convert', str(tmp_path / 'own'), *arguments]) == 0
    assert tasks(tmp_path / 'own') == ['pick it up']
    batch = Batches(tmp_path / 'own').take(np.array([0]), 1, 1)
    assert decode_text(batch.inputs[DataType.LANGUAGE][0, 0, 0]) == 'pick it up'
    assert main(['convert', str(tmp_path / 'other'), *arguments, '--task', 'drop it']) == 0
    assert tasks(tmp_path / 'other') == ['drop it']


def test_a_recording_that_was_cut_off_says_it_on_its_topic(tmp_path):
    cross = describe(tmp_path, bare=BARE)
    writer = record_task(tmp_path / 'bag', 'pick it up')
    writer.flush()
    writer.close_cut()
    assert not (tmp_path / 'bag/metadata.yaml').exists()
    arguments = [str(tmp_path / 'bag'), '--description', str(cross)]
    assert main(['convert', str(tmp_path / 'data'), *arguments]) == 0
    assert tasks(tmp_path / 'data') == ['pick it up']


def test_a_recording_whose_own_task_is_too_long_keeps_no_other_out(tmp_path, capsys):
    listener = BARE.replace(
        '{JOINT_POSITIONS: {1: z}}', '{JOINT_POSITIONS: {1: z}, LANGUAGE: [x]}'
    )
    cross = describe(tmp_path, bare=listener)
    record_task(tmp_path / 'bag', 'x' * 257).close()
    bags = [str(tmp_path / 'bag'), str(record_bare(tmp_path / 'other'))]
    assert main(['convert', str(tmp_path / 'data'), *bags, '--description', str(cross)]) == 1
    assert '257 bytes; at most 256 fit: shorten it; or give another one: --task' in (
        capsys.readouterr().err
    )
    assert len(Batches(tmp_path / 'data').episodes) == 1


def test_a_frame_that_the_bag_lacks_is_named(tmp_path, capsys):
    cross = describe(tmp_path, every=EVERY.replace('parent: base}', 'parent: world}'))
    bag = record_every(tmp_path / 'bag', seconds=1.0)
    arguments = ['convert', str(tmp_path / 'data'), str(bag), '--description', str(cross)]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert "there is no frame 'world'" in error and 'There are: ' in error and 'arm' in error


def test_outputs_that_cannot_be_commanded_are_refused_by_name(tmp_path, capsys):
    text = BARE.replace('output: {JOINT_TARGET_POSITIONS: {1: z}}', 'output: {POSES: {0: p}}')
    text = text.replace('JOINT_TARGET_POSITIONS: {topic: /cmd}', 'POSES: {topic: /p}')
    cross = describe(tmp_path, bare=text)
    bag = record_bare(tmp_path / 'bag')
    arguments = ['convert', str(tmp_path / 'data'), str(bag), '--description', str(cross)]
    assert main(arguments) == 1
    assert 'output POSES is not supported' in capsys.readouterr().err
