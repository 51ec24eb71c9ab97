import pytest

from helpers.runner_rig import Rig, make_runner


@pytest.fixture
def rig(tmp_path):
    """Makes a rig; further arguments are the runner's settings."""

    def make(robot=None, policy=None, model=None, latency_steps=0.4, start=(0.0, 0.0), **settings):
        given = {'robot': robot} if robot else {}
        runner = make_runner(tmp_path, policy=policy, **given, **settings)
        made = Rig(runner, latency_steps=latency_steps, start=start)
        if model:
            made.model = model
        return made

    return make


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('robot')
