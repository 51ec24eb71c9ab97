"""What the graph says while the node waits, on a clock that a test moves."""

from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy')

from rclpy.node import NodeNameNonExistentError
from sensor_msgs.msg import JointState

from neuracore_ros.description import load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.node import graph_monitor
from neuracore_ros.node.clock_monitor import clock_cure, standstill
from neuracore_ros.node.contention import ContentionMonitor
from neuracore_ros.node.graph import action_servers, beside_namespace
from neuracore_ros.node.graph_monitor import GraphMonitor
from neuracore_ros.node.status import node_status
from neuracore_ros.observation import StreamStatus
from neuracore_ros.runner import State

JOINTS, CAMERA = 'joint_states', 'overhead/image_raw'
COMMANDS = 'arm_controller/joint_trajectory'
JOINT_STATE = 'sensor_msgs/msg/JointState'


class Nobody:
    """A node that is alone."""

    def count_publishers(self, topic):
        return 0


@pytest.fixture
def monitor(monkeypatch):
    monkeypatch.setattr(graph_monitor, 'why_silent', lambda node, topic, *_: f'{topic} is silent')
    monkeypatch.setattr(graph_monitor, 'why_unheard', lambda node, command: 'nobody hears')
    monkeypatch.setattr(GraphMonitor, 'update_clock', lambda self, running: None)
    robot = load_robot(shipped('ur5'))
    monitor = GraphMonitor(Nobody(), robot.input_sources(), robot.commands())
    monitor.start(100.0)
    return monitor


def lacking(*topics, problem='', **drops):
    """Streams of which nothing was taken."""
    return [StreamStatus(topic, (), 0, 0.0, '', None, '', '', drops, problem) for topic in topics]


def test_two_seconds_pass_before_anything_is_told(monitor):
    for now_s in (100.5, 102.0):
        monitor.update(now_s, lacking(JOINTS, CAMERA), [COMMANDS])
        assert (monitor.silences, monitor.unheard) == ({}, {})
    monitor.update(102.6, lacking(JOINTS, CAMERA), [COMMANDS])
    assert monitor.silences == {topic: f'{topic} is silent' for topic in (JOINTS, CAMERA)}
    assert monitor.unheard == {COMMANDS: 'nobody hears'}


def test_a_topic_on_which_something_comes_is_not_silent_even_if_a_name_lacks(monitor):
    for tenth in range(50):
        monitor.receive(JOINTS, 100.0 + tenth / 10)
    monitor.update(105.0, lacking(JOINTS, CAMERA), [])
    assert monitor.silences.keys() == {CAMERA}


def test_what_is_over_is_told_no_more(monitor):
    monitor.update(103.0, lacking(CAMERA), [COMMANDS])
    monitor.update(106.0, lacking(CAMERA), [COMMANDS])
    assert (monitor.silences.keys(), monitor.unheard.keys()) == ({CAMERA}, {COMMANDS})
    monitor.rest()
    assert (monitor.silences, monitor.unheard) == ({}, {})
    # A controller that goes again is missed after two seconds, too.
    monitor.update(107.0, [], [COMMANDS])
    assert monitor.unheard == {}


def test_streams_of_another_time_are_one_reason(monitor):
    monitor.clock_cure = 'give use_sim_time:=true'
    monitor.update(100.1, lacking(JOINTS, CAMERA, clock=3, problem='years before'), [])
    assert monitor.astray == f'header stamps of {JOINTS}, {CAMERA}: give use_sim_time:=true'
    # A clock that was wrong for a moment, long ago, is none.
    monitor.update(100.2, lacking(JOINTS, CAMERA, clock=3), [])
    assert monitor.astray == ''


def test_drivers_that_went_together_are_one_reason(monitor):
    for topic in (JOINTS, CAMERA):
        monitor.receive(topic, 101.0)
    monitor.update(103.5, lacking(JOINTS, CAMERA), [])
    assert monitor.reasons() == [f'nobody publishes {JOINTS}, {CAMERA} any more']
    assert monitor.silences[CAMERA] == 'nobody publishes it any more'


class Clocks:
    """A node in wall time that counts how often it is asked who publishes /clock."""

    def __init__(self):
        self.names, self.asked, self.ros_time_is_active = ['gazebo'], 0, False

    def get_clock(self):
        return self

    def count_publishers(self, topic):
        return len(self.names)

    def get_publishers_info_by_topic(self, topic):
        self.asked += 1
        return [SimpleNamespace(node_name=name, node_namespace='/') for name in self.names]


def test_a_running_node_asks_who_makes_the_time_only_if_that_has_changed():
    clocks = Clocks()
    monitor = GraphMonitor(clocks, (), ())
    for _ in range(9):
        monitor.update_clock(running=True)
    assert (clocks.asked, '/gazebo publishes /clock' in monitor.clock_cure) == (1, True)
    clocks.names = []
    monitor.update_clock(running=True)
    assert (clocks.asked, monitor.clock_cure) == (2, '')
    clocks.ros_time_is_active = True
    monitor.update_clock(running=True)
    assert (clocks.asked, 'simulated time' in monitor.clock_cure) == (3, True)
    monitor.update_clock(running=False)
    assert clocks.asked == 4


