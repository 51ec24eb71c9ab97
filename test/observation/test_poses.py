"""Poses from PoseStamped and from /tf."""

import itertools
import math

import numpy as np
import pytest

from helpers.observer_examples import (
    MS,
    POSES,
    T0,
    Observation,
    S,
    fault,
    observer,
    only_status,
    pose_message,
    pose_source,
    tf,
    tf_source,
    transform,
)
from neuracore_ros.kinematics.poses import compose, invert, signed_pose

NO_TURN = (0.0, 0.0, 0.0, 1.0)
LEFT = (0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5))  # 90 degrees about z


def seen(eyes, tick_ns):
    found = eyes.observe(tick_ns)
    assert isinstance(found, Observation), found
    return found.inputs[POSES].round(6)


def test_a_pose_is_seven_numbers_and_other_slots_are_zero():
    eyes = observer(pose_source(1, 'cube'))
    eyes.receive('/pose', pose_message(T0, (1, 2, 3), NO_TURN), T0)
    poses = eyes.observe(T0)
    assert poses.inputs[POSES].tolist() == [[0] * 7, [1, 2, 3, 0, 0, 0, 1]]
    assert poses.inputs[POSES].dtype == np.float32
    assert poses.valid[POSES].tolist() == [False, True]


def test_both_quaternions_of_a_rotation_give_the_same_numbers():
    rng = np.random.default_rng(1)
    for random in rng.normal(size=(200, 4)):
        q = random / np.linalg.norm(random)
        assert signed_pose((0, 0, 0, *q)) == signed_pose((0, 0, 0, *-q))


def test_the_sign_does_not_flicker_where_tools_usually_point():
    """Which is in steps of 90 degrees: 24 rotations, of two quaternions each."""
    usual = [
        q for q in itertools.product((-1, 0, 1), repeat=4) if np.count_nonzero(q) in (1, 2, 4)
    ]
    assert len(usual) == 48
    rng = np.random.default_rng(0)
    for q in np.array(usual) / np.linalg.norm(usual, axis=1, keepdims=True):
        noisy = [
            signed_pose((0, 0, 0, *(q + noise)))[3:] for noise in rng.normal(0, 0.02, (50, 4))
        ]
        assert len({np.sign(np.dot(near, q)) for near in noisy}) == 1, q


@pytest.mark.parametrize(
    ('xyz', 'q', 'kind', 'words'),
    [
        ((0, 0, 0), (0, 0, 0, 0), 'malformed', 'no unit quaternion'),
        ((0, 0, 0), (0, 0, 0, 1.1), 'malformed', 'length 1.1'),
        ((0, math.nan, 0), NO_TURN, 'not_finite', 'nan'),
        ((0, 0, 0), (0, math.inf, 0, 1), 'not_finite', 'inf'),
    ],
)
def test_what_is_no_pose_is_refused(xyz, q, kind, words):
    eyes = observer(pose_source(0, 'cube'))
    eyes.receive('/pose', pose_message(T0, xyz, q), T0)
    found = fault(eyes.observe(T0))
    assert found[0] == kind and words in found[1]
    assert only_status(eyes, T0).drops == {kind: 1}


def test_a_quaternion_that_is_nearly_of_length_1_is_made_so():
    eyes = observer(pose_source(0, 'cube'))
    eyes.receive('/pose', pose_message(T0, (0, 0, 0), (0, 0, 0, 0.995)), T0)
    assert seen(eyes, T0)[0, 6] == 1.0


def test_a_pose_in_another_frame_than_declared_is_refused():
    eyes = observer(pose_source(0, 'cube', parent='base'))
    eyes.receive('/pose', pose_message(T0, (0, 0, 0), NO_TURN, frame='camera'), T0)
    assert "given in 'camera', not in 'base'" in fault(eyes.observe(T0))[1]
    eyes.receive('/pose', pose_message(T0, (7, 0, 0), NO_TURN, frame='/base'), T0)
    assert seen(eyes, T0)[0, 0] == 7.0


def test_a_pose_grows_stale():
    eyes = observer(pose_source(0, 'cube'))
    eyes.receive('/pose', pose_message(T0, (0, 0, 0), NO_TURN), T0)
    assert fault(eyes.observe(T0 + 300 * MS))[0] == 'stale'


