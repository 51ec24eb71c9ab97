"""The two frames of a chain that mean the same as those of another robot's chain."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from neuracore_ros.alignment.arm_links import LinkTree
from neuracore_ros.alignment.chain_frames import (
    ChainFrames,
    frames_of,
    placement,
    reach_m,
    relative,
    turned,
    written_base,
    written_grasp,
)
from neuracore_ros.arrays import FloatArray
from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.wording import number_list

# Cosine: axes nearer to each other are one direction, drawn differently.
_ALIKE = 0.7
# Nearer to each other, two points between fingertips are one [m]; and two places of a base.
_SAME_POINT_M, _SAME_BASE_M = 0.03, 1e-3
# Reaches that differ by more are of robots of different size.
_OTHER_SIZE = 1.5
# Cosine of 30 degrees, between hands at home.
_TILTED = math.cos(math.radians(30))
# Grippers have fewer fingers than hands.
_HAND = 3


@dataclass(frozen=True, slots=True, eq=False)
class WrittenFrames:
    """The frames of a chain as a robot file writes them, beside those that its arm's shape gives.

    Attributes:
        robot: Its name.
        chain: The chain.
        scale: By which the slot's positions are larger than the robot's.
        shape: What the shape gives.
        base: The shared base frame, (4, 4) in the root of the URDF, at home.
        grasp: The grasp frame, likewise.
        reach_m: How far that gets from the first joint that lifts, about.
    """

    robot: str
    chain: Chain
    scale: float
    shape: ChainFrames
    base: FloatArray
    grasp: FloatArray
    reach_m: float

    @classmethod
    def of(cls, robot: str, tree: JointTree, chain: Chain, scale: float) -> WrittenFrames | None:
        """The frames of one chain; None if its joints are no arm's.

        Raises:
            DescriptionError: pinocchio is not installed, or the tree is no robot's.
        """
        shape = next(iter(frames_of(tree, chain.joints, chain.home)), None)
        if shape is None:
            return None
        links = LinkTree(tree)
        base, grasp = (find(shape, links, chain) for find in (written_base, written_grasp))
        tip = replace(shape.arm, tip=chain.tip)
        reach = reach_m(links, tip, shape.home, grasp)
        return cls(robot, chain, scale, shape, base, grasp, reach)

    @property
    def hand(self) -> FloatArray:
        """The grasp frame at home, seen from the shared base frame, (4, 4) [m]."""
        return relative(self.base, self.grasp)

    @property
    def base_turn(self) -> FloatArray:
        """The shared base frame, seen from that of the arm's shape, (4, 4)."""
        return relative(self.shape.base, self.base)

    @property
    def grasp_turn(self) -> FloatArray:
        """The grasp frame, seen from that of the arm's shape, (4, 4)."""
        return relative(self.shape.grasp.pose, self.grasp)


@dataclass(frozen=True, slots=True)
class ChainProposal:
    """Both frames of an arm for its robot file, and the reasons.

    Attributes:
        base: Link.
        tip: Link.
        base_offset: See `Chain`.
        tip_offset: See `Chain`.
        home: Joint -> position [rad], [m].
        base_why: How the base frame is known, in words.
        tip_why: How the grasp frame is known, in words.
        scale: By which the slot's positions are larger than the robot's.
        doubts: What to look at, one line each.
    """

    base: str
    tip: str
    base_offset: Placement
    tip_offset: Placement
    home: Mapping[str, float]
    base_why: str
    tip_why: str
    scale: float = 1.0
    doubts: tuple[str, ...] = ()


def propose(mine: ChainFrames, like: WrittenFrames | None = None) -> ChainProposal:
    """Propose the frames of an arm: those of its shape, or those that mean what another's mean.

    Both arms are taken at home. The base frame stands to the arm as the other's does; so does the
    grasp frame to the hand, and of two that close alike, it is the one that is turned more like
    the other's.

    Args:
        mine: The arm.
        like: A chain of another robot.
    """
    base, base_why = mine.base, _front(mine)
    grasp, tip_why = mine.grasp.pose, mine.grasp.why
    scale, doubts = 1.0, list[str]()
    if like is not None:
        base, base_why = _base_like(mine, like)
        grasp, how = _grasp_like(mine, like, base)
        tip_why = f'{tip_why}; {how}'
        scale, sizes = _scale_like(mine, like)
        doubts += sizes
        doubts += _tilted(relative(base, grasp), like)
    if not mine.is_front_known:
        doubts.append(
            'no pose was found by its shape in which its hand points down, so base_offset has x '
            'of the URDF: see that it is where the arm works, or give --bag or --live of it'
        )
    if len(mine.arm.fingers) > _HAND:
        doubts.append(
            f'its hand has {len(mine.arm.fingers)} fingers: see that x of tip_offset is the way '
            'in which they close'
        )
    if not mine.grasp.knows_tips:
        doubts.append(
            f'the URDF shows no fingers: add the length of the hand to z of xyz in tip_offset, '
            f'which begins at {mine.arm.tip}, and turn x to the way that it closes'
        )
    return ChainProposal(
        mine.arm.base,
        mine.arm.tip,
        placement(relative(mine.base_link, base)),
        placement(relative(mine.tip_link, grasp)),
        {joint: round(position, 4) + 0.0 for joint, position in mine.home.items()},
        base_why,
        tip_why,
        scale,
        tuple(doubts),
    )


