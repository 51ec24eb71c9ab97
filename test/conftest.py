"""Fixtures that every test may use."""

import fcntl
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from helpers.browser import browser
from helpers.end_notes import EndNotes
from helpers.realtime_retries import Retries
from helpers.workers import Workers
from neuracore_ros.demo.processes import environment, own_domain
from neuracore_ros.processors import let_threads_sleep

SHARED = Path(__file__).resolve().parents[2] / 'shared' / 'data'


# Tests that time watches run beside tests that train: as the product does, before torch is there.
let_threads_sleep()

# The same examples on every machine: what a commit broke, and not what luck found, turns it red.
# Look further with --hypothesis-seed=N --hypothesis-profile=default.
settings.register_profile('same', derandomize=True, deadline=None)
settings.load_profile('same')
# Hypothesis mixes in constants of the modules that happen to be imported: here, of none.
# `test_same_examples.py` shows if a new release no longer asks this function.
providers.is_local_module_file = lambda path: False


def pytest_configure(config: pytest.Config) -> None:
    """Share tests out over workers, and give those in real time another try."""
    # A shell's background ignores SIGINT, and nohup SIGHUP; the processes of all tests would, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for plugin in (Retries(), EndNotes(), Workers(config)):
        config.pluginmanager.register(plugin)


@pytest.fixture(scope='session', autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoded images go where the session's files go, not to the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('NEURACORE_ROS_CACHE', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture(scope='session')
def lerobot_python() -> str:
    """An interpreter with the real LeRobot."""
    python = os.environ.get('NEURACORE_ROS_LEROBOT_PYTHON')
    if python is None and importlib.util.find_spec('lerobot'):
        python = sys.executable
    if python is None:
        pytest.skip(
            'lerobot is not installed; set NEURACORE_ROS_LEROBOT_PYTHON to an interpreter with it'
        )
    return python


@pytest.fixture(scope='session')
def lerobot_server_python(lerobot_python: str) -> str:
    """An interpreter with a LeRobot whose policies can be served."""
    asked = 'import lerobot; print(lerobot.__version__)'
    version = subprocess.check_output([lerobot_python, '-P', '-c', asked], text=True).strip()
    if tuple(int(part) for part in version.split('.')[:2]) < (0, 6):
        pytest.skip(f'{lerobot_python} has lerobot {version}; policies of 0.6 are served')
    return lerobot_python


@pytest.fixture
def bags() -> Path:
    """The folder of real bags."""
    return shared('bags', 'NEURACORE_ROS_BAGS')


@pytest.fixture
def urdfs() -> Path:
    """The folder of real URDFs."""
    return shared('urdf', 'NEURACORE_ROS_URDFS')


def shared(name: str, variable: str) -> Path:
    """A folder beside a checkout that has it, or where a variable says."""
    folder = Path(os.environ.get(variable, SHARED / name))
    if not folder.is_dir():
        pytest.skip(f'no real {name} at {folder}; set {variable} to a folder that has them')
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


@pytest.fixture(scope='module')
def domain() -> Iterator[int]:
    """A ROS domain of the module's own, in the environment."""
    pytest.importorskip('rclpy')
    with own_domain() as number, pytest.MonkeyPatch.context() as patch:
        for key, value in environment(number).items():
            if os.environ.get(key) != value:
                patch.setenv(key, value)
        yield number


@pytest.fixture
def begin(domain: int) -> Iterator[Callable[..., Any]]:
    """Starts processes that a test which fails does not leave behind."""
    from helpers.live_robot import Running

    running: list[Running] = []

    def start(module: str, *arguments: object) -> Running:
        running.append(Running(module, *arguments))
        return running[-1]

    yield start
    for process in reversed(running):
        process.end()


@pytest.fixture(scope='module')
def chromium() -> Iterator[Any]:
    """A running Chromium (`playwright.sync_api.Browser`); tests that use it ask `lacks` before."""
    with browser() as running:
        yield running
