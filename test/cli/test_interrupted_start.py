"""Ctrl-C while a command is still being loaded."""

import signal
import subprocess
import sys

import pytest

# The import of a module is where Ctrl-C comes.
AT = """
import signal, sys

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupted())
from neuracore_ros.cli.main import main
sys.exit(main({words!r}))
"""


def run(module, *words):
    code = AT.format(module=module, words=list(words))
    return subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    'module', ['neuracore_ros.cli.parser', 'numpy', 'neuracore_ros.cli.watch']
)
def test_ctrl_c_while_the_verbs_are_loaded_ends_without_a_traceback(module):
    done = run(module, 'layout', 'ur5')
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGINT, '', '')


def test_ctrl_c_while_the_page_of_align_is_made_ends_it():
    """trimesh goes on after a KeyboardInterrupt in an import of its own."""
    pytest.importorskip('viser')
    done = run('networkx', 'align', 'ur5', '--port', '0')
    assert done.returncode == 0, done.stderr
    assert done.stderr == ''
