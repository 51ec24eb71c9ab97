"""Whether a node is there, and what is believed of it after it has gone."""

from helpers.watched_views import diagnostics
from neuracore_ros.control import FORGOTTEN_S, Commander, Control
from neuracore_ros.watch.report import NodeReport
from neuracore_ros.watch.watched import OnGraph, WatchedNode, in_namespaces, node_name

CONFIGURED, BARE = OnGraph(configured=True), OnGraph(configured=False)
RUNNING = NodeReport.from_message(diagnostics())


def test_a_node_is_followed_from_before_its_start_to_after_its_end():
    node = WatchedNode('/infer')
    assert node.view(0.0).state == 'ABSENT'
    node.found(BARE, 1.0)
    assert node.view(9.0).state == 'UNCONFIGURED'
    assert node.view(9.0).reason.endswith('it does not answer')
    node.hears_answer(9.0)
    assert node.view(9.5).reason.endswith('it waits')
    node.found(CONFIGURED, 10.0)
    node.hears(RUNNING, 10.5)
    assert node.view(11.0).state == 'RUNNING'
    assert node.view(10.6 + FORGOTTEN_S).state == 'SILENT'
    node.found(None, 20.0)
    assert node.view(22.0).state == 'GONE'
    assert node.view(22.0).reason == 'the node ended 2 s ago; it was RUNNING'
    node.found(CONFIGURED, 30.0)
    assert node.view(30.1).report is None


def test_a_node_that_was_cleaned_up_is_silent_by_right():
    node = WatchedNode('/infer')
    node.found(CONFIGURED, 0.0)
    node.hears(RUNNING, 0.0)
    node.found(BARE, 1.0)
    assert node.view(60.0).state == 'UNCONFIGURED'
    assert node.view(60.0).report is None


def test_who_commands_is_what_was_said_last_and_unknown_of_a_silent_node():
    node = WatchedNode('/infer')
    node.found(CONFIGURED, 0.0)
    node.hears(RUNNING, 0.0)
    node.hears_control(Control(Commander.POLICY, 'a.pt', '0123456789abcdef'), 0.1)
    assert node.view(0.2).commander == 'policy a.pt (sha256 0123456789ab)'
    node.hears_control(Control(Commander.HUMAN), 0.2)
    assert node.view(0.3).commander == 'human'
    assert node.view(9.0).commander == 'unknown'
    node.found(None, 10.0)
    assert node.view(10.0).commander == 'nobody'


def test_the_time_of_a_suspended_watch_does_not_count():
    node = WatchedNode('/infer')
    node.found(CONFIGURED, 0.0)
    node.hears(RUNNING, 0.0)
    node.excuse(100.0)
    assert node.view(101.0).state == 'RUNNING'


def test_namespaces_are_written_as_people_write_them():
    assert {node_name(each) for each in ('left', '/left', 'left/')} == {'/left/infer'}
    assert node_name('/') == '/infer'
    assert in_namespaces('/left/other', ['left/'])
    assert not in_namespaces('/left/arm/infer', ['left'])
    assert in_namespaces('/infer', ['/'])
    assert in_namespaces('/anything/infer', [])


def test_the_log_keeps_what_the_report_does_not_say():
    node = WatchedNode('/infer')
    for line in ('HOLDING: why', 'first', 'second', 'RUNNING', 'third', 'fourth'):
        node.hears_log(line)
    assert node.view(0.0).log == ('second', 'third', 'fourth')
