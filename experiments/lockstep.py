"""Trials of a simulated robot in lockstep, without ROS and as fast as the processor allows.

The messages are those that the simulated robots put on their topics, the policy runs in the
node's own `Runner`; only time does not pass by itself. ``goal`` is a topic that no camera robot
has: where the target is, in reaches, for studies that leave seeing out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_typestore

from neuracore_ros.bags.writer import BagWriter
from neuracore_ros.command.message import JointCommand
from neuracore_ros.command.settings import Settings
from neuracore_ros.description import Robot
from neuracore_ros.policy.policy import Policy
from neuracore_ros.runner import Runner
from neuracore_ros.runner.requests import Request
from neuracore_ros.runner.state import State
from neuracore_ros.sim.simulation import Expert, SimulatedRobot

STORE = get_typestore(Stores.ROS2_JAZZY)
JOINTS, GOAL = 'joint_states', 'goal'
TYPES = {
    JOINTS: 'sensor_msgs/msg/JointState',
    GOAL: 'std_msgs/msg/Float64MultiArray',
}
STRING = 'std_msgs/msg/String'
IMAGE, TRAJECTORY = 'sensor_msgs/msg/Image', 'trajectory_msgs/msg/JointTrajectory'
EMPTY = np.zeros(0)
START_NS = 1_000_000_000


def make(name: str, *fields: Any) -> Any:
    """A message by its type's last word."""
    packages = ('sensor', 'std', 'trajectory', 'builtin')
    found = (f'{package}_msgs/msg/{name}' for package in packages[:3])
    known = (*found, f'builtin_interfaces/msg/{name}')
    return next(STORE.types[kind] for kind in known if kind in STORE.types)(*fields)


