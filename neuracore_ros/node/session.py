"""One policy on one robot, from configure to cleanup."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile
from rclpy.timer import Timer

from neuracore_ros.description import Robot, load_robot
from neuracore_ros.description.source import COMPRESSED_IMAGE, IMAGE
from neuracore_ros.errors import DescriptionWarning
from neuracore_ros.node.diagnostics import as_array, inference_status, stream_statuses
from neuracore_ros.node.messages import MESSAGES, to_message
from neuracore_ros.node.parameters import Parameters
from neuracore_ros.node.status_log import StatusLog
from neuracore_ros.node.subscriptions import Subscriptions, Topic, qos_overrides
from neuracore_ros.runner import JointCommand, Outcome, Request, Runner, State

# Five is what ROS uses for sensors. With two, a third of the large reliable images were lost,
# since their fragments arrive in bursts.
IMAGE_DEPTH = 5
NUMBER_DEPTH = 20
# So soon a publisher is noticed that comes later, or changes.
GRAPH_RATE_HZ = 2.0
# A paused simulation stops its clock; so does a crashed one.
CLOCK_STOPPED_S = 1.0
ACKNOWLEDGE_S = 0.5
# Streamed points brake one by one; no robot takes longer from full speed to rest.
BRAKING_S = 2.0


class Session:
    """Everything that exists while the node is configured.

    The runner is single-threaded: all its calls are made on the executor's thread. Only the
    model runs elsewhere, one request at a time.

    Args:
        node: Owner of publishers, subscriptions and timers; in an executor.
        parameters: Checked.
        fail: Is given an exception that no caller would see, on the executor's thread.

    Raises:
        UserError: Robot, policy and parameters do not go together; one line says why.
    """

    def __init__(
        self, node: LifecycleNode, parameters: Parameters, fail: Callable[[Exception], None]
    ) -> None:
        self._closed = False
        self._node = node
        self._fail = fail
        self._dry_run = parameters.settings.dry_run
        self.robot = self._load_robot(parameters.robot)
        # Torch takes seconds to import, which what is wrong so far need not wait for.
        from neuracore_ros.policy.torchscript import load

        policy = load(parameters.model, parameters.device, parameters.threads)
        self._policy = policy
        self._runner = Runner(self.robot, policy.manifest, parameters.settings)
        self._runner.stop(self._now_ns())
        for warning in self._runner.warnings:
            node.get_logger().warning(warning)
        self._output_valid = policy.manifest.output_layout.valid(self.robot.output)
        self._model = ThreadPoolExecutor(1, thread_name_prefix='inference')
        # On the thread that will run it: the runtime prepares itself for each thread anew.
        taken_s = self._model.submit(policy.warm_up).result()
        self._open()
        node.get_logger().info(self._announcement(parameters, taken_s))

    # Lifecycle

    def start(self) -> None:
        """Run: from now on the robot may move."""
        now_ns = self._now_ns()
        self._runner.start(now_ns)
        self._watch = _ClockWatch(now_ns, time.monotonic())
        self._start_timer('tick', self._runner.rate_hz, self._tick)
        self._report()

    def stop(self) -> None:
        """Brake the robot to rest, and wait until the command is really out."""
        self._end_timer('tick')
        now_ns = self._now_ns()
        self._obey(self._runner.stop(now_ns))
        self._brake_points(now_ns)
        for publisher in self._publishers.values():
            publisher.wait_for_all_acked(Duration(seconds=ACKNOWLEDGE_S))
        self._report()

    def close(self) -> bool:
        """Give everything back.

        Returns:
            False if the model is still running and its thread cannot be ended.
        """
        self._closed = True
        for name in tuple(self._timers):
            self._end_timer(name)
        self._subscriptions.close()
        for publisher in (*self._publishers.values(), self._diagnostics):
            self._node.destroy_publisher(publisher)
        self._publishers.clear()
        self._model.shutdown(wait=False, cancel_futures=True)
        return self._in_flight is None or self._in_flight.done()

    # Services

    def enable(self, on: bool) -> str:
        """Allow or forbid motion; returns what the node does now."""
        self._obey(self._runner.enable(on, self._now_ns()))
        return self._report()

    def reset(self) -> str:
        """Stop and start afresh; returns what the node does now."""
        self._obey(self._runner.reset(self._now_ns()))
        return self._report()

    # Opening

    def _load_robot(self, path: Path) -> Robot:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always', DescriptionWarning)
            robot = load_robot(path)
        for text in dict.fromkeys(str(warning.message) for warning in caught):
            self._node.get_logger().warning(text)
        return robot

    def _open(self) -> None:
        node, runner = self._node, self._runner
        self._max_ages_s = _max_ages_s(self.robot)
        self._in_flight: Future[Any] | None = None
        self._log = StatusLog(node.get_logger())
        self._watch = _ClockWatch(self._now_ns(), time.monotonic())
        self._diagnostics = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._publishers = {
            topic: node.create_publisher(
                MESSAGES[kind],
                topic,
                QoSProfile(depth=10),
                qos_overriding_options=qos_overrides(node, topic, 'publisher'),
            )
            for topic, kind in runner.command_topics.items()
            if not self._dry_run
        }
        topics = tuple(
            Topic(name, kind, reliability, _depth(kind), latched=name.endswith('/tf_static'))
            for name, (kind, reliability) in runner.topics.items()
        )
        self._subscriptions = Subscriptions(node, topics, self._receive)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timers: dict[str, Timer] = {}
        self._start_timer('graph', GRAPH_RATE_HZ, self._look_around, steady)
        self._start_timer('diagnostics', 1.0, self._diagnose, steady)
        if runner.point_rate_hz:
            self._start_timer('points', runner.point_rate_hz, self._points)

    def _start_timer(
        self, name: str, rate_hz: float, callback: Callable[[], None], clock: Clock | None = None
    ) -> None:
        def guarded() -> None:
            # The events executor may call a timer that was destroyed a moment ago.
            if not self._closed:
                callback()

        self._timers[name] = self._node.create_timer(1.0 / rate_hz, guarded, clock=clock)

    def _end_timer(self, name: str) -> None:
        timer = self._timers.pop(name)
        timer.cancel()
        self._node.destroy_timer(timer)

    def _announcement(self, parameters: Parameters, taken_s: float) -> str:
        manifest = self._policy.manifest
        does = 'dry run: no command is published' if self._dry_run else 'commands'
        return (
            f'policy {parameters.model} (sha256 {self._policy.sha256[:12]}) on robot '
            f"'{self.robot.name}' ({parameters.robot}) at {manifest.rate_hz:g} Hz, "
            f'{manifest.horizon} steps a prediction, {1000 * taken_s:.0f} ms each; reads '
            f'{", ".join(self._runner.topics)}; {does} {", ".join(self._runner.command_topics)}'
            f'{"" if parameters.settings.enabled else "; disabled until ~/enable"}'
        )

    # Callbacks

    def _receive(self, topic: str, message: Any) -> None:
        # Before the first /clock there is no time at which anything could have arrived.
        if now_ns := self._now_ns():
            self._runner.receive(topic, message, now_ns)

    def _tick(self) -> None:
        listeners = None
        if not self._dry_run:
            listeners = {
                topic: publisher.get_subscription_count()
                for topic, publisher in self._publishers.items()
            }
        now_ns = self._now_ns()
        self._watch.look(now_ns, time.monotonic())
        self._obey(self._runner.tick(now_ns, listeners))
        self._report()

    def _points(self) -> None:
        self._publish(self._runner.points(self._now_ns()))

    def _look_around(self) -> None:
        self._subscriptions.refresh()
        if self._node.get_clock().ros_time_is_active:
            self._watch.look(self._now_ns(), time.monotonic())
        self._report()

    def _brake_points(self, now_ns: int) -> None:
        """Send the single points of a stop, which go out one by one, until the robot rests.

        Callbacks wait meanwhile, and with them simulated time; so time is counted here.
        """
        period_s = 1.0 / (self._runner.point_rate_hz or self._runner.rate_hz)
        for _ in range(round(BRAKING_S / period_s)):
            points = self._runner.points(now_ns)
            if not points:
                return
            self._publish(points)
            time.sleep(period_s)
            now_ns += round(1e9 * period_s)

    def _obey(self, outcome: Outcome) -> None:
        self._publish(outcome.commands)
        if outcome.request is not None:
            request = outcome.request
            self._in_flight = self._model.submit(self._predict, request)
            self._in_flight.add_done_callback(lambda answer: self._hand_over(request, answer))

    def _publish(self, commands: tuple[JointCommand, ...]) -> None:
        for command in commands:
            if command.topic in self._publishers:
                self._publishers[command.topic].publish(to_message(command))

    # The model

    def _predict(self, request: Request) -> Any:
        return self._policy.predict(request.inputs, request.valid, self._output_valid)

    def _hand_over(self, request: Request, answer: Future[Any]) -> None:
        """From the model's thread to the executor's."""
        executor = self._node.executor
        if executor is not None and not answer.cancelled():
            executor.create_task(self._take, request, answer)

    def _take(self, request: Request, answer: Future[Any]) -> None:
        if self._closed:
            return
        try:
            now_ns = self._now_ns()
            if (error := answer.exception()) is not None:
                self._obey(self._runner.failed(request, str(error), now_ns))
            else:
                self._obey(self._runner.predicted(request, answer.result(), now_ns))
            self._report()
        except Exception as error:  # A task that raises would abort the process, see executor.py.
            self._fail(error)

    # What people see

    def _status(self) -> tuple[State, str]:
        state, reason = self._runner.state, self._runner.reason
        if state in (State.RUNNING, State.WAITING) and self._watch.stopped:
            return State.HOLDING, (
                f'/clock has stood still for {CLOCK_STOPPED_S:g} s: no step is made; what was '
                'commanded ends by itself'
            )
        faults = self._subscriptions.faults()
        if faults and state in (State.WAITING, State.HOLDING):
            reason = '; '.join(faults.values())
        return state, reason

    def _report(self) -> str:
        """Log the status if it is news, and put it on /diagnostics at once."""
        state, reason = self._status()
        if self._log.update(state, reason):
            self._diagnose()
        return f'{state.value}: {reason}' if reason else state.value

    def _diagnose(self) -> None:
        name, now = self.robot.name, self._node.get_clock().now()
        streams = stream_statuses(
            name,
            self._runner.status(now.nanoseconds),
            self._max_ages_s,
            self._subscriptions.faults(),
        )
        inference = inference_status(name, *self._status(), self._runner.counters)
        self._diagnostics.publish(as_array([inference, *streams], now.to_msg()))

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)


@dataclass(slots=True)
class _ClockWatch:
    """Whether simulated time goes on, seen from a clock that always does.

    A stop cannot be sent for it: where the robot is by now is not known in a time that stands
    still, and a command from an older setpoint would be a jump back. No tick means no command,
    so what was sent ends within ``max_ahead_s``.
    """

    ros_ns: int
    moved_s: float
    stopped: bool = False

    def look(self, ros_ns: int, steady_s: float) -> None:
        """Compare the clock with what it was."""
        if ros_ns != self.ros_ns:
            self.ros_ns, self.moved_s = ros_ns, steady_s
        self.stopped = steady_s - self.moved_s > CLOCK_STOPPED_S


def _depth(kind: str) -> int:
    return IMAGE_DEPTH if kind in (IMAGE, COMPRESSED_IMAGE) else NUMBER_DEPTH


def _max_ages_s(robot: Robot) -> dict[str, float]:
    """Topic -> age from which it is stale, of the strictest name on it."""
    ages: dict[str, float] = {}
    for source in (*robot.input_sources(), *robot.measured_sources()):
        if source.max_age_s is not None:
            ages[source.topic] = min(ages.get(source.topic, source.max_age_s), source.max_age_s)
    return ages
