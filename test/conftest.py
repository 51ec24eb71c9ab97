"""Fixtures that every test may use."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED_BAGS = Path(__file__).resolve().parents[2] / 'shared' / 'data' / 'bags'


@pytest.fixture
def bags() -> Path:
    """The folder of real bags, beside a checkout that has it."""
    folder = Path(os.environ.get('NEURACORE_ROS_BAGS', SHARED_BAGS))
    if not folder.is_dir():
        pytest.skip(f'no real bags at {folder}; set NEURACORE_ROS_BAGS to a folder that has them')
    return folder


@pytest.fixture
def ros_domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A ROS_DOMAIN_ID that no other test on this machine uses, set in the environment."""
    pytest.importorskip('rclpy')
    # Above 101, DDS ports fall into Linux's range of ephemeral ports.
    for domain in range(1, 102):
        lock = (Path(tempfile.gettempdir()) / f'neuracore_ros_domain_{domain}.lock').open('w')
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
        monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
        with lock:
            yield domain
        return
    pytest.fail('all ROS domains 1..101 are in use by other tests')
