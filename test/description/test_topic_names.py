"""Which of the topics that are there may be meant by one that is not."""

import pytest

from neuracore_ros.topic_names import likeness

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
    assert max(THERE, key=lambda name: likeness(wanted, name)) == meant
