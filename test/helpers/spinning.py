"""Nodes of a test, served by a thread of their own while the test does something else."""

import threading
from contextlib import suppress

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor


class Spinning:
    """A context, and the nodes in it."""

    def __init__(self):
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._nodes = []
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self):
        with suppress(ExternalShutdownException):
            self._executor.spin()

    def create(self, name, **options):
        """A node that is served once it is added, with all that is subscribed by then."""
        return rclpy.create_node(name, context=self.context, **options)

    def add(self, node):
        """Serve a node from now on."""
        self._executor.add_node(node)
        self._nodes.append(node)

    def forget(self):
        """End all nodes."""
        for node in self._nodes:
            self._executor.remove_node(node)
            node.destroy_node()
        self._nodes.clear()

    def close(self):
        """End the thread, then all nodes: rclpy cannot destroy what another thread waits for."""
        self._executor.shutdown()
        self._thread.join()
        self.forget()
        self.context.try_shutdown()