def held(reason='late', by_itself=True, found=(), unheard=()):
    return node_status(State.HOLDING, reason, by_itself, found, dict(unheard), '/infer/enable')


def test_a_hold_says_what_ends_it():
    assert held().line == 'HOLDING: late (goes on by itself when this is over)'
    assert held(by_itself=False).next == (
        "waits for: ros2 service call /infer/enable std_srvs/srv/SetBool '{data: true}'"
    )


def test_what_the_graph_says_is_said_once():
    why = '/cmd: nobody listens to it; did you mean /arm/cmd?'
    assert held('nobody listens to cmd', unheard={'cmd': why}).reason == why
    assert held('a is 3 s old', found=['a: nobody publishes it']).reason == (
        'a is 3 s old; a: nobody publishes it'
    )


def test_waiting_is_an_alarm_once_the_reason_is_known():
    def waiting(*found):
        return node_status(State.WAITING, 'no sample yet', True, found, {}, '')

    assert (waiting().reason, waiting().alarm) == ('no sample yet', False)
    told = waiting('a: nobody publishes it', 'b: nobody publishes it')
    assert told.reason == 'a: nobody publishes it; b: nobody publishes it'
    assert told.alarm


class Topic:
    """Messages and looks on a clock of their own."""

    def __init__(self, kind=JOINT_STATE):
        self.contention, self.now_s = ContentionMonitor(kind), 0.0

    def after(self, seconds, *publishers, names=()):
        """The doubt after so long, with messages of these names at the end of every second."""
        said = ''
        for _ in range(seconds):
            said = self.contention.update(list(publishers), self.now_s)
            for name_set in names:
                self.contention.receive(JointState(name=list(name_set)))
            self.now_s += 1.0
        return said


def test_drivers_that_share_joint_states_are_in_order_and_need_no_word():
    topic = Topic()
    assert topic.after(1, '/arm', '/jaw', names=['ab']) == ''
    assert topic.after(9, '/arm', '/jaw', names=['ab', 'c']) == ''


def test_drivers_of_one_joint_are_told_until_one_is_gone():
    topic = Topic()
    assert topic.after(2, '/arm', '/twin', names=['ab', 'bc']) == (
        '/arm, /twin send the same joints (b)'
    )
    assert topic.after(2, '/arm', names=['ab']) == ''
    # What the twin sent is forgotten: the jaw has its own joints.
    assert topic.after(9, '/arm', '/jaw', names=['ab', 'c']) == ''


def test_a_second_publisher_that_nobody_can_tell_from_the_first_is_told_after_a_while():
    topic = Topic()
    assert topic.after(3, '/arm', '/twin', names=['ab']) == ''
    assert topic.after(3, '/arm', '/twin', names=['ab']) == '2 publishers send it: /arm, /twin'


def test_two_cameras_on_one_topic_are_told_at_once():
    assert Topic('sensor_msgs/msg/Image').after(1, '/one', '/two') == (
        '2 publishers send it: /one, /two'
    )


def test_stamps_of_another_time_are_told_by_what_is_known_of_the_clock():
    assert clock_cure(False, [], 'use_sim_time:=true') == ''
    assert clock_cure(False, ['/gazebo'], '--use-sim-time') == (
        'they look like simulated time, since /gazebo publishes /clock: give --use-sim-time'
    )
    assert 'leave --use-sim-time out' in clock_cure(True, ['/gazebo'], '--use-sim-time')
    assert standstill([], '--use-sim-time') == (
        'nobody publishes /clock, and without it there is no time: start the simulator, or leave '
        '--use-sim-time out'
    )
    assert standstill(['/gazebo'], '').endswith('/gazebo publishes it: is it paused?')


class Robot:
    """A node that sees an arm, and another node that goes while it is asked for its services."""

    def get_node_names_and_namespaces(self):
        return [('gone', '/'), ('arm', '/left')]

    def get_service_names_and_types_by_node(self, name, namespace):
        if name == 'gone':
            raise NodeNameNonExistentError(name)
        send_goal = '/left/arm/move/_action/send_goal'
        return [(send_goal, ['a/action/Move_SendGoal']), ('/left/arm/get', ['a/srv/Get'])]


def test_a_node_that_goes_while_it_is_asked_serves_no_action():
    assert list(action_servers(Robot())) == [('/left/arm/move', 'a/action/Move', '/left/arm')]


@pytest.mark.parametrize('namespace', ['left', '/left', '/left/'])
def test_absolute_topics_beside_a_namespace_are_told(namespace):
    topics = ['joint_states', '/left/wrist/image', '/tf', '/arm/joint_trajectory', '/leftover']
    assert beside_namespace(topics, namespace) == (
        'namespace /left: /arm/joint_trajectory, /leftover begin with a slash, and so are not '
        'below it, but the same for every robot: write them without the slash'
    )
    assert beside_namespace(topics[:3], namespace) == ''
    assert beside_namespace(topics, '') == beside_namespace(topics, '/') == ''
