"""Trials of a simulated robot in lockstep, without ROS and as fast as the processor allows.

The messages are those that the simulated robots put on their topics, the policy runs in the
node's own `Runner`; only time does not pass by itself. ``goal`` is a topic that no camera robot
has: where the target is, in reaches, for studies that leave seeing out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from neuracore_ros.runner.state import State
from neuracore_ros.sim.simulation import Expert, SimulatedRobot

STORE = get_typestore(Stores.ROS2_JAZZY)
JOINTS, GOAL = 'joint_states', 'goal'
TYPES = {
    JOINTS: 'sensor_msgs/msg/JointState',
    GOAL: 'std_msgs/msg/Float64MultiArray',
}
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
        self._period_s = period_s

    def step(self, draws: bool = True) -> Iterator[tuple[str, Any]]:
        """Let one period pass; yields what the robot then says, by topic.

        Args:
            draws: Whether cameras have an image, which costs more than all the rest.
        """
        self.now_ns += round(self._period_s * 1e9)
        self.simulated.step(self.now_ns, self._period_s)
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


def record(
    world: World, expert: Expert, bag: Path, seconds: float, until: Callable[[], bool] = never
) -> None:
    """Let an expert do the trial, and write it to a bag as `record` would.

    Args:
        world: The robot, reset to its trial.
        expert: Made for that trial.
        bag: Where to write.
        seconds: How long, at most [s].
        until: Asked after every step whether it is enough.
    """
    writer = BagWriter(bag, {**world.topics, **world.commands})
    period_s, end_ns = world._period_s, world.now_ns + round(seconds * 1e9)

    def write(topic: str, message: Any) -> None:
        data = STORE.serialize_cdr(message, message.__msgtype__)
        writer.write(topic, world.now_ns, bytes(data))

    while world.now_ns < end_ns:
        for topic, message in world.step():
            write(topic, message)
        for target in expert.targets(period_s):
            points = [point(target.positions, EMPTY, target.ahead_s)]
            command = trajectory(target.joint_names, points)
            world.accept(target.topic, command)
            write(target.topic, command)
        if until():
            break
    writer.close()


def drive(
    world: World,
    robot: Robot,
    policy: Policy,
    seconds: float,
    settings: Settings,
    until: Callable[[], bool | None] = never,
) -> None:
    """Let a policy do the trial; a prediction is there one step after it was asked for.

    While the robot runs, images are drawn at those steps only at which the policy is asked.

    Args:
        world: The robot, reset to its trial.
        robot: Its file.
        policy: Made ready for this robot.
        seconds: How long, at most [s].
        settings: Of the runner.
        until: Asked after every step whether it is enough.
    """
    runner = Runner(robot, policy.manifest, settings)
    wanted = policy.manifest.output_layout.valid(robot.output)
    listeners = dict.fromkeys(runner.command_topics, 1)
    runner.start(world.now_ns)
    end_ns = world.now_ns + round(seconds * 1e9)
    between = settings.steps_between(policy.manifest.horizon, policy.manifest.rate_hz)
    request, asked = None, 0
    while world.now_ns < end_ns:
        asked += 1
        for topic, message in world.step(runner.state is not State.RUNNING or asked >= between):
            runner.receive(topic, message, world.now_ns)
        if request is not None:
            chunk = policy.predict(request.inputs, request.valid, wanted)
            answered = runner.predicted(request, chunk, world.now_ns)
            _send(world, runner, answered.commands)
        outcome = runner.tick(world.now_ns, listeners)
        _send(world, runner, outcome.commands)
        request = outcome.request
        if request is not None:
            asked = 0
        if until():
            break


def _send(world: World, runner: Runner, commands: Sequence[JointCommand]) -> None:
    """Give commands to the robot; and to the runner, since the node hears its own topics, too."""
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
        runner.receive(command.topic, message, world.now_ns)
    runner.sent(commands, world.now_ns)
