"""Processes of the demo, each with a log of its own, in a ROS domain that no other demo uses.

They end with the block that started them.
"""

import fcntl
import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

from neuracore_ros.errors import UserError, WriteError
from neuracore_ros.files import open_to_append, real_folder

# Ends a healthy node well within this; what hangs longer is killed.
_PATIENCE_S = 10.0
_LOOK_S = 0.5
# The domains above 101 whose DDS ports lie outside Linux's range of ephemeral ports; real
# robots seldom use them.
_DOMAINS = range(215, 233)

ENDING = threading.Event()
"""While it is set no process of the demo goes on, in whichever thread."""


@contextmanager
def own_domain() -> Iterator[int]:
    """A ROS domain that no other demo on this machine uses.

    Raises:
        UserError: All of them are in use.
    """
    for domain in _DOMAINS:
        path = Path(tempfile.gettempdir()) / f'neuracore_ros_demo_domain_{domain}.lock'
        try:
            lock = open_to_append(path)
        except WriteError:  # somebody else's
            continue
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            yield domain
            return
    raise UserError('all ROS domains of the demo are in use: another demo is running')


class Background(AbstractContextManager['Background']):
    """One process that runs beside the demo; SIGINT ends it, as Ctrl-C would."""

    def __init__(self, module: str, arguments: Sequence[str], domain: int, log: Path) -> None:
        self._module, self._log = module, log
        with open_log(log) as output:
            # Its own session: Ctrl-C in the terminal reaches the demo, which ends it in order.
            self._process = subprocess.Popen(
                [sys.executable, '-m', module, *arguments],
                env=environment(domain),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def check(self) -> None:
        """Raise if the process has ended by itself, or is to end.

        Raises:
            UserError: It has; its last line says why.
        """
        _go_on()
        if self._process.poll() is not None:
            raise UserError(
                f'{self._module} ended with code {self._process.returncode}: '
                f'{last_line(self._log)} (log: {self._log})'
            )

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        _wait_or_kill(self._process)


def open_log(log: Path) -> BinaryIO:
    """A log to write at its end; its folder is made.

    Raises:
        WriteError: It is a link, or cannot be written.
    """
    log.parent.parent.mkdir(parents=True, exist_ok=True)
    real_folder(log.parent.parent, Path(log.parent.name))
    return open_to_append(log)


def run_verb(
    verb: str,
    arguments: Sequence[str],
    log: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> None:
    """Run ``neuracore_ros VERB`` to its end; without a log, its output is the demo's.

    Args:
        verb: Its name.
        arguments: After it.
        log: What it prints is added here.
        report: Given each line as it is written there.

    Raises:
        UserError: It failed, and has said why itself; or the demo is to end.
    """
    command = [sys.executable, '-m', 'neuracore_ros.cli.main', verb, *arguments]
    with ExitStack() as stack:
        output: BinaryIO | None = None
        lines: TextIO = io.StringIO()
        if log is not None:
            output = stack.enter_context(open_log(log))
            lines = stack.enter_context(log.open(errors='replace'))
            lines.seek(0, os.SEEK_END)
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            ended = False
            while not ended:
                _go_on()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_S)
                    ended = True
                for line in lines:
                    report(line.rstrip())
        finally:
            # Whatever interrupted us may not have reached it, and it keeps what it has done.
            if process.poll() is None:
                process.terminate()
            _wait_or_kill(process)
    if process.returncode:
        said = f': {last_line(log)} (log: {log})' if log else ''
        raise UserError(f'neuracore_ros {verb} ended with code {process.returncode}{said}')


def _go_on() -> None:
    if ENDING.is_set():
        raise UserError('the demo ends')


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def environment(domain: int) -> dict[str, str]:
    """The environment of a process in a ROS domain that never leaves this machine."""
    return {
        **os.environ,
        'ROS_DOMAIN_ID': str(domain),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        # A demo robot must be found by nobody whose robots are real.
        'ROS_STATIC_PEERS': '',
    }


def last_line(log: Path) -> str:
    """The last line of a log."""
    lines = log.read_text(errors='replace').strip().splitlines()
    return lines[-1] if lines else 'it said nothing'
