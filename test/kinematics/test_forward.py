"""Forward kinematics and Jacobians, beside closed forms and pinocchio's own reader of URDFs."""

import math

import numpy as np
import pinocchio
import pytest

from helpers.drawn_arms import THREE
from neuracore_ros.kinematics.forward import Kinematics
from neuracore_ros.kinematics.joint_tree import TreeJoint, parse_joint_tree

Z = (0.0, 0.0, 1.0)
# Two links of 0.3 m and 0.2 m that turn about z, on a base that is turned by a quarter.
PLANAR = (
    TreeJoint('base', 'fixed', -1, rpy=(0.0, 0.0, math.pi / 2)),
    TreeJoint('shoulder', 'revolute', 0, (0.0, 0.0, 0.1), axis=Z),
    TreeJoint('elbow', 'continuous', 1, (0.3, 0.0, 0.0), axis=Z),
    TreeJoint('tool', 'fixed', 2, (0.2, 0.0, 0.0)),
)


def test_a_planar_arm_is_where_its_angles_put_it():
    shoulder, elbow = 0.4, -0.9
    first, second = math.pi / 2 + shoulder, math.pi / 2 + shoulder + elbow
    bend = np.array([0.3 * math.cos(first), 0.3 * math.sin(first), 0.1])
    tool = bend + np.array([0.2 * math.cos(second), 0.2 * math.sin(second), 0.0])
    arm = Kinematics(PLANAR)
    poses = arm.poses([shoulder, elbow])
    np.testing.assert_allclose(poses[2, :3, 3], bend, atol=1e-12)
    np.testing.assert_allclose(poses[3, :3, 3], tool, atol=1e-12)
    np.testing.assert_allclose(poses[3, :2, 0], [math.cos(second), math.sin(second)], atol=1e-12)
    np.testing.assert_allclose(arm.poses([shoulder, elbow])[3, :3, 3], tool, atol=1e-12)
    jacobian = arm.jacobian(3, [shoulder, elbow])
    np.testing.assert_allclose(jacobian[:2, 0], [-tool[1], tool[0]], atol=1e-12)
    np.testing.assert_allclose(jacobian[:2, 1], [bend[1] - tool[1], tool[0] - bend[0]], atol=1e-12)
    np.testing.assert_allclose(jacobian[5], 1.0)


def test_a_slide_moves_along_its_axis():
    rail = Kinematics([TreeJoint('rail', 'prismatic', -1, rpy=(0.0, 0.0, math.pi / 2))])
    np.testing.assert_allclose(rail.poses([0.7])[0, :3, 3], [0.0, 0.7, 0.0], atol=1e-12)


@pytest.mark.parametrize('seed', range(5))
def test_a_urdf_is_read_as_pinocchio_reads_it(seed):
    tree = parse_joint_tree(THREE, 'arm.urdf')
    links = ''.join(f'<link name="{joint.name}"/>' for joint in tree.joints)
    theirs = pinocchio.buildModelFromXML(THREE.replace('</robot>', f'{links}</robot>'))
    data = theirs.createData()
    random = np.random.default_rng(seed).uniform(-2.0, 2.0, len(tree.moving))
    positions = dict(zip([joint.name for joint in tree.moving], random, strict=True))
    ordered = np.array([positions[name] for name in theirs.names[1:]])
    pinocchio.forwardKinematics(theirs, data, ordered)
    for joint, pose in zip(tree.joints, Kinematics(tree.joints).poses(random), strict=True):
        wanted = data.oMi[theirs.getJointId(joint.name)].homogeneous
        np.testing.assert_allclose(pose, wanted, atol=1e-12)
