"""A folder in which the commands of one page run, with their programs on the path."""

import signal
import subprocess
import threading
from pathlib import Path

from helpers.doc_blocks import Block
from helpers.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 600.0
# What never ends by itself ends so long after it was started, by Ctrl-C.
FOREGROUND_S = '6'


class Workspace:
    """Runs blocks; what they start in the background ends with it.

    Attributes:
        folder: Where the next one runs.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._where = folder.parent / f'{folder.name}.pwd'
        self._background: list[tuple[Block, subprocess.Popen, list[str]]] = []
        self._environment = environment

    def do(self, block: Block) -> None:
        """Run a block, start it, or write it to the file that its mark names."""
        if 'end' in block.marks:
            for _ in range(int(block.marks['end'] or 1)):
                self._end(*self._background.pop())
        if 'file' in block.marks:
            path = self.folder / block.marks['file']
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif 'background' in block.marks:
            self._start(block)
        else:
            self._run(block)

    def __enter__(self) -> 'Workspace':
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        """End what runs in the background, as Ctrl-C would."""
        while kind is None and self._background:
            self._end(*self._background.pop())
        for _, process, _ in self._background:
            process.kill()
            process.wait()

    @staticmethod
    def _end(block: Block, process: subprocess.Popen, lines: list[str]) -> None:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            code = process.wait(PATIENCE_S)
        finally:
            process.kill()
        # 130 is what Ctrl-C gives, where it is not what a recording ends with.
        assert code in {0, 130}, f'{block.where} ended with {code}:\n{"".join(lines)}'

    def _run(self, block: Block) -> None:
        wanted = int(block.marks.get('status', 0))
        done = subprocess.run(
            ['bash', '-euo', 'pipefail', '-c', f'trap "pwd > {self._where}" EXIT\n{block.script}'],
            cwd=self.folder,
            env={**self._environment, 'DOC_FOREGROUND_S': FOREGROUND_S},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        said = f'{block.where}\n{block.script}\n{done.stdout}'
        assert done.returncode == wanted, f'status {done.returncode}: {said}'
        assert 'Traceback' not in done.stdout, said
        # A terminal would stay where `cd` led.
        self.folder = Path(self._where.read_text().strip())
        if block.language == 'console':
            compare(block, done.stdout)

    def _start(self, block: Block) -> None:
        process = subprocess.Popen(
            ['bash', '-euc', f'exec {block.script.strip()}'],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
        reader.start()
        self._background.append((block, process, lines))
        until = block.marks['background']

        def said_so() -> bool:
            if not until or until in (said := ''.join(lines)):
                return True
            assert process.poll() is None, f'{block.where} ended too early:\n{said}'
            return False

        wait_until(
            said_so, PATIENCE_S, lambda: f'{until} of {block.where}, which says:\n{"".join(lines)}'
        )


def compare(block: Block, said: str) -> None:
    """Hold what was printed against the page; `...` stands for anything."""
    end = 0
    for line in (line for line in block.lines if line and not line.startswith('$ ')):
        for part in line.split('...'):
            where = said.find(part.strip(), end)
            assert where >= 0, f'{block.where} shows\n{line}\nbut this was printed:\n{said}'
            end = where + len(part.strip())
