"""Tests in real time, on a machine that has other things to do.

A test with a ROS domain lives in real time, with processes that need a processor when they need
it, and find each other whenever DDS lets them; one that talks to servers waits for answers that
have deadlines. If it fails while this machine was measurably
starved, it is run again, with all that it shares with other tests made anew. On a machine that was
not starved it is run again twice: a fault that shows every time stays a failure, and one that shows
now and then is reported at the end with its traceback, since it wants a look all the same.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _pytest.runner import runtestprotocol

from helpers.end_notes import add_note
from helpers.workers import OF_OTHERS, is_on_sockets, is_realtime

TITLE = 'failed in real time, and were run again'
ATTEMPTS, CALM_ATTEMPTS = 5, 3
# One step of the policies of these tests: who is woken so late has missed one.
LATE_S = 0.05
# All processors together. Quiet machines have a third and more to spare in these tests, and as
# good as spare is what other workers use at their low priority.
LEAST_SPARE = 0.1
CALM_SPARE, CALM_S, PATIENCE_S = 0.4, 0.5, 30.0

METRONOME = """
import os, sys, time
parent, least_s = os.getppid(), float(sys.argv[1])
while os.getppid() == parent:
    due_s = time.monotonic() + 0.02
    time.sleep(0.02)
    if (late_s := time.monotonic() - due_s) > least_s:
        os.write(1, f"{due_s} {late_s}\\n".encode())
"""


class Metronome:
    """A process that wakes up fifty times a second, and writes down when it was woken late."""

    def __init__(self):
        self._notes = tempfile.NamedTemporaryFile()  # noqa: SIM115
        command = [sys.executable, '-S', '-c', METRONOME, str(LATE_S)]
        self._process = subprocess.Popen(command, stdout=self._notes)

    def close(self):
        self._process.kill()
        self._process.wait()
        self._notes.close()

    def worst_s(self, since_s):
        """How late it was at worst, since a time of `time.monotonic` [s]; 0 if it never was."""
        # Each line is written at once, and through a file position of its own.
        lines = Path(self._notes.name).read_text().splitlines()
        notes = [tuple(map(float, line.split())) for line in lines]
        return max((late_s for due_s, late_s in notes if due_s + late_s > since_s), default=0.0)


class Stretch:
    """A stretch of time, from now on."""

    def __init__(self, metronome):
        self._metronome = metronome
        self._start_s, self._start = time.monotonic(), processor_times()

    def spare(self):
        """The share of the processors' time that nobody used, or only who gives way."""
        (spare, everything), (spare_before, before) = processor_times(), self._start
        return (spare - spare_before) / max(everything - before, 1)

    def starved(self):
        """What says that the machine was starved; empty if it was not."""
        late_s, spare = self._metronome.worst_s(self._start_s), self.spare()
        told = [f'a process was woken {late_s:.2f} s late'] if late_s else []
        if spare < LEAST_SPARE:
            told.append(f'its processors had {spare:.0%} of their time to spare')
        return ' and '.join(told)


def processor_times():
    """Of all processors since the machine was started: to spare, and in all [ticks]."""
    with Path('/proc/stat').open() as file:
        # Guests, the last two, are counted as users, too.
        times = [int(word) for word in file.readline().split()[1:9]]
    _, nice, _, idle, waiting, *_ = times
    # Unless this process has such a priority itself.
    gives_way = nice if os.nice(0) < OF_OTHERS else 0
    return idle + waiting + gives_way, sum(times)


class Retries:
    """The plug-in that runs tests in real time up to `ATTEMPTS` times each; see this module."""

    def __init__(self):
        self._metronome = None

    def pytest_runtest_protocol(self, item, nextitem):
        if not (is_realtime(item) or is_on_sockets(item)):
            return None
        self._metronome = self._metronome or Metronome()
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for left in reversed(range(ATTEMPTS)):
            stretch = Stretch(self._metronome)
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
            failure = next((report for report in reports if report.failed), None)
            why = self._reason(stretch, left) if failure else ''
            if not why or item.session.shouldstop:
                break
            told = f'{item.nodeid}: {why}. It had failed:\n{failure.longreprtext}'
            add_note(item, TITLE, told)
            begin_anew(item)
            self._wait_for_calm()
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @staticmethod
    def _reason(stretch, left):
        """To run a test that failed again; empty for none."""
        calm = 'nothing was short' if ATTEMPTS - left < CALM_ATTEMPTS else ''
        return (stretch.starved() or calm) if left else ''

    def _wait_for_calm(self):
        end_s = time.monotonic() + PATIENCE_S
        spare = 0.0
        while spare < CALM_SPARE and time.monotonic() < end_s:
            stretch = Stretch(self._metronome)
            time.sleep(CALM_S)
            spare = stretch.spare()

    def pytest_unconfigure(self):
        if self._metronome is not None:
            self._metronome.close()


def begin_anew(item):
    """Tear down all that a test shares with others: what failed may have left it in any state."""
    try:
        item.session._setupstate.teardown_exact(item.session)
    except Exception as error:
        # Of a test that has failed already.
        print(error, file=sys.stderr)
