"""The use of processors beside the other programs of a computer."""

import os


def available() -> int:
    """Processors on which this process may run."""
    # Not every system can bind a process to some of them.
    bound = getattr(os, 'sched_getaffinity', None)
    return len(bound(0)) if bound else os.cpu_count() or 1


def let_threads_sleep() -> None:
    """Let PyTorch's threads sleep where they wait for each other; call it before torch is there.

    OpenMP has them spin, for milliseconds, which takes from a camera's driver or another policy
    what both would need to go on: beside other work a prediction takes many times as long. Who
    has set ``OMP_WAIT_POLICY`` is obeyed. ``benchmarks/waiting.py`` shows what each costs.
    """
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
