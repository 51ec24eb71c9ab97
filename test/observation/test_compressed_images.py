"""Pictures that claim to be larger than they are, or are of another kind, or damaged."""

import struct
import time
import zlib

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage

from helpers.observer_examples import (
    DEPTH,
    MS,
    RGB,
    T0,
    Observation,
    fault,
    header,
    observer,
    source,
)
from neuracore_ros.errors import ObservationError
from neuracore_ros.observation.compressed_image import claimed_size
from neuracore_ros.observation.decode import decode_image
from neuracore_ros.observation.depth import decode_depth

PICTURE = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8), (5, 5), 0
)
JPEG = cv2.imencode('.jpg', PICTURE)[1].tobytes()
PNG = cv2.imencode('.png', PICTURE)[1].tobytes()


def jpeg(width, height, data=JPEG):
    """A JPEG whose frame header claims another size."""
    place = data.index(b'\xff\xc0') + 5
    return data[:place] + struct.pack('>HH', height, width) + data[place + 4 :]


def png(width, height, depth=8, colour=2, packed=None):
    """A PNG whose header claims this size."""
    header = struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0)
    packed = zlib.compress(bytes(1000)) if packed is None else packed
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
        for kind, data in ((b'IHDR', header), (b'IDAT', packed), (b'IEND', b''))
    )


