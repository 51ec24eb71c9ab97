"""``~/control``: whether the policy, a human or nobody commands the robot now."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

from neuracore_ros.control import CONTROL_TOPIC, Commander, Control
from neuracore_ros.node.executor import PUBLISHES_QUIETLY

# Who comes late, as a recorder does, hears the last word.
_QOS = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


class ControlPublisher:
    """Publisher of who commands: at every change, and whenever `repeat` is called.

    Args:
        node: Owner of the topic.
        policy: Name of the policy's file, or the address of its server.
        sha256: Of the policy.
    """

    def __init__(self, node: Node, policy: str, sha256: str) -> None:
        self._node = node
        self._policy = policy, sha256
        self._commander: Commander | None = None
        self._publisher = node.create_publisher(
            String, f'~/{CONTROL_TOPIC}', _QOS, event_callbacks=PUBLISHES_QUIETLY
        )
        self.say(Commander.NOBODY)

    def say(self, commander: Commander) -> None:
        """Publish it if it is news."""
        if commander is not self._commander:
            self._commander = commander
            self.repeat()

    @property
    def told(self) -> str:
        """Commander in words, a policy with its name and the beginning of its digest."""
        commander, (policy, sha256) = self._commander or Commander.NOBODY, self._policy
        if commander is not Commander.POLICY:
            return str(commander.value)
        return f'policy {policy} (sha256 {sha256[:12]})'

    def repeat(self) -> None:
        """Publish what was said last."""
        commander = self._commander or Commander.NOBODY
        about = self._policy if commander is Commander.POLICY else ()
        self._publisher.publish(String(data=Control(commander, *about).to_text()))

    def close(self) -> None:
        """Say that nobody commands, and stop publishing."""
        self.say(Commander.NOBODY)
        self._node.destroy_publisher(self._publisher)
