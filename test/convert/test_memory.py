"""Memory goes back to the system between recordings, wherever the C library can."""

import ctypes
import gc
import os
import subprocess
import sys

import pytest

from helpers.lerobot_arm import write_robot
from helpers.lerobot_datasets import write_lerobot
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.convert.convert import convert
from neuracore_ros.convert.job import ConvertSettings
from neuracore_ros.description import load_descriptions
from neuracore_ros.description.recorded_values import RecordedValues
from neuracore_ros.observation.streams import Stream

FREES = """
import ctypes
from neuracore_ros.convert import convert_bag

def resident():
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1])

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
# Blocks too small to be mapped on their own, with one in use above all that are freed.
blocks = [libc.malloc(60_000) for _ in range(2000)]
for block in blocks:
    ctypes.memset(block, 1, 60_000)
kept = libc.malloc(60_000)
for block in blocks:
    libc.free(block)
before = resident()
convert_bag.trim_heap()
print(before - resident())
"""


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='needs /proc')
def test_freed_memory_goes_back():
    if not hasattr(ctypes.CDLL(None), 'malloc_trim'):
        pytest.skip('this C library has no malloc_trim')
    ran = subprocess.run(
        [sys.executable, '-c', FREES], capture_output=True, text=True, env=os.environ, check=True
    )
    assert int(ran.stdout) > 10_000  # pages


def test_a_c_library_without_it_does_no_harm(monkeypatch):
    from neuracore_ros.convert import convert_bag

    monkeypatch.setattr(convert_bag.ctypes, 'CDLL', lambda name: object())
    convert_bag.trim_heap()


@pytest.fixture
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive(kind):
    return [each for each in gc.get_objects() if isinstance(each, kind)]


@pytest.mark.usefixtures('without_collector')
def test_of_converted_recordings_nothing_is_kept_but_sums_and_figures(tmp_path):
    root = write_lerobot(tmp_path / 'cubes', cameras=('front',))
    bags = [root / f'episode_{number:06d}' for number in range(3)]
    robot = load_descriptions([write_robot(tmp_path)])
    before = alive(Stream), alive(RecordedValues)
    settings = ConvertSettings(rate_hz=30, image_size=(48, 64), min_steps=3)
    result = convert(tmp_path / 'data', robot, 'so101', bags, settings)
    assert [len(bag.episodes) for bag in result.bags] == [1, 1, 1]
    assert len(alive(Stream)) == len(before[0])
    assert len(alive(RecordedValues)) == len(before[1]) + 1
    (state, *_) = result.streams
    assert state.samples == sum(bag.audit.streams[0].samples for bag in result.bags) == 36


@pytest.mark.usefixtures('without_collector')
def test_a_closed_episode_lets_go_of_its_decoders_although_messages_live_on(tmp_path):
    av = pytest.importorskip('av')
    root = write_lerobot(tmp_path / 'cubes', cameras=('front',))
    opened = av.container.InputContainer, av.VideoCodecContext
    before = len(alive(opened))
    with open_bag(root / 'episode_000000') as bag:
        (first, *_) = [each.message for each in bag.read(['observation.images.front'])]
        first.pixels()
    assert len(alive(opened)) == before
