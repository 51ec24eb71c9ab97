"""Recordings of one robot become episodes of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from neuracore_ros.convert.audit_total import AuditTotal
from neuracore_ros.convert.convert_bag import (
    BagDone,
    ConvertEvent,
    EpisodeDone,
    cannot_write,
    convert_bag,
)
from neuracore_ros.convert.job import (
    ConvertSettings,
    Job,
    new_metadata,
    plan,
    require_output,
    require_same,
)
from neuracore_ros.convert.result import BagResult, ConvertResult
from neuracore_ros.dataset.writer import DatasetWriter, open_dataset
from neuracore_ros.description import Descriptions
from neuracore_ros.errors import WriteError
from neuracore_ros.progress import BagProgressCallback, NoticeCallback


def convert(
    dataset: Path,
    descriptions: Descriptions,
    robot: str,
    bags: Sequence[Path],
    settings: ConvertSettings,
    progress: BagProgressCallback = lambda place, part: None,
    reported: Callable[[BagResult], None] = lambda result: None,
    notify: NoticeCallback = lambda line: None,
) -> ConvertResult:
    """Append recordings to a dataset, and make it if there is none.

    A recording that cannot be read does not keep the others out; it is in the result. What the
    dataset will hold does not depend on how many workers there are, nor on who is done first.

    Args:
        dataset: The folder.
        descriptions: Robots for whose layouts a new dataset is made.
        robot: The one in these recordings.
        bags: Recordings.
        settings: Rate, image size, workers and so on.
        progress: Called a few times a second.
        reported: Called after each recording, in their order.
        notify: Takes what an earlier convert had left, and what became of it, a line each.

    Raises:
        DescriptionError: The robot cannot be converted, or does not fit the dataset's layout.
        DatasetError: The folder is something else, in use, or has another rate or image size;
            or it cannot be written, for instance because the disk is full; or there is no
            scheduler.
    """
    chosen = descriptions.robot(robot)
    require_output(chosen)
    results, total = [], AuditTotal()
    try:
        with open_dataset(dataset, new_metadata(descriptions, settings), notify) as writer:
            require_same(dataset, writer.metadata, settings)
            writer.describe(chosen)
            job = plan(dataset, writer.staging, chosen, writer.metadata, settings)
            committer = _Committer(writer, job)
            with closing(_events(job, bags, progress)) as events:
                for event in _in_order(events):
                    if isinstance(event, EpisodeDone):
                        committer.add(event)
                        continue
                    results.append(committer.end(event))
                    if event.audit is not None and results[-1].audit is not None:
                        total.add(event.audit)
                    reported(results[-1])
    except (OSError, WriteError) as error:
        raise cannot_write(dataset, error) from error
    return ConvertResult(str(dataset), robot, tuple(results), total)


def _events(
    job: Job, bags: Sequence[Path], progress: BagProgressCallback
) -> Generator[tuple[int, ConvertEvent], None, None]:
    """The work on all recordings, wherever it is done."""
    settings = job.settings
    if settings.scheduler:
        from neuracore_ros.convert.cluster import on_cluster

        yield from on_cluster(job, bags, settings.scheduler, progress)
    elif min(settings.workers, len(bags)) > 1:
        from neuracore_ros.convert.workers import side_by_side

        yield from side_by_side(job, bags, settings.workers, progress)
    else:
        for place, bag in enumerate(bags):
            for event in convert_bag(job, bag, partial(progress, place)):
                yield place, event


def _in_order(events: Iterable[tuple[int, ConvertEvent]]) -> Iterator[ConvertEvent]:
    """Hold back what belongs to a later recording than the one whose turn it is.

    Events come with the place of their recording, those of each place in order.
    """
    held: dict[int, list[ConvertEvent]] = {}
    turn = 0
    for place, event in events:
        held.setdefault(place, []).append(event)
        while turn in held:
            ready = held.pop(turn)
            yield from ready
            if not isinstance(ready[-1], BagDone):
                break
            turn += 1


class _Committer:
    """Adds what was staged, unless it is in the dataset already."""

    def __init__(self, writer: DatasetWriter, job: Job) -> None:
        self._writer = writer
        self._finished = {fingerprint: job.paths[fingerprint] for fingerprint in job.finished}
        self._removed = {mark: len(starts_ns) for mark, starts_ns in job.removed_ns.items()}
        self._starts_ns = {mark: set(starts_ns) for mark, starts_ns in job.starts_ns.items()}
        self._written: list[int] = []
        self._steps = 0

    def add(self, piece: EpisodeDone) -> None:
        """Commit one episode of the recording whose turn it is."""
        episode = piece.episode
        starts_ns = self._starts_ns.setdefault(episode.fingerprint, set())
        if episode.fingerprint in self._finished or episode.start_ns in starts_ns:
            piece.staged.discard()
            return
        self._written.append(self._writer.commit(piece.staged, episode))
        self._steps += episode.steps
        starts_ns.add(episode.start_ns)

    def end(self, done: BagDone) -> BagResult:
        """Note the end of a recording, and give what became of it."""
        earlier = len(self._starts_ns.get(done.fingerprint, ())) - len(self._written)
        removed = self._removed.get(done.fingerprint, 0)
        if done.fingerprint in self._finished:
            known_as = self._finished[done.fingerprint]
            return BagResult(done.result.bag, earlier=earlier, removed=removed, known_as=known_as)
        if done.bag is not None:
            self._writer.finish_bag(done.bag)
            self._finished[done.fingerprint] = done.bag.bag
        result = replace(
            done.result,
            episodes=tuple(self._written),
            steps=self._steps,
            earlier=earlier,
            removed=removed,
        )
        self._written, self._steps = [], 0
        return result
