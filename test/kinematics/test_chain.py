"""Forward kinematics of a chain, beside pinocchio's own reader of URDFs."""

import math
from dataclasses import replace

import numpy as np
import pinocchio
import pytest

from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.description.urdf_xml import parse_robot_element
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics import joint_tree
from neuracore_ros.kinematics.chain import ChainKinematics, from_tip, to_tip

# A lift under an arm; the arm's own base link hangs beside the link that carries the joints, and
# a gripper and a camera hang on other branches.
ODD = """<robot name="odd">
<link name="world"/><link name="column"/><link name="base"/><link name="corner"/><link name="upper"/>
<link name="lower"/><link name="flange"/><link name="hand"/><link name="finger"/><link name="eye"/>
<joint name="lift" type="prismatic"><parent link="world"/><child link="column"/>
  <origin xyz="0.5 0.1 1" rpy="0.1 0 2"/><axis xyz="0 0 1"/><limit lower="0" upper="1" effort="1" velocity="1"/></joint>
<joint name="to_base" type="fixed"><parent link="column"/><child link="corner"/>
  <origin xyz="0.1 -0.2 0.3" rpy="1 0.5 -2"/></joint>
<joint name="to_corner" type="fixed"><parent link="corner"/><child link="base"/>
  <origin xyz="0 0.02 0.3" rpy="0 1.57079632679 0"/></joint>
<joint name="camera" type="fixed"><parent link="column"/><child link="eye"/></joint>
<joint name="shoulder" type="continuous"><parent link="column"/><child link="upper"/>
  <origin xyz="0 0.1 0.2" rpy="0 -0.4 0.3"/><axis xyz="1 2 -1"/></joint>
<joint name="rail" type="prismatic"><parent link="upper"/><child link="lower"/>
  <origin xyz="0.3 0 0"/><axis xyz="0 3 4"/><limit lower="-1" upper="1" effort="1" velocity="1"/></joint>
<joint name="wrist" type="revolute"><parent link="lower"/><child link="flange"/>
  <origin xyz="0.2 0.1 0" rpy="3 0 0"/><limit lower="-2" upper="2" effort="1" velocity="1"/></joint>
<joint name="mount" type="fixed"><parent link="flange"/><child link="hand"/>
  <origin xyz="0 0 0.1" rpy="0 0 0.7"/></joint>
<joint name="grip" type="prismatic"><parent link="hand"/><child link="finger"/>
  <axis xyz="1 0 0"/><limit lower="0" upper="0.04" effort="1" velocity="1"/></joint>
</robot>"""
OFFSETS = (
    Placement((0.1, 0.2, -0.3), (0.4, math.pi / 2, -2.0)),
    Placement((0.0, 0.0, 0.13), (3.0, 0.1, 0.2)),
)


@pytest.fixture
def chain(tmp_path):
    path = tmp_path / 'odd.urdf'
    path.write_text(ODD)
    return Chain('hand', path, 'base', 'hand', ('shoulder', 'rail', 'wrist'), *OFFSETS)


def theirs(chain, positions):
    """The pose of the grasp frame, and that of the tip in the base, as pinocchio has them."""
    model = pinocchio.buildModelFromXML(ODD)
    data, values = model.createData(), pinocchio.neutral(model)
    for name, position in zip(chain.joints, positions, strict=True):
        joint = model.joints[model.getJointId(name)]
        at = [math.cos(position), math.sin(position)] if joint.nq == 2 else [position]
        values[joint.idx_q : joint.idx_q + joint.nq] = at
    pinocchio.framesForwardKinematics(model, data, values)
    base, tip = (data.oMf[model.getFrameId(link)] for link in (chain.base, chain.tip))
    inside = base.inverse() * tip
    outer, inner = (
        pinocchio.SE3(pinocchio.rpy.rpyToMatrix(*each.rpy), np.array(each.xyz))
        for each in (chain.base_offset, chain.tip_offset)
    )
    return outer.inverse() * inside * inner, inside


def matrix(pose):
    return pinocchio.XYZQUATToSE3(pose).homogeneous


@pytest.mark.parametrize('seed', range(5))
def test_the_grasp_frame_is_where_pinocchio_puts_it(chain, seed):
    positions = np.random.default_rng(seed).uniform(-2.0, 2.0, (4, 3))
    kinematics = ChainKinematics(chain)
    poses = kinematics.poses(positions)
    for row, pose in zip(positions, poses, strict=True):
        grasp, inside = theirs(chain, row)
        np.testing.assert_allclose(matrix(pose), grasp.homogeneous, atol=1e-12)
        np.testing.assert_array_equal(kinematics.pose(row), pose)
        np.testing.assert_allclose(
            matrix(to_tip(kinematics.chain, pose)), inside.homogeneous, atol=1e-12
        )
    np.testing.assert_allclose(
        from_tip(kinematics.chain, to_tip(kinematics.chain, poses)), poses, atol=1e-12
    )


def test_no_rows_give_no_poses(chain):
    assert ChainKinematics(chain).poses(np.zeros((0, 3))).shape == (0, 7)


def test_a_urdf_that_has_changed_since_is_refused(chain):
    chain.urdf.write_text(ODD.replace('name="rail" type="prismatic"', 'name="rail" type="fixed"'))
    with pytest.raises(DescriptionError, match='now move: shoulder, wrist'):
        ChainKinematics(chain)


@pytest.mark.parametrize('base', ['finger', 'eye', 'world'])
def test_a_base_that_moves_otherwise_than_the_chain_says_is_refused(chain, base):
    other = replace(chain, base=base)
    if base == 'eye':  # It hangs by a fixed joint on the link that carries the arm.
        assert ChainKinematics(other).poses(np.zeros((1, 3))).shape == (1, 7)
    else:
        with pytest.raises(DescriptionError, match='is not as it was'):
            ChainKinematics(other)


def test_chains_of_one_urdf_parse_it_once_and_see_what_has_changed(chain, monkeypatch):
    parsed = []

    def parse(text, where):
        parsed.append(where)
        return parse_robot_element(text, where)

    monkeypatch.setattr(joint_tree, 'parse_robot_element', parse)
    joint_tree._branch.cache_clear()
    joint_tree._carriers.cache_clear()
    before = ChainKinematics(chain).pose(np.zeros(3))
    for name in ('other', 'third'):
        ChainKinematics(replace(chain, name=name, tip_offset=Placement((0.0, 0.0, 0.2))))
    assert parsed == [chain.urdf]
    # Of the same size, and perhaps written within one tick of the file system's clock.
    chain.urdf.write_text(chain.urdf.read_text().replace('xyz="0.3 0 0"', 'xyz="0.4 0 0"'))
    assert len(parsed) == 1
    assert not np.allclose(ChainKinematics(chain).pose(np.zeros(3)), before)
    assert len(parsed) == 2
