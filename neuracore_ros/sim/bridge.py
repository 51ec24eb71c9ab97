"""A simulated robot on real topics, in time of its own clock.

Topics below the node's namespace: publishes ``joint_states`` (100 Hz), ``<camera>/image_raw``,
``~/distance`` and ``~/goal`` (as often as images) and ``~/rejected``; obeys the robot's
controllers, such as ``arm_controller/joint_trajectory``. ``/clock`` (100 Hz) is absolute, so two
robots need two ROS domains, or ``--no-clock``.
Services: ``~/reset`` starts the next trial, ``~/expert`` starts and stops the scripted expert.
While ``neuracore_ros record --pair`` runs beside it, the next trial is that of its next label.
"""

import json
import threading
import time
from array import array
from collections.abc import Callable
from functools import partial
from typing import Any

import rclpy
from builtin_interfaces.msg import Duration, Time
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64, Float64MultiArray, String
from std_srvs.srv import SetBool, Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from neuracore_ros.errors import UserError
from neuracore_ros.pairs import PAIR_TOPIC, pair_seed
from neuracore_ros.sim.simulation import STEP_NS, Expert, SimulatedRobot, Simulation, Target

# No stamp may be zero, which in ROS means "unset".
CLOCK_START_NS = 1_000_000_000
MOST_BEHIND_S = 0.1
# Of a recorder that runs beside the robot.
RECORDER_TOPIC = f'record/{PAIR_TOPIC}'
LEAST_SLEEP_S = 1e-4


