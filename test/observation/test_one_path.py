"""The same bytes through rclpy's classes and through rosbags' give equal arrays."""

import numpy as np
import pytest

pytest.importorskip('sensor_msgs', reason='needs the ROS 2 messages: pip install .[ros]')
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseWithCovariance,
    Quaternion,
    TransformStamped,
    Twist,
    TwistStamped,
    TwistWithCovariance,
    Vector3,
    Wrench,
    WrenchStamped,
)
from nav_msgs.msg import Odometry
from sensor_msgs.msg import CompressedImage, Image, Imu, Joy
from std_msgs.msg import Float32MultiArray, Float64, Float64MultiArray, String

from helpers.observer_examples import (
    CUSTOM,
    DEPTH,
    LANGUAGE,
    MS,
    POSES,
    RGB,
    T0,
    TARGET,
    DataType,
    Observation,
    header,
    image,
    observer,
    pose_message,
    pose_source,
    source,
    state,
    tf,
    tf_source,
    trajectory,
    transform,
)
from neuracore_ros.description.crop import Crop

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
    '/depth': 'sensor_msgs/msg/Image',
    '/depth/compressedDepth': 'sensor_msgs/msg/CompressedImage',
    '/pose': 'geometry_msgs/msg/PoseStamped',
    '/tf': 'geometry_msgs/msg/TransformStamped',
    '/tf_static': 'geometry_msgs/msg/TransformStamped',
    '/wrench': 'geometry_msgs/msg/WrenchStamped',
    '/one': 'std_msgs/msg/Float64',
    '/some': 'std_msgs/msg/Float32MultiArray',
    '/hand': 'trajectory_msgs/msg/JointTrajectory',
    '/twist': 'geometry_msgs/msg/Twist',
    '/twist_stamped': 'geometry_msgs/msg/TwistStamped',
    '/odom': 'nav_msgs/msg/Odometry',
    '/imu': 'sensor_msgs/msg/Imu',
    '/joy': 'sensor_msgs/msg/Joy',
    '/say': 'std_msgs/msg/String',
}


