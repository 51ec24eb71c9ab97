"""Numbers with names by their type: velocities, odometry, IMUs, joysticks."""

import numpy as np
import pytest
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseWithCovariance,
    Quaternion,
    Twist,
    TwistStamped,
    TwistWithCovariance,
    Vector3,
)
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Imu, Joy

from helpers.observer_examples import (
    CUSTOM,
    MS,
    POSES,
    T0,
    Observation,
    S,
    fault,
    header,
    observer,
    source,
    values,
)
from neuracore_ros.description.named_numbers import NUMBER_PATHS
from neuracore_ros.observation.named_numbers import read_named

VELOCITY = Twist(linear=Vector3(x=1.0, y=2.0, z=3.0), angular=Vector3(x=4.0, y=5.0, z=6.0))
PLACE = Pose(
    position=Point(x=7.0, y=8.0, z=9.0), orientation=Quaternion(x=0.1, y=0.5, z=0.5, w=0.7)
)
STAMP = header(T0 - 50 * MS, 'odom')
MESSAGES = {
    'geometry_msgs/msg/Twist': (VELOCITY, {'linear.x': 1, 'linear.z': 3, 'angular.z': 6}),
    'geometry_msgs/msg/TwistStamped': (
        TwistStamped(header=STAMP, twist=VELOCITY),
        {'linear.y': 2, 'angular.x': 4},
    ),
    'nav_msgs/msg/Odometry': (
        Odometry(
            header=STAMP,
            pose=PoseWithCovariance(pose=PLACE),
            twist=TwistWithCovariance(twist=VELOCITY),
        ),
        {
            'pose.position.x': 7,
            'pose.orientation.w': 0.7,
            'twist.linear.x': 1,
            'twist.angular.z': 6,
        },
    ),
    'sensor_msgs/msg/Imu': (
        Imu(
            header=STAMP,
            orientation=PLACE.orientation,
            angular_velocity=VELOCITY.linear,
            linear_acceleration=VELOCITY.angular,
        ),
        {'orientation.y': 0.5, 'angular_velocity.z': 3, 'linear_acceleration.x': 4},
    ),
    'sensor_msgs/msg/Joy': (
        Joy(header=STAMP, axes=[0.5, -1.0], buttons=[0, 0, 0, 1]),
        {'axes.0': 0.5, 'axes.1': -1, 'buttons.3': 1},
    ),
}


def reader(kind, *names, **options):
    usual = {'topic': '/n', 'type': kind}
    return observer(*(source(i, n, CUSTOM, **(usual | options)) for i, n in enumerate(names)))


@pytest.mark.parametrize('kind', MESSAGES)
def test_each_number_is_read_by_its_name_and_aged_by_its_header(kind):
    message, expected = MESSAGES[kind]
    eyes = reader(kind, *expected)
    eyes.receive('/n', message, T0)
    seen = eyes.observe(T0)
    assert values(seen, CUSTOM) == pytest.approx(list(expected.values()))
    age_s = 0.0 if kind.endswith('/Twist') else 0.05
    assert {round(age, 6) for age in seen.ages_s.values()} == {age_s}


@pytest.mark.parametrize('kind', NUMBER_PATHS)
def test_every_name_leads_to_a_number_of_the_message(kind):
    if kind in MESSAGES:
        names, numbers = read_named(kind, MESSAGES[kind][0])
        assert names == tuple(NUMBER_PATHS[kind]) and len(numbers) == len(names)
        assert all(isinstance(number, float) for number in numbers)


def test_a_number_has_a_scale_and_an_offset():
    eyes = reader('geometry_msgs/msg/Twist', 'linear.x', scale=-2.0, offset=1.0)
    eyes.receive('/n', VELOCITY, T0)
    assert values(eyes.observe(T0), CUSTOM) == [-1.0]


