"""Workspaces: what is sent to joints keeps hands within, in stops and after the last message."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.pose_loop import POSES, body, of_hand
from helpers.small_arms import SECOND, arm, motion_of, sampled
from neuracore_ros.command.braking import stop
from neuracore_ros.command.joints import Joints, Limits
from neuracore_ros.command.limits import follow
from neuracore_ros.command.motion import Motion
from neuracore_ros.command.path_braking import brake_along
from neuracore_ros.command.plan import Plan
from neuracore_ros.command.settings import Settings
from neuracore_ros.command.spline import Spline
from neuracore_ros.errors import UnreachableError

STEP_NS = SECOND // 20
HORIZON = 16
BOX_M = 0.06


class Carried:
    """A hand on smooth paths that lead out of its workspace, as fast as its joints can."""

    def __init__(self, folder, acceleration, profile='spline'):
        made = body(folder, 'six', box=BOX_M, acceleration=acceleration)
        self.made, self.hand = made, made.hands[0]
        self.joints = Joints.of(made.robot.commands(), made.robot.chain_outputs(), 20.0)
        self.profile = profile

    def begin(self, seed):
        random = np.random.default_rng(seed)
        self.motion = Motion(self.joints, Settings(profile=self.profile), 20.0)
        self.motion.begin(self.made.start, False, 0)
        self.reach, self.phase = BOX_M * random.uniform(0.8, 2.5, 3), random.uniform(0, 6, 3)
        self.pace = random.uniform(0.1, 0.6) / self.reach

    def go(self, step):
        """One step; a prediction at every eighth."""
        if step % 8:
            self.motion.extend(step * STEP_NS)
            return
        poses = np.tile(self.hand.kinematics.pose(self.hand.start), (HORIZON, 1, 1))
        times_s = (step + np.arange(1, HORIZON + 1))[:, None] / 20
        wave = np.sin(self.pace * times_s + self.phase)
        poses[:, 0, :3] += self.reach * np.minimum(1.0, times_s) * wave
        here = self.motion.setpoint(step * STEP_NS)[0]
        far = np.full(len(here), 0.5)
        outputs = self.joints.from_slots({POSES: poses}, HORIZON, 0, here, far)
        self.motion.merge(outputs, step * STEP_NS)

    def beyond(self):
        """How far what was executed, to its end, leads the hand beyond its workspace [m]."""
        splines = self.motion.executed
        found = 0.0
        for spline, after in zip(splines, (*splines[1:], None), strict=True):
            last_s = float(spline.times_s[-1])
            if after is not None:
                last_s = min(last_s, (after.start_ns - spline.start_ns) / SECOND)
            times_s = np.arange(0.0, last_s + 0.005, 0.005)
            rows = [spline.at(spline.start_ns + round(t * SECOND))[0] for t in times_s]
            where = self.hand.kinematics.poses(of_hand(self.made, self.hand, np.array(rows)))
            low, high = self.hand.workspace
            away = np.maximum(low - where[:, :3], where[:, :3] - high)
            found = max(found, away.max(initial=0.0))
        return found


@pytest.fixture(scope='module', params=[None, 12.0], ids=['any acceleration', '12 rad/s2'])
def carried(request, tmp_path_factory):
    return Carried(tmp_path_factory.mktemp('arm'), request.param)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(5, 40),
    part=st.floats(0.0, 0.9),
    ends=st.sampled_from(['stopped', 'killed', 'late']),
)
def test_no_stop_and_no_last_message_carries_a_hand_out_of_its_workspace(
    carried, seed, steps, part, ends
):
    carried.begin(seed)
    motion = carried.motion
    none = np.zeros(len(carried.joints.joints), bool)
    try:
        for step in range(steps):
            carried.go(step)
    except UnreachableError:
        return
    now_ns = (steps - 1) * STEP_NS + round(part * STEP_NS)
    if ends == 'late':
        while not motion.runs_dry(now_ns):
            now_ns = steps * STEP_NS
            motion.extend(now_ns)
            steps += 1
    if ends != 'killed':
        setpoint = motion.setpoint(now_ns)
        limits = carried.joints.limits
        straight = stop(now_ns, setpoint, limits, None, none)
        if motion.stop(now_ns, None, none):
            spline = motion.executed[-1]
            longest_s = float(straight.times_s[-1])
            assert np.allclose(spline.positions[0], setpoint[0])
            assert np.allclose(spline.velocities[0], setpoint[1])
            assert not spline.velocities[-1].any()
            if np.isinf(limits.acceleration).all():
                assert spline.times_s[-1] <= longest_s + 1e-9
            assert spline.times_s[-1] <= max(0.5, longest_s)
            positions, velocities = sampled(spline)
            assert (positions >= limits.lower - 1e-7).all()
            assert (positions <= limits.upper + 1e-7).all()
            most = np.maximum(limits.velocity, np.abs(setpoint[1]))
            assert (np.abs(velocities) <= 1.002 * most).all()
    assert carried.beyond() <= (0.006 if carried.joints.limits.acceleration[0] > 99 else 0.012)


def test_jerk_limited_joints_are_slower_at_a_border_than_elsewhere(tmp_path):
    carried, steps = Carried(tmp_path, 12.0, 'ruckig'), 0
    for seed in range(6):
        carried.begin(seed)
        with contextlib.suppress(UnreachableError):
            for step in range(30):
                carried.go(step)
                steps += 1
        assert carried.beyond() <= 0.012
    assert steps > 60


def curve():
    """Two joints on a quarter circle of radius 1, at 1 rad/s, and beyond it at rest."""
    angles = np.linspace(0.0, 1.5, 31)
    positions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    velocities = np.stack([-np.sin(angles), np.cos(angles)], axis=1)
    velocities[-1] = 0.0
    return Spline(0, angles, positions, velocities)


def bounds(acceleration=None, lower=-3.0):
    rows = [(lower, 3.0, 2.0, acceleration)] * 2
    return Limits.of([joint for command in [arm(*rows)] for joint in command.joints])


def test_a_motion_is_braked_on_its_way_and_goes_half_as_far():
    braked = brake_along(curve(), SECOND // 2, 0.4, bounds(), 0.5)
    positions, _ = sampled(braked)
    assert np.linalg.norm(positions, axis=1) == pytest.approx(np.ones(len(positions)), abs=1e-4)
    assert braked.times_s[-1] == pytest.approx(0.4)
    assert braked.positions[-1] == pytest.approx([np.cos(0.7), np.sin(0.7)], abs=1e-4)


def test_limits_of_acceleration_make_it_longer_where_its_way_bends():
    braked = brake_along(curve(), SECOND // 2, 0.4, bounds(2.0), 1.0)
    positions, _ = sampled(braked)
    assert np.linalg.norm(positions, axis=1) == pytest.approx(np.ones(len(positions)), abs=1e-3)
    assert 0.42 < braked.times_s[-1] < 0.8


@pytest.mark.parametrize('longest_s', [0.3, 0.0, np.nan])
def test_what_would_take_too_long_is_not_braked_so(longest_s):
    assert brake_along(curve(), SECOND // 2, 0.4, bounds(), longest_s) is None


def test_what_would_leave_a_range_is_not_braked_so():
    assert brake_along(curve(), SECOND // 2, 0.4, bounds(lower=0.8), 0.5) is None


def test_a_path_that_ends_on_the_way_is_not_trusted():
    path = curve()
    cut = Spline(0, path.times_s[:5], path.positions[:5], path.velocities[:5])
    assert brake_along(cut, SECOND // 10, 0.4, bounds(), 0.5) is None


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_no_path(value):
    path = curve()
    path.positions[12] = value
    assert brake_along(path, SECOND // 2, 0.4, bounds(), 0.5) is None


def test_a_robot_without_chains_brakes_straight_in_joints_as_ever():
    motion = motion_of(arm((-9, 9, 2.0), (-9, 9, 2.0)))
    motion.begin(np.zeros(2), False, 0)
    angles = np.linspace(0.05, 0.8, 16)
    motion.merge(np.stack([1 - np.cos(angles), np.sin(angles)], axis=1), 0)
    now_ns = SECOND // 5
    setpoint = motion.setpoint(now_ns)
    straight = stop(now_ns, setpoint, bounds(), None, np.zeros(2, bool))
    motion.stop(now_ns, None, np.zeros(2, bool))
    assert motion.executed[-1].positions.tolist() == straight.positions.tolist()
    assert motion.executed[-1].times_s.tolist() == straight.times_s.tolist()


def test_reduced_limits_slow_a_fast_start_no_sooner_than_its_joints_can():
    step_ns, limits = SECOND // 20, bounds(10.0)
    plan = Plan(0, step_ns, np.outer(np.arange(11), [0.1, -0.1]))
    slower = replace(limits, velocity=0.1 * limits.velocity)
    setpoint = np.zeros(2), np.array([2.0, -2.0])
    followed = follow(setpoint, plan, 0, 0.05 * np.arange(1.0, 9.0), slower, False)
    speeds = np.abs(np.diff(followed.positions, axis=0)) / 0.05
    assert (np.diff(speeds, axis=0) >= -10.0 * 0.05 - 1e-9).all()
    assert (speeds[0] > 1.35).all() and speeds[-1] == pytest.approx([0.2, 0.2])
