"""Poses, message by message, and twists towards them: never off the way, never too fast."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from neuracore_ros.command.plan import BLENDS
from neuracore_ros.command.streamed import REPEATS
from neuracore_ros.command.streamed_poses import StreamedPoses
from neuracore_ros.description import DataType
from neuracore_ros.description.direct import DirectLimit, DirectSlot
from neuracore_ros.kinematics.interpolation import distance

STEP_NS = 50_000_000
PERIOD_NS = 10_000_000
PERIOD_S = PERIOD_NS / 1e9
FAST, TURNS = 0.5, 1.0
REST_S = 0.25
SLOT = DirectSlot(
    DataType.END_EFFECTOR_POSES, 0, 'hand', 'hand', 1.0, 0.0, DirectLimit(FAST, None, TURNS)
)


def pose(x=0.0, y=0.0, z=0.0, yaw=0.0):
    return np.array([x, y, z, 0.0, 0.0, np.sin(yaw / 2), np.cos(yaw / 2)])


HOME = pose()


def begun(way, slowly=False, blend='none', start=HOME, slot=SLOT, **more):
    poses = StreamedPoses(
        (slot,), STEP_NS / 1e9, PERIOD_S, **{'max_ahead_s': 0.5, **more}, start_speed=0.25
    )
    poses.begin(start[None], slowly, 0)
    poses.merge(np.array(way)[:, None], 0, BLENDS[blend])
    return poses


def play(poses, start_ns, until_ns, follows=True):
    """All that is sent from one time on until another: poses (N, 7) and twists (N, 6)."""
    sent, twists = [], []
    for now_ns in range(start_ns, until_ns, PERIOD_NS):
        if follows:
            poses.measure(poses.poses)
        if poses.next(now_ns):
            sent.append(poses.poses[0].copy())
            twists.append(poses.twists[0].copy())
    return np.array(sent), np.array(twists)


def speeds(sent):
    """Speeds (N - 1, 2) [m/s], [rad/s] from message to message."""
    return np.array([distance(a, b) for a, b in pairwise(sent)]) / PERIOD_S


def along_x(steps, speed=0.2):
    return [pose(x=speed * 0.05 * (i + 1)) for i in range(steps)]


def test_nothing_is_sent_before_the_first_prediction():
    poses = StreamedPoses((SLOT,), 0.05, PERIOD_S, 0.5, 0.25)
    assert not poses.next(0)
    poses.begin(HOME[None], False, 0)
    assert not poses.next(0)
    assert poses.rests_in_s(0) == 0.0


def test_the_way_is_followed_at_its_own_speed():
    sent, _ = play(begun(along_x(40)), 0, 30 * STEP_NS)
    # Half of what it takes to become that fast is lost.
    assert sent[100][0] == pytest.approx(0.2 * (1.01 - REST_S / 2), abs=0.003)
    assert speeds(sent)[50:140, 0] == pytest.approx(np.full(90, 0.2))


def test_no_pose_is_faster_than_its_limits_between_any_two_messages():
    rng = np.random.default_rng(0)
    way = [pose(*rng.uniform(-0.5, 0.5, 3), yaw=rng.uniform(-3, 3)) for _ in range(30)]
    sent, twists = play(begun(way, start=way[0]), 0, 40 * STEP_NS)
    assert (speeds(sent) <= [FAST + 1e-6, TURNS + 1e-6]).all()
    assert np.linalg.norm(twists[:, :3], axis=1).max() <= FAST + 1e-9
    assert np.linalg.norm(twists[:, 3:], axis=1).max() <= TURNS + 1e-9
    assert np.linalg.norm(sent[:, 3:], axis=1) == pytest.approx(np.ones(len(sent)))


def test_a_stop_slows_down_on_the_way_and_says_its_last_pose_again():
    corner = [*along_x(6), *(pose(x=0.06, z=0.01 * (i + 1)) for i in range(20))]
    poses = begun(corner)
    before, _ = play(poses, 0, 6 * STEP_NS)
    poses.stop()
    left_s = poses.rests_in_s(6 * STEP_NS)
    sent, twists = play(poses, 6 * STEP_NS, 40 * STEP_NS)
    assert len(sent) * PERIOD_S <= left_s + 1e-6
    slower = speeds(np.concatenate([before[-1:], sent]))[:, 0]
    assert (np.diff(slower) < 1e-3).all()
    # Around the corner, not through it.
    assert sent[:, 0].max() <= 0.06 + 1e-9
    assert sent[-REPEATS:] == pytest.approx(np.tile(sent[-1], (REPEATS, 1)))
    assert (len(sent) - REPEATS) * PERIOD_S <= REST_S + PERIOD_S
    assert (twists[-REPEATS:] == 0.0).all()
    assert np.linalg.norm(twists[0]) > 0.1
    assert poses.at_rest


def test_a_plan_that_nobody_renews_comes_to_rest_before_its_end():
    poses = begun(along_x(10))
    sent, _ = play(poses, 0, 60 * STEP_NS)
    assert poses.at_rest
    assert sent[-1][0] <= 0.1 + 1e-9
    deceleration = np.diff(speeds(sent)[:, 0]) / PERIOD_S
    assert deceleration.min() >= -0.2 / REST_S - 0.35


def test_a_new_prediction_is_joined_without_a_jump():
    poses = begun(along_x(16))
    before, _ = play(poses, 0, 8 * STEP_NS)
    beside = [pose(x=before[-1][0] + 0.01 * (i + 1), y=0.05, yaw=0.2) for i in range(16)]
    poses.merge(np.array(beside)[:, None], 8 * STEP_NS, BLENDS['linear'])
    after, _ = play(poses, 8 * STEP_NS, 16 * STEP_NS)
    assert (speeds(np.concatenate([before, after])) <= [FAST + 1e-6, TURNS + 1e-6]).all()
    assert after[-1][1] == pytest.approx(0.05)


def test_quaternions_of_the_other_sign_do_not_send_it_the_long_way_round():
    way = [pose(yaw=0.02 * (i + 1)) for i in range(16)]
    for flipped in way[::2]:
        flipped[3:] *= -1.0
    sent, _ = play(begun(way, blend='ensemble'), 0, 12 * STEP_NS)
    assert speeds(sent)[:, 1].max() <= 0.4 + 1e-6


def test_a_start_from_afar_is_slow_and_becomes_faster_once_it_is_there():
    way = [pose(x=0.1) for _ in range(40)]
    poses = begun(way, slowly=True)
    sent, _ = play(poses, 0, 20 * STEP_NS)
    assert speeds(sent)[:, 0].max() <= 0.25 * FAST + 1e-6
    assert poses.share(0) == 0.25
    assert poses.share(10**10) == 1.0


def test_where_it_is_measured_near_it_goes_on_from_where_it_was_sent():
    poses = begun(along_x(10))
    play(poses, 0, 5 * STEP_NS)
    poses.stop()
    sent, _ = play(poses, 5 * STEP_NS, 30 * STEP_NS)
    sags, elsewhere = sent[-1] - [0.0, 0.0, 0.01, 0, 0, 0, 0], sent[-1] + [0.2, 0, 0, 0, 0, 0, 0]
    poses.begin(sags[None], False, 30 * STEP_NS)
    assert poses.poses[0] == pytest.approx(sent[-1])
    poses.begin(elsewhere[None], False, 30 * STEP_NS)
    assert poses.poses[0] == pytest.approx(elsewhere)


def test_a_hand_that_does_not_follow_rests_where_it_is_measured():
    poses = begun(along_x(30))
    play(poses, 0, 10 * STEP_NS)
    poses.measure(HOME[None])
    poses.stop(lost=True)
    sent, twists = play(poses, 10 * STEP_NS, 20 * STEP_NS, follows=False)
    assert sent == pytest.approx(np.tile(HOME, (len(sent), 1)))
    assert np.linalg.norm(twists[-1]) == 0.0


def test_a_twist_leads_from_where_the_hand_is_measured_to_the_way():
    poses = begun([HOME] * 30)
    behind = pose(x=-0.04, yaw=-0.1)
    for now_ns in range(0, 10 * STEP_NS, PERIOD_NS):
        poses.measure(behind[None])
        poses.next(now_ns)
    assert poses.twists[0] == pytest.approx([0.16, 0, 0, 0, 0, 0.4])


def test_a_hand_that_is_measured_late_does_not_swing():
    poses = begun(along_x(60))
    at, measured, path = HOME.copy(), [HOME.copy()] * 11, []
    for now_ns in range(0, 50 * STEP_NS, PERIOD_NS):
        poses.measure(measured[-11][None])
        poses.next(now_ns)
        at = at + np.append(poses.twists[0, :3] * PERIOD_S, np.zeros(4))
        measured.append(at)
        path.append(at[0] - poses.poses[0, 0])
    assert np.abs(path).max() < 0.05
    # It leads by what it moves while its measurement is under way, and does not swing about that.
    assert np.ptp(path[-20:]) < 1e-4


def test_a_late_call_becomes_a_delay_and_no_jump():
    poses = begun(along_x(40))
    before, _ = play(poses, 0, 10 * STEP_NS)
    poses.next(14 * STEP_NS)
    assert distance(before[-1], poses.poses[0])[0] <= 0.2 * 2 * PERIOD_S + 1e-9


def test_a_clock_that_jumps_is_no_time_that_has_passed():
    poses = begun(along_x(40))
    before, _ = play(poses, 0, 10 * STEP_NS)
    poses.shift(-(10**12))
    poses.stop()
    sent, _ = play(poses, 10 * STEP_NS - 10**12, 30 * STEP_NS - 10**12)
    assert speeds(np.concatenate([before[-1:], sent]))[:, 0].max() <= 0.2 + 1e-6
    assert poses.at_rest


def test_a_stop_in_the_first_moment_sends_it_nowhere():
    poses = begun(along_x(10))
    poses.stop()
    sent, twists = play(poses, 0, 10 * STEP_NS)
    assert sent == pytest.approx(np.tile(HOME, (len(sent), 1)))
    assert (twists == 0.0).all()


@pytest.mark.parametrize('away_m', [500.0, 1e9, 1e150])
def test_a_pose_that_nothing_reaches_takes_no_time_to_compute(away_m):
    poses = begun([pose(x=away_m)] * 4)
    play(poses, 0, STEP_NS)
    # As many rows as the prediction has: a blend needs no more of what was planned before.
    assert len(poses._ahead(4)) == 5
    poses.merge(np.array([[pose(x=away_m)]] * 4), STEP_NS, BLENDS['linear'])
    sent, _ = play(poses, STEP_NS, 2 * STEP_NS)
    assert speeds(sent)[:, 0].max() <= FAST + 1e-9


@pytest.mark.parametrize('blend', sorted(BLENDS))
@pytest.mark.parametrize('steps', range(2, 8))
def test_predictions_that_turn_to_opposite_sides_leave_a_rotation(blend, steps):
    # Exact numbers: the mean of the half turns is no rotation at all.
    way, back = (
        [pose(yaw=sign * np.pi / 2), *[np.array([0, 0, 0, 0, 0, sign, 0.0])] * (steps - 1)]
        for sign in (1.0, -1.0)
    )
    quick = replace(SLOT, limit=DirectLimit(FAST, None, 100.0))
    poses = begun(way, blend=blend, slot=quick)
    poses.merge(np.array(back)[:, None], 0, BLENDS[blend])
    assert np.linalg.norm(poses._way[..., 3:], axis=-1) == pytest.approx(
        np.ones((len(poses._way), 1))
    )
    sent, _ = play(poses, 0, steps * STEP_NS)
    assert np.isfinite(sent).all()
    assert speeds(sent)[:, 1].max() <= 100.0 + 1e-6


def test_a_twist_ends_in_time_also_where_calls_come_late():
    poses = begun(along_x(40))
    play(poses, 0, 20 * STEP_NS)
    assert poses.twists[0, 0] == pytest.approx(0.2, abs=0.01)
    poses.stop()
    for late in range(1, 7):
        poses.next(19 * STEP_NS + late * STEP_NS)
    assert poses.twists[0, 0] == 0.0