def test_a_chain_of_frames_is_composed_downwards():
    eyes = observer(tf_source(0, 'base', 'tool'))
    message = tf(
        transform(T0, 'base', 'arm', (1, 0, 0), LEFT),
        transform(T0, 'arm', 'tool', (2, 0, 0), LEFT),
    )
    eyes.receive('/tf', message, T0)
    assert seen(eyes, T0)[0] == pytest.approx([1, 2, 0, 0, 0, 1, 0], abs=1e-6)


def test_a_chain_goes_up_and_across_as_well():
    eyes = observer(tf_source(0, 'tool', 'base'), tf_source(1, 'tool', 'camera'))
    arm = tf(
        transform(T0, 'base', 'arm', (1, 0, 0), LEFT),
        transform(T0, 'arm', 'tool', (2, 0, 0), LEFT),
    )
    eyes.receive('/tf', arm, T0)
    eyes.receive('/tf_static', tf(transform(0, '/base', '/camera', (0, 0, 5), NO_TURN)), T0)
    up, across = seen(eyes, T0)
    assert up == pytest.approx([1, 2, 0, 0, 0, 1, 0], abs=1e-6)
    assert across == pytest.approx([1, 2, 5, 0, 0, 1, 0], abs=1e-6)


def test_composing_is_what_matrices_do():
    rng = np.random.default_rng(2)

    def matrix(pose):
        x, y, z, w = pose[3:]
        turn = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
        return np.vstack([np.column_stack([turn, pose[:3]]), [0, 0, 0, 1]])

    def random_pose():
        q = rng.normal(size=4)
        return (*rng.normal(size=3), *(q / np.linalg.norm(q)))

    for _ in range(20):
        one, other = random_pose(), random_pose()
        assert np.allclose(matrix(compose(one, other)), matrix(one) @ matrix(other))
        assert np.allclose(matrix(invert(one)), np.linalg.inv(matrix(one)))


def test_the_oldest_link_ages_a_chain_and_a_fixed_one_never_does():
    eyes = observer(tf_source(0, 'base', 'tool'))
    eyes.receive('/tf_static', tf(transform(0, 'base', 'arm', (0, 0, 0), NO_TURN)), T0)
    eyes.receive('/tf', tf(transform(T0, 'arm', 'hand', (0, 0, 0), NO_TURN)), T0)
    late = T0 + 150 * MS
    eyes.receive('/tf', tf(transform(late, 'hand', 'tool', (0, 0, 0), NO_TURN)), late)
    assert eyes.observe(late).ages_s[POSES, 'tool'] == pytest.approx(0.15)
    assert fault(eyes.observe(T0 + 250 * MS))[0] == 'stale'
    again = T0 + 250 * MS
    eyes.receive('/tf', tf(transform(again, 'arm', 'hand', (1, 0, 0), NO_TURN)), again)
    assert seen(eyes, again)[0, 0] == 1.0


def test_frames_that_never_move_never_age():
    eyes = observer(tf_source(0, 'base', 'camera'))
    eyes.receive('/tf_static', tf(transform(0, 'base', 'camera', (1, 0, 0), NO_TURN)), T0)
    found = eyes.observe(T0 + 3600 * S)
    assert found.ages_s[POSES, 'camera'] == 0.0
    eyes.clear()  # After a jump of the clock: nobody sends it again.
    assert seen(eyes, T0)[0, 0] == 1.0


def test_a_link_that_repeats_its_stamp_is_no_new_one():
    eyes = observer(tf_source(0, 'base', 'tool'))
    for number in range(3):
        now_ns = T0 + number * 100 * MS
        eyes.receive('/tf', tf(transform(T0, 'base', 'tool', (number, 0, 0), NO_TURN)), now_ns)
    assert seen(eyes, T0 + 200 * MS)[0, 0] == 0.0
    assert only_status(eyes, now_ns).drops == {'repeated': 2}


def test_a_tick_before_the_newest_message_has_the_one_before():
    eyes = observer(tf_source(0, 'base', 'tool'))
    for number in range(3):
        now_ns = T0 + number * 10 * MS
        eyes.receive('/tf', tf(transform(now_ns, 'base', 'tool', (number, 0, 0), NO_TURN)), now_ns)
    assert seen(eyes, T0 + 15 * MS)[0, 0] == 1.0


