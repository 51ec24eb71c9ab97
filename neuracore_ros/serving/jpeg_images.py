"""Images that a client has compressed, decoded by the rule of compressed topics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuracore_ros.arrays import ByteArray
from neuracore_ros.errors import WireError, quoted
from neuracore_ros.observation import decode_image
from neuracore_ros.observation.compressed_image import claimed_size
from neuracore_ros.wire.jpeg import KEY

_JPEG = b'\xff\xd8\xff'


@dataclass(frozen=True, slots=True)
class _CompressedImage:
    """The part of sensor_msgs/CompressedImage that is decoded."""

    data: bytes
    format: str = 'jpeg'


def decode_jpegs(value: Mapping[str, Any], shape: tuple[int, ...]) -> ByteArray:
    """Decode files to RGB of a shape (..., height, width, 3), in the order of its leading axes.

    Raises:
        UserError: Another number of files, another size, or one that is damaged or no JPEG.
    """
    files, (height, width) = value[KEY], shape[-3:-1]
    wanted = math.prod(shape[:-3])
    if not isinstance(files, list) or len(files) != wanted:
        found = len(files) if isinstance(files, list) else quoted(files)
        raise WireError(f'{KEY} has {found} for {wanted} images')
    images: ByteArray = np.empty((wanted, *shape[-3:]), np.uint8)
    for number, (place, data) in enumerate(zip(images, files, strict=True)):
        what = f'{KEY} {number}'
        if not isinstance(data, bytes) or not data.startswith(_JPEG):
            raise WireError(f'{what} is no JPEG')
        # Before it is decoded: a small file may claim a huge image.
        size = claimed_size(data, what)
        if (size.height, size.width) != (height, width):
            raise WireError(f'{what} is an image of {size}; the policy reads {width} x {height}')
        place[:] = decode_image(_CompressedImage(data))
    return images.reshape(shape)
