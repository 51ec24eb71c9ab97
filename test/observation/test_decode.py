"""The image decoder: against rosbags-image, against cv_bridge, and on its own."""

import array
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage

from helpers.observer_examples import Image
from neuracore_ros.observation import ObservationError, decode_image
from neuracore_ros.observation.decode import ENCODINGS

BAYER = [f'bayer_{order}{bits}' for bits in (8, 16) for order in ('rggb', 'bggr', 'gbrg', 'grbg')]
COLOURS = ['rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8', 'mono16']
YUV = ['yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv']
# Red, green; blue, white: every swap of channels or sides shows.
CORNERS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)


def raw(encoding: str, pixels: np.ndarray, *, padding: int = 0, big: bool = False) -> Image:
    """An image message of pixels of shape (h, w) or (h, w, channels)."""
    pixels = pixels.astype(pixels.dtype.newbyteorder('>' if big else '<'))
    rows = np.frombuffer(pixels.tobytes(), np.uint8).reshape(len(pixels), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return Image(
        encoding=encoding,
        height=pixels.shape[0],
        width=pixels.shape[1],
        step=rows.shape[1],
        is_bigendian=int(big),
        data=rows.tobytes(),
    )


def noise(encoding: str, height: int = 6, width: int = 8) -> np.ndarray:
    known = ENCODINGS[encoding]
    random = np.random.default_rng(len(encoding))
    shape = (height, width, known.channels)
    if known.dtype == 'f4':
        return random.uniform(-0.5, 1.5, shape).astype(np.float32)
    return random.integers(0, np.iinfo(known.dtype).max, shape, np.dtype(known.dtype))


def packed(encoding: str, pixels: np.ndarray, ending: str = '.png') -> CompressedImage:
    """Compressed from pixels in the order that OpenCV takes for BGR."""
    return CompressedImage(format=encoding, data=cv2.imencode(ending, pixels)[1].tobytes())


@pytest.mark.parametrize('encoding', [*COLOURS, *YUV, *BAYER])
def test_colours_are_those_of_rosbags_image(encoding):
    other = pytest.importorskip('rosbags.image')
    message = raw(encoding, noise(encoding))
    mine = decode_image(message).astype(int)
    theirs = other.image_to_cvimage(message, 'rgb8').astype(int)
    # It cuts 16 bits off where we round.
    assert np.abs(mine - theirs).max() <= (1 if '16' in encoding else 0)


@pytest.mark.parametrize('encoding', [*COLOURS, *YUV, *BAYER, '8UC3'])
def test_colours_are_those_of_cv_bridge(encoding):
    bridge = pytest.importorskip('cv_bridge', reason='cv_bridge is not installed')
    message = raw(encoding, noise(encoding), padding=0)
    wanted = 'bgr8' if encoding == '8UC3' else 'rgb8'
    theirs = bridge.CvBridge().imgmsg_to_cv2(message, wanted).astype(int)
    theirs = theirs[..., ::-1] if encoding == '8UC3' else theirs
    assert np.abs(decode_image(message) - theirs).max() <= (1 if '16' in encoding else 0)


@pytest.mark.parametrize(
    ('encoding', 'channels'), [('rgb8', 'rgb'), ('bgr8', 'bgr'), ('8UC3', 'bgr')]
)
def test_every_order_of_channels_becomes_rgb(encoding, channels):
    pixels = CORNERS[..., ['rgb'.index(channel) for channel in channels]]
    assert decode_image(raw(encoding, pixels)).tolist() == CORNERS.tolist()


@pytest.mark.parametrize(('encoding', 'channels'), [('rgba8', 'rgb'), ('bgra8', 'bgr')])
def test_alpha_is_left_out(encoding, channels):
    colours = CORNERS[..., ['rgb'.index(channel) for channel in channels]]
    pixels = np.concatenate([colours, np.full((2, 2, 1), 9, np.uint8)], axis=2)
    assert decode_image(raw(encoding, pixels)).tolist() == CORNERS.tolist()


@pytest.mark.parametrize('order', ['rggb', 'bggr', 'gbrg', 'grbg'])
@pytest.mark.parametrize('bits', [8, 16])
def test_a_mosaic_of_one_colour_has_that_colour(order, bits):
    full = 2**bits - 1
    dtype = np.uint8 if bits == 8 else np.uint16
    for place, colour in enumerate('rgb'):
        tile = [full if letter == colour else 0 for letter in order]
        pixels = np.tile(np.array(tile, dtype).reshape(2, 2), (4, 4))
        middle = decode_image(raw(f'bayer_{order}{bits}', pixels))[2:-2, 2:-2]
        assert middle.reshape(-1, 3).max(axis=0).tolist() == [255 * (place == k) for k in range(3)]
        assert middle[..., place].min() == 255


@pytest.mark.parametrize('encoding', sorted(ENCODINGS))
def test_padding_at_the_end_of_rows_is_no_picture(encoding):
    pixels = noise(encoding)
    tight = decode_image(raw(encoding, pixels))
    for padding in (1, 4, 7):
        assert np.array_equal(decode_image(raw(encoding, pixels, padding=padding)), tight)


@pytest.mark.parametrize('encoding', ['mono16', '16UC1', '32FC1', 'bayer_rggb16'])
def test_the_byte_order_is_obeyed(encoding):
    pixels = noise(encoding)
    assert np.array_equal(
        decode_image(raw(encoding, pixels, big=True, padding=3)),
        decode_image(raw(encoding, pixels)),
    )


def test_16_bits_are_scaled_by_their_full_range_whatever_the_picture_holds():
    for encoding in ('mono16', '16UC1'):
        pixels = np.array([[0, 128, 129, 257, 65535]], np.uint16)
        assert decode_image(raw(encoding, pixels))[0, :, 0].tolist() == [0, 0, 1, 1, 255]


def test_floats_count_from_0_to_1_and_nan_is_black():
    pixels = np.array([[0.0, 0.5, 1.0, 7.0, -1.0, np.nan, np.inf]], np.float32)
    seen = decode_image(raw('32FC1', pixels))
    assert seen[0, :, 1].tolist() == [0, 128, 255, 255, 0, 0, 255]


def test_a_tight_rgb8_image_is_not_copied():
    message = raw('rgb8', CORNERS)
    seen = decode_image(message)
    assert np.shares_memory(seen, np.frombuffer(message.data, np.uint8))


@pytest.mark.parametrize(
    'buffer', [bytes, bytearray, memoryview, lambda data: array.array('B', data), np.frombuffer]
)
def test_data_may_be_any_buffer(buffer):
    class Message:
        encoding, height, width, step, is_bigendian = 'rgb8', 2, 2, 6, False
        data = buffer(CORNERS.tobytes()) if buffer is not np.frombuffer else CORNERS.reshape(-1)

    assert decode_image(Message()).tolist() == CORNERS.tolist()


@pytest.mark.parametrize('form', ['png', 'bgr8; png compressed bgr8', 'rgb8; png compressed bgr8'])
def test_a_compressed_image_shows_the_colours_that_every_viewer_shows(form):
    assert decode_image(packed(form, CORNERS[..., ::-1])).tolist() == CORNERS.tolist()


def test_colours_that_were_swapped_when_compressed_are_swapped_back():
    message = packed('rgb8; png compressed rgb8', CORNERS)
    assert decode_image(message).tolist() == CORNERS.tolist()


def test_a_jpeg_is_the_same_picture_as_in_rosbags_image():
    other = pytest.importorskip('rosbags.image')
    smooth = cv2.resize(CORNERS[..., ::-1], (64, 48), interpolation=cv2.INTER_LINEAR)
    for form in ('jpeg', 'rgb8; jpeg compressed bgr8'):
        message = packed(form, smooth, '.jpg')
        mine = decode_image(message)
        assert np.array_equal(mine, other.compressed_image_to_cvimage(message, 'rgb8'))
        assert np.abs(mine[0, 0].astype(int) - [255, 0, 0]).max() < 12


def test_grey_alpha_and_16_bits_in_a_png_become_rgb():
    for pixels in (
        np.full((2, 2), 200, np.uint8),
        np.full((2, 2), 200 * 257, np.uint16),
        np.full((2, 2, 4), 200, np.uint8),
    ):
        assert np.all(decode_image(packed('mono8; png compressed mono8', pixels)) == 200)


RED_BESIDE_BLUE = np.zeros((32, 32, 3), np.uint8)
RED_BESIDE_BLUE[:, :16], RED_BESIDE_BLUE[:, 16:] = (200, 40, 20), (20, 60, 210)


def mosaic(order: str, colours: np.ndarray, bits: int = 8) -> np.ndarray:
    """What a Bayer camera sees whose first four pixels are of these colours."""
    seen = np.zeros(colours.shape[:2], np.uint8)
    for place, colour in enumerate(order):
        rows, columns = slice(place // 2, None, 2), slice(place % 2, None, 2)
        seen[rows, columns] = colours[rows, columns, 'rgb'.index(colour)]
    return seen if bits == 8 else seen.astype(np.uint16) * 257


@pytest.mark.parametrize('kind', BAYER)
@pytest.mark.parametrize('ending', ['jpg', 'png'])
def test_a_compressed_mosaic_shows_the_colours_of_the_raw_one(kind, ending):
    seen = mosaic(
        kind[6:10], RED_BESIDE_BLUE, 16 if kind.endswith('16') and ending == 'png' else 8
    )
    # JPEG has 8 bits, whatever was compressed.
    raw_kind = f'bayer_{kind[6:10]}{seen.itemsize * 8}'
    form = f'{kind}; {"jpeg" if ending == "jpg" else "png"} compressed '
    data = cv2.imencode(f'.{ending}', seen, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    found = decode_image(CompressedImage(format=form, data=data)).astype(int)
    assert np.abs(found - decode_image(raw(raw_kind, seen))).max() <= (3 if ending == 'jpg' else 0)
    assert np.abs(found[8, 4] - (200, 40, 20)).max() < 5
    assert np.abs(found[8, 28] - (20, 60, 210)).max() < 5


@pytest.mark.parametrize('form', ['bayer_rggb8; jpeg compressed bgr8', 'bayer_rggb8; jpeg'])
def test_a_mosaic_that_became_colours_before_it_was_compressed_is_left_alone(form):
    found = decode_image(packed(form, RED_BESIDE_BLUE[..., ::-1])).astype(int)
    assert np.abs(found - RED_BESIDE_BLUE).max() == 0


def test_a_mosaic_that_became_grey_before_it_was_compressed_stays_grey():
    message = packed('bayer_rggb8; png compressed mono8', np.full((4, 4), 90, np.uint8))
    assert np.all(decode_image(message) == 90)


@pytest.mark.parametrize('encoding', ['mono16', '16UC1'])
def test_16_bits_are_as_bright_in_a_png_as_raw(encoding):
    pixels = np.array([[0, 257, 65535], [300, 40000, 128]], np.uint16)
    message = packed(f'{encoding}; png compressed ', pixels)
    assert decode_image(message).tolist() == decode_image(raw(encoding, pixels)).tolist()


def test_colours_of_16_bits_in_a_png_are_those_of_8():
    pixels = CORNERS[..., ::-1].astype(np.uint16) * 257
    assert decode_image(packed('rgb16; png compressed bgr16', pixels)).tolist() == CORNERS.tolist()


def test_a_camera_that_lies_on_its_side_in_exif_is_not_turned():
    data = bytearray(cv2.imencode('.jpg', np.zeros((8, 16, 3), np.uint8))[1].tobytes())
    turned = bytes.fromhex(
        'ffe1 0022 457869660000 4d4d002a00000008 0001 0112 0003 00000001 00060000 00000000'
    )
    message = CompressedImage(format='jpeg', data=bytes(data[:2] + turned + data[2:]))
    assert decode_image(message).shape == (8, 16, 3)


JPEG = cv2.imencode('.jpg', np.random.default_rng(1).integers(0, 255, (16, 16, 3)))[1].tobytes()


def changed(**fields: object) -> Image:
    message = raw('rgb8', CORNERS)
    for field, value in fields.items():
        setattr(message, field, value)
    return message


@pytest.mark.parametrize(
    ('message', 'words'),
    [
        (changed(step=5), 'rgb8 image of 2 x 2: step is 5, but a row has 6 bytes'),
        (changed(step=0), 'step is 0'),
        (changed(data=b'12345'), 'data has 5 bytes, but step x height is 6 x 2 = 12'),
        (changed(data=b'1' * 13), 'data has 13 bytes'),
        (changed(data=b''), 'data has 0 bytes'),
        (changed(height=0), 'it is empty'),
        (changed(width=0), 'it is empty'),
        (changed(width=2**32 - 1, height=2**32 - 1, step=2**32 - 1), 'but a row has'),
        (changed(height=2**32 - 1), 'data has 12 bytes'),
        (changed(encoding='rgb'), "unknown encoding 'rgb'; did you mean 'rgb8'\\?"),
        (changed(encoding=''), "unknown encoding ''"),
        (changed(encoding='x' * 10_000), 'unknown encoding'),
        (raw('yuv422', np.zeros((2, 3, 2), np.uint8)), 'odd width 3'),
        (raw('bayer_rggb8', np.zeros((2, 2), np.uint8)), 'too small'),
        (CompressedImage(format='jpeg'), 'without data'),
        (CompressedImage(format='jpeg', data=b'\xff\xd8\xff'), 'damaged, or neither JPEG nor PNG'),
        (CompressedImage(format='jpeg', data=JPEG[:-9]), 'is truncated: its end is missing'),
        (CompressedImage(format='16UC1; compressedDepth png', data=b'1'), 'holds depths'),
        (
            CompressedImage(format='h264', data=b'\0\0\0\1g'),
            'is a video .h264., of which no image',
        ),
        (packed('bayer_rgbg8; png compressed ', CORNERS[..., 0]), "did you mean 'bayer_"),
        (object(), 'not understood'),
    ],
)
def test_what_cannot_be_decoded_is_refused_in_one_line_with_numbers(message, words):
    with pytest.raises(ObservationError, match=words) as refused:
        decode_image(message)
    assert '\n' not in str(refused.value)
    assert len(str(refused.value)) < 500


def test_what_a_driver_pads_after_a_jpeg_is_ignored():
    seen = decode_image(CompressedImage(format='jpeg', data=JPEG + bytes(100)))
    assert np.array_equal(seen, decode_image(CompressedImage(format='jpeg', data=JPEG)))


@settings(deadline=None)
@given(
    st.sampled_from(sorted(ENCODINGS)),
    *[st.integers(0, 40)] * 3,
    st.booleans(),
    st.binary(max_size=400),
)
def test_any_image_is_decoded_or_refused(encoding, height, width, step, big, data):
    message = Image(
        encoding=encoding, height=height, width=width, step=step, is_bigendian=big, data=data
    )
    try:
        seen = decode_image(message)
    except ObservationError:
        return
    assert (seen.shape, seen.dtype) == ((height, width, 3), np.uint8)


@settings(deadline=None)
@given(st.integers(0, 300), st.binary(max_size=8), st.sampled_from(['.jpg', '.png']))
def test_damaged_files_are_decoded_or_refused(place, garbage, ending):
    data = bytearray(cv2.imencode(ending, np.tile(CORNERS, (8, 8, 1)))[1].tobytes())
    data[place : place + len(garbage)] = garbage
    try:
        seen = decode_image(CompressedImage(format='', data=bytes(data)))
    except ObservationError:
        return
    assert seen.dtype == np.uint8


def test_an_encoding_unknown_here_is_left_to_cv_bridge(monkeypatch):
    """A stand-in, for machines without cv_bridge: only who is asked what is tested."""

    class CvBridge:
        def imgmsg_to_cv2(self, message, wanted):
            if message.encoding != 'nv21':
                raise TypeError(f'Unrecognized image encoding [{message.encoding}]')
            assert wanted == 'rgb8'
            return CORNERS

    module = SimpleNamespace(CvBridge=CvBridge, CvBridgeError=TypeError)
    monkeypatch.setitem(sys.modules, 'cv_bridge', module)
    assert decode_image(changed(encoding='nv21')).tolist() == CORNERS.tolist()
    with pytest.raises(ObservationError, match=r'Known: rgb8.*cv_bridge: TypeError.*Unrecognized'):
        decode_image(changed(encoding='rgb9'))
