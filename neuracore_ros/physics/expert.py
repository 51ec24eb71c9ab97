"""The expert: above the cube, down, close, up; and back to the beginning where that fails."""

from __future__ import annotations

from enum import Enum, auto

import mujoco
import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.physics.lift import TOOL, LiftRobot
from neuracore_ros.sim.simulation import Target


class LiftPhase(Enum):
    """The phase of the expert's motion."""

    APPROACH = auto()
    DESCEND = auto()
    CLOSE = auto()
    LIFT = auto()


class LiftExpert:
    """A feedback law on the positions of tool and cube now, so that it corrects disturbances."""

    GAIN = 5.0
    """Tool speed per distance left [1/s]."""
    FASTEST = 0.35
    """Of the tool [m/s]."""
    FASTEST_JOINT = 1.5
    """Of any joint [rad/s]; slower joints are asked for no more than ``SHARE`` of their speed."""
    SHARE = 0.9
    ABOVE_M = 0.08
    """Where it approaches to, above the cube."""
    CLOSING_S = 0.4
    """How long it closes before it lifts, at least."""
    CLOSED = 0.6
    """It closes so far of the way that its fingers have, before it lifts."""
    AHEAD_S = 0.1
    """Twice the period: a command that is late by less leaves no pause in the motion."""

    def __init__(self, robot: LiftRobot) -> None:
        self._robot = robot
        self._phase = LiftPhase.APPROACH
        self._closing_s = 0.0
        self._fastest = np.minimum(self.FASTEST_JOINT, self.SHARE * np.array(robot.arm.speeds))
        way = abs(robot.arm.opened - robot.arm.closed)
        self._waits_s = max(self.CLOSING_S, self.CLOSED * way / robot.arm.speed)
        at_home = mujoco.MjData(robot.model)
        at_home.qpos[robot.positions_at] = robot.home
        mujoco.mj_kinematics(robot.model, at_home)
        self._upright = _tool_orientation(at_home)

    def targets(self, period_s: float) -> list[Target]:
        """A command to the arm, and one to the gripper."""
        robot, arm = self._robot, self._robot.arm
        offset = robot.cube - robot.tool
        self._phase = self._next_phase(offset, period_s)
        positions = robot.positions + self.AHEAD_S * self._joint_speeds(self._way(offset))
        grips = self._phase in {LiftPhase.CLOSE, LiftPhase.LIFT}
        opening = np.array([arm.closed if grips else arm.opened])
        topics = tuple(robot.controllers)
        return [
            Target(topics[0], arm.joints, positions, self.AHEAD_S),
            Target(topics[1], (arm.finger,), opening, self.AHEAD_S),
        ]

    def _next_phase(self, offset: FloatArray, period_s: float) -> LiftPhase:
        """The phase that follows, given the way from tool to cube (3,) [m]."""
        aside, height = float(np.hypot(*offset[:2])), abs(float(offset[2]))
        if self._phase is LiftPhase.APPROACH and aside < 0.012:
            return LiftPhase.DESCEND
        if self._phase is LiftPhase.DESCEND and aside > 0.03:
            return LiftPhase.APPROACH
        if self._phase is LiftPhase.DESCEND and aside < 0.01 and height < 0.01:
            self._closing_s = 0.0
            return LiftPhase.CLOSE
        if self._phase is LiftPhase.CLOSE:
            self._closing_s += period_s
            return LiftPhase.LIFT if self._closing_s > self._waits_s else LiftPhase.CLOSE
        if self._phase is LiftPhase.LIFT and float(np.linalg.norm(offset)) > 0.05:
            return LiftPhase.APPROACH
        return self._phase

    def _way(self, offset: FloatArray) -> FloatArray:
        """The way that the tool should go, shape (3,) [m]."""
        robot = self._robot
        if self._phase is LiftPhase.APPROACH:
            return np.array([*offset[:2], offset[2] + self.ABOVE_M])
        if self._phase is LiftPhase.DESCEND:
            return offset
        if self._phase is LiftPhase.CLOSE:
            return np.array([0.0, 0.0, offset[2]])
        return np.array([0.0, 0.0, robot.distance()])

    def _joint_speeds(self, way: FloatArray) -> FloatArray:
        """Speeds (n,) [rad/s] that take the tool along ``way`` (3,) [m] and keep it upright."""
        robot = self._robot
        speed = self.GAIN * way
        speed *= min(1.0, self.FASTEST / max(float(np.linalg.norm(speed)), 1e-9))
        turn = self.GAIN * _rotation_to(self._upright, _tool_orientation(robot.data))
        jacobian = np.zeros((6, robot.model.nv))
        site = robot.model.site(TOOL).id
        mujoco.mj_jacSite(robot.model, robot.data, jacobian[:3], jacobian[3:], site)
        jacobian = jacobian[:, robot.speeds_at]
        damped = jacobian @ jacobian.T + 1e-4 * np.eye(6)
        speeds: FloatArray = jacobian.T @ np.linalg.solve(damped, np.concatenate([speed, turn]))
        return speeds / max(1.0, float((np.abs(speeds) / self._fastest).max()))


def _tool_orientation(data: mujoco.MjData) -> FloatArray:
    return np.array(data.site(TOOL).xmat).reshape(3, 3)


def _rotation_to(wanted: FloatArray, now: FloatArray) -> FloatArray:
    """The small rotation vector (3,) [rad] from one orientation (3, 3) to another."""
    turn = wanted @ now.T
    skew = [turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]
    return 0.5 * np.array(skew)
