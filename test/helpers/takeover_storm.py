"""Takeovers amid everything that can go wrong, in lockstep: what is checked after every step.

A gripper, which passes start gate and jumps, says whose command it is: the policy sends it to a
mark of its own after each change of hands, and the human to `HUMAN_MARK`.
"""

import math

import numpy as np

from helpers.runner_rig import RATE_HZ, SECOND, START_NS, STEP_NS, as_message, joint_state
from neuracore_ros.control import Commander
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.runner import Runner, Settings
from neuracore_ros.sim.controller import TrajectoryController

HORIZON = 16
PERIOD_NS = SECOND // 100
HUMAN_MARK = 0.9
MARKS = 20
# A stream may be so old that is obeyed, and a step is made later.
OBEYED_NS = round(0.2 * SECOND)
RESTS_NS = round(0.56 * SECOND)

TARGET = DataType.JOINT_TARGET_POSITIONS
GRIP = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS

# Two arms on two topics, led by two leaders.
ARMS = """
robot: arms
limits:
  a: {position: [-1, 1], velocity: 2.0}
  b: {position: [-2, 0.5], velocity: 1.0, acceleration: 10.0}
  c: {position: [-1.5, 1.5], velocity: 1.5ACCELERATION}
  grip: {position: [0, 1], velocity: 100}
input:
  JOINT_POSITIONS: {0: a, 1: b, 2: c}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: grip}
output:
  JOINT_TARGET_POSITIONS: {0: a, 1: b, 2: c}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: grip}
sources:
  JOINT_POSITIONS: {topic: left_states, c: {topic: right_states}}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: right_states}
commands:
  JOINT_TARGET_POSITIONS: {topic: left, c: {topic: right}}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: right}
teleop:
  JOINT_TARGET_POSITIONS: {topic: left_leader, c: {topic: right_leader}}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: right_leader}
"""
SOUND = 'sound'
LEADERS = (
    SOUND, SOUND, SOUND, SOUND, 'dead', 'nan', 'ahead', 'ago', 'beyond', 'frozen', 'jumps', 'racing'
)  # fmt: skip
MODELS = (SOUND, SOUND, SOUND, 'fails', 'passes', 'shape', 'nan', 'huge', 'silent')


