"""Any faults, at any moment, behind any controller and any lag: what a drive is told has no step."""

import numpy as np
import test_closed_loop
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_closed_loop import FAST, PROFILES, live_through

from helpers.cyclic_controller import VARIANTS
from helpers.runner_rig import SECOND, LaggingRig, make_runner
from neuracore_ros.command.plan import BLENDS

# After lies of sensors it is unknown where the robot is; the others do not matter here.
LEFT_OUT = ('answer anyhow', 'not a number', 'one lie', 'clock forward and stop')
EVENTS = [event for event in test_closed_loop.EVENTS if event not in LEFT_OUT]
NEAR_NS = 60_000_000


def smooth(seed):
    """A policy that keeps to the limits, or a little beyond them."""
    random = np.random.default_rng(seed)
    reach, phase = random.uniform(0.1, 0.5), random.uniform(0, 6, 3)

    def model(request):
        due = request.tick + 1 + np.arange(16)[:, None]
        return reach * np.sin(0.1 * due + phase)

    return model


class Planned(LaggingRig):
    """Notes in each cycle how fast the joints should be, and when messages are sent."""

    speeds = ()
    delivered_ns = ()

    def deliver(self, message):
        super().deliver(message)
        self.delivered_ns = (*self.delivered_ns, self.true_ns)

    def answer(self):
        super().answer()
        setpoint = self.runner.setpoint(self.now_ns)
        none = np.zeros(len(self.names))
        self.speeds = (*self.speeds, none if setpoint is None else np.abs(setpoint[1]))

    def steps(self):
        """Jumps of the commanded speed that messages a cycle sooner or later do not explain.

        Of two messages in a row, the first one may come sooner and the second one later.
        """
        robot, speeds = self.robot, np.array(self.speeds)
        near = round(NEAR_NS / robot.period_ns)
        planned = [speeds[max(0, k - near) : k + near + 1].max(axis=0) for k in range(len(speeds))]
        times_ns = np.array(robot.times_ns[1:])[:, None]
        since_ns = times_ns - np.array(self.delivered_ns)
        recent = (since_ns >= 0) & (since_ns <= SECOND * self.delay_s[1] + 2 * robot.period_ns)
        in_a_row = np.clip(recent.sum(axis=1), 1, 2)
        return robot.command_jumps() - in_a_row[:, None] * np.array(planned)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**32 - 1),
    events=st.lists(
        st.tuples(st.sampled_from(EVENTS), st.integers(1, 8), st.integers(0, 9)), max_size=10
    ),
    latency_steps=st.floats(0.0, 3.0),
    rearm=st.sampled_from(['auto', 'manual']),
    blend=st.sampled_from(sorted(BLENDS)),
    profile=st.sampled_from(PROFILES),
    execute_steps=st.sampled_from([0, 1, 11]),
    variant=st.sampled_from(sorted(VARIANTS)),
    update_hz=st.sampled_from([100.0, 125.0, 500.0]),
    lag_s=st.sampled_from([0.0, 0.02, 0.06]),
)
# A prediction came, and a millisecond later the robot was stopped.
@example(0, [('nobody listens', 1, 5)], 2.47, 'auto', 'ensemble', 'spline', 1, 'desired', 500, 0)
def test_the_command_of_a_robot_that_lags_never_steps(
    folder,
    seed,
    events,
    latency_steps,
    rearm,
    blend,
    profile,
    execute_steps,
    variant,
    update_hz,
    lag_s,
):
    runner = make_runner(
        folder,
        FAST,
        start_tolerance=2.0,
        start_max=2.0,
        rearm=rearm,
        blend=blend,
        profile=profile,
        execute_steps=execute_steps,
    )
    model = smooth(seed)
    rig = Planned(runner, model, latency_steps, variant=variant, update_hz=update_hz, lag_s=lag_s)
    live_through(rig, events, model)
    rig.step(5)
    assert (rig.steps() < 0.3).all(), rig.steps().max()
