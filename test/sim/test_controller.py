import re

import numpy as np
import pytest

from helpers.cyclic_controller import VARIANTS, CyclicController
from helpers.trajectory_messages import SECOND, trajectory
from neuracore_ros.sim.controller import TrajectoryController, rejection

NAMES = ('a', 'b')
NOW = 10 * SECOND


def changed(message, **fields):
    for name, value in fields.items():
        setattr(message.points[-1], name, value)
    return message


def test_what_the_controller_accepts():
    rest = [0.0, 0.0]
    for message in (
        trajectory(NAMES, (0.1, [1, 2])),
        trajectory(('b', 'a'), (0.1, [1, 2])),
        trajectory(NAMES, (0.0, [1, 2]), (0.1, [1, 2])),
        trajectory(NAMES, (0.1, [1, 2], [3, 4]), (0.2, [1, 2], rest)),
        trajectory(NAMES, (0.1, [1, 2], [1e-8, 0.0])),
        trajectory(NAMES, (0.5, [1, 2]), start_s=9.6),
        trajectory(NAMES, (0.5, [1, 2]), start_s=20.0),
    ):
        assert rejection(message, NAMES, NOW) is None


@pytest.mark.parametrize(
    ('message', 'reason'),
    [
        (trajectory(['a'], (0.1, [1])), "'b' is missing"),
        (trajectory([], (0.1, [])), "'a' is missing"),
        (trajectory(['a', 'b', 'c'], (0.1, [1, 2, 3])), "'c' is not controlled here.*a, b"),
        (trajectory(['a', 'b', 'b'], (0.1, [1, 2, 3])), '3 joint names for 2 joints'),
        (trajectory(NAMES), 'is empty'),
        (trajectory(NAMES, (0.1, [1, 2]), (0.1, [1, 2])), 'strictly increase: point 1 at 0.1 s'),
        (trajectory(NAMES, (0.2, [1, 2]), (0.1, [1, 2])), 'follows 0.2 s'),
        (trajectory(NAMES, (0.1, [1, 2]), start_s=9.5), 'ends in the past, 0.4 s ago'),
        (trajectory(NAMES, (0.1, [1])), 'point 0 has 1 positions for 2 joints'),
        (trajectory(NAMES, (0.1, [])), 'point 0 has 0 positions for 2 joints'),
        (trajectory(NAMES, (0.1, [1, 2], [0])), 'point 0 has 1 velocities for 2 joints'),
        (changed(trajectory(NAMES, (0.1, [1, 2])), accelerations=[1]), '1 accelerations'),
        (changed(trajectory(NAMES, (0.1, [1, 2])), effort=[1, 2]), 'has effort'),
        (trajectory(NAMES, (0.1, [1, 2], [0, 0.5])), 'last point moves: b at 0.5 rad/s'),
        (trajectory(NAMES, (0.1, [1, float('nan')])), 'positions that are not finite'),
    ],
)
def test_what_the_controller_rejects(message, reason):
    controller = TrajectoryController(NAMES, np.zeros(2))
    why = controller.accept(message, NOW, np.zeros(2), np.zeros(2))
    assert why is not None
    assert '\n' not in why
    assert re.search(reason, why), why
    assert controller.reference(NOW + SECOND).tolist() == [0, 0]


def accepted(message, positions=(0.0, 0.0), velocities=(0.0, 0.0)):
    controller = TrajectoryController(NAMES, np.zeros(2))
    assert controller.accept(message, NOW, np.array(positions), np.array(velocities)) is None
    return controller


def after(controller, time_s):
    return controller.reference(NOW + round(time_s * SECOND)).round(6).tolist()


def test_positions_alone_are_interpolated_linearly_from_the_measured_state():
    controller = accepted(trajectory(NAMES, (1.0, [1, 2]), (2.0, [1, 4])), positions=(0.5, 0.0))
    assert after(controller, 0.0) == [0.5, 0.0]
    assert after(controller, 0.5) == [0.75, 1.0]
    assert after(controller, 1.5) == [1.0, 3.0]


def test_the_last_point_is_held():
    controller = accepted(trajectory(NAMES, (1.0, [1, 2])))
    assert after(controller, 100.0) == [1.0, 2.0]


def test_velocities_make_a_cubic_that_starts_at_the_measured_velocity():
    controller = accepted(trajectory(NAMES, (1.0, [1, 1], [0, 0])), velocities=(0.0, 1.0))
    assert after(controller, 0.5) == [0.5, 0.625]
    slope = (np.array(after(controller, 0.001)) - after(controller, 0.0)) / 0.001
    np.testing.assert_allclose(slope, [0.0, 1.0], atol=5e-3)


def test_one_point_without_velocities_makes_its_segments_linear():
    controller = accepted(trajectory(NAMES, (1.0, [1, 1], [5, 5]), (2.0, [2, 2])))
    assert after(controller, 1.5) == [1.5, 1.5]


def test_values_follow_their_joint_whatever_the_order():
    assert after(accepted(trajectory(('b', 'a'), (1.0, [1, 2]))), 1.0) == [2.0, 1.0]


def test_a_stamp_in_the_past_is_entered_midway():
    controller = accepted(trajectory(NAMES, (0.5, [1, 1]), (1.5, [2, 2]), start_s=9.0))
    assert after(controller, 0.0) == [1.5, 1.5]


