"""The two frames of a chain, by the arm's shape: what they would be if all robots had the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from neuracore_ros.alignment.arm_links import ArmLinks, LinkTree
from neuracore_ros.alignment.grasp_frame import GraspFrame, grasp_frame
from neuracore_ros.alignment.ready_pose import ready_pose
from neuracore_ros.arrays import FloatArray
from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.kinematics.link_shapes import link_points
from neuracore_ros.kinematics.rotations import matrix_to_rpy, rpy_to_matrix

# As far as angles of URDFs are rounded [rad], and what is written of them.
_ROUNDED, _EIGHTH = 3e-3, math.pi / 4
# An arm works rather to the front of its base than to a side of it.
_FRONT = 0.15
# Cosine: more is down.
_DOWN = 0.7
# How a reach is looked for.
_SAMPLES, _ROUNDS, _VALUES = 300, 3, 25
_LEAST_M = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class ChainFrames:
    """An arm at home, and the frames that its shape gives it.

    All poses are (4, 4), in the root of the URDF, at home.

    Attributes:
        arm: Its links.
        home: Joint -> position [rad], [m].
        base: The shared base frame: x to where the arm works, z up.
        grasp: The grasp frame; of two that close alike, the one whose x points to the left.
        base_link: The pose of the link ``base``.
        tip_link: The pose of the link ``tip``.
        reach_m: How far the grasp frame gets from the first joint that lifts, about.
        is_home_known: Whether home was given, and not guessed.
    """

    arm: ArmLinks
    home: Mapping[str, float]
    base: FloatArray
    grasp: GraspFrame
    base_link: FloatArray
    tip_link: FloatArray
    reach_m: float
    is_home_known: bool = False

    @property
    def is_front_known(self) -> bool:
        """True if the base faces where the arm works, and not only where its URDF looks.

        Arms that hang beside a body, or fold up, stand ready in no pose that is guessed.
        """
        return self.is_home_known or _points_down(self.grasp.pose)

    @property
    def hand(self) -> FloatArray:
        """The grasp frame at home, seen from the shared base frame, (4, 4)."""
        return relative(self.base, self.grasp.pose)


def frames_of(
    tree: JointTree, names: Sequence[str], home: Mapping[str, float] | None = None
) -> list[ChainFrames]:
    """The frames of all arms of a URDF.

    Args:
        tree: The URDF; the shapes of fingers are read from its file.
        names: The joints of arms, without grippers, as the URDF calls them.
        home: Joint -> usual position [rad], [m]; others stand ready.

    Raises:
        DescriptionError: pinocchio is not installed, or the tree is no robot's.
    """
    links = LinkTree(tree)
    return [_frames(links, arm, home or {}) for arm in links.arms(names)]


def written_base(frames: ChainFrames, links: LinkTree, chain: Chain) -> FloatArray:
    """The shared base frame of a robot file at home, (4, 4) in the root of the URDF."""
    return links.poses(frames.home)[chain.base] @ matrix(chain.base_offset)


def written_grasp(frames: ChainFrames, links: LinkTree, chain: Chain) -> FloatArray:
    """The grasp frame of a robot file at home, (4, 4) in the root of the URDF."""
    return links.poses(frames.home)[chain.tip] @ matrix(chain.tip_offset)


def matrix(placement: Placement) -> FloatArray:
    """The pose of a placement, (4, 4)."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rpy_to_matrix(placement.rpy), placement.xyz
    return pose


def placement(pose: FloatArray) -> Placement:
    """A pose (4, 4) as a robot file has it: [m] to a tenth of a millimetre, whole angles."""
    x, y, z = (round(float(value), 4) + 0.0 for value in pose[:3, 3])
    roll, pitch, yaw = (float(angle) for angle in matrix_to_rpy(pose[:3, :3]))
    if abs(abs(pitch) - math.pi / 2) < _ROUNDED:
        # Only their sum, or their difference, means something there.
        roll, yaw = 0.0, math.remainder(yaw - math.copysign(roll, pitch * roll), 2 * math.pi)
    return Placement((x, y, z), (_whole(roll), _whole(pitch), _whole(yaw)))


def relative(frame: FloatArray, pose: FloatArray) -> FloatArray:
    """A pose (4, 4), seen from a frame (4, 4) beside it."""
    seen: FloatArray = np.linalg.inv(frame) @ pose
    return seen


def turned(axis: str, angle: float) -> FloatArray:
    """A turn about x, y or z [rad], (4, 4)."""
    rpy = (angle * (axis == 'x'), angle * (axis == 'y'), angle * (axis == 'z'))
    return matrix(Placement((0.0, 0.0, 0.0), rpy))


