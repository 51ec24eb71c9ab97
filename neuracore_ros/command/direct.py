"""Direct outputs of a robot: everything that is sent as it is predicted, not as joint positions.

D numbers and P poses, in the order of the robot file's topics.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.direct_values import (
    NOTHING_MEASURED,
    DirectMeasured,
    DirectMessage,
    DirectValues,
    read_numbers,
    read_poses,
)
from neuracore_ros.command.plan import BLENDS, Plan
from neuracore_ros.command.pose_tracking import PoseTracking
from neuracore_ros.command.settings import Settings
from neuracore_ros.command.start import Gate
from neuracore_ros.command.streamed_poses import StreamedPoses
from neuracore_ros.command.streamed_values import StreamedValues
from neuracore_ros.description import DataType
from neuracore_ros.description.direct import TWIST_NAMES, DirectCommand
from neuracore_ros.description.named_numbers import TWIST, TWIST_STAMPED
from neuracore_ros.errors import UserError
from neuracore_ros.kinematics.interpolation import distance


class DirectMotion:
    """Direct outputs of a robot: the plan, and the next messages.

    Attributes:
        commands: Their topics.
        numbers: The slots of the D numbers.
        poses: The slots of the P poses.
        warnings: What the user should know of the limits, one line each.
    """

    def __init__(
        self, commands: tuple[DirectCommand, ...], settings: Settings, rate_hz: float
    ) -> None:
        """Start with no command; ``rate_hz`` is that of steps.

        Raises:
            UserError: Messages come too seldom to end what was sent in time.
        """
        self.commands = commands
        self.numbers = tuple(s for c in commands if not c.is_pose for s in c.slots)
        self.poses = tuple(s for c in commands if c.is_pose for s in c.slots)
        self._command_rate_hz = settings.command_rate_hz
        self._step_s, period_s = self._steps(rate_hz)
        ahead_s = settings.max_ahead_s
        # A stop begins with the next message, and is to have ended by then.
        if commands and period_s > ahead_s * (1.0 + 1e-6):
            raise UserError(
                f'command_rate_hz is {settings.command_rate_hz:g}: from one message to the next '
                f'is longer than max_ahead_s ({ahead_s:g} s). Use at least '
                f'{1.0 / ahead_s:.3g}, or 0'
            )
        self._blend = BLENDS[settings.blend]
        self._tracking = PoseTracking(self.poses, settings.max_tracking_error)
        self._values = StreamedValues(self.numbers, self._step_s, period_s, ahead_s)
        self._poses = StreamedPoses(
            self.poses, self._step_s, period_s, ahead_s, settings.start_speed
        )
        self.warnings = self._values.warnings

    def set_rate(self, rate_hz: float) -> None:
        """Take so many steps a second from now on; call it while no plan is followed."""
        self._step_s, period_s = self._steps(rate_hz)
        self._values.set_steps(self._step_s, period_s)
        self._poses.set_steps(self._step_s, period_s)

    def _steps(self, rate_hz: float) -> tuple[float, float]:
        """A step, and the period of messages [s]."""
        return 1.0 / rate_hz, 1.0 / (self._command_rate_hz or rate_hz)

    @property
    def clamps(self) -> int:
        """Predicted steps with a number beyond its limit."""
        return self._values.clamps

    def blending_in(self, now_ns: int) -> bool:
        """Whether poses are still on their slow way to the plan."""
        return bool(self.poses) and self._poses.share(now_ns) < 1.0

    def from_slots(
        self, chunk: Mapping[DataType, NDArray[np.floating]], horizon: int
    ) -> DirectValues:
        """A prediction in the robot's own units.

        Args:
            chunk: DataType -> (H, W) or of poses (H, W, 7), in the slots' sense; slots of other
                robots are ignored.
            horizon: H of the policy.

        Raises:
            PolicyError: A DataType is missing, a shape is wrong, a number is not finite, or a
                quaternion is none.
        """
        numbers = [read_numbers(slot, chunk, horizon) for slot in self.numbers]
        poses = [read_poses(slot, chunk, horizon) for slot in self.poses]
        return DirectValues(
            np.stack(numbers, axis=1) if numbers else np.zeros((horizon, 0)),
            np.stack(poses, axis=1) if poses else np.zeros((horizon, 0, 7)),
        )

    def gate(
        self,
        first: DirectValues,
        measured: DirectMeasured,
        tolerance: float,
        most: float,
        whose: str = 'first pose of',
    ) -> Gate:
        """Compare the first poses of a prediction with measured ones; see `start_gate`."""
        slowly = False
        for slot, wanted, here in zip(self.poses, first.poses[0], measured.poses, strict=True):
            away_m, away_rad = distance(wanted, here)
            if max(away_m, away_rad) > most:
                return Gate(
                    f"{whose} '{slot.name}' is {away_m:.3f} m and {away_rad:.3f} rad from "
                    f'the measured one, more than start_max {most:g}',
                    blend_in=False,
                )
            slowly |= max(away_m, away_rad) > tolerance
        return Gate(None, blend_in=slowly)

    def leap(self, outputs: DirectValues, most: float) -> str:
        """Say in one line which pose is too far ahead of a robot that follows a human; '' if none.

        Args:
            outputs: Two rows: where the human was a step ago, and where the human is.
            most: How far it may be beyond what the speed limits explain [m], [rad].
        """
        for i, slot in enumerate(self.poses):
            before, wanted = outputs.poses[:, i]
            steps_m, steps_rad = (
                2.0 * self._step_s * x for x in (slot.limit.most, slot.limit.turning)
            )
            for what, from_ in (
                ('jumped', before),
                ('is faster than the robot', self._poses.poses[i]),
            ):
                away_m, away_rad = distance(wanted, from_)
                if away_m > most + steps_m or away_rad > most + steps_rad:
                    return (
                        f"the human's '{slot.name}' {what}: it is {away_m:.3f} m and "
                        f'{away_rad:.3f} rad away'
                    )
        return ''

    def measure(self, measured: DirectMeasured) -> None:
        """Take what is measured now."""
        self._values.measure(measured.numbers, measured.positions)
        self._poses.measure(measured.poses)

    def note(self, measured: DirectMeasured | None) -> None:
        """Remember a step's measurement; None where there is none, or the clock has jumped."""
        poses = None if measured is None else measured.poses
        stamps_ns = NOTHING_MEASURED.stamps_ns if measured is None else measured.stamps_ns
        self._tracking.note(poses, stamps_ns)

    def is_sure(self, measured: DirectMeasured) -> bool:
        """Whether measured poses agree with those before them: one sample alone may be a lie."""
        jumped = self._tracking.jumped(measured.poses, measured.stamps_ns)
        return self._tracking.confirmed and not jumped.any()

    @property
    def confirmed(self) -> bool:
        """Whether the newest measured poses agree with earlier ones."""
        return self._tracking.confirmed

    def fault(self, measured: DirectMeasured) -> str:
        """Say in one line why a pose is not where it was sent; empty where all are."""
        return self._tracking.fault(measured.poses, measured.stamps_ns, self._poses)

    def begin(self, measured: DirectMeasured, blend_in: bool, now_ns: int) -> None:
        """Start from rest where the robot is."""
        self.measure(measured)
        self._values.begin(now_ns)
        self._poses.begin(measured.poses, blend_in, now_ns)

    def merge(self, outputs: DirectValues, now_ns: int) -> None:
        """Follow a new prediction: n rows, the first one due one step from now."""
        if self.numbers:
            self._values.merge(outputs.numbers, now_ns, self._blend)
        if self.poses:
            self._poses.merge(outputs.poses, now_ns, self._blend)

    @property
    def pose_plan(self) -> Plan | None:
        """Plan of poses that is followed, another one after each prediction; None without."""
        return self._poses.plan

    def poses_ahead(self, most: int) -> FloatArray:
        """Return poses still to come, a row a step, (1 + m, P, 7); none, (0, P, 7), at rest."""
        return self._poses.ahead(most)

    def stop(self, measured: DirectMeasured | None) -> None:
        """Come to rest; what is measured now, if it is fresh, shows whether poses follow."""
        lost = False
        if measured is not None:
            # A broken sensor must not become motion.
            believed = not self._tracking.jumped(measured.poses, measured.stamps_ns).any()
            lost = believed and bool(self.fault(measured))
            self.measure(measured)
        self._values.stop()
        self._poses.stop(lost)

    def points(self, now_ns: int) -> tuple[DirectMessage, ...]:
        """Return the next message of every topic; none at rest."""
        return self._messages(self._values.next(now_ns), self._poses.next(now_ns), now_ns)

    def halt(self, now_ns: int) -> tuple[DirectMessage, ...]:
        """Rest at once, where time stands still; none at rest."""
        return self._messages(self._values.halt(), self._poses.halt(), now_ns)

    def _messages(
        self, numbers: FloatArray | None, moves: bool, now_ns: int
    ) -> tuple[DirectMessage, ...]:
        messages = []
        column = place = 0
        for command in self.commands:
            count = len(command.slots)
            if command.is_pose:
                of = self._poses.twists if command.type == TWIST_STAMPED else self._poses.poses
                if moves:
                    messages.append(_message(command, of[place], now_ns))
                place += count
            else:
                if numbers is not None:
                    own = numbers[column : column + count]
                    messages.append(_message(command, _arranged(command, own), now_ns))
                column += count
        return tuple(messages)

    @property
    def at_rest(self) -> bool:
        """Whether nothing is sent any more."""
        values, poses = self._values.at_rest, self._poses.at_rest
        return (values or not self.numbers) and (poses or not self.poses)

    def rests_in_s(self, now_ns: int) -> float:
        """Return how long messages go on, the last ones of a stop included [s]."""
        return max(self._values.rests_in_s(now_ns), self._poses.rests_in_s(now_ns))

    def runs_dry(self, now_ns: int) -> bool:
        """Whether the plan has nothing left for the future; False where there are no outputs."""
        numbers = bool(self.numbers) and self._values.runs_dry(now_ns)
        return numbers or (bool(self.poses) and self._poses.runs_dry(now_ns))

    def shift(self, by_ns: int) -> None:
        """Move everything on the clock, which has jumped."""
        self._values.shift(by_ns)
        self._poses.shift(by_ns)

    def forget(self) -> None:
        """Drop everything, as if nothing had been commanded yet."""
        self._values.forget()
        self._poses.forget()


def _arranged(command: DirectCommand, numbers: FloatArray) -> FloatArray:
    """Numbers at their places in the message: by name in a twist, one after another elsewhere."""
    if command.type not in {TWIST, TWIST_STAMPED}:
        return numbers
    twist = np.zeros(len(TWIST_NAMES))
    for slot, number in zip(command.slots, numbers, strict=True):
        twist[TWIST_NAMES.index(slot.message_name)] = number
    return twist


def _message(command: DirectCommand, values: FloatArray, now_ns: int) -> DirectMessage:
    return DirectMessage(command.topic, command.type, values.copy(), command.frame, now_ns)
