"""A bag, replayed on its own clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.bags.bag import Bag
from neuracore_ros.bags.storage import LATEST_NS
from neuracore_ros.convert.cutting import WHOLE
from neuracore_ros.convert.episodes import find_cuts
from neuracore_ros.convert.observed_values import ObservedValues
from neuracore_ros.convert.recording import SURVEY_SIZE
from neuracore_ros.convert.rows import outputs_of
from neuracore_ros.convert.simulated_time import clock_cure
from neuracore_ros.convert.ticks import MessageCallback, Tick, ticks, why_no_tick
from neuracore_ros.convert.topic_checks import require_topics
from neuracore_ros.description import Layout, Robot
from neuracore_ros.description.recorded_values import RecordedValues
from neuracore_ros.evaluation.compared_slots import ComparedSlots
from neuracore_ros.observation import Observation, Observer, Unusable
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.progress import ProgressCallback


class BagTrack:
    """An open bag of one robot.

    Its ticks are those of ``convert``, if the policy reads every input of the robot file. What
    lies outside of the episodes of a marker is not replayed.

    Attributes:
        name: The bag's.
        actions: See `Track`.
        lacking: See `Track`.
    """

    def __init__(
        self,
        bag: Bag,
        robot: Robot,
        manifest: Manifest,
        topics: Mapping[str, str],
        progress: ProgressCallback,
    ) -> None:
        """Check that the bag has what is needed, and the topics that the policy reads.

        Raises:
            BagError: It lacks a topic, or has it of another type.
        """
        read = [source for source in robot.input_sources() if source.topic in topics]
        measured = robot.all_measured()
        require_topics(bag, (*read, *measured, *robot.output_sources()), robot.path)
        self.name, self.lacking = str(bag.path), ''
        self.actions: list[FloatArray] = []
        self._bag, self._progress = bag, progress
        self._rate_hz = manifest.rate_hz
        self._outputs = ComparedSlots(robot)
        self._last: tuple[int, Observation | None] = 0, None
        layout = manifest.output_layout
        self._commanded = Observer(robot.output_sources(), layout, None)
        # Of the inputs it is only asked whether all are there: no image is decoded.
        self._given = Observer(read, Layout.of([robot.input]), SURVEY_SIZE)
        if cure := clock_cure(bag, (*read, *robot.output_sources())):
            self._given.cure_clock(cure)
            self._commanded.cure_clock(cure)
        self._observed = ObservedValues(robot, robot.output_sources())
        self._topics = {**self._commanded.topics, **self._observed.topics, **topics}
        motion = Observer(robot.output_sources(), layout, None)
        self._cuts = find_cuts(bag, WHOLE, self._topics, motion)

    @property
    def values(self) -> RecordedValues:
        """Values of joints and grippers, as far as the bag was played."""
        return self._observed.values

    def play(self, receive: MessageCallback) -> Iterator[Tick]:
        """See `Track`."""

        def take(topic: str, message: Any, receive_ns: int) -> None:
            receive(topic, message, receive_ns)
            self._observed.receive(topic, message, receive_ns)

        observers = self._given, self._commanded
        streams = {**self._given.topics, **self._commanded.topics}
        end_ns = LATEST_NS
        if not self._topics.keys() <= streams.keys():
            # What is measured besides may go on after all streams of the robot file have ended.
            end_ns = max(self._bag.times_ns(streams), default=0)
        messages = self._bag.read(self._topics, self._progress)
        for tick in ticks(messages, observers, self._rate_hz, take, self._cuts, end_ns=end_ns):
            if isinstance(tick, Tick):
                self._note(tick)
                yield tick
        if not self.actions:
            self.lacking = why_no_tick((self._commanded, self._given), self._bag.end_ns)

    @property
    def notes(self) -> tuple[str, ...]:
        """Once it was played, what is odd about it, and what of it could not be read."""
        odd = [note for stream in self._commanded.streams for note in stream.notes()]
        lost = [f'lost: {loss}' for loss in self._bag.losses]
        return tuple(f'{self.name}: {text}' for text in dict.fromkeys((*odd, *lost)))

    def _note(self, tick: Tick) -> None:
        self._observed.tick(tick.time_ns)
        found = self._commanded.observe(tick.time_ns)
        is_usable = not isinstance(self._given.snapshot(tick.time_ns), Unusable)
        wanted = found if is_usable and isinstance(found, Observation) else None
        piece, before = self._last
        if before is not None and wanted is not None and piece == tick.piece:
            self.actions[-1] = self._action(before, wanted)
        self.actions.append(self._action(wanted, None))
        self._last = tick.piece, wanted

    def _action(self, now: Observation | None, after: Observation | None) -> FloatArray:
        """The outputs of a tick, (V,), as a dataset has them; NaN where it has none."""
        if now is None:
            return np.full(len(self._outputs.columns), np.nan)
        values, valid = outputs_of(now, after, self._commanded.commanded)
        known = {
            kind: np.where(valid[kind][:, None] if kind.is_pose else valid[kind], each, np.nan)
            for kind, each in values.items()
        }
        return self._outputs.of_slots(known)
