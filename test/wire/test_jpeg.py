"""Images as JPEG come back alike, in their own size, or not at all."""

import cv2
import numpy as np
import pytest

from neuracore_ros.errors import WireError
from neuracore_ros.wire.jpeg import as_jpeg, from_jpeg, is_jpeg


def images():
    column, row = np.meshgrid(np.arange(32), np.arange(24))
    one = np.stack([8 * column, 10 * row, 0 * row + 40], -1).astype(np.uint8)
    return np.stack([one, one[::-1]])[None]  # (1, 2, 24, 32, 3)


def test_images_come_back_alike_with_their_colours():
    packed = as_jpeg(images(), 95)
    assert is_jpeg(packed)
    found = from_jpeg(packed, (1, 2, 24, 32, 3))
    assert np.abs(found.astype(int) - images()).mean() < 4


@pytest.mark.parametrize(
    ('data', 'words'),
    [
        ([b'none', b'none'], 'an image of no JPEG'),
        ([b''], 'a list of 1 for 2 images|for 2 images'),
        ('text', "'text' for 2 images"),
        ([1, 2], '1 for an image'),
        ([b'\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01'] * 2, 'an image of 65535 x 65535'),
        ([as_jpeg(images(), 90)['jpeg'][0][:200]] * 2, 'damaged JPEG|no JPEG'),
    ],
)
def test_what_is_no_such_image_is_refused(data, words):
    with pytest.raises(WireError, match=words):
        from_jpeg({'jpeg': data}, (1, 2, 24, 32, 3))


def test_a_png_of_the_right_size_is_refused():
    data = cv2.imencode('.png', images()[0, 0])[1].tobytes()
    with pytest.raises(WireError, match='no JPEG'):
        from_jpeg({'jpeg': [data, data]}, (1, 2, 24, 32, 3))
