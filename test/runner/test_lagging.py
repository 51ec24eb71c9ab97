"""A robot that follows late, as real ones do; its controller starts from where it is measured."""

import importlib.util
from itertools import count

import numpy as np
import pytest

from helpers.runner_rig import ROBOT, SECOND, Rig, make_runner
from neuracore_ros.command.plan import BLENDS
from neuracore_ros.command.spline import fastest

PROFILES = ['spline', 'ruckig'] if importlib.util.find_spec('ruckig') else ['spline']
VELOCITY = np.array([2.0, 1.0])
LAG_S = 0.04


class Lagging(Rig):
    """Each joint closes in on its reference with a time constant."""

    fastest = 0.0
    joined = 0

    def simulate(self, duration_ns, period_ns=5_000_000):
        for i in range(duration_ns // period_ns):
            self.true_ns += period_ns
            away = self.controller.reference(self.true_ns) - self.positions
            self.velocities = away / LAG_S
            self.positions = self.positions + self.velocities * period_ns / SECOND
            self.path.append(self.positions.copy())
            if i % 2:
                self.publish()
            self.answer()

    def do(self, outcome):
        """Look at what the controller makes of the way to the first point."""
        for command in outcome.commands:
            if command.times_s[0] == 0.0:
                # It begins at the setpoint, where the command is already.
                self.joined += 1
                continue
            ends = self.positions, command.positions[0]
            speeds = self.velocities, command.velocities[0]
            asked = fastest(command.times_s[:1], ends, speeds)
            self.fastest = max(self.fastest, (asked / VELOCITY).max())
        super().do(outcome)


def wandering(seed):
    """A smooth policy that wants more than the limits allow."""
    random = np.random.default_rng(seed)
    phase, reach = random.uniform(0, 6, 3), random.uniform(0.3, 1.0)

    def model(request):
        due = request.tick + 1 + np.arange(16)[:, None]
        return reach * np.sin(0.2 * due + phase)

    return model


@pytest.mark.parametrize('blend', sorted(BLENDS))
@pytest.mark.parametrize('profile', PROFILES)
def test_a_robot_that_lags_is_never_told_to_leap(tmp_path, profile, blend):
    robot = ROBOT.replace('velocity: 2.0', 'velocity: 2.0, acceleration: 9.0, jerk: 300')
    for seed in range(3):
        runner = make_runner(
            tmp_path,
            robot,
            start_tolerance=2.0,
            start_max=2.0,
            blend=blend,
            profile=profile,
            execute_steps=4,
        )
        rig = Lagging(runner, wandering(seed))
        for k in count():
            rig.step(25)
            assert rig.state == 'RUNNING'
            if k == 2:
                break
            rig.do(runner.reset(rig.now_ns))
        # Points that came as soon as the motion has knots had it leap at 1,000 times its limit.
        assert rig.joined > 10
        assert rig.fastest < 1.0
