"""Recordings of one robot become episodes of a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby
from pathlib import Path

import av

from neuracore_ros.dataset.audit import Audit, counts
from neuracore_ros.dataset.bags import Bag, Recorded, open_bag
from neuracore_ros.dataset.cutting import WHOLE, Cutting
from neuracore_ros.dataset.declared import describe, require_topics
from neuracore_ros.dataset.episodes import find_cuts
from neuracore_ros.dataset.metadata import ConvertedBag, Episode, Metadata
from neuracore_ros.dataset.result import BagResult, Result
from neuracore_ros.dataset.rows import Row, rows
from neuracore_ros.dataset.writer import DatasetWriter, open_dataset
from neuracore_ros.description import Descriptions, Robot, Source
from neuracore_ros.errors import BagError, DatasetError, DescriptionError
from neuracore_ros.observation import Observer

RATE_HZ = 20.0
IMAGE_SIZE = (224, 224)
MIN_STEPS = 10

Progress = Callable[[str, float], None]
"""Is told a bag's path, and which part of it is done (0..1)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to convert.

    Attributes:
        rate_hz: Steps per second, [Hz]; None: the dataset's, or 20 Hz for a new one.
        image_size: (height, width), [px]; None: the dataset's, or 224x224 for a new one.
        min_steps: Shorter pieces are dropped.
        task: What is done in these recordings.
        namespace: Where topics without a leading slash were recorded.
        cutting: Which parts of a recording are episodes.
    """

    rate_hz: float | None = None
    image_size: tuple[int, int] | None = None
    min_steps: int = MIN_STEPS
    task: str = ''
    namespace: str = ''
    cutting: Cutting = WHOLE


def convert(
    dataset: Path,
    descriptions: Descriptions,
    robot: str,
    bags: Sequence[Path],
    settings: Settings,
    progress: Progress = lambda bag, part: None,
    reported: Callable[[BagResult], None] = lambda result: None,
) -> Result:
    """Append recordings to a dataset, and make it if there is none.

    A recording that cannot be read does not keep the others out; it is in the result.

    Args:
        dataset: The folder.
        descriptions: Robots for whose layouts a new dataset is made.
        robot: The one in these recordings.
        bags: Recordings.
        settings: Rate, image size and so on.
        progress: Called every few rows.
        reported: Called after each recording.

    Raises:
        DescriptionError: The robot cannot be converted, or does not fit the dataset's layout.
        DatasetError: The folder is something else, in use, or has another rate or image size;
            or it cannot be written, for instance because the disk is full.
    """
    chosen = descriptions.robot(robot)
    _require_numbers(chosen)
    new = Metadata(
        settings.rate_hz or RATE_HZ,
        settings.image_size or IMAGE_SIZE,
        Descriptions(descriptions.input, descriptions.output),
    )
    results = []
    try:
        with open_dataset(dataset, new) as writer:
            _require_same(dataset, writer.metadata, settings)
            writer.describe(chosen)
            for bag in bags:
                try:
                    result = convert_bag(writer, chosen, bag, settings, progress)
                except BagError as error:
                    result = BagResult(str(bag), error=str(error))
                results.append(result)
                reported(result)
    except (OSError, av.FFmpegError) as error:
        raise DatasetError(
            f'{dataset}: cannot be written: {error}; mend this and run the same command again: '
            'no episode is lost'
        ) from error
    return Result(str(dataset), robot, tuple(results))


def convert_bag(
    writer: DatasetWriter,
    robot: Robot,
    path: Path,
    settings: Settings,
    progress: Progress = lambda bag, part: None,
) -> BagResult:
    """Append one recording, unless it is in the dataset already.

    Raises:
        BagError: It cannot be read, or lacks something declared.
    """
    known = writer.metadata
    with open_bag(path, settings.namespace) as bag:
        mine = ConvertedBag(
            robot.name, str(path), bag.fingerprint(), cutting=str(settings.cutting)
        )
        _require_same_cutting(known, mine)
        before = [(other.robot, other.fingerprint) for other in known.bags]
        if (mine.robot, mine.fingerprint) in before:
            return BagResult(str(path), earlier=len(_episodes(known, mine)))
        require_topics(bag, _sources(robot), robot.path)
        topics = {topic for source in _sources(robot) for topic in source.topics}
        _, motion = observers(robot, known)
        cuts = find_cuts(bag, settings.cutting, topics, motion)
        inputs, outputs = observers(robot, known, settings.task)
        audit = Audit(inputs, outputs)
        pieces = _Pieces(writer, mine, settings)
        messages = _told(bag, topics, progress)
        try:
            steps = rows(messages, inputs, outputs, known.rate_hz, audit, cuts)
            for _, piece in groupby(steps, key=lambda row: row.piece):
                pieces.add(piece)
            error = _empty(bag, audit)
        except BagError as unreadable:
            error = str(unreadable)
        losses = bag.losses
        audit.finish()
    if not error and audit.ticks == audit.unusable and (audit.ticks or not audit.cut):
        why = ''.join(f'; {text}' for text in list(audit.texts.values())[:1])
        error = f'{path}: none of {audit.ticks} ticks is usable ({counts(audit.reasons)}){why}'
    if not error:
        pieces.finish(audit, losses)
    return pieces.result(audit, error, cuts.notes, losses)


def observers(robot: Robot, metadata: Metadata, task: str = '') -> tuple[Observer, Observer]:
    """Fresh observers of what the model reads and of what it should command.

    Raises:
        ObservationError: The task is too long for LANGUAGE.
    """
    texts = robot.texts(task)
    size = metadata.image_size
    return (
        Observer(robot.input_sources(), metadata.input_layout, size, texts=texts),
        Observer(robot.output_sources(), metadata.output_layout, None),
    )


class _Pieces:
    """Writes the pieces of one recording that are long enough and not there yet."""

    def __init__(self, writer: DatasetWriter, bag: ConvertedBag, settings: Settings) -> None:
        self._writer = writer
        self._bag = bag
        self._settings = settings
        self._earlier = _episodes(writer.metadata, bag)
        self._written: list[int] = []
        self._steps = 0
        self._short: list[int] = []
        self._dropped: Counter[str] = Counter()

    def add(self, piece: Iterator[Row]) -> None:
        """Write one piece, row by row."""
        first = next(piece)
        self._dropped.update(first.dropped)
        if first.tick_ns in self._earlier:
            self._dropped.clear()
            for _ in piece:
                pass
            return
        writing = self._writer.episode(self._settings.task)
        try:
            for row in chain([first], piece):
                writing.add(row)
            if writing.steps < self._settings.min_steps:
                writing.discard()
                self._short.append(writing.steps)
                self._dropped['short piece'] += writing.steps
                return
            episode = Episode(
                robot=self._bag.robot,
                bag=self._bag.bag,
                start_ns=first.tick_ns,
                steps=writing.steps,
                fingerprint=self._bag.fingerprint,
                dropped=dict(self._dropped),
                outcome=first.outcome,
                cutting=self._bag.cutting,
            )
            self._writer.commit(writing, episode)
        except BaseException:
            writing.discard()
            raise
        self._written.append(writing.number)
        self._steps += writing.steps
        self._dropped.clear()

    def finish(self, audit: Audit, losses: Sequence[str]) -> None:
        """Note that the recording is converted wholly."""
        self._writer.finish_bag(
            replace(
                self._bag,
                ticks=audit.ticks,
                dropped=dict(audit.reasons + audit.cut),
                short_pieces=len(self._short),
                short_steps=sum(self._short),
                losses=tuple(losses),
                streams=[stream.to_json() for stream in audit.streams],
            )
        )

    def result(
        self, audit: Audit, error: str, notes: Sequence[str], losses: Sequence[str]
    ) -> BagResult:
        """What became of the recording."""
        return BagResult(
            bag=self._bag.bag,
            episodes=tuple(self._written),
            steps=self._steps,
            earlier=len(self._earlier),
            short_pieces=len(self._short),
            short_steps=sum(self._short),
            notes=(*notes, *audit.late()),
            losses=tuple(losses),
            error=error,
            audit=audit,
        )


def _episodes(metadata: Metadata, bag: ConvertedBag) -> set[int]:
    """First ticks of the episodes that a recording has in the dataset already, [ns]."""
    return {
        episode.start_ns
        for episode in metadata.episodes
        if (episode.robot, episode.fingerprint) == (bag.robot, bag.fingerprint)
    }


def _require_same_cutting(metadata: Metadata, bag: ConvertedBag) -> None:
    """Refuse to cut a recording twice, in two ways.

    Raises:
        BagError: The dataset has it already, cut otherwise.
    """
    before = [(other.robot, other.fingerprint, other.cutting) for other in metadata.bags]
    before += [(other.robot, other.fingerprint, other.cutting) for other in metadata.episodes]
    for robot, fingerprint, cutting in before:
        if (robot, fingerprint) == (bag.robot, bag.fingerprint) and cutting != bag.cutting:
            raise BagError(
                f'{bag.bag}: is in the dataset already, cut with {cutting or "no option"}, '
                f'which cannot become {bag.cutting or "none"}; convert it into another dataset'
            )


def _told(bag: Bag, topics: Iterable[str], progress: Progress) -> Iterator[Recorded]:
    """The messages, telling now and then how far they are."""
    span_ns = max(bag.end_ns - bag.start_ns, 1)
    for count, recorded in enumerate(bag.read(topics)):
        if count % 100 == 0:
            progress(str(bag.path), (recorded.log_time_ns - bag.start_ns) / span_ns)
        yield recorded


def _sources(robot: Robot) -> tuple[Source, ...]:
    return robot.input_sources() + robot.output_sources()


def _require_numbers(robot: Robot) -> None:
    for kind in robot.output:
        if not kind.is_commandable:
            raise DescriptionError(f'{robot.path}: output {kind} is not supported: no command')
    if not robot.output:
        raise DescriptionError(f'{robot.path}: the robot has no output: nothing to learn')


def _require_same(dataset: Path, metadata: Metadata, settings: Settings) -> None:
    """Refuse what would change a dataset that has episodes."""
    if settings.rate_hz not in {None, metadata.rate_hz}:
        raise DatasetError(
            f'{dataset}: was made with --rate-hz {metadata.rate_hz:g}, which cannot become '
            f'{settings.rate_hz:g}; leave the option out, or convert into another dataset'
        )
    if settings.image_size not in {None, metadata.image_size}:
        raise DatasetError(
            f'{dataset}: was made with --image-size {_size(metadata.image_size)}, which cannot '
            f'become {_size(settings.image_size)}; leave the option out, or convert into '
            'another dataset'
        )


def _empty(bag: Bag, audit: Audit) -> str:
    """Which declared name never had a value, and what the bag has instead; '' if all had."""
    empty = audit.empty(bag.end_ns)
    if not empty:
        return ''
    topic, why = empty[0]
    found = bag.find(topic)
    more = f' (and {len(empty) - 1} more names without a sample)' if empty[1:] else ''
    held = f'; the bag has {describe(bag, found)}' if found else ''
    lost = ''.join(f'; lost: {loss}' for loss in bag.losses)
    return f'{bag.path}: {why}{held}{more}{lost}'


def _size(size: tuple[int, int] | None) -> str:
    height, width = size or IMAGE_SIZE
    return f'{width}x{height}'
