"""The URDF of a robot that publishes it, or of several arms that do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neuracore_ros.description.urdf import Urdf
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.joint_tree import JointTree, parse_joint_tree


def published_joint_tree(urdfs: Mapping[str, str]) -> tuple[JointTree | None, list[str]]:
    """The URDFs that were published, as one.

    Nobody asked for them, so that a draft goes without what cannot be used.

    Args:
        urdfs: Topic -> text.

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
        if read.joints and not any(_are_equal(read, other) for other in found):
            found.append(read)
    if not found:
        return None, left_out
    names = [joint.name for each in found for joint in each.joints]
    if len(set(names)) == len(names):
        return _joined(found), left_out
    topics = ' and '.join(each.where for each in found)
    left_out.append(
        f'drafted without a URDF: {topics} differ, and have joints of the same names; give --urdf '
        'FILE, or draft one arm by --namespace'
    )
    return None, left_out


def _are_equal(first: JointTree, second: JointTree) -> bool:
    return first.joints == second.joints and first.urdf == second.urdf


def _joined(arms: Sequence[JointTree]) -> JointTree:
    if len(arms) == 1:
        return arms[0]
    return JointTree(
        '',
        ' and '.join(arm.where for arm in arms),
        tuple(joint for arm in arms for joint in arm.joints),
        Urdf(
            {name: limit for arm in arms for name, limit in arm.urdf.limits.items()},
            {name: mimic for arm in arms for name, mimic in arm.urdf.mimics.items()},
        ),
    )
