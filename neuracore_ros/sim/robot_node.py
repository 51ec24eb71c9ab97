"""``sim_robot``: a simulated robot on real topics, in time of its own clock.

Topics below the node's namespace: publishes ``joint_states`` (100 Hz), ``<camera>/image_raw``
(30 Hz), ``~/distance`` (30 Hz) and ``~/rejected``; obeys ``arm_controller/joint_trajectory``.
``/clock`` (100 Hz) is absolute, so two robots need two ROS domains, or ``--no-clock``.
Services: ``~/reset`` starts the next trial, ``~/expert`` starts and stops the scripted expert.
"""

import argparse
import json
import signal
import sys
import threading
import time
from array import array
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

import cv2
import numpy as np
import rclpy
from builtin_interfaces.msg import Duration, Time
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64, String
from std_srvs.srv import SetBool, Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from neuracore_ros.errors import UserError
from neuracore_ros.sim import camera
from neuracore_ros.sim.arms import Arm, Array, find_arm
from neuracore_ros.sim.reaching import Expert, tolerance
from neuracore_ros.sim.robot import SimulatedRobot

STEP_NS = 10_000_000
IMAGE_RATE_HZ = 30
EXPERT_STEPS = 5
# Twice its period: a command that is late by less than a period leaves no pause in the motion.
EXPERT_AHEAD_S = 0.1
# No stamp may be zero, which in ROS means "unset".
CLOCK_START_NS = 1_000_000_000
MOST_BEHIND_S = 0.1
LEAST_SLEEP_S = 1e-4
# A command sent before a reset, but received after it, must not move the arm.
DEAF_AFTER_RESET_NS = 50_000_000