def test_a_missing_link_is_named_with_the_frames_that_are_there():
    eyes = observer(tf_source(0, 'base', 'tool0'))
    assert 'no transform has come yet' in fault(eyes.observe(T0))[1]
    eyes.receive('/tf', tf(transform(T0, 'base', 'tool_0', (0, 0, 0), NO_TURN)), T0)
    text = fault(eyes.observe(T0))[1]
    assert "no frame 'tool0'; did you mean 'tool_0'? There are: tool_0, base" in text
    eyes.receive('/tf', tf(transform(T0, 'wall', 'tool0', (0, 0, 0), NO_TURN)), T0)
    text = fault(eyes.observe(T0))[1]
    assert "nothing links 'base' and 'tool0': the one hangs on 'base', the other on 'wall'" in text


def test_frames_in_a_circle_do_no_harm():
    eyes = observer(tf_source(0, 'base', 'tool'))
    circle = tf(
        transform(T0, 'a', 'tool', (0, 0, 0), NO_TURN),
        transform(T0, 'tool', 'a', (0, 0, 0), NO_TURN),
    )
    eyes.receive('/tf', circle, T0)
    assert fault(eyes.observe(T0))[0] == 'missing'


def test_a_transform_that_is_none_is_refused_and_the_others_are_taken():
    eyes = observer(tf_source(0, 'base', 'tool'))
    message = tf(
        transform(T0, 'base', 'bad', (0, 0, 0), (0, 0, 0, 0)),
        transform(T0, 'base', 'tool', (1, 0, 0), NO_TURN),
    )
    eyes.receive('/tf', message, T0)
    assert seen(eyes, T0)[0, 0] == 1.0
    assert only_status(eyes, T0).drops == {'malformed': 1}


def test_a_pose_that_repeats_its_stamp_is_no_new_one():
    eyes = observer(pose_source(0, 'cube'))
    eyes.receive('/pose', pose_message(T0, (1, 0, 0), NO_TURN), T0)
    eyes.receive('/pose', pose_message(T0, (2, 0, 0), NO_TURN), T0 + 10 * MS)
    assert seen(eyes, T0 + 10 * MS)[0, 0] == 1.0
    assert only_status(eyes, T0 + 10 * MS).drops == {'repeated': 1}


def test_a_link_that_is_older_than_the_newest_is_passed_over():
    eyes = observer(tf_source(0, 'base', 'tool'))
    eyes.receive('/tf', tf(transform(T0, 'base', 'tool', (1, 0, 0), NO_TURN)), T0)
    late = tf(transform(T0 - 10 * MS, 'base', 'tool', (2, 0, 0), NO_TURN))
    eyes.receive('/tf', late, T0 + 10 * MS)
    assert seen(eyes, T0 + 10 * MS)[0, 0] == 1.0
    assert only_status(eyes, T0 + 10 * MS).drops == {'older': 1}


def test_a_link_counts_from_its_arrival_on():
    eyes = observer(tf_source(0, 'base', 'tool'))
    eyes.receive('/tf', tf(transform(T0, 'base', 'tool', (1, 0, 0), NO_TURN)), T0 + 20 * MS)
    assert fault(eyes.observe(T0 + 10 * MS))[0] == 'missing'
    assert seen(eyes, T0 + 20 * MS)[0, 0] == 1.0


def test_a_fixed_link_that_is_no_pose_is_passed_over():
    eyes = observer(tf_source(0, 'base', 'camera'))
    broken = transform(0, 'base', 'camera', (0, 0, 0), (0, 0, 0, 0))
    eyes.receive('/tf_static', tf(broken), T0)
    assert fault(eyes.observe(T0))[0] == 'missing'
    good = transform(0, 'base', 'camera', (3, 0, 0), NO_TURN)
    eyes.receive('/tf_static', tf(broken, good), T0)
    assert seen(eyes, T0)[0, 0] == 3.0


def test_a_topic_that_invents_frames_does_not_fill_the_memory():
    eyes = observer(tf_source(0, 'base', 'tool'))
    many = [transform(T0, 'base', f'frame_{i}', (0, 0, 0), NO_TURN) for i in range(3000)]
    eyes.receive('/tf', tf(*many, transform(T0, 'base', 'tool', (0, 0, 0), NO_TURN)), T0)
    kind, text = fault(eyes.observe(T0))
    assert kind == 'missing' and ' more' in text
