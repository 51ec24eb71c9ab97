"""`neuracore_ros edit` that is killed at a certain moment, forked from a process with its libraries."""

import multiprocessing
import os
import signal
from pathlib import Path

FORKS = multiprocessing.get_context('forkserver')
FORKS.set_forkserver_preload(['neuracore_ros.cli.edit', 'neuracore_ros.edit.edit'])


def killed_edit(kind, moment, arguments):
    """Run a command line until its n-th ``rename``, ``sync`` or ``unlink``; returns its status."""
    process = FORKS.Process(target=_edit, args=(kind, moment, arguments))
    process.start()
    process.join()
    return process.exitcode


def _edit(kind, moment, arguments):
    from neuracore_ros.cli.main import main

    left = {kind: moment}

    def dying(kind, do):
        def call(*arguments, **options):
            if kind in left:
                left[kind] -= 1
                if left[kind] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return do(*arguments, **options)

        return call

    Path.replace = dying('rename', Path.replace)
    Path.unlink = dying('unlink', Path.unlink)
    os.fsync = dying('sync', os.fsync)
    os._exit(main(arguments))
