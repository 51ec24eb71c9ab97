"""The executor that runs the callbacks of a node."""

import time
from collections.abc import Callable

from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.executors import Executor, SingleThreadedExecutor

PUBLISHES_QUIETLY = PublisherEventCallbacks(use_default_callbacks=False)
SUBSCRIBES_QUIETLY = SubscriptionEventCallbacks(use_default_callbacks=False)
"""Without the callbacks that rclpy adds of itself, see `make_executor`."""

POLL_S = 0.05
"""Period at which a loop around an executor checks its other conditions."""


def make_executor() -> Executor:
    """The events executor where rclpy has it (Kilted, late Jazzy), else the classic one.

    With joints at 100 Hz, two 640x480 cameras at 30 Hz and a 20 Hz timer, the events executor
    took a third of the processor time (8 against 24 % of a core), and its timer was a tenth as
    late. In the wheels of rclpy 9.1.2 its `spin()` never wakes up: call `spin_once(timeout)`.
    An exception in a task given to `create_task` aborts the process: such a task must not raise.

    It crashes the process if the last event of a subscription or publisher, such as a lost message
    or a QoS that does not fit, is still waiting when that is destroyed (ros2/rclpy#1644). So what
    a node opens that runs on it has `PUBLISHES_QUIETLY` or `SUBSCRIBES_QUIETLY`, and
    `Subscriptions` with ``lost`` run on the classic executor.
    """
    try:
        from rclpy.experimental.events_executor import EventsExecutor
    except ImportError:
        return SingleThreadedExecutor()
    return EventsExecutor()


def spin(executor: Executor, seconds: float, done: Callable[[], bool] = lambda: False) -> None:
    """Serve callbacks for so long, and up to `POLL_S` longer [s], or until it is done."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s and not done():
        executor.spin_once(timeout_sec=POLL_S)
