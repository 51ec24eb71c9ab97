"""The pair label of a recorder's next episode, as people and programs hear of it."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String

from neuracore_ros.node.stream_reports import Display
from neuracore_ros.pairs import PAIR_TOPIC, PairSeries


class RecorderPairs:
    """Says which label is to be set up: in a line, and on ``~/pair`` for late subscribers, too.

    Args:
        node: The recorder's.
        series: Labels to record.
        display: Shows the lines.

    Attributes:
        topic: Full name of the topic.
    """

    def __init__(self, node: Node, series: PairSeries, display: Display) -> None:
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._publisher = node.create_publisher(String, f'~/{PAIR_TOPIC}', latched)
        self._series = series
        self._display = display
        self.topic: str = self._publisher.topic_name
        # Before services are there: whoever finds them can know the label.
        self._publish()

    @property
    def next(self) -> str:
        """The label of the next episode, or of the running one; '' after the last."""
        return self._series.next

    @property
    def progress(self) -> str:
        """The next label and how many are recorded, in words."""
        return str(self._series)

    def keep(self, label: str) -> None:
        """Note that an episode of that label was kept."""
        self._series.add(label)

    def say(self) -> None:
        """Say which label is to be set up; '' on the topic says that none is left."""
        self._publish()
        self._display.say(self.progress)

    def _publish(self) -> None:
        self._publisher.publish(String(data=self.next))
