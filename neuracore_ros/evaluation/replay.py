"""The replay of one recording through the node's own runner, with the model inline."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from neuracore_ros.arrays import FloatArray, IntArray
from neuracore_ros.convert.ticks import MessageCallback, Tick
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError, WireError
from neuracore_ros.evaluation.compared_slots import ComparedSlots
from neuracore_ros.policy.policy import Policy
from neuracore_ros.report.camera_sheet import SampledPictures
from neuracore_ros.report.episode_view import CameraSheet
from neuracore_ros.runner import Counters, Request, Runner, State
from neuracore_ros.runner.state import BLENDING_IN


@dataclass(frozen=True, slots=True)
class Phase:
    """The state of the runner at one tick, as people tell it apart.

    Attributes:
        kind: ``''`` it ran, ``start`` it ran slowly from where it stood to the plan, ``wait``, or
            ``hold``.
        reason: Of what is no running, one line.
    """

    kind: str
    reason: str

    @classmethod
    def of(cls, runner: Runner) -> Phase:
        """Take what it does now."""
        if runner.state is State.RUNNING:
            return cls('start' if runner.reason == BLENDING_IN else '', '')
        return cls('hold' if runner.state is State.HOLDING else 'wait', runner.reason)


class Track(Protocol):
    """One recording of one robot, replayed once.

    Attributes:
        name: For people.
        actions: Once it was played, what was commanded at each tick, each of shape (V,); NaN
            where that is not known. As in a dataset: measured types are those one step later.
        lacking: Once it was played, why there was no tick, one line; '' if there was one.
    """

    name: str
    actions: list[FloatArray]
    lacking: str

    def play(self, receive: MessageCallback) -> Iterator[Tick]:
        """Give the ticks, each when all messages up to it are received."""


@dataclass(slots=True)
class Replay:
    """The outcome of one recording.

    N ticks, V commanded numbers, H steps of a prediction; everything in the slots' sense.

    Attributes:
        name: The recording's.
        commanded: What was commanded at each tick, (N, V); NaN where that is not known, or
            nothing could be observed: no dataset would have that row.
        predicted: Tick -> the prediction that its observation gave, (H, V).
        executed: What the node would have sent the robot to for each row of ``commanded``,
            (N, V); NaN while it did not run.
        pieces: Up to the next gap, or tick without an observation, numbers are equal, (N,).
        latencies_ms: Of the model on this machine, one for each prediction.
        holds: Why the robot was held, each time, one line.
        waiting: Why it waited last, one line; '' if it ever ran.
        running: Ticks at which it ran.
        counters: The runner's.
        phases: What it did at each tick, N.
        cameras: Index of a camera -> its images from which predictions were made, of a replay
            that was asked for them.
    """

    name: str
    commanded: FloatArray
    predicted: dict[int, FloatArray]
    executed: FloatArray
    pieces: IntArray
    latencies_ms: list[float]
    holds: list[str]
    waiting: str
    running: int
    counters: Counters
    phases: list[Phase]
    cameras: dict[int, CameraSheet]


def replay(
    track: Track,
    runner: Runner,
    policy: Policy,
    outputs: ComparedSlots,
    with_pictures: bool = False,
) -> Replay:
    """Play a recording through the runner once, as the node would; the clock is the recording's.

    The runner is fresh, and in a dry run: its commands are not followed.

    Raises:
        WireError: The server of the policy does not answer.
    """
    predicted: dict[int, FloatArray] = {}
    reached: dict[int, FloatArray] = {}
    pieces: list[int] = []
    latencies_ms: list[float] = []
    holds: list[str] = []
    unobserved: list[int] = []
    phases: list[Phase] = []
    pictures: dict[int, SampledPictures] = {}
    running = 0
    piece = -1
    counters = runner.counters
    for number, tick in enumerate(track.play(runner.receive)):
        now_ns = tick.time_ns
        begins, piece = tick.piece != piece, tick.piece
        if begins:
            runner.start(now_ns)
        elif runner.state is State.RUNNING and (setpoint := runner.setpoint(now_ns)) is not None:
            # The first output is due one step after its observation.
            reached[number - 1] = outputs.of_joints(setpoint[0])
        held, observed = counters.holds, counters.observed
        request = runner.tick(now_ns).request
        is_observed = counters.observed > observed
        if not is_observed:
            unobserved.append(number)
        pieces.append((pieces[-1] if pieces else 0) + (begins or not is_observed))
        if request is not None:
            if with_pictures:
                _keep_pictures(pictures, number, request)
            start_s = time.perf_counter()
            try:
                chunk = policy.predict(request.inputs, request.valid, outputs.valid, request.plan)
            except WireError:
                # Of the network, and no figure of the policy.
                raise
            except PolicyError as error:
                runner.failed(request, str(error), now_ns)
            else:
                latencies_ms.append(1e3 * (time.perf_counter() - start_s))
                predicted[number] = outputs.of_slots(chunk)
                runner.predicted(request, chunk, now_ns)
        running += runner.state is State.RUNNING
        phases.append(Phase.of(runner))
        if counters.holds > held:
            holds.append(runner.reason)
    commanded = np.stack(track.actions) if track.actions else np.zeros((0, len(outputs.columns)))
    commanded[unobserved] = np.nan
    executed = np.full(commanded.shape, np.nan)
    for row, positions in reached.items():
        executed[row] = positions
    return Replay(
        name=track.name,
        commanded=commanded,
        predicted=predicted,
        executed=executed,
        pieces=np.array(pieces, np.int64),
        latencies_ms=latencies_ms,
        holds=holds,
        waiting='' if running else track.lacking or runner.reason,
        running=running,
        counters=counters,
        phases=phases,
        cameras={index: own.sheet(str(index)) for index, own in sorted(pictures.items())},
    )


def _keep_pictures(pictures: dict[int, SampledPictures], number: int, request: Request) -> None:
    """Keep the newest image of each camera that a prediction is made from."""
    images = request.inputs.get(DataType.RGB_IMAGES)
    if images is None:
        return
    for index in np.flatnonzero(request.valid[DataType.RGB_IMAGES]).tolist():
        pictures.setdefault(index, SampledPictures()).add(number, images[-1, index])
