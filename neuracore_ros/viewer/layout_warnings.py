"""Warnings of ``layout`` for robots that are edited, each with the slots that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from neuracore_ros.alignment.align_frames import WrittenFrames
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.frame_differences import PoseSlot, pose_slots
from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.alignment.vocabulary_slots import place_in_vocabulary
from neuracore_ros.description import Robot
from neuracore_ros.description.chain import Chain
from neuracore_ros.description.descriptions import describe_robots
from neuracore_ros.description.layout_checks import Place
from neuracore_ros.errors import collect_warnings
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.overview.compared import compared_arms, compared_poses
from neuracore_ros.overview.survey import survey
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor

# Frames of chains that are remembered, so that an undo is as quick as an edit of joints.
_MOST_FRAMES = 256


@dataclass(frozen=True, slots=True)
class LayoutWarning:
    """One warning.

    Attributes:
        text: One line: where, what is there, and the correction.
        robots: Names of the robots that it is about; of all of them together, none.
        places: Their slots, as far as single ones are meant.
    """

    text: str
    robots: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()


class LayoutComparison:
    """Comparison of robots after each edit; what an edit does not touch is computed only once.

    Args:
        urdfs: Robot -> its URDF, instead of the one that its file names.
    """

    def __init__(self, urdfs: Mapping[str, Path] | None = None) -> None:
        self.urdfs: Mapping[str, Path] = urdfs or {}
        self._places: tuple[object, tuple[SlotProposal, ...]] = (None, ())
        self._frames: list[tuple[tuple[str, JointTree, Chain, float], WrittenFrames | None]] = []

    def warnings(self, editors: Sequence[RobotFileEditor]) -> tuple[LayoutWarning, ...]:
        """The warnings that ``layout`` gives for the edited texts, in its order and its words.

        Raises:
            UserError: The robots cannot be compared, or a URDF is of no robot here.
        """
        own = {text: editor.robot.name for editor in editors for text in editor.warnings}
        with collect_warnings() as common:
            descriptions = describe_robots(editor.robot for editor in editors)
        arms, notes = compared_arms(descriptions, self.urdfs)
        poses, unposed = compared_poses(descriptions, self.pose_slots)
        said = (*own, *common, *notes, *unposed)
        found = survey(descriptions, arms, None, said, poses)
        return tuple(
            LayoutWarning(
                finding.text,
                tuple(dict.fromkeys(place.robot for place in finding.places))
                or ((own[finding.text],) if finding.text in own else ()),
                finding.places,
            )
            for finding in found.findings
        )

    def arm(self, robot: Robot) -> DescribedArm:
        """A robot with its URDF.

        Raises:
            DescriptionError: The URDF cannot be read.
        """
        return DescribedArm.of(robot, self.urdfs.get(robot.name))

    def places_in_vocabulary(self, robot: Robot) -> tuple[SlotProposal, ...]:
        """The places that the vocabulary of a robot's file gives the joints of its URDF.

        Raises:
            DescriptionError: The URDF cannot be used, or the vocabulary lacks a slot.
        """
        arm = self.arm(robot)
        own = arm.urdf_names()
        if robot.vocabulary is None or arm.tree is None or not own:
            return ()
        key = arm.tree, robot.vocabulary, own
        if self._places[0] != key:
            placed = place_in_vocabulary(arm.tree, robot.vocabulary, own.keys()).joints
            named = (replace(place, name=own[place.name]) for place in placed)
            self._places = key, tuple(named)
        return self._places[1]

    def pose_slots(self, robot: Robot) -> list[PoseSlot]:
        """The pose slots of a robot that are chains, with their frames.

        Raises:
            DescriptionError: Its URDF cannot be used.
        """
        return pose_slots(robot, self._find)

    def _find(
        self, robot: str, tree: JointTree, chain: Chain, scale: float
    ) -> WrittenFrames | None:
        key = robot, tree, chain, scale
        for known, frames in self._frames:
            if known == key:
                return frames
        frames = WrittenFrames.of(*key)
        self._frames = [*self._frames[1 - _MOST_FRAMES :], (key, frames)]
        return frames
