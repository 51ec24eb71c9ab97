"""Recordings of two small arms, and datasets of them."""

import json

import pytest

from helpers.two_arms import (
    LEFT,
    RIGHT,
    describe,
    record_left,
    record_left_in_pieces,
    record_right,
)
from neuracore_ros.cli.main import main


@pytest.fixture(scope='module')
def bags(tmp_path_factory):
    """Name -> recording: three of the left arm, the second of two episodes; two of the right."""
    folder = tmp_path_factory.mktemp('bags')
    return {
        'left': record_left(folder / 'left', seconds=1.0),
        'pieces': record_left_in_pieces(folder / 'pieces'),
        'late': record_left(folder / 'late', seconds=0.8, start=50.0),
        'right': record_right(folder / 'right', seconds=1.0),
        'other': record_right(folder / 'other', seconds=1.2, start=60.0),
    }


@pytest.fixture(scope='module')
def descriptions(tmp_path_factory):
    """The file of both arms; those of each lie beside it."""
    return describe(tmp_path_factory.mktemp('robots'), left=LEFT, right=RIGHT)


@pytest.fixture(scope='module')
def make(bags, descriptions):
    """Converts recordings, given by their names, into a dataset."""

    def convert(dataset, *names, alone=False, options=()):
        for name in names:
            robot = 'right' if name in {'right', 'other'} else 'left'
            file = descriptions.with_name(f'{robot}.yaml') if alone else descriptions
            words = ['--robot', robot, '--description', str(file), '--image-size', '64x48']
            assert main(['convert', str(dataset), str(bags[name]), *words, *options]) == 0
        return dataset

    return convert


@pytest.fixture(scope='module')
def five(make, tmp_path_factory):
    """A dataset of both arms: episodes 0, 1, 2 and 4 of the left one, 3 of the right one."""
    folder = tmp_path_factory.mktemp('five')
    make(folder / 'data', 'left', 'pieces', options=['--task', 'wave'])
    make(folder / 'data', 'right', options=['--task', 'push'])
    return make(folder / 'data', 'late', options=['--task', 'nod'])


@pytest.fixture
def edit(capsys):
    """Runs the verb; gives exit code, standard output and standard error."""

    def run(*words):
        capsys.readouterr()
        code = main(['edit', *map(str, words)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def figures(edit):
    """Runs the verb with --json."""

    def run(*words):
        code, out, err = edit(*words, '--json')
        assert code == 0, err
        return json.loads(out)

    return run
