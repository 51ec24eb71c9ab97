"""Plan of a runner for viewers: its joints by name, and the ways of its hands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.description import Command, DirectCommand, Joint, Robot
from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.description.commanded_joints import commanded_joints
from neuracore_ros.kinematics.chain import ChainKinematics


@dataclass(frozen=True, slots=True)
class PlanAhead:
    """Plan from now on, if nothing new is predicted; rows are one step apart, the first one now.

    Attributes:
        positions: Of the J commanded joints in the robot's own units, (1 + n, J); (0, J) where
            nothing is followed.
        poses: Of the P hands that are commanded by poses, (1 + m, P, 7); likewise.
        step_ns: From one row to the next.
    """

    positions: FloatArray
    poses: FloatArray
    step_ns: int


@dataclass(frozen=True, slots=True)
class PlannedHand:
    """Hand whose way a plan tells.

    Attributes:
        name: Of the chain, or of the pose output.
        frame: Link or frame in which its poses are.
        way: The poses (n, 7) of a plan.
    """

    name: str
    frame: str
    way: Callable[[PlanAhead], FloatArray]


def planned_hands(
    robot: Robot, commands: Sequence[Command | DirectCommand]
) -> Iterator[PlannedHand]:
    """Find chains whose joints are all commanded, and hands that are commanded by their pose.

    Raises:
        DescriptionError: A URDF cannot be read, or pinocchio is not installed.
    """
    joints = commanded_joints(commands)
    places = {joint.name: place for place, joint in enumerate(joints)}
    for chain in robot.chains.values():
        if places.keys() >= set(chain.joints):
            yield _hand_of_joints(chain, [places[name] for name in chain.joints], joints)
    slots = [
        (slot, command.frame)
        for command in commands
        if isinstance(command, DirectCommand) and command.is_pose
        for slot in command.slots
    ]
    for place, (slot, frame) in enumerate(slots):
        own = frame or (slot.chain.base if slot.chain else '')
        yield PlannedHand(slot.name, own, partial(_pose_at, place))


def _pose_at(place: int, plan: PlanAhead) -> FloatArray:
    return plan.poses[:, place]


def _hand_of_joints(chain: Chain, columns: list[int], joints: Sequence[Joint]) -> PlannedHand:
    # The frame that viewers know is that of the link.
    kinematics = ChainKinematics(replace(chain, base_offset=Placement()))
    radians = np.array([abs(joints[column].scale) for column in columns])

    def way(plan: PlanAhead) -> FloatArray:
        return kinematics.poses(radians * plan.positions[:, columns])

    return PlannedHand(chain.name, chain.base, way)
