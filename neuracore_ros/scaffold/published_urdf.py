"""The URDF of a robot that publishes it, or of several arms that do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.joint_tree import JointTree, TreeJoint, joined, parse_joint_tree


def published_joint_tree(urdfs: Mapping[str, str]) -> tuple[JointTree | None, list[str]]:
    """Read the published URDFs (topic -> text), as one tree.

    Nobody asked for them, so that a draft goes without what cannot be used.

    Returns:
        The URDF, None without; and what was left out, one line each.
    """
    found: list[JointTree] = []
    left_out: list[str] = []
    for topic, text in urdfs.items():
        try:
            read = parse_joint_tree(text, topic)
        except DescriptionError as error:
            left_out.append(f'drafted without a URDF: {error}')
            continue
        is_known = any((_moving(read), read.urdf) == (_moving(each), each.urdf) for each in found)
        if read.moving and not is_known:
            found.append(read)
    if not found:
        return None, left_out
    names = [joint.name for each in found for joint in each.moving]
    if len(set(names)) == len(names):
        return found[0] if len(found) == 1 else joined(found), left_out
    topics = ' and '.join(each.where for each in found)
    left_out.append(
        f'drafted without a URDF: {topics} differ, and have joints of the same names; give --urdf '
        'FILE, or draft one arm by --namespace'
    )
    return None, left_out


def _moving(tree: JointTree) -> list[tuple[TreeJoint, str]]:
    """The joints that move, each with the joint that moves it."""
    both = zip(tree.joints, tree.movers(), strict=True)
    return [(replace(joint, parent=-1), mover) for joint, mover in both if joint.moves]
