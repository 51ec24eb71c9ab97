"""Observe, predict, command, on a given clock; the node and ``evaluate`` both drive this.

Deterministic and single-threaded: everything follows from the calls and their times. The owner

- calls `tick` every 1 / tick_rate_hz (a call that is skipped skips a step): the policy's rate, or
  a higher one in a takeover,
- sends every command that any call returns, at once, says so by `sent`, and
- runs the model on every request, wherever it likes, and brings the result to `predicted` or
  `failed`. There is never a second request before the answer to the first.

Where topics take single points at ``command_rate_hz``, `points` is called at that rate, and on
after `stop` until `at_rest`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.clock import StepClock
from neuracore_ros.command.direct import DirectMotion
from neuracore_ros.command.direct_values import DirectValues
from neuracore_ros.command.joints import Joints
from neuracore_ros.command.motion import MOST_SHOWN, Motion
from neuracore_ros.command.plan import Plan
from neuracore_ros.command.settings import Settings
from neuracore_ros.command.spline import Spline
from neuracore_ros.command.start import Gate, start_gate
from neuracore_ros.command.stopping import Stopping
from neuracore_ros.command.tracking import Measured, Tracking
from neuracore_ros.control import Commander
from neuracore_ros.description import Command, DirectCommand, Robot
from neuracore_ros.errors import PolicyError, UnreachableError, UserError
from neuracore_ros.observation.faults import together
from neuracore_ros.observation.observer import Observation, Snapshot, Unusable
from neuracore_ros.observation.streams import StreamStatus
from neuracore_ros.policy.compatibility import fit
from neuracore_ros.policy.hazards import (
    HazardKind,
    allowed,
    require_safe,
)
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.signature import ActionPrefix
from neuracore_ros.policy.trained_treatments import treatment_warnings
from neuracore_ros.policy.vocabularies import vocabulary_warnings
from neuracore_ros.runner.inpainting import Inpainting
from neuracore_ros.runner.inputs import RobotInputs
from neuracore_ros.runner.plan_ahead import PlanAhead
from neuracore_ros.runner.requests import (
    ActionChunk,
    Commands,
    Prediction,
    Request,
    RequestScheduler,
    TickResult,
)
from neuracore_ros.runner.state import Counters, RunnerState, State
from neuracore_ros.runner.takeover import ROWS, HumanCommands

_LEAST_PATIENCE_S = 1.0
"""A model that answers slower than its horizon is late; shorter ones get this long at first."""


class Runner:
    """Policy that runs on one robot.

    Attributes:
        warnings: What the user should know of how the two fit, one line each.
        rate_hz: Of the policy.
        tick_rate_hz: How often to call `tick`, until it changes.
        point_rate_hz: How often to call `points`; 0 where `tick` does it.
        topics: Topic -> (ROS message type, reliability), of inputs and measured joints.
        sources: Where everything that is read comes from.
        commands: Where the commands go.
        command_topics: Topic -> ROS message type of the commands.
        steady: The time [ns] on a clock that never jumps, by which the robot goes on; None where
            there is none, as in a simulation or a recording.
        is_active: Whether it runs; False after `stop`, until `start`.
        counters: What happened since the start.
        human: Commands of a human who takes over.
    """

    def __init__(
        self,
        robot: Robot,
        manifest: Manifest,
        settings: Settings,
        steady: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Hold the robot against the policy.

        Args:
            robot: Its file.
            manifest: Of the policy.
            settings: What the user wants.
            steady: See `Runner`.

        Raises:
            PolicyError: They do not fit, or the robot would probably move wrongly.
            DescriptionError: A source, a command or a limit is missing.
            UserError: A setting does not fit the policy.
        """
        fitted = fit(robot, manifest)
        self.warnings = fitted.warnings
        self.rate_hz = manifest.rate_hz
        self._manifest = manifest
        self._settings = settings
        self.steady = steady
        self.tick_rate_hz = manifest.rate_hz
        self._step_ns = round(1e9 / manifest.rate_hz)
        self._joints = Joints.of(robot.commands(), robot.chain_outputs(), manifest.rate_hz)
        self._direct = DirectMotion(robot.direct_commands(), settings, manifest.rate_hz)
        self._inputs = RobotInputs(
            robot,
            self._joints,
            self._direct,
            fitted.input,
            manifest,
            settings.task,
            settings.frozen_after_s,
        )
        self.human = HumanCommands(
            robot, self._joints, self._direct, settings.start_max, manifest.rate_hz
        )
        means = frozenset(HazardKind) if settings.dry_run else allowed(settings.allow)
        self.warnings += require_safe(robot, manifest, means)
        self.warnings += treatment_warnings(robot, manifest)
        self.warnings += vocabulary_warnings(robot.vocabulary, manifest, str(robot.path))
        self.topics, self.sources = self._inputs.topics, self._inputs.sources
        self.commands: tuple[Command | DirectCommand, ...] = robot.all_commands()
        self.command_topics: Mapping[str, str] = {c.topic: c.type for c in self.commands}
        self.warnings += self._inputs.warnings
        # A tick may be a step late, however fresh the streams have to be.
        longest_jump_s = max(self._inputs.strictest_age_s, 1.0 / manifest.rate_hz)
        self._clock = StepClock(manifest.rate_hz, longest_jump_s)
        self._motion = Motion(self._joints, settings, manifest.rate_hz)
        self.warnings += self._motion.warnings + self._direct.warnings
        streams = self._motion.has_points or bool(self._direct.commands)
        self.point_rate_hz = settings.command_rate_hz if streams else 0.0
        self._tracking = Tracking(self._joints, settings.max_tracking_error)
        self._stopping = Stopping(self._joints, self._motion, self._tracking)
        self.counters = Counters()
        self._state = RunnerState(self.counters)
        self._scheduler = RequestScheduler(
            settings.steps_between(manifest.horizon, manifest.rate_hz),
            settings.delay_steps,
            max(manifest.horizon, round(_LEAST_PATIENCE_S * manifest.rate_hz)),
        )
        self._inpainting = Inpainting(self._joints, self._direct, manifest, settings)
        self.start(0)

    @property
    def state(self) -> State:
        """State of the runner."""
        return self._state.told

    @property
    def reason(self) -> str:
        """Reason for not running, one line; empty while all is as it should be."""
        return self._state.reason

    @property
    def latched(self) -> bool:
        """Whether a hold waits for `enable`; else it ends by itself."""
        return self._state.latched

    @property
    def taken_over(self) -> bool:
        """Whether a human has taken over, and keeps the robot from the policy."""
        return self._state.human

    @property
    def moves(self) -> bool:
        """Whether commands go out, of whoever commands; in a dry run, whether they would."""
        return self._state.running

    @property
    def commander(self) -> Commander:
        """Commander of the robot now; nobody in a dry run, whose commands go nowhere."""
        moves = self.is_active and self._state.running and not self._settings.dry_run
        whose = Commander.HUMAN if self._state.human else Commander.POLICY
        return whose if moves else Commander.NOBODY

    def status(self, now_ns: int) -> tuple[StreamStatus, ...]:
        """List the states of all streams that the policy needs."""
        return self._inputs.status(now_ns)

    def needed(self, now_ns: int) -> tuple[StreamStatus, ...]:
        """List the states of the streams that are needed now; a human needs no cameras."""
        if not self._state.human:
            return self._inputs.status(now_ns)
        return (*self.human.status(now_ns), *self._inputs.measured_status(now_ns))

    def start(self, now_ns: int) -> None:
        """Become active again after `stop`; steps are counted from the next tick on."""
        self.is_active = True
        self._clock.restart()
        self._note(None)
        self._motion.forget()
        self._direct.forget()
        self._stopping.cancel()
        self._state.latched = self._state.human = False
        self._pace()
        self._wait()
        if not self._settings.enabled:
            self._disable()

    def receive(self, topic: str, message: Any, now_ns: int) -> None:
        """Take a message from a topic; never raises on bad data."""
        self._inputs.receive(topic, message, now_ns)
        self.human.receive(topic, message, now_ns)

    def sent(self, commands: Commands, now_ns: int) -> None:
        """Take that commands are on their way; openings follow them, too, that no topic echoes."""
        if not self._settings.dry_run:
            self._inputs.sent(commands, now_ns)

    def cure_clock(self, text: str) -> None:
        """Say from now on what mends stamps of another time, such as a simulated one."""
        self._inputs.cure_clock(text)
        self.human.cure_clock(text)

    def tick(
        self,
        now_ns: int,
        listeners: Mapping[str, int] | None = None,
        hindrances: Sequence[str] = (),
    ) -> TickResult:
        """Do one step: check everything, ask for a prediction if it is time, send what is due.

        Args:
            now_ns: Now.
            listeners: Command topic -> who listens to it; None if that is not known.
            hindrances: Why the robot could not follow now, one line each.
        """
        if not self.is_active:
            self._follow_clock(now_ns, self._tick_ns)
            held = self._stopping.settle(_sure(self._inputs.measured(now_ns)), now_ns)
            return TickResult(held + self._step_points(now_ns))
        commands = self._check_clock(now_ns)
        step = self._clock.step(now_ns)
        self._scheduler.step(step)
        measured = self._inputs.measured(now_ns)
        if self._state.state is State.DISABLED:
            self._scheduler.due()
            commands += self._stopping.settle(_sure(measured), now_ns)
            self._note(_sure(measured))
            return TickResult(commands + self._step_points(now_ns))
        human = self._state.human
        read = self.human.read(now_ns) if human else self._inputs.snapshot(now_ns)
        problems = _problems(read, measured)
        if not problems:
            self._state.complete = True
            if isinstance(read, Snapshot):
                self.counters.observed += 1
                self._inputs.remember(step, read)
        problems += [*self._unheard(listeners), *hindrances]
        if problems or not isinstance(measured, Measured):
            commands += self._interrupt(problems, now_ns)
        elif self._state.running:
            commands += self._check_running(now_ns, measured)
        elif self._state.state is State.HOLDING and self._is_stuck():
            self._state.explain(self._overdue())
        if not self._state.running:
            commands += self._stopping.settle(_sure(measured), now_ns)
        self._note(_sure(measured))
        if not human:
            outcome = self._let_predict(step, bool(problems), now_ns)
            commands, request = commands + outcome.commands, outcome.request
        else:
            commands, request = commands + self._obey(read, bool(problems), now_ns), None
        commands += self._step_points(now_ns)
        self._count(commands, now_ns)
        return TickResult(commands, request)

    def predicted(self, request: Request, chunk: ActionChunk, now_ns: int) -> TickResult:
        """Take the model's prediction.

        Args:
            request: What it answers.
            chunk: DataType -> (H, W), in the slots' sense.
            now_ns: Now.
        """
        return self._take(Prediction(request, chunk), now_ns)

    def failed(self, request: Request, why: str, now_ns: int, passing: bool = False) -> TickResult:
        """Take the model's failure.

        Args:
            request: What it was asked.
            why: One line.
            now_ns: Now.
            passing: Whether the same model may answer again, as one on a server may; else the
                robot is held until `enable`.
        """
        return self._take(Prediction(request, None, why, passing), now_ns)

    def disturbed(self, why: str, now_ns: int) -> TickResult:
        """Take that a command was refused, or that another node commands the robot, too.

        While it runs, it is stopped until `enable`; otherwise the robot is not ours to move.
        """
        if not self._state.running:
            # From now on, another node may have put it where it stands.
            self._stopping.cancel()
        if not self._state.running or self._settings.dry_run:
            return TickResult()
        return TickResult(self._hold(why, now_ns, latched=True))

    def points(self, now_ns: int) -> Commands:
        """Return the next single points of the topics that take them."""
        jump_ns = self._clock.jumped_ns(now_ns)
        if jump_ns:
            # The next tick deals with it; until then the robot goes on by a steady clock. Without
            # one, a clock that went back tells nothing: what was executed then is past.
            expected_ns = self._clock.expected_ns(self.steady())
            if expected_ns is None and jump_ns < 0:
                return ()
            # A stop goes on without ticks.
            direct = () if self.is_active or jump_ns < 0 else self._direct.points(now_ns)
            return (*self._motion.points(expected_ns or now_ns), *direct)
        if self._direct.commands and self.is_active:
            # Numbers change by the time that passes.
            self._follow_clock(now_ns, 0)
        return (*self._motion.points(now_ns), *self._direct.points(now_ns))

    def halt(self, now_ns: int) -> Commands:
        """Return what ends velocities while time stands still, in which nothing else can."""
        return self._direct.halt(now_ns)

    @property
    def executed(self) -> tuple[Spline, ...]:
        """Motions that were commanded in the last seconds, newest last."""
        return self._motion.executed

    def setpoint(self, now_ns: int) -> tuple[FloatArray, FloatArray] | None:
        """Return position and velocity commanded for a time, (J,) each; None before the first."""
        return self._motion.setpoint(now_ns)

    @property
    def plans(self) -> tuple[Plan | None, Plan | None]:
        """Plans of joints and of poses in force, new ones after each prediction; None at rest."""
        return self._motion.plan, self._direct.pose_plan

    def ahead(self, now_ns: int) -> PlanAhead:
        """Return what the robot does from now on, if nothing new is predicted."""
        poses = self._direct.poses_ahead(MOST_SHOWN)
        return PlanAhead(self._motion.ahead(now_ns), poses, self._tick_ns)

    def rests_in_s(self, now_ns: int) -> float:
        """Return how long the commands go on to move the robot, streamed points included [s]."""
        return max(self._motion.rests_in_s(now_ns), self._direct.rests_in_s(now_ns))

    def at_rest(self, now_ns: int) -> bool:
        """Whether nothing that was commanded still moves the robot."""
        return self._motion.at_rest(now_ns) and self._direct.at_rest

    @property
    def settled(self) -> bool:
        """Whether the joints are known to rest where the last stop sent them; else go on ticking.

        A joint that an emergency stop caught on the way is held where it stands, by `tick`.
        """
        return not self._stopping.pending

    def enable(self, on: bool, now_ns: int) -> TickResult:
        """Allow or forbid motion; allowing it also clears every fault."""
        if not on:
            commands = self._brake(now_ns)
            self._disable()
            return TickResult(commands)
        if self._state.state in (State.DISABLED, State.HOLDING) and self.is_active:
            self._state.latched = False
            self._wait()
        return TickResult()

    def take_over(self, on: bool, now_ns: int) -> TickResult:
        """Let a human command, or the policy again; the robot is braked in between.

        Taking over clears every fault, as `enable` does; a fault of the robot in a takeover stays
        when it is handed back. A robot that is disabled stays so.

        Raises:
            UserError: The robot file does not say where a human commands.
        """
        if on and self.human.missing:
            raise UserError(self.human.missing)
        if on is self._state.human or not self.is_active:
            return TickResult()
        commands = self._brake(now_ns)
        self._state.human = on
        self._pace()
        if self._state.state is State.DISABLED:
            self._disable()
        elif on or not self._state.latched:
            self._state.latched = False
            self._wait()
        return TickResult(commands)

    def reset(self, now_ns: int) -> TickResult:
        """Stop and start afresh, as for a new episode; faults that need `enable` stay."""
        commands = self._brake(now_ns)
        if self._state.state is not State.DISABLED and not self._state.latched:
            self._wait()
        return TickResult(commands)

    def stop(self, now_ns: int) -> TickResult:
        """Brake the robot to rest; nothing moves again before `start`."""
        commands = self._brake(now_ns)
        self._state.disable('not active')
        self.is_active = False
        return TickResult(commands)

    def _pace(self) -> None:
        """Go in the steps of whoever commands now, while no plan is followed."""
        self.tick_rate_hz = self.human.rate_hz if self._state.human else self.rate_hz
        self._motion.set_rate(self.tick_rate_hz)
        self._direct.set_rate(self.tick_rate_hz)

    @property
    def _tick_ns(self) -> int:
        return round(1e9 / self.tick_rate_hz)

    def _step_points(self, now_ns: int) -> Commands:
        if self.point_rate_hz:
            return ()
        return (*self._motion.points(now_ns), *self._direct.points(now_ns))

    # Time

    def _check_clock(self, now_ns: int) -> Commands:
        jump_ns = self._follow_clock(now_ns, self._tick_ns)
        if jump_ns == 0 or not self._state.running:
            return ()
        way = 'back' if jump_ns < 0 else 'forward'
        return self._hold(f'clock jumped {way} by {abs(jump_ns) / 1e9:g} s', now_ns)

    def _follow_clock(self, now_ns: int, guess_ns: int) -> int:
        """Take note of the time.

        Args:
            now_ns: Now.
            guess_ns: What has passed at least since the last note, if the clock does not tell.
                A robot that is further than thought is stopped gently.

        Returns:
            How far the clock has jumped, 0 where it has not.
        """
        jump = self._clock.tick(now_ns, self.steady(), guess_ns)
        if jump.astray_ns or jump.by_ns:
            # What the robot executes goes on, whatever the clock says.
            self._motion.shift(jump.astray_ns, jump.surely)
            self._direct.shift(jump.astray_ns)
        if jump.by_ns:
            self._drop()
            self._note(None)
            self._inputs.clear()
            self.human.clear()
        return jump.by_ns

    def _note(self, measured: Measured | None) -> None:
        self._tracking.note(measured)
        self._direct.note(None if measured is None else measured.direct)

    # Faults

    def _unheard(self, listeners: Mapping[str, int] | None) -> list[str]:
        if listeners is None or self._settings.dry_run:
            return []
        return [
            f'nobody listens to {topic}'
            for topic in self.command_topics
            if listeners.get(topic, 0) == 0
        ]

    def _interrupt(self, problems: list[str], now_ns: int) -> Commands:
        """Stop for what is wrong with the streams or the graph."""
        commands: Commands = ()
        if self._state.running:
            commands = self._hold('', now_ns)
        elif self._state.latched:
            return ()
        self._drop()
        self._state.report(problems)
        return commands

    def _check_running(self, now_ns: int, measured: Measured) -> Commands:
        lag = self._tracking.lag(measured, self._motion)
        if np.isfinite(lag).all():
            self._motion.lag = lag
        self._direct.measure(measured.direct)
        why = ''
        if not self._settings.dry_run:
            why = self._tracking.fault(measured, self._motion)
            why = why or self._direct.fault(measured.direct)
        if why:
            return self._hold(why, now_ns, latched=True)
        # Half a step of grace: the prediction that this tick asks for may answer within it.
        if not self._state.human and self._runs_dry(now_ns - self._step_ns // 2):
            self.counters.late += 1
            return self._hold('prediction late: the plan has run out', now_ns)
        self._state.run(self._motion.blending_in or self._direct.blending_in(now_ns))
        return ()

    def _runs_dry(self, now_ns: int) -> bool:
        dry = bool(self._joints.joints) and self._motion.runs_dry(now_ns)
        return dry or self._direct.runs_dry(now_ns)

    def _hold(self, cause: str, now_ns: int, latched: bool = False) -> Commands:
        # A human who is far away comes near; a robot that has not moved waits for nobody else.
        stood = self._state.human and not self._state.running
        commands = self._brake(now_ns)
        latched = latched or (self._settings.rearm == 'manual' and not stood)
        self._state.hold(cause, latched)
        return commands

    def _drop(self) -> None:
        """Forget all observations and requests so far: they must not move the robot any more."""
        self._scheduler.drop()
        self._inputs.forget()
        self.human.forget()

    def _brake(self, now_ns: int) -> Commands:
        self._drop()
        # It has braked already; by now the clock may tell another time without a tick.
        if not self.is_active:
            return ()
        self._follow_clock(now_ns, 0)
        moving = self._state.running and not self._settings.dry_run
        measured = _sure(self._inputs.measured(now_ns))
        self._direct.stop(measured.direct if moving and measured else None)
        return self._stopping.stop(measured, moving, now_ns)

    def _wait(self) -> None:
        self._state.wait()
        self._drop()

    def _disable(self) -> None:
        then = ', and a human has taken over' if self._state.human else ''
        self._state.disable(f'disabled{then}')

    # A human

    def _obey(
        self, wanted: Observation | Snapshot | Unusable, hindered: bool, now_ns: int
    ) -> Commands:
        """Follow a human, as far as the start gate and the limits allow."""
        if hindered or self._state.latched or not isinstance(wanted, Observation):
            return ()
        if not (self._state.running or (self._rests(now_ns) and self.human.is_paced(now_ns))):
            return ()
        try:
            outputs, direct = self._rows(self.human.chunk(wanted, now_ns), ROWS, 0, now_ns)
        except (PolicyError, UnreachableError) as error:
            return self._hold(str(error), now_ns)
        executed = self._motion.setpoint(now_ns) if self._state.running else None
        setpoint = outputs[0] if executed is None else executed[0]
        if self._state.running and (why := self.human.leap(outputs, direct, setpoint)):
            return self._hold(why, now_ns)
        return self._follow(outputs, direct, now_ns)

    # Predicting

    def _let_predict(self, step: int, hindered: bool, now_ns: int) -> TickResult:
        """Use a prediction that is due, ask for another if it is time, and follow the plan."""
        commands, request = self._use_what_is_due(now_ns), None
        if not hindered and self._may_ask(step, now_ns):
            observation = self._inputs.observation(step)
            if isinstance(observation, Observation):
                request = self._ask(step, observation, now_ns)
            else:
                commands += self._interrupt(_problems(observation), now_ns)
        if self._state.running:
            commands += self._motion.extend(now_ns)
        return TickResult(commands, request)

    def _may_ask(self, step: int, now_ns: int) -> bool:
        ready = self._inputs.remembers_any and self._scheduler.may_ask(step)
        if self._state.latched or not ready:
            return False
        return self._state.running or self._rests(now_ns)

    def _rests(self, now_ns: int) -> bool:
        """True if the robot rests, and where it does is sure."""
        confirmed = self._tracking.confirmed and self._direct.confirmed
        sure = confirmed or self._settings.dry_run
        return sure and self.at_rest(now_ns)

    def _ask(self, step: int, observation: Observation, now_ns: int) -> Request:
        if self._state.state is State.WAITING:
            self._state.explain('first prediction under way')
        request = Request(
            step,
            observation.inputs,
            observation.valid,
            self._scheduler.generation,
            now_ns,
            self._action_prefix(now_ns),
        )
        self._scheduler.ask(request)
        return request

    def _action_prefix(self, now_ns: int) -> ActionPrefix | None:
        measured = self._inputs.measured(now_ns)
        if not (self._state.running and isinstance(measured, Measured)):
            return None
        return self._inpainting.prefix(
            self._motion.planned, measured.positions, self.counters, now_ns
        )

    def _take(self, prediction: Prediction, now_ns: int) -> TickResult:
        if not self._scheduler.take(prediction):
            return TickResult()
        self.counters.latencies_ms.append((now_ns - prediction.request.made_ns) / 1e6)
        if self._scheduler.is_delayed:
            return TickResult()
        due = self._scheduler.due()
        # The next tick deals with a clock that has jumped.
        if due is None or self._state.state is State.DISABLED or self._clock.jumped_ns(now_ns):
            return TickResult()
        self._follow_clock(now_ns, 0)
        commands = self._use(due, now_ns)
        self._count(commands, now_ns)
        return TickResult(commands)

    def _use_what_is_due(self, now_ns: int) -> Commands:
        if self._scheduler.is_delayed and (due := self._scheduler.due()) is not None:
            return self._use(due, now_ns)
        # While it runs without a delay, the plan tells how long there is time.
        bridged = self._state.running and not self._scheduler.is_delayed
        stuck = self._state.state is State.WAITING and self._is_stuck()
        if stuck or (self._scheduler.is_late() and not bridged):
            self.counters.late += 1
            return self._hold(self._overdue(), now_ns)
        return ()

    def _is_stuck(self) -> bool:
        # A human needs no model.
        return self._scheduler.is_stuck() and not self._state.human

    def _overdue(self) -> str:
        return f'prediction late: none for {self._scheduler.waited_steps / self.rate_hz:.3g} s'

    def _use(self, prediction: Prediction, now_ns: int) -> Commands:
        if prediction.chunk is None:
            latched = not prediction.is_passing
            held = self._hold(prediction.failure, now_ns, latched)
            self._scheduler.postpone(self._clock.step(now_ns))
            return held
        horizon = self._manifest.horizon
        due = self._clock.step(now_ns) - prediction.request.tick
        if due >= horizon:
            self.counters.late += 1
            reason = f'prediction late: {due} steps after its observation, horizon {horizon}'
            return self._hold(reason, now_ns)
        try:
            outputs, direct = self._rows(prediction.chunk, horizon, max(due, 0), now_ns)
            if due > 0 and self._is_far(outputs[0], direct, now_ns):
                # It stood still while the model was asked: all rows are still ahead of it.
                outputs, direct = self._rows(prediction.chunk, horizon, 0, now_ns)
        except PolicyError as error:
            return self._hold(str(error), now_ns, latched=True)
        except UnreachableError as error:
            held = self._hold(str(error), now_ns)
            self._scheduler.postpone(self._clock.step(now_ns))
            return held
        return self._follow(outputs, direct, now_ns)

    def _follow(self, outputs: FloatArray, direct: DirectValues, now_ns: int) -> Commands:
        """Follow joints (n, J) and direct values, through the start gate if the robot stands."""
        if not (self._state.running or self._enter(outputs[0], direct, now_ns)):
            return ()
        self._direct.merge(direct, now_ns)
        commands = self._motion.merge(outputs, now_ns) if self._joints.joints else ()
        if not self._state.human and self._motion.seam_rad is not None:
            self.counters.seams_rad.append(self._motion.seam_rad)
        return commands

    def _rows(
        self, chunk: ActionChunk, horizon: int, row: int, now_ns: int
    ) -> tuple[FloatArray, DirectValues]:
        """The joints (n, J) and direct values of a chunk of so many rows, from a row on."""
        joints = self.human.joints if self._state.human else self._joints
        outputs = joints.from_slots(chunk, horizon, row, *self._start(now_ns))
        return outputs, self._direct.from_slots(chunk, horizon).from_row(row)

    def _start(self, now_ns: int) -> tuple[FloatArray, FloatArray]:
        """Where inverse kinematics starts from, (J,), and how far it may go at once, (J,).

        At rest it may go anywhere: the start gate looks at how far that is.
        """
        executed = self._motion.setpoint(now_ns)
        if self._state.running and executed is not None:
            return executed[0], self._settings.start_max * self._joints.unit
        measured = self._inputs.measured(now_ns)
        anywhere = np.full(len(self._joints.joints), np.inf)
        if isinstance(measured, Measured):
            return measured.positions, anywhere
        return np.zeros(len(anywhere)), anywhere

    def _count(self, commands: Commands, now_ns: int) -> None:
        chains = sum(chain.clamps for chain in self._joints.chains) + self.human.clamps
        self.counters.clamps = self._motion.clamps + self._direct.clamps + chains
        if not self._state.running:
            self.counters.pause()
        elif commands:
            self.counters.commanded(now_ns)

    def _gate(self, first: FloatArray, direct: DirectValues, measured: Measured) -> Gate:
        bounds = self._settings.start_tolerance, self._settings.start_max
        whose = ("the human's",) if self._state.human else ()
        gate = start_gate(first, measured.positions, self._joints, *bounds, *whose)
        return gate.and_(self._direct.gate(direct, measured.direct, *bounds, *whose))

    def _is_far(self, first: FloatArray, direct: DirectValues, now_ns: int) -> bool:
        """True if a robot that stands would be refused by the start gate."""
        measured = self._inputs.measured(now_ns)
        if self._state.running or not isinstance(measured, Measured):
            return False
        return self._gate(first, direct, measured).refusal is not None

    def _enter(self, first: FloatArray, direct: DirectValues, now_ns: int) -> bool:
        """Ask the start gate whether the robot may move, and start it if so."""
        measured = self._inputs.measured(now_ns)
        if not isinstance(measured, Measured):
            self._state.report(_problems(measured))
            return False
        # One sample may be a sensor's lie, also if it came after the request.
        sure = self._tracking.confirmed and not self._tracking.jumped(measured).any()
        sure &= self._direct.is_sure(measured.direct)
        if not (sure or self._settings.dry_run):
            self._scheduler.postpone(0)
            return False
        gate = self._gate(first, direct, measured)
        if gate.refusal is not None:
            self._hold(gate.refusal, now_ns)
            self._scheduler.postpone(self._clock.step(now_ns))
            return False
        self._stopping.cancel()
        limits = self._joints.limits
        first = np.clip(first, limits.lower, limits.upper)
        self._motion.begin(self._inputs.start(measured.positions, first), gate.blend_in, now_ns)
        self._direct.begin(measured.direct, gate.blend_in, now_ns)
        self._state.run(gate.blend_in)
        return True


def _sure(measured: Measured | Unusable) -> Measured | None:
    return measured if isinstance(measured, Measured) else None


def _problems(*read: object) -> list[str]:
    """List what is wrong with the streams, one line for each topic and kind of fault."""
    return together(f for item in read if isinstance(item, Unusable) for f in item.reasons)
