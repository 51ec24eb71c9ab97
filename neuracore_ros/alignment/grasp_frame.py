"""The grasp frame of a hand: between the fingertips, z the approach, x the way fingers close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neuracore_ros.alignment.arm_links import ArmLinks, DrawnFinger, LinkTree
from neuracore_ros.arrays import FloatArray

# Shorter than this, a way has no direction [m].
_SHORT_M = 0.005
# Cosine: a joint that turns about the way to the fingertips rolls the hand.
_ROLLS = 0.7
# The fingers hold a thing so far from their ends, if they are as long [m].
_HOLD_M = 0.01
# What fingers without shapes reach beyond their last joint [m].
_FINGER_M = 0.04


@dataclass(frozen=True, slots=True, eq=False)
class GraspFrame:
    """A frame between the fingertips, and how it is known.

    Attributes:
        pose: In the frame that links are given in, (4, 4); half a turn about z is as good.
        why: How its origin and its axes are known, in words.
        knows_approach: Whether z is more than a guess.
        knows_closing: Whether x is the way that fingers close, and not any way across z.
        knows_tips: Whether the origin is between fingertips, and not at a flange.
    """

    pose: FloatArray
    why: str
    knows_approach: bool
    knows_closing: bool
    knows_tips: bool


def grasp_frame(
    links: LinkTree,
    arm: ArmLinks,
    poses: Mapping[str, FloatArray],
    shapes: Mapping[str, FloatArray],
) -> GraspFrame:
    """Find the grasp frame of an arm.

    Args:
        links: The URDF.
        arm: The arm.
        poses: Link -> pose (4, 4).
        shapes: Link -> points on its outline (N, 3), of those that have shapes; see
            :func:`neuracore_ros.kinematics.link_shapes.link_points`.
    """
    last = poses[arm.last]
    axis = last[:3, :3] @ links.joints[arm.joints[-1]].axis
    ends = {finger: _end(finger, poses, shapes) for finger in arm.fingers}
    goal = poses[arm.tip][:3, 3]
    if arm.grasp:
        goal = poses[arm.grasp][:3, 3]
    elif ends:
        goal = np.mean([points.mean(axis=0) for points in ends.values()], axis=0)
    approach, rolls = _approach(links, arm, poses, axis, goal)
    closing = _closing(links, arm.fingers, poses, approach)
    known = closing is not None
    if closing is None:
        closing = _across(poses[arm.tip], approach)
    origin, why = _origin(arm, poses, shapes, approach, rolls, ends)
    why += (
        ', z the approach, x the way its fingers close'
        if known
        else '; x is any axis across it: turn it to the way that your fingers close'
    )
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([closing, np.cross(approach, closing), approach])
    pose[:3, 3] = origin
    tips = bool(arm.grasp or arm.fingers)
    return GraspFrame(pose, why, rolls or tips, known, tips)


def _end(
    finger: DrawnFinger, poses: Mapping[str, FloatArray], shapes: Mapping[str, FloatArray]
) -> FloatArray:
    """Points (N, 3) of a finger and all that it carries; of its joints, where it has no shape."""
    drawn = [
        shapes[link] @ poses[link][:3, :3].T + poses[link][:3, 3]
        for link in finger.links
        if link in shapes
    ]
    return np.concatenate(drawn or [np.array([poses[link][:3, 3] for link in finger.links])])


def _approach(
    links: LinkTree,
    arm: ArmLinks,
    poses: Mapping[str, FloatArray],
    axis: FloatArray,
    goal: FloatArray,
) -> tuple[FloatArray, bool]:
    """The way in which the hand goes to what it grasps (3,); True if the last joint rolls it."""
    here = poses[arm.last][:3, 3]
    way = goal - here
    if (length := float(np.linalg.norm(way))) > _SHORT_M:
        along = float(axis @ way) / length
        if abs(along) > _ROLLS:
            # What is drawn a little way back on the last joint is no hand that points back.
            if len(arm.joints) > 1 and length < _FINGER_M and not arm.fingers:
                along = float(axis @ (goal - _before(links, arm, poses))) or along
            return np.sign(along) * axis, True
        nearest = _nearest_axis(poses[arm.tip], way / length)
        return nearest, False
    along = float(axis @ (here - _before(links, arm, poses))) if len(arm.joints) > 1 else 0.0
    return (axis if along > -_SHORT_M else -axis), True


def _before(links: LinkTree, arm: ArmLinks, poses: Mapping[str, FloatArray]) -> FloatArray:
    origin: FloatArray = poses[links.moved_by(arm.joints[-2])][:3, 3]
    return origin


def _nearest_axis(pose: FloatArray, way: FloatArray) -> FloatArray:
    """The axis of a frame that is nearest to a way of length 1."""
    cosines = pose[:3, :3].T @ way
    place = int(np.argmax(np.abs(cosines)))
    nearest: FloatArray = np.sign(cosines[place]) * pose[:3, place]
    return nearest


def _closing(
    links: LinkTree,
    fingers: Sequence[DrawnFinger],
    poses: Mapping[str, FloatArray],
    approach: FloatArray,
) -> FloatArray | None:
    """The way across the approach in which fingers close, (3,); None if nothing tells it."""
    middle = np.mean([poses[finger.link][:3, 3] for finger in fingers], axis=0) if fingers else 0.0
    ways = []
    for finger in fingers:
        pose = poses[finger.link]
        if not finger.joint:
            way = pose[:3, 3] - middle
        else:
            joint = links.joints[finger.joint]
            way = pose[:3, :3] @ np.array(joint.axis)
            if not joint.slides:
                way = np.cross(way, approach)
        way = way - approach * (approach @ way)
        if np.linalg.norm(way) > _SHORT_M:
            ways.append(way / np.linalg.norm(way))
    if not ways:
        return None
    # Of fingers that close against each other, and of a thumb against several.
    spread = np.linalg.eigh(np.transpose(ways) @ np.array(ways))
    closing = spread.eigenvectors[:, -1]
    closing = closing - approach * (approach @ closing)
    unit: FloatArray = closing / np.linalg.norm(closing)
    return unit


def _across(pose: FloatArray, approach: FloatArray) -> FloatArray:
    """The axis of a frame that is most nearly across the approach, made to be so; x before y."""
    axes = pose[:3, :3].T
    cosines = np.abs(axes @ approach)
    axis = axes[int(np.argmin(np.round(cosines, 3)))]
    across = axis - approach * (approach @ axis)
    unit: FloatArray = across / np.linalg.norm(across)
    return unit


def _origin(
    arm: ArmLinks,
    poses: Mapping[str, FloatArray],
    shapes: Mapping[str, FloatArray],
    approach: FloatArray,
    rolls: bool,
    ends: Mapping[DrawnFinger, FloatArray],
) -> tuple[FloatArray, str]:
    """The point that is grasped (3,), and how it is known."""
    if arm.grasp:
        return poses[arm.grasp][:3, 3], f'origin at {arm.grasp}'
    if not ends:
        return poses[arm.tip][:3, 3], (
            f'no fingers in the URDF: origin at {arm.tip}, z along its last link: add the length '
            'of your hand to z of xyz'
        )
    tips = []
    for finger, points in ends.items():
        along = points @ approach
        is_drawn = any(link in shapes for link in finger.links)
        # A finger without shapes is as long as most are.
        hold = -_FINGER_M if not is_drawn else min(_HOLD_M, float(np.ptp(along)) / 4)
        tip = points[along > along.max() - _HOLD_M].mean(axis=0)
        tips.append(tip + approach * (along.max() - hold - approach @ tip))
    origin = np.mean(tips, axis=0)
    if len(ends) == 1:
        # One finger closes against the hand itself: the roll's axis goes between the two.
        here = poses[arm.last if rolls else arm.tip][:3, 3]
        origin = here + approach * float(approach @ (origin - here))
    drawn = any(link in shapes for finger in ends for link in finger.links)
    how = (
        'by the shapes of the fingers'
        if drawn
        else (f'by the joints of the fingers, taken to reach {100 * _FINGER_M:.0f} cm beyond')
    )
    return origin, f'origin between the fingertips {how}'
