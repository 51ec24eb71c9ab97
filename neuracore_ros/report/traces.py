"""The numbers of one episode by name, as people look at them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.description import DataType, Layout
from neuracore_ros.description.embodiment import EmbodimentDescription


@dataclass(frozen=True, slots=True)
class Trace:
    """One number of one slot over an episode.

    Attributes:
        data_type: The DataType of the slot.
        label: Index and name, and the component where a slot has several.
        values: Shape (N,).
    """

    data_type: DataType
    label: str
    values: NDArray[np.floating]


def traces(
    description: EmbodimentDescription, layout: Layout, values: NDArray[np.floating]
) -> Iterator[Trace]:
    """The columns that a robot has.

    Args:
        description: The robot's.
        layout: The layout of the columns.
        values: Shape (N, columns).
    """
    for place, column in enumerate(layout.columns()):
        kind, index, *component = column.split('.')
        name = description.get(DataType(kind), {}).get(int(index))
        if name is not None:
            yield Trace(DataType(kind), ' '.join([index, name, *component]), values[:, place])
