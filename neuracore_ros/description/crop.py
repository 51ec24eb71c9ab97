"""Crops: the part of a camera's image that is used, cut out before the image is resized."""

from __future__ import annotations

import re
from typing import NamedTuple

from neuracore_ros.arrays import Array
from neuracore_ros.bounds import MAX_CROP_PX
from neuracore_ros.yaml_value import YamlValue

_KEYS = ('x', 'y', 'width', 'height')
_INTEGER = re.compile('-?[0-9]+')


class Crop(NamedTuple):
    """Part of an image, in pixels of the image as it comes.

    Attributes:
        x: Columns left of it.
        y: Rows above it.
        width: Its columns, at least 1.
        height: Its rows, at least 1.
    """

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        return f'[{self.x}, {self.y}, {self.width}, {self.height}]'

    def cut(self, image: Array) -> Array:
        """Cut it out of an image (h, w, channels) that contains it, without a copy."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]

    def lack(self, width: int, height: int) -> str:
        """Write that an image of this size does not contain it, with both sizes; '' if it does."""
        right, bottom = self.x + self.width, self.y + self.height
        if right <= width and bottom <= height:
            return ''
        return (
            f'the image is {width} x {height} px, and its crop {self} ends at column {right} and '
            f'row {bottom}: correct crop in its source, or the size that its driver sends'
        )


def parse_crop(value: YamlValue, what: str) -> Crop:
    """Read ``[x, y, width, height]``.

    Raises:
        DescriptionError: It is not such a list, or no image contains it.
    """
    wanted = f'[{", ".join(_KEYS)}] in pixels'
    elements = value.elements(f'{what}, {wanted},')
    if len(elements) != len(_KEYS):
        raise value.error(f'{what} must be {wanted}, not {len(elements)} values')
    numbers = []
    for key, element in zip(_KEYS, elements, strict=True):
        text, least = str(element.content), int(key in ('width', 'height'))
        if not _INTEGER.fullmatch(text):
            raise element.error(f'{key} of {what} must be an integer, not {element}')
        # Thousands of digits are more than Python turns into a number.
        if len(text) > len(str(MAX_CROP_PX)) + 1 or abs(int(text)) > MAX_CROP_PX:
            raise element.error(f'{key} of {what} is {element}: beyond {MAX_CROP_PX} px')
        if int(text) < least:
            raise element.error(f'{key} of {what} must be at least {least}, not {element}')
        numbers.append(int(text))
    return Crop(*numbers)
