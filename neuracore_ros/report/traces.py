"""The numbers of one episode by name, as people look at them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.dataset.lerobot import Columns
from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.description import DataType, Layout
from neuracore_ros.description.embodiment import EmbodimentDescription


@dataclass(frozen=True, slots=True)
class Trace:
    """One number of one slot over an episode.

    Attributes:
        data_type: The DataType of the slot.
        label: Index and name, and the component where a slot has several.
        values: Shape (N,); NaN where they are not valid.
        part: Of a pose, ``position`` [m] or ``quaternion``; '' where a slot is one number.
        unit: Of the values; '' of those that have none, or whose unit is not known.
    """

    data_type: DataType
    label: str
    values: NDArray[np.floating]
    part: str = ''
    unit: str = ''


def slot_unit(kind: DataType, component: str = '') -> str:
    """The unit of a slot's numbers; '' if it has none, or nothing says which."""
    if kind.is_pose:
        return 'm' if component in ('x', 'y', 'z') else ''
    return _UNITS.get(kind, '')


_UNITS = {
    DataType.JOINT_POSITIONS: 'rad or m',
    DataType.VISUAL_JOINT_POSITIONS: 'rad or m',
    DataType.JOINT_TARGET_POSITIONS: 'rad or m',
    DataType.JOINT_VELOCITIES: 'rad/s or m/s',
    DataType.JOINT_TORQUES: 'Nm or N',
    DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS: 'open, 0 to 1',
    DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: 'open, 0 to 1',
}


def episode_traces(metadata: Metadata, number: int, columns: Columns) -> dict[str, list[Trace]]:
    """The traces of one episode, as ``input`` and ``output``."""
    robot, described = metadata.episodes[number].robot, metadata.descriptions
    # The command after the last step was not measured.
    action = np.where(columns.action_valid, columns.action, np.nan)
    state = np.where(columns.state_valid, columns.state, np.nan)
    return {
        'input': _traces(described.input[robot], metadata.input_layout, state),
        'output': _traces(described.output[robot], metadata.output_layout, action),
    }


def _traces(
    description: EmbodimentDescription, layout: Layout, values: NDArray[np.floating]
) -> list[Trace]:
    found = []
    for place, column in enumerate(layout.columns()):
        kind, index, *component = column.split('.')
        name = description.get(DataType(kind), {}).get(int(index))
        if name is not None:
            label = ' '.join([index, name, *component])
            part, unit = _part(*component), slot_unit(DataType(kind), *component)
            found.append(Trace(DataType(kind), label, values[:, place], part, unit))
    return found


def _part(component: str = '') -> str:
    return {'': '', 'x': 'position', 'y': 'position', 'z': 'position'}.get(component, 'quaternion')