def _front(mine: ChainFrames) -> str:
    return f'x to where {"it reaches at home" if mine.is_front_known else "its URDF looks"}, z up'


def _base_like(mine: ChainFrames, like: WrittenFrames) -> tuple[FloatArray, str]:
    turn = like.base_turn
    moved = np.eye(4)
    moved[:3, :3] = _snapped(turn[:3, :3])
    if np.linalg.norm(turn[:3, 3]) > _SAME_BASE_M:
        moved[:3, 3] = turn[:3, 3]
    if np.allclose(moved, np.eye(4)):
        return mine.base, f'{_front(mine)}, as that of {like.robot}'
    way = placement(moved)
    return mine.base @ moved, (
        f'as that of {like.robot}, which stands at xyz {number_list(way.xyz)} '
        f'rpy {number_list(way.rpy)} in a frame with x to where the arm reaches'
    )


def _grasp_like(
    mine: ChainFrames, like: WrittenFrames, base: FloatArray
) -> tuple[FloatArray, str]:
    turn, shape = like.grasp_turn, like.shape.grasp
    whole = np.eye(4)
    is_usual = turn[2, 2] > _ALIKE or not shape.knows_approach
    if not is_usual:
        whole[:3, :3] = _snapped(turn[:3, :3])
    elif shape.knows_closing and abs(turn[0, 0]) < 1.0 - _ALIKE:
        whole = turned('z', math.pi / 2)
    # Half a turn further, fingers close the same way; what is not known may be any quarter.
    free = shape.knows_closing and mine.grasp.knows_closing
    known = mine.grasp.knows_closing and is_usual
    turns = 2 if free or known else 4
    placed = [
        mine.grasp.pose @ turned('z', 2 * math.pi * each / turns) @ whole for each in range(turns)
    ]
    wanted = like.hand[:3, :3]
    grasp = max(placed, key=lambda each: float(np.sum(relative(base, each)[:3, :3] * wanted)))
    how = f"turned as {like.robot}'s '{like.chain.name}' is at home"
    if not is_usual:
        how = f'z is not its approach, as on {like.robot}'
    along = float(turn[2, 3])
    if shape.knows_tips and mine.grasp.knows_tips and abs(along) > _SAME_POINT_M:
        grasp = grasp.copy()
        grasp[:3, 3] += mine.grasp.pose[:3, 2] * along
        how += f', {100 * abs(along):.0f} cm {"before" if along < 0 else "beyond"} it, as there'
    return grasp, how


def _scale_like(mine: ChainFrames, like: WrittenFrames) -> tuple[float, list[str]]:
    # A hand that only one of two URDFs shows does not make an arm longer.
    theirs = like.reach_m if mine.grasp.knows_tips else like.shape.reach_m
    ratio = theirs / mine.reach_m if mine.reach_m > 0.0 else 1.0
    if like.scale != 1.0:
        return float(f'{like.scale * ratio:.4g}'), []
    if max(ratio, 1.0 / ratio) < _OTHER_SIZE:
        return 1.0, []
    return 1.0, [
        f'it reaches {mine.reach_m:.2f} m, {like.robot} {theirs:.2f} m: where both '
        'play the same game in their own size, write scale: 1 / reach for the pose of each'
    ]


def _tilted(hand: FloatArray, like: WrittenFrames) -> Iterator[str]:
    cosine = float(hand[:3, 2] @ like.hand[:3, 2])
    if cosine < _TILTED:
        yield (
            f'at home its z is {math.degrees(math.acos(max(-1.0, cosine))):.0f} degrees away from '
            f"that of {like.robot}'s '{like.chain.name}': see that both are meant"
        )


def _snapped(rotation: FloatArray) -> FloatArray:
    """The nearest rotation by quarters of a turn about the axes; the same if none is near."""
    best = max(_cube(), key=lambda each: float(np.sum(each * rotation)))
    return best if float(np.sum(best * rotation)) > 1.0 + 2.0 * _ALIKE else rotation


def _cube() -> Iterator[FloatArray]:
    """The 24 rotations by quarters of a turn about the axes, (3, 3)."""
    for places in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            rotation = np.zeros((3, 3))
            rotation[places, range(3)] = signs
            if np.linalg.det(rotation) > 0.0:
                yield rotation
