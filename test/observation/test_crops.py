"""Crops: a part of an image, cut out before it is resized; the same for every kind of message."""

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from helpers.observer_examples import (
    DEPTH,
    MS,
    RGB,
    T0,
    Observation,
    fault,
    header,
    image,
    observer,
    only_status,
    source,
)
from neuracore_ros.description.crop import Crop
from neuracore_ros.observation import images

cv2 = pytest.importorskip('cv2')

TABLE = Crop(2, 1, 4, 4)


def checkered(height=6, width=8):
    """RGB in which no two pixels are alike."""
    return np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)


def raw(pixels, stamp_ns=T0):
    height, width = pixels.shape[:2]
    return Image(
        header=header(stamp_ns), encoding='rgb8', height=height, width=width,
        step=3 * width, data=pixels.tobytes(),
    )  # fmt: skip


def png(pixels, form='png'):
    data = cv2.imencode('.png', pixels[..., ::-1])[1].tobytes()
    return CompressedImage(header=header(T0), format=form, data=data)


def depth(pixels):
    height, width = pixels.shape
    return Image(
        header=header(T0), encoding='16UC1', height=height, width=width,
        step=2 * width, data=pixels.tobytes(),
    )  # fmt: skip


@pytest.mark.parametrize('message', [raw(checkered()), png(checkered())], ids=['raw', 'PNG'])
def test_a_crop_is_that_part_of_the_image_and_nothing_of_the_rest(message):
    kind = 'Image' if isinstance(message, Image) else 'CompressedImage'
    eyes = observer(source(0, 'table', RGB, crop=TABLE, type=f'sensor_msgs/msg/{kind}'))
    eyes.receive('/top', message, T0)
    # 4 x 4, as the observer's images: nothing is resized.
    assert np.array_equal(eyes.observe(T0).inputs[RGB][0], checkered()[1:5, 2:6])


def test_depths_are_cut_in_the_same_way():
    pixels = np.arange(48, dtype=np.uint16).reshape(6, 8)
    eyes = observer(source(0, 'table', DEPTH, crop=TABLE))
    eyes.receive('/top', depth(pixels), T0)
    assert np.allclose(eyes.observe(T0).inputs[DEPTH][0], pixels[1:5, 2:6] / 1000)


def test_compressed_depths_are_cut_in_the_same_way():
    pixels = np.arange(48, dtype=np.uint16).reshape(6, 8)
    data = bytes(12) + cv2.imencode('.png', pixels)[1].tobytes()
    message = CompressedImage(header=header(T0), format='16UC1; compressedDepth png', data=data)
    kind = 'sensor_msgs/msg/CompressedImage'
    eyes = observer(source(0, 'table', DEPTH, crop=TABLE, type=kind))
    eyes.receive('/top', message, T0)
    assert np.allclose(eyes.observe(T0).inputs[DEPTH][0], pixels[1:5, 2:6] / 1000)


def test_a_crop_is_cut_first_and_resized_afterwards_with_its_own_aspect():
    eyes = observer(source(0, 'table', RGB, crop=Crop(0, 0, 8, 4)))
    eyes.receive('/top', raw(np.full((8, 8, 3), 200, np.uint8)), T0)
    rows = eyes.observe(T0).inputs[RGB][0].max(axis=(1, 2))
    assert rows.tolist() == [0, 200, 200, 0], 'half as high as wide, on black'


def test_one_camera_fills_a_whole_slot_and_cropped_ones_and_is_decoded_once(monkeypatch):
    decoded = []
    real = images.decode_image
    monkeypatch.setattr(images, 'decode_image', lambda m, most: decoded.append(m) or real(m, most))
    eyes = observer(
        source(0, 'whole', RGB),
        source(1, 'table', RGB, crop=TABLE),
        source(2, 'corner', RGB, crop=Crop(0, 0, 4, 4)),
    )
    eyes.receive('/top', raw(checkered()), T0)
    for _ in range(2):
        whole, table, corner = eyes.observe(T0).inputs[RGB]
    assert len(decoded) == 1
    assert np.array_equal(table, checkered()[1:5, 2:6])
    assert np.array_equal(corner, checkered()[:4, :4])
    assert whole[2].any() and not whole[3].any(), 'the whole is wider than high: a bar below'


@pytest.mark.parametrize(
    ('crop', 'ends'),
    [
        (Crop(0, 0, 5, 4), 'column 5 and row 4'),
        (Crop(0, 1, 4, 4), 'column 4 and row 5'),
        (Crop(65535, 65535, 65535, 65535), 'column 131070 and row 131070'),
    ],
)
def test_an_image_that_does_not_contain_its_crop_is_a_fault_with_the_sizes(crop, ends):
    eyes = observer(source(0, 'table', RGB, crop=crop))
    eyes.receive('/top', image(T0, 5), T0)
    kind, text = fault(eyes.observe(T0))
    assert kind == 'size'
    assert text.startswith("/top: 'table' (RGB_IMAGES index 0): the image is 4 x 4 px, and ")
    assert f'crop {crop} ends at {ends}: ' in text
    status = only_status(eyes, T0)
    assert status.drops == {'size': 1} and 'the image is 4 x 4 px' in status.problem


def test_the_fault_names_only_the_slot_whose_crop_is_too_large():
    eyes = observer(source(0, 'whole', RGB), source(1, 'table', RGB, crop=Crop(0, 0, 9, 9)))
    eyes.receive('/top', image(T0, 5), T0)
    assert [reason.source.name for reason in eyes.observe(T0).reasons] == ['table']
    assert [r.source.name for r in eyes.snapshot(T0).reasons] == ['table'], 'found at once'


def test_a_camera_that_changes_to_a_smaller_size_is_found_out_and_comes_back():
    eyes = observer(source(0, 'table', RGB, crop=TABLE))
    eyes.receive('/top', raw(checkered()), T0)
    assert isinstance(eyes.observe(T0), Observation)
    eyes.receive('/top', image(T0 + MS, 5), T0 + MS)
    assert fault(eyes.observe(T0 + MS))[0] == 'size'
    assert fault(eyes.snapshot(T0 + 2 * MS))[0] == 'size', 'until a good one comes'
    eyes.receive('/top', raw(checkered(), T0 + 3 * MS), T0 + 3 * MS)
    assert isinstance(eyes.observe(T0 + 3 * MS), Observation)
    assert only_status(eyes, T0 + 3 * MS).problem == ''


def test_a_cropped_image_that_cannot_be_decoded_says_so():
    eyes = observer(source(0, 'table', RGB, crop=TABLE))
    broken = raw(checkered())
    broken.encoding = 'rgb9'
    eyes.receive('/top', broken, T0)
    assert fault(eyes.observe(T0))[0] == 'undecodable'
