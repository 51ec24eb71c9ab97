"""Batches that are ready before they are asked for, in the order of their steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

T = TypeVar('T')

# A step that takes long by chance uses up no more.
AHEAD = 2


class Prefetch(AbstractContextManager['Prefetch[T]'], Generic[T]):
    """Makes step n + 1 while step n is learnt from.

    What a step gets depends on its number alone, however many threads there are: a run that
    is resumed at step n meets the same batches.

    Args:
        make: The batch of a step; called in other threads, for several steps at once.
        first: The step to begin with.
        threads: How many; one keeps a trainer busy, unless making a batch takes longer than
            learning from it.
    """

    def __init__(self, make: Callable[[int], T], first: int = 0, threads: int = 1) -> None:
        self._make = make
        self._step = first
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix='prefetch')
        self._ahead: deque[Future[T]] = deque()
        for _ in range(max(AHEAD, threads)):
            self._submit()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        """The batch of the next step; there is always one more.

        Raises:
            Exception: Whatever making it raised.
        """
        batch = self._ahead.popleft()
        self._submit()
        return batch.result()

    def __exit__(self, *_: object) -> None:
        """End the threads; what they are making is finished first."""
        self._threads.shutdown(cancel_futures=True)

    def _submit(self) -> None:
        self._ahead.append(self._threads.submit(self._make, self._step))
        self._step += 1
