"""A demo that is ended leaves no robot behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE_S = 60.0


def children(pid):
    """Processes that a process has started, their children included."""
    try:
        tasks = list(Path(f'/proc/{pid}/task').iterdir())
        own = [int(word) for task in tasks for word in (task / 'children').read_text().split()]
    except FileNotFoundError:
        return set()
    return set(own).union(*map(children, own))


def until(happened, what):
    end_s = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end_s, what
        time.sleep(0.05)


def runs(pid):
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_the_demo_ends_its_robots(ros_domain, tmp_path, number):
    words = ['-m', 'neuracore_ros.cli.main', 'demo', '--out', str(tmp_path / 'demo')]
    demo = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    started = set()
    try:
        # Two robots.
        until(lambda: len(children(demo.pid)) >= 2, 'no robot was started')
        started = children(demo.pid)
        demo.send_signal(number)
        said, _ = demo.communicate(timeout=PATIENCE_S)
        assert demo.returncode == 130, said
        assert 'Traceback' not in said
        assert not [pid for pid in started if runs(pid)]
    finally:
        for pid in filter(runs, started | children(demo.pid)):
            os.kill(pid, signal.SIGKILL)
        demo.kill()
        demo.wait()
