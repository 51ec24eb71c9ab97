"""Memory goes back to the system between recordings, wherever the C library can."""

import ctypes
import os
import subprocess
import sys

import pytest

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
