"""The scripted expert of the reaching arms: it knows where the ball is."""

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.sim.arms import ArmKinematics
from neuracore_ros.sim.robot import COMMAND_TOPIC, ReachRobot
from neuracore_ros.sim.simulation import Target


def solve_posture(kinematics: ArmKinematics, target: FloatArray) -> FloatArray:
    """The posture (n,) [rad] that holds the tool at ``target`` (3,) [m], pointing down.

    Damped least squares from home, whatever the arm's posture now: one target has one posture,
    which is what makes the expert learnable from images. Pointing down and staying near home
    are preferences, and yield to the position.
    """
    reach, count = kinematics.arm.reach, len(kinematics.home)
    positions: FloatArray = kinematics.home.copy()
    upright, nearness = 0.3, 0.03
    for _ in range(60):
        tool = kinematics.poses(positions)[-1]
        jacobian = kinematics.tool_jacobian(positions)
        approach = tool[:3, 2]
        residual = np.concatenate(
            [
                (target - tool[:3, 3]) / reach,
                upright * np.cross(approach, [0.0, 0.0, -1.0]),
                nearness * (kinematics.home - positions),
            ]
        )
        slope = np.vstack([jacobian[:3] / reach, upright * jacobian[3:], nearness * np.eye(count)])
        step = np.linalg.solve(slope.T @ slope + 1e-4 * np.eye(count), slope.T @ residual)
        positions = _within(kinematics, positions + np.clip(step, -0.2, 0.2))
    for _ in range(20):
        jacobian = kinematics.tool_jacobian(positions)[:3]
        error = target - kinematics.tool(positions)
        damped = jacobian @ jacobian.T + 1e-6 * reach**2 * np.eye(3)
        positions = _within(kinematics, positions + jacobian.T @ np.linalg.solve(damped, error))
    return positions


def _within(kinematics: ArmKinematics, positions: FloatArray) -> FloatArray:
    """Positions kept 0.02 rad inside the limits."""
    bounded: FloatArray = np.clip(positions, kinematics.lower + 0.02, kinematics.upper - 0.02)
    return bounded


class ReachExpert:
    """Moves joint by joint towards the posture of the target; n joints. An `Expert`.

    A feedback law: what it asks for depends on where the arm is now, so that it corrects
    whatever pushes the arm aside. It speeds up at once, and slows down with the distance left;
    a target is reached in about two seconds.

    Args:
        robot: In the trial that is to be solved.
    """

    GAIN = 3.0
    CRUISE = 0.6
    """Of each joint's velocity limit, at most."""
    PACE = 0.35
    """Of the tool, in reaches a second, at most: what the slowest arm can follow."""
    RAMP_S = 0.3
    AHEAD_S = 0.1
    """Twice the period: a command that is late by less leaves no pause in the motion."""

    def __init__(self, robot: ReachRobot) -> None:
        self._robot = robot
        self._posture = solve_posture(robot.kinematics, robot.trial.target)
        self._limit = self.CRUISE * robot.kinematics.velocity
        self._velocity = np.zeros(len(self._posture))

    def targets(self, period_s: float) -> list[Target]:
        """One command to the arm; ``period_s`` is the time since the last call [s]."""
        robot = self._robot
        wanted = self.GAIN * (self._posture - robot.positions)
        tool = robot.kinematics.tool_jacobian(robot.positions)[:3] @ wanted
        pace = float(np.linalg.norm(tool)) / (self.PACE * robot.kinematics.arm.reach)
        wanted /= max(1.0, pace, float(np.max(np.abs(wanted) / self._limit)))
        change = wanted - self._velocity
        most = float(np.max(np.abs(change) / self._limit)) * self.RAMP_S
        self._velocity = self._velocity + change * min(1.0, period_s / max(most, 1e-9))
        ahead = robot.positions + self.AHEAD_S * self._velocity
        return [Target(COMMAND_TOPIC, robot.kinematics.arm.joint_names, ahead, self.AHEAD_S)]
