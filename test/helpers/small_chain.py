"""A small arm whose pose can be written down: two joints in a plane, and a wrist that turns."""

import math

import numpy as np

URDF = """<robot name="planar">
 <link name="world"/>
 <link name="base"/>
 <link name="upper"/>
 <link name="lower"/>
 <link name="wrist"/>
 <link name="tool"/>
 <joint name="mount" type="fixed">
  <parent link="world"/><child link="base"/><origin xyz="0 0 0.1"/>
 </joint>
 <joint name="shoulder" type="revolute">
  <parent link="base"/><child link="upper"/><axis xyz="0 0 1"/>
  <limit lower="-3" upper="3" velocity="2" effort="10"/>
 </joint>
 <joint name="elbow" type="revolute">
  <parent link="upper"/><child link="lower"/><origin xyz="0.4 0 0"/><axis xyz="0 0 1"/>
  <limit lower="-3" upper="3" velocity="2" effort="10"/>
 </joint>
 <joint name="turn" type="revolute">
  <parent link="lower"/><child link="wrist"/><origin xyz="0.3 0 0"/><axis xyz="0 0 1"/>
  <limit lower="-3" upper="3" velocity="4" effort="10"/>
 </joint>
 <joint name="flange" type="fixed">
  <parent link="wrist"/><child link="tool"/><origin xyz="0.1 0 0"/>
 </joint>
</robot>
"""
JOINTS = ('shoulder', 'elbow', 'turn')

# The plane has three directions of six, so that errors of the others must not count.
ROBOT = """
robot: planar
urdf: planar.urdf
chains:
  hand:
    base: base
    tip: tool
    base_offset: {xyz: [0, 0, 0], rpy: [0, 0, 1.5707963267948966]}
    tip_offset: {xyz: [0.05, 0, 0]}
input: {END_EFFECTOR_POSES: {0: hand}}
output: {END_EFFECTOR_POSES: {0: hand}}
sources: {END_EFFECTOR_POSES: {topic: /joint_states}}
targets: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory}}
commands: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory}}
"""


def describe(folder, text=ROBOT, urdf=URDF):
    """The robot file, and its URDF beside it."""
    (folder / 'planar.urdf').write_text(urdf)
    path = folder / 'planar.yaml'
    path.write_text(text)
    return path


def pose(shoulder, elbow, turn):
    """Where the hand is, seen from a base frame that is turned by a quarter."""
    first, second, third = shoulder, shoulder + elbow, shoulder + elbow + turn
    x = 0.4 * math.cos(first) + 0.3 * math.cos(second) + 0.15 * math.cos(third)
    y = 0.4 * math.sin(first) + 0.3 * math.sin(second) + 0.15 * math.sin(third)
    yaw = third - math.pi / 2
    return np.array([y, -x, 0.0, 0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)])


def same_pose(found, wanted, within=1e-6):
    """True if two poses are equal, whichever of its two quaternions each has."""
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    near = np.allclose(found[..., :3], wanted[..., :3], atol=within)
    turned = np.abs((found[..., 3:] * wanted[..., 3:]).sum(-1))
    return bool(near and np.allclose(turned, 1.0, atol=within))
