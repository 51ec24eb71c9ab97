"""Single frames equal those of a whole video, however it was encoded."""

from contextlib import closing

import av
import numpy as np
import pytest

from neuracore_ros.dataset.video import VideoWriter
from neuracore_ros.errors import DatasetError
from neuracore_ros.loading.video_frames import VideoFrames

COUNT, HEIGHT, WIDTH = 30, 48, 64
SHAPE = (COUNT, HEIGHT, WIDTH, 3)


def scene():
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for k in range(COUNT):
        image = np.stack([rows * 4, columns * 3, np.full((HEIGHT, WIDTH), 8 * k)], -1)
        image[10:20, k : k + 10] = 255
        yield image.astype(np.uint8)


def encode(path, options):
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=20, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, 'yuv420p'
        for image in scene():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        container.mux(stream.encode())
    return path


def ours(path):
    with closing(VideoWriter(path, 20.0, (HEIGHT, WIDTH))) as writer:
        for image in scene():
            writer.add(image)
    return path


@pytest.mark.parametrize(
    'write',
    [
        ours,
        lambda path: encode(path, {'g': '250', 'bf': '0'}),
        lambda path: encode(path, {'g': '10', 'bf': '3', 'b-pyramid': 'normal'}),
        lambda path: encode(path, {'g': '10', 'bf': '3', 'x264-params': 'open-gop=1'}),
    ],
    ids=['ours', 'one keyframe', 'B-frames', 'open groups of pictures'],
)
def test_any_frame_is_that_of_the_whole_video(tmp_path, write):
    frames = VideoFrames(write(tmp_path / 'video.mp4'), SHAPE)
    whole = np.stack(list(frames))
    with av.open(str(tmp_path / 'video.mp4')) as container:
        plain = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
    assert np.array_equal(whole, plain)
    single = np.empty(SHAPE[1:], np.uint8)
    for step in [*np.random.default_rng(0).permutation(COUNT), 0, 0]:
        frames.read(int(step), single)
        assert np.array_equal(single, whole[step]), step


def test_a_video_of_another_size_or_length_is_refused(tmp_path):
    path = ours(tmp_path / 'video.mp4')
    with pytest.raises(DatasetError, match='has 30 frames of 64x48; the episode has 31 steps'):
        VideoFrames(path, (31, HEIGHT, WIDTH, 3)).check()
    with pytest.raises(DatasetError, match='has 30 frames of 64x48; the episode has 29 steps'):
        list(VideoFrames(path, (29, HEIGHT, WIDTH, 3)))
    with pytest.raises(DatasetError, match='has 0 frames of 32x32; the episode has 30 steps'):
        VideoFrames(path, (COUNT, 32, 32, 3)).check()


def test_a_frame_that_is_damaged_is_told_by_its_file(tmp_path):
    path = ours(tmp_path / 'video.mp4')
    frames = VideoFrames(path, SHAPE)
    frames.check()
    path.write_bytes(path.read_bytes()[:3000])
    image = np.empty(SHAPE[1:], np.uint8)
    with pytest.raises(DatasetError, match=r'video\.mp4: missing or damaged'):
        frames.read(COUNT - 1, image)
    path.unlink()
    with pytest.raises(DatasetError, match=r'video\.mp4: missing or damaged'):
        frames.read(0, image)


def refused(path, read=list):
    with pytest.raises(DatasetError) as error:
        read(VideoFrames(path, SHAPE))
    assert '\n' not in str(error.value)
    return str(error.value)


def without_frames(path):
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=20)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, 'yuv420p'
        container.mux(stream.encode())
    return path


def playlist(path):
    """A text that names another file, which FFmpeg would read."""
    ours(path.with_name('other.mp4'))
    path.write_text('ffconcat version 1.0\nfile other.mp4\n')
    return path


def immense(path):
    """Frames of 4096 x 4096, in a file that says otherwise."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=20, options={'preset': 'ultrafast'})
        stream.width, stream.height, stream.pix_fmt = 4096, 4096, 'yuv420p'
        frame = av.VideoFrame(4096, 4096, 'yuv420p')
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    data = bytearray(path.read_bytes())
    place = data.index(b'avc1', data.index(b'stsd')) + 28
    data[place : place + 4] = WIDTH.to_bytes(2, 'big') + HEIGHT.to_bytes(2, 'big')
    path.write_bytes(data)
    return path


@pytest.mark.parametrize('make', [without_frames, playlist, immense])
@pytest.mark.parametrize('read', [list, VideoFrames.check])
def test_a_video_that_is_none_is_refused(tmp_path, monkeypatch, make, read):
    monkeypatch.setattr(av.VideoFrame, 'to_ndarray', None)
    assert refused(make(tmp_path / 'video.mp4'), read)


def test_a_video_without_a_keyframe_is_refused_where_single_frames_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(np, 'flatnonzero', lambda flags: np.zeros(0, np.int64))
    assert 'no frame stands alone' in refused(ours(tmp_path / 'video.mp4'), VideoFrames.check)


def test_a_video_with_more_frames_than_steps_is_not_decoded_to_its_end(tmp_path):
    path = ours(tmp_path / 'video.mp4')
    frames = VideoFrames(path, (3, *SHAPE[1:]))
    given = []
    with pytest.raises(DatasetError, match='has 4 frames of 64x48; the episode has 3 steps'):
        given.extend(frames)
