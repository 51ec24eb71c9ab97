"""The conversion of one recording to staged episodes, in this process or another."""

from __future__ import annotations

import ctypes
import gc
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import av

from neuracore_ros.bags.bag import open_bag
from neuracore_ros.bags.identity import files_digest, known_as
from neuracore_ros.bags.recorded_pairs import recorded_pair
from neuracore_ros.convert.audit import Audit
from neuracore_ros.convert.job import Job
from neuracore_ros.convert.recording import Recording
from neuracore_ros.convert.result import BagResult
from neuracore_ros.dataset.metadata import ConvertedBag, Episode
from neuracore_ros.dataset.staging import EpisodeWriter, StagedEpisode
from neuracore_ros.dataset.video_copy import DamagedFrameError
from neuracore_ros.errors import BagError, DatasetError, WriteError, quoted
from neuracore_ros.progress import ProgressCallback

# Parts of the work on one recording.
_IDENTIFYING, _READING = 0.2, 0.8

JUDGED_EVERY = 1000
"""Steps of an episode after which its values are judged; and so is the whole."""


@dataclass(frozen=True, slots=True)
class EpisodeDone:
    """An episode that waits for its number.

    Attributes:
        episode: What the dataset will say of it.
        staged: Its files and numbers.
    """

    episode: Episode
    staged: StagedEpisode


@dataclass(frozen=True, slots=True)
class BagDone:
    """The end of a recording.

    Attributes:
        result: What became of it, but for what the dataset knows: numbers, earlier episodes.
        fingerprint: Of the recording; '' where it could not be opened.
        bag: To be noted as finished; None where there was an error.
        audit: All that is known of its streams and ticks; None where nothing was read.
    """

    result: BagResult
    fingerprint: str = ''
    bag: ConvertedBag | None = None
    audit: Audit | None = None


ConvertEvent = EpisodeDone | BagDone


def convert_bag(
    job: Job, path: Path, progress: ProgressCallback = lambda part: None
) -> Iterator[ConvertEvent]:
    """Convert one recording, up to the numbers of its episodes.

    Yields:
        Each episode as soon as it is complete, and one ``BagDone`` at the end.

    Raises:
        DatasetError: Nothing can be written, for instance because the disk is full.
    """
    # Of its own for each attempt: one that is thought dead may still write to another.
    folder = job.staging / uuid.uuid4().hex
    # Streams and their channels refer to each other, so that their images stay until Python looks
    # for such. It is told to at the end, and to look at no more than what came since: else it
    # takes as long as a short episode.
    gc.freeze()
    try:
        try:
            yield from _staged(job, path, folder, progress)
        except DamagedFrameError:
            # With all frames decoded, what is whole is used, as of other recordings; what has
            # come of it already is not added twice.
            yield from _staged(job, path, folder / 'again', progress, copies=False)
    except BagError as error:
        yield BagDone(BagResult(str(path), error=str(error)))
    except (OSError, av.FFmpegError) as error:
        raise cannot_write(job.dataset, error) from error
    finally:
        gc.collect()
        gc.unfreeze()
        trim_heap()


def trim_heap() -> None:
    """Give freed memory back to the system.

    Each codec thread of a recording leaves an arena with holes, which glibc keeps: a process that
    converts a hundred recordings grew. Fewer arenas (M_ARENA_MAX) were measured to grow likewise.
    """
    # The C library may have none (musl, macOS).
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def cannot_write(dataset: Path, error: Exception) -> DatasetError:
    """The error for people; it says that nothing is lost."""
    why = f'{error.path}: {error.reason}' if isinstance(error, WriteError) else error
    return DatasetError(
        f'{dataset}: cannot be written: {why}; mend this and run the same command again: '
        'no episode is lost'
    )


