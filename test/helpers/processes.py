"""Processes that tests have started, and what these have started in turn."""

import os
import subprocess
from pathlib import Path

from helpers.waiting import wait_until


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


def until_computed(pid, seconds):
    """Wait until a process has computed for so long from now on, however busy the machine is."""
    end_s = processor_s(pid) + seconds
    wait_until(lambda: processor_s(pid) >= end_s, 60.0 + seconds, f'{seconds:g} s of work')


def processor_s(pid):
    """The processor time of a process so far [s]."""
    words = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf('SC_CLK_TCK')
