"""A bag, replayed on its own clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.bags.bag import Bag
from neuracore_ros.convert.cutting import WHOLE, Cuts, Span
from neuracore_ros.convert.episodes import find_cuts
from neuracore_ros.convert.observed_values import ObservedValues
from neuracore_ros.convert.recording import SURVEY_SIZE
from neuracore_ros.convert.simulated_time import clock_cure
from neuracore_ros.convert.ticks import SILENCE_NS
from neuracore_ros.convert.topic_checks import require_topics
from neuracore_ros.dataset.row import tick_ns
from neuracore_ros.description import Layout, Robot
from neuracore_ros.description.recorded_values import RecordedValues
from neuracore_ros.evaluation.outputs import Outputs
from neuracore_ros.evaluation.track import Hear, Tick
from neuracore_ros.observation import Observation, Observer, Unusable
from neuracore_ros.policy.manifest import Manifest


class BagTrack:
    """An open bag of one robot.

    The first tick is when every stream of the robot file has a sample, as for ``convert``. What
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
        told: Callable[[float], None],
    ) -> None:
        """Look whether the bag has what is needed.

        Args:
            bag: Open.
            robot: Whose it is.
            manifest: Of the policy, whose rate counts.
            topics: That the policy reads -> message type.
            told: Is given the part that is done, 0 to 1.

        Raises:
            BagError: It lacks a topic, or has it of another type.
        """
        read = [source for source in robot.input_sources() if source.topic in topics]
        measured = robot.measured_sources()
        require_topics(bag, (*read, *measured, *robot.output_sources()), robot.path)
        self.name, self.lacking = str(bag.path), ''
        self.actions: list[FloatArray] = []
        self._bag, self._told = bag, told
        self._rate_hz = manifest.rate_hz
        self._outputs = Outputs(robot)
        self._pieces: list[int] = []
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
        self._cuts: Cuts = find_cuts(bag, WHOLE, self._topics, motion)

    @property
    def values(self) -> RecordedValues:
        """What joints and grippers did, as far as it was played."""
        return self._observed.values

    def play(self, hear: Hear) -> Iterator[Tick]:
        """See `Track`."""
        rate_hz = self._rate_hz
        start_ns: int | None = None
        tick = piece = now_ns = 0
        span: Span | None = None
        for heard in self._bag.read(self._topics, self._told):
            heard_ns = heard.log_time_ns
            while start_ns is not None and (at_ns := tick_ns(start_ns, tick, rate_hz)) < heard_ns:
                if at_ns - now_ns > SILENCE_NS:
                    # A clock that was set may leave years without a message.
                    start_ns, tick, piece = heard_ns, 0, piece + 1
                    break
                found = self._cuts.at(at_ns)
                if isinstance(found, Span):
                    piece, span = piece + (found is not span), found
                    yield self._tick(at_ns, piece)
                tick += 1
            now_ns = heard_ns
            hear(*heard)
            self._commanded.receive(*heard)
            self._observed.receive(*heard)
            if start_ns is None:
                self._given.receive(*heard)
                if self._given.is_complete(now_ns) and self._commanded.is_complete(now_ns):
                    start_ns = now_ns
        if start_ns is not None:
            while (at_ns := tick_ns(start_ns, tick, rate_hz)) <= now_ns:
                if isinstance(self._cuts.at(at_ns), Span):
                    yield self._tick(at_ns, piece)
                tick += 1
        self._shift_measured()
        if not self.actions:
            self.lacking = self._missing(now_ns)

    @property
    def notes(self) -> tuple[str, ...]:
        """Once it was played, what is odd about it, and what of it could not be read."""
        odd = [note for stream in self._commanded.streams for note in stream.notes()]
        lost = [f'lost: {loss}' for loss in self._bag.losses]
        return tuple(f'{self.name}: {text}' for text in dict.fromkeys((*odd, *lost)))

    def _tick(self, now_ns: int, piece: int) -> Tick:
        self._observed.tick(now_ns)
        seen = self._commanded.observe(now_ns)
        if isinstance(seen, Observation):
            self.actions.append(self._outputs.of_slots(seen.inputs))
        else:
            self.actions.append(np.full(len(self._outputs.slots), np.nan))
        self._pieces.append(piece)
        return Tick(now_ns, piece)

    def _missing(self, now_ns: int) -> str:
        """Which name never had a sample, and what there is instead."""
        for observer in (self._commanded, self._given):
            snapshot = observer.snapshot(now_ns)
            faults = snapshot.reasons if isinstance(snapshot, Unusable) else ()
            for fault in faults:
                if fault.kind != 'stale':
                    return fault.text
        return 'its streams overlap in no episode'

    def _shift_measured(self) -> None:
        """What was measured one step later is what a measured type should have been told."""
        measured = [not slot.kind.is_target for slot in self._outputs.slots]
        ends = [*np.diff(self._pieces), 1][: len(self._pieces)]
        for number, is_end in enumerate(ends):
            after = np.nan if is_end else self.actions[number + 1][measured]
            self.actions[number][measured] = after