class ArmsStorm:
    """Two arms, a gripper, a policy and two leaders.

    Attributes:
        lies: Whether measured joints may be wrong; the command then need not be continuous.
        human: Whether a human should have the robot by what was called.
        hands: How often it has changed hands.
        moved_ns: When somebody's commands went out last.
        log: What has happened.
    """

    names = ('a', 'b', 'c', 'grip')
    topics = {'left': ('a', 'b'), 'right': ('c', 'grip')}
    velocity = np.array([2.0, 1.0, 1.5, 100.0])
    acceleration = np.array([9.0, 10.0, 8.0, np.inf])
    lower = np.array([-1.0, -2.0, -1.5, 0.0])
    upper = np.array([1.0, 0.5, 1.5, 1.0])
    start = np.zeros(4)
    text = ARMS.replace('ACCELERATION', '')
    rate_hz = RATE_HZ

    def __init__(self, folder, seed, lies=False, text='', **settings):
        self.random = np.random.default_rng(seed)
        self.settings = Settings(**settings)
        robot = load_robot(self.describe(folder, text or self.text))
        self.runner = Runner(robot, self.manifest(robot), self.settings)
        self.true_ns, self.skew_ns = START_NS, 0
        self.runner.steady = lambda: self.true_ns
        self.begin_robot()
        self.lies = lies
        self.measured, self.listeners = SOUND, dict.fromkeys(self.runner.command_topics, 1)
        self.hindrances = []
        self.model, self.latency_steps, self.pending = SOUND, 0.6, None
        self.wants = np.zeros(3)
        self.leaders = dict.fromkeys(self.runner.human.topics, SOUND)
        self.good_ns = dict.fromkeys(self.leaders, 0)
        self.frozen_ns, self.base, self.pace = {}, None, 1.0
        self.human, self.hands, self.moved_ns = False, 0, 0
        self.log, self.seen_human, self.seen_policy = [], 0, 0

    def describe(self, folder, text):
        path = folder / 'robot.yaml'
        path.write_text(text)
        return path

    def manifest(self, robot):
        return Manifest(
            {
                DataType.JOINT_POSITIONS: InputSlots(3, (0, 1, 2)),
                DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS: InputSlots(1, (0,)),
            },
            {TARGET: OutputSlots(3, (0, 1, 2)), GRIP: OutputSlots(1, (0,))},
            rate_hz=self.rate_hz,
            horizon=HORIZON,
        )

    # The robot

    def begin_robot(self):
        self.reference = self.start.copy()
        self.positions, self.speed = self.reference.copy(), np.zeros(len(self.names))
        self.controllers = {
            topic: TrajectoryController(names, self.start[self.columns(topic)])
            for topic, names in self.topics.items()
        }

    def columns(self, topic):
        return [self.names.index(name) for name in self.topics[topic]]

    @property
    def now_ns(self):
        return self.true_ns + self.skew_ns

    def mark(self):
        """The policy's mark since the hands changed last."""
        return 0.02 * (self.hands % MARKS)

    def take(self, commands):
        """Check what goes out, and give it to the controllers."""
        if self.settings.dry_run:
            return
        moves, human = self.runner.moves, self.runner.taken_over
        for command in commands:
            columns = self.columns(command.topic)
            assert np.isfinite(command.positions).all()
            assert (command.positions >= self.lower[columns] - 1e-6).all(), command
            assert (command.positions <= self.upper[columns] + 1e-6).all(), command
            if 'grip' in self.topics[command.topic] and moves and command.velocities is not None:
                self.check_mark(command, HUMAN_MARK if human else self.mark())
            given = self.true_ns, self.positions[columns], self.speed[columns]
            refused = self.controllers[command.topic].accept(as_message(command), *given)
            assert refused is None, refused

    def check_mark(self, command, mark):
        """The gripper goes to the mark of whoever commands."""
        found, before = command.positions[:, -1], self.reference[-1]
        if self.settings.profile == 'ruckig' or self.settings.max_ahead_s < 0.2:
            # It comes no further in one message than a part of the way.
            assert (found - before).sum() * (mark - before) >= -1e-6, (found, mark, before)
        else:
            assert np.abs(found - mark).min() < 1e-6, (found, mark)

    def follow(self):
        """Let a period pass in the controllers."""
        before, speed = self.reference, self.speed
        self.reference = np.concatenate(
            [controller.reference(self.true_ns) for controller in self.controllers.values()]
        )
        self.speed = (self.reference - before) * (SECOND / PERIOD_NS)
        still = np.abs(self.speed).max() < 1e-6
        if not self.lies:
            assert (np.abs(self.speed) <= self.velocity * 1.01).all(), self.speed
            if self.settings.profile == 'ruckig':
                change = np.abs(self.speed - speed) * (SECOND / PERIOD_NS)
                assert (change <= self.acceleration * 1.05 + 1e-3).all(), change
            if self.true_ns - self.moved_ns > RESTS_NS:
                assert still, 'it does not come to rest'
        if self.measured != 'stuck':
            self.positions = self.reference.copy()

    def publish(self):
        for topic, names in self.topics.items():
            if self.measured == 'silent' or self.measured == topic:
                continue
            values = self.positions[self.columns(topic)].copy()
            if self.measured == 'jumps' and self.random.random() < 0.1:
                values[0] += self.random.uniform(-2.0, 2.0)
            if self.measured == 'nan':
                values[0] = math.nan
            message = joint_state(names, values, self.now_ns)
            self.runner.receive(f'{topic}_states', message, self.now_ns)

    # The people

    def led(self):
        """Where sound leaders are."""
        if self.base is None:
            self.base = self.reference.copy(), self.true_ns
        start, since_ns = self.base
        t = (self.true_ns - since_ns) / SECOND
        values = start + 0.3 * np.sin(self.pace * t) * np.array([1, -0.5, 0.8, 0])
        values[-1] = HUMAN_MARK
        return values

    def lead(self):
        values = self.led()
        for topic in self.leaders:
            self.lead_on(topic, self.leaders[topic], values)

    def led_message(self, topic, own, stamp_ns):
        return joint_state(self.topics[topic.removesuffix('_leader')], own, stamp_ns)

    def lead_on(self, topic, mode, values):
        own = values[self.columns(topic.removesuffix('_leader'))].copy()
        stamp_ns, good = self.now_ns, True
        match mode:
            case 'dead':
                return
            case 'nan':
                own[0], good = self.random.choice([math.nan, math.inf]), False
            case 'ahead':
                stamp_ns, good = stamp_ns + 5 * SECOND, False
            case 'ago':
                stamp_ns, good = stamp_ns - 5 * SECOND, False
            case _ if topic == 'grip_leader':
                pass
            case 'beyond':
                own[0] = 40.0 * self.random.choice([-1, 1])
            case 'frozen':
                good = topic not in self.frozen_ns
                stamp_ns = self.frozen_ns.setdefault(topic, stamp_ns)
            case 'jumps':
                own[0] += self.random.uniform(-1.5, 1.5)
            case 'racing':
                own[0] += 3.0 * math.sin(3.0 * (self.true_ns - START_NS) / SECOND)
        if mode != 'frozen':
            self.frozen_ns.pop(topic, None)
        if good:
            self.good_ns[topic] = self.true_ns
        self.runner.receive(topic, self.led_message(topic, own, stamp_ns), self.now_ns)

    def chunk(self):
        rows = np.tile(self.wants, (HORIZON, 1))
        return {TARGET: rows, GRIP: np.full((HORIZON, 1), self.mark())}

    def answer(self):
        if self.pending is None or self.pending[0] > self.true_ns or self.model == 'silent':
            return
        request, chunk = self.pending[1:]
        self.pending = None
        first = next(iter(chunk))
        match self.model:
            case 'fails' | 'passes':
                passing = self.model == 'passes'
                self.do(self.runner.failed(request, 'it fails', self.now_ns, passing))
                return
            case 'shape':
                chunk = {**chunk, first: chunk[first][:3]}
            case 'nan':
                chunk = {**chunk, first: chunk[first] * math.nan}
            case 'huge':
                chunk = {**chunk, first: chunk[first].copy()}
                chunk[first][..., 0] = 1e12
        self.do(self.runner.predicted(request, chunk, self.now_ns))

    # Time

    def do(self, outcome):
        self.take(outcome.commands)
        if outcome.request is not None:
            assert self.pending is None, 'a second request before the answer to the first'
            assert not self.runner.taken_over
            due_ns = self.true_ns + round(self.latency_steps * STEP_NS)
            self.pending = due_ns, outcome.request, self.chunk()
        self.check_words()

    def check_words(self):
        runner = self.runner
        moves = runner.moves and runner.is_active and not self.settings.dry_run
        whose = Commander.HUMAN if self.human else Commander.POLICY
        assert runner.commander is (whose if moves else Commander.NOBODY)
        assert runner.taken_over is self.human
        assert '\n' not in runner.reason
        if moves:
            self.moved_ns = self.true_ns
            self.seen_human += self.human
            self.seen_policy += not self.human

    def pass_period(self, ticking=True):
        self.true_ns += PERIOD_NS
        # What was sent last goes on while nobody comes to end it.
        if self.runner.moves or not ticking:
            self.moved_ns = self.true_ns
        self.follow()
        self.publish()
        self.lead()
        self.answer()
        if self.runner.point_rate_hz and ticking:
            self.take(self.runner.points(self.now_ns))

    def step(self):
        step_ns = round(SECOND / self.runner.tick_rate_hz)
        for _ in range(step_ns // PERIOD_NS):
            self.pass_period()
        self.do(self.runner.tick(self.now_ns, self.listeners, self.hindrances))
        if self.human and self.true_ns - min(self.good_ns.values()) > OBEYED_NS + step_ns:
            assert not self.runner.moves, 'a human is obeyed who has fallen silent'

    # Events

    def grasp(self):
        """Leaders are brought to where the robot is."""
        self.base, self.pace = None, self.random.uniform(0.5, 4.0)

    def change_hands(self, on):
        outcome = self.runner.take_over(on, self.now_ns)
        if on is not self.human and self.runner.is_active:
            self.human, self.hands = on, self.hands + 1
        self.do(outcome)

    def happen(self):
        random = self.random
        kinds = (
            'takeover', 'takeover', 'hand back', 'grasp', 'grasp', 'enable', 'disable', 'reset',
            'stop', 'start', 'leader', 'leader', 'model', 'latency', 'wants', 'clock', 'stall',
            'listeners', 'hindrance', 'disturbed', 'measured', 'heal', 'heal',
        )  # fmt: skip
        kind = random.choice(kinds)
        self.log.append(str(kind))
        match kind:
            case 'takeover':
                self.change_hands(True)
                if random.random() < 0.7:
                    self.heal()
                    self.grasp()
            case 'hand back':
                self.change_hands(False)
            case 'grasp':
                self.grasp()
            case 'enable' | 'disable':
                self.do(self.runner.enable(bool(kind == 'enable'), self.now_ns))
            case 'reset':
                self.do(self.runner.reset(self.now_ns))
            case 'stop':
                self.do(self.runner.stop(self.now_ns))
            case 'start':
                if not self.runner.is_active:
                    self.human, self.hands = False, self.hands + 1
                    self.runner.start(self.now_ns)
            case 'leader':
                topic = random.choice(list(self.leaders))
                self.leaders[topic] = str(random.choice(LEADERS))
                self.log.append(f'{topic} {self.leaders[topic]}')
            case 'model':
                self.model = str(random.choice(MODELS))
            case 'latency':
                self.latency_steps = random.choice([0.0, 0.4, 1.5, 6.3, 20.0])
            case 'wants':
                self.wants = random.uniform(-0.5, 0.5, 3)
            case 'clock':
                self.skew_ns += round(random.choice([-3.0, -0.3, -0.05, 0.02, 0.4, 5.0]) * SECOND)
            case 'stall':
                for _ in range(int(random.integers(1, 40))):
                    self.pass_period(ticking=False)
            case 'listeners':
                topic = random.choice(list(self.listeners))
                self.listeners[topic] = 1 - self.listeners[topic]
            case 'hindrance':
                self.hindrances = [] if self.hindrances else ['the slider is at 50 %']
            case 'disturbed':
                self.do(self.runner.disturbed('another commands', self.now_ns))
            case 'measured':
                wrong = ['silent', *self.topics] + ['nan', 'jumps', 'stuck'] * self.lies
                self.measured = str(random.choice([SOUND, *wrong]))
            case 'heal':
                self.heal()

    def heal(self):
        self.listeners = dict.fromkeys(self.listeners, 1)
        self.measured, self.model, self.hindrances = SOUND, SOUND, []
        self.leaders = dict.fromkeys(self.leaders, SOUND)
        if not self.runner.is_active:
            self.human, self.hands = False, self.hands + 1
            self.runner.start(self.now_ns)
        self.do(self.runner.enable(True, self.now_ns))

    def run(self, events):
        """Let so many things happen, with some steps after each."""
        for _ in range(events):
            self.happen()
            for _ in range(int(self.random.integers(1, 14))):
                self.step()
        return self
