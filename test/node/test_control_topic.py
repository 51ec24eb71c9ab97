"""~/control: who commands the robot, for recordings and for people."""

import hashlib

import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

from neuracore_ros.control import Commander, Control

SWEEP = {'speed': 0.02}


@pytest.fixture
def control(ur5):
    """All that was said, oldest first."""
    said = []
    qos = QoSProfile(
        depth=10,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )
    subscription = ur5.node.create_subscription(
        String, 'infer/control', lambda message: said.append(Control.from_text(message.data)), qos
    )
    yield said
    ur5.node.destroy_subscription(subscription)


def until(world, said, commander):
    world.until(lambda: said and said[-1].commander is commander, f'{commander.value} commands')


def test_the_policy_is_named_while_it_commands_and_nobody_else(run, control, tmp_path):
    world = run(behaviour=SWEEP)
    world.until_moving()
    until(world, control, Commander.POLICY)
    digest = hashlib.sha256((tmp_path / 'policy.pt').read_bytes()).hexdigest()
    assert control[-1] == Control(Commander.POLICY, 'policy.pt', digest)
    # It is said again every second, so that a recording that began late has it.
    known = len(control)
    world.until(lambda: len(control) > known + 1, 'it is said again')
    world.enable(False)
    until(world, control, Commander.NOBODY)
    world.enable(True)
    until(world, control, Commander.POLICY)
    world.set('sim', joints_frozen=True)
    until(world, control, Commander.NOBODY)
    world.set('sim', joints_frozen=False)
    until(world, control, Commander.POLICY)
    assert world.change('deactivate')
    until(world, control, Commander.NOBODY)


def test_in_a_dry_run_nobody_commands(run, control):
    world = run(behaviour=SWEEP, dry_run=True)
    world.until_state('RUNNING')
    until(world, control, Commander.NOBODY)
    world.let_pass(0.5)
    assert {each.commander for each in control} == {Commander.NOBODY}
