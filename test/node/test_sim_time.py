"""The node in simulated time, which may stop, go on, and run at another speed."""

import signal

import pytest

from helpers.live_robot import SIM_ROBOT, UR5, Running, World
from helpers.small_policies import write_policy


@pytest.fixture(scope='module')
def sim(domain):
    """A simulated UR5 that publishes /clock, three times as fast as real time."""
    process = Running(SIM_ROBOT, '--robot', 'ur5', '--speed', 3)
    yield process
    process.process.send_signal(signal.SIGCONT)
    assert process.end() == 0, process.output


@pytest.fixture
def world(sim):
    world = World()
    yield world
    world.close()


def test_simulated_time_that_was_forgotten_is_told_in_one_line(world, infer, tmp_path):
    node = infer(model=write_policy(tmp_path / 'policy.pt'), robot=UR5)
    world.until_state('WAITING', 'header stamps of ')
    assert world.reason.endswith(
        ': they look like simulated time, since /sim publishes /clock: give use_sim_time:=true'
    )
    assert node.end() == 0, node.output
    assert 'stamp: receive' not in node.output


def test_a_clock_that_stands_still_is_reported_and_then_it_goes_on(sim, world, infer, tmp_path):
    model = write_policy(tmp_path / 'policy.pt', speed=0.02)
    node = infer(model=model, robot=UR5, use_sim_time=True)
    world.until_state('RUNNING')
    world.until_moving()
    sim.process.send_signal(signal.SIGSTOP)
    world.until_state('HOLDING', '/clock')
    sim.process.send_signal(signal.SIGCONT)
    world.until_state('RUNNING')
    world.until_moving()
    assert node.end() == 0, node.output
    world.until_still()
    world.check()
