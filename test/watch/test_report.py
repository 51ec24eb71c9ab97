"""What is read of /diagnostics, whoever sends it."""

import math
from types import SimpleNamespace

from helpers.watched_views import diagnostics, status, stream
from neuracore_ros.errors import MESSAGE_LENGTH
from neuracore_ros.runner import State
from neuracore_ros.watch.report import STATES, NodeReport


def test_a_message_is_read_with_its_streams():
    report = NodeReport.from_message(
        diagnostics(stream(), stream('/overhead', '', '', level=b'\x02', message='gone'), late=3)
    )
    assert (report.node, report.robot, report.state) == ('/infer', 'ur5', 'RUNNING')
    assert report.figures == {'late': '3'}
    first, second = report.streams
    assert (first.topic, first.level, first.problem) == ('/joint_states', 'ok', '')
    assert (second.level, second.problem, second.age_s) == ('error', 'gone', '')


def test_messages_of_others_are_passed_over():
    assert NodeReport.from_message(SimpleNamespace(status=[])) is None
    assert NodeReport.from_message(SimpleNamespace(status=[status('motor: temperature')])) is None


def test_a_message_of_an_older_node_tells_no_name_and_one_of_nobody_nothing():
    bare = SimpleNamespace(status=[status('infer: inference', robot='')])
    report = NodeReport.from_message(bare)
    assert (report.node, report.state, report.next) == ('', '', '')
    assert report.is_active and not report.waits_for_enable


def test_whatever_is_sent_becomes_one_short_printable_line():
    evil = '\x1b]0;x\x07\n' * 10_000
    report = NodeReport.from_message(
        diagnostics(*[stream(evil, evil, evil)] * 1000, robot=evil, reason=evil, node=evil)
    )
    texts = [report.robot, report.reason, report.node, *report.figures.values()]
    texts += [text for s in report.streams for text in (s.topic, s.problem, s.rate_hz, s.age_s)]
    assert len(report.streams) < 100
    for text in texts:
        # Each letter may be written with four.
        assert text.isprintable() and len(text) <= 4 * MESSAGE_LENGTH


def test_numbers_that_are_none_are_kept_as_they_are():
    report = NodeReport.from_message(diagnostics(latency_ms_p50=math.nan))
    assert report.figures['latency_ms_p50'] == 'nan'


def test_the_states_are_those_of_the_runner():
    assert {*STATES} == {*State}
