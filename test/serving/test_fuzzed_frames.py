"""Requests spoilt in every way that one generator knows: an answer or one line, and never a bug."""

import random

import numpy as np
import pytest
from test_served_requests import HAND, IMAGES, JOINTS, MANIFEST, Recorder, jpeg

from helpers.mutations import ODD, budget, changed, spoilt_bytes
from helpers.served import packed, unpacked
from neuracore_ros.policy.policy import Policy
from neuracore_ros.serving.answers import PolicyAnswers

ARRAYS = [
    np.zeros(3),
    np.zeros((1, 3)),
    np.full((1, 3), np.nan),
    np.zeros((1, 3), '>f4'),
    np.zeros(0),
    np.zeros(()),
    np.zeros((1, 3), 'M8[s]'),
    np.zeros((1, 3), complex),
    np.zeros((1, 3), 'S4'),
    np.array([2**63], np.uint64),
    b'bytes',
    b'\xff\xd8\xff',
]
# MessagePack has no integers beyond 64 bits, and no half of a letter.
THINGS = [each for each in ODD if each not in (10**30, '\ud83d')] + ARRAYS


def good():
    return {
        'JOINT_POSITIONS': JOINTS,
        'END_EFFECTOR_POSES': HAND,
        'RGB_IMAGES': {'jpeg': [jpeg(image) for image in IMAGES]},
        'DEPTH_IMAGES': np.ones((1, 8, 16), np.float32),
        'prompt': 'lift',
        'valid': {'JOINT_POSITIONS': [True, False, True], 'RGB_IMAGES': np.ones(2, bool)},
        'robot': 'ur5',
        'request_id': 3,
        'as_model': False,
    }


@pytest.fixture
def answers():
    return PolicyAnswers(Policy(Recorder(MANIFEST), ''))


def examine(answers, frame):
    """Whether it was answered by actions."""
    answer = answers.answer(frame, 0.0, None)
    if isinstance(answer, str):
        assert answer.isprintable()
        assert 0 < len(answer) < 1300
        assert 'server failed' not in answer
        return False
    assert np.isfinite(unpacked(answer)['actions']['JOINT_TARGET_POSITIONS']).all()
    return True


def test_what_is_spoilt_is_good_before(answers):
    assert examine(answers, packed(good()))


@pytest.mark.filterwarnings('error')
def test_a_spoilt_request_is_answered_or_refused_in_one_line(answers):
    chance, taken = random.Random(1), 0
    count = budget(1500)
    for _ in range(count):
        message = changed(good(), chance, THINGS)
        if chance.random() < 0.3:
            message = changed(message, chance, THINGS)
        try:
            frame = packed(message)
        except (TypeError, ValueError, AttributeError, OverflowError):
            continue  # What this generator cannot pack, no client could.
        taken += examine(answers, frame)
    assert 0 < taken < count


@pytest.mark.filterwarnings('error')
def test_a_frame_of_spoilt_bytes_is_answered_or_refused_in_one_line(answers, capfd):
    chance, whole = random.Random(2), packed(good())
    for _ in range(budget(1500)):
        frame = spoilt_bytes(whole, chance)
        if chance.random() < 0.3 and frame:
            frame = spoilt_bytes(frame, chance)
        examine(answers, frame)
    # Not even the decoder of JPEGs says anything of its own.
    assert capfd.readouterr().err == ''
