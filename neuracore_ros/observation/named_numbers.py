"""Numbers of messages that have names by their type, read out of one message."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from neuracore_ros.description.named_numbers import IMU, JOY, NUMBER_PATHS
from neuracore_ros.kinematics.poses import signed_pose

_READ: Mapping[str, Callable[[Any], tuple[float, ...]]] = {
    kind: attrgetter(*paths.values()) for kind, paths in NUMBER_PATHS.items()
}
_NAMES = {kind: tuple(paths) for kind, paths in NUMBER_PATHS.items()}
_FIRST_OF_ORIENTATION = {
    kind: place
    for kind, names in _NAMES.items()
    for place, name in enumerate(names)
    if name.endswith('orientation.x')
}
# No name reaches further; a longer message only costs time.
_MOST = 10_000
_IMU_PARTS = ('orientation', 'angular_velocity', 'linear_acceleration')


def read_named(message_type: str, message: Any) -> tuple[tuple[str, ...], Sequence[float]]:
    """Read the names and numbers of a message of one of `NAMED_NUMBERS`.

    Of the two quaternions of an orientation, the one is taken that poses have, so that equal
    orientations give equal numbers. What an IMU says that it does not measure is left out.
    """
    if message_type == JOY:
        axes, buttons = message.axes[:_MOST], message.buttons[:_MOST]
        return _joy_names(len(axes), len(buttons)), [*axes, *buttons]
    names, values = _NAMES[message_type], _READ[message_type](message)
    place = _FIRST_OF_ORIENTATION.get(message_type)
    if place is not None:
        before, (x, y, z, w), after = (
            values[:place],
            values[place : place + 4],
            values[place + 4 :],
        )
        values = (*before, *signed_pose((0.0, 0.0, 0.0, x, y, z, w))[3:], *after)
    if message_type == IMU:
        return _measured(message, names, values)
    return names, values


@lru_cache(maxsize=16)
def _joy_names(axes: int, buttons: int) -> tuple[str, ...]:
    return (*(f'axes.{n}' for n in range(axes)), *(f'buttons.{n}' for n in range(buttons)))


def _measured(
    message: Any, names: tuple[str, ...], values: Sequence[float]
) -> tuple[tuple[str, ...], Sequence[float]]:
    """Leave out the parts whose covariance begins with -1: such an IMU does not measure them."""
    absent = [p for p in _IMU_PARTS if getattr(message, f'{p}_covariance')[0] == -1.0]
    if not absent:
        return names, values
    kept = [place for place, name in enumerate(names) if name.partition('.')[0] not in absent]
    return tuple(names[place] for place in kept), [values[place] for place in kept]
