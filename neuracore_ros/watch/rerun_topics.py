"""The topics of one node in Rerun: what is measured, commanded and planned, slot by slot."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import rerun
import rerun.blueprint as layout
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

from neuracore_ros.description import DataType, Joint, Robot, Source
from neuracore_ros.description.commanded_joints import commanded_joints, joint_names
from neuracore_ros.description.commanded_sources import commanded_sources
from neuracore_ros.description.data_type import TEXT_BYTES
from neuracore_ros.description.source import JOINT_TRAJECTORY
from neuracore_ros.durations import SECOND_NS, time_ns
from neuracore_ros.errors import UserError
from neuracore_ros.node.subscriptions import message_class
from neuracore_ros.observation.decode import decode_image
from neuracore_ros.observation.depth import decode_depth
from neuracore_ros.observation.faults import StreamFault
from neuracore_ros.observation.grouping import by_topic, streams_of
from neuracore_ros.watch.graph_search import names_of
from neuracore_ros.watch.watched import NodeView

TIMELINE = 'time'
MEASURED, COMMANDED, PLANNED = 'input', 'output', 'plan'
"""The first parts of entities below a node; ``report`` has the first two for an episode."""

FRAMES_HZ = 10.0
"""Most pictures of a camera that are shown in a second."""
_JPEG_QUALITY = 80
_COLOURS = {MEASURED: (90, 170, 90), COMMANDED: (70, 130, 220), PLANNED: (240, 160, 40)}


class NodeTopics:
    """The topics of one node in the view; all are read at best effort, which costs nobody a wait.

    Args:
        node: Ours.
        recording: Of Rerun.
        name: Full name of the node.
        robot: Its robot file.

    Raises:
        UserError: A message type is not installed, or a source cannot be read.
    """

    def __init__(self, node: Node, recording: Any, name: str, robot: Robot) -> None:
        self._node = node
        self._recording = recording
        self._name = name
        self._state = ''
        there = _topics_of(node, name)
        self._topics = {
            topic: full
            for source in (*_measured(robot), *commanded_sources(robot))
            for topic in source.topics
            if (full := _resolved(name, topic, there))
        }
        self._inputs = self._heard(_measured(robot))
        self._outputs = self._heard(commanded_sources(robot))
        self._cameras = [s for s in self._inputs if s.data_type.is_image]
        self._streams = {
            role: streams_of([s for s in sources if _is_number(s)], None, 0.0, TEXT_BYTES)
            for role, sources in ((MEASURED, self._inputs), (COMMANDED, self._outputs))
        }
        self._readers = {role: by_topic(streams) for role, streams in self._streams.items()}
        self._joints = _planned_joints(robot)
        self._pictured_s: dict[str, float] = {}
        self._subscribe()
        for role, paths in self._paths().items():
            for path in paths.values():
                look = rerun.SeriesLines if role != PLANNED else rerun.SeriesPoints
                style: Any = look(colors=_COLOURS[role], names=role)
                recording.log(path, style, static=True)

    def sample(self, now_ns: int, view: NodeView) -> None:
        """Log what is measured and commanded now, and the state where it is another one."""
        self._recording.set_time(TIMELINE, timestamp=now_ns / SECOND_NS)
        told = f'{view.state}: {view.reason}' if view.reason else view.state
        if told != self._state:
            self._state = told
            self._recording.log(self._path('state'), rerun.TextLog(told))
        for role, streams in self._streams.items():
            for stream in streams:
                for channel in stream.channels:
                    sample = channel.at(now_ns)
                    if not isinstance(sample, StreamFault):
                        values = np.atleast_1d(np.asarray(sample.value, float))
                        path = self._slot_path(role, channel.source)
                        self._recording.log(path, rerun.Scalars(values))

    def layout(self) -> Any:
        """Layout of the viewer: a chart for each slot, and the cameras."""
        charts: dict[str, list[str]] = {}
        for paths in self._paths().values():
            for slot, path in paths.items():
                charts.setdefault(slot, []).append(path)
        views: list[Any] = [
            layout.TimeSeriesView(name=slot, origin='/', contents=paths)
            for slot, paths in charts.items()
        ]
        views += [
            layout.Spatial2DView(name=s.name, origin=self._slot_path(MEASURED, s))
            for s in self._cameras
        ]
        views.append(layout.TextLogView(name='state', origin=self._path('state')))
        return layout.Grid(*views, name=self._name)

    # Topics

    def _heard(self, sources: Sequence[Source]) -> list[Source]:
        """The sources whose topics the node reads or sends; a policy may not need them all."""
        return [s for s in sources if all(topic in self._topics for topic in s.topics)]

    def _subscribe(self) -> None:
        kinds = {t: s.type for s in (*self._inputs, *self._outputs) for t in s.topics}
        for topic, kind in kinds.items():
            receive = partial(self._receive, topic)
            self._listen(message_class(kind), self._topics[topic], receive)
        self._listen(message_class(JOINT_TRAJECTORY), f'{self._name}/plan', self._on_plan)

    def _listen(self, kind: type[Any], topic: str, callback: Callable[[Any], None]) -> None:
        qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._node.create_subscription(kind, topic, callback, qos)

    def _receive(self, topic: str, message: Any) -> None:
        now_ns = int(self._node.get_clock().now().nanoseconds)
        for readers in self._readers.values():
            for stream in readers.get(topic, ()):
                stream.offer(message, now_ns)
        for camera in self._cameras:
            if topic in camera.topics:
                self._show(camera, message, now_ns)

    def _show(self, camera: Source, message: Any, now_ns: int) -> None:
        path, now_s = self._slot_path(MEASURED, camera), time.monotonic()
        if now_s - self._pictured_s.get(path, 0.0) < 1.0 / FRAMES_HZ:
            return
        self._pictured_s[path] = now_s
        try:
            picture = _picture(camera, message)
        except UserError:
            return  # The node says what is wrong with it.
        self._recording.set_time(TIMELINE, timestamp=now_ns / SECOND_NS)
        self._recording.log(path, picture)

    def _on_plan(self, message: Any) -> None:
        points, names = message.points, message.joint_names
        # Anybody may publish there; the node's own has as many positions as names.
        if not points or any(len(point.positions) != len(names) for point in points):
            return
        start_ns = time_ns(message.header.stamp)
        times = np.array([start_ns + time_ns(p.time_from_start) for p in points], 'datetime64[ns]')
        rows = np.array([point.positions for point in points])
        for column, name in enumerate(names):
            if (joint := self._joints.get(name)) is not None:
                values = joint.scale * rows[:, column] + joint.offset
                self._recording.send_columns(
                    self._joint_path(joint),
                    [rerun.TimeColumn(TIMELINE, timestamp=times)],
                    rerun.Scalars.columns(scalars=values),
                )

    # Entities

    def _paths(self) -> Mapping[str, Mapping[str, str]]:
        """Role -> slot, as a person reads it -> entity."""
        found: dict[str, dict[str, str]] = {MEASURED: {}, COMMANDED: {}, PLANNED: {}}
        for role, sources in ((MEASURED, self._inputs), (COMMANDED, self._outputs)):
            for source in filter(_is_number, sources):
                slot = f'{source.data_type.measured.value} {source.index} {source.name}'
                found[role][slot] = self._slot_path(role, source)
        for joint in self._joints.values():
            slot = f'{joint.measured.value} {joint.index} {joint.name}'
            found[PLANNED][slot] = self._joint_path(joint)
        return found

    def _slot_path(self, role: str, source: Source) -> str:
        return self._path(role, source.data_type.value, f'{source.index} {source.name}')

    def _joint_path(self, joint: Joint) -> str:
        kind = 'joints' if joint.chain else joint.data_type.value
        return self._path(PLANNED, kind, f'{joint.index} {joint.name}')

    def _path(self, *parts: str) -> str:
        return rerun.new_entity_path([*filter(None, self._name.split('/')), *parts])


def _measured(robot: Robot) -> list[Source]:
    """Sources of what is measured: the inputs, and the joints that are commanded."""
    found = {(s.data_type, s.index, s.name): s for s in robot.measured_sources()}
    found |= {(s.data_type, s.index, s.name): s for s in robot.input_sources()}
    return [s for s in found.values() if s.data_type.is_image or _is_number(s)]


def _is_number(source: Source) -> bool:
    return source.data_type.is_numeric


def _planned_joints(robot: Robot) -> Mapping[str, Joint]:
    """Name in ``~/plan`` -> joint; one of a chain is shown in the robot's own unit."""
    joints = commanded_joints(robot.all_commands())
    plain = [replace(j, scale=1.0, offset=0.0) if j.chain else j for j in joints]
    return dict(zip(joint_names(joints), plain, strict=True))


def _picture(camera: Source, message: Any) -> Any:
    """A picture as the camera sends it.

    Raises:
        UserError: It cannot be decoded.
    """
    if camera.data_type is DataType.DEPTH_IMAGES:
        return rerun.DepthImage(decode_depth(message), meter=1.0)
    if 'jpeg' in getattr(message, 'format', ''):
        # As it came: nothing is decoded here.
        return rerun.EncodedImage(contents=bytes(message.data), media_type='image/jpeg')
    return rerun.Image(decode_image(message)).compress(jpeg_quality=_JPEG_QUALITY)


def _resolved(node: str, topic: str, there: set[str]) -> str | None:
    """Full name under which a node has a declared topic: in its namespace, or without it."""
    space = node.rpartition('/')[0]
    usual = topic if topic.startswith('/') else f'{space}/{topic}'
    known = [usual, f'/{topic.lstrip("/")}']
    return next((name for name in known if name in there), None)


def _topics_of(node: Node, full_name: str) -> set[str]:
    """All topics that a node reads or sends."""
    return names_of(node.get_subscriber_names_and_types_by_node, full_name) | names_of(
        node.get_publisher_names_and_types_by_node, full_name
    )