def header(now_ns: int, frame: str = '') -> Any:
    """A header with a stamp."""
    return make('Header', make('Time', now_ns // 10**9, now_ns % 10**9), frame)


def trajectory(names: Sequence[str], points: Sequence[Any]) -> Any:
    """A JointTrajectory that starts on arrival."""
    return make('JointTrajectory', header(0), list(names), list(points))


def point(positions: Any, velocities: Any, at_s: float) -> Any:
    """One point of it, ``at_s`` after the start."""
    at_ns = round(at_s * 1e9)
    duration = make('Duration', at_ns // 10**9, at_ns % 10**9)
    return make('JointTrajectoryPoint', positions, velocities, EMPTY, EMPTY, duration)


def tell_goal(content: dict[str, Any], read: Sequence[str], told: Sequence[str]) -> None:
    """Let a robot file's content have the goal as numbers, in the place of cameras.

    Args:
        content: Of the file; changed.
        read: Those that the policy reads.
        told: All that the topic has, in its order.
    """
    del content['input']['RGB_IMAGES'], content['sources']['RGB_IMAGES']
    content['input']['CUSTOM_1D'] = dict(enumerate(read))
    content['sources']['CUSTOM_1D'] = {
        'topic': GOAL,
        'type': 'std_msgs/msg/Float64MultiArray',
        'order': list(told),
    }


class World:
    """One simulated robot and its clock.

    Args:
        simulated: The robot.
        cameras: Those that are drawn.
        reach: What positions of the goal are divided by [m]; 0: no goal is told.
        period_s: Of joint states, and of the simulation [s].
    """

    def __init__(
        self,
        simulated: SimulatedRobot,
        cameras: Sequence[str],
        reach: float,
        period_s: float = 0.05,
    ) -> None:
        self.simulated = simulated
        self.topics = {JOINTS: TYPES[JOINTS], **{f'{name}/image_raw': IMAGE for name in cameras}}
        if reach:
            self.topics[GOAL] = TYPES[GOAL]
        self.commands = dict.fromkeys(simulated.controllers, TRAJECTORY)
        self.now_ns = START_NS
        self._cameras = cameras
        self._reach = reach
        self.period_s = period_s

    def step(self, draws: bool = True) -> Iterator[tuple[str, Any]]:
        """Let one period pass; yields what the robot then says, by topic.

        Args:
            draws: Whether cameras have an image, which costs more than all the rest.
        """
        self.now_ns += round(self.period_s * 1e9)
        self.simulated.step(self.now_ns, self.period_s)
        positions, velocities = self.simulated.measure()
        names = list(self.simulated.published)
        stamped = header(self.now_ns)
        yield JOINTS, make('JointState', stamped, names, positions, velocities, EMPTY)
        if self._reach:
            layout = make('MultiArrayLayout', [], 0)
            yield GOAL, make('Float64MultiArray', layout, self.simulated.goal() / self._reach)
        for name in self._cameras if draws else ():
            image = self.simulated.draw(name)
            height, width, _ = image.shape
            fields = (height, width, 'rgb8', 0, 3 * width, image.reshape(-1))
            yield f'{name}/image_raw', make('Image', header(self.now_ns, name), *fields)

    def accept(self, topic: str, message: Any) -> None:
        """Give a command to the robot.

        Raises:
            AssertionError: Its controller rejects it.
        """
        reason = self.simulated.accept(topic, message, self.now_ns)
        assert reason is None, reason


def never() -> bool:
    """Until then, time goes on."""
    return False


class Recording:
    """A bag of all that is said, as `record` would write it.

    Args:
        world: The robot, whose clock it has.
        bag: Where to write.
        pair: What belongs together across robots, as of ``record --pair``; '' nothing.
        also: Further topics, and their types.
    """

    def __init__(
        self, world: World, bag: Path, pair: str = '', also: Mapping[str, str] | None = None
    ) -> None:
        topics = {**world.topics, **world.commands, **(also or {})}
        self._writer = BagWriter(bag, topics, notes={'pair': pair} if pair else {})
        self._world = world

    def write(self, topic: str, message: Any) -> None:
        """Add a message, at the world's time."""
        data = STORE.serialize_cdr(message, message.__msgtype__)
        self._writer.write(topic, self._world.now_ns, bytes(data))

    def close(self) -> None:
        """Give the bag its name."""
        self._writer.close()


def commands_of(expert: Expert, period_s: float) -> Iterator[tuple[str, Any]]:
    """What an expert commands now, by topic."""
    for target in expert.targets(period_s):
        points = [point(target.positions, EMPTY, target.ahead_s)]
        yield target.topic, trajectory(target.joint_names, points)


def record(
    world: World,
    expert: Expert,
    bag: Path,
    seconds: float,
    until: Callable[[], bool] = never,
    pair: str = '',
) -> None:
    """Let an expert do the trial, and write it to a bag as `record` would.

    Args:
        world: The robot, reset to its trial.
        expert: Made for that trial.
        bag: Where to write.
        seconds: How long, at most [s].
        until: Asked after every step whether it is enough.
        pair: What belongs together across robots, as of ``record --pair``; '' nothing.
    """
    recording = Recording(world, bag, pair)
    period_s, end_ns = world.period_s, world.now_ns + round(seconds * 1e9)
    while world.now_ns < end_ns:
        for topic, message in world.step():
            recording.write(topic, message)
        for topic, command in commands_of(expert, period_s):
            world.accept(topic, command)
            recording.write(topic, command)
        if until():
            break
    recording.close()


def ignore(topic: str, message: Any) -> None:
    """Note nothing."""


class Pilot:
    """A policy at a robot, step by step; a prediction is there one step after it was asked for.

    While the robot runs, images are drawn at those steps only at which the policy is asked.

    Args:
        world: The robot, reset to its trial.
        robot: Its file.
        policy: Made ready for this robot.
        settings: Of the runner.
        hears: Told every message, of the robot and of the runner.

    Attributes:
        runner: The node's own.
    """

    def __init__(
        self,
        world: World,
        robot: Robot,
        policy: Policy,
        settings: Settings,
        hears: Callable[[str, Any], None] = ignore,
    ) -> None:
        self.runner = Runner(robot, policy.manifest, settings)
        self._world, self._policy, self._hears = world, policy, hears
        self._wanted = policy.manifest.output_layout.valid(robot.output)
        self._listeners = dict.fromkeys(self.runner.command_topics, 1)
        self.runner.start(world.now_ns)
        self._between = settings.steps_between(policy.manifest.horizon, policy.manifest.rate_hz)
        self._request: Request | None = None
        self._asked = 0

    def step(self) -> None:
        """Let one period pass, and send what the runner commands."""
        world, runner = self._world, self.runner
        self._asked += 1
        is_seen = runner.state is not State.RUNNING or self._asked >= self._between
        for topic, message in world.step(is_seen):
            self._hears(topic, message)
            runner.receive(topic, message, world.now_ns)
        if (request := self._request) is not None:
            chunk = self._policy.predict(request.inputs, request.valid, self._wanted)
            self.send(runner.predicted(request, chunk, world.now_ns).commands)
        outcome = runner.tick(world.now_ns, self._listeners)
        self.send(outcome.commands)
        self._request = outcome.request
        if self._request is not None:
            self._asked = 0

    def send(self, commands: Sequence[JointCommand]) -> None:
        """Give the runner's commands to the robot; and to the runner, which hears its own."""
        world = self._world
        for command in commands:
            velocities = command.velocities
            points = [
                point(positions, EMPTY if velocities is None else velocities[n], at_s)
                for n, (positions, at_s) in enumerate(
                    zip(command.positions, command.times_s, strict=True)
                )
            ]
            message = trajectory(command.joint_names, points)
            world.accept(command.topic, message)
            self._hears(command.topic, message)
            self.runner.receive(command.topic, message, world.now_ns)
        self.runner.sent(commands, world.now_ns)


def drive(
    world: World,
    robot: Robot,
    policy: Policy,
    seconds: float,
    settings: Settings,
    until: Callable[[], bool | None] = never,
) -> None:
    """Let a policy do the trial.

    Args:
        world: The robot, reset to its trial.
        robot: Its file.
        policy: Made ready for this robot.
        seconds: How long, at most [s].
        settings: Of the runner.
        until: Asked after every step whether it is enough.
    """
    pilot = Pilot(world, robot, policy, settings)
    end_ns = world.now_ns + round(seconds * 1e9)
    while world.now_ns < end_ns:
        pilot.step()
        if until():
            break
