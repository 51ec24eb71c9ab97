"""The node in simulated time, which may stop, go on, and run at another speed."""

import signal

from helpers.live_robot import SIM_ROBOT, UR5, World
from helpers.small_policies import write_policy


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


def test_simulated_time_that_was_forgotten_is_told_in_one_line(begin, infer, tmp_path):
    begin(SIM_ROBOT, '--robot', 'ur5')
    world = World()
    node = infer(model=write_policy(tmp_path / 'policy.pt'), robot=UR5)
    try:
        world.until_state('WAITING', 'header stamps of ')
        assert world.reason.endswith(
            ': they look like simulated time, since /sim publishes /clock: give use_sim_time:=true'
        )
        assert node.end() == 0, node.output
        assert 'stamp: receive' not in node.output
    finally:
        world.close()


def test_simulated_time_that_nobody_makes_is_told(begin, infer, tmp_path):
    begin(SIM_ROBOT, '--robot', 'ur5', '--no-clock')
    world = World()
    node = infer(model=write_policy(tmp_path / 'policy.pt'), robot=UR5, use_sim_time=True)
    try:
        world.until_state('WAITING', 'nobody publishes /clock, and without it there is no time')
        assert node.end() == 0, node.output
    finally:
        world.close()
