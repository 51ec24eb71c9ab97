"""One resize for training and for the robot."""

import numpy as np
import pytest

from neuracore_ros.observation import resize_pad


def white(height, width):
    return np.full((height, width, 3), 255, np.uint8)


def test_a_wide_image_gets_bars_above_and_below():
    seen = resize_pad(white(10, 20), (8, 8))
    assert seen[:, 4, 0].tolist() == [0, 0, 255, 255, 255, 255, 0, 0]


def test_a_tall_image_gets_bars_left_and_right():
    seen = resize_pad(white(20, 10), (8, 8))
    assert seen[4, :, 0].tolist() == [0, 0, 255, 255, 255, 255, 0, 0]


def test_the_size_is_height_and_width():
    assert resize_pad(white(6, 6), (2, 5)).shape == (2, 5, 3)


def test_an_image_of_the_right_size_is_unchanged():
    image = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    assert np.array_equal(resize_pad(image, (6, 9)), image)


def test_it_is_bilinear():
    image = np.zeros((1, 2, 3), np.uint8)
    image[:, 1] = 200
    assert resize_pad(image, (2, 4))[0, :, 0].tolist() == [0, 50, 150, 200]


@pytest.mark.parametrize('channels', [1, 3, 4])
def test_channels_are_kept(channels):
    assert resize_pad(np.ones((4, 4, channels), np.uint8), (2, 2)).shape == (2, 2, channels)


@pytest.mark.parametrize('shape', [(1, 1), (1, 10_000), (10_000, 1), (40_000, 2), (480, 640)])
@pytest.mark.parametrize('size', [(1, 1), (224, 224), (3, 50)])
def test_any_shape_fits_into_any_size(shape, size):
    seen = resize_pad(white(*shape), size)
    assert seen.shape == (*size, 3)
    assert seen.any()


def test_a_view_and_a_read_only_image_are_fine():
    image = white(6, 12)
    image.setflags(write=False)
    assert resize_pad(image[:, ::-1][:, 2:8, ::-1], (3, 3)).min() == 255
