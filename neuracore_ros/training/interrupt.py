"""Ctrl-C between two steps, never within one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """Set an event at the first SIGINT or SIGTERM; a second one ends the process at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(_number: int, _frame: FrameType | None) -> None:
        event.set()
        for number, handler in kept.items():
            signal.signal(number, handler)

    for number in kept:
        signal.signal(number, stop)
    try:
        yield event
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
