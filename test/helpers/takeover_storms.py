"""Storms of takeovers over other robots: a hand led by a tracker, a base, joints led by speeds."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.direct_rig import pose_message
from helpers.runner_rig import SECOND, START_NS, joint_state
from helpers.small_chain import JOINTS, describe, pose
from helpers.takeover_storm import GRIP, HORIZON, HUMAN_MARK, RESTS_NS, SOUND, ArmsStorm
from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots

HAND = """
robot: planar
urdf: planar.urdf
limits: {grip: {position: [0, 1], velocity: 100}}
chains:
  hand:
    base: base
    tip: tool
    base_offset: {xyz: [0, 0, 0], rpy: [0, 0, 1.5707963267948966]}
    tip_offset: {xyz: [0.05, 0, 0]}
input: {END_EFFECTOR_POSES: {0: hand}, PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: grip}}
output: {END_EFFECTOR_POSES: {0: hand}, PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: grip}}
sources:
  END_EFFECTOR_POSES: {topic: arm_states, type: JointState}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: grip_states}
commands:
  END_EFFECTOR_POSES: {topic: arm}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: grip}
teleop:
  END_EFFECTOR_POSES: {topic: arm_leader}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: grip_leader}
"""


class HandStorm(ArmsStorm):
    """An arm that is commanded by the pose of its hand, and led by a tracker."""

    names = (*JOINTS, 'grip')
    topics = {'arm': JOINTS, 'grip': ('grip',)}
    velocity = np.array([2.0, 2.0, 4.0, 100.0])
    acceleration = np.full(4, np.inf)
    lower, upper = np.array([-3.0, -3, -3, 0]), np.array([3.0, 3, 3, 1])
    start = np.array([0.5, 0.9, -0.4, 0.0])
    text = HAND

    def describe(self, folder, text):
        return describe(folder, text)

    def manifest(self, robot):
        return Manifest(
            {kind: InputSlots(1, (0,)) for kind in robot.input},
            {kind: OutputSlots(1, (0,)) for kind in robot.output},
            rate_hz=self.rate_hz,
            horizon=HORIZON,
        )

    def chunk(self):
        row = pose(*(self.start[:3] + 0.5 * self.wants))
        poses = np.tile(row, (HORIZON, 1, 1))
        return {
            DataType.END_EFFECTOR_POSES: poses,
            GRIP: np.full((HORIZON, 1), self.mark()),
        }

    def led_message(self, topic, own, stamp_ns):
        if topic != 'arm_leader':
            return super().led_message(topic, own, stamp_ns)
        if not np.isfinite(own).all():
            return pose_message((math.nan,) * 7, stamp_ns)
        first, second, third = np.cumsum(own)
        # Of the tip, in the base of the chain.
        x = 0.4 * np.cos(first) + 0.3 * np.cos(second) + 0.1 * np.cos(third)
        y = 0.4 * np.sin(first) + 0.3 * np.sin(second) + 0.1 * np.sin(third)
        turn = 0.0, 0.0, np.sin(third / 2), np.cos(third / 2)
        return pose_message((x, y, 0.0, *turn), stamp_ns)


BASE = """
robot: base
limits:
  forward: {velocity: 0.4, acceleration: 1.0}
  turn: {velocity: 1.0}
  mark: {velocity: 2.0}
input: {CUSTOM_1D: {3: range}}
output: {CUSTOM_1D: {0: forward, 1: turn, 2: mark}}
sources: {CUSTOM_1D: {range: {topic: base_states, type: Float64}}}
commands:
  CUSTOM_1D:
    topic: base
    type: Twist
    names: {forward: linear.x, turn: angular.z, mark: linear.z}
teleop:
  CUSTOM_1D:
    topic: base_leader
    type: TwistStamped
    names: {forward: linear.x, turn: angular.z, mark: linear.z}
