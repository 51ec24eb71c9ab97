"""The contents of messages as `check --live` and `record` read them, without a graph."""

import pytest

pytest.importorskip('rclpy')
from rclpy.serialization import serialize_message
from std_msgs.msg import Float64

from helpers.observer_examples import MS, RGB, T0, DataType, image, source, trajectory
from neuracore_ros.description.crop import Crop
from neuracore_ros.node.live.names import read_faults

GRIP = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS


def came(*messages):
    return [(T0 + n * MS, serialize_message(each)) for n, each in enumerate(messages)]


def test_images_that_do_not_contain_their_crop_are_told_with_both_sizes():
    sources = [source(0, 'room', RGB), source(1, 'table', RGB, crop=Crop(2, 0, 3, 4))]
    (text,) = read_faults(sources, {'/top': came(image(T0, 5))}, '')
    assert "'table' (RGB_IMAGES index 1): the image is 4 x 4 px, and its crop [2, 0, 3, 4]" in text


def test_commands_of_another_hand_are_told_with_their_names():
    sources = [source(0, 'g', GRIP, topic='/cmd', type='trajectory_msgs/msg/JointTrajectory',
                      max_age_s=None, follow_s=0.4)]  # fmt: skip
    assert read_faults(sources, {'/cmd': []}, '') == [], 'none is needed'
    (text,) = read_faults(sources, {'/cmd': came(trajectory(0, f={0.0: 1.0}))}, '')
    assert "/cmd lacks 'g'" in text and text.endswith('It has: f')


def test_a_followed_hand_that_is_commanded_is_in_order():
    sources = [source(0, 'g', GRIP, topic='/cmd', type='std_msgs/msg/Float64',
                      max_age_s=None, follow_s=0.4)]  # fmt: skip
    assert read_faults(sources, {'/cmd': came(Float64(data=0.5))}, '') == []
