"""A camera's video holds the frames of its source, copied where they follow each other."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from helpers.lerobot_datasets import write_lerobot
from helpers.two_arms import picture
from neuracore_ros.dataset import camera_video
from neuracore_ros.dataset.camera_video import CameraVideo, pixels_of
from neuracore_ros.errors import BagError

SIZE = 48, 64


@dataclass
class Shared:
    """A video of three episodes, AV1, so that what was encoded again is told by its codec."""

    path: Path
    images: np.ndarray

    def image(self, index):
        frame = SimpleNamespace(file=self.path, stream=0, index=index, rate_hz=30)
        return SimpleNamespace(frame=frame, pixels=lambda: self.images[index])


@pytest.fixture(scope='module')
def shared(tmp_path_factory):
    root = write_lerobot(tmp_path_factory.mktemp('set') / 'set', codec='libsvtav1')
    path = root / 'videos/observation.images.front/chunk-000/file-000.mp4'
    return Shared(path, read(path)[1])


def read(path):
    """The codec of a video, and its frames."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
        return container.streams.video[0].codec_context.codec.canonical_name, np.stack(frames)


def written(path, images):
    video = CameraVideo(path, 30.0, SIZE)
    for image in images:
        video.add(image)
    video.close()
    return read(path)


def is_like(found, wanted):
    """True for what was encoded once more, with the losses of that."""
    return found.shape == wanted.shape and np.abs(found.astype(int) - wanted).mean() < 4


def test_frames_that_follow_each_other_are_copied(tmp_path, shared):
    codec, images = written(tmp_path / 'a.mp4', [shared.image(k) for k in range(12, 21)])
    assert codec == 'av1'
    np.testing.assert_array_equal(images, shared.images[12:21])


@pytest.mark.parametrize(
    'indices',
    [
        [0, 2, 4, 6, 8],  # half the rate
        [0, 1, 2, 2, 3, 4],  # a frame that was held
        [12, 13, 14, 0, 1, 2],  # back
        [5, 6, 7, 8],  # begins with one that needs another
        [34, 35],
    ],
)
def test_frames_that_do_not_are_encoded(tmp_path, shared, indices):
    codec, images = written(tmp_path / 'a.mp4', [shared.image(k) for k in indices])
    assert codec == 'h264'
    assert is_like(images, shared.images[indices])


def test_images_after_stored_ones_are_encoded_together_with_these(tmp_path, shared):
    images = [shared.image(0), shared.image(1), picture(7), picture(8), shared.image(2)]
    codec, found = written(tmp_path / 'a.mp4', images)
    assert codec == 'h264'
    assert is_like(found, np.stack([pixels_of(image) for image in images]))


def test_frames_of_another_file_are_not_those_that_follow(tmp_path, shared):
    other = Shared(tmp_path / 'other.mp4', shared.images)
    other.path.write_bytes(shared.path.read_bytes())
    images = [shared.image(0), shared.image(1), other.image(2), other.image(3)]
    codec, found = written(tmp_path / 'a.mp4', images)
    assert codec == 'h264' and is_like(found, shared.images[:4])


def test_nothing_is_decoded_of_what_is_copied(tmp_path, shared, monkeypatch):
    def refuse(*args):
        raise AssertionError('decoded')

    monkeypatch.setattr(camera_video, 'decode_frames', refuse)
    monkeypatch.setattr(camera_video, 'VideoWriter', refuse)
    images = [SimpleNamespace(frame=shared.image(k).frame, pixels=refuse) for k in range(12)]
    assert written(tmp_path / 'a.mp4', images)[0] == 'av1'


def test_a_damaged_image_is_one_line():
    def damaged():
        raise ValueError('not there')

    frame = SimpleNamespace(file=Path('front.mp4'), index=7)
    with pytest.raises(BagError, match=r'^front\.mp4: frame 7 is missing or damaged$'):
        pixels_of(SimpleNamespace(frame=frame, pixels=damaged))


def test_an_episode_that_is_dropped_copies_nothing(tmp_path, shared):
    video = CameraVideo(tmp_path / 'a.mp4', 30.0, SIZE)
    video.add(shared.image(0))
    video.discard()
    assert not (tmp_path / 'a.mp4').exists()


def test_a_file_that_cannot_be_written_is_an_error_of_the_disk(tmp_path, shared):
    video = CameraVideo(tmp_path / 'nowhere' / 'a.mp4', 30.0, SIZE)
    video.add(shared.image(0))
    with pytest.raises(OSError, match='No such file'):
        video.close()