def test_a_stamp_in_the_future_is_approached_from_now():
    assert after(accepted(trajectory(NAMES, (1.0, [2, 2]), start_s=11.0)), 1.0) == [1.0, 1.0]


def test_a_new_message_replaces_the_running_one():
    controller = accepted(trajectory(NAMES, (1.0, [1, 1]), (9.0, [9, 9])))
    middle, still = np.array([0.4, 0.6]), np.zeros(2)
    half_s_later = NOW + SECOND // 2
    assert controller.accept(trajectory(NAMES, (1.0, [0, 0])), half_s_later, middle, still) is None
    assert after(controller, 0.5) == [0.4, 0.6]
    assert after(controller, 1.5) == [0.0, 0.0]
    assert after(controller, 9.0) == [0.0, 0.0]


def test_a_rejected_message_leaves_the_running_one():
    controller = accepted(trajectory(NAMES, (1.0, [1, 1])))
    assert controller.accept(trajectory(NAMES), NOW, np.zeros(2), np.zeros(2)) is not None
    assert after(controller, 1.0) == [1.0, 1.0]


PERIOD = SECOND // 100
LAG = 0.1


def commands(variant, *points, cycles=5):
    """What is commanded at 100 Hz around a message, by a joint that is `LAG` behind 1 rad/s.

    At `NOW` the old message has it at 1.0 rad; the new one comes in the cycle of `NOW`.
    """
    controller = CyclicController(['a'], np.zeros(1), VARIANTS[variant], PERIOD)
    names, speed, told = ['a'], np.array([1.0]), []
    old = trajectory(names, (0.0, [0.0], [1.0]), (2.0, [2.0], [1.0]), (3.0, [2.0], [0.0]))
    assert controller.receive(old, NOW - SECOND) is None
    for cycle in range(-100, cycles):
        now_ns = NOW + cycle * PERIOD
        if cycle == 0:
            assert controller.receive(trajectory(names, *points), now_ns) is None
        measured = np.array([1.0 + cycle / 100 - LAG])
        told.append(controller.update(now_ns, measured, speed).item())
    return np.array(told[98:])


GOES_ON = (1.0, [2.0], [0.0])


@pytest.mark.parametrize(
    ('variant', 'steps'),
    [
        # Commanded steps [rad] from two cycles before the message to one after it.
        ('measured', [0.01, 0.01 - LAG, 0.01]),
        ('desired', [0.01, 0.02, 0.01]),
        ('humble', [0.01, 0.01 - LAG, 0.01]),
        ('humble, open loop', [0.01, 0.0, 0.01]),
        ('master', [0.01, 0.0, 0.01]),
    ],
)
def test_how_each_variant_joins_a_message_whose_first_point_is_ahead(variant, steps):
    told = commands(variant, (0.5, [1.5], [1.0]), GOES_ON)
    np.testing.assert_allclose(np.diff(told)[:3], steps, atol=2e-3)


@pytest.mark.parametrize('variant', VARIANTS)
def test_no_variant_looks_at_the_robot_where_the_first_point_is_due_at_once(variant):
    here = 1.01 if variant == 'master' else 1.0
    told = commands(variant, (0.0, [here], [1.0]), (0.5, [here + 0.5], [1.0]), GOES_ON)
    np.testing.assert_allclose(np.diff(told)[[0, 2, 3]], 0.01, atol=2e-3)
    assert 0.0 <= np.diff(told)[1] < 0.021


def test_a_point_that_follows_a_point_is_not_blended():
    controller = CyclicController(['a'], np.zeros(1), VARIANTS['master'], PERIOD)
    still, measured = np.zeros(1), np.array([0.2])
    for cycle in range(3):
        message = trajectory(['a'], (0.1, [1.0 + cycle]))
        assert controller.receive(message, NOW + cycle * PERIOD) is None
        told = controller.update(NOW + cycle * PERIOD, measured, still).item()
        assert told == pytest.approx(0.2 + 0.1 * (0.8 + cycle))


def test_master_follows_the_old_message_until_a_later_one_begins():
    told = commands('master', (0.0, [5.0]), (1.0, [5.0]), cycles=2)
    assert told[-1] == pytest.approx(5.0)
    controller = CyclicController(['a'], np.zeros(1), VARIANTS['master'], PERIOD)
    still = np.zeros(1)
    old = trajectory(['a'], (0.1, [1.0]), (0.2, [2.0]), (1.0, [2.0]))
    later = trajectory(['a'], (0.1, [0.0]), (0.2, [0.0]), start_s=10.3)
    assert controller.receive(old, NOW) is None
    controller.update(NOW, still, still)
    assert controller.receive(later, NOW + PERIOD) is None
    told = [controller.update(NOW + k * PERIOD, still, still).item() for k in range(1, 50)]
    assert max(told) == pytest.approx(2.0)
    assert told[-1] == 0.0
    # It is taken up where it was one cycle ago.
    np.testing.assert_allclose(np.diff(told)[10:18], 0.1, atol=1e-9)


def test_a_controller_that_holds_forgets_what_it_was_given():
    controller = CyclicController(['a'], np.zeros(1), VARIANTS['desired'], PERIOD)
    assert controller.receive(trajectory(['a'], (0.1, [1.0])), NOW) is None
    controller.hold(np.array([0.3]))
    assert controller.update(NOW, np.zeros(1), np.zeros(1)).item() == 0.3
