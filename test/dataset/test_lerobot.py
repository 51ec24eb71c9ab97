"""The dataset, opened by LeRobot itself."""

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from helpers.every_data_type import BARE, EVERY, record_bare, record_every
from helpers.lerobot_reading import read_by_lerobot
from helpers.small_bags import Messages, at, write_bag
from helpers.two_arms import (
    LEFT,
    NUMBERS,
    RIGHT,
    describe,
    images,
    joint_states,
    record_left,
    record_right,
)
from neuracore_ros.cli.main import main
from neuracore_ros.control import Commander, Control
from neuracore_ros.dataset.metadata import Episode, Metadata
from neuracore_ros.dataset.row import Row
from neuracore_ros.dataset.staging import EpisodeWriter
from neuracore_ros.dataset.writer import open_dataset
from neuracore_ros.description import DataType, Descriptions, embodiment
from neuracore_ros.loading.batches import Batches
from neuracore_ros.observation.texts import decode_text


@pytest.fixture
def read(tmp_path, lerobot_python):
    """Reads a dataset with the real LeRobotDataset."""
    return lambda dataset: read_by_lerobot(lerobot_python, dataset, tmp_path)


def column(dataset, name):
    files = sorted((dataset / 'data').glob('*/*.parquet'))
    return np.concatenate([np.array(pq.read_table(file)[name].to_pylist()) for file in files])


def test_two_robots_open_in_lerobot_with_equal_numbers_and_frames(tmp_path, read):
    cross = describe(tmp_path, left=LEFT, right=RIGHT)
    data = tmp_path / 'data'
    options = ['--description', str(cross), '--image-size', '64x48', '--task', 'wave']
    for robot, bag in (
        ('left', record_left(tmp_path / 'l')),
        ('right', record_right(tmp_path / 'r')),
    ):
        assert main(['convert', str(data), str(bag), '--robot', robot, *options]) == 0
    items = read(data)
    assert items['episode'].tolist() == [0] * 40 + [1] * 40
    assert set(items['task']) == {'wave'}
    for name in ('observation.state', 'action', 'valid.observation.state', 'valid.action'):
        np.testing.assert_array_equal(items[name], column(data, name).astype(items[name].dtype))
    for camera in (0, 1):
        key = f'observation.images.rgb_{camera}'
        ours = []
        for file in sorted((data / 'videos' / key).glob('*/*.mp4')):
            with av.open(str(file)) as container:
                ours += [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
        theirs = items[key].transpose(0, 2, 3, 1)
        assert np.abs(theirs.astype(int) - np.stack(ours)).max() <= 2
    assert np.isfinite(items['loss'])


def test_a_joint_that_never_moves_and_that_another_robot_lacks_gives_no_huge_loss(tmp_path, read):
    joints, targets, images = 'JOINT_POSITIONS', 'JOINT_TARGET_POSITIONS', 'RGB_IMAGES'
    slots = {'left': {0: 'a', 2: 'c'}, 'right': {0: 'u'}}
    inputs = {name: embodiment({joints: own, images: {0: 'top'}}) for name, own in slots.items()}
    outputs = {name: embodiment({targets: own}) for name, own in slots.items()}
    metadata = Metadata(20.0, (48, 64), Descriptions(inputs, outputs))
    picture = np.full((1, 48, 64, 3), 90, np.uint8)
    with open_dataset(tmp_path / 'data', metadata) as writer:
        for robot, own in slots.items():
            has = np.isin(np.arange(3), list(own))
            written = EpisodeWriter(writer.staging / 'episode', writer.metadata, 'hold')
            for step in range(12):
                # Joint c holds still at 2 rad.
                values = np.where(has, [step / 12, 0, 2], 0).astype(np.float32)
                there = {DataType(joints): has, DataType(images): np.ones(1, bool)}
                read_in = {DataType(joints): values, DataType(images): picture}
                asked = {DataType(targets): values}, {DataType(targets): has}
                written.add(Row(0, step, read_in, there, *asked, {}))
            writer.commit(written.finish(), Episode(robot, 'bag', 0, 12))
    items = read(tmp_path / 'data')
    # Before the zeros of the other robot were thought of, it was 37 million.
    assert items['loss'] < 1000


def test_who_commanded_opens_in_lerobot(tmp_path, read):
    policy = Control(Commander.POLICY, 'lift.pt').to_text()
    words = [('/infer/control', Messages().string(policy), at(t)) for t in (0.0, 0.9)]
    words.append(('/infer/control', Messages().string('human'), at(1.0)))
    bag = write_bag(tmp_path / 'bag', [*joint_states(2.0), *images(2.0), *words])
    text = NUMBERS.replace('2: c}}', '2: c}, RGB_IMAGES: {0: front}}', 1)
    text = text.replace('states}}', 'states}, RGB_IMAGES: {front: {topic: /front/image_raw}}}')
    data = tmp_path / 'data'
    options = ['--description', str(describe(tmp_path, numbers=text)), '--image-size', '64x48']
    assert main(['convert', str(data), str(bag), *options]) == 0
    items = read(data)
    assert items['policy'].tolist() == ['lift.pt'] * 20 + [''] * 20
    assert items['intervention'].tolist() == [False] * 20 + [True] * 20
    assert not items['success'].any() and np.isfinite(items['loss'])


def test_a_single_joint_at_an_odd_rate_opens_in_lerobot(tmp_path, read):
    text = NUMBERS.replace('0: a, 2: c', '0: a')
    text = text.replace(', c: {position: none, velocity: 1.0}', '')
    bag = write_bag(tmp_path / 'bag', joint_states(2.0))
    description = describe(tmp_path, numbers=text)
    data = tmp_path / 'data'
    options = ['--description', str(description), '--rate-hz', '12.5']
    assert main(['convert', str(data), str(bag), *options]) == 0
    items = read(data)
    np.testing.assert_array_equal(
        items['observation.state'].reshape(-1), column(data, 'observation.state')
    )


def test_every_type_opens_in_lerobot_with_equal_depths_and_tasks(tmp_path, read):
    cross = describe(tmp_path, every=EVERY, bare=BARE)
    data = tmp_path / 'data'
    options = ['--description', str(cross), '--image-size', '64x48', '--task', 'go']
    for robot, bag in (
        ('every', record_every(tmp_path / 'e')),
        ('bare', record_bare(tmp_path / 'b')),
    ):
        assert main(['convert', str(data), str(bag), '--robot', robot, *options]) == 0
    items = read(data)
    batches = Batches(data)
    rows = np.arange(batches.episodes[-1].stop)
    ours = batches.take(rows, 1, 1).inputs
    for camera in (0, 1):
        theirs = items[f'observation.images.depth_{camera}'] / 1000
        assert theirs.shape == (len(rows), 1, 48, 64)
        assert np.abs(theirs - ours[DataType.DEPTH_IMAGES][:, :, camera]).max() < 0.001
    np.testing.assert_array_equal(
        items['observation.state'],
        batches.metadata.input_layout.join(batches.numbers(rows, 1))[:, 0],
    )
    own = batches.episodes[0].rows
    told = [decode_text(text) for text in ours[DataType.LANGUAGE][own, 0, 0]]
    assert items['task'][own].tolist() == told and len(set(told)) == 2
    assert set(items['task'][len(own) :]) == {'go'}
    assert np.isfinite(items['loss'])
