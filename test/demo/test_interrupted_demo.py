"""A demo that is ended leaves no robot behind."""

import os
import signal
import subprocess
import sys

import pytest

from helpers.processes import children, is_alive
from helpers.waiting import wait_until

PATIENCE_S = 60.0


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_the_demo_ends_its_robots(ros_domain, tmp_path, number):
    words = ['-m', 'neuracore_ros.cli.main', 'demo', '--out', str(tmp_path / 'demo')]
    demo = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    started = []
    try:
        # Two robots.
        wait_until(lambda: len(children(demo.pid)) >= 2, PATIENCE_S)
        started = children(demo.pid)
        demo.send_signal(number)
        said, _ = demo.communicate(timeout=PATIENCE_S)
        assert demo.returncode == 130, said
        assert 'Traceback' not in said
        assert not [pid for pid in started if is_alive(pid)]
    finally:
        for pid in filter(is_alive, {*started, *children(demo.pid)}):
            os.kill(pid, signal.SIGKILL)
        demo.kill()
        demo.wait()
