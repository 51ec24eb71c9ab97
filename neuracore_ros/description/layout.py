"""Layout: the widths of the model's vectors, over all robots; padding into them and back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.arrays import BoolArray, Float32Array
from neuracore_ros.description.data_type import POSE_COMPONENTS, DataType
from neuracore_ros.description.embodiment import (
    CrossEmbodimentDescription,
    EmbodimentDescription,
    Slots,
)
from neuracore_ros.errors import DescriptionError


@dataclass(frozen=True, slots=True)
class Layout:
    """The widths of all DataTypes of one role, input or output.

    Attributes:
        widths: DataType -> W = 1 + the largest index over all robots; canonical order.
    """

    widths: Mapping[DataType, int]

    @classmethod
    def of(cls, descriptions: Iterable[EmbodimentDescription]) -> 'Layout':
        """The layout that holds every one of these robots."""
        return cls.holding(
            (kind, index)
            for description in descriptions
            for kind, slots in description.items()
            for index in slots
        )

    @classmethod
    def holding(cls, slots: Iterable[tuple[DataType, int]]) -> 'Layout':
        """The layout that holds every one of these slots."""
        widths: dict[DataType, int] = {}
        for kind, index in slots:
            widths[kind] = max(widths.get(kind, 0), 1 + index)
        return cls(MappingProxyType({kind: widths[kind] for kind in DataType if kind in widths}))

    @property
    def numeric(self) -> tuple[DataType, ...]:
        """The DataTypes whose slots hold numbers."""
        return tuple(kind for kind in self.widths if kind.is_numeric)

    def columns(self) -> list[str]:
        """Names of the concatenated numbers: ``JOINT_POSITIONS.6``, ``POSES.0.qw``."""
        return [
            f'{kind}.{index}{part}'
            for kind in self.numeric
            for index in range(self.widths[kind])
            for part in ([f'.{name}' for name in POSE_COMPONENTS] if kind.is_pose else [''])
        ]

    def places(self, part: 'Layout') -> list[int]:
        """The places among :meth:`columns` that the columns of a narrower layout have."""
        places = {name: place for place, name in enumerate(self.columns())}
        return [places[name] for name in part.columns()]

    def join(self, values: Mapping[DataType, NDArray[Any]]) -> NDArray[Any]:
        """Concatenate the numeric DataTypes in the order of :meth:`columns`.

        Args:
            values: DataType -> (..., W), poses (..., W, 7).

        Returns:
            Shape (..., C), C columns; (0,) where nothing is numeric.
        """
        flat = [_flat(values[kind], len(kind.slot_shape())) for kind in self.numeric]
        return np.concatenate(flat, axis=-1) if flat else np.zeros(0, np.float32)

    def join_valid(self, valid: Mapping[DataType, BoolArray]) -> BoolArray:
        """Concatenate masks (..., W) like :meth:`join`; a pose's numbers are valid together."""
        flat = [np.repeat(valid[kind], _size(kind), axis=-1) for kind in self.numeric]
        return np.concatenate(flat, axis=-1) if flat else np.zeros(0, bool)

    def split(self, columns: NDArray[Any]) -> dict[DataType, NDArray[Any]]:
        """Split concatenated columns (..., C) into views by DataType; undoes :meth:`join`."""
        parts, at = {}, 0
        for kind in self.numeric:
            shape = (self.widths[kind], *kind.slot_shape())
            count = self.widths[kind] * _size(kind)
            parts[kind] = columns[..., at : at + count].reshape(*columns.shape[:-1], *shape)
            at += count
        return parts

    def split_valid(self, columns: BoolArray) -> dict[DataType, BoolArray]:
        """Split concatenated masks into DataType -> (..., W); undoes :meth:`join_valid`."""
        parts: dict[DataType, BoolArray] = self.split(columns)
        return {kind: part[..., 0] if kind.is_pose else part for kind, part in parts.items()}

    def valid(self, description: EmbodimentDescription) -> dict[DataType, BoolArray]:
        """The mask of the slots that a robot has.

        Returns:
            DataType -> bool, shape (W,); all False for a type that the robot lacks.

        Raises:
            DescriptionError: The robot has an index beyond a width.
        """
        self.require(description)
        masks = {kind: np.zeros(width, bool) for kind, width in self.widths.items()}
        for kind, mask in masks.items():
            mask[list(description.get(kind, ()))] = True
        return masks

    def require(self, description: EmbodimentDescription, robot: str = 'the robot') -> None:
        """Check that a robot fits: missing slots can be padded, further ones cannot be added.

        Raises:
            DescriptionError: The robot has an index beyond a width, or a DataType that is absent.
        """
        for kind, slots in description.items():
            width = self.widths.get(kind, 0)
            if slots and max(slots) >= width:
                last = max(slots)
                has = f'has width {width} (0..{width - 1})' if width else 'lacks this DataType'
                raise DescriptionError(
                    f"'{robot}' uses {kind} index {last} ('{slots[last]}'); the layout {has}"
                )


def pad(values: Mapping[str, float], slots: Slots, width: int) -> tuple[Float32Array, BoolArray]:
    """Place named values at their index in the model's vector.

    Args:
        values: Values by name, such as joint positions [rad] or [m].
        slots: Index -> name of one DataType of one robot.
        width: The layout's width W of this DataType.

    Returns:
        Padded values, float32, shape (W,), zero where the robot has none; and ``valid``, bool,
        shape (W,).

    Raises:
        DescriptionError: A name of ``slots`` is missing from ``values``, or an index is beyond W.
    """
    padded, valid = np.zeros(width, np.float32), np.zeros(width, bool)
    for index, name in slots.items():
        if name not in values:
            raise DescriptionError(
                f"'{name}' (index {index}) has no value. There are: {', '.join(values) or 'none'}"
            )
        if index >= width:
            raise DescriptionError(f"'{name}' sits at index {index}, beyond width {width}")
        padded[index], valid[index] = values[name], True
    return padded, valid


def unpad(values: NDArray[Any], slots: Slots) -> NDArray[Any]:
    """Take a robot's own values out of the model's vector.

    Args:
        values: Shape (..., W).
        slots: Index -> name of one DataType of one robot, n slots.

    Returns:
        The values at the robot's indices, ascending, shape (..., n).

    Raises:
        DescriptionError: An index is beyond W.
    """
    if slots and max(slots) >= values.shape[-1]:
        last = max(slots)
        raise DescriptionError(
            f"'{slots[last]}' sits at index {last}, beyond width {values.shape[-1]}"
        )
    return values[..., list(slots)]


@dataclass(frozen=True, slots=True)
class SlotTable:
    """One DataType of several robots.

    Attributes:
        kind: The DataType.
        rows: At each index, from 0 to the width: robot -> name, for those that have it.
    """

    kind: DataType
    rows: tuple[Mapping[str, str], ...]


def slot_tables(robots: CrossEmbodimentDescription, layout: Layout) -> tuple[SlotTable, ...]:
    """One table for each DataType of a layout, in canonical order, without slots beyond it."""
    return tuple(
        SlotTable(
            kind,
            tuple(
                {
                    robot: description[kind][index]
                    for robot, description in robots.items()
                    if index in description.get(kind, {})
                }
                for index in range(width)
            ),
        )
        for kind, width in layout.widths.items()
    )


def _size(kind: DataType) -> int:
    return int(np.prod(kind.slot_shape(), dtype=int))


def _flat(values: NDArray[Any], axes: int) -> NDArray[Any]:
    """(..., W) as it is, (..., W, 7) as (..., 7 W)."""
    return values.reshape(*values.shape[:-2], -1) if axes else values
