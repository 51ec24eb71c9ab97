"""Worlds shared by the tests of one module: starting processes is what takes the time."""

import pytest

pytest.importorskip('rclpy')

from helpers.live_robot import DEFAULTS, INFER_NODE, UR5, Running, ros_arguments, simulated_ur5
from helpers.small_policies import write_policy


@pytest.fixture
def infer(begin):
    """Starts the node with parameters."""
    return lambda **parameters: begin(INFER_NODE, *ros_arguments(parameters))


@pytest.fixture(scope='module')
def ur5(domain):
    """A simulated UR5 in wall time, and its witness."""
    with simulated_ur5('--seed', 1, '--no-clock') as world:
        yield world


@pytest.fixture(scope='module')
def shared_node(ur5):
    """The node, without a policy as yet: `run` gives it one."""
    process = Running(INFER_NODE, *ros_arguments({'autostart': False}))
    yield process
    assert process.end() == 0, process.output
    assert 'Traceback' not in process.output


@pytest.fixture
def run(ur5, shared_node, tmp_path):
    """Configure and activate the shared node with a policy; yields the world.

    Afterwards all that was sent and all that moved is checked.
    """
    ur5.new_trial()
    ur5.diagnostics.clear()

    def start(activate=True, robot=UR5, behaviour=None, **parameters):
        model = write_policy(tmp_path / 'policy.pt', **(behaviour or {}))
        values = {'model': str(model), 'robot': str(robot), **DEFAULTS, **parameters}
        assert all(r.successful for r in ur5.set('infer', **values))
        assert ur5.change('configure'), shared_node.output
        if activate:
            assert ur5.change('activate')
        return ur5

    yield start
    if ur5.lifecycle() == 'active':
        assert ur5.change('deactivate')
    if ur5.lifecycle() == 'inactive':
        assert ur5.change('cleanup')
    ur5.check()
