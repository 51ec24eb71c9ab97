"""The topic that is meant by one that is not there."""

import pytest

from neuracore_ros.similar_names import alike_topics, list_alike

THERE = [
    '/hand_cam/image/compressed',
    '/side_cam/image_raw',
    '/joint_states',
    '/left/joint_states',
    '/arm_controller/joint_trajectory',
]


@pytest.mark.parametrize(
    ('wanted', 'meant'),
    [
        ('/hand_cam/image', '/hand_cam/image/compressed'),
        ('/hand_cam/image_raw', '/hand_cam/image/compressed'),
        ('/sidecam/image_raw', '/side_cam/image_raw'),
        ('/side_cam/image/compressed', '/side_cam/image_raw'),
        ('joint_state', '/joint_states'),
        ('/my_arm_controller/joint_trajectory', '/arm_controller/joint_trajectory'),
    ],
)
def test_the_same_device_is_meant_and_not_the_same_ending(wanted, meant):
    assert alike_topics(wanted, THERE)[0] == meant


def test_names_that_are_equally_unlike_are_listed_in_their_order():
    assert list_alike('wrist', ['state.0', 'state.1', 'state.2']) == 'state.0, state.1, state.2'
    assert list_alike('wrist', ['state.0', 'wrist_1', 'state.1']) == 'wrist_1, state.0, state.1'
