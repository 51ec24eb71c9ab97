"""Processes of the interpreter that has lerobot: checkpoints, scripts, and a server."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATIENCE_S = 300.0


def environment(**more):
    """Without a network, and with our package, which is not installed there."""
    own = {'PYTHONPATH': str(ROOT), 'HF_HUB_OFFLINE': '1', 'OMP_NUM_THREADS': '1'}
    return {**os.environ, **own, **more}


def run_script(python, script, *words):
    """What a script of this folder prints."""
    command = [python, '-P', str(HERE / f'{script}.py'), *map(str, words)]
    return subprocess.run(
        command,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    ).stdout


@contextmanager
def served(python, *words):
    """The address of a server, once it answers."""
    command = [python, '-P', '-m', 'neuracore_ros.cli.main', 'serve', '--port', '0', '--json']
    started = subprocess.Popen(
        [*command, *map(str, words)], env=environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        line = started.stdout.readline()
        assert line, f'ended with {started.wait()}'
        yield json.loads(line)
    finally:
        started.kill()
        started.wait()


def verb(python, *words):
    """The status, and the last line of the errors, of a command of ours."""
    command = [python or sys.executable, '-P', '-m', 'neuracore_ros.cli.main', *map(str, words)]
    ended = subprocess.run(
        command,
        check=False,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    return ended.returncode, ended.stderr.strip().splitlines()[-1]
