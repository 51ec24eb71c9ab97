"""The verb `convert`, and what one process makes of recordings of unlike lengths."""

import re

import pytest

from helpers.dataset_snapshots import converted_alone
from helpers.two_arms import LEFT, NUMBERS, describe, record_left, record_left_in_pieces
from neuracore_ros.cli.main import main


@pytest.fixture
def convert(tmp_path, capsys):
    """Runs the verb; gives exit code, standard output and standard error.

    Without a description among the arguments, the robot is `numbers`, or another robot file.
    """

    def run(*arguments, robot=NUMBERS, dataset='data'):
        words = [*map(str, arguments)]
        if '--description' not in words:
            name = re.search('robot: (.*)', robot)[1]
            words += ['--description', str(describe(tmp_path, **{name: robot}))]
            words += ['--image-size', '64x48']
        capsys.readouterr()
        code = main(['convert', str(tmp_path / dataset), *words])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope='module')
def recordings(tmp_path_factory):
    """Bags of unlike lengths; one of them has two pieces, one is a copy, one is no bag."""
    folder = tmp_path_factory.mktemp('recordings')
    bags = [
        record_left(folder / 'long', seconds=4.0),
        record_left_in_pieces(folder / 'pieces'),
        record_left(folder / 'short', seconds=0.6, start=40.0),
        folder / 'nothing',
        record_left(folder / 'copy', seconds=0.6, start=40.0),
        record_left(folder / 'last', seconds=1.0, start=60.0),
    ]
    description = describe(folder, left=LEFT)
    return [*map(str, bags), '--description', str(description), '--image-size', '64x48']


@pytest.fixture(scope='module')
def alone(recordings, tmp_path_factory):
    return converted_alone(tmp_path_factory.mktemp('alone'), recordings)
