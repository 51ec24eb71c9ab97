"""The shipped URDFs are the tables of the simulated arms."""

from pathlib import Path

import numpy as np
import pytest

from neuracore_ros.kinematics.forward import Kinematics
from neuracore_ros.kinematics.joint_tree import read_joint_tree
from neuracore_ros.sim.arms import ARMS, ArmKinematics
from neuracore_ros.sim.urdf import urdf_text

CONFIG = Path(__file__).resolve().parents[2] / 'config'
ALL_ARMS = pytest.mark.parametrize('arm', ARMS.values(), ids=list(ARMS))


@ALL_ARMS
def test_the_shipped_urdf_is_made_from_the_table(arm):
    shipped = (CONFIG / f'{arm.name}.urdf').read_text()
    assert shipped == urdf_text(arm), 'run: python -m neuracore_ros.sim.urdf config'


@ALL_ARMS
def test_the_links_of_the_urdf_are_where_the_simulation_has_them(arm):
    tree, simulated = read_joint_tree(CONFIG / f'{arm.name}.urdf'), ArmKinematics(arm)
    assert [joint.name for joint in tree.joints] == list(arm.joint_names)
    read, random = Kinematics(tree.joints), np.random.default_rng(0)
    for positions in random.uniform(simulated.lower, simulated.upper, (5, len(arm.joints))):
        base, *links, _ = simulated.poses(positions)
        np.testing.assert_allclose(base @ read.poses(positions), links, atol=1e-9)


@ALL_ARMS
def test_the_urdf_has_the_limits_and_links_of_the_arm(arm):
    urdf = read_joint_tree(CONFIG / f'{arm.name}.urdf').urdf
    for joint in arm.joints:
        limit = urdf.limits[joint.name]
        np.testing.assert_allclose(limit.position, (joint.lower, joint.upper), atol=1e-9)
        assert limit.velocity == joint.velocity
    assert urdf.links == set(arm.links)
