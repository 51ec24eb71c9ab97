"""Reports of one session: the log, ``/diagnostics``, ``~/control``, why the robot does not run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from std_msgs.msg import Header

from neuracore_ros.control import Commander
from neuracore_ros.errors import without_numbers
from neuracore_ros.node.clock_monitor import ClockMonitor
from neuracore_ros.node.control_publisher import ControlPublisher
from neuracore_ros.node.diagnostics import inference_status, stream_status
from neuracore_ros.node.executor import PUBLISHES_QUIETLY
from neuracore_ros.node.graph_monitor import GraphMonitor
from neuracore_ros.node.outputs import CommandOutputs
from neuracore_ros.node.rate_statistics import RateStatistics
from neuracore_ros.node.speed_scaling import SpeedScaling
from neuracore_ros.node.status import Status, node_status, stopped_status
from neuracore_ros.node.subscriptions import Subscriptions
from neuracore_ros.runner import Runner, State

# States in which a clock that stands still is what keeps the robot from going on.
_STEPS = (State.RUNNING, State.WAITING, State.TAKEOVER)


class Reporter:
    """Reports state and reasons while the node is configured.

    Attributes:
        statistics: Of steps and predictions.
    """

    def __init__(
        self,
        node: Node,
        robot: str,
        runner: Runner,
        subscriptions: Subscriptions,
        outputs: CommandOutputs,
        speed_scaling: SpeedScaling,
        control: ControlPublisher,
    ) -> None:
        self._node = node
        self._control = control
        self._robot = robot
        self._runner = runner
        self._subscriptions = subscriptions
        self._outputs = outputs
        self._speed_scaling = speed_scaling
        self._active = False
        self._rivals: Mapping[str, Sequence[str]] = {}
        read = (*runner.sources, *runner.human.sources)
        self._graph = GraphMonitor(node, read, runner.commands)
        self._clock = ClockMonitor(self._now_ns(), time.monotonic())
        self._logged: tuple[State, str, str] | None = None
        self._diagnostics = node.create_publisher(
            DiagnosticArray, '/diagnostics', 10, event_callbacks=PUBLISHES_QUIETLY
        )
        self.statistics = RateStatistics(runner.rate_hz)
        self._ticks = 0

    def start(self) -> None:
        """The node is active from now on."""
        self._active = True
        self._graph.start(time.monotonic())
        self._runner.cure_clock(self._graph.clock_cure)
        self._clock = ClockMonitor(self._now_ns(), time.monotonic())
        self.statistics.start()

    def stop(self) -> None:
        """The node is not active any more."""
        self._active = False

    def close(self) -> None:
        """Log the statistics, and stop publishing."""
        self._control.close()
        self._node.destroy_publisher(self._diagnostics)
        if text := self.statistics.report(self._runner.counters):
            self._node.get_logger().info(text)

    def receive(self, topic: str) -> None:
        """Note that a message has come, whatever it holds."""
        self._graph.receive(topic, time.monotonic())

    def step(self, now_ns: int, steady_ns: int) -> None:
        """Note a step of the runner, now, and on a steady clock unless time is simulated."""
        self._clock.update(now_ns, time.monotonic())
        running = self._runner.state is State.RUNNING
        self._ticks += 1
        # In a takeover there may be several ticks a step of the policy.
        if self._ticks % round(self._runner.tick_rate_hz / self._runner.rate_hz):
            return
        self.statistics.step(steady_ns, self._runner.status(now_ns) if running else ())

    def refresh(self) -> None:
        """Ask the graph why the robot does not run, if it should; call it now and then."""
        if self._node.get_clock().ros_time_is_active:
            self._clock.update(self._now_ns(), time.monotonic())
        running = self._runner.moves
        self._graph.update_clock(running and not self._clock.stopped)
        self._runner.cure_clock(self._graph.clock_cure)
        if running or not self._active:
            self._graph.rest()
        else:
            unheard = [topic for topic, count in self._outputs.listeners().items() if not count]
            # What to write for a topic of a wrong type has been reported already.
            streams = self._runner.needed(self._now_ns())
            unknown = [s for s in streams if s.topic not in self._subscriptions.faults]
            self._graph.update(time.monotonic(), unknown, unheard)
        self._warn_of_rivals()

    @property
    def time_stands_still(self) -> bool:
        """True if simulated time does not go on."""
        return self._clock.stopped

    def report(self) -> str:
        """Log the status if it is news, and put it on /diagnostics at once; returns its line."""
        status = self._status()
        self.statistics.state(status.state, status.reason)
        self._control.say(self._commander(status))
        # A reason whose figures alone have changed, such as an age that grows, is the same one.
        news = status.state, without_numbers(status.reason), status.next
        if news != self._logged:
            self._logged = news
            # rclpy allows one severity for each line of code.
            if status.alarm:
                self._node.get_logger().warning(status.line)
            else:
                self._node.get_logger().info(status.line)
            self.publish()
        return status.line

    def publish(self) -> None:
        """Publish on /diagnostics, and who commands on ~/control."""
        self._control.repeat()
        now = self._node.get_clock().now()
        reasons = (self._subscriptions.faults, self._graph.silences, self._subscriptions.doubts)
        streams = [
            stream_status(self._robot, stream, *(each.get(stream.topic, '') for each in reasons))
            for stream in self._runner.status(now.nanoseconds)
        ]
        known = {stream.name for stream in streams}
        for stream in self._runner.human.status(now.nanoseconds):
            said = (each.get(stream.topic, '') for each in reasons)
            status = stream_status(self._robot, stream, *said)
            # A leader that nobody holds is no fault while the policy commands.
            if not self._runner.taken_over:
                status.level = DiagnosticStatus.OK
            if status.name not in known:
                streams.append(status)
        inference = inference_status(
            self._node.get_fully_qualified_name(),
            self._robot,
            self._status(),
            self._runner.counters,
            self.statistics,
            self._outputs.sent,
            sorted({name for names in self._rivals.values() for name in names}),
            self._speed_scaling.factors(),
            self._control.told,
        )
        header = Header(stamp=now.to_msg())
        self._diagnostics.publish(DiagnosticArray(header=header, status=[inference, *streams]))

    def _status(self) -> Status:
        state, reason = self._runner.state, self._runner.reason
        if not self._active:
            return Status(state, reason, 'waits for activate')
        if state in _STEPS and self._clock.stopped:
            return stopped_status(bool(self._clock.ros_ns), self._graph.standstill)
        return node_status(
            state,
            reason,
            by_itself=not self._runner.latched,
            found=[*self._type_faults(), *self._graph.reasons()],
            unheard=self._graph.unheard,
            enable=self._node.resolve_service_name('~/enable'),
            moves=self._runner.moves,
        )

    def _type_faults(self) -> list[str]:
        """Topics of a wrong type, in one line each, of whoever has the robot."""
        runner, human = self._runner, set(self._runner.human.topics)
        others = set() if runner.taken_over else human - set(runner.topics)
        faults = self._subscriptions.faults.items()
        return [
            why
            for topic, why in faults
            if topic not in others and (topic in human or not runner.taken_over)
        ]

    def _commander(self, status: Status) -> Commander:
        # While simulated time stands still, no step is made.
        moves = self._active and status.state is self._runner.state
        return self._runner.commander if moves else Commander.NOBODY

    def _warn_of_rivals(self) -> None:
        rivals = self._outputs.rivals()
        for topic, names in rivals.items():
            if names != self._rivals.get(topic):
                self._node.get_logger().warning(
                    f'{", ".join(names)} can command {topic}, too: if that happens while this '
                    'node does, it stops the robot'
                )
        self._rivals = rivals

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)
