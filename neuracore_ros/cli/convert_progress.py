"""The progress of a conversion: a line that changes on a terminal, a few lines in a log."""

import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from neuracore_ros.cli.terminal import StatusLine
from neuracore_ros.errors import printable
from neuracore_ros.wording import counted

if TYPE_CHECKING:
    from neuracore_ros.convert.result import BagResult

# Up to so many recordings have a line each; of more, only those that say something bad.
FEW = 20


class Lines:
    """Tells how far a run is, and what became of its recordings.

    Args:
        bags: All recordings of the run.
        out: The stream of results; errors and progress go to standard error.
    """

    def __init__(self, bags: Sequence[Path], out: TextIO) -> None:
        self._bags = bags
        self._out = out
        self._line = StatusLine(sys.stderr)
        self._parts: dict[int, float] = {}
        self._done = self._episodes = self._failed = 0
        self._start_s = time.monotonic()
        self._reasons: dict[str, str] = {}

    def progress(self, place: int, part: float) -> None:
        """Show which part (0..1) of one recording is done."""
        self._parts[place] = part
        self._line.update(f'{self._state()} {self._bags[place].name}')

    def reported(self, result: 'BagResult') -> None:
        """Say what became of a recording; they come in their order."""
        self._parts[self._done] = 1.0
        self._done += 1
        self._episodes += len(result.episodes)
        self._failed += bool(result.error)
        if result.error or result.losses or len(self._bags) <= FEW:
            self._line.clear()
            out = sys.stderr if result.error else self._out
            print(printable(self._brief(result) or result.line()), file=out, flush=True)

    def _brief(self, result: 'BagResult') -> str:
        """A short line for a recording that fails for the same reason as an earlier one; or ''."""
        if not result.error or result.episodes:
            return ''
        reason = re.sub(r'[\d.]+', '#', result.error.replace(result.bag, ''))
        first = self._reasons.setdefault(reason, result.bag)
        brief = f'neuracore_ros convert: {result.bag}: fails for the same reason as {first}'
        return brief if first != result.bag else ''

    def end(self) -> None:
        """Leave the terminal tidy."""
        self._line.clear()

    def _state(self) -> str:
        part = sum(self._parts.values()) / len(self._bags)
        failed = f', {self._failed} failed' if self._failed else ''
        left_s = (time.monotonic() - self._start_s) * (1 - part) / max(part, 1e-6)
        left = f', {left_s // 60:.0f} min {left_s % 60:02.0f} s left' if part > 0.02 else ''
        return (
            f'[{self._done}/{len(self._bags)}] {part:.0%}, {counted(self._episodes, "episode")}'
            f'{failed}{left}'
        )
