"""A program on a terminal of its own, whose keys a test presses and whose screen it reads."""

import atexit
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading

from helpers.waiting import wait_until

PATIENCE_S = 60.0
HOME, ENTER, LEAVE = '\x1b[H', '\x1b[?1049h', '\x1b[?1049l'
_CONTROLS = re.compile(r'\x1b\[[0-9;?]*[A-Za-z]')


class OnTerminal:
    """A verb of the command line on a pseudo-terminal, as its session's leader.

    Attributes:
        process: The program.
        written: All that it wrote so far.
    """

    def __init__(self, *arguments, columns=100, lines=40, **environment):
        self.master, slave = pty.openpty()
        self.resize(columns, lines)
        self.before = termios.tcgetattr(slave)
        self._slave = slave
        words = [sys.executable, '-m', 'neuracore_ros.cli.main', *map(str, arguments)]
        # The leader of a session that opens a terminal gets its Ctrl-C and Ctrl-Z as signals.
        shell = ['sh', '-c', 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(slave)]
        # These, which pytest's workers have, go before the size of the window.
        inherited = {k: v for k, v in os.environ.items() if k not in {'COLUMNS', 'LINES'}}
        self.process = subprocess.Popen(
            [*shell, *words],
            env={**inherited, 'TERM': 'xterm', 'PYTHONIOENCODING': 'utf-8', **environment},
            start_new_session=True,
        )
        atexit.register(self.process.kill)
        self._data = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            try:
                self._data += os.read(self.master, 65536)
            except OSError:
                return

    @property
    def written(self):
        return self._data.decode('utf-8', 'replace')

    @property
    def frame(self):
        """The newest picture of the screen that is complete, as lines of text; '' before one."""
        pictures = self.written.split(HOME)
        # The last one may be half written; the first is what came before any.
        return _CONTROLS.sub('', pictures[-2]).replace('\r', '') if len(pictures) > 2 else ''

    @property
    def text(self):
        """The newest picture in one line, as it reads without the wrapping."""
        return ' '.join(self.frame.split())

    def press(self, keys):
        os.write(self.master, keys.encode())

    def resize(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack('HHHH', lines, columns, 0, 0))

    def until(self, *texts, patience_s=PATIENCE_S):
        """Wait until the screen says all of this at once."""
        wait_until(
            lambda: all(text in self.text for text in texts),
            patience_s,
            lambda: f'{texts} in\n{self.frame or self.written}',
        )

    def until_written(self, text, patience_s=PATIENCE_S):
        """Wait until this was written at some time."""
        wait_until(lambda: text in self.written, patience_s, lambda: f'{text} in {self.written}')

    @property
    def has_its_mode(self):
        """Whether the terminal echoes, and waits for lines, as it did."""
        return termios.tcgetattr(self._slave)[:6] == self.before[:6]

    @property
    def is_restored(self):
        """Whether the terminal is as it was: its mode, its cursor, and its first screen."""
        shown = self.written.rfind('\x1b[?25h') > self.written.rfind('\x1b[?25l')
        first = self.written.rfind(LEAVE) > self.written.rfind(ENTER)
        return self.has_its_mode and shown and first

    def hang_up(self):
        """Close the terminal, as a window or a connection that goes away."""
        os.close(self.master)

    def signal(self, number):
        self.process.send_signal(number)

    def end(self, key='q'):
        """Press a key, or send a signal, and wait; returns the exit code."""
        if self.process.poll() is None:
            self.press(key) if isinstance(key, str) else self.signal(key)
        return self.wait()

    def wait(self):
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f'did not end:\n{self.frame or self.written}') from None

    def close(self):
        """Whatever a failed test has left."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
