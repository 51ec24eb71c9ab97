"""Messages that nobody should send, on the topics of a node that is shown in Rerun."""

import math
from collections import defaultdict
from types import SimpleNamespace

import pytest

pytest.importorskip('rerun')
pytest.importorskip('rclpy')

from builtin_interfaces.msg import Duration, Time
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from helpers.watched_views import view
from neuracore_ros.description import load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.watch.rerun_topics import NodeTopics

NOW_NS = 1_000 * 10**9
NAME = '/left/infer'
TOPICS = ('joint_states', 'overhead/image_raw', 'arm_controller/joint_trajectory')
PAN = 'input/JOINT_POSITIONS/0 shoulder_pan_joint'
PLANNED = 'plan/JOINT_TARGET_POSITIONS/0 shoulder_pan_joint'


class Shown:
    """The topics of a node in its namespace, whose callbacks a test calls.

    Attributes:
        entities: Path below the node -> how often something was logged.
    """

    def __init__(self):
        self.heard = {}
        self.entities = defaultdict(int)
        there = [(f'/left/{topic}', []) for topic in TOPICS]
        node = SimpleNamespace(
            get_subscriber_names_and_types_by_node=lambda name, space: there,
            get_publisher_names_and_types_by_node=lambda name, space: there,
            create_subscription=lambda kind, topic, callback, qos: self.heard.update(
                {topic: callback}
            ),
            get_clock=lambda: SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=NOW_NS)),
        )
        self.topics = NodeTopics(node, self, NAME, load_robot(shipped('ur5')))
        self.entities.clear()

    # What Rerun would be asked

    def set_time(self, timeline, **time):
        pass

    def log(self, path, component, **options):
        self.entities[path.replace('\\', '').removeprefix(f'{NAME}/')] += 1

    def send_columns(self, path, times, columns):
        self.log(path, columns)


@pytest.fixture
def shown():
    return Shown()


def plan(names, *rows):
    points = [
        JointTrajectoryPoint(positions=row, time_from_start=Duration(nanosec=5 * 10**7 * number))
        for number, row in enumerate(rows)
    ]
    stamp = Header(stamp=Time(sec=1000))
    return JointTrajectory(header=stamp, joint_names=names, points=points)


@pytest.mark.parametrize(
    ('message', 'count'),
    [
        (plan(['shoulder_pan_joint'], [0.1], [0.2]), 1),
        (plan(['shoulder_pan_joint'], [math.nan], [math.inf]), 1),
        (plan(['shoulder_pan_joint'], [0.1], []), 0),
        (plan(['shoulder_pan_joint'], [0.1, 0.2], [0.2]), 0),
        (plan(['shoulder_pan_joint', 'elbow_joint'], [0.1]), 0),
        (plan([], [0.1]), 0),
        (plan(['no_joint_of_ours'], [0.1]), 0),
        (plan(['shoulder_pan_joint']), 0),
    ],
)
def test_a_plan_whose_points_do_not_fit_its_names_is_left_out(shown, message, count):
    shown.heard[f'{NAME}/plan'](message)
    assert shown.entities[PLANNED] == count


@pytest.mark.parametrize(
    ('positions', 'count'), [([0.5], 1), ([math.nan], 0), ([math.inf], 0), ([], 0)]
)
def test_a_joint_that_is_no_number_is_not_drawn(shown, positions, count):
    header = Header(stamp=Time(sec=1000))
    message = JointState(header=header, name=['shoulder_pan_joint'], position=positions)
    shown.heard['/left/joint_states'](message)
    shown.topics.sample(NOW_NS, view(name=NAME))
    assert shown.entities[PAN] == count
    assert shown.entities['state'] == 1


def test_a_picture_that_cannot_be_decoded_is_not_shown(shown):
    receive = shown.heard['/left/overhead/image_raw']
    for message in (
        Image(height=4, width=4, encoding='rgb8', step=12, data=bytes(5)),
        Image(height=4, width=4, encoding='nothing', step=12, data=bytes(48)),
        Image(),
    ):
        receive(message)
    assert shown.entities == {}
