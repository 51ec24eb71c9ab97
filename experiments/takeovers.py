"""Runs of a policy in lockstep that a scripted person watches, and finishes where it gets nowhere.

They are recorded as `record` does while a node runs: with who commands, and how it ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lift import PATIENCE_S, SIMULATOR, Done
from lockstep import EMPTY, STRING, Pilot, Recording, World, commands_of, header, make
from transfer import TRIAL_S

from neuracore_ros.control import REPEATED_S, Commander, Control
from neuracore_ros.physics.expert import LiftExpert

CONTROL, MARKER, LEADER = '/infer/control', '/record/episode', 'leader/joint_states'
LED = 'sensor_msgs/msg/JointState'


class Person:
    """Somebody who watches a policy, and takes over where it gets nowhere.

    What is left to do is the way from the fingertips to the cube, and how much higher it has to
    be.
    """

    STUCK_S = 1.5
    """So long nothing was gained."""
    GAIN_M = 0.005
    ASTRAY_M = 0.08
    """There is so much more to do than there was."""
    KNOCKED_M = 0.03
    """The cube lies so far from where it lay."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._place = world.simulated.cube
        self._least_m, self._since_ns = np.inf, world.now_ns

    def reason(self) -> str:
        """Why to take over now; '' while the policy may go on. To be asked after every step."""
        world, robot = self._world, self._world.simulated
        to_cube = robot.cube - robot.tool
        left_m = float(np.linalg.norm(to_cube)) + robot.distance()
        if left_m < self._least_m - self.GAIN_M:
            self._least_m, self._since_ns = left_m, world.now_ns
        moved_m = float(np.hypot(*(robot.cube - self._place)[:2]))
        if moved_m > self.KNOCKED_M and float(np.linalg.norm(to_cube)) > self.KNOCKED_M:
            return 'knocked'
        if left_m > self._least_m + self.ASTRAY_M:
            return 'astray'
        return 'stuck' if world.now_ns - self._since_ns > self.STUCK_S * 1e9 else ''


PilotOf = Callable[[Callable[[str, Any], None]], Pilot]
"""Who hears all messages -> the policy at the robot."""


class Said:
    """Writes who commands, at every change and every second, as the node does."""

    def __init__(self, recording: Recording, policy: str) -> None:
        self._recording, self._policy = recording, policy
        self._text, self._said_ns = '', 0

    def __call__(self, commander: Commander, now_ns: int) -> None:
        """To be called before each step."""
        policy = self._policy if commander is Commander.POLICY else ''
        text = Control(commander, policy).to_text()
        if text != self._text or now_ns - self._said_ns >= REPEATED_S * 1e9:
            self._text, self._said_ns = text, now_ns
            self._recording.write(CONTROL, make('String', text))


@dataclass(frozen=True, slots=True)
class Watched:
    """One run of a policy that a person watched.

    Attributes:
        seed: Of the place of the cube.
        reason: Why the person took over; '' not.
        success: Whether the cube was lifted in the end.
        policy_steps: Steps in which the policy commanded.
        human_steps: Steps in which the person did.
    """

    seed: int
    reason: str
    success: bool
    policy_steps: int
    human_steps: int


class Led:
    """A person who leads, by the runner's own takeover: the robot rests first, and follows."""

    def __init__(self, world: World, pilot: Pilot, recording: Recording) -> None:
        self._world, self._pilot, self._recording = world, pilot, recording
        self._expert = LiftExpert(world.simulated)
        pilot.send(pilot.runner.take_over(True, world.now_ns).commands)

    @property
    def commander(self) -> Commander:
        """Who commands now: nobody, until the robot rests."""
        return self._pilot.runner.commander

    def step(self) -> None:
        """Hold the leader where the expert wants the robot, and let one period pass."""
        names, positions = [], []
        for target in self._expert.targets(self._world.period_s):
            names += target.joint_names
            positions += list(target.positions)
        stamped = header(self._world.now_ns)
        message = make('JointState', stamped, names, np.array(positions), EMPTY, EMPTY)
        self._recording.write(LEADER, message)
        self._pilot.runner.receive(LEADER, message, self._world.now_ns)
        self._pilot.step()


class Direct:
    """A person who commands the controllers, as in demonstrations: at once, and without a lag.

    Attributes:
        commander: Who commands now.
    """

    commander = Commander.HUMAN

    def __init__(self, world: World, pilot: Pilot, recording: Recording) -> None:
        self._world, self._recording = world, recording
        self._expert = LiftExpert(world.simulated)
        pilot.runner.enable(False, world.now_ns)

    def step(self) -> None:
        """Command, and let one period pass."""
        for topic, command in commands_of(self._expert, self._world.period_s):
            self._world.accept(topic, command)
            self._recording.write(topic, command)
        for topic, message in self._world.step():
            self._recording.write(topic, message)


PERSONS = {'led': Led, 'direct': Direct}


def run_watched(
    pilot_of: PilotOf, kind: str, world: World, seed: int, bag: Path, policy: str
) -> Watched:
    """Let a policy try, and a person finish what it cannot; writes the bag of it."""
    robot = world.simulated
    robot.reset(seed)
    recording = Recording(world, bag, also={CONTROL: STRING, MARKER: STRING, LEADER: LED})
    said, watcher = Said(recording, policy), Person(world)
    pilot = pilot_of(recording.write)
    recording.write(MARKER, make('String', 'start'))
    lifted = Done(world, robot.tolerance(), SIMULATOR.stay_s)
    steps, success, reason = dict.fromkeys(Commander, 0), False, ''
    human: Led | Direct | None = None
    end_ns = world.now_ns + round(TRIAL_S * 1e9)
    while world.now_ns < end_ns and not success:
        commander = pilot.runner.commander if human is None else human.commander
        said(commander, world.now_ns)
        (human or pilot).step()
        steps[commander] += 1
        success = lifted()
        if human is None and not success and (reason := watcher.reason()):
            human = PERSONS[kind](world, pilot, recording)
            # As high, and as long, as in demonstrations.
            lifted = Done(world, robot.tolerance() / 2, SIMULATOR.linger_s)
            end_ns = world.now_ns + round(PATIENCE_S * 1e9)
    recording.write(MARKER, make('String', 'success' if success else 'discard'))
    recording.close()
    return Watched(seed, reason, success, steps[Commander.POLICY], steps[Commander.HUMAN])
