"""Single points that did not go out for a while, or by a clock that jumps: no stop makes a leap."""

import numpy as np
import pytest

from helpers.runner_rig import (
    ROBOT,
    SECOND,
    START_NS,
    STEP_NS,
    LaggingRig,
    make_runner,
)

POINTS = ROBOT.replace('{topic: arm}', '{topic: arm, stream: point}')
VELOCITY = np.array([2.0, 1.0])


def swaying(request):
    """Joint b's way is half of joint a's, whose speed is 1.2 rad/s at the most."""
    times_s = (request.made_ns - START_NS) / SECOND + 0.05 * np.arange(1, 17)
    way = 0.4 * np.sin(3.0 * times_s)
    return np.stack([way, 0.0 * way, 0.5 * way], axis=1)


@pytest.fixture
def rig(tmp_path):
    """In full motion; its joints are where they are commanded."""
    runner = make_runner(tmp_path, robot=POINTS, command_rate_hz=100.0)
    rig = LaggingRig(runner, model=swaying, lag_s=0.0, delay_s=(0.0, 0.0)).step(44)
    assert rig.state == 'RUNNING'
    assert np.abs(rig.velocities).max() > 0.8
    return rig


def fastest(rig, first):
    return np.abs(np.diff(rig.robot.commands[first:], axis=0)).max(axis=0) * 500.0


@pytest.mark.parametrize('pause_s', [0.05, 0.2])
@pytest.mark.parametrize('is_measured', [True, False])
@pytest.mark.parametrize('call', ['enable', 'stop'])
def test_a_stop_begins_where_the_last_point_led(rig, pause_s, is_measured, call):
    """As when the process could not run for a while, and is told to stop before all else."""
    rig.is_time = lambda last, rate_hz: last == 'published_ns' and is_measured
    rig.simulate(round(pause_s * SECOND))
    del rig.is_time
    first = len(rig.robot.commands) - 1
    arguments = (False, rig.now_ns) if call == 'enable' else (rig.now_ns,)
    rig.do(getattr(rig.runner, call)(*arguments))
    rig.step(14)
    assert (fastest(rig, first) <= VELOCITY * 1.01).all()


@pytest.mark.parametrize('by_s', [-3.0, -0.1, 0.4, 5.0])
def test_points_go_on_by_a_steady_clock_where_the_other_jumps(rig, by_s):
    first = len(rig.robot.commands) - 1
    before = rig.velocities.copy()
    rig.skew_ns += round(by_s * SECOND)
    rig.simulate(STEP_NS)
    # Until the step notices, the motion is what it was.
    assert rig.velocities == pytest.approx(before, abs=0.15)
    rig.step(20)
    assert (fastest(rig, first) <= VELOCITY * 1.01).all()


def test_without_a_steady_clock_one_that_went_back_gives_no_point(rig):
    rig.simulated = True
    rig.step(2)
    rig.skew_ns -= SECOND
    assert rig.runner.points(rig.now_ns) == ()

    rig.step(10)
