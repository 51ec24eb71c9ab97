"""A command in a process of its own, which may take so much memory and time and no more."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import dataclass

GB = 1 << 30


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended; ``peak`` is its resident memory at the most [bytes]."""

    code: int
    out: str
    err: str
    peak: int

    @property
    def lines(self):
        """What it wrote to both, without blank lines."""
        return [line for line in (self.out + self.err).splitlines() if line.strip()]


def run_bounded(*arguments, memory=4 * GB, seconds=60, code=None, cwd=None):
    """Run ``neuracore_ros ARGUMENTS``, or Python code with arguments."""
    code = code or 'from neuracore_ros.cli.main import main; raise SystemExit(main())'
    # Its own peak: getrusage counts what the process had before it became this command, too.
    report = (
        'import atexit, os; atexit.register(lambda: os.write(3, '
        'open("/proc/self/status", "rb").read().split(b"VmHWM:")[1].split()[0]));'
    )
    read, write = os.pipe()

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        os.dup2(write, 3)

    try:
        done = subprocess.run(
            [sys.executable, '-c', report + code, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            preexec_fn=limit,
            close_fds=False,
            cwd=cwd,
        )
    finally:
        os.close(write)
    with os.fdopen(read) as peak:
        return Ended(done.returncode, done.stdout, done.stderr, int(peak.read() or 0) * 1024)
