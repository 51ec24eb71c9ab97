"""A row: one step of an episode, which is known without the libraries that store it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from neuracore_ros.arrays import Array, BoolArray, ByteArray
from neuracore_ros.control import Control
from neuracore_ros.description import DataType


class StoredImage(Protocol):
    """An image that is a frame of a video, and not decoded.

    Attributes:
        frame: Where it is: `file`, `stream`, `index` and `rate_hz`.
    """

    frame: Any

    def pixels(self) -> ByteArray:
        """RGB, uint8, shape (height, width, 3).

        Raises:
            ValueError: It is missing or damaged, with the reason.
        """


@dataclass(frozen=True, slots=True)
class Row:
    """One step of an episode, before encoding.

    Attributes:
        piece: Rows with equal numbers follow each other without a gap.
        tick_ns: Log time of the step, [ns].
        inputs: DataType -> float32 (W,); RGB_IMAGES -> uint8 (K, height, width, 3).
        input_valid: DataType -> bool (W,).
        outputs: DataType -> float32 (W,): commands at this tick, measured types one tick later.
        output_valid: DataType -> bool (W,); a measured type is invalid in a piece's last row.
        dropped: In the first row of a piece, reason -> unusable ticks since the piece before.
        outcome: Of the episode, by its marker; '' if unknown.
        control: Whether a policy or a human commanded it; None where the recording does not say,
            as in a demonstration.
        stored: Camera index -> the image, in place of that of ``inputs``, where it is a frame of a
            video that can be copied.
        attempt_ns: Log time at which the part of the recording begins that the marker speaks of,
            [ns].
    """

    piece: int
    tick_ns: int
    inputs: Mapping[DataType, Array]
    input_valid: Mapping[DataType, BoolArray]
    outputs: Mapping[DataType, Array]
    output_valid: Mapping[DataType, BoolArray]
    dropped: Mapping[str, int]
    outcome: str = ''
    control: Control | None = None
    stored: Mapping[int, StoredImage] = field(default_factory=dict)
    attempt_ns: int = 0
