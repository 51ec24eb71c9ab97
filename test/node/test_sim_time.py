"""The node in simulated time, which may stop, go on, and run at another speed."""

import signal

from policies import write_policy
from world import SIM_ROBOT, UR5, World


def test_a_clock_that_stands_still_is_reported_and_then_it_goes_on(begin, infer, tmp_path):
    sim = begin(SIM_ROBOT, '--robot', 'ur5', '--speed', 3)
    model = write_policy(tmp_path / 'policy.pt', speed=0.02)
    world = World()
    node = infer(model=model, robot=UR5, use_sim_time=True)
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
        world.close()
