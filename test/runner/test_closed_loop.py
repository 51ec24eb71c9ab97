"""Any policy, any faults, at any moment: what the robot does stays safe."""

import importlib.util
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpers.runner_rig import ROBOT, SECOND, STEP_NS, Rig, make_runner
from neuracore_ros.command.plan import BLENDS

PROFILES = ['spline', 'ruckig'] if importlib.util.find_spec('ruckig') else ['spline']
FAST = ROBOT.replace('velocity: 2.0', 'velocity: 2.0, acceleration: 9.0, jerk: 300')
LOWER, UPPER, VELOCITY = np.array([-1.0, -2.0]), np.array([1.0, 0.5]), np.array([2.0, 1.0])
ACCELERATION = np.array([9.0, 10.0])
EVENTS = [
    *['run'] * 6,
    'skip',
    'answer late',
    'answer soon',
    'answer anyhow',
    'joints die',
    'joints return',
    'not a number',
    'one lie',
    'nobody listens',
    'somebody listens',
    'clock back',
    'clock forward',
    'clock back and off',
    'clock back and reset',
    'clock forward and stop',
    'clock slips',
    'model fails',
    'model recovers',
    'enable',
    'disable',
    'reset',
    'stop',
    'start',
]

FORWARD = [('clock forward', 4, 0)]
HELD = [('enable', 2, 0), ('run', 7, 0), ('clock forward', 6, 4)]
LIE = [('clock back', 2, 0), ('run', 4, 4), ('joints die', 1, 4), ('one lie', 5, 8)]
BACK_AFTER_STOP = [('stop', 7, 0), ('clock back and reset', 1, 0)]
BACK = [('run', 1, 0), ('clock back', 1, 6), ('run', 1, 0)]


class Jittery(Rig):
    """Its model may take any time to answer; every command must go on from the one before."""

    random = None
    jerk_limited = False

    def do(self, outcome):
        if self.random is not None:
            self.latency_steps = self.random.choice([0.1, 1.0, 4.0]) * self.random.uniform()
        super().do(outcome)
        executed = self.runner.executed
        for before, after in pairwise(executed):
            assert after.start_ns >= before.start_ns
        if outcome.commands and len(executed) > 1:
            before, after = executed[-2], executed[-1]
            left, (position, velocity) = before.at(after.start_ns), after.at(after.start_ns)
            goes_on = np.isclose(left, (position, velocity), atol=1e-9).all(axis=0)
            # Where a stop has left it elsewhere than it was sent, a joint is held.
            held = (np.abs(position - self.positions) <= 0.01) & (velocity == 0.0)
            lost = 'does not follow' in self.runner.reason
            assert lost or (goes_on | held).all()
        if outcome.commands and self.jerk_limited:
            spline = executed[-1]
            # Where the clock alone tells the time, nobody knows where the robot is after a jump;
            # a cubic then goes straight to a later knot, at its ends with up to 5/3 as much.
            guessed = self.simulated and self.went_back
            most = (5 / 3 if guessed else 1.01) * ACCELERATION
            for time_s in spline.times_s[:-1][np.diff(spline.times_s) > 1e-4]:
                at = spline.acceleration_at(spline.start_ns + round(time_s * SECOND))
                assert (np.abs(at) <= most).all()


def wild(seed):
    """A policy between smooth and mad; now and then it predicts what is not a number."""
    random = np.random.default_rng(seed)
    reach, noise = random.choice([0.05, 0.4, 3.0]), random.choice([0.0, 0.02, 2.0])
    phase, mad = random.uniform(0, 6, 3), random.choice([0.0, 0.0, 0.05])

    def model(request):
        due = request.tick + 1 + np.arange(16)[:, None]
        chunk = reach * np.sin(0.15 * due + phase) + noise * random.standard_normal((16, 3))
        if random.random() < mad:
            chunk[random.integers(16)] = random.choice([np.nan, np.inf, 1e12])
        return chunk

    return model


def fails(request):
    raise ArithmeticError('boom')