class RobotNode(Node):  # type: ignore[misc]
    """A node with the robot, its sensors and its controllers; :meth:`run` moves it.

    Callbacks run on an executor's thread, the simulation on the caller's of :meth:`run`;
    one lock keeps them apart.
    """

    def __init__(
        self,
        robot: SimulatedRobot,
        make_expert: Callable[[], Expert],
        seed: int,
        speed: float,
        clock: bool,
    ) -> None:
        super().__init__('sim')
        self._declare(
            'seed',
            seed,
            'Seed of the next trial; counts up.',
            integer_range=[IntegerRange(from_value=0, to_value=2**31 - 1, step=1)],
        )
        self._declare(
            'speed',
            speed,
            'Simulated seconds a second; needs the clock.',
            floating_point_range=[FloatingPointRange(from_value=0.01, to_value=100.0)],
        )
        self._declare('clock', clock, 'Publish /clock and live in its time.', read_only=True)
        self._declare(
            'disturbance',
            0.0,
            'Random pushes to the joints, std [rad/s].',
            floating_point_range=[FloatingPointRange(from_value=0.0, to_value=1.0)],
        )
        self._declare('joints_frozen', False, 'Fault: stop publishing joint_states.')
        self._declare('cameras_off', False, 'Fault: stop publishing images.')
        self._declare('ignore_commands', False, 'Fault: drop every command unread.')
        self._clocked: bool = self.get_parameter('clock').value
        if not self._clocked and self.get_parameter('speed').value != 1.0:
            raise UserError('without /clock the robot lives in wall time: speed must be 1.0')

        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._robot = robot
        now_ns = CLOCK_START_NS if self._clocked else time.time_ns()
        self._simulation = Simulation(robot, make_expert, self._next_seed(), now_ns)
        self._joint_state = JointState(name=list(robot.published))

        # One that lives in wall time has none: two publishers of /clock are an error to others.
        self._clock_publisher = (
            self.create_publisher(Clock, '/clock', 10) if self._clocked else None
        )
        self._joint_publisher = self.create_publisher(JointState, 'joint_states', 10)
        self._image_publishers = {
            name: self.create_publisher(Image, f'{name}/image_raw', 5) for name in robot.cameras
        }
        self._command_publishers = {
            topic: self.create_publisher(JointTrajectory, topic, 10) for topic in robot.controllers
        }
        self._distance_publisher = self.create_publisher(Float64, '~/distance', 10)
        self._goal_publisher = self.create_publisher(Float64MultiArray, '~/goal', 10)
        self._rejected_publisher = self.create_publisher(
            String,
            '~/rejected',
            QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL),
        )
        self._pair: str | None = None
        self.create_subscription(
            String,
            RECORDER_TOPIC,
            self._on_pair,
            QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL),
        )
        for topic in robot.controllers:
            self.create_subscription(JointTrajectory, topic, partial(self._on_command, topic), 10)
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
            speed = self.get_parameter('speed').value if self._clocked else 1.0
            due_s += STEP_NS / 1e9 / speed
            wait_s = due_s - time.monotonic()
            # Even when late, sleep: the callbacks need the lock, too.
            time.sleep(max(wait_s, LEAST_SLEEP_S))
            if wait_s < -MOST_BEHIND_S:
                # Too slow a machine makes a slow robot, not one that leaps to catch up.
                due_s = time.monotonic()

    def _declare(self, name: str, value: Any, description: str, **more: Any) -> None:
        self.declare_parameter(name, value, ParameterDescriptor(description=description, **more))

    def _flag(self, name: str) -> bool:
        return bool(self.get_parameter(name).value)

    def _next_seed(self) -> int:
        seed = int(self.get_parameter('seed').value)
        self.set_parameters([rclpy.Parameter('seed', value=seed + 1)])
        return seed

    def _advance(self) -> None:
        """One step: the time, the motion, and whatever is due to be published then."""
        simulation = self._simulation
        self._robot.disturbance = float(self.get_parameter('disturbance').value)
        simulation.advance(simulation.now_ns + STEP_NS if self._clocked else time.time_ns())
        now_ns = simulation.now_ns
        stamp = Time(sec=now_ns // 10**9, nanosec=now_ns % 10**9)
        if self._clock_publisher is not None:
            self._clock_publisher.publish(Clock(clock=stamp))
        if not self._flag('joints_frozen'):
            self._publish_joints(stamp)
        for target in simulation.targets():
            self._publish_command(target)
        if simulation.is_frame():
            self._distance_publisher.publish(Float64(data=self._robot.distance()))
            goal = array('d', self._robot.goal().tolist())
            self._goal_publisher.publish(Float64MultiArray(data=goal))
        if not self._flag('cameras_off'):
            for name in simulation.cameras_due():
                self._publish_image(name, stamp)

    def _publish_joints(self, stamp: Time) -> None:
        message = self._joint_state
        positions, velocities = self._robot.measure()
        message.header.stamp = stamp
        message.position = array('d', positions.tobytes())
        message.velocity = array('d', velocities.tobytes())
        self._joint_publisher.publish(message)

    def _publish_image(self, name: str, stamp: Time) -> None:
        publisher = self._image_publishers[name]
        if not publisher.get_subscription_count():
            return
        picture = self._robot.draw(name)
        height, width, channels = picture.shape
        message = Image(height=height, width=width, encoding='rgb8', step=width * channels)
        message.header.stamp = stamp
        message.header.frame_id = name
        message.data = array('B', picture.tobytes())
        publisher.publish(message)

    def _publish_command(self, target: Target) -> None:
        """Publish a command as a teleoperator's driver would, with a zero stamp: start now."""
        point = JointTrajectoryPoint(positions=target.positions.tolist())
        point.time_from_start = Duration(nanosec=int(target.ahead_s * 1e9))
        message = JointTrajectory(joint_names=list(target.joint_names), points=[point])
        self._command_publishers[target.topic].publish(message)

    def _on_command(self, topic: str, message: JointTrajectory) -> None:
        with self._lock:
            if self._flag('ignore_commands') or self._simulation.ignores_commands:
                return
            reason = self._robot.accept(topic, message, self._simulation.now_ns)
        if reason is not None:
            self.get_logger().error(f'trajectory rejected: {reason}')
            self._rejected_publisher.publish(String(data=reason))

    def _on_pair(self, message: String) -> None:
        with self._lock:
            self._pair = message.data

    def _followed_pair(self) -> str:
        """The label that a recorder wants to be set up; '' where none does.

        Raises:
            UserError: There is a recorder, but it was not heard yet.
        """
        if not self.count_publishers(RECORDER_TOPIC):
            self._pair = None
            return ''
        if self._pair is None:
            raise UserError(f'{RECORDER_TOPIC} has not been heard yet: ask again')
        return self._pair

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        with self._lock:
            try:
                pair = self._followed_pair()
            except UserError as error:
                response.message = str(error)
                return response
            self._simulation.reset(pair_seed(pair) if pair else self._next_seed())
            robot = self._robot
            # The hand is open; whoever follows its commands has to hear that.
            for target in robot.opening():
                self._publish_command(target)
            response.message = json.dumps(
                {
                    'seed': self._simulation.seed,
                    'pair': pair,
                    'target': [round(x, 4) for x in robot.goal().tolist()],
                    'distance': round(robot.distance(), 4),
                    'tolerance': round(robot.tolerance(), 4),
                }
            )
        response.success = True
        return response

    def _on_expert(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        with self._lock:
            self._simulation.switch_expert(request.data)
        response.success = True
        response.message = 'expert on' if request.data else 'expert off'
        return response
