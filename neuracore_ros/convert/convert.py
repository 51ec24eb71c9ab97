"""Recordings of one robot become episodes of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from neuracore_ros.convert.commit import Committer, in_order
from neuracore_ros.convert.convert_bag import Event, Piece, cannot_write, stage
from neuracore_ros.convert.job import (
    Job,
    Settings,
    new_metadata,
    plan,
    require_output,
    require_same,
)
from neuracore_ros.convert.result import BagResult, Result
from neuracore_ros.dataset.writer import open_dataset
from neuracore_ros.description import Descriptions
from neuracore_ros.errors import WriteError
from neuracore_ros.progress import BagProgressCallback, NoticeCallback


def convert(
    dataset: Path,
    descriptions: Descriptions,
    robot: str,
    bags: Sequence[Path],
    settings: Settings,
    progress: BagProgressCallback = lambda place, part: None,
    reported: Callable[[BagResult], None] = lambda result: None,
    notify: NoticeCallback = lambda line: None,
) -> Result:
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
    results = []
    try:
        with open_dataset(dataset, new_metadata(descriptions, settings), notify) as writer:
            require_same(dataset, writer.metadata, settings)
            writer.describe(chosen)
            job = plan(dataset, writer.staging, chosen, writer.metadata, settings)
            committer = Committer(writer, chosen.name)
            with closing(_events(job, bags, progress)) as events:
                for event in in_order(events):
                    if isinstance(event, Piece):
                        committer.add(event)
                        continue
                    results.append(committer.end(event))
                    reported(results[-1])
    except (OSError, WriteError) as error:
        raise cannot_write(dataset, error) from error
    return Result(str(dataset), robot, tuple(results))


def _events(
    job: Job, bags: Sequence[Path], progress: BagProgressCallback
) -> Generator[tuple[int, Event], None, None]:
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
            for event in stage(job, bag, partial(progress, place)):
                yield place, event
