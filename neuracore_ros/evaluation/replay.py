"""The replay of one recording through the node's own runner, with the model inline."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from neuracore_ros.arrays import FloatArray, IntArray
from neuracore_ros.convert.ticks import MessageCallback, Tick
from neuracore_ros.errors import PolicyError
from neuracore_ros.evaluation.compared_slots import ComparedSlots
from neuracore_ros.policy.policy import Policy
from neuracore_ros.runner import Counters, Request, Runner, State


class Track(Protocol):
    """One recording of one robot, replayed once.

    Attributes:
        name: For people.
        actions: Once it was played, what was commanded at each tick, each of shape (C,); NaN
            where that is not known. As in a dataset: measured types are those one step later.
        lacking: Once it was played, why there was no tick, one line; '' if there was one.
    """

    name: str
    actions: list[FloatArray]
    lacking: str

    def play(self, receive: MessageCallback) -> Iterator[Tick]:
        """Give the ticks, each when all messages up to it are received."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One time that the robot was held.

    Attributes:
        time_s: From the first tick of the recording, [s].
        reason: One line.
    """

    time_s: float
    reason: str


@dataclass(slots=True)
class Replay:
    """The outcome of one recording.

    N ticks, C outputs, H steps of a prediction; everything in the slots' sense.

    Attributes:
        name: The recording's.
        commanded: What was commanded at each tick, (N, C); NaN where that is not known, or
            nothing could be observed: no dataset would have that row.
        predicted: Tick -> the prediction that its observation gave, (H, C).
        executed: What the node would have sent the robot to for each row of ``commanded``,
            (N, C); NaN while it did not run.
        pieces: Up to the next gap, or tick without an observation, numbers are equal, (N,).
        latencies_ms: Of the model on this machine, one for each prediction.
        holds: When and why the robot was held.
        waiting: Why it waited last, one line; '' if it ever ran.
        running: Ticks at which it ran.
        counters: The runner's.
    """

    name: str
    commanded: FloatArray
    predicted: dict[int, FloatArray]
    executed: FloatArray
    pieces: IntArray
    latencies_ms: list[float]
    holds: list[Hold]
    waiting: str
    running: int
    counters: Counters


def replay(track: Track, runner: Runner, policy: Policy, outputs: ComparedSlots) -> Replay:
    """Play a recording through the runner once.

    Args:
        track: The recording.
        runner: Fresh, in a dry run: its commands are not followed.
        policy: What it asks.
        outputs: Of the robot.
    """
    driven = _Driven(runner, policy, outputs)
    for number, tick in enumerate(track.play(runner.receive)):
        driven.step(number, tick)
    shape = (len(track.actions), len(outputs.slots))
    executed = np.full(shape, np.nan)
    for row, positions in driven.executed.items():
        executed[row] = positions
    commanded = np.stack(track.actions) if track.actions else np.zeros(shape)
    commanded[driven.unobserved] = np.nan
    return Replay(
        name=track.name,
        commanded=commanded,
        predicted=driven.predicted,
        executed=executed,
        pieces=np.array(driven.pieces, np.int64),
        latencies_ms=driven.latencies_ms,
        holds=driven.holds,
        waiting='' if driven.running else track.lacking or runner.reason,
        running=driven.running,
        counters=runner.counters,
    )


@dataclass(slots=True)
class _Driven:
    """The owner of a runner, as the node is; the clock is the recording's."""

    runner: Runner
    policy: Policy
    outputs: ComparedSlots
    predicted: dict[int, FloatArray] = field(default_factory=dict)
    executed: dict[int, FloatArray] = field(default_factory=dict)
    pieces: list[int] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    unobserved: list[int] = field(default_factory=list)
    running: int = 0
    _start_ns: int = 0
    _piece: int = -1

    def step(self, number: int, tick: Tick) -> None:
        """Make one step, and note where the robot would be."""
        now_ns, runner = tick.time_ns, self.runner
        if not number:
            self._start_ns = now_ns
        begins = tick.piece != self._piece
        self._piece = tick.piece
        if begins:
            runner.start(now_ns)
        elif runner.state is State.RUNNING:
            # The first output is due one step after its observation.
            setpoint = runner.setpoint(now_ns)
            if setpoint is not None:
                self.executed[number - 1] = self.outputs.of_joints(setpoint[0])
        holds, observed = runner.counters.holds, runner.counters.observed
        outcome = runner.tick(now_ns)
        is_observed = runner.counters.observed > observed
        if not is_observed:
            self.unobserved.append(number)
        before = self.pieces[-1] if self.pieces else 0
        self.pieces.append(before + (begins or not is_observed))
        if outcome.request is not None:
            self._answer(number, outcome.request, now_ns)
        self.running += runner.state is State.RUNNING
        if runner.counters.holds > holds:
            self.holds.append(Hold((now_ns - self._start_ns) / 1e9, runner.reason))

    def _answer(self, number: int, request: Request, now_ns: int) -> None:
        start_s = time.perf_counter()
        try:
            chunk = self.policy.predict(
                request.inputs, request.valid, self.outputs.valid, request.plan
            )
        except PolicyError as error:
            self.runner.failed(request, str(error), now_ns)
            return
        self.latencies_ms.append(1e3 * (time.perf_counter() - start_s))
        self.predicted[number] = self.outputs.of_slots(chunk)
        self.runner.predicted(request, chunk, now_ns)
