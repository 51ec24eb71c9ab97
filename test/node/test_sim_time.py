"""The node in simulated time, which may stop, go on, and run at another speed."""

import signal

import pytest
from policies import write_policy
from world import UR5, Running, World, infer_node


@pytest.fixture
def sim(domain):
    process = Running('neuracore_ros.sim.robot_node', '--robot', 'ur5', '--speed', 3)
    yield process
    assert process.end() == 0, process.output


def test_a_clock_that_stands_still_is_reported_and_then_it_goes_on(sim, tmp_path):
    model = write_policy(tmp_path / 'policy.pt', speed=0.02)
    world = World()
    node = infer_node(model=model, robot=UR5, use_sim_time=True)
    try:
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
    finally:
        sim.process.send_signal(signal.SIGCONT)
        node.end()
        world.close()
