"""Motion of the robot: from predictions to messages, and what is executed now."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from neuracore_ros.arrays import BoolArray, FloatArray, IntArray
from neuracore_ros.command.jerk_profile import JerkLimitedProfile
from neuracore_ros.command.joints import Joints
from neuracore_ros.command.limits import pursued
from neuracore_ros.command.message import CommandTopics, JointCommand, delayed_first_knot
from neuracore_ros.command.plan import BLENDS, Plan, merged, seam
from neuracore_ros.command.profile import SplineProfile, TrajectorySegment
from neuracore_ros.command.settings import Settings
from neuracore_ros.command.spline import Executed, Spline
from neuracore_ros.command.start import BlendIn
from neuracore_ros.command.workspaces import BEYOND_M, GAINED_M, SLOWER

_OPENED = 0.1
"""A gripper that is so much of its range further from where it was sent than when it stopped has
been moved by hand."""

_ENOUGH_AHEAD = 0.4
"""Share of ``max_ahead_s``: with more of the plan out than that, nothing new is sent."""

_LATE_S = 0.1
"""A joint that follows is where it was sent no longer ago than this: delay and lag together."""

_OFFSET = 0.02
"""Beside that, it may be so far off [rad]: it sags under a load, or is measured inexactly."""

_FROM_REST = 4.0 / 3.0
"""A stop is stretched for robots that are behind and move; one that rests needs so much more."""

MOST_SHOWN = 100
"""Steps of a plan that are shown at once; later ones are predicted anew before they are due."""

_RECENT_S = 0.2
"""What a joint lags behind comes from how fast it was so long ago, at most."""


class Motion:
    """Commands of a robot: the plan, the motion being executed, the next messages.

    Attributes:
        warnings: What the user should know of how it is timed, one line each.
        clamps: Setpoints that the limits kept from what was predicted.
        seam_rad: How far the newest prediction moved the plan at the first step that it shares
            with the ones before; None where there is none.
        lag: How far each joint was behind its setpoint when last measured, (J,); None: unknown.
        stopping: Whether the newest motion is a stop.
    """

    def __init__(self, joints: Joints, settings: Settings, rate_hz: float) -> None:
        """Start with no command.

        Args:
            joints: What is commanded.
            settings: What the user wants.
            rate_hz: Steps a second.

        Raises:
            UserError: Ruckig is wanted and not installed, or has no time to brake.
            DescriptionError: Ruckig is wanted, and a joint has no acceleration limit.
        """
        self._joints = joints
        self._settings = settings
        self._blend = BLENDS[settings.blend]
        self._max_ahead_s = settings.max_ahead_s
        self._plan: Plan | None = None
        self._executed = Executed()
        self._followed_until_ns = 0
        self._topics = CommandTopics(joints, settings.stamp == 'now')
        self.set_rate(rate_hz)
        self.warnings = self._profile.warnings
        self.stopping = False
        self._stopped_at: FloatArray | None = None
        self._blend_in = BlendIn(settings.start_speed)
        self._replaces = False
        self.clamps = 0
        self.seam_rad: float | None = None
        self.lag: FloatArray | None = None

    def set_rate(self, rate_hz: float) -> None:
        """Take so many steps a second from now on; call it while no plan is followed."""
        kind = JerkLimitedProfile if self._settings.profile == 'ruckig' else SplineProfile
        self._profile = kind(self._joints, 1.0 / rate_hz, self._max_ahead_s)
        self._step_s = 1.0 / rate_hz
        self._step_ns = round(1e9 / rate_hz)
        self._most_points = math.floor(self._max_ahead_s * rate_hz + 1e-6)
        self._topics.set_period(1.0 / (self._settings.command_rate_hz or rate_hz))

    @property
    def has_points(self) -> bool:
        """Whether some topic takes single points."""
        return self._topics.has_points

    @property
    def blending_in(self) -> bool:
        """Whether the robot is still on its slow way to the plan."""
        return bool(self._joints.joints) and self._blend_in.active

    @property
    def executed(self) -> tuple[Spline, ...]:
        """Motions of the last seconds, newest last."""
        return self._executed.splines

    def setpoint(self, now_ns: int) -> tuple[FloatArray, FloatArray] | None:
        """Return position and velocity executed at a time; None before the first command."""
        return self._executed.at(now_ns)

    @property
    def ends_ns(self) -> int:
        """Time at which the motion being executed comes to rest; 0 before the first."""
        return 0 if self._executed.newest is None else self._executed.newest.end_ns

    def at_rest(self, now_ns: int) -> bool:
        """Whether nothing that was commanded is still moving the robot."""
        return self.rests_in_s(now_ns) == 0.0

    def rests_in_s(self, now_ns: int) -> float:
        """Return how long the commands go on to move the robot, streamed points included [s]."""
        spline = self._executed.newest
        if spline is None:
            return 0.0
        left_s = max(0.0, (spline.end_ns - now_ns) / 1e9)
        catching_up_s = self._topics.catching_up_s(spline.positions[-1], self.stopping)
        if catching_up_s == 0.0:
            return left_s
        # Each point shows where to be one period later, and so the last one may come as late.
        return max(left_s, catching_up_s) + self._topics.period_s

    def runs_dry(self, now_ns: int) -> bool:
        """Whether the plan has no setpoint left for the future."""
        return self._plan is None or self._plan.end_ns <= now_ns

    def planned(self, times_ns: IntArray) -> FloatArray:
        """Return the plan at those of n ascending times that it reaches, (m, J).

        On the slow way to the plan there are none.
        """
        if self._plan is None or self.blending_in:
            return np.zeros((0, len(self._joints.joints)))
        return self._plan.at(times_ns[times_ns <= self._plan.end_ns])

    @property
    def plan(self) -> Plan | None:
        """Plan that is followed, another one after each prediction; None where there is none."""
        return self._plan

    def ahead(self, now_ns: int) -> FloatArray:
        """Return where the plan leads if nothing new is predicted, a row a step, (1 + n, J).

        The first row is the setpoint now. The others keep to the limits of position, velocity and
        acceleration, and to the share of the velocity that a start allows now; without a plan
        there are none, (0, J). Workspaces of hands, and limits of jerk, are left out.
        """
        plan = self._plan
        if plan is None:
            return np.zeros((0, len(self._joints.joints)))
        limits = self._joints.limits
        share = self._blend_in.share(now_ns)
        limits = self._profile.kept_slower(replace(limits, velocity=limits.velocity * share))
        n = min(self._steps_left(plan, now_ns), MOST_SHOWN)
        times_s: FloatArray = self._step_s * np.arange(1.0, n + 1.0)
        return pursued(self._require_executed().at(now_ns), plan, now_ns, times_s, limits)

    def begin(self, measured: FloatArray, blend_in: bool, now_ns: int) -> None:
        """Start from rest where the robot is, or where it was sent if it is still there.

        A joint that is as close to its setpoint as joints that follow are goes on from the
        setpoint, so that the command has no step; it may still be catching up from a stop. So
        does a gripper that still grips. After a jump of the clock by an unknown time, the
        controller may command something else than the setpoint: no joint goes on from there.
        """
        start, self._replaces = measured.copy(), False
        if (before := self.setpoint(now_ns)) is not None:
            rests = self._still_grips(measured, before[0])
            near = self._joints.distance(measured, before[0]) <= self.usual_lag(now_ns)
            there = near if self.lag is not None else np.zeros_like(near)
            start = np.where(rests | there, before[0], start)
            self._replaces = bool((rests | there).all())
        # What was executed earlier is over: the robot may have been moved since.
        self._executed.clear()
        self.lag = np.zeros(len(start))
        self._plan, self.stopping = None, False
        self._topics.start(start)
        self._blend_in.start(blend_in, now_ns)
        at_rest = Spline(now_ns, np.zeros(1), start[None], np.zeros((1, len(start))))
        self._executed.add(at_rest, now_ns)

    def merge(self, outputs: FloatArray, now_ns: int) -> tuple[JointCommand, ...]:
        """Follow a new prediction.

        Args:
            outputs: Shape (n, J), the first one due one step from now; n >= 1.
            now_ns: Its arrival.
        """
        limits = self._joints.limits
        setpoint = self._require_executed().at(now_ns)[0]
        outputs = self._joints.unwound(outputs, setpoint)
        allowed = np.clip(outputs, limits.lower, limits.upper)
        self._blend_in.measure(allowed[0] - setpoint, limits, now_ns)
        self.clamps += int(np.any(allowed != outputs, axis=1).sum())
        before = self._plan or Plan(now_ns, self._step_ns, setpoint[None])
        self._plan = merged(before, allowed, now_ns, self._blend)
        self.seam_rad = seam(before, self._plan)
        return self._publish(now_ns)

    def extend(self, now_ns: int) -> tuple[JointCommand, ...]:
        """Send more of the plan, if little of what was sent is left.

        None is sent while there is no need: where the robot cannot be joined, each message makes
        the controller start again from its measured state. Such a robot, and one that was sent
        something just now, has to run shorter before it is sent more.
        """
        if self._plan is None:
            return ()
        just_now = now_ns - self._require_executed().start_ns < self._step_ns // 2
        enough_s = 1.5 * self._step_s
        if self.follows(now_ns) and not just_now:
            enough_s = max(_ENOUGH_AHEAD * self._max_ahead_s, enough_s)
        left_s = (self._followed_until_ns - now_ns) / 1e9
        more_ns = self._plan.end_ns - self._followed_until_ns
        if left_s >= enough_s or more_ns < self._step_ns - 1000:
            return ()
        return self._publish(now_ns)

    def stop(
        self, now_ns: int, measured: FloatArray | None, lost: BoolArray
    ) -> tuple[JointCommand, ...]:
        """Brake to rest; nothing where nothing moves.

        Args:
            now_ns: Now.
            measured: Fresh measured positions, shape (J,), or None.
            lost: Bool, shape (J,): joints that are not where they were sent.
        """
        if self._plan is not None:
            self._stopped_at = measured
        self._plan = None
        executed = self._executed.newest
        # Nothing was commanded since activation: another node may move the robot. A
        # fresh measurement alone is no reason to take it from them.
        if executed is None or (now_ns >= executed.end_ns and not lost.any()):
            return ()
        setpoint = executed.at(now_ns)[0]
        if measured is not None:
            measured = self._joints.nearest(measured, setpoint)
            measured = np.where(self._joints.grips, setpoint, measured)
        if (behind := self._topics.behind(setpoint)).any():
            # Points did not go out for a while: what takes them stands where the last one led.
            there = setpoint if measured is None else measured
            measured = np.where(behind != 0.0, setpoint - _FROM_REST * behind, there)
            self.lag = None if self.lag is None else np.where(behind != 0.0, behind, self.lag)
            self._replaces = False
        spline = self._profile.stop(executed, now_ns, measured, lost)
        self.stopping = True
        if lost.any():
            # A lost joint is braked from where it is; the others have until the end to catch up.
            self.lag = None if self.lag is None else np.where(lost, 0.0, self.lag)
            self._replaces = False
        return self._send(spline, self._step_s if self.lag is None else np.inf, now_ns)

    def points(self, now_ns: int) -> tuple[JointCommand, ...]:
        """Return the next setpoint of every topic that takes single points; none at rest."""
        ahead = self.setpoint(now_ns + round(self._topics.reach_s * 1e9))
        if ahead is None or self.at_rest(now_ns):
            return ()
        return self._topics.points(ahead[0], self.stopping)

    def follows(self, now_ns: int) -> bool:
        """Whether no joint is further behind its setpoint than its speed explains.

        Else its controller may have held it by itself, and would leap to a setpoint.
        """
        if self.lag is None:
            return False
        return bool((np.abs(self.lag) <= self.usual_lag(now_ns)).all())

    def usual_lag(self, now_ns: int) -> FloatArray:
        """Return how far a joint that follows may be behind its setpoint at a time, (J,)."""
        speed = self._executed.fastest(now_ns - round(1e9 * _RECENT_S), now_ns)
        offset = _OFFSET * self._joints.unit
        return offset if speed is None else offset + _LATE_S * speed

    def shift(self, by_ns: int, surely: bool) -> None:
        """Move everything on the clock, which has jumped.

        Args:
            by_ns: How much of the jump is no time that has passed.
            surely: Whether that is known; else it is unknown how far each joint is behind.
        """
        self._executed.shift(by_ns)
        if not surely:
            self.lag = None

    def forget(self) -> None:
        """Drop everything, as if nothing had been commanded yet."""
        self._plan = None
        self._stopped_at = None
        self._topics.start(None)
        self._executed.clear()

    def _publish(self, now_ns: int) -> tuple[JointCommand, ...]:
        assert self._plan is not None
        n = min(self._most_points, self._steps_left(self._plan, now_ns))
        if n < 1:
            return ()
        share = self._blend_in.share(now_ns)
        segment = self._follow(self._plan, n, share, now_ns)
        if share < 1.0:
            arrived = np.flatnonzero(segment.arrived)
            self._blend_in.arrive(round(segment.due_ns[arrived[0]]) if len(arrived) else None)
        else:
            self._blend_in.arrive(now_ns)
        self.clamps += int((~segment.arrived).sum())
        self._followed_until_ns = now_ns + round(1e9 * segment.followed_s)
        return self._send(segment.spline, self._step_s, now_ns)

    def _steps_left(self, plan: Plan, now_ns: int) -> int:
        return max(math.ceil((plan.end_ns - now_ns) / self._step_ns - 1e-6), 0)

    def _follow(self, plan: Plan, steps: int, share: float, now_ns: int) -> TrajectorySegment:
        """Follow a plan, more slowly where a hand could not keep to its workspace else.

        Joints with limits of acceleration cannot turn at once, as a hand that arrives at a border
        would have to.
        """
        times_s: FloatArray = self._step_s * np.arange(1.0, steps + 1.0)
        least, found = np.inf, None
        for slower in SLOWER:
            limits = self._joints.limits
            limits = replace(limits, velocity=limits.velocity * share * slower)
            segment = self._profile.follow(self._require_executed(), plan, now_ns, times_s, limits)
            away = self._profile.workspaces.beyond(segment.spline)
            if found is None or away < least - GAINED_M:
                least, found = away, segment
            if away <= BEYOND_M:
                break
        assert found is not None
        return found

    def _send(self, spline: Spline, enough_s: float, now_ns: int) -> tuple[JointCommand, ...]:
        """Go on with a motion: from the setpoint itself where the robot is known to follow it.

        A controller starts a message with a point at time 0 from there, and its command goes on
        without a step. Without one it starts from the measured state, which is behind.
        """
        joins = self._replaces and self.follows(now_ns)
        if not joins:
            spline = delayed_first_knot(spline, self.lag, self._joints.limits, enough_s)
        self._replaces = True
        self._executed.add(spline, now_ns)
        return self._topics.trajectories(spline, 0 if joins else 1, self.stopping)

    def _still_grips(self, measured: FloatArray, setpoint: FloatArray) -> BoolArray:
        """Find grippers that may hold a thing: since the stop they were not moved away.

        One that was opened meanwhile would snap shut, if it began where it once was sent.
        """
        grips = self._joints.grips
        if self._stopped_at is None:
            return grips
        limits = self._joints.limits
        before, away = np.abs(self._stopped_at - setpoint), np.abs(measured - setpoint)
        return grips & ~(away > before + _OPENED * (limits.upper - limits.lower))

    def _require_executed(self) -> Spline:
        executed = self._executed.newest
        assert executed is not None, 'begin() comes before the first prediction'
        return executed
