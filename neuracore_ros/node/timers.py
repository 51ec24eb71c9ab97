"""The timers of a session, by name."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.clock import Clock
from rclpy.node import Node
from rclpy.timer import Timer


class Timers:
    """Timers of a node that can be ended, and moved a little in time."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._open: dict[str, Timer] = {}
        self._periods_ns: dict[str, int] = {}

    def start(
        self, name: str, rate_hz: float, callback: Callable[[], None], clock: Clock | None = None
    ) -> None:
        """Call something at a rate, first in a period from now; by the node's clock or another."""

        def guarded() -> None:
            # The events executor may call a timer that was destroyed a moment ago.
            if self._open.get(name) is timer:
                callback()

        timer = self._open[name] = self._node.create_timer(1.0 / rate_hz, guarded, clock=clock)
        self._periods_ns[name] = timer.timer_period_ns

    def set_rate(self, name: str, rate_hz: float) -> None:
        """Call it at another rate, from the call after the next on."""
        self._periods_ns[name] = round(1e9 / rate_hz)
        self.advance(name, 0.0)

    def advance(self, name: str, seconds: float) -> None:
        """Set how much shorter the period after the next call is; below 0: longer."""
        wanted_ns = self._periods_ns[name] - round(1e9 * seconds)
        if self._open[name].timer_period_ns != wanted_ns:
            self._open[name].timer_period_ns = wanted_ns

    def end(self, name: str) -> None:
        """End one of them, if it runs."""
        if (timer := self._open.pop(name, None)) is not None:
            timer.cancel()
            self._node.destroy_timer(timer)

    def close(self) -> None:
        """End all of them."""
        for name in tuple(self._open):
            self.end(name)
