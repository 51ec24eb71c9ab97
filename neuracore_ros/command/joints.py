"""Commanded joints of one robot as arrays, in the robot's own units.

J is the number of commanded joints over all topics: topic after topic, each in index order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.arrays import BoolArray, Float32Array, FloatArray
from neuracore_ros.command.chains import CommandedChain
from neuracore_ros.command.prediction import predicted_slot
from neuracore_ros.description import Command, DataType, Joint, Layout
from neuracore_ros.description.command import ChainOutput
from neuracore_ros.errors import DescriptionError

_TURN = 2.0 * np.pi

FULL_ACCELERATION_S = 0.1
"""From none to the acceleration limit, of a joint that has no jerk limit: ten times the
acceleration a second, gentler than makers' own limits (Franka's are 500 times it)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of J joints, each array of shape (J,).

    Attributes:
        lower: Least position, [rad] or [m]; -inf for a continuous joint.
        upper: Largest position; inf for a continuous joint.
        velocity: Largest speed, [rad/s] or [m/s].
        acceleration: Largest acceleration, [rad/s2] or [m/s2]; inf where none is given.
        jerk: Largest jerk, [rad/s3] or [m/s3]; where none is given, such that the acceleration
            limit is reached in a tenth of a second; inf where that is not given, either.
        alone: Bool: joints that are no part of the path's shape, and so slow no other joint down
            where they are too slow for it. A gripper closes from one step to the next.
    """

    lower: FloatArray
    upper: FloatArray
    velocity: FloatArray
    acceleration: FloatArray
    jerk: FloatArray
    alone: BoolArray

    @classmethod
    def of(cls, joints: Sequence[Joint]) -> Limits:
        """Collect the limits of joints, in their order."""
        limits = [joint.limit for joint in joints]
        acceleration = np.array([limit.acceleration or np.inf for limit in limits], float)
        given = np.array([limit.jerk or np.inf for limit in limits], float)
        return cls(
            np.array([limit.lower for limit in limits], float),
            np.array([limit.upper for limit in limits], float),
            np.array([limit.velocity for limit in limits], float),
            acceleration,
            np.where(np.isfinite(given), given, acceleration / FULL_ACCELERATION_S),
            np.array([joint.data_type.is_gripper for joint in joints], bool),
        )


@dataclass(frozen=True, slots=True)
class Joints:
    """Joints that the policy commands, of all topics.

    Attributes:
        commands: The topics.
        joints: Their joints, J of them.
        limits: Theirs.
        grips: Bool, shape (J,): grippers, which close on things and so need not arrive.
        turns: Bool, shape (J,): continuous joints, which go on after a full turn.
        unit: One [rad] or [m] of the slots in the robot's own units, shape (J,): 57.3 where it is
            commanded in degrees, by its ``scale``.
        chains: Those whose poses the policy gives, in place of their joints.
        step_s: A step of the policy [s].
    """

    commands: tuple[Command, ...]
    joints: tuple[Joint, ...]
    limits: Limits
    grips: BoolArray
    turns: BoolArray
    unit: FloatArray
    chains: tuple[CommandedChain, ...] = ()
    step_s: float = 1.0

    @classmethod
    def of(
        cls,
        commands: tuple[Command, ...],
        chains: Sequence[ChainOutput] = (),
        rate_hz: float = 1.0,
    ) -> Joints:
        """Collect the joints of all topics.

        Args:
            commands: The topics.
            chains: Pose outputs that become joints.
            rate_hz: Steps a second, in which they must be reached.

        Raises:
            DescriptionError: Two outputs command one joint; or of a chain, its URDF cannot be
                read, or pinocchio is not installed.
        """
        joints = tuple(joint for command in commands for joint in command.joints)
        _require_single(joints)
        limits = Limits.of(joints)
        grips = limits.alone
        slides = np.array([joint.limit.slides for joint in joints], bool)
        turns = np.isinf(limits.lower) & np.isinf(limits.upper) & ~grips & ~slides
        scales = np.array([joint.scale for joint in joints], float)
        unit = np.where(grips, 1.0, 1.0 / np.abs(scales))
        found = tuple(CommandedChain(chain, joints, rate_hz) for chain in chains)
        return cls(commands, joints, limits, grips, turns, unit, found, 1.0 / rate_hz)

    def columns(self, command: Command) -> slice:
        """Return where the joints of one topic are among the J."""
        before = self.commands[: self.commands.index(command)]
        start = sum(len(other.joints) for other in before)
        return slice(start, start + len(command.joints))

    def nearest(self, positions: FloatArray, reference: FloatArray) -> FloatArray:
        """Positions (J,), those of continuous joints taken to the turn nearest a reference (J,).

        Many encoders wrap from pi to -pi; no joint jumps there.
        """
        turn = _TURN * self.unit
        turns = np.where(self.turns, np.rint((positions - reference) / turn), 0.0)
        return np.asarray(positions - turn * turns)

    def distance(self, positions: FloatArray, reference: FloatArray) -> FloatArray:
        """Measure how far positions (J,) are from a reference (J,), by the short way."""
        return np.asarray(np.abs(self.nearest(positions, reference) - reference))

    def unwound(self, outputs: FloatArray, setpoint: FloatArray) -> FloatArray:
        """Outputs (n, J); continuous joints go the shortest way from setpoint (J,) and step."""
        path = np.concatenate([setpoint[None], outputs])
        unit = self.unit[self.turns]
        path[:, self.turns] = unit * np.unwrap(path[:, self.turns] / unit, axis=0, period=_TURN)
        return path[1:]

    def from_slots(
        self,
        chunk: Mapping[DataType, NDArray[np.floating]],
        horizon: int,
        due: int,
        start: FloatArray,
        first_step: FloatArray,
    ) -> FloatArray:
        """A prediction in the robot's own units.

        Args:
            chunk: DataType -> (H, W), poses (H, W, 7), in the slots' sense; slots of other robots
                are ignored.
            horizon: H of the policy.
            due: The first output that is still to be executed, below H.
            start: Where the joints are sent, or are, one step before that output, (J,).
            first_step: How far the joints of a chain may go to that output, (J,).

        Returns:
            Shape (H - due, J).

        Raises:
            PolicyError: A DataType is missing, a shape is wrong, or a number is not finite.
            UnreachableError: A chain cannot reach a pose.
        """
        positions = np.zeros((horizon - due, len(self.joints)))
        for column, joint in enumerate(self.joints):
            if not joint.chain:
                values = predicted_slot(chunk, joint.data_type, joint.index, joint.name, horizon)
                if joint.is_integrated:
                    speeds = joint.speed_to_message(values[due:])
                    speeds = np.clip(speeds, -joint.limit.velocity, joint.limit.velocity)
                    positions[:, column] = start[column] + self.step_s * np.cumsum(speeds)
                else:
                    positions[:, column] = joint.to_message(values[due:])
        for chain in self.chains:
            output, columns = chain.output, chain.columns
            name = output.chain.name
            poses = predicted_slot(chunk, output.data_type, output.index, name, horizon)[due:]
            positions[:, columns] = chain.joints(poses, start[columns], first_step[columns])
        return positions

    def to_slots(self, positions: FloatArray, layout: Layout) -> dict[DataType, Float32Array]:
        """Positions (n, J) as a prediction has them: DataType -> (n, W), 0 where there is none.

        Poses, of chains, have shape (n, W, 7).
        """
        chunk = {
            kind: np.zeros((len(positions), width, *kind.slot_shape()), np.float32)
            for kind, width in layout.widths.items()
        }
        for joint, column in zip(self.joints, positions.T, strict=True):
            if not joint.chain:
                chunk[joint.data_type][:, joint.index] = joint.from_message(column)
        for chain in self.chains:
            output = chain.output
            chunk[output.data_type][:, output.index] = chain.poses(positions[:, chain.columns])
        return chunk


def _require_single(joints: Sequence[Joint]) -> None:
    """Two setpoints of one joint contradict each other, and it would jump between them."""
    known: dict[str, Joint] = {}
    for joint in joints:
        first = known.setdefault(joint.name, joint)
        if first is not joint:
            raise DescriptionError(
                f"'{joint.name}' is commanded twice: by {first.output} and by {joint.output}. "
                'Leave one of them out of the output.'
            )
