"""The declared topics of a robot, recorded as they come from the wire."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from rclpy.clock import Clock, ClockType
from rclpy.logging import LoggingSeverity
from rclpy.node import Node
from std_srvs.srv import Trigger

from neuracore_ros.description import Robot
from neuracore_ros.errors import UserError
from neuracore_ros.node.companions import Companions
from neuracore_ros.node.recorder_pairs import RecorderPairs
from neuracore_ros.node.running_episode import RecordedEpisode, RunningEpisode
from neuracore_ros.node.stream_reports import Display, StreamReports
from neuracore_ros.node.subscriptions import Subscriptions
from neuracore_ros.node.topics import (
    CLOCK,
    RECORD_DEPTHS,
    SubscribedTopic,
    clock_topic,
    declared_topics,
)
from neuracore_ros.pairs import PairSeries

STRING = 'std_msgs/msg/String'
# `convert` finds the words by the last part of this name.
MARKER, TASK = '~/episode', '~/task'
START, STOP, SUCCESS, DISCARD = WORDS = 'start', 'stop', 'success', 'discard'
CONTROL_OF = 'infer'
"""The usual name of the node that commands a robot."""
REFRESH_PERIOD_S = 0.25
# An episode must be completed before the disk is really full; others need some, too.
KEEP_FREE_BYTES = 200_000_000
MOST_LATCHED = 1000


class RecorderDisplay(Display, Protocol):
    """A place for lines and for episodes."""

    def show(self, episode: RecordedEpisode) -> None:
        """Show an episode that has ended."""


class Recorder:
    """A recorder that makes one bag per episode, started and ended by calls or services.

    Into each bag it writes the words ``start`` and ``stop`` or ``success`` on ``~/episode``, by
    which ``convert`` knows the outcome of an episode, the task on ``~/task``, and the label of a
    paired episode on ``~/pair``. Who commands the robot, and what it is told, is recorded where
    a node says it.

    Args:
        node: Named ``record``; messages are logged in the time of its clock.
        robot: Whose input and output sources are recorded.
        folder: Where ``episode_000`` and on are written.
        display: Shows what happens.
        also: Topics beside those of the robot.
        task: The task, in words.
        rate_hz: Of the steps that will be made; slower streams are reported.
        pairs: Labels of the episodes, each of which one kept episode takes; None: they have none.
        control_of: Name of the node that commands the robot, if one does.

    Raises:
        DescriptionError: A source is missing in the robot file.
        UserError: A message type is not installed.
    """

    def __init__(
        self,
        node: Node,
        robot: Robot,
        folder: Path,
        display: RecorderDisplay,
        also: Sequence[SubscribedTopic] = (),
        task: str = '',
        rate_hz: float = 20.0,
        pairs: PairSeries | None = None,
        control_of: str = CONTROL_OF,
    ) -> None:
        self._node = node
        self._folder = folder
        self._display = display
        self._robot = robot
        self._task = task
        self._pairs = RecorderPairs(node, pairs, display) if pairs is not None else None
        topics = declared_topics((*robot.input_sources(), *robot.output_sources()), RECORD_DEPTHS)
        declared = [node.resolve_topic_name(topic) for topic in topics]
        self._companions = Companions(node, robot, control_of, declared)
        beside = self._companions.names.values()
        others = [topic for topic in also if node.resolve_topic_name(topic.name) not in beside]
        topics.update({topic.name: topic for topic in others if topic.name not in topics})
        if node.get_clock().ros_time_is_active:
            topics[CLOCK] = clock_topic(RECORD_DEPTHS)
        self._names = {topic: node.resolve_topic_name(topic) for topic in topics}
        self._all_names = {**self._names, **self._companions.names}
        self._marker, self._task_topic = map(node.resolve_topic_name, (MARKER, TASK))
        self._streams = StreamReports(node, robot, self._names, rate_hz, display)
        self._latched: dict[str, list[bytes]] = {t.name: [] for t in topics.values() if t.latched}
        self._episode: RunningEpisode | None = None
        # Subscriptions would log among the lines of the recorder.
        node.get_logger().set_level(LoggingSeverity.FATAL)
        self._subscriptions = Subscriptions(
            node,
            [*topics.values(), *self._companions.topics],
            self._receive,
            raw=True,
            lost=self._on_lost,
        )
        node.create_timer(
            REFRESH_PERIOD_S, self._refresh, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def open(self) -> None:
        """Offer the services, and report silent streams from now on."""
        for word in WORDS:
            self._node.create_service(Trigger, f'~/{word}', partial(self._answer, word))
        self._subscriptions.refresh()
        self._streams.open(self._subscriptions.faults)
        if self._pairs is not None:
            self._pairs.say()

    @property
    def services(self) -> str:
        """The calls of services that start and end episodes."""
        start, *others = (self._node.resolve_service_name(f'~/{word}') for word in WORDS)
        return f'ros2 service call {start} std_srvs/srv/Trigger; likewise {", ".join(others)}'

    @property
    def recording(self) -> bool:
        """True while an episode is being recorded."""
        return self._episode is not None

    @property
    def pair(self) -> str:
        """The label of the running episode; '' none."""
        return self._episode.pair if self._episode is not None else ''

    @property
    def is_complete(self) -> bool:
        """True once every label has an episode."""
        return self._pairs is not None and not self._pairs.next

    @property
    def duration_s(self) -> float:
        """Length of the running episode so far [s]."""
        return self._episode.duration_s(self._now_ns()) if self._episode is not None else 0.0

    @property
    def has_time(self) -> bool:
        """False while simulated time is used and no /clock has come."""
        return self._now_ns() > 0

    @property
    def standstill(self) -> str:
        """The reason why there is no time, and its cure."""
        return self._streams.standstill

    @property
    def is_ready(self) -> bool:
        """True once every topic but those of commands is alive, or has had time to be found."""
        return self._streams.are_found

    def status(self) -> str:
        """The status line of a running episode, or of the label that is next; empty if neither."""
        episode = self._episode
        if episode is None:
            return self._pairs.progress if self._pairs is not None else ''
        rates = '  '.join(
            f'{name.strip("/")} {self._streams.rate_hz(topic):.0f}/s'
            for topic, name in self._names.items()
            if topic != CLOCK
        )
        pair = f'  pair {episode.pair}' if episode.pair else ''
        return (
            f'{episode.bag.path.name}{pair}  {self.duration_s:.1f} s  '
            f'{episode.bag.size / 1e6:.1f} MB  dropped {sum(episode.lost.values())}  {rates}'
        )

    def start(self) -> Path:
        """Begin an episode.

        Returns:
            The bag, which is there once the episode is complete.

        Raises:
            UserError: One is running, there is no time, no label is left, or it cannot be written.
        """
        if self._episode is not None:
            raise UserError(f'already recording {self._episode.bag.path}')
        if self.is_complete:
            raise UserError('all pairs are recorded: no label of --pair is left')
        if not self.has_time:
            raise UserError(self.standstill)
        # A robot computer that only runs policies has no rosbags.
        from neuracore_ros.bags.writer import BagWriter, next_episode

        self._require_space()
        texts, notes, pair = {self._marker: START}, {'robot': self._robot.name}, ''
        if self._task:
            texts[self._task_topic] = notes['task'] = self._task
        if self._pairs is not None:
            texts[self._pairs.topic] = notes['pair'] = pair = self._pairs.next
        types = {self._all_names[topic.name]: topic.type for topic in self._subscriptions.topics}
        rare = {name: types.pop(name) for name in self._companions.names.values()}
        types |= dict.fromkeys(texts, STRING)
        latched = [*map(self._all_names.__getitem__, self._latched), *self._companions.latched]
        bag = BagWriter(next_episode(self._folder), types, latched, notes, rare)
        now_ns = self._now_ns()
        try:
            for topic, text in texts.items():
                bag.write_text(topic, now_ns, text)
            for topic, messages in self._latched.items():
                for data in messages:
                    bag.write(self._names[topic], now_ns, data)
            for name, data in self._companions.beginning():
                bag.write(name, now_ns, data)
        except OSError as error:
            bag.discard()
            raise UserError(f'{bag.path}: cannot be written: {error.strerror}') from error
        self._episode = RunningEpisode(bag, now_ns, pair)
        self._streams.remind(recording=True)
        return bag.path

    def end(self, outcome: str) -> RecordedEpisode:
        """End the running episode.

        Args:
            outcome: ``stop``, ``success``, or ``discard``, which leaves no bag.

        Raises:
            UserError: None is running, it recorded nothing, or it cannot be written.
        """
        if self._episode is None:
            raise UserError('nothing is being recorded')
        episode, self._episode = self._episode, None
        result, bag = self._result(episode, outcome), episode.bag
        if outcome == DISCARD:
            bag.discard()
        elif not any(result.counts.get(name) for name in self._names.values()):
            bag.discard()
            raise UserError(f'{bag.path}: nothing was recorded: no message of any topic came')
        else:
            try:
                bag.write_text(self._marker, self._now_ns(), outcome)
                bag.close()
            except (OSError, UserError) as error:
                self._keep_cut(episode, error)
        self._conclude(result)
        return result

    def _answer(
        self, word: str, _: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        try:
            response.message = self._started() if word == START else self._ended(word)
            response.success = True
        except UserError as error:
            response.message = str(error)
        return response

    def _started(self) -> str:
        path = self.start()
        return f'{path}, pair {self.pair}' if self.pair else str(path)

    def _ended(self, outcome: str) -> str:
        episode = self.end(outcome)
        return episode.as_json(None if self._pairs is None else self._pairs.next)

    def _conclude(self, episode: RecordedEpisode) -> None:
        self._display.show(episode)
        if self._pairs is not None:
            if episode.outcome != DISCARD:
                self._pairs.keep(episode.pair)
            self._pairs.say()

    def _result(self, episode: RunningEpisode, outcome: str) -> RecordedEpisode:
        return episode.result(outcome, self._names.values(), self._companions.names.values())

    # Messages

    def _receive(self, topic: str, data: bytes) -> None:
        now_ns = self._now_ns()
        self._companions.receive(topic, data)
        if topic in self._latched and len(self._latched[topic]) < MOST_LATCHED:
            self._latched[topic].append(data)
        if now_ns <= 0:
            return
        if topic in self._names:
            self._streams.receive(topic, data, now_ns)
        if self._episode is not None:
            try:
                self._episode.bag.write(self._all_names[topic], now_ns, data)
            except OSError as error:
                self._give_up(error)

    def _on_lost(self, topic: str, count: int) -> None:
        if self._episode is not None:
            self._episode.lost[self._all_names[topic]] += count

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)

    # Disk

    def _require_space(self) -> None:
        free = _free_bytes(self._folder)
        if free < KEEP_FREE_BYTES:
            raise UserError(
                f'{self._folder}: only {free / 1e6:.0f} MB are free, and '
                f'{KEEP_FREE_BYTES / 1e6:.0f} MB must stay: make room, or give another --out'
            )

    def _mind_space(self) -> None:
        free = _free_bytes(self._folder)
        if self._episode is not None and free < KEEP_FREE_BYTES:
            self._display.warn(
                f'{self._episode.bag.path}: the disk is nearly full ({free / 1e6:.0f} MB are '
                'free): the episode was stopped, and is kept. Make room, or give another --out'
            )
            self.end(STOP)

    def _give_up(self, error: OSError) -> None:
        """Keep what is written when the disk takes no more."""
        if self._episode is None:
            return
        episode, self._episode = self._episode, None
        self._keep_cut(episode, error)
        self._conclude(self._result(episode, STOP))

    def _keep_cut(self, episode: RunningEpisode, error: Exception) -> None:
        bag = episode.bag
        bag.close_cut()
        why = error.strerror if isinstance(error, OSError) else str(error)
        self._display.warn(
            f'{bag.path}: {why}: the episode was stopped after {bag.duration_s:.1f} s; what '
            'could be written is kept, and convert reads it'
        )

    # Now and then

    def _refresh(self) -> None:
        self._subscriptions.refresh()
        self._streams.update(recording=self._episode is not None)
        if self._episode is None:
            return
        self._mind_space()
        # It may have been ended for lack of space.
        if self._episode is not None:
            try:
                self._episode.flush()
            except OSError as error:
                self._give_up(error)


def _free_bytes(folder: Path) -> int:
    """Free space of the disk where the folder is, or will be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