class RobotNode(Node):  # type: ignore[misc]
    """The robot, its sensors and its controller; :meth:`run` moves it until told to stop.

    Callbacks run on an executor's thread, the simulation on the caller's of :meth:`run`;
    one lock keeps them apart.
    """

    def __init__(self, arm: Arm, seed: int, speed: float, clock: bool) -> None:
        super().__init__('sim')
        self._declare(
            'seed',
            seed,
            'Seed of the next trial; counts up.',
            IntegerRange(from_value=0, to_value=2**31 - 1, step=1),
        )
        self._declare(
            'speed',
            speed,
            'Simulated seconds a second; needs the clock.',
            FloatingPointRange(from_value=0.01, to_value=100.0),
        )
        self._declare('clock', clock, 'Publish /clock and live in its time.', read_only=True)
        self._declare(
            'disturbance',
            0.0,
            'Random pushes to the joints, std [rad/s].',
            FloatingPointRange(from_value=0.0, to_value=1.0),
        )
        self._declare('joints_frozen', False, 'Fault: stop publishing joint_states.')
        self._declare('cameras_off', False, 'Fault: stop publishing images.')
        self._declare('ignore_commands', False, 'Fault: drop every command unread.')
        self._clocked: bool = self.get_parameter('clock').value
        if not self._clocked and self.get_parameter('speed').value != 1.0:
            raise UserError('without /clock the robot lives in wall time: speed must be 1.0')

        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._robot = SimulatedRobot(arm)
        self._cameras = camera.Cameras(self._robot.kinematics)
        self._expert: Expert | None = None
        self._step_count = 0
        self._now_ns = CLOCK_START_NS if self._clocked else time.time_ns()
        self._start_trial()

        published = {**dict.fromkeys(arm.joint_names), **arm.passengers}
        # Drivers publish joints in an order of their own; this one is shuffled, but fixed.
        self._order = np.random.default_rng(len(arm.name)).permutation(len(published))
        self._joint_state = JointState(name=[list(published)[i] for i in self._order])
        self._passengers = np.array(list(arm.passengers.values()))

        self._clock_publisher = self.create_publisher(Clock, '/clock', 10)
        self._joint_publisher = self.create_publisher(JointState, 'joint_states', 10)
        self._image_publishers = {
            name: self.create_publisher(Image, f'{name}/image_raw', 5) for name in camera.NAMES
        }
        command_topic = 'arm_controller/joint_trajectory'
        self._command_publisher = self.create_publisher(JointTrajectory, command_topic, 10)
        self._distance_publisher = self.create_publisher(Float64, '~/distance', 10)
        self._rejected_publisher = self.create_publisher(
            String,
            '~/rejected',
            QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL),
        )
        self.create_subscription(JointTrajectory, command_topic, self._on_command, 10)
        self.create_service(Trigger, '~/reset', self._on_reset)
        self.create_service(SetBool, '~/expert', self._on_expert)

    def stop(self) -> None:
        """Let :meth:`run` return after the step it is in."""
        self._stop.set()

    def run(self) -> None:
        """Simulate, at ``speed`` times real time or as fast as this machine can."""
        due_s = time.monotonic()
        while not self._stop.is_set():
            with self._lock:
                self._advance()
            due_s += STEP_NS / 1e9 / self._speed
            wait_s = due_s - time.monotonic()
            # Even when late, sleep: the callbacks need the lock, too.
            time.sleep(max(wait_s, LEAST_SLEEP_S))
            if wait_s < -MOST_BEHIND_S:
                # Too slow a machine makes a slow robot, not one that leaps to catch up.
                due_s = time.monotonic()

    def _declare(
        self, name: str, value: Any, description: str, limits: Any = None, read_only: bool = False
    ) -> None:
        descriptor = ParameterDescriptor(description=description, read_only=read_only)
        if isinstance(limits, IntegerRange):
            descriptor.integer_range = [limits]
        elif isinstance(limits, FloatingPointRange):
            descriptor.floating_point_range = [limits]
        self.declare_parameter(name, value, descriptor)

    @property
    def _speed(self) -> float:
        return float(self.get_parameter('speed').value) if self._clocked else 1.0

    def _flag(self, name: str) -> bool:
        return bool(self.get_parameter(name).value)

    def _start_trial(self) -> int:
        seed = int(self.get_parameter('seed').value)
        self._robot.reset(seed)
        self._deaf_until_ns = self._now_ns + DEAF_AFTER_RESET_NS
        self._cameras.set_target(self._robot.trial.target)
        if self._expert is not None:
            self._expert = Expert(self._robot.kinematics, self._robot.trial.target)
        self.set_parameters([rclpy.Parameter('seed', value=seed + 1)])
        return seed

    def _advance(self) -> None:
        """One step: the time, the motion, and whatever is due to be published then."""
        before_ns = self._now_ns
        self._step_count += 1
        self._now_ns = before_ns + STEP_NS if self._clocked else time.time_ns()
        self._robot.disturbance = float(self.get_parameter('disturbance').value)
        self._robot.step(self._now_ns, max(self._now_ns - before_ns, 1) / 1e9)
        stamp = Time(sec=self._now_ns // 10**9, nanosec=self._now_ns % 10**9)
        if self._clocked:
            self._clock_publisher.publish(Clock(clock=stamp))
        if not self._flag('joints_frozen'):
            self._publish_joints(stamp)
        if self._expert is not None and self._step_count % EXPERT_STEPS == 0:
            self._publish_command(self._expert)
        if self._image_due(self._step_count):
            self._distance_publisher.publish(Float64(data=self._robot.distance()))
        if not self._flag('cameras_off'):
            # Real cameras do not fire together, and one image a step keeps the steps even.
            for lag, name in enumerate(self._image_publishers):
                if self._image_due(self._step_count - lag):
                    self._publish_image(name, stamp)

    @staticmethod
    def _image_due(step: int) -> bool:
        rate_hz, steps_hz = IMAGE_RATE_HZ, 10**9 // STEP_NS
        return step * rate_hz // steps_hz != (step - 1) * rate_hz // steps_hz

    def _publish_joints(self, stamp: Time) -> None:
        message, still = self._joint_state, np.zeros_like(self._passengers)
        positions = np.concatenate([self._robot.positions, self._passengers])
        velocities = np.concatenate([self._robot.velocities, still])
        message.header.stamp = stamp
        message.position = array('d', positions[self._order].tobytes())
        message.velocity = array('d', velocities[self._order].tobytes())
        self._joint_publisher.publish(message)

    def _publish_image(self, name: str, stamp: Time) -> None:
        publisher = self._image_publishers[name]
        if not publisher.get_subscription_count():
            return
        picture = self._cameras.draw(name, self._robot.positions)
        height, width, channels = picture.shape
        message = Image(height=height, width=width, encoding='rgb8', step=width * channels)
        message.header.stamp = stamp
        message.header.frame_id = name
        message.data = array('B', picture.tobytes())
        publisher.publish(message)

    def _publish_command(self, expert: Expert) -> None:
        """What a teleoperator's driver would send, with a zero stamp: start now."""
        positions: Array = expert.ahead(
            self._robot.positions, EXPERT_STEPS * STEP_NS / 1e9, EXPERT_AHEAD_S
        )
        point = JointTrajectoryPoint(positions=positions.tolist())
        point.time_from_start = Duration(nanosec=int(EXPERT_AHEAD_S * 1e9))
        names = list(self._robot.kinematics.arm.joint_names)
        self._command_publisher.publish(JointTrajectory(joint_names=names, points=[point]))

    def _on_command(self, message: JointTrajectory) -> None:
        with self._lock:
            if self._flag('ignore_commands') or self._now_ns < self._deaf_until_ns:
                return
            reason = self._robot.accept(message, self._now_ns)
        if reason is not None:
            self.get_logger().error(f'trajectory rejected: {reason}')
            self._rejected_publisher.publish(String(data=reason))

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        with self._lock:
            seed = self._start_trial()
            response.message = json.dumps(
                {
                    'seed': seed,
                    'target': [round(x, 4) for x in self._robot.trial.target.tolist()],
                    'distance': round(self._robot.distance(), 4),
                    'tolerance': round(tolerance(self._robot.kinematics), 4),
                }
            )
        response.success = True
        return response

    def _on_expert(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        with self._lock:
            target = self._robot.trial.target
            self._expert = Expert(self._robot.kinematics, target) if request.data else None
        response.success = True
        response.message = 'expert on' if request.data else 'expert off'
        return response


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line, without its ``--ros-args``."""
    parser = argparse.ArgumentParser(
        prog='sim_robot', description='A simulated robot on real ROS 2 topics.'
    )
    parser.add_argument('--robot', required=True, help='franka, ur5 or so100')
    parser.add_argument('--seed', type=int, default=0, help='seed of the first trial (default 0)')
    parser.add_argument(
        '--speed', type=float, default=1.0, help='simulated seconds a second (default 1.0)'
    )
    parser.add_argument(
        '--no-clock', action='store_true', help='live in wall time and publish no /clock'
    )
    return parser.parse_args(arguments)


def simulate(options: argparse.Namespace) -> None:
    """Run one robot until SIGINT or SIGTERM.

    Raises:
        UserError: An option that names or asks for something that is not there.
    """
    arm = find_arm(options.robot)
    if not 0.01 <= options.speed <= 100.0:
        raise UserError(f'--speed {options.speed:g} is not within 0.01 and 100')
    if not 0 <= options.seed < 2**31 - 1:
        raise UserError(f'--seed {options.seed} is not within 0 and {2**31 - 2}')
    # Images are too small to gain from OpenCV's threads, which would take the other cores.
    cv2.setNumThreads(1)
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = RobotNode(arm, options.seed, options.speed, not options.no_clock)

        def on_signal(_: int, __: FrameType | None) -> None:
            node.stop()

        signal.signal(signal.SIGINT, on_signal)
        signal.signal(signal.SIGTERM, on_signal)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        thread = threading.Thread(target=_serve, args=(executor,), daemon=True)
        thread.start()
        node.run()
        executor.shutdown()
        thread.join(timeout=2.0)
        node.destroy_node()
    finally:
        rclpy.try_shutdown()


def _serve(executor: SingleThreadedExecutor) -> None:
    with suppress(ExternalShutdownException):
        executor.spin()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of ``sim_robot``; returns the exit code."""
    options = parse(remove_ros_args(sys.argv if arguments is None else arguments)[1:])
    try:
        simulate(options)
    except UserError as error:
        print(f'sim_robot: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