def _staged(
    job: Job, path: Path, folder: Path, progress: ProgressCallback, copies: bool = True
) -> Iterator[ConvertEvent]:
    robot, metadata, settings = job.robot, job.metadata, job.settings
    files = files_digest(path)
    given = settings.pairs.get(path)
    if known := job.unread.get((str(path), files)):
        _require_same_cutting(job, path, known)
        _require_same_pair(job, path, known, given)
        yield BagDone(BagResult(str(path)), known)
        return
    with open_bag(path, settings.namespace, settings.use_sim_time) as bag:
        fingerprint = known_as(bag, job.paths, lambda part: progress(part * _IDENTIFYING))
        _require_same_cutting(job, path, fingerprint)
        if fingerprint in job.finished:
            _require_same_pair(job, path, fingerprint, given)
            yield BagDone(BagResult(str(path)), fingerprint)
            return
        pair, pair_note = recorded_pair(bag) if given is None else (given, '')
        _require_same_pair(job, path, fingerprint, pair)
        folder.mkdir()
        recording = Recording(bag, robot, metadata, settings.cutting, settings.task, copies)
        episode = Episode(
            robot.name, str(path), 0, 0, fingerprint, cutting=settings.options, pair=pair
        )
        short: list[int] = []
        yield from _episodes(
            job,
            recording,
            episode,
            folder,
            short,
            lambda part: progress(_IDENTIFYING + part * _READING),
        )
        audit, losses = recording.audit.summary(), recording.losses
    result = BagResult(
        bag=str(path),
        short_pieces=len(short),
        short_steps=sum(short),
        pair=pair,
        notes=(
            *recording.notes,
            *([pair_note] if pair_note else []),
            *_replaced(job, path, fingerprint),
        ),
        losses=losses,
        error=recording.error,
        audit=audit,
    )
    finished = ConvertedBag(
        robot=robot.name,
        bag=str(path),
        fingerprint=fingerprint,
        ticks=audit.ticks,
        dropped=dict(audit.reasons + audit.cut),
        short_pieces=result.short_pieces,
        short_steps=result.short_steps,
        cutting=settings.options,
        losses=result.losses,
        streams=audit.streams,
        files=files,
    )
    yield BagDone(result, fingerprint, None if recording.error else finished, recording.audit)


def _episodes(
    job: Job,
    recording: Recording,
    episode: Episode,
    folder: Path,
    short: list[int],
    progress: ProgressCallback,
) -> Iterator[EpisodeDone]:
    """Stage the pieces of a recording that are long enough, not in the dataset, not removed.

    ``episode`` is what they have in common; ``short`` takes the steps of those that are too short.
    """
    mark = episode.fingerprint
    known_ns = {*job.starts_ns.get(mark, ()), *job.removed_ns.get(mark, ())}
    dropped: Counter[str] = Counter()
    for number, piece in enumerate(recording.pieces(progress)):
        first = next(piece)
        dropped.update(first.dropped)
        if first.tick_ns in known_ns:
            dropped.clear()
            for _ in piece:
                pass
            continue
        writing = EpisodeWriter(folder / str(number), job.metadata, recording.task)
        try:
            for row in chain([first], piece):
                writing.add(row)
                if writing.steps % JUDGED_EVERY == 0:
                    recording.require_plausible()
            recording.require_plausible()
            if writing.steps < job.settings.min_steps:
                writing.discard()
                short.append(writing.steps)
                dropped['short piece'] += writing.steps
                continue
            staged = writing.finish()
        except BaseException:
            writing.discard()
            raise
        control = staged.columns.control
        found = replace(
            episode,
            start_ns=first.tick_ns,
            steps=staged.steps,
            dropped=dict(dropped),
            outcome=first.outcome,
            attempt_ns=first.attempt_ns,
            policy=control.policy if control is not None else '',
            interventions=control.interventions if control is not None else 0,
        )
        yield EpisodeDone(found, staged)
        dropped.clear()


def _replaced(job: Job, path: Path, fingerprint: str) -> Iterator[str]:
    """Note that another recording, of which the dataset has episodes, lay at this path."""
    if any(bag == str(path) and mark != fingerprint for mark, bag in job.paths.items()):
        yield (
            'another recording lay here before, whose episodes the dataset keeps: if this is the '
            'same one, grown or repaired, it has that time twice: convert into another dataset'
        )


def _require_same_cutting(job: Job, bag: Path, fingerprint: str) -> None:
    """Refuse to cut a recording twice, in two ways.

    Raises:
        BagError: The dataset has it already, cut otherwise.
    """
    now = job.settings.options
    before = job.cuttings.get(fingerprint, now)
    if before != now:
        raise BagError(
            f'{bag}: is in the dataset already, cut with {before or "no option"}, which cannot '
            f'become {now or "none"}; convert it into another dataset'
        )


def _require_same_pair(job: Job, bag: Path, fingerprint: str, pair: str | None) -> None:
    """Refuse to give the episodes of a recording two labels; None is the one that they have.

    Raises:
        BagError: The dataset has some already, with another label.
    """
    before = job.pairs.get(fingerprint, pair)
    if pair is not None and before != pair:
        is_of = f'of pair {quoted(before)}' if before else 'of no pair'
        raise BagError(
            f'{bag}: is in the dataset already, {is_of}, which cannot become '
            f'{quoted(pair) if pair else "none"}; convert it into another dataset'
        )
