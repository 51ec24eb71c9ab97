"""Images of any size to the model's."""

import cv2
import numpy as np

from neuracore_ros.arrays import Array


def resize_pad(
    image: Array, size: tuple[int, int], interpolation: int = cv2.INTER_LINEAR
) -> Array:
    """Scale an image to fit, and centre it on black: the aspect is kept.

    Args:
        image: Shape (h, w, channels), h and w at least 1.
        size: (height, width) of the result.
        interpolation: OpenCV's word; for depths the nearest pixel, since a mean across an edge
            is a depth at which there is nothing.

    Returns:
        The image with bars of zeros above and below or left and right, shape
        (height, width, channels).
    """
    height, width = size
    scale = min(height / image.shape[0], width / image.shape[1])
    inner_height = min(height, max(1, round(image.shape[0] * scale)))
    inner_width = min(width, max(1, round(image.shape[1] * scale)))
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    padded = np.zeros((height, width, image.shape[2]), image.dtype)
    inner = cv2.resize(image, (inner_width, inner_height), interpolation=interpolation)
    # cv2 drops the axis of a single channel.
    inner = inner.reshape(inner_height, inner_width, -1)
    padded[top : top + inner_height, left : left + inner_width] = inner
    return padded
