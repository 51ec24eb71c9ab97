"""Depth images of every form that real cameras send, to metres."""

import struct

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from helpers.observer_examples import DEPTH, MS, RGB, T0, Observation, header, observer, source
from neuracore_ros.errors import ObservationError
from neuracore_ros.observation.depth import decode_depth, metres, millimetres

cv2 = pytest.importorskip('cv2')

MM = np.array([[0, 1, 500], [1234, 65535, 7]], np.uint16)


def raw(pixels, encoding, big=False):
    height, width = pixels.shape
    pixels = pixels.astype(pixels.dtype.newbyteorder('>' if big else '<'))
    return Image(
        encoding=encoding, height=height, width=width, step=width * pixels.itemsize,
        is_bigendian=big, data=pixels.tobytes(),
    )  # fmt: skip


def png(pixels):
    return cv2.imencode('.png', pixels)[1].tobytes()


def packed(form, data):
    return CompressedImage(format=form, data=data)


HEADER = struct.pack('<iff', 0, 0.0, 0.0)
IN_MM = {
    '16UC1': raw(MM, '16UC1'),
    'mono16': raw(MM, 'mono16'),
    'big endian': raw(MM, '16UC1', big=True),
    'compressedDepth': packed('16UC1; compressedDepth png', HEADER + png(MM)),
    'compressedDepth of old drivers': packed('16UC1; compressedDepth', HEADER + png(MM)),
    'plain PNG': packed('16UC1; png compressed', png(MM)),
}


@pytest.mark.parametrize('message', IN_MM.values(), ids=IN_MM)
def test_sixteen_bits_are_millimetres(message):
    depths = decode_depth(message)
    assert depths.dtype == np.float32
    assert np.array_equal(depths, metres(MM))
    assert depths[1, 0] == np.float32(1.234)


def test_floats_are_metres_and_what_was_not_measured_is_zero():
    pixels = np.array([[0.5, np.nan, np.inf], [-np.inf, -1.0, 70.0]], np.float32)
    assert decode_depth(raw(pixels, '32FC1')).tolist() == [[0.5, 0, 0], [0, 0, 0]]


def test_floats_that_were_quantised_come_back():
    depths = np.array([[0.4, 1.0, 3.0]])
    quantum, farthest = 100.0, 10.0
    a = quantum * (quantum + 1)
    b = 1.0 - a / farthest
    inverse = np.append(np.rint(a / depths + b), 0).astype(np.uint16)[None]
    data = struct.pack('<iff', 0, a, b) + png(inverse)
    found = decode_depth(packed('32FC1; compressedDepth png', data))
    assert found[0, :3] == pytest.approx(depths[0], rel=1e-3)
    assert found[0, 3] == 0.0


@pytest.mark.parametrize(
    ('message', 'words'),
    [
        (raw(np.zeros((2, 2), np.uint8), 'rgb8'), "'rgb8' holds no depths. Known: 16UC1"),
        (packed('jpeg', cv2.imencode('.jpg', MM.astype(np.uint8))[1].tobytes()), 'PNG only'),
        (packed('16UC1; compressedDepth rvl', HEADER + b'12345678'), 'PNG only'),
        (packed('16UC1; compressedDepth png', b''), 'PNG only'),
        (packed('16UC1; compressedDepth png', HEADER + png(MM)[:-20]), 'truncated'),
        (packed('16UC1; compressedDepth png', HEADER + png(MM)[:40] + b'IEND'), 'damaged'),
        (packed('png', png(MM.astype(np.uint8))), '16 bits'),
        (packed('png', png(np.zeros((2, 2, 3), np.uint16))), 'one channel'),
        (Image(encoding='16UC1', height=2, width=3, step=6, data=bytes(11)), 'data has 11 bytes'),
        (Image(encoding='32FC1'), 'it is empty'),
        (object(), 'not understood'),
    ],
)
def test_what_holds_no_depths_is_refused(message, words):
    with pytest.raises(ObservationError) as refused:
        decode_depth(message)
    assert words in str(refused.value)


def test_millimetres_go_to_metres_and_back_exactly():
    every = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(millimetres(metres(every)), every)


def test_depths_are_resized_without_mixing_and_padded_like_colours():
    near_and_far = np.full((60, 80), 400, np.uint16)
    near_and_far[:, 37:] = 2000
    depth = raw(near_and_far, '16UC1')
    grey = Image(
        encoding='mono8', height=60, width=80, step=80,
        data=(near_and_far // 10).astype(np.uint8).tobytes(),
    )  # fmt: skip
    eyes = observer(
        source(0, 'top', DEPTH, topic='/depth'), source(0, 'top', RGB, topic='/colour')
    )
    eyes.receive('/depth', depth, T0)
    eyes.receive('/colour', grey, T0)
    seen = eyes.observe(T0)
    assert isinstance(seen, Observation)
    depths, colours = seen.inputs[DEPTH], seen.inputs[RGB]
    assert depths.shape == (1, 4, 4) and depths.dtype == np.float32
    assert set(np.unique(depths)) == {np.float32(v) for v in (0.0, 0.4, 2.0)}
    assert np.array_equal(depths[0] > 0, colours[0, :, :, 0] > 0), 'the bars are the same'


def test_one_topic_can_be_colours_and_depths():
    message = raw(np.full((4, 4), 1000, np.uint16), '16UC1')
    message.header = header(T0)
    eyes = observer(source(0, 'd', DEPTH), source(0, 'c', RGB))
    eyes.receive('/top', message, T0 + MS)
    seen = eyes.observe(T0 + MS)
    assert (seen.inputs[DEPTH] == 1.0).all() and (seen.inputs[RGB] == 4).all()
