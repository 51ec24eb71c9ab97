"""Messages whose numbers have names by their type: wrenches, twists, odometry, IMUs, joysticks."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from neuracore_ros.similar_names import did_you_mean, known_names, most_alike

WRENCH_STAMPED = 'geometry_msgs/msg/WrenchStamped'
TWIST = 'geometry_msgs/msg/Twist'
TWIST_STAMPED = 'geometry_msgs/msg/TwistStamped'
ODOMETRY = 'nav_msgs/msg/Odometry'
IMU = 'sensor_msgs/msg/Imu'
JOY = 'sensor_msgs/msg/Joy'

_JOY_NAME = re.compile(r'(axes|buttons)\.(0|[1-9][0-9]{0,3})')


def _axes(names: str, path: str, axes: str = 'xyz') -> dict[str, str]:
    return {f'{names}.{axis}': f'{path}.{axis}' for axis in axes}


_VELOCITY = {**_axes('linear', 'linear'), **_axes('angular', 'angular')}

NUMBER_PATHS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        WRENCH_STAMPED: {**_axes('force', 'wrench.force'), **_axes('torque', 'wrench.torque')},
        TWIST: _VELOCITY,
        TWIST_STAMPED: {name: f'twist.{path}' for name, path in _VELOCITY.items()},
        ODOMETRY: {
            **_axes('pose.position', 'pose.pose.position'),
            **_axes('pose.orientation', 'pose.pose.orientation', 'xyzw'),
            **{f'twist.{name}': f'twist.twist.{path}' for name, path in _VELOCITY.items()},
        },
        IMU: {
            **_axes('orientation', 'orientation', 'xyzw'),
            **_axes('angular_velocity', 'angular_velocity'),
            **_axes('linear_acceleration', 'linear_acceleration'),
        },
    }
)
"""Message type -> name of each of its numbers -> the fields that lead to it, in their order."""

NAMED_NUMBERS = (*NUMBER_PATHS, JOY)
"""Types of messages whose numbers have names; those of a Joy are as many as its device has."""

WITHOUT_HEADER = (TWIST,)
"""Those of them that are stamped by their arrival."""


def misnamed(message_type: str, name: str) -> str:
    """Write that such messages have no number of this name, with what there is; '' if they may."""
    kind = message_type.rpartition('/')[2]
    article = 'an' if kind[0] in 'AEIO' else 'a'
    if message_type == JOY:
        if _JOY_NAME.fullmatch(name):
            return ''
        hint = did_you_mean(name, ('axes.0', 'buttons.0'))
        known = 'axes.0, axes.1, ..., buttons.0, buttons.1, ...'
        return f"{article} {kind} has no '{name}'{hint or '.'} Known: {known}"
    paths = NUMBER_PATHS[message_type]
    return '' if name in paths else f"{article} {kind} has no '{name}'{known_names(name, paths)}"


def example_name(message_type: str, name: str) -> str:
    """The number of such messages that is called most like this, or the first one."""
    known = list(NUMBER_PATHS.get(message_type, ('axes.0', 'buttons.0')))
    return most_alike(name, known) or known[0]
