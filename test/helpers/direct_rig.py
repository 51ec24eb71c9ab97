"""A runner of outputs that are sent as they are, on one clock, and a robot that obeys them."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np

from helpers.runner_rig import RATE_HZ, SECOND, START_NS, STEP_NS
from neuracore_ros.description import load_robot
from neuracore_ros.kinematics.interpolation import distance
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.runner import DirectMessage, Runner, Settings

HORIZON = 16

BASE = """
robot: base
limits:
  forward: {velocity: 0.5, acceleration: 1.0}
  turn: {velocity: 1.0}
input: {CUSTOM_1D: {2: range}}
output: {CUSTOM_1D: {0: forward, 1: turn}}
sources: {CUSTOM_1D: {range: {topic: range, type: Float64}}}
commands:
  CUSTOM_1D: {topic: cmd_vel, type: Twist, names: {forward: linear.x, turn: angular.z}}
"""

VELOCITIES = """
robot: fast
limits: {a: {velocity: 2.0, acceleration: 8.0}, b: {velocity: 1.0}}
input: {JOINT_POSITIONS: {0: a, 1: b}}
output: {JOINT_VELOCITIES: {0: a, 1: b}}
sources:
  JOINT_POSITIONS: {topic: joint_states}
  JOINT_VELOCITIES: {topic: joint_states}
commands:
  JOINT_VELOCITIES: {topic: velocities, type: Float64MultiArray, order: [b, a]}
"""

INTEGRATED = """
robot: integrated
limits:
  a: {position: [-1, 1], velocity: 2.0, acceleration: 10.0}
  b: {position: [-1, 1], velocity: 1.0}
input: {JOINT_POSITIONS: {0: a, 1: b}}
output: {JOINT_VELOCITIES: {0: a, 1: b}}
sources: {JOINT_POSITIONS: {topic: joint_states}}
commands: {JOINT_VELOCITIES: {topic: arm}}
"""

TORQUES = """
robot: strong
limits: {a: {effort: 20.0}, b: {effort: 5.0}}
input: {JOINT_POSITIONS: {0: a, 1: b}}
output: {JOINT_TORQUES: {0: a, 1: b}}
sources:
  JOINT_POSITIONS: {topic: joint_states}
  JOINT_TORQUES: {topic: joint_states}
commands:
  JOINT_TORQUES: {topic: efforts, allow_torques: true, stop: STOP}
"""

HAND = """
robot: hand
limits: {hand: {velocity: 0.5, angular_velocity: 1.0}}
input: {END_EFFECTOR_POSES: {0: hand}}
output: {END_EFFECTOR_POSES: {0: hand}}
sources: {END_EFFECTOR_POSES: {topic: hand/pose, parent: base_link}}
commands:
  END_EFFECTOR_POSES: {topic: hand/target, type: TYPE, frame: base_link}
