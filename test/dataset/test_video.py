import av
import numpy as np
import pytest
from two_arms import picture

from neuracore_ros.dataset.video import KEYFRAME_STEPS, VideoWriter


@pytest.mark.parametrize('rate_hz', [20.0, 12.5, 29.97])
def test_frame_k_has_the_time_k_over_the_rate(tmp_path, rate_hz):
    with VideoWriter(tmp_path / 'a.mp4', rate_hz, (48, 64)) as video:
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
    with VideoWriter(tmp_path / 'a.mp4', 20.0, (48, 64)) as video:
        for _ in range(30):
            video.add_black()
    with av.open(str(tmp_path / 'a.mp4')) as container:
        frames = [f.to_ndarray(format='rgb24') for f in container.decode(video=0)]
    assert len(frames) == 30 and not np.any(frames)
