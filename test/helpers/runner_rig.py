"""A runner beside a simulated robot: joints, their controllers, a model, and one clock."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from helpers.cyclic_controller import VARIANTS
from helpers.lagging_robot import LaggingRobot
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.runner import Runner, Settings, TickResult
from neuracore_ros.sim.controller import TrajectoryController

SECOND = 1_000_000_000
START_NS = 1_700_000_000 * SECOND
RATE_HZ = 20.0
STEP_NS = SECOND // 20
TARGET = DataType.JOINT_TARGET_POSITIONS
POSITION = DataType.JOINT_POSITIONS

# Index 1 stays empty: somebody else's joint.
ROBOT = """
robot: two
limits:
  a: {position: [-1, 1], velocity: 2.0}
  b: {position: [-2, 0.5], velocity: 1.0, acceleration: 10.0}
input: {JOINT_POSITIONS: {0: a, 2: b}}
output: {JOINT_TARGET_POSITIONS: {0: a, 2: b}}
sources: {JOINT_POSITIONS: {topic: joint_states}}
commands: {JOINT_TARGET_POSITIONS: {topic: arm}}
"""


def manifest(horizon=16, observation_steps=1, outputs=(TARGET,)):
    slots = (0, 1, 2)
    return Manifest(
        {POSITION: InputSlots(3, slots)},
        {kind: OutputSlots(3, slots) for kind in outputs},
        rate_hz=RATE_HZ,
        horizon=horizon,
        observation_steps=observation_steps,
    )


def make_runner(folder, robot=ROBOT, policy=None, **settings):
    path = folder / 'robot.yaml'
    path.write_text(robot)
    return Runner(load_robot(path), policy or manifest(), Settings(**settings))


def joint_state(names, positions, stamp_ns):
    return SimpleNamespace(
        header=SimpleNamespace(
            stamp=SimpleNamespace(sec=stamp_ns // SECOND, nanosec=stamp_ns % SECOND)
        ),
        name=list(names),
        position=list(positions),
        velocity=[],
        effort=[],
    )


def as_message(command):
    """The JointTrajectory that the node makes of a command, without ROS."""

    def time(ns):
        return SimpleNamespace(sec=ns // SECOND, nanosec=ns % SECOND)

    def duration(time_s):
        return time(round(time_s * SECOND))

    speeds = itertools.repeat([]) if command.velocities is None else command.velocities.tolist()
    return SimpleNamespace(
        header=SimpleNamespace(stamp=time(command.stamp_ns)),
        joint_names=list(command.joint_names),
        points=[
            SimpleNamespace(
                time_from_start=duration(t), positions=p, velocities=v, accelerations=[], effort=[]
            )
            for t, p, v in zip(command.times_s, command.positions.tolist(), speeds, strict=False)
        ],
    )


def hold(value):
    """A model that always wants the same positions; slot 1 is nobody's and holds rubbish."""
    return lambda request: np.tile([value, np.nan, value], (16, 1))


