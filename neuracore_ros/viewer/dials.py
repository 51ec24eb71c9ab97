"""Dials: a robot whose URDF is not known stands as a hand on a dial for each of its slots."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

import numpy as np
import trimesh

from neuracore_ros.arrays import FloatArray
from neuracore_ros.description import Robot
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.kinematics.joint_tree import JointTree, parse_joint_tree
from neuracore_ros.viewer.coarse_mesh import Triangles
from neuracore_ros.viewer.joint_slots import between
from neuracore_ros.viewer.link_meshes import LinkMesh

# Radius of a dial, and its distance from the next one [m].
_RADIUS_M, _APART_M = 0.05, 0.12
_FACE = (0.92, 0.92, 0.92, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Dials:
    """A column of dials.

    Attributes:
        tree: Their hands, each a joint with the name of its slot.
        meshes: The column and the hands.
        captions: Name -> its place beside its dial (3,) [m].
    """

    tree: JointTree
    meshes: tuple[LinkMesh, ...]
    captions: Mapping[str, FloatArray]


def dials(robot: Robot) -> Dials:
    """A column of dials that look ahead, that of the first slot below the others.

    A hand points up where its joint is at 0, and turns to the left of the robot as its position
    grows; that of a gripper turns by a right angle.
    """
    grippers = _names(robot, are_grippers=True)
    names = [*_names(robot, are_grippers=False), *grippers]
    joints, meshes, captions = [], [], {}
    for number, name in enumerate(names):
        captions[name] = np.array([0.0, 1.2 * _RADIUS_M, (number + 0.5) * _APART_M])
        z, upper = (number + 0.5) * _APART_M, math.pi / 2 if name in grippers else math.pi
        lower = 0.0 if name in grippers else -math.pi
        joints.append(
            f'<joint name={quoteattr(name)} type="revolute"><parent link="column"/>'
            f'<child link={quoteattr(f"hand of {name}")}/><origin xyz="0.01 0 {z}"/>'
            f'<axis xyz="-1 0 0"/><limit lower="{lower}" upper="{upper}"/></joint>'
        )
        face = Triangles.of(trimesh.creation.cylinder(_RADIUS_M, 0.01, sections=32))
        # A cylinder is made about z, and a dial looks ahead.
        meshes.append(
            LinkMesh(
                'column', face.points[:, [2, 1, 0]] + np.array([0, 0, z]), face.triangles, _FACE
            )
        )
        hand = Triangles.of(trimesh.creation.box((0.01, 0.012, _RADIUS_M)))
        raised = hand.points + np.array([0, 0, _RADIUS_M / 2])
        meshes.append(LinkMesh(f'hand of {name}', raised, hand.triangles))
    text = f'<robot name="dials"><link name="column"/>{"".join(joints)}</robot>'
    return Dials(parse_joint_tree(text, str(robot.path)), tuple(meshes), captions)


def dial_sense(senses: Iterable[ScaleOffset]) -> ScaleOffset:
    """The sense of a gripper's opening on its dial, from those that its robot file gives it."""
    return between((0.0, math.pi / 2), any(each.scale < 0.0 for each in senses))


def _names(robot: Robot, are_grippers: bool) -> list[str]:
    """The names of its grippers, or of its other joints, in the order of their slots."""
    return list(
        dict.fromkeys(
            name
            for description in (robot.input, robot.output)
            for kind, slots in description.items()
            if kind.is_gripper is are_grippers and (are_grippers or 'JOINT_' in kind.name)
            for _, name in sorted(slots.items())
        )
    )
