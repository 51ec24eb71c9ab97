"""Recordings converted by the workers of a Dask scheduler, on as many computers as it has.

The recordings and the dataset must lie where every worker finds them under the same path. Dask
does the rest: it shares the work out, and does again what a lost worker had begun.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from distributed import Client, Future, as_completed
from distributed.scheduler import KilledWorker

from neuracore_ros.convert.convert_bag import BagDone, ConvertEvent, EpisodeDone, convert_bag
from neuracore_ros.convert.job import Job
from neuracore_ros.convert.result import BagResult
from neuracore_ros.errors import DatasetError
from neuracore_ros.progress import BagProgressCallback

ANSWERS_WITHIN_S = 10
# Recordings that are given out per thread: one is worked on, one waits.
AHEAD = 2


def on_cluster(
    job: Job, bags: Sequence[Path], address: str, progress: BagProgressCallback
) -> Iterator[tuple[int, ConvertEvent]]:
    """Convert recordings on the workers of a scheduler, such as ``tcp://10.0.0.1:8786``.

    Yields:
        The place of a recording, and everything that its worker says of it.

    Raises:
        DatasetError: There is no scheduler, it has no workers, or they cannot write.
    """
    job = replace(job, dataset=job.dataset.absolute(), staging=job.staging.absolute())
    with _client(address) as client:
        ahead = AHEAD * sum(client.nthreads().values())
        if not ahead:
            raise DatasetError(
                f'--scheduler {address}: it has no workers; start some with: dask worker {address}'
            )
        undone = set(range(len(bags)))
        given: dict[Future, int] = {}
        running = as_completed(loop=client.loop)
        while undone:
            for place in range(len(bags) - len(undone) + len(given), len(bags)):
                if place >= min(undone) + ahead:
                    break
                # Not pure: the result of an earlier run will not do, its files are gone.
                future = client.submit(_work, job, bags[place].absolute(), pure=False)
                given[future] = place
                running.add(future)
            future = next(running)
            place = given.pop(future)
            undone.remove(place)
            progress(place, 1.0)
            for event in _events(future, bags[place]):
                yield place, event


def _client(address: str) -> Client:
    try:
        return Client(address, timeout=ANSWERS_WITHIN_S, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:
        raise DatasetError(
            f'--scheduler {address}: no Dask scheduler answers there; start one with: '
            f'dask scheduler; and on each computer: dask worker {address}'
        ) from error


def _work(job: Job, bag: Path) -> list[ConvertEvent]:
    """Convert one recording on a worker, which says nothing until the end."""
    if not job.staging.is_dir():
        raise DatasetError(
            f'{socket.gethostname()}: there is no {job.staging} here: with --scheduler, dataset '
            'and recordings must lie on a file system that all workers share'
        )
    return list(convert_bag(job, bag))


def _events(future: Future, bag: Path) -> Iterator[ConvertEvent]:
    """The events of a worker, with the recording called as it was given."""
    error = future.exception()
    if isinstance(error, KilledWorker):
        lost = f'{bag}: {error.allowed_failures + 1} workers ended while they converted it'
        yield BagDone(BagResult(str(bag), error=lost))
        return
    if error is not None:
        raise error
    name = str(bag)
    for event in future.result():
        if isinstance(event, EpisodeDone):
            yield replace(event, episode=replace(event.episode, bag=name))
        else:
            finished = event.bag and replace(event.bag, bag=name)
            yield replace(event, result=replace(event.result, bag=name), bag=finished)
