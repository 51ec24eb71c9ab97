"""All images of one DataType in a dataset, any of them at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.dataset.frames import Readable, StoredFrames

Array = NDArray[Any]
IntArray = NDArray[np.int64]


class Images:
    """K cameras in every episode, of which a robot may lack some.

    Args:
        cameras: K.
        shape: Of one image; depths have no colours, and 16 bits.
        frames: (episode, camera) -> its images.
    """

    def __init__(
        self,
        cameras: int,
        shape: tuple[int, ...],
        frames: Mapping[tuple[int, int], Readable],
    ) -> None:
        self._shape = cameras, *shape
        self._dtype = np.uint8 if len(shape) == 3 else np.uint16
        self._frames = frames

    def take(self, episodes: IntArray, steps: IntArray) -> Array:
        """Images of some steps; zeros where a robot lacks a camera.

        Args:
            episodes: Numbers of episodes, shape (B, T).
            steps: Within these.

        Returns:
            Shape (B, T, K, ...).

        Raises:
            DatasetError: An image cannot be decoded.
        """
        # Not zeros: most of it is written once anyway.
        taken = np.empty((*episodes.shape, *self._shape), self._dtype)
        slow: list[tuple[Readable, int, Array]] = []
        for place, number in np.ndenumerate(episodes):
            step = int(steps[place])
            for camera, into in enumerate(taken[place]):
                frames = self._frames.get((int(number), camera))
                if frames is None:
                    into[...] = 0
                elif isinstance(frames, StoredFrames):
                    frames.read(step, into)
                else:
                    slow.append((frames, step, into))
        if slow:
            for _ in _threads().map(lambda each: each[0].read(*each[1:]), slow):
                pass
        return taken


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    """Decode several images at once; one processor decodes about a thousand a second."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix='decode')