def recording():
    """(topic, message of rclpy, time of arrival): a second of a small robot."""
    wave = np.random.default_rng(3).uniform(-1, 1, (100, 4)).round(6)
    for number in range(100):
        now_ns = T0 + number * 10 * MS
        a, b, c, d = (float(x) for x in wave[number])
        joints = state(now_ns - MS, a=a, b=b, stranger=0.0)
        joints.velocity = [c, d, 0.0]
        joints.effort = [d, a, 0.0]
        yield '/joint_states', joints, now_ns
        q = np.array([a, b, c, d]) / np.linalg.norm([a, b, c, d])
        yield '/pose', pose_message(now_ns - MS, (a, b, c), q), now_ns
        yield '/tf', transform(now_ns - 2 * MS, 'base', 'hand', (d, c, b), -q), now_ns
        if number == 5:
            fixed = transform(0, 'hand', 'tool', (0, 0, 0.1), (0.6, 0, 0, 0.8))
            yield '/tf_static', fixed, now_ns
        wrench = Wrench(force=Vector3(x=a, y=b, z=c), torque=Vector3(x=d))
        yield '/wrench', WrenchStamped(header=header(now_ns - MS), wrench=wrench), now_ns
        twist = Twist(linear=Vector3(x=a, y=b, z=c), angular=Vector3(z=d))
        quaternion = dict(zip('xyzw', map(float, q), strict=True))
        pose = Pose(position=Point(x=b, y=c, z=d), orientation=Quaternion(**quaternion))
        stamped = header(now_ns - MS)
        yield '/twist', twist, now_ns
        yield '/twist_stamped', TwistStamped(header=stamped, twist=twist), now_ns
        place, speed = PoseWithCovariance(pose=pose), TwistWithCovariance(twist=twist)
        yield '/odom', Odometry(header=stamped, pose=place, twist=speed), now_ns
        turned = pose.orientation
        yield (
            '/imu',
            Imu(header=stamped, orientation=turned, angular_velocity=twist.linear),
            now_ns,
        )
        yield '/joy', Joy(header=stamped, axes=[a, b], buttons=[number % 2, 1]), now_ns
        yield '/one', Float64(data=a), now_ns
        yield '/some', Float32MultiArray(data=[b, c]), now_ns
        if number % 20 == 0:
            yield '/say', String(data=f'pick nümber {number}'), now_ns
        if number % 3 == 0:
            yield '/top', image(now_ns - 5 * MS, number), now_ns
            pixels = np.full((6, 8, 3), 2 * number, np.uint8)
            data = cv2.imencode('.jpg', pixels)[1].tobytes()
            yield '/wrist', CompressedImage(format='jpeg', data=data), now_ns
            depths = np.full((3, 4), 10 * number, np.uint16)
            data = depths.tobytes()
            stamped = header(now_ns - 5 * MS)
            yield '/depth', Image(header=stamped, encoding='16UC1', height=3, width=4, step=8, data=data), now_ns  # fmt: skip
            data = bytes(12) + cv2.imencode('.png', depths)[1].tobytes()
            packed = CompressedImage(
                header=stamped, format='16UC1; compressedDepth png', data=data
            )
            yield '/depth/compressedDepth', packed, now_ns
        if number % 10 == 0:
            yield '/cmd', trajectory(0, a={0.05: a, 0.2: b}, b={0.05: c, 0.2: d}), now_ns
            yield '/hand', trajectory(0, h={0.0: abs(a), 0.15: abs(b), 0.3: abs(c)}), now_ns
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
    amount = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
    sources.append(source(1, 'b', amount, scale=0.5, offset=0.5))
    sources.append(source(0, 'a', DataType.JOINT_TORQUES, field='effort'))
    sources.append(source(0, 'a', DataType.VISUAL_JOINT_POSITIONS))
    sources += [pose_source(0, 'cube'), tf_source(2, 'base', 'tool')]
    some = {'topic': '/some', 'type': TYPES['/some'], 'order': ('x', 'y')}
    sources += [
        source(0, 'torque.x', CUSTOM, topic='/wrench', type=TYPES['/wrench']),
        source(1, 'n', CUSTOM, topic='/one', type=TYPES['/one']),
        source(3, 'y', CUSTOM, **some),
        source(0, 'd', DEPTH, topic='/depth'),
        source(1, 'e', DEPTH, topic='/depth/compressedDepth', type=TYPES['/wrist']),
        source(2, 'part', RGB, crop=Crop(1, 0, 2, 3)),
        source(2, 'f', DEPTH, topic='/depth', crop=Crop(1, 1, 3, 2)),
        source(2, 'h', amount, topic='/hand', type=TYPES['/hand'], max_age_s=None, follow_s=0.25),
        source(4, 'linear.y', CUSTOM, topic='/twist', type=TYPES['/twist']),
        source(5, 'angular.z', CUSTOM, topic='/twist_stamped', type=TYPES['/twist_stamped']),
        source(6, 'pose.orientation.y', CUSTOM, topic='/odom', type=TYPES['/odom']),
        source(7, 'angular_velocity.x', CUSTOM, topic='/imu', type=TYPES['/imu']),
        source(8, 'orientation.w', CUSTOM, topic='/imu', type=TYPES['/imu']),
        source(9, 'buttons.1', CUSTOM, topic='/joy', type=TYPES['/joy']),
        pose_source(3, 'base', topic='/odom', type=TYPES['/odom']),
        source(0, 'told', LANGUAGE, topic='/say', type=TYPES['/say'], max_age_s=None),
    ]
    assert {s.data_type for s in sources} >= set(DataType) - {
        DataType.POINT_CLOUDS,
        DataType.END_EFFECTOR_POSES,
    }
    robot, bag = observer(*sources), observer(*sources)
    compared = 0
    for topic, message, now_ns in recording():
        data = serialization.serialize_message(message)
        live_message = serialization.deserialize_message(data, type(message))
        recorded_message = of_rosbags(store, data, TYPES[topic])
        if isinstance(message, TransformStamped):
            live_message, recorded_message = tf(live_message), tf(recorded_message)
        robot.receive(topic, live_message, now_ns)
        bag.receive(topic, recorded_message, now_ns)
        live, recorded = robot.observe(now_ns + 3 * MS), bag.observe(now_ns + 3 * MS)
        if not isinstance(live, Observation):
            assert live == recorded
            continue
        compared += 1
        assert isinstance(recorded, Observation)
        assert live.ages_s == recorded.ages_s
        for kind, array in live.inputs.items():
            assert np.array_equal(array, recorded.inputs[kind]), kind
            assert array.any(), f'{kind} is compared with something in it'
    assert compared > 700 and POSES in live.inputs
    assert robot.status(now_ns) == bag.status(now_ns)
