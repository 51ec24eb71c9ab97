"""The same bytes through rclpy's classes and through rosbags' give equal arrays."""

import numpy as np
import pytest
from observing import (
    MS,
    RGB,
    T0,
    TARGET,
    DataType,
    Observation,
    image,
    observer,
    source,
    state,
    trajectory,
)
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Float64MultiArray

cv2 = pytest.importorskip('cv2')
serialization = pytest.importorskip('rclpy.serialization')
typesys = pytest.importorskip('rosbags.typesys')
serde = pytest.importorskip('rosbags.serde')

TYPES = {
    '/joint_states': 'sensor_msgs/msg/JointState',
    '/cmd': 'trajectory_msgs/msg/JointTrajectory',
    '/grip': 'std_msgs/msg/Float64MultiArray',
    '/top': 'sensor_msgs/msg/Image',
    '/wrist': 'sensor_msgs/msg/CompressedImage',
}


def recording():
    """(topic, message of rclpy, time of arrival): a second of a small robot."""
    wave = np.random.default_rng(3).uniform(-1, 1, (100, 4)).round(6)
    for number in range(100):
        now_ns = T0 + number * 10 * MS
        a, b, c, d = (float(x) for x in wave[number])
        joints = state(now_ns - MS, a=a, b=b, stranger=0.0)
        joints.velocity = [c, d, 0.0]
        yield '/joint_states', joints, now_ns
        if number % 3 == 0:
            yield '/top', image(now_ns - 5 * MS, number), now_ns
            pixels = np.full((6, 8, 3), 2 * number, np.uint8)
            data = cv2.imencode('.jpg', pixels)[1].tobytes()
            yield '/wrist', CompressedImage(format='jpeg', data=data), now_ns
        if number % 10 == 0:
            yield '/cmd', trajectory(0, a={0.05: a, 0.2: b}, b={0.05: c, 0.2: d}), now_ns
            yield '/grip', Float64MultiArray(data=[d]), now_ns


def of_rosbags(store, data, kind):
    """The message of rosbags in these bytes, which rclpy may end with a few of no meaning."""
    for end in range(len(data), 4, -1):
        try:
            return store.deserialize_cdr(data[:end], kind)
        except serde.SerdeError:
            continue
    raise AssertionError(f'no {kind}')


def test_a_bag_and_the_robot_give_equal_arrays():
    store = typesys.get_typestore(typesys.Stores.ROS2_JAZZY)
    sources = [
        source(0, 'a'),
        source(2, 'b'),
        source(0, 'b', DataType.JOINT_VELOCITIES, field='velocity'),
        source(0, 'a', TARGET),
        source(1, 'b', TARGET, scale=-1.0),
        source(0, 'top', RGB),
        source(1, 'wrist', RGB, topic='/wrist', type=TYPES['/wrist']),
    ]
    grip = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
    sources.append(source(0, 'g', grip, topic='/grip', type=TYPES['/grip'], order=('g',)))
    robot, bag = observer(*sources), observer(*sources)
    compared = 0
    for topic, message, now_ns in recording():
        data = serialization.serialize_message(message)
        robot.receive(topic, serialization.deserialize_message(data, type(message)), now_ns)
        bag.receive(topic, of_rosbags(store, data, TYPES[topic]), now_ns)
        live, recorded = robot.observe(now_ns + 3 * MS), bag.observe(now_ns + 3 * MS)
        if not isinstance(live, Observation):
            assert live == recorded
            continue
        compared += 1
        assert live.ages_s == recorded.ages_s
        for kind, array in live.inputs.items():
            assert np.array_equal(array, recorded.inputs[kind]), kind
    assert compared > 90
    assert robot.status(now_ns) == bag.status(now_ns)
