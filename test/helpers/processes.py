"""Processes that tests have started, and what these have started in turn."""

import subprocess
import time
from pathlib import Path


def children(parent, word=''):
    """Processes of a parent whose command line has a word."""
    found = []
    for line in subprocess.run(
        ['ps', '-ww', '-o', 'pid=,args=', '--ppid', str(parent)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines():
        pid, _, arguments = line.strip().partition(' ')
        if word in arguments:
            found.append(int(pid))
    return found


def is_alive(pid):
    """Whether a process of ours, which nobody may have waited for, still runs."""
    try:
        status = Path(f'/proc/{pid}/stat').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(')')[2].split()[0] != 'Z'


def wait_for(condition, seconds=30.0):
    """What a condition gives, once that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError('nothing came')
