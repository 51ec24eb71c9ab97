"""The speed scaling of a robot's controllers, such as the speed slider of a UR.

A controller that is scaled plays each message slower than it was meant. The next message then has
to make good what this one left, and so the robot jerks, and is faster than asked for in between.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

from neuracore_ros.errors import UserError
from neuracore_ros.node.executor import SUBSCRIBES_QUIETLY
from neuracore_ros.node.subscriptions import message_class

LEAST = 0.95
"""The default of the parameter min_speed_scaling."""

_BROADCAST = 'speed_scaling_state_broadcaster/speed_scaling'
_PERCENT = 'std_msgs/msg/Float64'
_STATE = 'control_msgs/msg/JointTrajectoryControllerState'


@dataclass(frozen=True, slots=True)
class _Channel:
    """A topic that may have the speed scaling, and its type."""

    topic: str
    type: str

    def factor(self, message: Any) -> float | None:
        """The share of full speed; None where a message does not have it, as before Jazzy."""
        if self.type == _PERCENT:
            factor = message.data / 100.0
        else:
            factor = getattr(message, 'speed_scaling_factor', math.nan)
        return factor if math.isfinite(factor) else None


def _channels(command_topic: str) -> tuple[_Channel, ...]:
    """Topics that may have the speed scaling of the controller behind a command topic, best first.

    UR's broadcaster runs beside the controller and publishes percent. The controller's own state
    has the share, but not before Jazzy, and comes in every cycle of the controller.
    """
    controller = command_topic.rpartition('/')[0]
    beside = controller.rpartition('/')[0]
    return (
        _Channel(f'{beside}/{_BROADCAST}', _PERCENT),
        _Channel(f'{controller}/controller_state', _STATE),
    )


class SpeedScaling:
    """The speed scaling of all controllers that publish it.

    Controllers publish it in every cycle, up to a thousand times a second, and a callback for each
    would cost a tenth of a core. So it is listened to on a node that no executor runs, and the
    newest message is taken when it is wanted.

    Args:
        node: By whose graph and names.
        command_topics: Of the controllers, topics or actions; relative or absolute.
    """

    def __init__(self, node: Node, command_topics: Iterable[str]) -> None:
        self._node = node
        resolved = dict.fromkeys(node.resolve_topic_name(topic) for topic in command_topics)
        self._channels = [_channels(topic) for topic in resolved]
        self._listener: Node | None = None
        self._open: dict[_Channel, Any] = {}
        self._factors: dict[str, float] = {}
        self._unreadable: set[str] = set()

    def refresh(self) -> None:
        """Subscribe to new publishers, and drop those that have gone; call it now and then."""
        published = {each for channels in self._channels for each in self._published(channels)}
        for channel in self._open.keys() - published:
            self._open.pop(channel).destroy()
            self._factors.pop(channel.topic, None)
        for channel in published - self._open.keys():
            self._subscribe(channel)

    def factors(self) -> Mapping[str, float]:
        """Topic -> the newest share of full speed, 1.0 at full speed."""
        for channel, subscription in self._open.items():
            with subscription.handle:
                taken = subscription.handle.take_message(subscription.msg_type, False)
            factor = None if taken is None else channel.factor(taken[0])
            if factor is not None:
                self._factors[channel.topic] = factor
        return self._factors

    def close(self) -> None:
        """Unsubscribe from everything; the last values are kept."""
        self._open.clear()
        if self._listener is not None:
            self._listener.destroy_node()
            self._listener = None

    def _published(self, channels: Iterable[_Channel]) -> list[_Channel]:
        for channel in channels:
            publishers = self._node.get_publishers_info_by_topic(channel.topic)
            if any(publisher.topic_type == channel.type for publisher in publishers):
                return [channel]
        return []

    def _subscribe(self, channel: _Channel) -> None:
        try:
            kind = message_class(channel.type)
        except UserError as error:
            if channel.topic not in self._unreadable:
                self._unreadable.add(channel.topic)
                self._node.get_logger().info(
                    f'the speed scaling on {channel.topic} is not read: {error}'
                )
            return
        self._listener = self._listener or _listening_node(self._node)
        self._open[channel] = self._listener.create_subscription(
            kind,
            channel.topic,
            lambda _: None,  # No executor calls it.
            QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT),
            event_callbacks=SUBSCRIBES_QUIETLY,
        )


def _listening_node(node: Node) -> Node:
    # Arguments of the process, such as a name, are meant for the other node.
    return Node(
        f'{node.get_name()}_speed_scaling',
        namespace=node.get_namespace(),
        context=node.context,
        use_global_arguments=False,
        enable_rosout=False,
        start_parameter_services=False,
    )


def slowed_down(factors: Mapping[str, float], least: float) -> list[str]:
    """Reasons why the robot must not be commanded, one line for each slow controller.

    Args:
        factors: Topic -> share of full speed.
        least: From which on the robot follows well enough.
    """
    return [
        f'the robot runs at {100.0 * factor:.0f} % of its speed ({topic}), below '
        f'min_speed_scaling ({least:g}): turn its speed slider up'
        for topic, factor in factors.items()
        if factor < least
    ]