"""


class BaseStorm(ArmsStorm):
    """A base that takes twists, led by a joystick."""

    names = ('forward', 'turn', 'mark')
    topics = {'base': names}
    most = np.array([0.4, 1.0, 2.0])
    text = BASE

    def manifest(self, robot):
        return Manifest(
            {kind: InputSlots(4, (0, 1, 2, 3)) for kind in robot.input},
            {kind: OutputSlots(4, (0, 1, 2, 3)) for kind in robot.output},
            rate_hz=self.rate_hz,
            horizon=HORIZON,
        )

    def begin_robot(self):
        self.reference, self.sent_ns = np.zeros(3), START_NS

    def take(self, commands):
        if self.settings.dry_run:
            return
        for command in commands:
            values = command.values[[0, 5, 2]]
            assert np.isfinite(values).all()
            assert (np.abs(values) <= self.most + 1e-9).all(), values
            passed_s = (self.true_ns - self.sent_ns) / SECOND
            # A twist that comes late may be further on, or at rest.
            change = abs(values[0] - self.reference[0])
            assert change <= 1.0 * passed_s + 1e-6, (change, passed_s)
            if self.runner.moves:
                mark = HUMAN_MARK if self.runner.taken_over else self.mark()
                # It falls where a plan has run out that nobody renews.
                falls = 0.0 <= values[2] <= self.reference[2] <= mark + 1e-6
                assert falls or values[2] == pytest.approx(mark, abs=1e-6)
            self.reference, self.sent_ns = values, self.true_ns

    def follow(self):
        assert self.true_ns - self.moved_ns <= RESTS_NS or not self.reference.any()

    def publish(self):
        if self.measured == SOUND:
            self.runner.receive('base_states', SimpleNamespace(data=1.0), self.now_ns)

    def led(self):
        t = self.pace * (self.true_ns - START_NS) / SECOND
        return np.array([0.5 * math.sin(t), 0.8 * math.sin(2.0 * t), HUMAN_MARK])

    def led_message(self, topic, own, stamp_ns):
        message = joint_state((), (), stamp_ns)
        linear = SimpleNamespace(x=own[0], y=0.0, z=own[2])
        message.twist = SimpleNamespace(
            linear=linear, angular=SimpleNamespace(x=0.0, y=0.0, z=own[1])
        )
        return message

    def chunk(self):
        row = [self.wants[0], self.wants[1], self.mark(), 0.0]
        return {DataType.CUSTOM_1D: np.tile(row, (HORIZON, 1))}


SPEEDS = """
robot: integrated
limits:
  a: {position: [-1, 1], velocity: 2.0, acceleration: 10.0}
  b: {position: [-1, 1], velocity: 1.0}
input: {JOINT_POSITIONS: {0: a, 1: b}}
output: {JOINT_VELOCITIES: {0: a, 1: b}}
sources: {JOINT_POSITIONS: {topic: arm_states}}
commands: {JOINT_VELOCITIES: {topic: arm}}
teleop: {JOINT_VELOCITIES: {topic: arm_leader}}
"""


class SpeedStorm(ArmsStorm):
    """Joints whose speeds are commanded, and sent as trajectories."""

    names = ('a', 'b')
    topics = {'arm': names}
    velocity = np.array([2.0, 1.0])
    acceleration = np.full(2, np.inf)
    lower, upper = np.array([-1.0, -1.0]), np.array([1.0, 1.0])
    start = np.zeros(2)
    text = SPEEDS

    def manifest(self, robot):
        return Manifest(
            {kind: InputSlots(2, (0, 1)) for kind in robot.input},
            {kind: OutputSlots(2, (0, 1)) for kind in robot.output},
            rate_hz=self.rate_hz,
            horizon=HORIZON,
        )

    def led(self):
        t = self.pace * (self.true_ns - START_NS) / SECOND
        return np.array([1.5 * math.sin(t), 0.8 * math.cos(2.0 * t)])

    def led_message(self, topic, own, stamp_ns):
        message = joint_state(self.names, (0.0, 0.0), stamp_ns)
        message.velocity = list(own)
        return message

    def chunk(self):
        return {DataType.JOINT_VELOCITIES: np.tile(self.wants[:2], (HORIZON, 1))}
