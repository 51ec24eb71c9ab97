"""What a key would do: goes at once, is asked for once more, or is refused."""

import pytest

from helpers.watched_views import BY_ITSELF, ENABLE, TOPIC, view
from neuracore_ros.watch.requests import NodeRequest, judge
from neuracore_ros.watch.watched import Presence

INACTIVE = {'state': 'DISABLED', 'reason': 'not active', 'then': 'waits for activate'}
HELD = {'state': 'HOLDING', 'reason': 'why', 'then': BY_ITSELF}
LATCHED = {'state': 'HOLDING', 'reason': 'why', 'then': ENABLE}
DISABLED = {'state': 'DISABLED', 'reason': 'disabled', 'then': ENABLE}
LED = {'state': 'TAKEOVER', 'control': 'human'}
SITUATIONS = {
    'running': {},
    'waiting': {'state': 'WAITING', 'then': BY_ITSELF},
    'held': HELD,
    'latched': LATCHED,
    'disabled': DISABLED,
    'led': LED,
    'led, and stands': {'state': 'TAKEOVER', 'reason': 'far away', 'control': 'nobody'},
    'inactive': INACTIVE,
    'unconfigured': {'presence': Presence.UNCONFIGURED},
    'loads': {'presence': Presence.UNCONFIGURED, 'answers': False},
    'silent': {'presence': Presence.SILENT},
    'absent': {'presence': Presence.ABSENT},
    'gone': {'presence': Presence.GONE},
}
WORDS = ('enable', 'disable', 'reset', 'takeover', 'give-back', 'activate')
# + goes at once, ? is asked for once more, - is refused: enable, disable, reset, takeover,
# give back, activate.
EXPECTED = {
    'running': '-++ + - -',
    'waiting': '-+? ? - -',
    'held': '?+? ? - -',
    'latched': '?++ ? - -',
    'disabled': '?++ + + -',
    'led': '-++ - ? -',
    'led, and stands': '-+? - ? -',
    'inactive': '-+- - - ?',
    'unconfigured': '-+- - - ?',
    'loads': '-+- - - -',
    'silent': '-+- - - -',
    'absent': '--- - - -',
    'gone': '--- - - -',
}


@pytest.mark.parametrize('situation', SITUATIONS)
def test_what_may_begin_a_motion_is_asked_for_and_a_stop_never_is(situation):
    seen = ''
    for word in WORDS:
        judgement = judge(NodeRequest(word), view(**SITUATIONS[situation]))
        assert not (judgement.refusal and judgement.question)
        seen += '-' if judgement.refusal else '?' if judgement.question else '+'
    assert seen == EXPECTED[situation].replace(' ', '')


def test_a_question_says_what_would_move_by_what_and_where():
    text = judge(NodeRequest.ENABLE, view(name='/left/infer', **LATCHED)).question
    assert text == f"Enable /left/infer? Robot 'ur5' may move, by policy.pt, on {TOPIC}."


def test_a_dry_run_says_that_nothing_is_published():
    assert 'nothing is published' in judge(NodeRequest.ENABLE, view(dry_run=True, **HELD)).question


def test_a_robot_that_was_disabled_in_a_takeover_is_enabled_for_the_human():
    reason = 'disabled, and a human has taken over'
    led = view('DISABLED', reason, ENABLE)
    assert 'as the human commands' in judge(NodeRequest.ENABLE, led).question


def test_two_nodes_of_one_name_are_only_stopped():
    twins = view(twins=2, **HELD)
    assert '2 nodes have this name' in judge(NodeRequest.ENABLE, twins).refusal
    assert judge(NodeRequest.DISABLE, twins).refusal == ''


def test_a_refusal_names_the_node_and_what_to_do():
    said = judge(NodeRequest.RESET, view(name='/left/infer', **INACTIVE)).refusal
    assert said == '/left/infer: it is not active: press a'