def reach_m(links: LinkTree, arm: ArmLinks, home: Mapping[str, float], grasp: FloatArray) -> float:
    """The largest distance of a point on the tip link from the first joint that lifts [m].

    It is looked for among random positions within limits, and then joint by joint.

    Args:
        links: The URDF.
        arm: The arm.
        home: Joint -> position; joints below the one that lifts stay there.
        grasp: Pose of the point at home, (4, 4).
    """
    moving = list(arm.joints)
    while len(moving) > 1 and not _swings(links, moving[0]):
        moving.pop(0)
    poses = links.poses(home)
    shoulder = poses[links.moved_by(moving[0])][:3, 3]
    offset = relative(poses[arm.tip], grasp)[:3, 3]
    limits = [links.range(joint) for joint in moving]

    def distance(positions: Sequence[float]) -> float:
        pose = links.pose(arm.tip, {**home, **dict(zip(moving, positions, strict=True))})
        return float(np.linalg.norm(pose[:3, :3] @ offset + pose[:3, 3] - shoulder))

    low, high = np.array(limits).T
    drawn = low + (high - low) * np.random.default_rng(0).random((_SAMPLES, len(moving)))
    best = max(drawn.tolist(), key=distance)
    for _ in range(_ROUNDS):
        for place, (least, most) in enumerate(limits):
            tried = [
                [*best[:place], float(value), *best[place + 1 :]]
                for value in (best[place], *np.linspace(least, most, _VALUES))
            ]
            best = max(tried, key=distance)
    return max(distance(best), _LEAST_M)


def _frames(links: LinkTree, arm: ArmLinks, home: Mapping[str, float]) -> ChainFrames:
    usual = {**ready_pose(links.tree, arm.joints), **_of(arm.joints, home)}
    poses = links.poses(usual)
    grasp = grasp_frame(links, arm, poses, _shapes(links.tree, arm))
    base = np.eye(4)
    if _of(arm.joints, home) or _points_down(grasp.pose):
        base[:3, :3] = _facing(grasp.pose[:3, 3] - poses[links.moved_by(arm.joints[0])][:3, 3])
    base[:3, 3] = poses[arm.base][:3, 3]
    # Of the axes that are as good, x is the one that points most to the left.
    ways = 2 if grasp.knows_closing else 4
    turns = [grasp.pose @ turned('z', 2 * math.pi * way / ways) for way in range(ways)]
    pose = max(turns, key=lambda each: _leftward(relative(base, each)))
    return ChainFrames(
        arm,
        usual,
        base,
        replace(grasp, pose=pose),
        poses[arm.base],
        poses[arm.tip],
        reach_m(links, arm, usual, pose),
        is_home_known=bool(_of(arm.joints, home)),
    )


def _points_down(grasp: FloatArray) -> bool:
    return bool(grasp[2, 2] < -_DOWN)


def _of(joints: Sequence[str], home: Mapping[str, float]) -> dict[str, float]:
    return {joint: home[joint] for joint in joints if joint in home}


def _shapes(tree: JointTree, arm: ArmLinks) -> dict[str, FloatArray]:
    """The shapes of the fingers; none of a URDF that is no file."""
    wanted = {link for finger in arm.fingers for link in finger.links}
    if not wanted or arm.grasp:
        return {}
    with suppress(DescriptionError):
        return link_points(Path(tree.where), wanted)
    return {}


def _facing(way: FloatArray) -> FloatArray:
    """Axes (3, 3) whose x is that of the root's horizontal axes which is nearest to a way."""
    length = float(np.linalg.norm(way[:2])) or 1.0
    cosines = (way[0] / length + _FRONT, way[1] / length, -way[0] / length, -way[1] / length)
    angle = int(np.argmax(cosines)) * math.pi / 2
    return rpy_to_matrix((0.0, 0.0, angle))


def _leftward(hand: FloatArray) -> float:
    """The share of x that points to the left, seen from the base; else to the front."""
    x, y = hand[:2, 0]
    return float(y + _FRONT * x)


def _swings(links: LinkTree, joint: str) -> bool:
    """True for a joint that turns about an axis which is not upright."""
    moved = links.joints[joint]
    pose = links.poses({})[links.moved_by(joint)]
    return not moved.slides and abs(float((pose[:3, :3] @ moved.axis)[2])) < math.sqrt(0.5)


def _whole(angle: float) -> float:
    """An angle as it was meant, where URDFs round an eighth of a turn; else to four digits."""
    eighths = round(angle / _EIGHTH) * _EIGHTH
    if abs(angle - eighths) >= _ROUNDED:
        return round(angle, 4)
    # Both ends of the circle are one angle.
    return round(abs(eighths) if abs(eighths) > 3.0 else eighths, 6) + 0.0
