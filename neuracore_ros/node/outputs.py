"""Outputs of commands: topics and actions of controllers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile

from neuracore_ros.description import Command, DirectCommand
from neuracore_ros.description.command import ACTIONS
from neuracore_ros.errors import UserError
from neuracore_ros.node import graph
from neuracore_ros.node.actions import ActionOutput, open_action
from neuracore_ros.node.executor import PUBLISHES_QUIETLY, SUBSCRIBES_QUIETLY
from neuracore_ros.node.messages import MESSAGES, to_message
from neuracore_ros.node.subscriptions import qos_overrides
from neuracore_ros.runner import DirectMessage, JointCommand

# A message is on its way when `publish` returns, and still lost if its publisher goes at once:
# one of 12 was; none of 40 after this time. Waiting for acknowledgements would not help: a Fast
# DDS reader gives them when the writer's heartbeat asks, every 3 s.
LINGER_S = 0.1
# Messages of ours that may not have come back to us yet; more than any queue holds.
_ECHOES = 100


class CommandOutputs:
    """The command topics and actions of a robot.

    Args:
        node: Owner of what is opened; in an executor.
        commands: As the robot file has them.
        on_fault: Called with each refusal or rival, on the executor's thread.

    Attributes:
        sent: Commands so far.

    Raises:
        UserError: The messages of an action are not installed, or two command topics are one
            by the node's namespace or a remapping.
    """

    def __init__(
        self,
        node: Node,
        commands: Iterable[Command | DirectCommand],
        on_fault: Callable[[str], None],
    ) -> None:
        commands = tuple(commands)
        require_apart(node, (command.topic for command in commands))
        self._outputs: dict[str, TopicOutput | ActionOutput] = {}
        self.sent = 0
        self._sent_s = -LINGER_S
        try:
            for command in commands:
                if isinstance(command, Command) and command.type in ACTIONS:
                    self._outputs[command.topic] = open_action(node, command, on_fault)
                else:
                    self._outputs[command.topic] = TopicOutput(node, command, on_fault)
        except Exception:
            self.close()
            raise

    def send(self, commands: Iterable[JointCommand | DirectMessage]) -> None:
        """Send commands to their topics."""
        for command in commands:
            output = self._outputs.get(command.topic)
            if output is None:
                continue
            output.send(command)
            self.sent += 1
            self._sent_s = time.monotonic()

    def listeners(self) -> dict[str, int]:
        """Topic -> how many there are that may execute what is sent."""
        return {topic: output.listeners() for topic, output in self._outputs.items()}

    def refresh(self) -> None:
        """Look at the graph; call it now and then."""
        for output in self._outputs.values():
            output.refresh()

    def rivals(self) -> Mapping[str, Sequence[str]]:
        """Topic -> full names of other nodes that could command it, where there are any."""
        return {topic: each.rivals for topic, each in self._outputs.items() if each.rivals}

    def close(self) -> None:
        """Let the last command get out, then give everything back."""
        time.sleep(max(0.0, self._sent_s + LINGER_S - time.monotonic()))
        for output in self._outputs.values():
            output.close()
        self._outputs.clear()


def require_apart(node: Node, topics: Iterable[str]) -> None:
    """Check that the topics of a robot file are not one on the graph.

    Two messages on it would contradict each other, and each be taken for another node's.

    Raises:
        UserError: Two of them are.
    """
    known: dict[str, str] = {}
    for topic in topics:
        resolved = node.resolve_topic_name(topic)
        first = known.setdefault(resolved, topic)
        if first != topic:
            raise UserError(
                f'commands to {first} and to {topic} are one topic here, {resolved}, by the '
                "node's namespace or a remapping: a topic carries one message"
            )


class TopicOutput:
    """A command topic, monitored for commands of other nodes.

    The middleware does not name the sender of a message; but each of ours comes back once, so
    any other one is of another node.

    Attributes:
        rivals: Other nodes that publish the topic, whether they do at the moment or not.
    """

    def __init__(
        self, node: Node, command: Command | DirectCommand, on_fault: Callable[[str], None]
    ) -> None:
        self._node = node
        self._topic = command.topic
        self._on_fault = on_fault
        self._listeners = 0
        self._unreached: Sequence[str] = ()
        self.rivals: Sequence[str] = ()
        self._has_namesake = False
        self._sent: deque[Any] = deque(maxlen=_ECHOES)
        kind = MESSAGES[command.type]
        self._publisher = node.create_publisher(
            kind,
            command.topic,
            QoSProfile(depth=10),
            event_callbacks=PUBLISHES_QUIETLY,
            qos_overriding_options=qos_overrides(node, command.topic, 'publisher'),
        )
        self._echo = node.create_subscription(
            kind,
            command.topic,
            self._receive,
            QoSProfile(depth=10),
            event_callbacks=SUBSCRIBES_QUIETLY,
        )
        self._subscriptions = 0
        self.refresh()

    def send(self, command: JointCommand | DirectMessage) -> None:
        """Publish one command."""
        message = to_message(command)
        self._sent.append(message)
        self._publisher.publish(message)

    def listeners(self) -> int:
        """Number of subscribers that may execute commands; asks the graph only if it changed."""
        if self._publisher.get_subscription_count() != self._subscriptions:
            self.refresh()
        return self._listeners

    def refresh(self) -> None:
        """Update the subscribers, and other publishers of the topic."""
        self._subscriptions = self._publisher.get_subscription_count()
        publishers = self._node.get_publishers_info_by_topic(self._topic)
        own = self._node.get_fully_qualified_name()
        self.rivals = [name for name in graph.publisher_names(publishers) if name != own]
        executors = graph.executors(self._node, self._topic)
        # As discovered, since its QoS may be overridden by parameters.
        ours = [info for info in publishers if graph.full_name(info) == own]
        # It may be one that was killed before, so it is suspected only once something came.
        self._has_namesake = len(ours) > 1
        lines = [x for info in ours[:1] for x in graph.unreached(info, executors, self._topic)]
        for line in lines:
            if line not in self._unreached:
                self._node.get_logger().warning(line)
        self._unreached, self._listeners = lines, len(executors) - len(lines)

    def close(self) -> None:
        """Stop publishing and listening."""
        self._node.destroy_subscription(self._echo)
        self._node.destroy_publisher(self._publisher)

    def _receive(self, message: Any) -> None:
        for echo in self._sent:
            if echo == message:
                # They come in order: those before it are lost.
                while self._sent.popleft() is not echo:
                    pass
                return
        self.refresh()
        suspects = [*self.rivals]
        if self._has_namesake:
            suspects.append(f'a second {self._node.get_fully_qualified_name()}')
        who = ' or '.join(suspects) or 'another node'
        self._on_fault(f'{who} commands {self._topic}, too')
