"""A recording of one robot: its rows, and the audit of its ticks and messages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from neuracore_ros.bags.bag import Bag, open_bag
from neuracore_ros.convert.audit import Audit
from neuracore_ros.convert.chain_units import ChainUnits
from neuracore_ros.convert.control_track import NOBODY, find_control
from neuracore_ros.convert.cutting import KEEPS_NOBODY, WHOLE, Cutting
from neuracore_ros.convert.episodes import find_cuts, recorded_task
from neuracore_ros.convert.result import BagResult
from neuracore_ros.convert.rows import rows
from neuracore_ros.convert.simulated_time import clock_cure, pace_notes
from neuracore_ros.convert.topic_checks import describe, require_topics
from neuracore_ros.convert.wanted_outputs import WantedOutputs, recorded_outputs
from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.dataset.row import Row
from neuracore_ros.description import DataType, Descriptions, Robot, Source
from neuracore_ros.description.commanded_sources import commanded_sources
from neuracore_ros.description.recorded_checks import Severity, doubts
from neuracore_ros.description.recorded_values import RecordedValues
from neuracore_ros.errors import BagError, ObservationError, quoted
from neuracore_ros.observation import Observer
from neuracore_ros.progress import ProgressCallback
from neuracore_ros.wording import counted, counts

# Checks need no large images.
SURVEY_SIZE = (32, 32)


def observers(
    robot: Robot, metadata: Metadata, task: str = '', copies: bool = True
) -> tuple[Observer, Observer]:
    """Fresh observers of what the model reads and of what it should command.

    With ``copies``, frames of videos that can be copied stay undecoded.

    Raises:
        ObservationError: The task is too long for LANGUAGE.
    """
    texts = robot.texts(task)
    size = metadata.image_size
    return (
        Observer(
            robot.input_sources(),
            metadata.input_layout,
            size,
            texts=texts,
            stored_rate_hz=metadata.rate_hz if copies else None,
        ),
        Observer(robot.output_sources(), metadata.output_layout, None),
    )


class Recording:
    """An open recording, read once; without a given task, it is what the recording says itself.

    Raises:
        BagError: It lacks something declared, or a part that should be an episode; or what it
            says is too long for LANGUAGE.
        ObservationError: The given task is too long for it.

    Attributes:
        task: What is done in it, in words.
        values: What joints and grippers did in it, as far as it was read.
        audit: What became of streams and ticks.
        error: After :meth:`pieces`, why it cannot be converted; '' if it can.
    """

    def __init__(
        self,
        bag: Bag,
        robot: Robot,
        metadata: Metadata,
        cutting: Cutting,
        task: str | None = None,
        copies: bool = True,
    ) -> None:
        self._control = find_control(bag, cutting.control, cutting.keeps_nobody)
        outputs, commands = robot.output_sources(), self._commands(robot)
        if commands is not None:
            outputs = recorded_outputs(bag, outputs, commands)
        sources = robot.input_sources() + outputs
        require_topics(bag, sources, robot.path)
        self._bag = bag
        self._rate_hz = metadata.rate_hz
        self._topics = {topic: source.type for source in sources for topic in source.topics}
        moving = robot.output_sources() if commands is None else commands
        motion = Observer(moving, metadata.output_layout, None)
        self._cuts = find_cuts(bag, cutting, self._topics, motion)
        self._has_control = metadata.has_control
        self.task = recorded_task(bag) if task is None else task
        is_told = task is not None or any(s.data_type is DataType.LANGUAGE for s in sources)
        self._other_tasks = () if is_told else bag.tasks[1:]
        try:
            inputs, wanted = observers(robot, metadata, self.task, copies)
        except ObservationError as error:
            if task is not None:
                raise
            raise BagError(
                f'{bag.path}: its task: {error}; or give another one: --task'
            ) from error
        self._wanted: Observer | WantedOutputs = wanted
        if commands is not None:
            told = Observer(commands, metadata.output_layout, None)
            self._wanted = WantedOutputs(wanted, told)
        self._observers = inputs, self._wanted
        received = [source for source in sources if source.stamp == 'receive']
        self._pace = pace_notes(bag, {source.topic: source.type for source in received})
        if cure := clock_cure(bag, sources):
            for observer in self._observers:
                observer.cure_clock(cure)
        self.values = RecordedValues(robot, robot.input_sources(), robot.output_sources())
        streams = [stream for each in self._observers for stream in each.streams]
        self._chain_units = ChainUnits(robot, streams)
        self.audit = Audit(*self._observers, self.values)
        self.error = ''

    def pieces(self, progress: ProgressCallback = lambda part: None) -> Iterator[Iterator[Row]]:
        """Rows that follow each other without a gap, piece by piece."""
        control = self._control
        said = {control.topic: control.type} if control is not None else {}
        messages = self._bag.read({**self._topics, **said}, progress)
        steps = rows(messages, *self._observers, self._rate_hz, self.audit, self._cuts, control)
        try:
            for _, piece in groupby(steps, key=lambda row: row.piece):
                yield piece
            self.error = self._empty() or self._unusable()
        except BagError as unreadable:
            self.error = str(unreadable)
        self.audit.finish()

    def require_plausible(self) -> None:
        """Refuse what is in another unit than the robot file says.

        Raises:
            BagError: Some values are, as far as it was read; all of them in one line.
        """
        refused = [d.text for d in doubts(self.values) if d.severity is Severity.REFUSED]
        refused += self._chain_units.doubts()
        if refused:
            raise BagError(f'{self._bag.path}: {"; ".join(refused)}')

    def chains_in_another_unit(self) -> str:
        """Say of which chains the joints are in another unit; '' if none seems to be."""
        return '; '.join(self._chain_units.doubts())

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes that are worth knowing, a line each."""
        times = (*self.audit.late(), *self.audit.early())
        control = self._control.notes if self._control is not None else ()
        notes = (*self._cuts.notes, *times, *self._pace, *self.audit.notes)
        return (*notes, *control, *self._lost(), *self._left_out())

    @property
    def losses(self) -> tuple[str, ...]:
        """Parts that could not be read, a line each."""
        return self._bag.losses

    def _empty(self) -> str:
        """Say which declared name had no value, and what the bag has instead; '' if all had."""
        empty = self.audit.empty(self._bag.end_ns)
        if isinstance(self._wanted, WantedOutputs):
            spared = self._wanted.spared(self._bag.end_ns)
            empty = [(topic, why) for topic, why in empty if topic not in spared]
        if not empty:
            return ''
        topic, why = empty[0]
        found = self._bag.find(topic, self._topics.get(topic, ''))
        others = counted(len(empty) - 1, 'more name')
        more = f' (and {others} without a sample)' if empty[1:] else ''
        is_listed = 'It has: ' in why
        held = f'; the bag has {describe(self._bag, found)}' if found and not is_listed else ''
        lost = ''.join(f'; lost: {loss}' for loss in self.losses)
        return f'{self._bag.path}: {why}{held}{more}{lost}'

    def _commands(self, robot: Robot) -> tuple[Source, ...] | None:
        """Sources of what the node commanded; None where no node did, or they are no others."""
        if self._control is None or not self._control.is_of_node:
            return None
        commands = commanded_sources(robot)
        return commands if commands != robot.output_sources() else None

    def _left_out(self) -> Iterator[str]:
        """Say that only the first of several tasks is kept."""
        if self._other_tasks:
            yield (
                f'its task is {quoted(self.task)} throughout, of {len(self._other_tasks) + 1} '
                'tasks; for that of each step, write under sources: LANGUAGE: {topic: task}'
            )

    def _lost(self) -> Iterator[str]:
        """Say what is not kept of who commanded, a line each."""
        if self._control is None:
            return
        if left_out := self.audit.cut[NOBODY]:
            yield f'{counted(left_out, "tick")} left out: {self._nobody()}'
        if not self._has_control:
            yield (
                'who commanded is not kept: the dataset was made by a version that did not keep '
                'it; convert into a new one'
            )

    def _nobody(self) -> str:
        topic = self._control.topic if self._control is not None else ''
        return f'{NOBODY}, as {topic} says ({KEEPS_NOBODY} keeps such ticks)'

    def _unusable(self) -> str:
        """Say that no tick at all was usable, and why; '' if one was, or all were cut off."""
        audit = self.audit
        if audit.cut[NOBODY] and not audit.ticks:
            return f'{self._bag.path}: at none of its ticks somebody commands: {self._nobody()}'
        if audit.ticks > audit.unusable or (audit.cut and not audit.ticks):
            return ''
        why = ''.join(f'; {text}' for text in list(audit.texts.values())[:1])
        reasons = counts(audit.reasons)
        return f'{self._bag.path}: none of {audit.ticks} ticks is usable ({reasons}){why}'


def survey(
    robot: Robot,
    path: Path,
    rate_hz: float,
    namespace: str = '',
    use_sim_time: bool = False,
) -> BagResult:
    """Read a recording as ``convert`` does, and say the same of it; nothing is written."""
    described = Descriptions({robot.name: robot.input}, {robot.name: robot.output})
    metadata = Metadata(rate_hz, SURVEY_SIZE, described)
    try:
        with open_bag(path, namespace, use_sim_time) as bag:
            recording = Recording(bag, robot, metadata, WHOLE)
            steps = [sum(1 for _ in piece) for piece in recording.pieces()]
            other_unit = recording.chains_in_another_unit()
            losses = recording.losses
    except BagError as error:
        return BagResult(str(path), error=str(error))
    return BagResult(
        bag=str(path),
        episodes=tuple(range(len(steps))),
        steps=sum(steps),
        notes=recording.notes,
        losses=losses,
        error=recording.error or (f'{path}: {other_unit}' if other_unit else ''),
        audit=recording.audit.summary(),
    )