@dataclass
class Rig:
    """Steps everything; a step is one tick of the runner and 5 ms simulation steps before it.

    Every command must pass the controller's own checks; all are kept with their time.
    """

    runner: Runner
    model: Callable = field(default_factory=lambda: hold(0.05))
    latency_steps: float = 0.4
    start: tuple = (0.0, 0.0)
    listeners: dict | None = field(default_factory=lambda: {'arm': 1})
    simulated: bool = False
    remote: bool = False

    names = ('a', 'b')

    def __post_init__(self):
        self.true_ns = START_NS
        self.skew_ns = 0
        self.positions = np.array(self.start)
        self.velocity = np.array([2.0, 1.0])
        self.velocities = np.zeros(len(self.positions))
        self.controller = TrajectoryController(self.names, self.positions)
        self.sent = []
        self.requests = []
        self.pending = None
        self.hindrances = []
        self.joints_alive = True
        self.went_back = False
        self.follows = True
        self.path = [self.positions.copy()]
        self.runner.steady = lambda: None if self.simulated else self.true_ns

    def move_by_hand(self, positions):
        """Put the joints somewhere else, where their controller then holds them."""
        self.positions = np.array(positions)
        self.controller = TrajectoryController(self.names, self.positions)

    def do(self, outcome):
        """Deliver what a call returned."""
        for command in outcome.commands:
            self.deliver(as_message(command))
            self.sent.append((self.now_ns, command))
        if outcome.request:
            self.requests.append(outcome.request)
            assert self.pending is None, 'a second request before the answer to the first'
            due_ns = self.now_ns + round(self.latency_steps * STEP_NS)
            self.pending = (due_ns, outcome.request)

    def deliver(self, message):
        """Give a message to the controller."""
        refused = self.controller.accept(message, self.true_ns, self.positions, self.velocities)
        assert refused is None

    @property
    def now_ns(self):
        """The runner's clock, which may jump; the controller's does not."""
        return self.true_ns + self.skew_ns

    def predict(self, request):
        """The chunk of the model."""
        return {TARGET: self.model(request)}

    def answer(self):
        if self.pending and self.pending[0] <= self.now_ns:
            request, self.pending = self.pending[1], None
            try:
                chunk = self.predict(request)
            except ArithmeticError as error:
                self.do(self.runner.failed(request, str(error), self.now_ns, self.remote))
            else:
                self.do(self.runner.predicted(request, chunk, self.now_ns))

    def simulate(self, duration_ns, period_ns=5_000_000):
        """Move the joints; joint states come every second simulation step."""
        for i in range(duration_ns // period_ns):
            self.true_ns += period_ns
            if self.follows:
                most = 1.001 * self.velocity * period_ns / SECOND
                change = self.controller.reference(self.true_ns) - self.positions
                moved = np.clip(change, -most, most)
                self.velocities = moved / (period_ns / SECOND)
                self.positions = self.positions + moved
            self.path.append(self.positions.copy())
            if self.joints_alive and i % 2:
                self.publish()
            self.answer()

    def publish(self, positions=None, stamp_ns=None):
        values = self.positions if positions is None else positions
        message = joint_state(self.names, values, stamp_ns or self.now_ns)
        self.runner.receive('joint_states', message, self.now_ns)

    def step(self, steps=1):
        for _ in range(steps):
            self.simulate(STEP_NS)
            self.do(self.runner.tick(self.now_ns, self.listeners, self.hindrances))
        return self

    @property
    def state(self):
        return self.runner.state.value

    @property
    def last(self):
        return self.sent[-1][1]


@dataclass
class LaggingRig(Rig):
    """A rig whose controller works in cycles, and whose joints lag behind; messages take time.

    The runner's time lies between two cycles, so that a message comes in the next one or in the
    one after it, as its delay will have it. Joint states come every 10 ms, single points at the
    runner's `point_rate_hz`. What the controller commands is in `robot`.
    """

    variant: str = 'measured'
    update_hz: float = 500.0
    lag_s: float = 0.04
    delay_s: tuple = (0.0003, 0.002)
    joint_state_hz: float = 100.0

    def __post_init__(self):
        super().__post_init__()
        self.robot = LaggingRobot(
            self.names,
            self.positions,
            START_NS - round(SECOND / self.update_hz) // 2,
            variant=VARIANTS[self.variant],
            update_hz=self.update_hz,
            lag_s=self.lag_s,
            delay_s=self.delay_s,
        )
        self.controller = self.robot.controller
        self.path = self.robot.path
        self.published_ns = self.pointed_ns = START_NS

    def deliver(self, message):
        self.robot.send(message, self.true_ns)

    def simulate(self, duration_ns, period_ns=None):
        """Whole cycles, as many as end within the time."""
        until_ns = self.true_ns + duration_ns
        period_ns = self.robot.period_ns
        while self.robot.now_ns + period_ns + period_ns // 2 <= until_ns:
            self.robot.frozen = not self.follows
            assert self.robot.step() is None
            self.true_ns = self.robot.now_ns + period_ns // 2
            self.positions, self.velocities = self.robot.positions, self.robot.velocities
            if self.joints_alive and self.is_time('published_ns', self.joint_state_hz):
                self.publish(stamp_ns=self.robot.now_ns + self.skew_ns)
            rate_hz = self.runner.point_rate_hz
            if rate_hz and self.is_time('pointed_ns', rate_hz):
                self.do(TickResult(self.runner.points(self.now_ns)))
            self.answer()
        self.true_ns = until_ns

    def is_time(self, last, rate_hz):
        """Whether it is time again for what was last done then; if so, it is done."""
        due = self.true_ns - getattr(self, last) >= SECOND / rate_hz
        if due:
            setattr(self, last, self.true_ns)
        return due
