"""The task: lift a cube that lies anywhere on the middle of the table, turned any way.

World frame: z up, the table's top at z = 0 in what is published; the arm stands behind the table.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import mujoco
import numpy as np

from neuracore_ros.arrays import ByteArray, FloatArray
from neuracore_ros.physics.arms import LiftArm
from neuracore_ros.physics.scene import CAMERAS, LiftCameras, build
from neuracore_ros.sim.controller import TrajectoryController
from neuracore_ros.sim.simulation import Disturbances, Target

ARM_TOPIC = 'arm_controller/joint_trajectory'
GRIPPER_TOPIC = 'gripper_controller/joint_trajectory'

SPREAD_M = 0.08
"""Where the cube lies: so far from the middle of the table, in x and in y (robosuite: 0.03,
which a policy without cameras solves in a third of the trials)."""
START_STD = 0.02
"""Each joint of the arm starts so far from home, std [rad]."""
GOAL_M = 0.12
"""How far above the table the expert holds the cube."""
LIFTED_M = 0.04
"""Success: the cube is so far above where it lay."""

TOOL = 'gripper0_right_grip_site'
"""MuJoCo's name of the point between the fingertips."""

# A servo of this bandwidth [rad/s] follows a moving reference within a milliradian or two.
_BANDWIDTH = 40.0
# While a finger moves, nothing pushes the arm: it would lose what it is about to hold.
_MOVING_FINGER = 0.1
_SETTLE_STEPS = 100
_OPENING_S = 0.1


def _is_of_arm(joint: Any) -> bool:
    return str(joint.name).startswith('robot0_')


