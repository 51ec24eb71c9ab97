"""The observer on a few hand-made messages of rclpy."""

import numpy as np
import pytest

from neuracore_ros.description import DataType, Layout, Source
from neuracore_ros.observation import Observation, Observer, Unusable

pytest.importorskip('sensor_msgs', reason='needs the ROS 2 messages: pip install .[ros]')
from builtin_interfaces.msg import Duration, Time
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray, Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

S = 1_000_000_000
T0 = 1_700_000_000 * S
J = DataType.JOINT_POSITIONS
SIZE = (4, 4)


def source(index: int, name: str, kind: DataType = J, **changes: object) -> Source:
    values = {
        'data_type': kind,
        'index': index,
        'name': name,
        'topic': '/joint_states',
        'type': 'sensor_msgs/msg/JointState',
        'field': 'position',
        'message_name': name,
        'order': None,
        'scale': 1.0,
        'offset': 0.0,
        'max_age_s': 0.2,
        'stamp': 'header',
        'reliability': 'match',
    }
    return Source(**(values | changes))


def observer(*sources: Source, frozen_after_s: float = 0.0) -> Observer:
    slots: dict[DataType, dict[int, str]] = {}
    for one in sources:
        slots.setdefault(one.data_type, {})[one.index] = one.name
    return Observer(sources, Layout.of([slots]), SIZE, frozen_after_s)


def time(stamp_ns: int) -> Time:
    return Time(sec=stamp_ns // S, nanosec=stamp_ns % S)


def state(stamp_ns: int = 0, /, **positions: float) -> JointState:
    message = JointState(name=list(positions), position=list(positions.values()))
    message.header.stamp = time(stamp_ns)
    return message


def image(stamp_ns: int, level: int) -> Image:
    data = bytes([level] * 48)
    header = Header(stamp=time(stamp_ns))
    return Image(header=header, encoding='rgb8', height=4, width=4, step=12, data=data)


def trajectory(stamp_ns: int, **paths: dict[float, float]) -> JointTrajectory:
    """A path is {seconds: value}; the times of the first one count for all."""
    message = JointTrajectory(joint_names=list(paths))
    message.header.stamp = time(stamp_ns)
    for number, seconds in enumerate(next(iter(paths.values()), {})):
        due = Duration(sec=int(seconds), nanosec=round(seconds % 1 * S))
        values = [float(list(path.values())[number]) for path in paths.values()]
        message.points.append(JointTrajectoryPoint(positions=values, time_from_start=due))
    return message


def values(seen: Observation | Unusable, kind: DataType = J) -> list[float]:
    assert isinstance(seen, Observation), seen
    return [round(float(value), 5) for value in seen.inputs[kind]]


def fault(seen: Observation | Unusable) -> tuple[str, str]:
    assert isinstance(seen, Unusable), seen
    return seen.reasons[0].kind, seen.reasons[0].text


def test_a_gap_in_the_indices_stays_a_gap():
    eyes = observer(source(0, 'base'), source(1, 'elbow'), source(6, 'wrist'))
    eyes.receive('/joint_states', state(T0, wrist=3.0, base=1.0, elbow=2.0), T0)
    seen = eyes.observe(T0)
    assert values(seen) == [1, 2, 0, 0, 0, 0, 3]
    assert seen.valid[J].tolist() == [True, True, False, False, False, False, True]
    assert seen.inputs[J].dtype == np.float32


def test_nothing_is_observed_before_every_name_has_a_sample():
    eyes = observer(source(0, 'arm'), source(1, 'grip'))
    assert fault(eyes.observe(T0))[0] == 'missing'
    eyes.receive('/joint_states', state(T0, arm=1.0), T0)
    assert not eyes.is_complete(T0)
    eyes.receive('/joint_states', state(T0, grip=2.0), T0 + 5)
    assert not eyes.is_complete(T0)
    assert eyes.is_complete(T0 + 5)
    assert values(eyes.observe(T0 + 5)) == [1, 2]


def test_a_lacking_name_is_told_with_the_nearest_and_what_is_there():
    eyes = observer(source(6, 'wrist'))
    eyes.receive('/joint_states', state(T0, base=1.0, wrist_1=2.0), T0)
    assert fault(eyes.observe(T0)) == (
        'missing',
        "/joint_states lacks 'wrist' (JOINT_POSITIONS index 6; did you mean 'wrist_1'?). "
        'It has: wrist_1, base',
    )


def test_a_camera_fills_its_slot_and_leaves_the_others_black():
    camera = source(
        1, 'top', DataType.RGB_IMAGES, topic='top', type='sensor_msgs/msg/Image', max_age_s=0.5
    )
    eyes = observer(camera)
    eyes.receive('top', image(T0, 200), T0)
    seen = eyes.observe(T0)
    assert seen.inputs[DataType.RGB_IMAGES].shape == (2, 4, 4, 3)
    assert seen.inputs[DataType.RGB_IMAGES].mean(axis=(1, 2, 3)).tolist() == [0, 200]
    assert seen.ages_s == {(DataType.RGB_IMAGES, 'top'): 0.0}


def test_a_trajectory_is_a_function_of_time():
    target = DataType.JOINT_TARGET_POSITIONS
    arm = source(
        0,
        'arm',
        target,
        topic='/cmd',
        type='trajectory_msgs/msg/JointTrajectory',
        max_age_s=None,
    )
    eyes = observer(arm)
    eyes.receive('/cmd', trajectory(0, arm={1.0: 1.0, 2.0: 3.0}), T0)
    assert values(eyes.observe(T0), target) == [1]
    assert values(eyes.observe(T0 + S * 3 // 2), target) == [2]
    assert values(eyes.observe(T0 + S * 60), target) == [3]
    eyes.receive('/cmd', trajectory(0, arm={1.0: 0.0}), T0 + S * 60)
    assert values(eyes.observe(T0 + S * 60 + S // 2), target) == [1.5]


def test_an_array_without_names_is_read_by_its_declared_order():
    target = DataType.JOINT_TARGET_POSITIONS
    kind = 'std_msgs/msg/Float64MultiArray'
    order = ('lift', 'pan')
    way = {'topic': '/cmd', 'type': kind, 'order': order, 'max_age_s': None}
    eyes = observer(source(0, 'pan', target, **way), source(1, 'lift', target, **way))
    eyes.receive('/cmd', Float64MultiArray(data=[1.0, 2.0]), T0)
    assert values(eyes.observe(T0 + 3600 * S), target) == [2, 1]