"""

KINDS = {
    'CUSTOM_1D': 3,
    'JOINT_POSITIONS': 2,
    'JOINT_TARGET_POSITIONS': 2,
    'JOINT_VELOCITIES': 2,
    'JOINT_TORQUES': 2,
    'END_EFFECTOR_POSES': 1,
}


def manifest_of(robot, horizon=HORIZON):
    """A policy that was trained on what a robot has, and on the slots below."""
    return Manifest(
        {k: InputSlots(KINDS[k], tuple(range(KINDS[k]))) for k in robot.input},
        {k: OutputSlots(KINDS[k], tuple(range(KINDS[k]))) for k in robot.output},
        rate_hz=RATE_HZ,
        horizon=horizon,
    )


def stamp(ns):
    return SimpleNamespace(sec=ns // SECOND, nanosec=ns % SECOND)


def pose_message(pose, stamp_ns):
    x, y, z, a, b, c, d = pose
    return SimpleNamespace(
        header=SimpleNamespace(stamp=stamp(stamp_ns), frame_id='base_link'),
        pose=SimpleNamespace(
            position=SimpleNamespace(x=x, y=y, z=z),
            orientation=SimpleNamespace(x=a, y=b, z=c, w=d),
        ),
    )


class DirectRig:
    """Steps a runner; messages are kept with their times, and the model answers at once.

    Attributes:
        model: From a request to the rows of the one DataType that is commanded, (H, W, ...).
        late: Whether the model keeps its answers to itself.
        alive: Whether the robot publishes.
        joint_of: Place of each joint's velocity in the messages, where joints are moved by them;
            None: nothing moves them.
        lag_ns: So late they are measured.
        way: When they were where.
    """

    def __init__(self, folder, text, model, **settings):
        path = folder / 'robot.yaml'
        path.write_text(text)
        self.robot = load_robot(path)
        self.runner = Runner(self.robot, manifest_of(self.robot), Settings(**settings))
        self.runner.steady = lambda: self.true_ns
        self.kind = next(iter(self.robot.output))
        self.topic = next(iter(self.runner.command_topics))
        self.model, self.late, self.alive = model, False, True
        self.true_ns, self.skew_ns = START_NS, 0
        self.positions, self.velocities, self.efforts = np.zeros(2), np.zeros(2), np.zeros(2)
        self.pose = np.array([0, 0, 0, 0, 0, 0, 1.0])
        self.follows = True
        self.joint_of, self.lag_ns = None, 0
        self.way = [(self.true_ns, self.positions)]
        self.listeners = {self.topic: 1}
        self.sent, self.requests = [], []

    @property
    def now_ns(self):
        return self.true_ns + self.skew_ns

    @property
    def state(self):
        return self.runner.state.value

    @property
    def reason(self):
        return self.runner.reason

    def publish(self):
        header = SimpleNamespace(stamp=stamp(self.now_ns))
        joints = SimpleNamespace(
            header=header,
            name=['a', 'b'],
            position=self.positions.tolist(),
            velocity=self.velocities.tolist(),
            effort=self.efforts.tolist(),
        )
        for topic, message in (
            ('joint_states', joints),
            ('range', SimpleNamespace(data=1.0)),
            ('hand/pose', pose_message(self.pose, self.now_ns)),
        ):
            self.runner.receive(topic, message, self.now_ns)

    def do(self, outcome):
        for command in outcome.commands:
            self.keep(command)
        if outcome.request is not None:
            self.requests.append(outcome.request)
            if not self.late:
                chunk = {self.kind: np.asarray(self.model(outcome.request), np.float32)}
                self.do(self.runner.predicted(outcome.request, chunk, self.now_ns))

    def keep(self, command):
        self.sent.append((self.true_ns, command))
        if self.follows and isinstance(command, DirectMessage) and len(command.values) == 7:
            self.pose = command.values.copy()

    def step(self, steps=1):
        """Whole steps: a tick each, and points in between where they are asked for."""
        for _ in range(steps):
            rate_hz = self.runner.point_rate_hz
            for _ in range(max(round(rate_hz / RATE_HZ), 1)):
                period_ns = round(SECOND / rate_hz) if rate_hz else STEP_NS
                self.true_ns += period_ns
                if self.joint_of and self.sent:
                    self.move(self.sent[-1][1].values[self.joint_of] * period_ns / SECOND)
                if self.alive:
                    self.publish()
                if rate_hz:
                    for command in self.runner.points(self.now_ns):
                        self.keep(command)
            self.do(self.runner.tick(self.now_ns, self.listeners))
        return self

    def move(self, by):
        """Move the joints, which are measured later."""
        self.way.append((self.true_ns, self.way[-1][1] + by))
        known = [at for t, at in self.way if t <= self.true_ns - self.lag_ns]
        self.positions = known[-1] if known else self.way[0][1]

    def brake(self):
        """What a node does that is told to end: the last points, one after the other."""
        self.do(self.runner.stop(self.now_ns))
        period_ns = round(SECOND / (self.runner.point_rate_hz or RATE_HZ))
        for _ in range(int(np.ceil(self.runner.rests_in_s(self.now_ns) * SECOND / period_ns))):
            for command in self.runner.points(self.now_ns):
                self.keep(command)
            self.true_ns += period_ns

    def values(self, since_ns=0):
        """What was sent since a time, (N, D)."""
        return np.array([c.values for t, c in self.sent if t > since_ns])

    def silent(self, steps=10):
        """Whether nothing is sent for a while."""
        count = len(self.sent)
        self.step(steps)
        return len(self.sent) == count


def always(*row):
    """A model that wants the same at each step."""
    return lambda request: np.tile(np.array(row, float), (HORIZON, *[1] * np.ndim(row)))


def fastest(poses, period_s):
    """The largest speeds [m/s], [rad/s] between poses that were sent, (N, 7)."""
    pairs = pairwise(poses)
    return np.array([distance(*pair) for pair in pairs]).max(axis=0) / period_s
