"""Named pipes, devices and sockets where a file should be: refused at once, in one line."""

import os
import re
import signal
import socket
from pathlib import Path

import pytest

from helpers.bounded_process import run_bounded
from neuracore_ros.cli.main import main
from neuracore_ros.regular_file import read_bytes, read_text

ROBOT = 'robot: a\nurdf: arm.urdf\njoints: {0: a}\n'


@pytest.fixture(autouse=True)
def at_once():
    """Ends a test that waits for somebody to write."""
    signal.alarm(60)
    yield
    signal.alarm(0)


def pipe(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    return path


def bag(folder):
    return pipe(folder / 'bag' / 'a.mcap').parent


def bag_of_metadata(folder):
    pipe(folder / 'bag' / 'metadata.yaml')
    return folder / 'bag'


def device(folder):
    (folder / 'bag').mkdir()
    (folder / 'bag' / 'a.db3').symlink_to('/dev/zero')
    return folder / 'bag'


def run(folder):
    return pipe(folder / 'run' / 'policy.pt')


def dataset(folder):
    return pipe(folder / 'data' / 'meta' / 'neuracore_ros.json').parents[1]


def robot(folder):
    return pipe(folder / 'robot.yaml')


def urdf_alone(folder):
    return pipe(folder / 'arm.urdf')


def urdf(folder):
    pipe(folder / 'arm.urdf')
    (folder / 'robot.yaml').write_text(ROBOT)
    return folder / 'robot.yaml'


@pytest.mark.parametrize(
    ('make', 'command'),
    [
        (robot, 'layout {}'),
        (robot, 'describe --like {} --urdf {folder}/none --out {folder}/out.yaml'),
        (robot, 'train {folder} --config {} --out {folder}/out'),
        (urdf, 'layout {}'),
        (urdf_alone, 'describe --urdf {} --out {folder}/out.yaml'),
        (run, 'check {} ur5'),
        (
            run,
            'export --from-torchscript {} --robot ur5 --rate-hz 20 '
            '--image-size 32 --out {folder}/a.pt',
        ),
        (run, 'evaluate {} ur5 {folder}/none'),
        (dataset, 'report {}'),
        (dataset, 'train {} --out {folder}/out'),
        (dataset, 'evaluate {folder}/none.pt {}'),
        (bag, 'describe --bag {} --out {folder}/out.yaml'),
        (bag, 'convert {folder}/data {} --description ur5'),
        (bag_of_metadata, 'describe --bag {} --out {folder}/out.yaml'),
        (device, 'describe --bag {} --out {folder}/out.yaml'),
    ],
)
def test_a_pipe_or_device_in_place_of_a_file_is_told_at_once(tmp_path, capfd, make, command):
    assert main(command.format(make(tmp_path), folder=tmp_path).split()) == 1
    (line,) = capfd.readouterr().err.strip().splitlines()[-1:]
    assert re.search('named pipe|device|no such file|no metadata.yaml, .mcap or .db3', line), line


@pytest.mark.parametrize(
    ('make', 'words'),
    [
        (os.mkfifo, 'is a named pipe, not a file'),
        (lambda path: path.symlink_to('/dev/zero'), 'is a device, not a file'),
        (lambda path: socket.socket(socket.AF_UNIX).bind(str(path)), 'is a socket, not a file'),
        (Path.mkdir, 'Is a directory'),
        (lambda path: None, 'No such file'),
        (lambda path: path.symlink_to(path), 'Too many levels'),
        (lambda path: path.write_bytes(bytes(11)), 'has more than 10 bytes'),
    ],
)
def test_what_is_no_file_is_not_read(tmp_path, make, words):
    path = tmp_path / 'x'
    make(path)
    with pytest.raises(OSError, match=words):
        read_bytes(path, 10)


def test_a_file_is_read_as_python_reads_it(tmp_path):
    path = tmp_path / 'x'
    path.write_bytes('a\r\nbé'.encode())
    assert (read_text(path), read_bytes(path)) == (path.read_text(), path.read_bytes())
    assert read_bytes(Path('/proc/self/status')).startswith(b'Name:'), 'which says it is empty'


def test_a_file_that_does_not_fit_into_memory_is_told(tmp_path):
    path = tmp_path / 'sparse.pt'
    with path.open('wb') as file:
        file.truncate(1 << 40)
    code = 'import sys, pathlib; from neuracore_ros.regular_file import read_bytes;'
    ended = run_bounded(path, code=f'{code}read_bytes(pathlib.Path(sys.argv[1]), 1 << 60)')
    assert ended.lines[-1].startswith('OSError: [Errno 12] does not fit into memory')
