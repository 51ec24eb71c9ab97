"""~/plan and ~/path: what the robot does next, for viewers, and for nobody else."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from nav_msgs.msg import Path as PathMessage
from rclpy.serialization import deserialize_message, serialize_message
from trajectory_msgs.msg import JointTrajectory

from helpers.hand_rig import RELATIVE, manifest
from helpers.live_robot import UR5
from helpers.small_chain import describe
from neuracore_ros.command.plan import Plan
from neuracore_ros.description import load_robot
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.node.plan_publisher import PlanPublisher, path_topics
from neuracore_ros.runner import Runner, Settings
from neuracore_ros.runner.plan_ahead import PlanAhead

STEP_NS = 50_000_000
NOW_NS = 1_700_000_000_250_000_000


class Topic:
    """A publisher whose listeners a test counts."""

    def __init__(self, kind, name):
        self.kind, self.name, self.count, self.messages = kind, name, 0, []
        self.asked = 0

    def get_subscription_count(self):
        self.asked += 1
        return self.count

    def publish(self, message):
        # What goes out is a copy: a message is filled anew later.
        sent = deserialize_message(serialize_message(message), self.kind)
        self.messages.append(_plain(sent))


def _plain(message):
    if isinstance(message, JointTrajectory):
        points = [
            (p.time_from_start.sec * 10**9 + p.time_from_start.nanosec, list(p.positions))
            for p in message.points
        ]
        return SimpleNamespace(stamp=message.header.stamp, points=points)
    poses = [(p.header.stamp.nanosec, p.header.frame_id, p.pose.position.x) for p in message.poses]
    return SimpleNamespace(frame=message.header.frame_id, poses=poses)


class Leader:
    """A runner that says what it is told to, and counts how often it is asked."""

    rate_hz = 20.0

    def __init__(self, runner):
        self.commands = runner.commands
        self.asked = 0
        self.plans = None, None

    def merge(self):
        self.plans = Plan(NOW_NS, STEP_NS, np.zeros((4, 3))), None

    def ahead(self, now_ns):
        self.asked += 1
        rows = 0 if self.plans[0] is None else 4
        return PlanAhead(
            np.tile(np.arange(rows)[:, None] * 0.1, (1, 3)), np.zeros((0, 0, 7)), STEP_NS
        )


@pytest.fixture
def made(tmp_path):
    robot = load_robot(describe(tmp_path, RELATIVE))
    runner = Leader(Runner(robot, manifest(), Settings()))
    topics, warned = {}, []

    def create_publisher(kind, name, qos, event_callbacks):
        topics[name] = Topic(kind, name)
        return topics[name]

    clock = SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=NOW_NS))
    node = SimpleNamespace(
        create_publisher=create_publisher,
        destroy_publisher=lambda publisher: topics.pop(publisher.name),
        get_clock=lambda: clock,
        get_logger=lambda: SimpleNamespace(warning=warned.append),
    )
    publisher = PlanPublisher(node, robot, runner)
    return SimpleNamespace(
        publisher=publisher, runner=runner, topics=topics, warned=warned, node=node, robot=robot
    )


def test_nothing_is_computed_and_nobody_is_counted_while_nobody_listens(made):
    made.publisher.refresh()
    for _ in range(50):
        made.runner.merge()
        made.publisher.update()
    assert made.runner.asked == 0
    assert [topic.asked for topic in made.topics.values()] == [1, 1]
    assert not any(topic.messages for topic in made.topics.values())


def test_each_plan_is_computed_once_and_goes_to_the_topics_that_are_heard(made):
    made.topics['~/plan'].count = 1
    made.publisher.refresh()
    for _ in range(3):
        made.runner.merge()
        made.publisher.update()
        made.publisher.update()
        made.publisher.refresh()
    # One for the listener who came, while nothing was ahead.
    assert made.runner.asked == 4
    assert [len(m.points) for m in made.topics['~/plan'].messages] == [0, 4, 4, 4]
    assert made.topics['~/path'].messages == []


def test_a_listener_who_comes_late_is_shown_the_plan_in_force(made):
    made.runner.merge()
    made.publisher.update()
    made.topics['~/path'].count = 1
    made.publisher.refresh()
    (shown,) = made.topics['~/path'].messages
    assert shown.frame == 'base' and len(shown.poses) == 4
    assert {frame for _, frame, _ in shown.poses} == {'base'}
    assert [stamp - 250_000_000 for stamp, _, _ in shown.poses] == [i * STEP_NS for i in range(4)]


def test_a_plan_that_ends_is_shown_as_empty_at_once(made):
    for topic in made.topics.values():
        topic.count = 1
    made.runner.merge()
    made.publisher.refresh()
    made.runner.plans = None, None
    made.publisher.update()
    assert [len(m.points) for m in made.topics['~/plan'].messages] == [4, 0]
    assert [len(m.poses) for m in made.topics['~/path'].messages] == [4, 0]


def test_points_are_a_step_apart_and_the_first_one_is_now(made):
    made.topics['~/plan'].count = 1
    made.runner.merge()
    made.publisher.refresh()
    (shown,) = made.topics['~/plan'].messages
    assert (shown.stamp.sec, shown.stamp.nanosec) == divmod(NOW_NS, 10**9)
    assert [due for due, _ in shown.points] == [i * STEP_NS for i in range(4)]
    assert np.allclose([row for _, row in shown.points], [[0.1 * i] * 3 for i in range(4)])


def test_who_stops_listening_costs_nothing_any_more(made):
    made.topics['~/plan'].count = 1
    made.publisher.refresh()
    made.topics['~/plan'].count = 0
    made.publisher.refresh()
    made.runner.merge()
    made.publisher.update()
    assert made.runner.asked == 1


def test_nothing_is_published_once_it_is_closed(made):
    made.topics['~/plan'].count = 1
    made.publisher.refresh()
    made.publisher.close()
    made.runner.merge()
    made.publisher.update()
    assert made.runner.asked == 1 and made.topics == {}


def test_without_pinocchio_there_is_a_plan_and_one_line_says_why_no_path(made, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'pinocchio', None)
    made.topics.clear()
    PlanPublisher(made.node, made.robot, made.runner)
    assert [*made.topics] == ['~/plan']
    (line,) = made.warned
    assert line.startswith('no ~/path: pinocchio is not installed')


def test_a_topic_that_the_middleware_refuses_is_left_out_with_one_line(made):
    create = made.node.create_publisher

    def refuses(kind, name, *rest, **more):
        if name == '~/plan':
            raise RuntimeError('could not create publisher: not allowed, at ./rcl/publisher.c:3')
        return create(kind, name, *rest, **more)

    made.topics.clear()
    made.node.create_publisher = refuses
    publisher = PlanPublisher(made.node, made.robot, made.runner)
    assert [*made.topics] == ['~/path']
    assert made.warned == ['no ~/plan: could not create publisher: not allowed']
    made.topics['~/path'].count = 1
    made.runner.merge()
    publisher.refresh()
    assert len(made.topics['~/path'].messages[-1].poses) == 4


def test_one_hand_has_the_short_name_and_several_have_their_own():
    assert path_topics([]) == []
    assert path_topics(['left hand']) == ['~/path']
    assert path_topics(['left', 'right']) == ['~/path/left', '~/path/right']
    assert path_topics(['left hand', 'left-hand', '2nd', 'é__x']) == [
        '~/path/left_hand',
        '~/path/left_hand_1',
        '~/path/_2nd',
        '~/path/_x',
    ]


# On a real graph


@pytest.fixture
def heard(ur5):
    """Messages of ~/plan, oldest first."""
    yield from listen(ur5, JointTrajectory, 'infer/plan')


@pytest.fixture
def ways(ur5):
    """Messages of ~/path, oldest first."""
    yield from listen(ur5, PathMessage, 'infer/path')


def listen(world, kind, topic):
    said = []
    subscription = world.node.create_subscription(kind, topic, said.append, 10)
    yield said
    world.node.destroy_subscription(subscription)


@pytest.fixture
def with_hand(tmp_path):
    """A UR5 that is commanded by its joints, whose file says where its hand is."""
    path = tmp_path / 'ur5.yaml'
    chain = '{base: base_link, tip: wrist_3_link}'
    urdf = f'urdf: {UR5.with_suffix(".urdf")}\nchains: {{hand: {chain}}}\n'
    path.write_text(UR5.read_text() + urdf)
    return path


def test_a_viewer_sees_the_plan_of_a_running_robot_and_none_once_it_is_disabled(
    run, heard, ways, with_hand
):
    world = run(behaviour={'speed': 0.02}, robot=with_hand)
    world.until_moving()
    world.until(lambda: heard and heard[-1].points, 'a plan')
    world.until(lambda: ways and ways[-1].poses, 'a way')
    way = ways[-1]
    assert way.header.frame_id == 'base_link'
    (plan,) = [each for each in heard if each.header.stamp == way.header.stamp][-1:]
    assert len(plan.points) == len(way.poses)
    hand = ChainKinematics(load_robot(with_hand).chains['hand'])
    for point, stamped in zip(plan.points, way.poses, strict=True):
        by_name = dict(zip(plan.joint_names, point.positions, strict=True))
        there = hand.pose([by_name[joint] for joint in hand.chain.joints])
        found = stamped.pose.position
        assert np.allclose([found.x, found.y, found.z], there[:3], atol=1e-9)
    shown = heard[-1]
    assert shown.joint_names == world.commands[-1][1].joint_names
    first, last = (np.array(shown.points[i].positions) for i in (0, -1))
    # Of joint 0, which moves 0.02 rad a step.
    assert abs(first[0] - world.positions[0]) < 0.3
    assert abs(last[0] - first[0]) > 0.1
    world.enable(False)
    world.until(lambda: not heard[-1].points and not ways[-1].poses, 'no plan')
    world.enable(True)
    world.until(lambda: heard[-1].points, 'a plan again')
    world.set('sim', joints_frozen=True)
    world.until(lambda: not heard[-1].points, 'no plan of a robot that is held')
    world.set('sim', joints_frozen=False)
    world.until(lambda: heard[-1].points, 'a plan again')
    assert world.change('deactivate')
    world.until(lambda: not heard[-1].points, 'no plan of a node that is not active')
