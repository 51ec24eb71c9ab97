"""Recordings converted side by side, each in a process of this computer."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import cv2

from neuracore_ros.convert.convert_bag import BagDone, ConvertEvent, convert_bag
from neuracore_ros.convert.job import Job
from neuracore_ros.convert.result import BagResult
from neuracore_ros.errors import UserError
from neuracore_ros.progress import BagProgressCallback

PROGRESS_EVERY_S = 0.2
ENDS_WITHIN_S = 5.0

# A fork would copy the locks of threads that do not live on in it.
_CONTEXT = get_context('spawn')


@dataclass(frozen=True, slots=True)
class _Failure:
    """The end of the whole run: an error for people, or the traceback of a mistake of ours."""

    error: UserError | None
    text: str


@dataclass(slots=True)
class _Worker:
    """A process, the near end of its pipe, and the place of its recording; None: it is idle."""

    process: SpawnProcess
    pipe: Connection
    place: int | None = None


def side_by_side(
    job: Job, bags: Sequence[Path], workers: int, progress: BagProgressCallback
) -> Iterator[tuple[int, ConvertEvent]]:
    """Convert recordings in processes, never more than ``workers`` ahead of the first undone one.

    Yields:
        The place of a recording, and what its process says of it, as it comes.

    Raises:
        DatasetError: Nothing can be written, for instance because the disk is full.
    """
    crew = [_start(job) for _ in range(min(workers, len(bags)))]
    waiting = deque(range(len(bags)))
    undone = set(waiting)
    try:
        while undone:
            for worker in crew:
                if worker.place is None and waiting and waiting[0] <= min(undone) + workers:
                    worker.place = waiting.popleft()
                    # If the process has ended, the end of its pipe says so below.
                    with suppress(ConnectionError):
                        worker.pipe.send(bags[worker.place])
            busy = {worker.pipe: worker for worker in crew if worker.place is not None}
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]
                place = worker.place
                assert place is not None
                try:
                    said = worker.pipe.recv()
                except (EOFError, OSError):
                    said = _lost(worker, bags[place])
                    crew[crew.index(worker)] = _start(job)
                if isinstance(said, _Failure):
                    raise said.error or RuntimeError(said.text)
                if isinstance(said, float):
                    progress(place, said)
                    continue
                if isinstance(said, BagDone):
                    undone.discard(place)
                    worker.place = None
                yield place, said
    finally:
        for worker in crew:
            worker.process.terminate()
        for worker in crew:
            worker.process.join(ENDS_WITHIN_S)
            if worker.process.is_alive():
                worker.process.kill()
            worker.pipe.close()


def _start(job: Job) -> _Worker:
    near, far = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_work, args=(far, job), daemon=True)
    # Starting the tracker unblocks signals until Python 3.12, so that it must be running already.
    resource_tracker.ensure_running()
    # Ctrl-C reaches every process of a terminal; the workers leave it to this one.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _interrupts_wait():
            process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    far.close()
    return _Worker(process, near)


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Let Ctrl-C wait: a worker that has not received all complains with a traceback.

    The mask of this thread is not enough, since a library's thread may take the signal, and
    Python then raises it here.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        signal.raise_signal(signal.SIGINT)


def _lost(worker: _Worker, bag: Path) -> BagDone:
    """The end of a recording whose process has ended."""
    worker.process.join(ENDS_WITHIN_S)
    code = worker.process.exitcode or 0
    how = f'was killed by signal {-code}' if code < 0 else f'ended with code {code}'
    hint = '; was the memory full? Take fewer --workers' if code == -signal.SIGKILL else ''
    return BagDone(BagResult(str(bag), error=f'{bag}: the process that converted it {how}{hint}'))


def _work(pipe: Connection, job: Job) -> None:
    """Convert one recording after the other, in a worker."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)  # the other processors have work of their own
    progress = _Seldom(pipe)
    # A parent that was interrupted reads no more, and may end its workers a moment later.
    with suppress(EOFError, ConnectionError):
        while True:
            _convert_next(pipe, job, progress)


def _convert_next(pipe: Connection, job: Job, progress: _Seldom) -> None:
    bag = pipe.recv()
    try:
        for event in convert_bag(job, bag, progress):
            pipe.send(event)
    except UserError as error:
        pipe.send(_Failure(error, ''))
    except Exception:
        pipe.send(_Failure(None, f'a worker failed:\n{traceback.format_exc()}'))


class _Seldom:
    """Progress of a recording, sent a few times a second."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._next_s = 0.0

    def __call__(self, part: float) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + PROGRESS_EVERY_S
            self._pipe.send(part)


def _end_with_parent() -> None:
    """End at once when the parent has ended, however it did."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
