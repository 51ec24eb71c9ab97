"""What a robot's joints and grippers did in a recording, without converting it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neuracore_ros.bags.bag import Bag
from neuracore_ros.convert.ticks import SILENCE_NS
from neuracore_ros.dataset.row import tick_ns
from neuracore_ros.description import DataType, Layout, Robot, Source
from neuracore_ros.description.recorded_values import RecordedValues, is_judged
from neuracore_ros.observation import Observation, Observer


class ObservedValues:
    """Joints and grippers of a robot, observed tick by tick.

    Attributes:
        values: What they did so far.
        topics: Topic -> ROS message type, of what they are read from.
    """

    def __init__(self, robot: Robot, commanded: Sequence[Source]) -> None:
        """Nothing has been received yet.

        Args:
            robot: Whose they are.
            commanded: Where its outputs were recorded from; empty if they were not.
        """
        slots: dict[tuple[DataType, int], Source] = {}
        for source in (*robot.input_sources(), *robot.measured_sources()):
            if is_judged(source.data_type):
                slots.setdefault((source.data_type, source.index), source)
        measured = list(slots.values())
        commanded = [source for source in commanded if is_judged(source.data_type)]
        self._measured = Observer(measured, Layout.holding(slots), None)
        places = [(source.data_type, source.index) for source in commanded]
        self._commanded = Observer(commanded, Layout.holding(places), None)
        self.values = RecordedValues(robot, measured, commanded)
        self.topics = {**self._measured.topics, **self._commanded.topics}

    def receive(self, topic: str, message: Any, receive_ns: int) -> None:
        """Take a message."""
        self._measured.receive(topic, message, receive_ns)
        self._commanded.receive(topic, message, receive_ns)

    def tick(self, now_ns: int) -> None:
        """Take the values of one tick, if all are there."""
        given, wanted = self._measured.observe(now_ns), self._commanded.observe(now_ns)
        if isinstance(given, Observation) and isinstance(wanted, Observation):
            ages_s = {**wanted.ages_s, **given.ages_s}
            self.values.add(now_ns, given.inputs, wanted.inputs, ages_s)
        else:
            self.values.pause()


def observed_values(
    bag: Bag, robot: Robot, commanded: Sequence[Source], rate_hz: float
) -> RecordedValues:
    """Look at a whole recording.

    Args:
        bag: Open; it has all topics of the sources.
        robot: Whose it is.
        commanded: Where its outputs were recorded from; empty if they were not.
        rate_hz: How often to look, [Hz].

    Raises:
        BagError: The recording cannot be read.
    """
    observed = ObservedValues(robot, commanded)
    start_ns, ticks = 0, 0
    for topic, message, log_time_ns in bag.read(observed.topics):
        if not start_ns or log_time_ns - tick_ns(start_ns, ticks, rate_hz) > SILENCE_NS:
            start_ns, ticks = log_time_ns, 0
        while (at_ns := tick_ns(start_ns, ticks, rate_hz)) < log_time_ns:
            observed.tick(at_ns)
            ticks += 1
        observed.receive(topic, message, log_time_ns)
    return observed.values
