"""A live view in Rerun: chunks beside what was commanded and measured, and the cameras."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rerun
import rerun.blueprint as layout
from rclpy.node import Node
from rclpy.parameter import Parameter

from neuracore_ros.description import Robot, load_robot
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.errors import UserError
from neuracore_ros.files import whole_path
from neuracore_ros.watch.rerun_feed import RerunFeed, connect, open_viewer
from neuracore_ros.watch.rerun_topics import NodeTopics
from neuracore_ros.watch.watched import NodeView, Presence

SAMPLES_HZ = 20.0
_CLOSES_S = 3.0


@contextmanager
def live_view(
    node: Node, robots: Sequence[Robot], file: Path | None, tell: Callable[[str, str], None]
) -> Iterator[LiveView]:
    """A view in the viewer, which is opened, or in a new ``.rrd`` file, which is whole at the end.

    Args:
        node: Ours; it gets the subscriptions.
        robots: Where the robot files of nodes cannot be read here.
        file: None opens the viewer.
        tell: Called with a node's name, and why nothing of it is shown.

    Raises:
        UserError: There is no display.
        WriteError: The file cannot be written.
    """
    recording = rerun.RecordingStream('neuracore_ros watch')
    if file is None:
        viewer = open_viewer()
        connect(recording)
        feed = RerunFeed(recording, tell)
        view = LiveView(node, feed, robots, tell, viewer)
        try:
            yield view
        finally:
            view.is_stuck = not feed.close(_CLOSES_S)
        return
    with whole_path(file) as unfinished:
        recording.save(unfinished)
        feed = RerunFeed(recording, tell)
        try:
            yield LiveView(node, feed, robots, tell)
        finally:
            feed.close()  # Only then is all of it in the file.


class LiveView:
    """Live view of watched nodes: what each sees, plans, is told, and does.

    Attributes:
        is_stuck: Rerun still waits for its viewer, and would keep this process from ending.
    """

    def __init__(
        self,
        node: Node,
        recording: Any,
        robots: Sequence[Robot],
        tell: Callable[[str, str], None],
        viewer: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self.is_stuck = False
        self._viewer = viewer
        self._node = node
        self._recording = recording
        self._robots = {robot.name: robot for robot in robots}
        self._tell = tell
        self._shown: dict[str, NodeTopics | None] = {}
        self._sampled_s = 0.0

    def update(self, views: Sequence[NodeView]) -> None:
        """Show nodes that are new, and what is measured and commanded now; call it often."""
        for view in views:
            is_known = view.report is not None and view.parameters is not None
            if view.presence is Presence.HEARD and is_known and view.name not in self._shown:
                self._shown[view.name] = self._open(view)
        now_s = time.monotonic()
        if now_s - self._sampled_s < 1.0 / SAMPLES_HZ:
            return
        self._sampled_s = now_s
        if self._viewer is not None and self._viewer.poll() is not None:
            self._viewer = None
            self._tell('Rerun', 'the viewer has ended')
        now_ns = int(self._node.get_clock().now().nanoseconds)
        for view in views:
            if (topics := self._shown.get(view.name)) is not None and now_ns:
                topics.sample(now_ns, view)

    def _open(self, view: NodeView) -> NodeTopics | None:
        assert view.report is not None and view.parameters is not None, 'it is known'
        robot = self._robots.get(view.report.robot)
        try:
            robot = robot or load_robot(robot_file(view.parameters.robot))
            if view.parameters.sim_time:
                self._node.set_parameters([Parameter('use_sim_time', value=True)])
            topics = NodeTopics(self._node, self._recording, view.name, robot)
        except UserError as error:
            self._tell(view.name, f'not shown in Rerun: {error}; give --robot FILE')
            return None
        shown = [each for each in (*self._shown.values(), topics) if each is not None]
        self._recording.send_blueprint(
            layout.Blueprint(layout.Grid(*(each.layout() for each in shown)))
        )
        return topics
