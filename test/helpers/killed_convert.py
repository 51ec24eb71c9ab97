"""`neuracore_ros convert` that is killed at a certain moment, forked from a process with its libraries.

A kill is as sudden there as in an interpreter of its own, which takes a second to start.
"""

import multiprocessing
import os
import signal
from pathlib import Path

FORKS = multiprocessing.get_context('forkserver')
FORKS.set_forkserver_preload(['neuracore_ros.cli.convert', 'neuracore_ros.convert.convert'])


def killed_convert(kind, moment, arguments):
    """Run a command line until its n-th ``rename``, or ``row`` of an episode; returns its status."""
    process = FORKS.Process(target=_convert, args=(kind, moment, arguments))
    process.start()
    process.join()
    return process.exitcode


def _convert(kind, moment, arguments):
    from neuracore_ros.cli.main import main
    from neuracore_ros.dataset.staging import EpisodeWriter

    left = {kind: moment}

    def dying(kind, do):
        def call(*arguments):
            if kind in left:
                left[kind] -= 1
                if left[kind] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return do(*arguments)

        return call

    Path.replace = dying('rename', Path.replace)
    EpisodeWriter.add = dying('row', EpisodeWriter.add)
    main(arguments)