def test_equal_orientations_give_equal_numbers():
    q = np.array([0.1, 0.5, 0.1, 0.7])
    for kind, name in (
        ('sensor_msgs/msg/Imu', 'orientation'),
        ('nav_msgs/msg/Odometry', 'pose.orientation'),
    ):
        found = []
        for sign in (1.0, -1.0):
            x, y, z, w = (float(number) for number in sign * q)
            turned = Quaternion(x=x, y=y, z=z, w=w)
            eyes = reader(kind, *(f'{name}.{axis}' for axis in 'xyzw'))
            message = (
                Imu(header=STAMP, orientation=turned)
                if kind.endswith('Imu')
                else Odometry(header=STAMP, pose=PoseWithCovariance(pose=Pose(orientation=turned)))
            )
            eyes.receive('/n', message, T0)
            found.append(values(eyes.observe(T0), CUSTOM))
        assert found[0] == found[1] and any(found[0])


def test_an_imu_without_an_orientation_lacks_its_names():
    covariance = np.zeros(9)
    covariance[0] = -1.0
    message = Imu(header=STAMP, orientation_covariance=covariance)
    eyes = reader('sensor_msgs/msg/Imu', 'orientation.w', 'angular_velocity.x')
    eyes.receive('/n', message, T0)
    (reason,) = eyes.observe(T0).reasons
    assert "lacks 'orientation.w' (CUSTOM_1D index 0)" in reason.text
    assert 'angular_velocity.x' in reason.text.partition('It has: ')[2]


def test_a_joystick_with_fewer_axes_is_named_with_what_it_has():
    eyes = reader('sensor_msgs/msg/Joy', 'axes.7')
    eyes.receive('/n', Joy(header=STAMP, axes=[0.0, 1.0], buttons=[1]), T0)
    kind, text = fault(eyes.observe(T0))
    assert kind == 'missing'
    assert "/n lacks 'axes.7'" in text and 'axes.1' in text and 'buttons.0' in text


def test_a_joystick_of_a_million_axes_gives_those_that_can_be_named():
    eyes = reader('sensor_msgs/msg/Joy', 'axes.9999', 'buttons.0')
    axes = np.zeros(1_000_000, np.float32)
    axes[9999] = 0.5
    eyes.receive('/n', Joy(header=STAMP, axes=axes.tolist(), buttons=[1]), T0)
    assert values(eyes.observe(T0), CUSTOM) == [0.5, 1.0]


def test_a_joystick_may_change_its_number_of_buttons():
    eyes = reader('sensor_msgs/msg/Joy', 'buttons.0')
    eyes.receive('/n', Joy(header=STAMP, axes=[0.0], buttons=[1]), T0)
    later = header(T0 + MS)
    eyes.receive('/n', Joy(header=later, axes=[0.0, 0.0], buttons=[0, 1]), T0 + MS)
    assert values(eyes.observe(T0 + MS), CUSTOM) == [0.0]


def test_a_velocity_that_is_not_finite_is_refused_and_then_stale():
    eyes = reader('geometry_msgs/msg/Twist', 'linear.x')
    eyes.receive('/n', VELOCITY, T0)
    eyes.receive('/n', Twist(linear=Vector3(x=float('nan'))), T0 + 100 * MS)
    assert values(eyes.observe(T0 + 100 * MS), CUSTOM) == [1.0]
    assert fault(eyes.observe(T0 + S))[0] == 'not_finite'


def test_an_odometry_is_a_pose_in_its_frame_and_numbers_beside_it():
    kind = 'nav_msgs/msg/Odometry'
    usual = {'topic': '/n', 'type': kind}
    eyes = observer(
        source(0, 'base', POSES, parent='odom', **usual),
        source(0, 'speed', CUSTOM, message_name='twist.linear.x', **usual),
    )
    eyes.receive('/n', MESSAGES[kind][0], T0)
    seen = eyes.observe(T0)
    assert isinstance(seen, Observation), seen
    assert seen.inputs[POSES][0] == pytest.approx([7, 8, 9, 0.1, 0.5, 0.5, 0.7])
    assert values(seen, CUSTOM) == [1.0]


def test_an_odometry_in_another_frame_is_refused():
    eyes = observer(source(0, 'b', POSES, parent='map', topic='/n', type='nav_msgs/msg/Odometry'))
    eyes.receive('/n', MESSAGES['nav_msgs/msg/Odometry'][0], T0)
    assert "poses are given in 'odom', not in 'map'" in fault(eyes.observe(T0))[1]
