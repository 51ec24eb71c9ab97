from contextlib import closing

import av
import numpy as np
import pytest

from helpers.two_arms import picture
from neuracore_ros.dataset.video import KEYFRAME_STEPS, VideoWriter, write_black, yuv420


@pytest.mark.parametrize('rate_hz', [20.0, 12.5, 29.97])
def test_frame_k_has_the_time_k_over_the_rate(tmp_path, rate_hz):
    with closing(VideoWriter(tmp_path / 'a.mp4', rate_hz, (48, 64))) as video:
        for k in range(50):
            video.add(picture(k))
    with av.open(str(tmp_path / 'a.mp4')) as container:
        frames = [(float(f.pts * f.time_base), f.key_frame) for f in container.decode(video=0)]
    # LeRobot's tolerance is 1e-4 s.
    times = [time for time, _ in frames]
    np.testing.assert_allclose(times, np.arange(50) / rate_hz, atol=1e-4)
    keys = np.flatnonzero([key for _, key in frames])
    assert keys[0] == 0 and np.diff(keys).max() <= KEYFRAME_STEPS


def test_a_file_that_cannot_be_written_is_an_error_where_frames_are_added(tmp_path):
    video = VideoWriter(tmp_path / 'nowhere' / 'a.mp4', 20.0, (48, 64))
    with pytest.raises(OSError, match='No such file'):
        for k in range(50):
            video.add(picture(k))
    with pytest.raises(OSError, match='No such file'):
        video.close()


def test_a_camera_that_is_absent_is_black(tmp_path):
    write_black(tmp_path / 'a.mp4', 20.0, (48, 64), steps=30)
    with av.open(str(tmp_path / 'a.mp4')) as container:
        frames = [f.to_ndarray(format='rgb24') for f in container.decode(video=0)]
    assert len(frames) == 30 and not np.any(frames)


@pytest.mark.parametrize(
    'colour', [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (7, 90, 200)]
)
def test_colours_are_those_that_a_decoder_expects(colour):
    image = np.full((32, 48, 3), colour, np.uint8)
    frame = av.VideoFrame.from_ndarray(yuv420(image), format='yuv420p')
    assert np.abs(frame.to_ndarray(format='rgb24').astype(int) - image).max() <= 3


def test_chroma_is_the_mean_of_four_pixels():
    image = np.zeros((4, 4, 3), np.uint8)
    image[::2, ::2] = (0, 0, 255)
    blue, half = yuv420(np.full_like(image, (0, 0, 64)))[4], yuv420(image)[4]
    assert np.abs(blue.astype(int) - half).max() <= 1
