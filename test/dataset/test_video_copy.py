"""Frames that are copied out of a shared video are, once decoded, what they were in it."""

from fractions import Fraction

import av
import numpy as np
import pytest

from helpers.lerobot_datasets import LENGTHS, write_lerobot
from neuracore_ros.dataset.video_copy import FrameSpan, copy_frames, decode_frames
from neuracore_ros.errors import BagError

FRONT = 'videos/observation.images.front/chunk-000/file-000.mp4'
B_FRAMES = {'bf': '2', 'g': '12'}
NTSC = Fraction(30000, 1001)
KINDS = {
    'h264': {},
    'hevc': {'codec': 'libx265'},
    'av1': {'codec': 'libsvtav1'},
    'B-frames': {'options': B_FRAMES},
    'hevc with B-frames': {'codec': 'libx265', 'options': B_FRAMES | {'g': '4'}},
    'av1 with long groups': {'codec': 'libsvtav1', 'options': {'g': '8', 'svtav1-params': ''}},
    '29.97 Hz': {'fps': 29.97},
    'NTSC': {'fps': NTSC},
    'milliseconds': {'timescale': 1000},
    'a fine time base': {'timescale': 90000, 'fps': 7},
}


def video(tmp_path, **options):
    return write_lerobot(tmp_path / 'set', cameras=['front'], **options) / FRONT


def decoded(path):
    """All frames of a video, and when they are shown, [s]."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    images = np.stack([frame.to_ndarray(format='rgb24') for frame in frames])
    return images, np.array([float(frame.pts * frame.time_base) for frame in frames])


@pytest.mark.parametrize('options', KINDS.values(), ids=KINDS)
def test_each_episode_of_a_shared_video_is_copied_frame_by_frame(tmp_path, options):
    path, rate_hz = video(tmp_path, **options), float(options.get('fps', 30))
    source, _ = decoded(path)
    first = 0
    for length in LENGTHS:
        span = FrameSpan(path, 0, rate_hz, first, length)
        assert copy_frames(span, tmp_path / f'{first}.mp4', rate_hz)
        images, times_s = decoded(tmp_path / f'{first}.mp4')
        np.testing.assert_array_equal(images, source[first : first + length])
        np.testing.assert_allclose(times_s, np.arange(length) / rate_hz, atol=1e-9)
        first += length


def test_part_of_an_episode_is_copied_where_a_frame_stands_alone(tmp_path):
    path = video(tmp_path)  # frames 0, 2, 4, ... of each episode do
    source, _ = decoded(path)
    assert copy_frames(FrameSpan(path, 0, 30, 14, 5), tmp_path / 'part.mp4', 30)
    np.testing.assert_array_equal(decoded(tmp_path / 'part.mp4')[0], source[14:19])


@pytest.mark.parametrize(
    ('options', 'first', 'count'),
    [
        ({}, 13, 4),  # begins between frames that stand alone
        ({'options': B_FRAMES}, 0, 7),  # ends with one that needs the next
        ({}, 30, 7),  # ends after the video
        ({}, 40, 2),  # begins after it
    ],
)
def test_what_needs_other_frames_is_not_copied(tmp_path, options, first, count):
    path = video(tmp_path, **options)
    assert not copy_frames(FrameSpan(path, 0, 30, first, count), tmp_path / 'part.mp4', 30)
    assert not (tmp_path / 'part.mp4').exists()


@pytest.mark.parametrize('options', KINDS.values(), ids=KINDS)
def test_any_frames_can_be_decoded(tmp_path, options):
    path, rate_hz = video(tmp_path, **options), float(options.get('fps', 30))
    source, _ = decoded(path)
    for first, count in [(0, 3), (7, 9), (13, 4), (35, 1)]:
        found = np.stack([*decode_frames(FrameSpan(path, 0, rate_hz, first, count))])
        np.testing.assert_array_equal(found, source[first : first + count])


def test_a_missing_frame_is_neither_copied_nor_passed_over(tmp_path):
    path = video(tmp_path)
    with av.open(str(path)) as read, av.open(str(tmp_path / 'holed.mp4'), 'w') as written:
        stream = written.add_stream_from_template(read.streams.video[0], opaque=True)
        for packet in read.demux(video=0):
            if packet.dts is not None and packet.pts != 4 * 512:
                packet.stream = stream
                written.mux(packet)
    span = FrameSpan(tmp_path / 'holed.mp4', 0, 30, 0, 12)
    assert not copy_frames(span, tmp_path / 'copy.mp4', 30)
    with pytest.raises(BagError, match=r'holed\.mp4: frame 4 is missing or damaged$'):
        list(decode_frames(span))


@pytest.mark.parametrize('content', [b'', b'ftyp', b'#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'])
def test_a_file_that_is_no_mp4_is_refused(tmp_path, content):
    (tmp_path / 'file-000.mp4').write_bytes(content)
    span = FrameSpan(tmp_path / 'file-000.mp4', 0, 30, 0, 12)
    with pytest.raises(BagError, match=r'file-000\.mp4: missing or damaged: '):
        copy_frames(span, tmp_path / 'copy.mp4', 30)
    with pytest.raises(BagError, match=r'file-000\.mp4: missing or damaged: '):
        list(decode_frames(span))


def test_the_target_cannot_be_written(tmp_path):
    path = video(tmp_path)
    with pytest.raises(OSError, match='No such file'):
        copy_frames(FrameSpan(path, 0, 30, 0, 12), tmp_path / 'nowhere' / 'copy.mp4', 30)
