"""One policy on one robot, from configure to cleanup."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode

from neuracore_ros.description import Command, load_robot
from neuracore_ros.description.command import GRIPPER_ACTIONS
from neuracore_ros.description.source import IMAGE_TYPES
from neuracore_ros.errors import collect_warnings
from neuracore_ros.node.control_publisher import ControlPublisher
from neuracore_ros.node.debug import DebugPublisher
from neuracore_ros.node.graph import beside_namespace
from neuracore_ros.node.inference import Inference
from neuracore_ros.node.outputs import CommandOutputs
from neuracore_ros.node.parameters import Parameters
from neuracore_ros.node.plan_publisher import PlanPublisher
from neuracore_ros.node.reporter import Reporter
from neuracore_ros.node.speed_scaling import SpeedScaling, slowed_down
from neuracore_ros.node.subscriptions import Subscriptions
from neuracore_ros.node.teleop_topics import require_own_topics
from neuracore_ros.node.tick_phase import TickPhase
from neuracore_ros.node.timers import Timers
from neuracore_ros.node.topics import RUN_DEPTHS, declared_topics
from neuracore_ros.runner import Request, Runner, State, TickResult
from neuracore_ros.runner.requests import Commands

# A stop takes half a second, and the joints rest half a second later, if they are measured.
LONGEST_SETTLING_S = 2.0
# Rate at which late or changed publishers are noticed.
GRAPH_RATE_HZ = 2.0


class Session:
    """One policy on one robot while the node is configured.

    The runner is single-threaded: all its calls are made on the executor's thread. Only the
    model runs elsewhere, one request at a time.

    Args:
        node: Owner of publishers, subscriptions and timers; in an executor.
        parameters: Checked.
        interrupted: Returns True once the process is asked to end.
        fail: Called with an exception that no caller would see, on the executor's thread.

    Raises:
        UserError: Robot, policy and parameters do not go together; one line says why.
        Interrupted: The process is asked to end meanwhile.
    """

    def __init__(
        self,
        node: LifecycleNode,
        parameters: Parameters,
        interrupted: Callable[[], bool],
        fail: Callable[[Exception], None],
    ) -> None:
        self._closed = False
        self._settles_until_s = 0.0
        self._node = node
        self._fail = fail
        self._settings = parameters.settings
        self._timers = Timers(node)
        with collect_warnings() as spelling:
            self.robot = load_robot(parameters.robot)
        for text in spelling:
            node.get_logger().warning(text)
        commands = () if self._settings.dry_run else self.robot.all_commands()
        self._outputs = CommandOutputs(node, commands, self._on_fault)
        self._min_speed_scaling = parameters.min_speed_scaling
        # The controllers that may be scaled down, if that matters.
        joints = (command for command in commands if isinstance(command, Command))
        scaled = [command.topic for command in joints if command.type not in GRIPPER_ACTIONS]
        self._speed_scaling = SpeedScaling(node, scaled if self._min_speed_scaling else ())
        self._inference = Inference(node, interrupted)
        try:
            taken_s = self._load_policy(parameters)
            self._subscriptions = self._subscribe()
        except BaseException:
            self._closed = True
            self._outputs.close()
            self._inference.close()
            raise
        self._open(parameters)
        human = self._runner.human.topics
        topics = (*self._runner.topics, *self._runner.command_topics, *human)
        if beside := beside_namespace(topics, node.get_namespace()):
            node.get_logger().warning(beside)
        node.get_logger().info(self._announcement(parameters, taken_s))

    # Lifecycle

    def start(self) -> None:
        """Run: from now on the robot may move."""
        self._timers.end('settle')
        now_ns = self._now_ns()
        self._reporter.start()
        self._runner.start(now_ns)
        self._phase = TickPhase(1.0 / self._runner.rate_hz)
        self._tick_rate_hz = self._runner.tick_rate_hz
        self._timers.start('tick', self._tick_rate_hz, self._tick, self._pace())
        self._reporter.report()

    def stop(self) -> None:
        """Brake the robot to rest; its joints are checked until `settled`."""
        self._reporter.stop()
        self._timers.end('tick')
        now_ns = self._now_ns()
        self._obey(self._runner.stop(now_ns))
        self._brake_points(now_ns)
        self._settles_until_s = time.monotonic() + LONGEST_SETTLING_S
        self._timers.start('settle', self._runner.tick_rate_hz, self._settle, self._pace())
        self._reporter.report()

    @property
    def settled(self) -> bool:
        """True once the joints rest where they were sent, or waiting for that has timed out."""
        return self._runner.settled or time.monotonic() > self._settles_until_s

    def close(self) -> bool:
        """Give everything back.

        Returns:
            False if the model is still running and its thread cannot be ended.
        """
        self._closed = True
        self._timers.close()
        self._subscriptions.close()
        self._speed_scaling.close()
        self._outputs.close()
        self._plan.close()
        if self._debug is not None:
            self._debug.close()
        self._reporter.close()
        return self._inference.close()

    # Services

    def enable(self, on: bool) -> str:
        """Allow or forbid motion; returns what the node does now."""
        self._obey(self._runner.enable(on, self._now_ns()))
        return self._reporter.report()

    def take_over(self, on: bool) -> str:
        """Let a human command, or the policy again; returns what the node does now.

        Raises:
            UserError: The robot file does not say where a human commands.
        """
        self._obey(self._runner.take_over(on, self._now_ns()))
        self._follow_pace()
        line = self._reporter.report()
        disabled = self._runner.state is State.DISABLED
        return f'{line}; it stays disabled until ~/enable' if disabled else line

    def reset(self) -> str:
        """Stop and start afresh; returns what the node does now."""
        self._obey(self._runner.reset(self._now_ns()))
        return self._reporter.report()

    # Opening

    def _load_policy(self, parameters: Parameters) -> float:
        """Load, check and warm up; returns how long a prediction takes [s]."""

        def load() -> Any:
            # Torch takes seconds to import; earlier errors are reported before that.
            from neuracore_ros.policy.load import load_policy

            return load_policy(
                parameters.model,
                parameters.device,
                parameters.threads,
                parameters.precision,
                parameters.sha256,
                self.robot.name,
                parameters.server,
            )

        self._policy = self._inference.wait(load)
        if self._policy.is_remote:
            self._inference.cut_off = self._policy.close
        manifest = self._policy.manifest
        self._runner = Runner(self.robot, manifest, self._settings, self._steady_ns)
        self._runner.stop(self._now_ns())
        for warning in self._runner.warnings:
            self._node.get_logger().warning(warning)
        self._output_valid = manifest.output_layout.valid(self.robot.output)
        return float(self._inference.wait(self._policy.warm_up))

    def _subscribe(self) -> Subscriptions:
        led, read = self._runner.human.sources, self._runner.sources
        require_own_topics(self._node, led, read, self._runner.command_topics)
        sources = (*read, *led)
        topics = declared_topics(sources, RUN_DEPTHS).values()
        self._cameras = {topic.name for topic in topics if topic.type in IMAGE_TYPES}
        self._phase = TickPhase(1.0 / self._runner.rate_hz)
        return Subscriptions(self._node, topics, self._receive)

    def _open(self, parameters: Parameters) -> None:
        node, runner = self._node, self._runner
        self._reporter = Reporter(
            node,
            self.robot.name,
            runner,
            self._subscriptions,
            self._outputs,
            self._speed_scaling,
            ControlPublisher(node, self._policy.name, self._policy.sha256),
        )
        self._plan = PlanPublisher(node, self.robot, runner)
        self._debug = DebugPublisher(node) if parameters.debug else None
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timers.start('graph', GRAPH_RATE_HZ, self._refresh, steady)
        self._timers.start('diagnostics', 1.0, self._reporter.publish, steady)
        if runner.point_rate_hz:
            self._timers.start('points', runner.point_rate_hz, self._points, self._pace())

    def _announcement(self, parameters: Parameters, taken_s: float) -> str:
        manifest, human = self._policy.manifest, self._runner.human.topics
        does = 'would command (dry run)' if self._settings.dry_run else 'commands'
        return (
            f'policy {parameters.model} (sha256 {self._policy.sha256[:12]}) on robot '
            f"'{self.robot.name}' ({parameters.robot}) at {manifest.rate_hz:g} Hz, "
            f'{manifest.horizon} steps a prediction, {1000 * taken_s:.0f} ms each; reads '
            f'{", ".join(self._runner.topics)}; {does} {", ".join(self._runner.command_topics)}'
            f'{"" if self._settings.enabled else "; disabled until ~/enable"}'
            f'{"; a human can take over on " if human else ""}{", ".join(human)}'
        )

    # Callbacks

    def _receive(self, topic: str, message: Any) -> None:
        self._reporter.receive(topic)
        # Before the first /clock there is no time at which anything could have arrived.
        if now_ns := self._now_ns():
            self._runner.receive(topic, message, now_ns)
            if topic in self._cameras:
                self._phase.arrived(topic, time.monotonic())

    def _tick(self) -> None:
        now_ns = self._now_ns()
        listeners = None if self._settings.dry_run else self._outputs.listeners()
        slow = slowed_down(self._speed_scaling.factors(), self._min_speed_scaling)
        self._obey(self._runner.tick(now_ns, listeners, slow))
        self._reporter.step(now_ns, self._steady_ns() or now_ns)
        # Simulated images have no steady phase on the wall clock, and finer steps need no images.
        if not self._simulated and self._tick_rate_hz == self._runner.rate_hz:
            self._timers.advance('tick', self._phase.tick(time.monotonic()))
        self._follow_pace()
        self._reporter.report()

    def _follow_pace(self) -> None:
        """Tick as often as the runner wants it now: a human is followed in steps of their own."""
        if self._runner.tick_rate_hz != self._tick_rate_hz:
            self._tick_rate_hz = self._runner.tick_rate_hz
            self._timers.set_rate('tick', self._tick_rate_hz)

    def _settle(self) -> None:
        if self.settled:
            self._timers.end('settle')
            return
        self._obey(self._runner.tick(self._now_ns()))

    def _points(self) -> None:
        now_ns = self._now_ns()
        self._send(self._runner.points(now_ns), now_ns)

    def _refresh(self) -> None:
        """Ask the graph what has changed."""
        self._subscriptions.refresh()
        self._outputs.refresh()
        self._speed_scaling.refresh()
        self._plan.refresh()
        self._reporter.refresh()
        if self._reporter.time_stands_still:
            self._outputs.send(self._runner.halt(self._now_ns()))
        self._reporter.report()

    def _on_fault(self, why: str) -> None:
        """Hold the robot: a command was refused, or another node commands it."""
        if self._closed:
            return
        try:
            self._obey(self._runner.disturbed(why, self._now_ns()))
            self._reporter.report()
        except Exception as error:  # The answer of an action comes as a task, see executor.py.
            self._fail(error)

    def _brake_points(self, now_ns: int) -> None:
        """Send the single points of a stop, which go out one by one, until the robot rests.

        Callbacks wait meanwhile, and with them simulated time; so time is counted here.
        """
        period_s = 1.0 / (self._runner.point_rate_hz or self._runner.tick_rate_hz)
        for _ in range(math.ceil(self._runner.rests_in_s(now_ns) / period_s)):
            points = self._runner.points(now_ns)
            if not points:
                return
            self._send(points, now_ns)
            time.sleep(period_s)
            now_ns += round(1e9 * period_s)

    def _send(self, commands: Commands, now_ns: int) -> None:
        self._outputs.send(commands)
        self._runner.sent(commands, now_ns)

    def _obey(self, outcome: TickResult) -> None:
        self._send(outcome.commands, self._now_ns())
        if (request := outcome.request) is not None:
            self._inference.start(partial(self._predict, request), partial(self._take, request))
        self._plan.update()

    # The model

    def _predict(self, request: Request) -> Any:
        return self._policy.predict(
            request.inputs, request.valid, self._output_valid, request.plan
        )

    def _take(self, request: Request, answer: Future[Any]) -> None:
        if self._closed:
            return
        try:
            now_ns = self._now_ns()
            self._reporter.statistics.predictions += 1
            if (error := answer.exception()) is not None:
                passing = self._policy.is_remote
                self._obey(self._runner.failed(request, str(error), now_ns, passing))
            else:
                if (link := self._policy.link) is not None and link.newest is not None:
                    self._reporter.statistics.answered(link.newest)
                self._obey(self._runner.predicted(request, answer.result(), now_ns))
            if self._debug is not None:
                shown = str(error) if error is not None else answer.result()
                self._debug.prediction(request, shown, now_ns, self._skipped(request, now_ns))
            self._reporter.report()
        except Exception as error:  # A task that raises would abort the process, see executor.py.
            self._fail(error)

    def _skipped(self, request: Request, now_ns: int) -> int | None:
        """Number of outputs of a prediction that were already due; None if it is not executed."""
        if self._runner.state is not State.RUNNING:
            return None
        waited_s = (now_ns - request.made_ns) / 1e9
        return self._settings.delay_steps or max(round(waited_s * self._runner.rate_hz), 0)

    def _pace(self) -> Clock | None:
        """The clock of the timers; one of the system's clock would wait if that is set back."""
        return None if self._simulated else Clock(clock_type=ClockType.STEADY_TIME)

    def _steady_ns(self) -> int | None:
        return None if self._simulated else time.monotonic_ns()

    @property
    def _simulated(self) -> bool:
        return bool(self._node.get_clock().ros_time_is_active)

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)
