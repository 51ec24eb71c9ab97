"""Frames of a LeRobot dataset reach ours as they are encoded, wherever that is possible."""

import json
import shutil

import av
import numpy as np
import pytest

from helpers.lerobot_datasets import LENGTHS, write_lerobot
from neuracore_ros.bags.lerobot_video import EpisodeVideo
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.dataset.staging import PIXEL_STEP

ROBOT = """
robot: arm
limits: {pan: {position: [-3.2, 3.2], velocity: 100.0}}
input: {JOINT_POSITIONS: [pan], RGB_IMAGES: [front]}
output: {JOINT_TARGET_POSITIONS: [pan]}
sources:
  JOINT_POSITIONS: {topic: observation.state}
  RGB_IMAGES: {front: {topic: observation.images.front}}
  JOINT_TARGET_POSITIONS: {topic: action}
commands: {JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}}
"""
CROPPED = ROBOT.replace('images.front}', 'images.front, crop: [0, 0, 64, 48]}')
SOURCE = 'videos/observation.images.front/chunk-000/file-000.mp4'
SAME = ['--rate-hz', '30', '--image-size', '64x48', '--min-steps', '3']


def numbers(episode, k):
    return np.float32([np.sin(k / 9 + episode)])


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    """AV1, which we never write ourselves."""
    folder = tmp_path_factory.mktemp('source') / 'set'
    options = {'joints': ['pan'], 'numbers': (numbers, numbers), 'cameras': ['front']}
    return write_lerobot(folder, codec='libsvtav1', **options)


@pytest.fixture
def convert(tmp_path):
    """Converts a dataset; what its videos are: the codec and the frames of each episode."""

    def call(source, *options, robot=ROBOT):
        (tmp_path / 'arm.yaml').write_text(robot)
        words = ['--description', str(tmp_path / 'arm.yaml'), *options]
        assert main(['convert', str(tmp_path / 'data'), str(source), *words]) == 0
        folder = tmp_path / 'data' / 'videos/observation.images.rgb_0/chunk-000'
        return [decoded(path) for path in sorted(folder.iterdir())]

    return call


def decoded(path):
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
        return container.streams.video[0].codec_context.codec.canonical_name, np.stack(frames)


@pytest.mark.parametrize('workers', ['1', '2'])
def test_frames_of_the_same_rate_and_size_are_copied(source, convert, workers):
    _, frames = decoded(source / SOURCE)
    first = 0
    for length, (codec, copied) in zip(
        LENGTHS, convert(source, *SAME, '--workers', workers), strict=True
    ):
        assert codec == 'av1'
        np.testing.assert_array_equal(copied, frames[first : first + length])
        first += length


@pytest.mark.parametrize(
    ('options', 'robot', 'step'),
    [
        (['--rate-hz', '15', '--image-size', '64x48'], ROBOT, 2),
        (['--rate-hz', '30', '--image-size', '32x24'], ROBOT, 1),
        (['--rate-hz', '30', '--image-size', '64x48'], CROPPED, 1),
    ],
    ids=['half the rate', 'half the size', 'a crop'],
)
def test_other_frames_are_encoded_once(source, convert, options, robot, step):
    _, frames = decoded(source / SOURCE)
    found = convert(source, *options, '--min-steps', '3', robot=robot)
    assert [codec for codec, _ in found] == ['h264'] * 3
    wanted = frames[: LENGTHS[0] : step].astype(int)
    if found[0][1].shape[1] == 24:
        wanted = wanted.reshape(len(wanted), 24, 2, 32, 2, 3).mean((2, 4))
    assert np.abs(found[0][1] - wanted).mean() < 6


def test_few_frames_are_decoded_of_those_that_are_copied(source, convert, monkeypatch):
    numbers = []
    pixels = EpisodeVideo.pixels

    def counted(self, number):
        numbers.append(number)
        return pixels(self, number)

    monkeypatch.setattr(EpisodeVideo, 'pixels', counted)
    convert(source, *SAME)
    first = np.cumsum([0, *LENGTHS[:-1]])
    for_statistics = {
        begin + k
        for begin, length in zip(first, LENGTHS, strict=True)
        for k in range(0, length, PIXEL_STEP)
    }
    assert set(numbers) == for_statistics  # what proves a stream is one of them


def test_statistics_are_those_of_frames_that_are_encoded(source, convert, tmp_path):
    convert(source, *SAME)
    copied = json.loads((tmp_path / 'data/meta/stats.json').read_text())
    (tmp_path / 'data').rename(tmp_path / 'copied')
    convert(source, *SAME, robot=CROPPED)
    encoded = json.loads((tmp_path / 'data/meta/stats.json').read_text())
    assert copied == encoded


def test_an_interruption_within_an_episode_begins_another_one(tmp_path, convert):
    def holed(episode, k):
        return np.float32([np.nan if 4 <= k < 12 else np.sin(k / 9)])

    options = {'joints': ['pan'], 'numbers': (holed, numbers), 'cameras': ['front']}
    source = write_lerobot(tmp_path / 'set', codec='libsvtav1', lengths=[20], **options)
    _, frames = decoded(source / SOURCE)
    before, after = convert(source, *SAME)
    # A number holds for 0.2 s. Frame 12 stands alone, so that both parts can be copied.
    assert before[0] == after[0] == 'av1'
    np.testing.assert_array_equal(before[1], frames[:10])
    np.testing.assert_array_equal(after[1], frames[12:])
    assert [episode.steps for episode in load_metadata(tmp_path / 'data').episodes] == [10, 8]


def test_an_episode_with_a_damaged_frame_is_decoded_and_what_is_whole_of_it_is_used(
    tmp_path, source, capsys
):
    damaged = shutil.copytree(source, tmp_path / 'set')
    with av.open(str(damaged / SOURCE)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    data = bytearray((damaged / SOURCE).read_bytes())
    for packet in packets[10:12]:  # the first one is decoded, for the statistics
        data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    (damaged / SOURCE).write_bytes(data)
    (tmp_path / 'arm.yaml').write_text(ROBOT)
    words = ['--description', str(tmp_path / 'arm.yaml'), *SAME]
    assert main(['convert', str(tmp_path / 'data'), str(damaged), *words]) == 0
    assert '2 of 12 ticks unusable (RGB_IMAGES front: undecodable' in capsys.readouterr().out
    steps = [episode.steps for episode in load_metadata(tmp_path / 'data').episodes]
    assert steps == [10, 9, 15]
    video = tmp_path / 'data/videos/observation.images.rgb_0/chunk-000'
    codecs = [decoded(video / f'file-{k:03d}.mp4')[0] for k in range(3)]
    assert codecs == ['h264', 'av1', 'av1']
