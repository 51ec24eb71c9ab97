"""Takeovers amid whatever goes wrong, drawn by a seed; what is checked is in `takeover_storm`."""

import importlib.util

import pytest

from helpers.takeover_storm import ARMS, ArmsStorm
from helpers.takeover_storms import HAND, BaseStorm, HandStorm, SpeedStorm

LEFT_IN_POINTS = ArmsStorm.text.replace(
    '{topic: left, c: {topic: right}}',
    '{topic: left, stream: point, c: {topic: right, stream: chunk}}',
)
LIMITED = (
    ARMS.replace('ACCELERATION', ', acceleration: 8.0')
    .replace('velocity: 2.0', 'velocity: 2.0, acceleration: 9.0')
    .replace('velocity: 100', 'velocity: 100, acceleration: 10000')
)
ARMS_ARE = {
    'plain': {},
    'led by hand again only after enable': {'rearm': 'manual'},
    'disabled at first': {'enabled': False},
    'in a dry run': {'dry_run': True},
    'with a fixed delay': {'delay_steps': 2},
    'of many predictions': {'blend': 'ensemble', 'execute_steps': 1},
    'with short messages': {'max_ahead_s': 0.1},
    'one in single points': {'text': LEFT_IN_POINTS, 'command_rate_hz': 100.0},
    'measured wrongly': {'lies': True},
}
if importlib.util.find_spec('ruckig'):
    ARMS_ARE['limited in jerk'] = {'profile': 'ruckig', 'text': LIMITED}


@pytest.mark.parametrize('arms', ARMS_ARE)
def test_a_storm_of_takeovers_leaves_two_arms_within_their_limits_and_in_the_right_hands(
    tmp_path, arms
):
    storms = [
        ArmsStorm(tmp_path, seed, **ARMS_ARE[arms]).run(events)
        for seed, events in ((2, 60), (100 + len(arms), 30))
    ]
    # It was a storm, and no calm.
    is_dry = storms[0].settings.dry_run
    assert is_dry or min(storms[0].seen_human, storms[0].seen_policy) > 40


class SlowArms(ArmsStorm):
    rate_hz = 5.0


class SlowHand(HandStorm):
    rate_hz = 5.0


class SlowBase(BaseStorm):
    rate_hz = 5.0


class SlowSpeeds(SpeedStorm):
    rate_hz = 5.0


@pytest.mark.parametrize('kind', [SlowArms, SlowHand, SlowBase, SlowSpeeds])
def test_a_human_beside_a_slow_policy_is_followed_in_steps_of_their_own_in_any_storm(
    tmp_path, kind
):
    storm = kind(tmp_path, 3).run(60)
    assert min(storm.seen_human, storm.seen_policy) > 20


def test_single_points_beside_a_slow_policy_keep_to_the_limits_in_any_storm(tmp_path):
    storm = SlowArms(tmp_path, 4, text=LEFT_IN_POINTS).run(60)
    assert min(storm.seen_human, storm.seen_policy) > 20


@pytest.mark.parametrize(
    'hand',
    [{}, {'text': HAND.replace('tip: tool', 'tip: tool\n    workspace: {y: [-0.62, 0.2]}')}],
    ids=['free', 'in a workspace'],
)
def test_a_hand_that_is_led_by_a_tracker_stands_a_storm(tmp_path, hand):
    storm = HandStorm(tmp_path, 2, **hand).run(50)
    assert min(storm.seen_human, storm.seen_policy) > 40


@pytest.mark.parametrize('command_rate_hz', [0.0, 100.0])
def test_a_base_that_is_led_by_a_joystick_stands_a_storm(tmp_path, command_rate_hz):
    storm = BaseStorm(tmp_path, 7, command_rate_hz=command_rate_hz).run(60)
    assert min(storm.seen_human, storm.seen_policy) > 40


@pytest.mark.parametrize('lies', [False, True])
def test_joints_that_are_led_by_speeds_stand_a_storm(tmp_path, lies):
    storm = SpeedStorm(tmp_path, 7, lies=lies).run(60)
    assert min(storm.seen_human, storm.seen_policy) > 20
