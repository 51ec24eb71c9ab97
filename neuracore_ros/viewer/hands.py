"""Grippers: which fingers of the URDF an opening moves, and drawn ones where it has none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import trimesh

from neuracore_ros.alignment.arm_links import ArmLinks, DrawnFinger, LinkTree
from neuracore_ros.alignment.chain_frames import matrix, relative
from neuracore_ros.alignment.grasp_frame import grasp_frame
from neuracore_ros.alignment.name_heuristics import side
from neuracore_ros.arrays import FloatArray
from neuracore_ros.description.chain import Chain
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.viewer.coarse_mesh import Triangles
from neuracore_ros.viewer.joint_slots import (
    JointSlot,
    NamedSlot,
    between,
    finger_slot,
    opening_range,
)
from neuracore_ros.viewer.link_meshes import LinkMesh

# The opening of a drawn hand, of the distance of the hand from the base of its arm.
_OPEN, _BOUNDS_M = 0.12, (0.02, 0.09)
# Thickness, width and length of a drawn finger, of its opening.
_FINGER = (0.14, 0.25, 0.7)


@dataclass(frozen=True, slots=True, eq=False)
class DrawnHand:
    """Two fingers that are drawn where a URDF has none.

    Attributes:
        name: The robot file's name for it.
        names: The links as which they are drawn.
        link: The link that carries them.
        frame: Seen from that link (4, 4): they begin at its origin, point along z, close along x.
        open_m: Between them where they are open.
    """

    name: str
    names: tuple[str, str]
    link: str
    frame: FloatArray
    open_m: float

    def meshes(self) -> Iterable[LinkMesh]:
        """The two fingers; their inner faces are in the plane x = 0 of their frames."""
        thick, wide, long = (part * self.open_m for part in _FINGER)
        for name, way in zip(self.names, (-1.0, 1.0), strict=True):
            box = Triangles.of(trimesh.creation.box((thick, wide, long)))
            points = box.points + np.array([way * thick / 2, 0.0, long / 2])
            yield LinkMesh(name, points, box.triangles)

    def poses(self, carrier: FloatArray, opening: float) -> Mapping[str, FloatArray]:
        """Finger -> pose (4, 4), from that of the link that carries it, at an opening 0 to 1."""
        found = {}
        for name, way in zip(self.names, (-0.5, 0.5), strict=True):
            shift = np.eye(4)
            shift[0, 3] = way * self.open_m * min(max(opening, 0.0), 1.0)
            found[name] = carrier @ self.frame @ shift
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Hands:
    """The arms of a robot, and where the parts of their hands are.

    Attributes:
        links: The URDF.
        arms: With their fingers; in the order of their slots.
        ready: Joint -> usual position [rad], [m].
        centres: Link -> the middle of its meshes (3,) in its frame.
        chains: The robot's.
    """

    links: LinkTree
    arms: Sequence[ArmLinks]
    ready: Mapping[str, float]
    centres: Mapping[str, FloatArray]
    chains: Collection[Chain]

    def slot(self, named: NamedSlot, number: int, taken: Collection[str]) -> JointSlot | DrawnHand:
        """Find what an opening moves.

        Args:
            named: Its slot.
            number: Its place among the openings of the robot.
            taken: Joints that have slots of their own.
        """
        arm = self._arm(named, number)
        if named.joint:
            own = finger_slot(named, self.links)
            senses = dict(own.senses)
            for joint, sense in own.senses.items():
                hand = next((each for each in self.arms if self._is_of(each, joint)), None)
                seen = hand and self._senses(hand, set(taken) - {joint}).get(joint)
                if hand and seen:
                    is_reversed = sense.scale * seen.scale < 0.0
                    senses = {**self._senses(hand, {*taken, joint}, is_reversed), **senses}
            return JointSlot(own.range, senses)
        senses = self._senses(arm, taken) if arm else {}
        if arm is None or senses:
            return JointSlot(opening_range(named.name), senses)
        return self._drawn(named, arm)

    def _arm(self, named: NamedSlot, number: int) -> ArmLinks | None:
        whose = side(named.name)
        for arm in self.arms:
            if whose and whose in {side(joint) for joint in arm.joints}:
                return arm
        return self.arms[min(number, len(self.arms) - 1)] if self.arms else None

    def _is_of(self, arm: ArmLinks, joint: str) -> bool:
        return any(finger.joint == joint for finger in arm.fingers)

    def _senses(
        self, arm: ArmLinks, taken: Collection[str], is_reversed: bool = False
    ) -> dict[str, ScaleOffset]:
        """Finger joint -> sense of an opening, by where its finger is further from the others."""
        found = {}
        for finger in arm.fingers:
            is_free = finger.joint in self.links.joints and finger.joint not in taken
            if not is_free or finger.joint in self.links.tree.urdf.mimics:
                continue
            limits = self.links.range(finger.joint)
            gaps = [self._gap(arm, finger, end) for end in limits]
            found[finger.joint] = between(limits, (gaps[0] > gaps[1]) is not is_reversed)
        return found

    def _gap(self, arm: ArmLinks, finger: DrawnFinger, position: float) -> float:
        """The distance [m] of a finger from the other ones, or else from the hand."""
        poses = self.links.poses({**self.ready, finger.joint: position})
        others = [each for each in arm.fingers if each is not finger]
        parts = [link for each in others for link in each.links] or [arm.tip]
        return float(
            np.linalg.norm(self._middle(finger.links, poses) - self._middle(parts, poses))
        )

    def _middle(self, links: Collection[str], poses: Mapping[str, FloatArray]) -> FloatArray:
        """The middle (3,) of the meshes of links; of their origins, where they have none."""
        drawn = [link for link in links if link in self.centres] or links
        centre = np.zeros(3)
        points = [
            poses[each][:3, :3] @ self.centres.get(each, centre) + poses[each][:3, 3]
            for each in drawn
        ]
        middle: FloatArray = np.mean(points, axis=0)
        return middle

    def _drawn(self, named: NamedSlot, arm: ArmLinks) -> DrawnHand:
        poses = self.links.poses(self.ready)
        away = float(np.linalg.norm(poses[arm.tip][:3, 3] - poses[arm.base][:3, 3]))
        open_m = float(np.clip(_OPEN * away, *_BOUNDS_M))
        kind, index = named.slot
        first, second = (f'{kind} {index} finger {number}' for number in (1, 2))
        chain = next((each for each in self.chains if set(each.joints) & set(arm.joints)), None)
        if chain is not None:
            link, frame = chain.tip, matrix(chain.tip_offset)
            # They end where the robot file says that they grasp.
            frame[:3, 3] -= frame[:3, 2] * _FINGER[2] * open_m
        else:
            link = arm.tip
            frame = relative(poses[link], grasp_frame(self.links, arm, poses, {}).pose)
            frame[:3, 3] = 0.0
        return DrawnHand(named.name, (first, second), link, frame, open_m)
