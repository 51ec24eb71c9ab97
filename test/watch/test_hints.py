"""Every reason that a robot stands for has a hint, and the documentation shows the same ones."""

import re

import pytest

from helpers.fault_table import FAULTS
from helpers.server_fault_table import GROOT_FAULTS, OPENPI_FAULTS, OWN_FAULTS
from neuracore_ros.watch.hints import HINTS, hints

# Parts of reasons that tell what is wrong only together with the rest of the line.
PARTS = (
    r"max_age_s is|'wrist_1_joint'|'rgb9'|^step is|it is empty|the image is|cannot hold|raised|"
)
PARTS += r'^with |^shape|^as int32|exceeds|^RuntimeError|^within'


@pytest.mark.parametrize(
    'reason',
    sorted(
        {
            fault.says
            for fault in (*FAULTS, *OWN_FAULTS, *OPENPI_FAULTS, *GROOT_FAULTS)
            if not re.search(PARTS, fault.says)
        }
    ),
)
def test_every_fault_that_is_provoked_in_tests_has_a_hint(reason):
    assert hints(reason)


@pytest.mark.parametrize(
    ('reason', 'cause'),
    [
        (
            "joint_states: 'a' (JOINT_POSITIONS index 0) is 0.3 s old; max_age_s is 0.2",
            'the stream',
        ),
        ("'a' is 0.3 s old; max_age_s is 0.2. Since then: the value is nan", 'the driver sends'),
        ("'elbow': 1.000 apart, more than start_max 0.5", 'the first action'),
        ("the human's 'elbow' is 1.000 apart, more than start_max 0.5", 'the leader'),
        ('the model failed: RuntimeError: raised on purpose', 'the policy gives'),
        ('no complete observation yet', 'nobody publishes'),
        ('nobody listens to /arm/joint_trajectory', 'the controller'),
    ],
)
def test_the_most_telling_hint_comes_first(reason, cause):
    assert hints(reason)[0].cause.startswith(cause)


def test_the_words_of_a_terminal_have_no_marks():
    for hint in HINTS:
        assert not re.search(r'[`\[\]]|\]\(|~/', hint.text), hint.text


def test_a_reason_that_nobody_knows_has_none():
    assert hints('the dog ate the cable') == []
