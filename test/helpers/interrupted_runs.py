"""Command lines that are killed at a certain moment, and disks that take no more of what they write.

A killed run is forked from a process that has its libraries: a kill is as sudden there as in an
interpreter of its own, which takes a second to start.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

FORKS = multiprocessing.get_context('forkserver')
FORKS.set_forkserver_preload(
    [
        'neuracore_ros.cli.convert',
        'neuracore_ros.convert.convert',
        'neuracore_ros.cli.edit',
        'neuracore_ros.edit.edit',
    ]
)
LIMITED = """
import resource, sys
from neuracore_ros.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.exit(main(sys.argv[2:]))
"""


def killed_run(kind, moment, arguments):
    """Run a command line until its n-th call of a kind; returns its status.

    Args:
        kind: ``rename``, ``unlink``, ``sync``, or ``row`` of an episode that is written.
        moment: Which call of that kind kills it, from 1.
        arguments: The command line.
    """
    process = FORKS.Process(target=_run, args=(kind, moment, arguments))
    process.start()
    process.join()
    return process.exitcode


def _run(kind, moment, arguments):
    from neuracore_ros.cli.main import main
    from neuracore_ros.dataset.staging import EpisodeWriter

    left = moment

    def dying(do):
        def call(*arguments, **options):
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return do(*arguments, **options)

        return call

    owner, name = {
        'rename': (Path, 'replace'),
        'unlink': (Path, 'unlink'),
        'sync': (os, 'fsync'),
        'row': (EpisodeWriter, 'add'),
    }[kind]
    setattr(owner, name, dying(getattr(owner, name)))
    os._exit(main(arguments))


def limited_run(limit, arguments):
    """Run a command line whose files may have so many bytes: a write fails as on a full disk."""
    run = [sys.executable, '-c', LIMITED, str(limit), *arguments]
    return subprocess.run(run, capture_output=True, text=True, check=False)


@contextmanager
def small_disk(folder, size):
    """A disk of a size such as ``48k``, for a block; the test is skipped without leave to mount.

    Gives what makes it large enough.
    """
    folder.mkdir()
    mount = ['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip('only root may mount a small disk')
    try:
        yield lambda: subprocess.run(['mount', '-o', 'remount,size=4m', str(folder)], check=True)
    finally:
        subprocess.run(['umount', str(folder)], check=True)
