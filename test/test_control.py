"""The text in which a node says who commands the robot."""

import json

import pytest

from neuracore_ros.control import Commander, Control
from neuracore_ros.errors import UserError


@pytest.mark.parametrize(
    'control',
    [
        Control(Commander.POLICY, 'lift.pt', 'ab12'),
        Control(Commander.HUMAN),
        Control(Commander.NOBODY),
    ],
)
def test_what_is_written_is_read(control):
    assert Control.from_text(control.to_text()) == control


def test_the_text_is_json_with_the_commander_and_the_policy():
    text = Control(Commander.POLICY, 'lift.pt', 'ab12').to_text()

    assert json.loads(text) == {
        'commander': 'policy',
        'policy': 'lift.pt',
        'policy_sha256': 'ab12',
    }
    assert json.loads(Control(Commander.HUMAN).to_text()) == {'commander': 'human'}


def test_a_bare_word_of_another_program_is_read():
    assert Control.from_text(' human ') == Control(Commander.HUMAN)


@pytest.mark.parametrize(
    'text',
    [
        '',
        'robot',
        '[]',
        '{}',
        '{"commander": "robot"}',
        '{"commander": 3}',
        '{"commander": "policy", "policy": 3}',
        '\0',
        '{' * 2000,
    ],
)
def test_anything_else_is_refused_in_one_line(text):
    with pytest.raises(UserError) as refused:
        Control.from_text(text)

    assert '\n' not in str(refused.value)
