"""The verbs as tests call them."""

import json

import pytest

from neuracore_ros.cli.main import main


@pytest.fixture
def check(capsys):
    """Runs the verb; returns its status, and what it printed as JSON."""

    def run(*arguments):
        capsys.readouterr()
        code = main(['check', *map(str, arguments), '--json'])
        return code, json.loads(capsys.readouterr().out)

    return run
