"""Images as JPEG, for networks that are slower than compressing is."""

from __future__ import annotations

from collections.abc import Mapping

from neuracore_ros.arrays import ByteArray

KEY = 'jpeg'
"""Of the map that stands in the place of an array."""


def as_jpeg(images: ByteArray, quality: int) -> dict[str, list[bytes]]:
    """Compress RGB images (..., height, width, 3), in the order of their leading axes.

    Args:
        images: As the policy reads them.
        quality: 1 to 100.
    """
    import cv2

    packed = []
    for image in images.reshape(-1, *images.shape[-3:]):
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        packed.append(data.tobytes())
    return {KEY: packed}


def is_jpeg(value: object) -> bool:
    """True for what `as_jpeg` gives."""
    return isinstance(value, Mapping) and set(value) == {KEY}
