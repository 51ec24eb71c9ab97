"""What the tests of drafts share."""

from dataclasses import replace

import pytest

from helpers.small_policies import Sweep, manifest
from neuracore_ros.cli.main import main
from neuracore_ros.description import load_robot
from neuracore_ros.policy.torchscript import save


@pytest.fixture
def describe(tmp_path, capsys):
    """Runs the verb; returns the robot, and the text of its file."""

    def run(*words):
        out = tmp_path / 'robot.yaml'
        status = main(['describe', *map(str, words), '--out', str(out), '--force'])
        run.said = capsys.readouterr().err
        assert status == 0, run.said
        return load_robot(out), out.read_text()

    return run


@pytest.fixture
def refusal(tmp_path, capsys):
    """Runs the verb, which must refuse in one line; returns it."""

    def run(*words):
        out = tmp_path / 'refused.yaml'
        assert main(['describe', *map(str, words), '--out', str(out)]) == 1
        said = capsys.readouterr().err
        assert said.count('\n') == 1
        assert said.startswith('neuracore_ros describe: ')
        assert list(tmp_path.glob('*refused*')) == []
        return said

    return run


@pytest.fixture
def checked(tmp_path, capsys):
    """Holds a drafted file against a policy of seven joints in its slots; gives what was said."""

    def run(*words):
        policy, drafted = tmp_path / 'policy.pt', load_robot(tmp_path / 'robot.yaml').vocabulary
        known = replace(manifest(), vocabulary=drafted.id if drafted else None)
        save(Sweep(), known, policy)
        status = main(['check', str(policy), str(tmp_path / 'robot.yaml'), *map(str, words)])
        said = capsys.readouterr()
        assert status == 0, said.err
        return said.out

    return run
