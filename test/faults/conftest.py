"""One robot for each module of faults: starting processes is what takes the time."""

import pytest

pytest.importorskip('rclpy')
pytest.importorskip('torch')

from helpers.fault_rig import Stage
from helpers.faulty_relay import robot_file
from helpers.misbehaving_policy import write_puppet


@pytest.fixture(scope='module')
def puppet(tmp_path_factory):
    """The policy file that misbehaves to order."""
    return write_puppet(tmp_path_factory.mktemp('puppet') / 'puppet.pt')


@pytest.fixture(scope='module')
def stage(domain, tmp_path_factory):
    """A simulated robot behind a saboteur, without a node as yet."""
    stage = Stage(robot_file(tmp_path_factory.mktemp('robot')))
    yield stage
    stage.close()


@pytest.fixture(scope='module')
def staged(stage, puppet):
    """A node that runs the puppet there; it lives through all that follows."""
    node = stage.start_node(autostart=False)
    stage.configure(model=str(puppet))
    yield stage
    stage.recover()
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output
