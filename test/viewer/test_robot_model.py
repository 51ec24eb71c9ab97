"""Robots that slot values move, against positions that are known."""

import numpy as np
import pytest

from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.viewer.robot_model import RobotModel

JOINTS = DataType.JOINT_POSITIONS


def shipped_model(name):
    path = shipped(name)
    return RobotModel.of(load_robot(path), path.with_suffix('.urdf'))


def test_a_slot_value_of_zero_is_where_the_offset_says():
    model = shipped_model('ur5')
    assert model.joints({(JOINTS, 3): 0.0})['elbow_joint'] == pytest.approx(-0.467)


def test_the_same_values_bend_two_arms_the_same_way():
    franka, ur5 = shipped_model('franka'), shipped_model('ur5')
    values = {(JOINTS, index): 0.0 for index in range(7)}
    for index in (1, 3, 5):
        bent = {**values, (JOINTS, index): 0.4}
        leans = []
        for model, tip in ((franka, 'panda_link7'), (ur5, 'wrist_3_link')):
            before, after = model.link_poses(values)[tip], model.link_poses(bent)[tip]
            turn = after[:3, :3] @ before[:3, :3].T
            leans.append(turn)
        assert np.allclose(leans[0], leans[1], atol=0.02), index
