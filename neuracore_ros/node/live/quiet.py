"""A node that only listens: it tells nobody anything, and moves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import rclpy
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.logging import LoggingSeverity
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

# Nodes find each other within this; what is found then need not be waited for.
DISCOVERY_S = 3.0


@contextmanager
def quiet_node(namespace: str) -> Iterator[tuple[Node, Executor]]:
    """Such a node, and its executor."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(
        'check', namespace=namespace, enable_rosout=False, start_parameter_services=False
    )
    # What subscriptions log is among our own lines.
    node.get_logger().set_level(LoggingSeverity.FATAL)
    # As executor.py says, since lost messages are counted.
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        yield node, executor
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
