"""Lines for logs and programs: one for each change, and JSON that programs can read."""

import json

from helpers.watched_views import BY_ITSELF, stream, view
from neuracore_ros.watch.lines import Changes, as_json, as_page, as_text

OLD = "'elbow' is {} s old; max_age_s is 0.2"


def test_there_is_one_line_for_each_change_and_figures_are_none():
    changes = Changes(as_text)
    assert len(changes.of([view(late=0)])) == 1
    assert changes.of([view(late=1)]) == []
    assert len(changes.of([view('HOLDING', OLD.format(0.3), BY_ITSELF)])) == 1
    assert changes.of([view('HOLDING', OLD.format(0.4), BY_ITSELF)]) == []
    assert len(changes.of([view(control='human')])) == 1


def test_of_two_nodes_only_the_one_that_changed_is_told():
    left, right = view(name='/left/infer'), view(name='/right/infer')
    changes = Changes(as_text)
    assert len(changes.of([left, right])) == 2
    (line,) = changes.of([left, view('DISABLED', name='/right/infer')])
    assert '/right/infer DISABLED' in line


def test_a_line_has_state_commander_reason_and_what_to_do():
    line = as_text(view('HOLDING', OLD.format(0.3), BY_ITSELF))
    assert '/infer HOLDING [nobody]' in line
    assert f': {OLD.format(0.3)} -> the stream stopped' in line
    assert '\n' not in line


def test_json_has_numbers_as_numbers_and_none_where_there_is_none():
    told = view(streams=[stream(rate_hz='99.5', age_s='')], late=2, latency_ms_p50='nan')
    record = json.loads(as_json(told))
    assert record['node'] == '/infer' and record['state'] == 'RUNNING'
    assert record['figures']['late'] == 2 and record['figures']['latency_ms_p50'] is None
    assert record['streams'] == [
        {
            'topic': '/joint_states',
            'level': 'ok',
            'problem': '',
            'rate_hz': 99.5,
            'age_s': None,
            'drops': 0.0,
        }
    ]


def test_json_of_a_node_that_has_said_nothing_has_the_same_keys():
    from neuracore_ros.watch.watched import Presence

    silent, heard = view(presence=Presence.UNCONFIGURED), view()
    assert json.loads(as_json(silent)).keys() == json.loads(as_json(heard)).keys()


def test_numbers_too_large_for_json_are_none():
    record = json.loads(as_json(view(streams=[stream(rate_hz='inf', age_s='1e999')])))
    assert record['streams'][0]['rate_hz'] is None and record['streams'][0]['age_s'] is None


def test_a_page_has_every_stream_and_the_log():
    page = as_page(view(streams=[stream(), stream('/overhead')], log=['oh']))
    assert [line.split(':')[0].strip() for line in page.splitlines()[1:]] == [
        '/joint_states',
        '/overhead',
        'log',
    ]
