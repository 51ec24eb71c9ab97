"""The declared topics of a robot, recorded as they come from the wire."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_srvs.srv import Trigger

from neuracore_ros.description import Robot
from neuracore_ros.description.source import COMPRESSED_IMAGE, IMAGE
from neuracore_ros.errors import UserError
from neuracore_ros.node.subscriptions import Subscriptions, Topic

if TYPE_CHECKING:
    from neuracore_ros.dataset.bag_writer import BagWriter

CLOCK = Topic('/clock', 'rosgraph_msgs/msg/Clock', 'match', depth=1000)
# A disk may pause for a moment: what arrives meanwhile waits here.
IMAGE_DEPTH = 30
NUMBER_DEPTH = 1000
LOOK_PERIOD_S = 0.25
SILENT_S = 1.0


@dataclass(frozen=True, slots=True)
class Episode:
    """What was recorded.

    Attributes:
        path: The bag.
        counts: Topic -> messages.
        duration_s: From the first message to the last [s].
    """

    path: Path
    counts: dict[str, int]
    duration_s: float

    def as_json(self) -> str:
        """For the answer of ``~/stop``."""
        return json.dumps(
            {'path': str(self.path), 'counts': self.counts, 'duration_s': self.duration_s}
        )


class Recorder:
    """Makes one bag per episode, started and stopped by calls or services.

    Args:
        node: Named ``record``; messages are logged in the time of its clock.
        robot: Whose input and output sources are recorded.
        folder: Where ``episode_000`` and on are written.
        on_episode: Is told of each episode that is complete.

    Raises:
        DescriptionError: A source is missing in the robot file.
    """

    def __init__(
        self, node: Node, robot: Robot, folder: Path, on_episode: Callable[[Episode], None]
    ) -> None:
        self._node = node
        self._folder = folder
        self._on_episode = on_episode
        sources = (*robot.input_sources(), *robot.output_sources())
        topics = {
            topic: Topic(
                topic,
                source.type,
                source.reliability,
                _depth(source.type),
                latched=topic.endswith('/tf_static'),
            )
            for source in sources
            for topic in source.topics
        }
        if node.get_clock().ros_time_is_active:
            topics[CLOCK.name] = CLOCK
        # Nobody commands all the time; the other topics must never be silent.
        inputs = {source.topic for source in robot.input_sources()}
        self._steady = topics.keys() & (inputs | {CLOCK.name})
        self._heard_s: dict[str, float] = {}
        self._warned: set[str] = set()
        self._writer: BagWriter | None = None
        self._started_ns = 0
        self._subscriptions = Subscriptions(node, tuple(topics.values()), self._receive, raw=True)
        self._names = {topic: node.resolve_topic_name(topic) for topic in topics}
        node.create_timer(
            LOOK_PERIOD_S, self._look_around, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def offer_services(self) -> None:
        """Let others start and stop episodes; best when what is recorded has been found."""
        self._node.create_service(Trigger, '~/start', self._on_start)
        self._node.create_service(Trigger, '~/stop', self._on_stop)

    @property
    def recording(self) -> bool:
        """Whether an episode is running."""
        return self._writer is not None

    @property
    def duration_s(self) -> float:
        """Of the running episode so far [s], whether anything came or not."""
        return (self._now_ns() - self._started_ns) / 1e9 if self._writer else 0.0

    @property
    def has_time(self) -> bool:
        """Whether there was a /clock, where there must be one; until then nothing is logged."""
        return self._now_ns() > 0

    @property
    def all_heard(self) -> bool:
        """Whether every topic is alive, but for those of commands."""
        return not self._silent()

    def start(self) -> Path:
        """Begin an episode.

        Returns:
            The bag, which is there once the episode is complete.

        Raises:
            UserError: One is running, or it cannot be written.
        """
        if self._writer is not None:
            raise UserError(f'already recording {self._writer.path}')
        # A robot computer that only runs policies has no rosbags.
        from neuracore_ros.dataset.bag_writer import BagWriter, next_episode

        path = next_episode(self._folder)
        types = {self._names[topic.name]: topic.type for topic in self._subscriptions.topics}
        self._writer = BagWriter(path, types)
        self._started_ns = self._now_ns()
        self._warned.clear()
        self._warn()
        return path

    def stop(self) -> Episode:
        """Complete the running episode.

        Raises:
            UserError: None is running, it recorded nothing, or it cannot be written.
        """
        if self._writer is None:
            raise UserError('nothing is being recorded')
        writer, self._writer = self._writer, None
        writer.close()
        episode = Episode(writer.path, writer.counts, writer.duration_s)
        self._on_episode(episode)
        return episode

    def _receive(self, topic: str, data: bytes) -> None:
        self._heard_s[topic] = time.monotonic()
        now_ns = self._now_ns()
        if self._writer is not None and now_ns > 0:
            self._writer.write(self._names[topic], now_ns, data)

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)

    def _look_around(self) -> None:
        self._subscriptions.refresh()
        if self._writer is not None:
            self._warn()

    def _warn(self) -> None:
        """Say at once, and once an episode, which declared topics bring nothing."""
        silent = self._silent()
        for topic in self._names:
            if topic not in self._steady and not self._node.count_publishers(topic):
                silent[topic] = 'nobody publishes it'
        for topic in silent.keys() - self._warned:
            self._node.get_logger().warning(f'{self._names[topic]} is silent: {silent[topic]}')
        # One that came back may be told of again.
        self._warned = set(silent)

    def _silent(self) -> dict[str, str]:
        """Topic -> why nothing came lately."""
        now_s, faults = time.monotonic(), self._subscriptions.faults()
        silent = dict(faults)
        for topic in self._steady - faults.keys():
            if topic not in self._heard_s:
                published = self._node.count_publishers(topic)
                silent[topic] = 'no message so far' if published else 'nobody publishes it'
            elif now_s - self._heard_s[topic] > SILENT_S:
                silent[topic] = f'no message for more than {SILENT_S:g} s'
        return silent

    def _on_start(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            response.message = str(self.start())
            response.success = True
        except UserError as error:
            response.message = str(error)
        return response

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            response.message = self.stop().as_json()
            response.success = True
        except UserError as error:
            response.message = str(error)
        return response


def _depth(kind: str) -> int:
    return IMAGE_DEPTH if kind in (IMAGE, COMPRESSED_IMAGE) else NUMBER_DEPTH
