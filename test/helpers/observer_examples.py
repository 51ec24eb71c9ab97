"""Sources, messages and readings, short enough for a test to read."""

from types import SimpleNamespace
from typing import Any

import pytest

from neuracore_ros.description import DataType, Layout, Source
from neuracore_ros.observation import Observation, Observer, StreamStatus, Unusable

pytest.importorskip('sensor_msgs', reason='needs the ROS 2 messages: pip install .[ros]')
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseStamped,
    Quaternion,
    Transform,
    TransformStamped,
    Vector3,
)
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

S = 1_000_000_000
MS = 1_000_000
T0 = 1_700_000_000 * S
J = DataType.JOINT_POSITIONS
TARGET = DataType.JOINT_TARGET_POSITIONS
RGB = DataType.RGB_IMAGES
DEPTH = DataType.DEPTH_IMAGES
POSES = DataType.POSES
CUSTOM = DataType.CUSTOM_1D
LANGUAGE = DataType.LANGUAGE


def source(index: int, name: str, kind: DataType = J, **changes: Any) -> Source:
    usual = {'topic': '/joint_states', 'type': 'sensor_msgs/msg/JointState', 'max_age_s': 0.2}
    if kind.is_target:
        command = 'trajectory_msgs/msg/JointTrajectory'
        usual = {'topic': '/cmd', 'type': command, 'max_age_s': None}
    if kind.is_image:
        usual = {'topic': '/top', 'type': 'sensor_msgs/msg/Image', 'max_age_s': 0.5}
    common = {
        'data_type': kind,
        'index': index,
        'name': name,
        'field': 'position',
        'message_name': name,
        'order': None,
        'scale': 1.0,
        'offset': 0.0,
        'stamp': 'header',
        'reliability': 'match',
    }
    return Source(**(common | usual | changes))


def pose_source(index: int, name: str, **changes: Any) -> Source:
    usual = {'topic': '/pose', 'type': 'geometry_msgs/msg/PoseStamped'}
    return source(index, name, POSES, **(usual | changes))


def tf_source(index: int, parent: str, child: str, **changes: Any) -> Source:
    usual = {'topic': '/tf', 'type': 'tf2_msgs/msg/TFMessage', 'parent': parent}
    return source(index, child, POSES, **(usual | changes))


def observer(
    *sources: Source, frozen_after_s: float = 0.0, texts: dict[int, str] | None = None
) -> Observer:
    """One whose layout is exactly these sources and texts, and whose images are 4 x 4."""
    slots: dict[DataType, dict[int, str]] = {LANGUAGE: dict(texts or {})}
    for one in sources:
        slots.setdefault(one.data_type, {})[one.index] = one.name
    return Observer(sources, Layout.of([slots]), (4, 4), frozen_after_s, texts)


def header(stamp_ns: int, frame: str = '') -> Header:
    return Header(stamp=Time(sec=stamp_ns // S, nanosec=stamp_ns % S), frame_id=frame)


def state(stamp_ns: int, /, **positions: float) -> JointState:
    return JointState(
        header=header(stamp_ns), name=list(positions), position=list(positions.values())
    )


def image(stamp_ns: int, level: int) -> Image:
    data = bytes([level] * 48)
    return Image(header=header(stamp_ns), encoding='rgb8', height=4, width=4, step=12, data=data)


def trajectory(stamp_ns: int, /, **paths: dict[float, float]) -> JointTrajectory:
    """A path is {seconds: value}; all have the times of the first."""
    points = [
        JointTrajectoryPoint(
            positions=[list(path.values())[number] for path in paths.values()],
            time_from_start=Duration(sec=int(seconds), nanosec=round(seconds % 1 * S)),
        )
        for number, seconds in enumerate(next(iter(paths.values()), {}))
    ]
    return JointTrajectory(header=header(stamp_ns), joint_names=list(paths), points=points)


def pose_message(
    stamp_ns: int, xyz: tuple[float, ...], q: tuple[float, ...], frame: str = 'base'
) -> PoseStamped:
    pose = Pose(position=_xyz(Point, xyz), orientation=_quaternion(q))
    return PoseStamped(header=header(stamp_ns, frame), pose=pose)


def transform(
    stamp_ns: int, parent: str, child: str, xyz: tuple[float, ...], q: tuple[float, ...]
) -> TransformStamped:
    moved = Transform(translation=_xyz(Vector3, xyz), rotation=_quaternion(q))
    return TransformStamped(header=header(stamp_ns, parent), child_frame_id=child, transform=moved)


def tf(*transforms: TransformStamped) -> Any:
    """A TFMessage; its package is not among the ROS wheels, its only field is."""
    return SimpleNamespace(transforms=list(transforms))


def _xyz(kind: type[Any], xyz: tuple[float, ...]) -> Any:
    return kind(x=float(xyz[0]), y=float(xyz[1]), z=float(xyz[2]))


def _quaternion(q: tuple[float, ...]) -> Quaternion:
    return Quaternion(x=float(q[0]), y=float(q[1]), z=float(q[2]), w=float(q[3]))


def values(seen: Observation | Unusable, kind: DataType = J) -> list[float]:
    assert isinstance(seen, Observation), seen
    return [round(float(value), 5) for value in seen.inputs[kind]]


def fault(seen: Observation | Unusable) -> tuple[str, str]:
    """FaultKind and text of the first fault."""
    assert isinstance(seen, Unusable), seen
    return seen.reasons[0].kind, seen.reasons[0].text


def only_status(eyes: Observer, now_ns: int) -> StreamStatus:
    (status,) = eyes.status(now_ns)
    return status