class LiftRobot:
    """One arm with its gripper at the task; n joints. A `SimulatedRobot`.

    Attributes:
        arm: Its table.
        joints_at: Of the arm's joints, their indices among MuJoCo's; so are ``positions_at`` and
            ``speeds_at`` among its positions and velocities; each of shape (n,).
        torque: Of the arm's joints, at most, shape (n,) [Nm].
        home: Where trials begin, but for noise, shape (n,) [rad].
        disturbance: Random pushes to the arm's joints, std [rad/s], as of `Disturbances`.
    """

    cameras: Sequence[str] = tuple(CAMERAS)
    image_rate_hz = 20

    def __init__(self, arm: LiftArm, seed: int = 0) -> None:
        self.arm = arm
        self.disturbance = 0.0
        self.controllers: Mapping[str, Sequence[str]] = {
            ARM_TOPIC: arm.joints,
            GRIPPER_TOPIC: (arm.finger,),
        }
        self.published: Sequence[str] = (*arm.joints, arm.finger, *arm.mimic)
        self.model, self._start = build(arm)
        model = self.model
        self.data = mujoco.MjData(model)
        # They have robosuite's names, but stand in the order of ours.
        joints = [joint for joint in map(model.joint, range(model.njnt)) if _is_of_arm(joint)]
        self.joints_at = np.array([joint.id for joint in joints])
        self.positions_at = np.array([joint.qposadr[0] for joint in joints])
        self.speeds_at = np.array([joint.dofadr[0] for joint in joints])
        driven = model.actuator_trnid[:, 0].tolist()
        self._motors = np.array([driven.index(joint.id) for joint in joints])
        self.torque = model.actuator_ctrlrange[self._motors, 1]
        fingers = [model.joint(f'gripper0_right_{finger.joint}') for finger in arm.fingers]
        self._fingers_at = np.array([finger.qposadr[0] for finger in fingers])
        self._finger_speeds_at = np.array([finger.dofadr[0] for finger in fingers])
        self._finger_motors = np.array(
            [model.actuator(f'gripper0_right_{finger.actuator}').id for finger in arm.fingers]
        )
        self._finger_scales = np.array([finger.scale for finger in arm.fingers])
        self._finger_gains = np.array([finger.gain for finger in arm.fingers])
        self._cube_at = int(model.joint('cube_joint0').qposadr[0])
        self._top_m = float(model.body('table').pos[2] + model.geom('table_collision').size[2])
        self._rest_m = self._top_m + float(model.geom('cube_g0').size[2])
        self._mass = np.zeros((model.nv, model.nv))
        if arm.home:
            self._start[self.positions_at] = arm.home
        self.home = self._start[self.positions_at]
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Put arm and cube where the trial of that seed begins, at rest."""
        random = np.random.default_rng(seed)
        model, data = self.model, self.data
        mujoco.mj_resetData(model, data)
        # The cube first: for one seed, it lies at one place on every arm's table.
        place = random.uniform(-SPREAD_M, SPREAD_M, 2)
        half_turn = random.uniform(0.0, np.pi)
        turn = [np.cos(half_turn), 0.0, 0.0, np.sin(half_turn)]
        start = self.home + random.normal(0.0, START_STD, len(self.home))
        data.qpos[:] = self._start
        data.qpos[self._cube_at : self._cube_at + 7] = [*place, self._rest_m, *turn]
        data.qpos[self.positions_at] = start
        mujoco.mj_forward(model, data)
        self._arm = TrajectoryController(self.arm.joints, start)
        self._gripper = TrajectoryController((self.arm.finger,), np.array([self.arm.opened]))
        self._pushes = Disturbances(len(start), seed)
        self._opening = self.arm.opened
        for _ in range(_SETTLE_STEPS):
            self._substep(start, np.zeros_like(start))

    @property
    def positions(self) -> FloatArray:
        """Measured positions of the arm, shape (n,) [rad]."""
        return np.array(self.data.qpos[self.positions_at])

    @property
    def velocities(self) -> FloatArray:
        """Measured velocities of the arm, shape (n,) [rad/s]."""
        return np.array(self.data.qvel[self.speeds_at])

    @property
    def cube(self) -> FloatArray:
        """Centre of the cube in MuJoCo's world, shape (3,) [m]."""
        return np.array(self.data.qpos[self._cube_at : self._cube_at + 3])

    @property
    def tool(self) -> FloatArray:
        """The point between the fingertips in MuJoCo's world, shape (3,) [m]."""
        return np.array(self.data.site(TOOL).xpos)

    def measure(self) -> tuple[FloatArray, FloatArray]:
        """Positions and velocities of the ``published`` names."""
        count = 1 + len(self.arm.mimic)
        # A finger that mimics the other one is published as its equal, whichever way it moves.
        scales = self._finger_scales[:count]
        positions = self.data.qpos[self._fingers_at[:count]] * scales
        speeds = self.data.qvel[self._finger_speeds_at[:count]] * scales
        return (
            np.concatenate([self.positions, positions]),
            np.concatenate([self.velocities, speeds]),
        )

    def accept(self, topic: str, message: Any, now_ns: int) -> str | None:
        """Give a JointTrajectory to a controller; returns why it is rejected, or None."""
        if topic == GRIPPER_TOPIC:
            # From where it should be: from where it is, it would let go at each new command.
            still = np.zeros(1)
            return self._gripper.accept(message, now_ns, self._gripper.reference(now_ns), still)
        reason = self._arm.accept(message, now_ns, self.positions, self.velocities)
        if reason is None:
            self._pushes.restart()
        return reason

    def opening(self) -> list[Target]:
        """The command that opens the gripper."""
        return [Target(GRIPPER_TOPIC, (self.arm.finger,), np.array([self.arm.opened]), _OPENING_S)]

    def step(self, now_ns: int, period_s: float) -> None:
        """Let the physics go on to ``now_ns``."""
        period_ns = round(period_s * 1e9)
        count = max(1, round(period_s / self.model.opt.timestep))
        finger_speed = np.abs(self.data.qvel[self._finger_speeds_at[0]])
        span = abs(self.arm.opened - self.arm.closed)
        pushed = pushing = np.zeros_like(self.home)
        if self.disturbance > 0.0 and finger_speed < _MOVING_FINGER * span:
            before = self._pushes.offset
            pushed = self._pushes.step(self.disturbance, period_s)
            pushing = (pushed - before) / period_s
        for index in range(count):
            time_ns = now_ns - period_ns + period_ns * (index + 1) // count
            reference = self._arm.reference(time_ns)
            ahead_ns = round(self.model.opt.timestep * 1e9)
            speed = (self._arm.reference(time_ns + ahead_ns) - reference) * 1e9 / ahead_ns
            late_s = (now_ns - time_ns) / 1e9
            self._move_gripper(float(self._gripper.reference(time_ns)[0]))
            self._substep(reference + pushed - pushing * late_s, speed + pushing)

    def _move_gripper(self, reference: float) -> None:
        """Move the gripper as its driver would: no faster than it is able to."""
        most = self.arm.speed * self.model.opt.timestep
        self._opening += float(np.clip(reference - self._opening, -most, most))

    def _substep(self, reference: FloatArray, speed: FloatArray) -> None:
        """One step of the physics, with the arm's servo: torques that follow a reference.

        Args:
            reference: Where the arm should be, shape (n,) [rad].
            speed: How fast the reference moves, shape (n,) [rad/s].
        """
        model, data = self.model, self.data
        mujoco.mj_step1(model, data)
        mujoco.mj_fullM(model, self._mass, data.qM)
        mass = self._mass[np.ix_(self.speeds_at, self.speeds_at)]
        wanted = _BANDWIDTH**2 * (reference - data.qpos[self.positions_at])
        wanted += 2.0 * _BANDWIDTH * (speed - data.qvel[self.speeds_at])
        torque = mass @ wanted + data.qfrc_bias[self.speeds_at]
        data.ctrl[self._motors] = np.clip(torque, -self.torque, self.torque)
        fingers = self._opening * self._finger_scales
        data.ctrl[self._finger_motors] = fingers * self._finger_gains
        mujoco.mj_step2(model, data)

    def draw(self, name: str) -> ByteArray:
        """The image of a camera, RGB, shape (128, 128, 3)."""
        return self._drawing.draw(name, self.data)

    @cached_property
    def _drawing(self) -> LiftCameras:
        return LiftCameras(self.model)

    def goal(self) -> FloatArray:
        """The position of the cube above the middle of the table, shape (3,) [m]."""
        x, y, z = self.cube
        return np.array([x, y, z - self._top_m])

    def distance(self) -> float:
        """The height that the cube is below the place where the expert holds it [m]."""
        return max(0.0, GOAL_M - (float(self.cube[2]) - self._rest_m))

    def tolerance(self) -> float:
        """The distance up to which the cube counts as lifted [m]."""
        return GOAL_M - LIFTED_M
