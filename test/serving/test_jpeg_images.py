"""Images as JPEG come back alike, in their own size, or not at all."""

import struct

import cv2
import numpy as np
import pytest

from neuracore_ros.errors import UserError
from neuracore_ros.serving.jpeg_images import decode_jpegs
from neuracore_ros.wire.jpeg import as_jpeg, is_jpeg

SHAPE = (1, 2, 24, 32, 3)


def images():
    column, row = np.meshgrid(np.arange(32), np.arange(24))
    one = np.stack([8 * column, 10 * row, 0 * row + 40], -1).astype(np.uint8)
    return np.stack([one, one[::-1]])[None]


ONE, OTHER = as_jpeg(images(), 90)['jpeg']


def claiming(width, height):
    """The same file, with another size in its header."""
    place = ONE.index(b'\xff\xc0') + 5
    return ONE[:place] + struct.pack('>HH', height, width) + ONE[place + 4 :]


def test_images_come_back_alike_with_their_colours_and_in_their_order():
    packed = as_jpeg(images(), 95)
    assert is_jpeg(packed)
    assert not is_jpeg({'jpeg': [], 'png': []})
    found = decode_jpegs(packed, SHAPE)
    assert np.abs(found.astype(int) - images()).mean() < 4


def test_a_grey_file_is_an_image_too():
    grey = cv2.imencode('.jpg', np.full((24, 32), 77, np.uint8))[1].tobytes()
    assert (decode_jpegs({'jpeg': [grey, grey]}, SHAPE) == 77).all()


def test_a_tag_of_a_camera_turns_nothing():
    # EXIF with one entry, of the orientation, which says: turned by half a turn.
    tags = b'Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0'
    turned = ONE[:2] + b'\xff\xe1' + struct.pack('>H', len(tags) + 2) + tags + ONE[2:]
    assert not np.array_equal(
        cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR),
        cv2.imdecode(np.frombuffer(ONE, np.uint8), cv2.IMREAD_COLOR),
    )
    found = decode_jpegs({'jpeg': [turned, ONE]}, SHAPE)
    assert np.array_equal(found[0, 0], found[0, 1])


@pytest.mark.parametrize(
    ('files', 'says'),
    [
        ([ONE], 'jpeg has 1 for 2 images'),
        ([], 'jpeg has 0 for 2 images'),
        ('text', "jpeg has 'text' for 2 images"),
        ([ONE, b'none'], 'jpeg 1 is no JPEG'),
        ([b'', ONE], 'jpeg 0 is no JPEG'),
        ([1, 2], 'jpeg 0 is no JPEG'),
        ([claiming(65535, 65535)] * 2, 'it cannot hold the 65535 x 65535 pixels it claims'),
        ([claiming(24, 32)] * 2, 'is an image of 24 x 32; the policy reads 32 x 24'),
        ([ONE[:200], ONE], 'is damaged, or neither JPEG nor PNG'),
        ([ONE[:-20], ONE], 'is truncated'),
        ([ONE[:-2], ONE], 'is truncated'),
    ],
)
def test_what_is_no_such_image_is_refused(files, says, capfd):
    with pytest.raises(UserError, match=says):
        decode_jpegs({'jpeg': files}, SHAPE)
    assert capfd.readouterr().err == ''


def test_a_png_is_no_jpeg():
    data = cv2.imencode('.png', images()[0, 0])[1].tobytes()
    with pytest.raises(UserError, match='jpeg 0 is no JPEG'):
        decode_jpegs({'jpeg': [data, data]}, SHAPE)
