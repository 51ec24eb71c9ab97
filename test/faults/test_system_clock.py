"""The system's clock is set while the node runs: what else counts time goes on."""

import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest

COMPILER = shutil.which('cc')


@pytest.fixture
def skew(rig, misbehaving, tmp_path, monkeypatch):
    """A node in motion whose system clock is set by calling this, in seconds beside the truth."""
    if COMPILER is None:
        pytest.skip('needs a C compiler: the clock is set by a preloaded library')
    source, library = Path(__file__).with_name('skewed_time.c'), tmp_path / 'skewed_time.so'
    subprocess.run(
        [COMPILER, '-shared', '-fPIC', '-O1', '-o', library, source, '-ldl', '-lm'], check=True
    )
    file = tmp_path / 'skew'

    def set_to(seconds):
        # In place, since the process has it mapped.
        with file.open('r+b') as opened:
            opened.write(struct.pack('d', seconds))

    file.write_bytes(struct.pack('d', 0.0))
    with monkeypatch.context() as patch:
        patch.setenv('SKEW_FILE', str(file))
        patch.setenv('LD_PRELOAD', str(library))
        node = rig.start_node(model=misbehaving)
    rig.recover()
    yield set_to
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output


@pytest.mark.parametrize('jump_s', [-5.0, -0.3, 0.6, 5.0])
def test_a_system_clock_that_is_set_holds_the_robot_at_once_and_then_it_goes_on(rig, skew, jump_s):
    world = rig.world
    way = 'back' if jump_s < 0 else 'forward'
    began_s = time.monotonic()
    skew(jump_s)
    world.until(lambda: any(f'clock jumped {way}' in r for _, _, r in world.states), 'the jump')
    # A timer of the system's clock would have waited for as long as that was set back.
    assert time.monotonic() - began_s < 2.0
    # Its joints are now stamped in another time, but for small jumps.
    world.let_pass(1.0)
    skew(0.0)
    world.until_state('RUNNING')
    world.until_moving()
    rig.check()
