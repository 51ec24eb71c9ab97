"""All images of one DataType in a dataset, any of them at once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from neuracore_ros.arrays import Array, IntArray
from neuracore_ros.loading.frames import Readable, StoredFrames

# Open at once; a process may have a thousand.
MOST_FILES = 128


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
        stored: list[tuple[StoredFrames, int, Array]] = []
        slow: list[tuple[Readable, int, Array]] = []
        for place, number in np.ndenumerate(episodes):
            step = int(steps[place])
            for camera, into in enumerate(taken[place]):
                frames = self._frames.get((int(number), camera))
                if frames is None:
                    into[...] = 0
                elif isinstance(frames, StoredFrames):
                    stored.append((frames, step, into))
                else:
                    slow.append((frames, step, into))
        for start in range(0, len(stored), MOST_FILES):
            _read(stored[start : start + MOST_FILES])
        if slow:
            for _ in _threads().map(lambda each: each[0].read(*each[1:]), slow):
                pass
        return taken


def _read(images: Sequence[tuple[StoredFrames, int, Array]]) -> None:
    """Read images of stored frames at a step into arrays, all of them asked for at once."""
    files = [frames.ask(step) for frames, step, _ in images]
    for file, (frames, step, into) in zip(files, images, strict=True):
        frames.read_from(file, step, into)


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    """Decode several images at once; one processor decodes about a thousand a second."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix='decode')
