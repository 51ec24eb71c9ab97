"""One robot for each module of faults: starting processes is what takes the time."""

import pytest

pytest.importorskip('rclpy')
pytest.importorskip('torch')

from helpers.fault_rig import FaultRig
from helpers.faulty_relays import robot_file
from helpers.misbehaving_policy import write_misbehaving_policy


@pytest.fixture(scope='module')
def misbehaving(tmp_path_factory):
    """The policy file that misbehaves to order."""
    return write_misbehaving_policy(tmp_path_factory.mktemp('misbehaving') / 'policy.pt')


@pytest.fixture(scope='module')
def rig(domain, tmp_path_factory):
    """A simulated robot behind relays, without a node as yet."""
    rig = FaultRig(robot_file(tmp_path_factory.mktemp('robot')))
    yield rig
    rig.close()


@pytest.fixture(scope='module')
def started_rig(rig, misbehaving):
    """A node that runs the policy there; it lives through all that follows."""
    node = rig.start_node(autostart=False)
    rig.configure(model=str(misbehaving))
    yield rig
    rig.recover()
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output
