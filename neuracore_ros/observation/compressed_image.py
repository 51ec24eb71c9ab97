"""JPEG and PNG: the size that a file claims, held to what can be so, before it is decoded.

A decoder makes room for what the header says, and fills what is missing with grey: a file of a
kilobyte can cost gigabytes and many seconds.
"""

import struct
from typing import Any, NamedTuple

import cv2
import numpy as np

from neuracore_ros.arrays import ByteArray
from neuracore_ros.errors import ObservationError
from neuracore_ros.observation.c_stderr import CStderr, pass_on

MOST_PIXELS = 1 << 25
"""Of one image: 8192 x 4096, a panorama; decoding so many takes about half a second."""

# A scan of a JPEG passes over all of its pixels, and may have next to no bytes.
_MOST_SCANNED_PIXELS = 1 << 27
_MOST_SEGMENTS = _MOST_FILL = 1000
# The least that Huffman codes take: one bit for a block of 8 x 8 pixels; here half of it.
_JPEG_PIXELS_OF_A_BYTE = 1024
# What deflate can make of one byte.
_PNG_BYTES_OF_A_BYTE = 1032
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_HEADER = struct.Struct('>I4sIIBB')

_JPEG = b'\xff\xd8\xff'
_PNG = b'\x89PNG\r\n\x1a\n'
# How decoders begin what they say on stderr; and what they say where pixels are lost. Stray bytes
# before a marker are no such thing: some cameras write them into every image.
_OF_DECODERS = (
    'Corrupt JPEG',
    'Premature end',
    'Warning: ',
    'Invalid SOS',
    'Inconsistent',
    'libpng',
)
_LOST = ('premature end of data segment', 'Premature end of JPEG file', 'bad Huffman code')
_STDERR = CStderr()

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xD8)))
_OTHERS = {
    b'RIFF': 'WebP',
    b'II*\0': 'TIFF',
    b'MM\0*': 'TIFF',
    b'BM': 'BMP',
    b'GIF8': 'GIF',
    b'v/1\x01': 'EXR',
    b'\0\0\0\x0cjP': 'JPEG 2000',
    b'\xff\x4f\xff\x51': 'JPEG 2000',
}


class Size(NamedTuple):
    """Size of an image, in pixels."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    def __str__(self) -> str:
        return f'{self.width} x {self.height}'


def claimed_size(data: bytes, what: str) -> Size:
    """Read the size in the header of a JPEG or PNG, if so many bytes can hold it.

    Args:
        data: The file.
        what: Begins the error.

    Raises:
        ObservationError: It is neither, has no such header, or cannot be as large.
    """
    if data.startswith(_JPEG):
        size = _jpeg_size(data)
        bounded = size and size.pixels <= len(data) * _JPEG_PIXELS_OF_A_BYTE
        # Two such bytes are nothing else within a scan.
        scans = data.count(b'\xff\xda')
        if size and scans > 1 and scans * size.pixels > _MOST_SCANNED_PIXELS:
            raise ObservationError(f'{what} claims {scans} scans of {size} pixels: too many')
    elif data.startswith(_PNG):
        size, row_bytes = _png_size(data)
        bounded = size and size.height * row_bytes <= len(data) * _PNG_BYTES_OF_A_BYTE
    else:
        other = next((name for magic, name in _OTHERS.items() if data.startswith(magic)), '')
        why = f'is {other}, not JPEG or PNG' if other else 'is damaged, or neither JPEG nor PNG'
        raise ObservationError(f'{what} {why}')
    if size is None:
        raise ObservationError(f'{what} is damaged, or neither JPEG nor PNG')
    if not bounded:
        raise ObservationError(f'{what} is damaged: it cannot hold the {size} pixels it claims')
    return size


def decode_compressed(data: bytes, flags: int, what: str, most_pixels: int = MOST_PIXELS) -> Any:
    """Decode a JPEG or PNG, unless it claims to be too large.

    Args:
        data: The file.
        flags: OpenCV's ``IMREAD_...``.
        what: Begins the error.
        most_pixels: That it may have.

    Returns:
        What ``cv2.imdecode`` gives; None if it is damaged, also where a part is grey in its place.

    Raises:
        ObservationError: As :func:`claimed_size`; or it has too many pixels.
    """
    size = claimed_size(data, what)
    if size.pixels > min(most_pixels, MOST_PIXELS):
        than = 'those before it' if most_pixels < MOST_PIXELS else f'{MOST_PIXELS} pixels'
        raise ObservationError(f'{what} claims {size} pixels: many more than {than}')
    buffer: ByteArray = np.frombuffer(data, np.uint8)
    image, written = _STDERR.catch(lambda: cv2.imdecode(buffer, flags))
    others = [line for line in written.splitlines() if not line.startswith(_OF_DECODERS)]
    pass_on(others)
    return None if any(word in written for word in _LOST) else image


def _jpeg_size(data: bytes) -> Size | None:
    """Read the frame header; None if none comes before the first scan."""
    place = 2
    for _ in range(_MOST_SEGMENTS):
        place = data.find(b'\xff', place)  # as libjpeg does, which skips what lies between
        end = min(place + _MOST_FILL, len(data))
        while 0 <= place < end and data[place] == 0xFF:
            place += 1
        if not 0 <= place < end:
            return None
        marker = data[place]
        if marker in _FRAMES and place + 8 <= len(data):
            height, width = struct.unpack_from('>HH', data, place + 4)
            return Size(width, height) if height and width else None
        if marker in {0xD9, 0xDA}:
            return None
        if marker in _WITHOUT_LENGTH or not marker:
            place += 1
        elif place + 3 <= len(data):
            place += 1 + max(int.from_bytes(data[place + 1 : place + 3], 'big'), 2)
        else:
            return None
    return None


def _png_size(data: bytes) -> tuple[Size | None, int]:
    """Read the size in the first chunk, None if it is no header; and the bytes of a row."""
    if len(data) < len(_PNG) + _PNG_HEADER.size:
        return None, 0
    _, kind, width, height, depth, colour = _PNG_HEADER.unpack_from(data, len(_PNG))
    if kind != b'IHDR' or colour not in _PNG_CHANNELS or not (width and height):
        return None, 0
    return Size(width, height), 1 + (width * _PNG_CHANNELS[colour] * depth + 7) // 8
