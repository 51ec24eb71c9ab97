"""The pose in which an arm stands ready: in it frames are compared, and `align` draws robots."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from neuracore_ros.alignment.drawn_meanings import drawn_meanings
from neuracore_ros.alignment.roles import PITCHES, Meaning, Role
from neuracore_ros.kinematics.joint_tree import JointTree

# So far inside of its limits a joint stands ready [of its range].
_INSIDE = 0.05
_MUCH_NEARER = 0.35


def ready_pose(tree: JointTree, joints: Sequence[str]) -> dict[str, float]:
    """Joint -> position in which an arm stands ready [rad], [m]; by the roles of its joints.

    The upper arm is upright, the forearm level, the hand points down, nothing is rolled or turned
    aside; as near to that as limits allow. What has no role is in the middle of its range.

    Arms that hang beside a body come to another pose, since their joints are taken as they are
    drawn: ``ChainFrames.is_front_known`` tells.
    """
    means = drawn_meanings(tree, joints)
    forward, missing = _bent(tree, joints, means, 1.0)
    backward, missing_there = _bent(tree, joints, means, -1.0)
    # An arm whose URDF is drawn folded bends the other way.
    return backward if missing_there < missing - _MUCH_NEARER else forward


def _bent(
    tree: JointTree, joints: Sequence[str], means: Mapping[str, Meaning], way: float
) -> tuple[dict[str, float], float]:
    """Positions of an arm that bends forward (1) or back (-1), and how far limits keep it off."""
    wrists = [name for name in joints if _role(means, name) is Role.WRIST_PITCH]
    found: dict[str, float] = {}
    lean = missing = 0.0
    for name in joints:
        meaning = means.get(name)
        lower, upper = _range(tree, name)
        middle = (lower + upper) / 2 if math.isfinite(upper - lower) else 0.0
        if meaning is None or meaning.role is Role.SLIDE:
            found[name] = middle
            continue
        angle = 0.0
        if meaning.role is Role.ELBOW_PITCH:
            angle = way * math.pi / 2
        elif wrists and name == wrists[-1]:
            # The hand points down by all bends together.
            angle = way * math.pi - lean
        offset = meaning.offset or 0.0
        position = meaning.scale * (angle - offset)
        turn = math.pi if meaning.half_turns else 2 * math.pi
        found[name] = wanted = middle + math.remainder(position - middle, turn)
        if math.isfinite(upper - lower):
            inside = _INSIDE * (upper - lower)
            is_beyond = not lower + inside <= found[name] <= upper - inside
            found[name] = min(max(found[name], lower + inside), upper - inside)
            if is_beyond and meaning.role is Role.BASE_YAW:
                found[name] = middle
        if meaning.role in PITCHES:
            missing += abs(found[name] - wanted)
            lean += meaning.scale * found[name] + offset
    return found, missing


def _role(means: Mapping[str, Meaning], name: str) -> Role | None:
    return means[name].role if name in means else None


def _range(tree: JointTree, name: str) -> tuple[float, float]:
    limit = tree.urdf.limits.get(name)
    return limit.position if limit and limit.position else (-math.inf, math.inf)
