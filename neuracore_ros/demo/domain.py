"""A ROS domain for each simulated robot, so that neither robots nor demos meet."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuracore_ros.errors import UserError, WriteError
from neuracore_ros.files import open_to_append

# The domains above 101 whose DDS ports lie outside Linux's range of ephemeral ports; real
# robots seldom use them.
_DOMAINS = range(215, 233)


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
