"""``~/plan`` and ``~/path``: what the robot is about to do, for viewers; none executes it."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.time import Time
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.plan import Plan
from neuracore_ros.description import Robot
from neuracore_ros.description.commanded_joints import commanded_joints, joint_names
from neuracore_ros.errors import DescriptionError
from neuracore_ros.node.executor import PUBLISHES_QUIETLY
from neuracore_ros.node.ros_arguments import first_line
from neuracore_ros.runner import Runner
from neuracore_ros.runner.plan_ahead import PlanAhead, PlannedHand, planned_hands

PLAN_TOPIC, PATH_TOPIC = '~/plan', '~/path'

# Reliable, as RViz asks by default. A viewer that comes late is shown the plan anew: the last
# message of before might be of a plan that is over.
_QOS = QoSProfile(depth=1)
_NO_TOPIC_WORD = re.compile(r'[^A-Za-z0-9_]|^(?=\d)')
_REPEATED = re.compile(r'__+')


class PlanPublisher:
    """Publisher of the plan to those who listen: after each prediction, and empty once it ends.

    Without listeners, nothing is computed: `refresh` counts them now and then.

    Args:
        node: Owner of the topics.
        robot: Of the runner.
        runner: Whose plan it is.
    """

    def __init__(self, node: Node, robot: Robot, runner: Runner) -> None:
        self._node = node
        self._runner = runner
        self._topics: list[_PlanTopic | _PathTopic] = []
        if names := joint_names(commanded_joints(runner.commands)):
            self._open(PLAN_TOPIC, lambda: _PlanTopic(node, names))
        try:
            hands = list(planned_hands(robot, runner.commands))
        except DescriptionError as error:
            hands = []
            node.get_logger().warning(f'no {PATH_TOPIC}: {error}')
        for hand, topic in zip(hands, path_topics([hand.name for hand in hands]), strict=True):
            self._open(topic, partial(_PathTopic, node, topic, hand))
        self._counts = [0] * len(self._topics)
        self._heard = False
        self._shown: tuple[Plan | None, ...] = ()

    def _open(self, topic: str, made: Callable[[], _PlanTopic | _PathTopic]) -> None:
        """Open a topic, unless the middleware refuses it, as where SROS 2 does not allow it."""
        try:
            self._topics.append(made())
        except RuntimeError as error:
            self._node.get_logger().warning(f'no {topic}: {first_line(error)}')

    def refresh(self) -> None:
        """Count who listens; whoever is new is shown the plan at once."""
        counts = [topic.publisher.get_subscription_count() for topic in self._topics]
        if counts != self._counts:
            self._counts, self._heard, self._shown = counts, any(counts), ()
            self.update()

    def update(self) -> None:
        """Publish the plan, if there is another one since the last call and somebody listens."""
        if not self._heard:
            return
        plans = self._runner.plans
        if len(self._shown) == len(plans) and all(map(_same, plans, self._shown)):
            return
        self._shown = plans
        now_ns = int(self._node.get_clock().now().nanoseconds)
        ahead = self._runner.ahead(now_ns)
        for topic, count in zip(self._topics, self._counts, strict=True):
            if count:
                topic.publish(ahead, now_ns)

    def close(self) -> None:
        """Stop publishing."""
        for topic in self._topics:
            topic.close()
        self._topics, self._heard = [], False


def path_topics(names: Sequence[str]) -> list[str]:
    """Topics of the ways of hands: ``~/path`` for the only one, else ``~/path/NAME`` for each.

    What a topic cannot have in its name becomes an underscore.
    """
    if len(names) == 1:
        return [PATH_TOPIC]
    words: list[str] = []
    for name in names:
        word = _REPEATED.sub('_', _NO_TOPIC_WORD.sub('_', name))
        words.append(word if word not in words else f'{word}_{len(words)}')
    return [f'{PATH_TOPIC}/{word}' for word in words]


def _same(one: object, other: object) -> bool:
    return one is other


class _PlanTopic:
    """Topic of the joints; its message is made once and filled anew, which is much faster."""

    def __init__(self, node: Node, names: list[str]) -> None:
        self._node = node
        self._step_ns = 0
        self._message = JointTrajectory(joint_names=names)
        self._points: list[JointTrajectoryPoint] = []
        self.publisher = _publisher(node, JointTrajectory, PLAN_TOPIC)

    def publish(self, ahead: PlanAhead, now_ns: int) -> None:
        """Publish the joints of a plan."""
        rows = ahead.positions
        if ahead.step_ns != self._step_ns:
            self._step_ns, self._points = ahead.step_ns, []
        for i in range(len(self._points), len(rows)):
            due = Duration(nanoseconds=i * self._step_ns).to_msg()
            self._points.append(JointTrajectoryPoint(time_from_start=due))
        for point, row in zip(self._points, rows, strict=False):
            point.positions = array('d', row.tobytes())
        self._message.header = Header(stamp=Time(nanoseconds=now_ns).to_msg())
        self._message.points = self._points[: len(rows)]
        self.publisher.publish(self._message)

    def close(self) -> None:
        """Stop publishing."""
        self._node.destroy_publisher(self.publisher)


class _PathTopic:
    """Topic of the way of one hand, filled anew as well."""

    def __init__(self, node: Node, topic: str, hand: PlannedHand) -> None:
        self._node = node
        self._hand = hand
        self._message = Path(header=Header(frame_id=hand.frame))
        self._poses: list[PoseStamped] = []
        self.publisher = _publisher(node, Path, topic)

    def publish(self, ahead: PlanAhead, now_ns: int) -> None:
        """Publish the way of the hand in a plan."""
        rows: FloatArray = self._hand.way(ahead)
        while len(self._poses) < len(rows):
            self._poses.append(PoseStamped(header=Header(frame_id=self._hand.frame)))
        for i, (stamped, row) in enumerate(zip(self._poses, rows.tolist(), strict=False)):
            stamped.header.stamp = Time(nanoseconds=now_ns + i * ahead.step_ns).to_msg()
            position, turned = stamped.pose.position, stamped.pose.orientation
            position.x, position.y, position.z, turned.x, turned.y, turned.z, turned.w = row
        self._message.header.stamp = Time(nanoseconds=now_ns).to_msg()
        self._message.poses = self._poses[: len(rows)]
        self.publisher.publish(self._message)

    def close(self) -> None:
        """Stop publishing."""
        self._node.destroy_publisher(self.publisher)


def _publisher(node: Node, kind: type[Any], topic: str) -> Any:
    return node.create_publisher(kind, topic, _QOS, event_callbacks=PUBLISHES_QUIETLY)
