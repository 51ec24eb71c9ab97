"""The person at a simulated robot: resets it, calls services, watches, takes pictures."""

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_msgs.msg import Float64, String
from std_srvs.srv import SetBool, Trigger

from neuracore_ros.errors import UserError
from neuracore_ros.observation.decode import decode_image

# How long a waiting operator sleeps at most before it looks at its processes, in wall time.
_LOOK_S = 0.05


class Operator(AbstractContextManager['Operator']):
    """One operator in one ROS domain; its waits are in the robot's own time.

    Everything happens on the caller's thread, while it waits: rclpy cannot destroy a subscription
    or a client that another thread is waiting on.

    Args:
        domain: ROS domain of the robot.
        alive: Called while waiting; raises if a process that is waited for has ended.

    Attributes:
        now_s: The robot's time [s].
        distance_m: From the tool to the target [m].
        rejected: Why commands were.
    """

    def __init__(self, domain: int, alive: Callable[[], None]) -> None:
        self._alive = alive
        self._context = rclpy.Context()
        rclpy.init(
            context=self._context,
            domain_id=domain,
            signal_handler_options=SignalHandlerOptions.NO,
        )
        self._node = rclpy.create_node('operator', context=self._context, enable_rosout=False)
        self.now_s = 0.0
        self.distance_m = float('nan')
        self.rejected: list[str] = []
        node = self._node
        # Only the newest of each counts: what came while nobody waited is of no interest.
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        node.create_subscription(Clock, '/clock', self._on_clock, newest)
        node.create_subscription(Float64, 'sim/distance', self._on_distance, newest)
        node.create_subscription(
            String, 'sim/rejected', lambda message: self.rejected.append(message.data), 10
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(node)

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def reset(self) -> dict[str, Any]:
        """Begin the next trial: its seed, target [m], distance [m] and tolerance [m]."""
        trial: dict[str, Any] = json.loads(self.trigger('sim/reset'))
        return trial

    def trigger(self, service: str) -> str:
        """Call a std_srvs/Trigger service.

        Returns:
            Its message.

        Raises:
            UserError: It refuses, or does not answer.
        """
        return self._call(Trigger, service, Trigger.Request())

    def switch(self, service: str, on: bool) -> str:
        """Call a std_srvs/SetBool service.

        Returns:
            Its message.

        Raises:
            UserError: It refuses, or does not answer.
        """
        return self._call(SetBool, service, SetBool.Request(data=on))

    def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Wait in the robot's time, or until something is true.

        Returns:
            Whether it became true.
        """
        self._look()
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            if until():
                return True
            self._look()
        return until()

    def picture(self, topic: str) -> NDArray[np.uint8]:
        """The next image of a topic, RGB, shape (h, w, 3).

        Raises:
            UserError: None comes.
        """
        taken: list[Image] = []
        subscription = self._node.create_subscription(Image, topic, taken.append, 1)
        try:
            self._until(lambda: bool(taken), 30.0, f'no image on {topic}')
        finally:
            self._node.destroy_subscription(subscription)
        return decode_image(taken[0])

    def _call(self, kind: Any, service: str, request: Any) -> str:
        client = self._node.create_client(kind, service)
        try:
            self._until(client.service_is_ready, 60.0, f'no service {service}')
            answer = client.call_async(request)
            self._until(answer.done, 60.0, f'{service} does not answer')
            response = answer.result()
        finally:
            self._node.destroy_client(client)
        if not response.success:
            raise UserError(f'{service}: {response.message}')
        return str(response.message)

    def _until(self, condition: Callable[[], bool], patience_s: float, otherwise: str) -> None:
        # In wall time: the robot's clock may be what does not run.
        end_s = time.monotonic() + patience_s
        while not condition():
            if time.monotonic() > end_s:
                raise UserError(f'{otherwise} after {patience_s:g} s')
            self._look()

    def _look(self) -> None:
        self._alive()
        self._executor.spin_once(timeout_sec=_LOOK_S)

    def _on_clock(self, message: Clock) -> None:
        self.now_s = message.clock.sec + message.clock.nanosec / 1e9

    def _on_distance(self, message: Float64) -> None:
        self.distance_m = message.data
