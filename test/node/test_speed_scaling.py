"""Where the speed scaling of a controller is read, without a graph."""

import math
from types import SimpleNamespace

import pytest
from std_msgs.msg import Float64

from neuracore_ros.errors import UserError
from neuracore_ros.node import speed_scaling
from neuracore_ros.node.speed_scaling import SpeedScaling, slowed_down

PERCENT = 'std_msgs/msg/Float64'
STATE = 'control_msgs/msg/JointTrajectoryControllerState'
BROADCAST = '/left/speed_scaling_state_broadcaster/speed_scaling'
OWN = '/left/arm_controller/controller_state'


class Graph:
    """A node in a namespace, who publishes, and what was published last."""

    def __init__(self):
        self.publishers = {}
        self.open = set()
        self.newest = {}
        self.said = []

    def resolve_topic_name(self, topic):
        return topic if topic.startswith('/') else f'/left/{topic}'

    def get_publishers_info_by_topic(self, topic):
        return [SimpleNamespace(topic_type=kind) for kind in self.publishers.get(topic, ())]

    def create_subscription(self, kind, topic, callback, qos, **_):
        self.open.add(topic)
        return Subscription(self, topic)

    def destroy_node(self):
        self.open.clear()

    def get_logger(self):
        return SimpleNamespace(info=self.said.append)


class Subscription:
    """Takes what was published last, once."""

    msg_type = None

    def __init__(self, graph, topic):
        self.graph, self.topic, self.handle = graph, topic, self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def take_message(self, kind, raw):
        newest = self.graph.newest.pop(self.topic, None)
        return None if newest is None else (newest, None)

    def destroy(self):
        self.graph.open.discard(self.topic)


@pytest.fixture
def graph(monkeypatch):
    graph = Graph()
    monkeypatch.setattr(speed_scaling, '_listening_node', lambda node: graph)
    return graph


@pytest.fixture
def scaling(graph):
    return SpeedScaling(
        graph, ['arm_controller/joint_trajectory', '/left/arm_controller/joint_trajectory']
    )


@pytest.fixture
def installed(monkeypatch):
    """As if control_msgs were."""
    monkeypatch.setattr(speed_scaling, 'message_class', lambda kind: kind)


def test_nobody_tells_it_on_most_robots(graph, scaling):
    scaling.refresh()
    assert scaling.factors() == {}
    assert graph.open == set()


def test_the_broadcaster_beside_the_controller_tells_percent(graph, scaling):
    graph.publishers = {BROADCAST: [PERCENT], OWN: [STATE]}
    scaling.refresh()
    assert graph.open == {BROADCAST}
    graph.newest[BROADCAST] = Float64(data=40.0)
    assert scaling.factors() == {BROADCAST: 0.4}
    assert scaling.factors() == {BROADCAST: 0.4}


def test_without_one_the_state_of_the_controller_tells_a_share(graph, scaling, installed):
    graph.publishers = {OWN: [STATE]}
    scaling.refresh()
    graph.newest[OWN] = SimpleNamespace(speed_scaling_factor=0.0)
    assert scaling.factors() == {OWN: 0.0}


@pytest.mark.parametrize('state', [{}, {'speed_scaling_factor': math.nan}])
def test_a_state_that_does_not_have_it_as_in_humble_tells_nothing(
    graph, scaling, installed, state
):
    graph.publishers = {OWN: [STATE]}
    scaling.refresh()
    graph.newest[OWN] = SimpleNamespace(**state)
    assert scaling.factors() == {}


def test_a_topic_of_that_name_and_another_type_is_not_read(graph, scaling):
    graph.publishers = {BROADCAST: ['std_msgs/msg/String'], OWN: ['std_msgs/msg/String']}
    scaling.refresh()
    assert graph.open == set()


def test_who_has_gone_no_longer_holds_the_robot(graph, scaling):
    graph.publishers = {BROADCAST: [PERCENT]}
    scaling.refresh()
    graph.newest[BROADCAST] = Float64(data=10.0)
    assert scaling.factors() == {BROADCAST: 0.1}
    graph.publishers = {}
    scaling.refresh()
    assert scaling.factors() == {}
    assert graph.open == set()


def test_without_control_msgs_one_line_says_so(graph, scaling, monkeypatch):
    def missing(kind):
        raise UserError(f'the message type {kind} is not known here')

    monkeypatch.setattr(speed_scaling, 'message_class', missing)
    graph.publishers = {OWN: [STATE]}
    for _ in range(3):
        scaling.refresh()
    (line,) = graph.said
    assert line.startswith(f'the speed scaling on {OWN} is not read: the message type {STATE}')
    assert scaling.factors() == {}


def test_only_what_is_too_slow_is_a_reason():
    assert slowed_down({OWN: 1.0, BROADCAST: 0.95}, 0.95) == []
    (line,) = slowed_down({OWN: 1.0, BROADCAST: 0.5}, 0.95)
    assert line == (
        f'the robot runs at 50 % of its speed ({BROADCAST}), below min_speed_scaling (0.95): '
        'turn its speed slider up'
    )
