"""Image messages to RGB: one decoder for bag and robot."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import cv2
import numpy as np

from neuracore_ros.arrays import Array, ByteArray
from neuracore_ros.errors import ObservationError
from neuracore_ros.observation.compressed_image import MOST_PIXELS, decode_compressed
from neuracore_ros.similar_names import did_you_mean


class Encoding(NamedTuple):
    """Layout of pixels in the data of a sensor_msgs/Image.

    Attributes:
        dtype: Of one channel, NumPy's word without the byte order.
        channels: Per pixel.
        to_rgb: From (h, w, channels) of that dtype to uint8 (h, w, 3), RGB.
    """

    dtype: str
    channels: int
    to_rgb: Callable[[Array], Array]


def decode_image(message: Any, most_pixels: int = MOST_PIXELS) -> ByteArray:
    """Decode a sensor_msgs Image or CompressedImage, of rclpy or of rosbags.

    16 bits are scaled so that 65535 becomes 255, whatever an image holds: a range that followed
    the content would show one grey in many brightnesses. 32FC1 counts as 0..1 for the same
    reason; what lies outside is clipped, and NaN is black. 8UC1 is grey, and 8UC3 is BGR, as
    in OpenCV and cv_bridge. An encoding that is not known here is left to cv_bridge, where that
    is installed. The mosaic of a Bayer camera that was compressed as it is becomes colours.

    Args:
        message: Its ``data`` is any buffer of bytes; a raw image is read without a copy. Of the
            frame of a video, ``pixels()`` decodes it.
        most_pixels: That a compressed one may have.

    Returns:
        RGB, uint8, shape (h, w, 3). It may be a read-only view of the message.

    Raises:
        ObservationError: The encoding is unknown, sizes and data do not match, or compressed
            data is damaged, or claims to be larger than can be.
    """
    with understood():
        if hasattr(message, 'frame'):
            return _decoded(message)
        if hasattr(message, 'encoding'):
            return _decode_raw(message)
        return _decode_compressed(message, most_pixels)


@contextmanager
def understood() -> Iterator[None]:
    """Turn errors of a block that reads a message, whatever it may be, into ours.

    Raises:
        ObservationError: It is no image, or OpenCV refuses it.
    """
    try:
        yield
    except (AttributeError, TypeError, ValueError, OverflowError, MemoryError) as error:
        raise ObservationError(f'an image not understood ({error!r:.120})') from error
    except cv2.error as error:
        raise ObservationError(f'an image that OpenCV refuses ({error.err!r:.120})') from error


def _decoded(message: Any) -> ByteArray:
    if message.encoding != 'rgb8':
        raise ObservationError(f'encoding {message.encoding!r} holds no colours')
    pixels: ByteArray = message.pixels()
    return pixels


def _decode_raw(message: Any) -> ByteArray:
    encoding = ENCODINGS.get(message.encoding)
    if encoding is None:
        return _ask_cv_bridge(message)
    return encoding.to_rgb(read_raw(message, encoding.dtype, encoding.channels))


def read_raw(message: Any, dtype: str, channels: int) -> Array:
    """Read the pixels of a sensor_msgs/Image as they are.

    Args:
        message: Of rclpy or of rosbags.
        dtype: Of one channel, NumPy's word without the byte order.
        channels: Per pixel.

    Returns:
        Shape (h, w, channels), in the byte order of this machine.

    Raises:
        ObservationError: It is empty, or sizes and data do not match.
    """
    height, width, step = int(message.height), int(message.width), int(message.step)
    what = f'{str(message.encoding)[:40]} image of {width} x {height}'
    if height < 1 or width < 1:
        raise ObservationError(f'{what}: it is empty')
    order = np.dtype(dtype).newbyteorder('>' if message.is_bigendian else '<')
    row = width * channels * order.itemsize
    data = np.frombuffer(message.data, np.uint8)
    if step < row:
        raise ObservationError(f'{what}: step is {step}, but a row has {row} bytes')
    if data.size != step * height:
        raise ObservationError(
            f'{what}: data has {data.size} bytes, but step x height is {step} x {height} = '
            f'{step * height}'
        )
    pixels = data.reshape(height, step)[:, :row]
    if order.itemsize > 1:
        pixels = np.ascontiguousarray(pixels).view(order)
        pixels = pixels.astype(order.newbyteorder('='), copy=False)
    return pixels.reshape(height, width, channels)


def _decode_compressed(message: Any, most_pixels: int) -> ByteArray:
    declared = str(message.format)[:60]
    form, words = repr(declared), declared.lower()
    data = bytes(memoryview(message.data))
    what = f'compressed image ({form}, {len(data)} bytes)'
    if 'compresseddepth' in words:
        raise ObservationError(f'format {form} holds depths, not colours')
    if not data:
        raise ObservationError(f'compressed image ({form}) without data')
    if _is_cut_off(data):
        raise ObservationError(f'{what} is truncated: its end is missing')
    # A camera's EXIF tag must not turn the image: raw images of it are not turned either.
    flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = decode_compressed(data, flags, what, most_pixels)
    except ObservationError as error:
        if video := next((codec for codec in _VIDEO if codec in words), ''):
            raise ObservationError(
                f'format {form} is a video ({video}), of which no image stands alone; '
                'use the raw topic, or one of JPEG or PNG'
            ) from error
        raise
    if image is None:
        raise ObservationError(f'{what} is damaged, or neither JPEG nor PNG')
    if image.dtype not in (np.uint8, np.uint16):
        raise ObservationError(f'format {form} holds {image.dtype}, not colours')
    # image_transport writes 'ENCODING; jpeg compressed TARGET': what the image was, and what the
    # file holds; nothing where it did not convert.
    encoding, _, packed = words.partition(';')
    target = packed.partition('compressed')[2].strip()
    if image.ndim == 2:
        return _decode_grey(image, '' if target.startswith('mono') else encoding.strip())
    # 'compressed bgr8' is what every viewer expects. 'compressed rgb8' says that red and blue
    # were swapped when it was compressed.
    colours = image if target.startswith('rgb') else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return _narrow(colours) if colours.dtype == np.uint16 else colours


def _decode_grey(image: Array, encoding: str) -> ByteArray:
    """Decode a grey file, which of a Bayer camera has colours in its mosaic."""
    pixels = image[..., None]
    if encoding.startswith('bayer_'):
        mosaic = ENCODINGS.get(encoding)
        if mosaic is None:
            raise ObservationError(_unknown(encoding))
        return mosaic.to_rgb(pixels)
    return _grey16(pixels) if image.dtype == np.uint16 else _grey(pixels)


def _is_cut_off(data: bytes) -> bool:
    """Whether a JPEG ends before its end, of which OpenCV 4 makes an image all the same.

    Within the last scan, two such bytes are nothing else; some drivers pad what comes after.
    """
    if not data.startswith(b'\xff\xd8') or data.endswith(b'\xff\xd9'):
        return False
    return data.rfind(b'\xff\xd9') < data.rfind(b'\xff\xda')


def _ask_cv_bridge(message: Any) -> ByteArray:
    encoding = str(message.encoding)
    try:
        from cv_bridge import CvBridge, CvBridgeError
    # AttributeError: a cv_bridge that was built for another NumPy.
    except (ImportError, AttributeError):
        raise ObservationError(_unknown(encoding)) from None
    try:
        image = CvBridge().imgmsg_to_cv2(message, 'rgb8')
    # Its own error, or whatever its C++ half raises for an encoding that it does not know.
    except (CvBridgeError, RuntimeError, KeyError) as error:
        raise ObservationError(f'{_unknown(encoding)} cv_bridge: {error!r:.200}') from error
    return np.asarray(image, np.uint8)


def _unknown(encoding: str) -> str:
    hint = did_you_mean(encoding, ENCODINGS) or '.'
    return f'unknown encoding {encoding[:40]!r}{hint} Known: {", ".join(ENCODINGS)}.'


def _as_is(pixels: Array) -> Array:
    return pixels


def _convert(code: int) -> Callable[[Array], Array]:
    return lambda pixels: cv2.cvtColor(pixels, code)


def _grey(pixels: Array) -> Array:
    return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)


def _narrow(pixels: Array) -> Array:
    """Round from 16 bits to 8."""
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _grey16(pixels: Array) -> Array:
    return _grey(_narrow(pixels))


def _unit_grey(pixels: Array) -> Array:
    unit = np.clip(np.nan_to_num(pixels, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    return _grey(np.rint(unit * 255.0).astype(np.uint8))


def _yuv(code: int) -> Callable[[Array], Array]:
    def to_rgb(pixels: Array) -> Array:
        if pixels.shape[1] % 2:
            raise ObservationError(
                f'a YUV 4:2:2 image of odd width {pixels.shape[1]}: its pixels share colour by two'
            )
        return cv2.cvtColor(pixels, code)

    return to_rgb


def _bayer(code: int) -> Callable[[Array], Array]:
    def to_rgb(pixels: Array) -> Array:
        height, width = pixels.shape[:2]
        # OpenCV leaves smaller mosaics black, without a word.
        if height < 3 or width < 3:
            raise ObservationError(f'a Bayer image of {width} x {height} is too small to convert')
        colours = cv2.cvtColor(pixels, code)
        return _narrow(colours) if colours.dtype == np.uint16 else colours

    return to_rgb


# What other publishers put into a CompressedImage.
_VIDEO = ('h264', 'h265', 'hevc', 'av1', 'vp8', 'vp9')

# OpenCV names a Bayer pattern by the second and third pixel of its second row, ROS by its first
# four pixels.
_BAYER = {
    'rggb': cv2.COLOR_BayerBG2RGB,
    'bggr': cv2.COLOR_BayerRG2RGB,
    'gbrg': cv2.COLOR_BayerGR2RGB,
    'grbg': cv2.COLOR_BayerGB2RGB,
}

ENCODINGS: Mapping[str, Encoding] = {
    'rgb8': Encoding('u1', 3, _as_is),
    'bgr8': Encoding('u1', 3, _convert(cv2.COLOR_BGR2RGB)),
    'rgba8': Encoding('u1', 4, _convert(cv2.COLOR_RGBA2RGB)),
    'bgra8': Encoding('u1', 4, _convert(cv2.COLOR_BGRA2RGB)),
    'mono8': Encoding('u1', 1, _grey),
    'mono16': Encoding('u2', 1, _grey16),
    '8UC1': Encoding('u1', 1, _grey),
    '8UC3': Encoding('u1', 3, _convert(cv2.COLOR_BGR2RGB)),
    '16UC1': Encoding('u2', 1, _grey16),
    '32FC1': Encoding('f4', 1, _unit_grey),
    'yuv422': Encoding('u1', 2, _yuv(cv2.COLOR_YUV2RGB_UYVY)),
    'uyvy': Encoding('u1', 2, _yuv(cv2.COLOR_YUV2RGB_UYVY)),
    'yuv422_yuy2': Encoding('u1', 2, _yuv(cv2.COLOR_YUV2RGB_YUY2)),
    'yuyv': Encoding('u1', 2, _yuv(cv2.COLOR_YUV2RGB_YUY2)),
    **{f'bayer_{order}8': Encoding('u1', 1, _bayer(code)) for order, code in _BAYER.items()},
    **{f'bayer_{order}16': Encoding('u2', 1, _bayer(code)) for order, code in _BAYER.items()},
}
"""The encodings that need no cv_bridge."""
