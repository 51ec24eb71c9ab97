"""Episodes of one dataset or several become a new one; what is read is never written to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av

from neuracore_ros.dataset.metadata import METADATA_PATH
from neuracore_ros.dataset.unfinished import UNFINISHED_NAME
from neuracore_ros.edit.choice import EpisodeChoice
from neuracore_ros.edit.episode_copy import EpisodeCopier, read_record, widened
from neuracore_ros.edit.merging import EditedDataset
from neuracore_ros.edit.plan import EditPlan, make_plan
from neuracore_ros.edit.recordings import converted_otherwise
from neuracore_ros.errors import DatasetError, WriteError
from neuracore_ros.files import (
    LOCK_NAME,
    delete_partials,
    is_partial,
    locked,
    require_utf8,
    sync,
    write_whole,
)
from neuracore_ros.progress import NoticeCallback
from neuracore_ros.regular_file import read_bytes
from neuracore_ros.wording import counted

CopyProgressCallback = Callable[[int, int], None]
"""Takes how many episodes are copied, and of how many."""

_THREADS = 8
"""Episodes that are copied at once: they wait for the disk, which syncs several at a time."""


@dataclass(frozen=True, slots=True)
class EditResult:
    """The new dataset, in figures.

    Attributes:
        out: Its folder.
        robots: Robots that have episodes in it.
        episodes: Their number.
        steps: Their rows.
        earlier: Episodes that a run before had copied.
        removed: Episodes that ``convert`` will not bring back.
        repeated: Episodes that two datasets had, taken once.
    """

    out: str
    robots: tuple[str, ...]
    episodes: int
    steps: int
    earlier: int
    removed: int
    repeated: int

    def line(self) -> str:
        """The result in one line."""
        text = (
            f'{self.out}: {counted(self.episodes, "episode")}, {counted(self.steps, "step")} of '
            f'{", ".join(self.robots)}'
        )
        if self.removed:
            text += f'; {self.removed} left out'
        if self.earlier:
            text += f'; {self.earlier} were copied before'
        return text


def edit(
    datasets: Sequence[Path],
    out: Path,
    choice: EpisodeChoice,
    progress: CopyProgressCallback = lambda done, total: None,
    notify: NoticeCallback = lambda line: None,
) -> EditResult:
    """Make a new dataset of episodes of others; go on with it, if a run before was killed.

    Args:
        datasets: The first one, to which numbers refer, and those that come behind it.
        out: The new one's folder.
        choice: The episodes that are taken.
        progress: Takes how many episodes are copied, and of how many.
        notify: Takes lines for people.

    Raises:
        DatasetError: The datasets do not fit together, or are damaged; nothing would be left; or
            something else lies in the folder.
        UserError: Another process writes to it.
    """
    require_utf8(out, DatasetError)
    plan = make_plan(datasets, choice)
    _require_apart(out, plan.datasets)
    _require_new(out, plan)
    _require_same_values(plan)
    _tell(plan, notify)
    try:
        with locked(out, 'edit', 'wait for it, or give another --out'):
            _begin(out, plan)
            copier = EpisodeCopier(out, plan.metadata)
            earlier = _copy(copier, plan, progress)
            copier.finish()
            write_whole(out / METADATA_PATH, plan.metadata.to_json(), out)
            (out / UNFINISHED_NAME).unlink()
            sync(out)
    except (OSError, WriteError, av.FFmpegError) as error:
        why = f'{error.path}: {error.reason}' if isinstance(error, WriteError) else error
        raise DatasetError(
            f'{out}: cannot be written: {why}; mend this and run the same command again: '
            'it goes on where it was'
        ) from error
    return EditResult(
        out=str(out),
        robots=tuple(dict.fromkeys(each.episode.robot for each in plan.episodes)),
        episodes=len(plan.episodes),
        steps=copier.totals.rows,
        earlier=earlier,
        removed=len(plan.metadata.removed),
        repeated=len(plan.repeated),
    )


def _copy(copier: EpisodeCopier, plan: EditPlan, progress: CopyProgressCallback) -> int:
    """Copy all episodes; returns how many a run before had copied."""
    earlier = 0
    running: deque[Future[None]] = deque()
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix='copy')
    try:
        for number, taken in enumerate(plan.episodes):
            progress(number - len(running), len(plan.episodes))
            copy = copier.add(taken, number)
            if copy is None:
                earlier += 1
                continue
            running.append(threads.submit(copy))
            if len(running) > _THREADS:
                running.popleft().result()
        for each in running:
            each.result()
    finally:
        threads.shutdown(cancel_futures=True)
    return earlier


def _require_same_values(plan: EditPlan) -> None:
    """Require that an episode which two datasets have holds the same numbers in both.

    Raises:
        DatasetError: The numbers differ, as when two robot files were used.
    """
    for each in plan.repeated:
        figures = []
        for taken in (each.first, each.again):
            record = read_record(taken)
            statistics = widened(record.statistics, taken.dataset.metadata, plan.metadata)
            figures.append(
                {k: v.to_json(record.steps, image=False) for k, v in statistics.items()}
            )
        if figures[0] != figures[1]:
            raise converted_otherwise(each.first, each.again, 'its episodes have other values')


def _tell(plan: EditPlan, notify: NoticeCallback) -> None:
    """Tell what a user may not expect of the datasets that are read."""
    for each in plan.datasets:
        if (each.path / LOCK_NAME).exists():
            notify(
                f'{each.path}: is being written to, or its convert was killed: the '
                f'{counted(len(each.metadata.episodes), "episode")} that it has now are read'
            )
        if plan.metadata.has_control and not each.metadata.has_control:
            notify(
                f'{each.path}: was made before datasets said who commanded: its steps count as '
                'demonstrations'
            )
        if again := [one for one in plan.repeated if one.again.dataset is each]:
            origin = again[0].first.dataset.path
            notify(
                f'{each.path}: shares {counted(len(again), "episode")} with {origin}, from which '
                'each is taken'
            )


def _require_apart(out: Path, datasets: Sequence[EditedDataset]) -> None:
    """Refuse to write into what is read, or around it.

    Raises:
        DatasetError: One folder lies within the other.
    """
    place = out.resolve()
    for each in datasets:
        path = each.path.resolve()
        if place == path:
            raise DatasetError(f'{out}: is what is read: a dataset is never edited in place')
        for inner, outer in ((out, each.path), (each.path, out)):
            if outer.resolve() in inner.resolve().parents:
                raise DatasetError(
                    f'{inner}: lies in {outer}; give --out a folder beside the datasets'
                )


def _require_new(out: Path, plan: EditPlan) -> bool:
    """Refuse a folder that holds something else than the beginning of this very edit.

    Returns:
        True if this edit has begun there.

    Raises:
        DatasetError: The folder holds something else.
    """
    if out.is_symlink() and not out.exists():
        raise DatasetError(f'{out}: is a link that leads nowhere; delete it')
    if not out.exists():
        return False
    if not out.is_dir():
        raise DatasetError(f'{out}: is a file; --out is the folder of the new dataset')
    mark = out / UNFINISHED_NAME
    if mark.is_file() and not mark.is_symlink():
        if read_bytes(mark) != plan.text():
            raise DatasetError(
                f'{out}: holds another edit that has not ended, or its datasets have changed '
                'since; delete the folder, or give another --out'
            )
        metadata = out / METADATA_PATH
        if not metadata.exists() or read_bytes(metadata) == plan.metadata.to_json().encode():
            return True
    if any(each.name != LOCK_NAME and not is_partial(each) for each in out.iterdir()):
        raise DatasetError(f'{out}: exists; --out is the folder of a new dataset')
    return False


def _begin(out: Path, plan: EditPlan) -> None:
    """Leave the mark that says what is being made here."""
    if not _require_new(out, plan):
        write_whole(out / UNFINISHED_NAME, plan.text(), out)
    delete_partials(out)
