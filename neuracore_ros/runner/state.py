"""State of the runner: what it does and why it does no more, and counters of what happened."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from neuracore_ros.arrays import FloatArray

_NEWEST = 1000
BLENDING_IN = 'blending in'
"""The reason of a runner that moves the robot slowly, from where it stood to the plan."""


def _newest() -> deque[float]:
    return deque(maxlen=_NEWEST)


class State(str, Enum):
    """State of a runner that is active."""

    DISABLED = 'DISABLED'
    WAITING = 'WAITING'
    RUNNING = 'RUNNING'
    TAKEOVER = 'TAKEOVER'
    HOLDING = 'HOLDING'


@dataclass(slots=True)
class Counters:
    """Numbers of what happened since the start.

    Attributes:
        observed: Steps at which every stream had a usable value.
        late: Predictions that came after all their outputs were due, or not at all in time.
        holds: Times that the robot was held.
        clamps: Predicted setpoints outside the position limits, and sent ones that other limits
            kept from the plan.
        latencies_ms: From request to prediction, the newest thousand.
        seams_rad: How far each of the newest thousand predictions moved the plan at the first
            step that it shared with the ones before; the largest of the joints.
        longest_gap_s: Between two commands while running [s].
    """

    observed: int = 0
    late: int = 0
    holds: int = 0
    clamps: int = 0
    latencies_ms: deque[float] = field(default_factory=_newest)
    seams_rad: deque[float] = field(default_factory=_newest)
    longest_gap_s: float = 0.0
    _commanded_ns: int | None = None

    def commanded(self, now_ns: int) -> None:
        """Note that commands were sent while running."""
        if self._commanded_ns is not None:
            self.longest_gap_s = max(self.longest_gap_s, (now_ns - self._commanded_ns) / 1e9)
        self._commanded_ns = now_ns

    def pause(self) -> None:
        """Let no gap grow while the robot does not run."""
        self._commanded_ns = None

    def latency_ms(self, percent: float) -> float:
        """Return a percentile of the latencies; NaN before the first."""
        return percentile(self.latencies_ms, percent)

    def seam_rad(self, percent: float) -> float:
        """Return a percentile of the seams; NaN before the first."""
        return percentile(self.seams_rad, percent)


def percentile(values: deque[float] | FloatArray, percent: float) -> float:
    """Return a percentile; NaN where there is no value."""
    return float(np.percentile(values, percent)) if len(values) else np.nan


class RunnerState:
    """State of a runner, and the reason for it.

    Attributes:
        state: What the runner is doing, whoever commands.
        human: Whether a human has taken over from the policy.
        reason: Why it is not running, one line; empty while it runs as it should.
        latched: Whether only `enable` ends the hold.
        complete: Whether there was a complete observation since it began to wait.
    """

    def __init__(self, counters: Counters) -> None:
        """Begin by waiting."""
        self._counters = counters
        self.latched = self.human = False
        self.wait()

    @property
    def told(self) -> State:
        """State that people are told: TAKEOVER, whether the human moves the robot or not yet."""
        is_human = self.human and self.state is not State.DISABLED
        return State.TAKEOVER if is_human else self.state

    @property
    def running(self) -> bool:
        """Whether the robot is being moved."""
        return self.state is State.RUNNING

    def disable(self, reason: str) -> None:
        """Let nothing move until it is allowed."""
        self.state, self.reason = State.DISABLED, reason

    def wait(self) -> None:
        """Start afresh, as soon as everything is there."""
        what = 'the robot is braked first' if self.human else 'no complete observation yet'
        self.state, self.reason = State.WAITING, what
        self.complete, self._cause = False, ''

    def run(self, blending_in: bool) -> None:
        """Note that the robot is being moved; slowly, while it is on its way to the plan."""
        self.state, self.reason = State.RUNNING, BLENDING_IN if blending_in else ''

    def hold(self, cause: str, latched: bool) -> None:
        """Note that the robot has been stopped."""
        self.latched = latched
        self._counters.holds += self.state is not State.HOLDING
        self.state, self.reason, self._cause = State.HOLDING, cause, cause

    def explain(self, reason: str) -> None:
        """Say more exactly what is waited for, unless only `enable` ends the hold."""
        if not self.latched:
            self.reason = reason

    def report(self, problems: list[str]) -> None:
        """Say what keeps the robot from running, after what once stopped it."""
        if not self.complete:
            self.state = State.WAITING
        elif self.state is not State.HOLDING:
            self.state, self._cause = State.HOLDING, ''
            self._counters.holds += 1
        self.reason = '; '.join([self._cause, *problems] if self._cause else problems)