def happen(rig, event, model):
    runner, now_ns = rig.runner, rig.now_ns
    rig.went_back |= event.startswith('clock back')
    match event:
        case 'skip':
            rig.simulate(STEP_NS)
        case 'answer late':
            rig.latency_steps = 18.3
        case 'answer soon':
            rig.latency_steps = 0.7
        case 'answer anyhow':
            rig.random = np.random.default_rng(len(rig.path))
        case 'joints die' | 'joints return':
            rig.joints_alive = event == 'joints return'
        case 'not a number':
            rig.publish(positions=[np.nan, *rig.positions[1:]])
        case 'one lie':
            rig.publish(positions=[*rig.positions[:-1], rig.positions[-1] + 0.9])
        case 'nobody listens' | 'somebody listens':
            rig.listeners = {'arm': int(event == 'somebody listens')}
        case 'clock back':
            rig.skew_ns -= 7 * STEP_NS
        case 'clock back and off':
            rig.skew_ns -= 7 * STEP_NS
            rig.do(runner.enable(False, rig.now_ns))
        case 'clock back and reset':
            rig.skew_ns -= 7 * STEP_NS
            rig.do(runner.reset(rig.now_ns))
        # Where time is simulated, the robot's own time goes forward as well.
        case 'clock forward and stop':
            rig.skew_ns += 0 if rig.simulated else 9 * STEP_NS
            rig.do(runner.stop(rig.now_ns))
        case 'clock slips':
            # Too little to be a jump.
            rig.skew_ns += 0 if rig.simulated else 3 * STEP_NS
        case 'clock forward':
            rig.skew_ns += 9 * STEP_NS
        case 'model fails':
            rig.model = fails
        case 'model recovers':
            rig.model = model
        case 'enable' | 'disable':
            rig.do(runner.enable(event == 'enable', now_ns))
        case 'reset':
            rig.do(runner.reset(now_ns))
        case 'stop':
            rig.do(runner.stop(now_ns))
        case 'start':
            # The owner starts only what it has stopped, and waits for it to rest.
            if not runner.is_active and runner.at_rest(now_ns):
                runner.start(now_ns)


def live_through(rig, events, model):
    """Events one after the other, each in a phase of a step and followed by some steps."""
    rig.step(6)
    for event, steps, phase in events:
        rig.simulate(phase * STEP_NS // 10)
        happen(rig, event, model)
        rig.step(steps)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**32 - 1),
    start=st.tuples(st.floats(-1.0, 1.0), st.floats(-2.0, 0.5)),
    events=st.lists(
        st.tuples(st.sampled_from(EVENTS), st.integers(1, 8), st.integers(0, 9)), max_size=12
    ),
    latency_steps=st.floats(0.0, 5.0),
    rearm=st.sampled_from(['auto', 'manual']),
    start_max=st.sampled_from([0.5, 10.0]),
    blend=st.sampled_from(sorted(BLENDS)),
    profile=st.sampled_from(PROFILES),
    delay_steps=st.sampled_from([0, 0, 1, 5]),
    execute_steps=st.sampled_from([0, 1, 11]),
    simulated=st.booleans(),
)
# A tick 80 ms after the one before, and meanwhile the clock went back: the stop began where the
# robot had been 30 ms earlier, and was to be there within a tenth of a millisecond.
@example(46, (0.0, 0.0), BACK, 0, 'auto', 10, 'ensemble', 'ruckig', 0, 1, True)
@example(46, (0.0, 0.0), BACK, 0, 'auto', 10, 'ensemble', 'ruckig', 0, 1, False)
# The only clock went forward, and the robot did not: by the clock its last motion was over, and
# the command leapt to where that was to end.
@example(683485, (0.0, 0.0), FORWARD, 0, 'auto', 10, 'ensemble', 'spline', 0, 0, True)
# The only clock went forward: a joint that still moved stood elsewhere than it was sent, and was
# held there.
@example(2361680341, (-0.2, -1), HELD, 0, 'manual', 10, 'none', 'ruckig', 1, 11, True)
# The last sample before a prediction was a lie: the robot started from there.
@example(4092745035, (0.0, 0.0), LIE, 4.7654, 'auto', 10, 'none', 'spline', 0, 0, False)
# Stopped, and then the only clock went back to the time of the stop: the stop began once more.
@example(2562583612, (0.0, 0.0), BACK_AFTER_STOP, 0, 'auto', 10, 'none', 'spline', 0, 0, True)
def test_no_joint_ever_leaves_its_limits_exceeds_its_velocity_or_jumps(
    folder,
    seed,
    start,
    events,
    latency_steps,
    rearm,
    start_max,
    blend,
    profile,
    delay_steps,
    execute_steps,
    simulated,
):
    runner = make_runner(
        folder,
        robot=FAST,
        rearm=rearm,
        start_max=start_max,
        blend=blend,
        profile=profile,
        delay_steps=delay_steps,
        execute_steps=execute_steps,
    )
    model = wild(seed)
    rig = Jittery(runner, model, latency_steps, start, simulated=simulated)
    rig.jerk_limited = profile == 'ruckig'
    # The joints could be far faster than allowed, so it is the command that keeps them slow.
    rig.velocity = 20 * VELOCITY
    live_through(rig, events, model)
    path = np.array(rig.path)
    assert (path >= LOWER - 1e-3).all()
    assert (path <= UPPER + 1e-3).all()
    # The robot's own estimate of its velocity is half a millisecond step old.
    assert (np.abs(np.diff(path, axis=0)) / 0.005 <= 1.05 * VELOCITY).all()
    assert max((c.times_s[-1] for _, c in rig.sent), default=0.0) <= 0.5 + 1e-9
    # Whatever state it is in, dead joints end all motion: 0.25 s to notice, 0.5 s to brake.
    rig.joints_alive = False
    rig.step(15)
    last = len(rig.path)
    sent = len(rig.sent)
    rig.step(20)
    assert np.ptp(rig.path[last:], axis=0) == pytest.approx([0.0, 0.0], abs=1e-9)
    assert len(rig.sent) == sent
