"""Names of one topic that come at different rates, each judged by itself."""

import numpy as np
import pytest

from helpers.observer_examples import (
    POSES,
    T0,
    S,
    fault,
    observer,
    only_status,
    source,
    state,
    tf,
    tf_source,
    transform,
)
from neuracore_ros.description import DataType
from neuracore_ros.observation.samples import Pace

GRIPPER = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS


def shared_topic(seconds=5.0, arm_hz=50.0, jaw_hz=2.0, jaw_age_s=0.2):
    """An arm's and a jaw's driver on /joint_states; the jaw's stamps lie between the arm's."""
    eyes = observer(source(0, 'arm'), source(0, 'jaw', GRIPPER, max_age_s=jaw_age_s))
    arm = [(round(s * S), 'arm') for s in np.arange(0, seconds, 1 / arm_hz)]
    jaw = [(round(s * S) + 7_000_000, 'jaw') for s in np.arange(0, seconds, 1 / jaw_hz)]
    for passed_ns, name in sorted([*arm, *jaw]):
        # What took longer on the way arrives after what was measured later.
        late_ns = 15_000_000 if name == 'jaw' else 0
        eyes.receive(
            '/joint_states', state(T0 + passed_ns, **{name: 1.0}), T0 + passed_ns + late_ns
        )
    return eyes, T0 + round(seconds * S)


def test_the_rate_of_a_stream_is_that_of_its_slowest_name():
    eyes, now_ns = shared_topic()
    status = only_status(eyes, now_ns)
    assert (status.rate_hz, status.slowest) == (pytest.approx(2.0, rel=0.05), 'jaw')
    status = only_status(*shared_topic(jaw_hz=45.0))
    assert (status.rate_hz, status.slowest) == (pytest.approx(45.0, rel=0.05), '')


def test_a_name_too_slow_for_its_age_is_told_with_what_to_write():
    eyes, now_ns = shared_topic()
    status = only_status(eyes, now_ns)
    assert status.slow == (
        "'jaw' (PARALLEL_GRIPPER_OPEN_AMOUNTS index 0) comes at 2 Hz, and a sample lives 0.2 s "
        '(max_age_s): raise the rate of its driver, or write under sources: '
        'PARALLEL_GRIPPER_OPEN_AMOUNTS: {jaw: {max_age_s: 1.5}}'
    )
    kind, text = fault(eyes.observe(now_ns - S // 10))
    assert kind == 'stale'
    assert 'It comes at 2 Hz: raise the rate of its driver, or write under sources: ' in text
    assert '{jaw: {max_age_s: 1.5}}' in text


def test_a_name_that_may_be_older_than_others_is_not_stale_by_their_age():
    eyes, now_ns = shared_topic(jaw_age_s=1.5)
    status = only_status(eyes, now_ns)
    assert status.age_s > 0.2
    assert (status.stale, status.slow, status.problem) == ('', '', '')


def test_stamps_of_two_publishers_that_interleave_are_no_fault():
    eyes, now_ns = shared_topic(jaw_hz=25.0)
    status = only_status(eyes, now_ns)
    assert (status.drops, status.problem, status.stale) == ({}, '', '')


def test_a_refusal_counts_until_its_own_name_has_a_sample_again():
    eyes = observer(source(0, 'arm'), source(1, 'jaw'))
    eyes.receive('/joint_states', state(T0, arm=1.0, jaw=1.0), T0)
    eyes.receive('/joint_states', state(T0 + 1, jaw=float('nan')), T0 + 1)
    eyes.receive('/joint_states', state(T0 + 2, arm=1.0), T0 + 2)
    assert "'jaw' (JOINT_POSITIONS index 1): the value is nan" in only_status(eyes, T0 + 2).problem
    eyes.receive('/joint_states', state(T0 + 3, jaw=1.0), T0 + 3)
    assert only_status(eyes, T0 + 3).problem == ''


def test_a_frame_is_as_slow_as_the_slowest_link_that_it_hangs_on():
    eyes = observer(tf_source(0, 'base', 'hand', max_age_s=0.2))
    here = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)
    for passed_ns in range(0, 5 * S, S // 50):
        eyes.receive('/tf', tf(transform(T0 + passed_ns, 'arm', 'hand', *here)), T0 + passed_ns)
        if passed_ns % (S // 2) == 0:
            eyes.receive(
                '/tf', tf(transform(T0 + passed_ns, 'base', 'arm', *here)), T0 + passed_ns
            )
    status = only_status(eyes, T0 + 5 * S)
    assert status.rate_hz == pytest.approx(2.0, rel=0.05)
    assert f"'hand' ({POSES} index 0) comes at 2 Hz" in status.slow


def test_a_pace_without_samples_is_zero_and_one_that_stopped_becomes_so():
    pace = Pace()
    assert (pace.rate_hz(T0), pace.usual_gap_s()) == (0.0, 0.0)
    for second in (0, 4):
        pace.note(T0 + second * S)
    assert pace.rate_hz(T0 + 7 * S) == 0.25
    assert pace.rate_hz(T0 + 13 * S) == 0.0
