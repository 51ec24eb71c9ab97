"""Two hands on two command topics, measured on two: what befalls one of them stops both."""

import numpy as np
import pytest
import test_pose_closed_loop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.controllers_apart import ControllersApart
from helpers.pose_loop import body, pose_runner, stay, wild
from helpers.runner_rig import STEP_NS, as_message, joint_state
from neuracore_ros.command.plan import BLENDS

ARMS = ('hand0', 'hand1')
BOTH = {'hand0/command': 1, 'hand1/command': 1}


class Apart(test_pose_closed_loop.Hands):
    """Both arms are driven and measured apart."""

    def __post_init__(self):
        super().__post_init__()
        arms = {f'{hand.name}/command': hand.joints for hand in self.made.hands}
        self.controller = ControllersApart(self.names, self.positions, arms)
        self.listeners = dict(BOTH)
        self.silent, self.topics = set(), []

    def do(self, outcome):
        self.topics.append(tuple(command.topic for command in outcome.commands))
        for command in outcome.commands:
            given = self.true_ns, self.positions, self.velocities
            assert self.controller.accept(command.topic, as_message(command), *given) is None
        # What the parent would deliver has been delivered.
        self.deliver = lambda message: None
        super().do(outcome)

    def publish(self, positions=None, stamp_ns=None):
        values = self.positions if positions is None else np.asarray(positions)
        for hand in self.made.hands:
            if hand.name not in self.silent:
                own = [values[self.names.index(name)] for name in hand.joints]
                message = joint_state(hand.joints, own, stamp_ns or self.now_ns)
                self.runner.receive(f'{hand.name}/joint_states', message, self.now_ns)

    def befall(self, event):
        """One of both arms: its joints fall silent, or nobody listens to its commands."""
        what, arm = event
        match what:
            case 'silent':
                self.silent.add(arm)
            case 'speaks':
                self.silent.discard(arm)
            case 'deaf':
                self.listeners = {**BOTH, f'{arm}/command': 0}
            case 'listens':
                self.listeners = dict(BOTH)

    def moving(self):
        """The arms that commands move now."""
        velocity = np.abs(self.runner.setpoint(self.now_ns)[1])
        return {
            hand.name
            for hand in self.made.hands
            if velocity[[self.names.index(name) for name in hand.joints]].max() > 1e-6
        }


def rig_of(folder, seed, box=0.3, **options):
    made = body(folder, 'six', two=True, apart=True, box=box)
    model = wild(made, seed, smooth=True)
    return Apart(made, model, 0.4, pose_runner(made, **options)), model


@pytest.mark.parametrize('arm', ARMS)
def test_an_arm_whose_joints_fall_silent_stops_both(tmp_path, arm):
    rig, _ = rig_of(tmp_path, 4)
    rig.step(20)
    assert rig.state == 'RUNNING' and rig.moving() == set(ARMS)
    rig.befall(('silent', arm))
    rig.step(12)
    assert rig.state == 'HOLDING' and f'{arm}/joint_states' in rig.runner.reason
    rig.step(10)
    assert rig.moving() == set()
    rig.befall(('speaks', arm))
    rig.step(30)
    assert rig.state == 'RUNNING' and rig.moving() == set(ARMS)


@pytest.mark.parametrize('arm', ARMS)
def test_an_arm_that_nobody_drives_stops_both(tmp_path, arm):
    rig, _ = rig_of(tmp_path, 2)
    rig.step(20)
    rig.befall(('deaf', arm))
    rig.step(14)
    assert rig.state == 'HOLDING' and f'nobody listens to {arm}/command' in rig.runner.reason
    assert rig.moving() == set()


def test_both_arms_are_always_commanded_together(tmp_path):
    rig, _ = rig_of(tmp_path, 3)
    rig.step(40)
    rig.do(rig.runner.stop(rig.now_ns))
    assert {topics for topics in rig.topics if topics} == {tuple(BOTH)}
    accepted = {arm.accepted for arm in rig.controller.arms.values()}
    assert len(accepted) == 1 and accepted.pop() > 10


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    box=st.sampled_from([None, 0.05, 0.3]),
    seed=st.integers(0, 2**32 - 1),
    events=st.lists(
        st.tuples(
            st.tuples(
                st.sampled_from(['silent', 'speaks', 'deaf', 'listens', 'run']),
                st.sampled_from(ARMS),
            ),
            st.integers(1, 8),
            st.integers(0, 9),
        ),
        max_size=8,
    ),
    blend=st.sampled_from(sorted(BLENDS)),
    profile=st.sampled_from(test_pose_closed_loop.PROFILES),
)
def test_whatever_befalls_one_of_two_arms_both_stay_within_their_limits(
    tmp_path_factory, box, seed, events, blend, profile
):
    folder = tmp_path_factory.mktemp('arms')
    rig, _ = rig_of(folder, seed, box, blend=blend, profile=profile)
    rig.step(6)
    for event, steps, phase in events:
        rig.simulate(phase * STEP_NS // 10)
        rig.befall(event)
        rig.step(steps)
        rested = rig.state != 'RUNNING' and rig.runner.at_rest(rig.now_ns)
        assert rig.state == 'RUNNING' or not rested or rig.moving() == set()
    path, (lower, upper, velocity) = np.array(rig.path), rig.made.limits
    assert (path >= lower - 1e-3).all() and (path <= upper + 1e-3).all()
    assert (np.abs(np.diff(path, axis=0)) / 0.005 <= 1.05 * velocity).all()
    assert rig.beyond() <= 0.01
    assert rig.unexplained == []
    assert {topics for topics in rig.topics if topics} <= {tuple(BOTH)}
    rig.silent.clear()
    rig.listeners = dict(BOTH)
    rig.model = stay(rig.made, rig)
    rig.step(40)
    assert rig.state == 'RUNNING', rig.runner.reason