def deflated(count):
    """Very many zeros."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(1 << 20)) for _ in range(count >> 20)]
    return b''.join([*parts, packer.flush()])


def encoded(ending, *size, options=()):
    return cv2.imencode(ending, np.zeros(size, np.uint8), options)[1].tobytes()


def scans(data, count):
    """A progressive JPEG whose last scan comes again and again."""
    place = data.rindex(b'\xff\xda')
    return data[:place] + data[place:-2] * count + data[-2:]


PROGRESSIVE = encoded('.jpg', 1024, 2048, options=(cv2.IMWRITE_JPEG_PROGRESSIVE, 1))


@pytest.mark.parametrize(
    ('data', 'words'),
    [
        (jpeg(30000, 30000), 'cannot hold the 30000 x 30000 pixels it claims'),
        (jpeg(65500, 65500), 'cannot hold'),
        (jpeg(10000, 10000) + bytes(200_000) + b'\xff\xd9', 'many more than 33554432 pixels'),
        (jpeg(0, 30000), 'neither JPEG nor PNG'),
        (scans(PROGRESSIVE, 500), 'scans of 2048 x 1024 pixels: too many'),
        (b'\xff\xd8\xff' + b'\xe0\x00\x02\xff' * 500_000 + JPEG[2:], 'neither JPEG nor PNG'),
        (b'\xff\xd8' + b'\xff' * 1_000_000, 'neither JPEG nor PNG'),
        (b'\xff\xd8\xff\xe0', 'neither JPEG nor PNG'),
        (png(30000, 30000), 'cannot hold the 30000 x 30000 pixels'),
        (png(1, 1 << 30), 'cannot hold'),
        (png((1 << 31) - 1, (1 << 31) - 1, 16, 6), 'cannot hold'),
        (png(20000, 20000, 1, 0, deflated(1 << 26)), 'many more than 33554432 pixels'),
        (png(0, 5), 'neither JPEG nor PNG'),
        (png(5, 5, colour=9), 'neither JPEG nor PNG'),
        (PNG[:20], 'neither JPEG nor PNG'),
        (encoded('.bmp', 4, 4, 3), 'is BMP, not JPEG or PNG'),
        (encoded('.tiff', 4, 4, 3), 'is TIFF, not JPEG or PNG'),
        (encoded('.webp', 4, 4, 3), 'is WebP, not JPEG or PNG'),
        (b'P6 100000 100000 255\n', 'neither JPEG nor PNG'),
        (b'#?RADIANCE\n', 'neither JPEG nor PNG'),
    ],
)
def test_a_picture_is_refused_by_its_header_before_it_is_decoded(monkeypatch, data, words):
    monkeypatch.setattr(cv2, 'imdecode', None)
    began = time.monotonic()
    with pytest.raises(ObservationError, match=words) as refused:
        decode_image(CompressedImage(format='jpeg', data=data))
    assert time.monotonic() - began < 1.0
    assert '\n' not in str(refused.value)


@pytest.mark.parametrize('before', [b'', struct.pack('<iff', 0, 1.0, 0.0)])
def test_depths_are_refused_likewise(monkeypatch, before):
    monkeypatch.setattr(cv2, 'imdecode', None)
    message = CompressedImage(format='16UC1; compressedDepth png', data=before + png(30000, 30000))
    with pytest.raises(ObservationError, match='cannot hold the 30000 x 30000'):
        decode_depth(message)
    message.data = before + png(8000, 8000, 16, 0, deflated(1 << 27))
    with pytest.raises(ObservationError, match='claims 8000 x 8000 pixels: many more than'):
        decode_depth(message)


@pytest.mark.parametrize('quality', [1, 30, 95])
@pytest.mark.parametrize('progressive', [0, 1])
@pytest.mark.parametrize('sampling', [0x411111, 0x420000, 0x221111, 0x111111])
def test_the_emptiest_pictures_are_no_lie(quality, progressive, sampling):
    options = (cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    options += (cv2.IMWRITE_JPEG_OPTIMIZE, 1, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling)
    for size in ((1080, 1920, 3), (2160, 3840, 3), (1080, 1920), (8, 8, 3), (1, 1, 3)):
        data = encoded('.jpg', *size, options=options)
        assert claimed_size(data, 'it') == (size[1], size[0])
        assert decode_image(CompressedImage(format='jpeg', data=data)).shape == (*size[:2], 3)


@pytest.mark.parametrize('size', [(2160, 3840, 3), (2160, 3840), (1, 5000), (5000, 1, 4)])
def test_the_emptiest_png_is_no_lie(size):
    data = encoded('.png', *size, options=(cv2.IMWRITE_PNG_COMPRESSION, 9))
    assert decode_image(CompressedImage(format='png', data=data)).shape == (*size[:2], 3)


@pytest.mark.parametrize('kind', [RGB, DEPTH])
def test_a_picture_many_times_larger_than_those_before_it_is_damaged(kind):
    eyes = observer(source(0, 'top', kind))

    def see(number, height, width):
        dtype, form = (np.uint16, 'png') if kind == DEPTH else (np.uint8, 'jpeg')
        pixels = np.ones((height, width, 3)[: 2 + (kind == RGB)], dtype)
        ending = '.png' if kind == DEPTH else '.jpg'
        data = cv2.imencode(ending, pixels)[1].tobytes()
        stamp_ns = T0 + number * MS
        message = CompressedImage(header=header(stamp_ns), format=form, data=data)
        eyes.receive('/top', message, stamp_ns)
        return eyes.observe(stamp_ns)

    assert isinstance(see(1, 48, 64), Observation)
    assert isinstance(see(2, 1080, 1920), Observation), 'but it may change its size'
    assert isinstance(see(3, 48, 64), Observation)
    seen = see(4, 6000, 5592)
    assert fault(seen)[0] == 'undecodable'
    assert 'claims 5592 x 6000 pixels: many more than those before it' in fault(seen)[1]
    assert isinstance(see(5, 48, 64), Observation)


def test_decoders_do_not_write_to_stderr_and_lost_pixels_are_damage(capfd):
    refused = 0
    for place in range(700, len(JPEG) - 40, 7):
        data = JPEG[:place] + bytes(30) + JPEG[place + 30 :]
        try:
            decode_image(CompressedImage(format='jpeg', data=data))
        except ObservationError as error:
            assert 'is damaged' in str(error)
            refused += 1
        with pytest.raises(ObservationError, match='is damaged'):
            decode_image(
                CompressedImage(format='png', data=PNG[:place] + b'??' + PNG[place + 2 :])
            )
    assert refused
    assert capfd.readouterr() == ('', '')


def test_what_others_write_to_stderr_meanwhile_is_passed_on(monkeypatch, capsys):
    import ctypes

    real = cv2.imdecode

    def noisy(*arguments):
        ctypes.CDLL(None).perror(b'a driver')
        return real(*arguments)

    monkeypatch.setattr(cv2, 'imdecode', noisy)
    decode_image(CompressedImage(format='jpeg', data=JPEG))
    assert 'a driver: ' in capsys.readouterr().err


def test_a_jpeg_with_a_few_stray_bytes_is_a_picture():
    """As some cameras write them into every picture."""
    data = JPEG[:-2] + b'\x00\x00' + JPEG[-2:]
    assert decode_image(CompressedImage(format='jpeg', data=data)).shape == (48, 64, 3)
