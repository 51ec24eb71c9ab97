"""Any policy of poses, any faults, at any moment: what the arm does stays safe."""

import numpy as np
import test_closed_loop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_closed_loop import PROFILES, Jittery, happen
from test_lagging_closed_loop import Planned

from helpers.cyclic_controller import VARIANTS
from helpers.pose_loop import PoseRig, body, of_hand, pose_runner, stay, wild
from helpers.runner_rig import SECOND, STEP_NS
from neuracore_ros.command.plan import BLENDS
from neuracore_ros.sim.controller import TrajectoryController

SHAPES = {
    'planar': {'shape': 'planar'},
    'five': {'shape': 'five', 'error': (0.01, 0.6)},
    'six': {'shape': 'six'},
    'seven': {'shape': 'seven'},
    'two arms': {'shape': 'six', 'two': True},
    'hand and gripper': {'shape': 'six', 'others': ('finger',)},
    'hand, head and gripper': {'shape': 'seven', 'others': ('head', 'finger')},
}
EVENTS = [*test_closed_loop.EVENTS, 'held', 'released']
# After lies of sensors it is unknown where the robot is; the others do not matter here.
LEFT_OUT = ('answer anyhow', 'not a number', 'one lie', 'clock forward and stop')
FAULTS = [event for event in test_closed_loop.EVENTS if event not in LEFT_OUT]


class Hands(PoseRig, Jittery):
    """Joints that go wherever they are sent, as fast as they are sent."""

    def __post_init__(self):
        super().__post_init__()
        # So it is the command that keeps them slow.
        self.velocity = 20 * self.made.velocity
        self.controller = TrajectoryController(self.names, self.positions)
        self.was_held = False
        self.fastest = 0.0

    def do(self, outcome):
        super().do(outcome)
        if outcome.commands:
            spline = self.runner.executed[-1]
            times_s = np.arange(0.0, spline.times_s[-1] + 0.01, 0.01)
            rows = [spline.at(spline.start_ns + round(time_s * SECOND))[1] for time_s in times_s]
            self.fastest = max(self.fastest, (np.abs(rows) / self.made.velocity).max())

    def live_through(self, events, model):
        self.step(6)
        for event, steps, phase in events:
            self.simulate(phase * STEP_NS // 10)
            if event in ('held', 'released'):
                self.follows = event == 'released'
                self.was_held = True
            happen(self, event, model)
            self.step(steps)

    def beyond(self):
        """How far hands left their workspaces [m], in stops and elsewhere."""
        path, found = np.array(self.path), [0.0]
        for hand in self.made.hands:
            if hand.workspace is not None:
                rows = of_hand(self.made, hand, path[::3])
                where = hand.kinematics.poses(rows)[:, :3]
                away = np.maximum(hand.workspace[0] - where, where - hand.workspace[1])
                found.append(away.max(initial=0.0))
        return max(found)

    def recover(self):
        """All is well again, and the policy wants the hand where it is."""
        self.follows = self.joints_alive = True
        self.listeners = {'arm': 1}
        self.model, self.random, self.latency_steps = stay(self.made, self), None, 0.4
        if not self.runner.is_active:
            self.step(40)
            assert self.runner.at_rest(self.now_ns)
            self.runner.start(self.now_ns)
        self.step(30)
        self.do(self.runner.enable(True, self.now_ns))
        self.step(40)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    shape=st.sampled_from(sorted(SHAPES)),
    box=st.sampled_from([None, 0.05, 0.3]),
    seed=st.integers(0, 2**32 - 1),
    events=st.lists(
        st.tuples(st.sampled_from(EVENTS), st.integers(1, 8), st.integers(0, 9)), max_size=8
    ),
    latency_steps=st.floats(0.0, 5.0),
    rearm=st.sampled_from(['auto', 'manual']),
    start_max=st.sampled_from([0.5, 10.0]),
    blend=st.sampled_from(sorted(BLENDS)),
    profile=st.sampled_from(PROFILES),
    delay_steps=st.sampled_from([0, 0, 1, 5]),
    execute_steps=st.sampled_from([0, 1, 9]),
    simulated=st.booleans(),
    smooth=st.booleans(),
)
def test_an_arm_that_is_commanded_by_poses_stays_within_its_limits_and_goes_on(
    folder,
    shape,
    box,
    seed,
    events,
    latency_steps,
    rearm,
    start_max,
    blend,
    profile,
    delay_steps,
    execute_steps,
    simulated,
    smooth,
):
    made = body(folder, **SHAPES[shape], box=box)
    model = wild(made, seed, smooth)
    runner = pose_runner(
        made,
        rearm=rearm,
        start_max=start_max,
        blend=blend,
        profile=profile,
        delay_steps=delay_steps,
        execute_steps=execute_steps,
    )
    rig = Hands(made, model, latency_steps, runner, simulated=simulated)
    rig.live_through(events, model)
    path, (lower, upper, velocity) = np.array(rig.path), made.limits
    assert (path >= lower - 1e-3).all() and (path <= upper + 1e-3).all()
    assert rig.fastest <= 1.01
    # What catches up after it was held is as fast as its motors.
    speeds = np.abs(np.diff(path, axis=0)) / 0.005
    assert rig.was_held or (speeds <= 1.05 * velocity).all()
    # Joints that were held catch up by themselves, each as fast as it can.
    assert rig.was_held or rig.beyond() <= 0.01
    rig.recover()
    assert rig.state == 'RUNNING', rig.runner.reason
    assert rig.unexplained == []


class LaggingHands(PoseRig, Planned):
    """Joints that lag behind a controller in cycles."""


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    shape=st.sampled_from(['planar', 'six', 'seven', 'two arms']),
    seed=st.integers(0, 2**32 - 1),
    events=st.lists(
        st.tuples(st.sampled_from(FAULTS), st.integers(1, 8), st.integers(0, 9)), max_size=8
    ),
    latency_steps=st.floats(0.0, 3.0),
    blend=st.sampled_from(sorted(BLENDS)),
    profile=st.sampled_from(PROFILES),
    variant=st.sampled_from(sorted(VARIANTS)),
    lag_s=st.sampled_from([0.0, 0.02, 0.06]),
)
def test_the_command_of_an_arm_that_lags_behind_its_poses_never_steps(
    folder, shape, seed, events, latency_steps, blend, profile, variant, lag_s
):
    made = body(folder, **SHAPES[shape])
    model = wild(made, seed, smooth=True)
    runner = pose_runner(made, start_tolerance=2.0, start_max=2.0, blend=blend, profile=profile)
    rig = LaggingHands(
        made, model, latency_steps, runner, variant=variant, update_hz=125.0, lag_s=lag_s
    )
    test_closed_loop.live_through(rig, events, model)
    rig.step(5)
    assert (rig.steps() < 0.3).all(), rig.steps().max()
