"""Values of a robot's joints and grippers in a recording, without converting it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neuracore_ros.bags.bag import Bag
from neuracore_ros.convert.ticks import Tick, ticks
from neuracore_ros.description import DataType, Layout, Robot, Source
from neuracore_ros.description.recorded_values import RecordedValues, is_judged
from neuracore_ros.observation import Observation, Observer, Unusable


class ObservedValues:
    """Joints and grippers of a robot, observed tick by tick.

    Attributes:
        values: What they did so far.
        observers: Of what is measured, and of what is commanded.
        topics: Topic -> ROS message type, of what they are read from.
    """

    def __init__(self, robot: Robot, commanded: Sequence[Source]) -> None:
        """Nothing has been received yet; ``commanded`` is empty if no outputs were recorded."""
        slots: dict[tuple[DataType, int], Source] = {}
        for source in (*robot.input_sources(), *robot.measured_sources()):
            if is_judged(source.data_type):
                slots.setdefault((source.data_type, source.index), source)
        measured = list(slots.values())
        commanded = [source for source in commanded if is_judged(source.data_type)]
        places = [(source.data_type, source.index) for source in commanded]
        self.observers = (
            Observer(measured, Layout.holding(slots), None),
            Observer(commanded, Layout.holding(places), None),
        )
        self.values = RecordedValues(robot, measured, commanded)
        self.topics = {**self.observers[0].topics, **self.observers[1].topics}

    def receive(self, topic: str, message: Any, receive_ns: int) -> None:
        """Take a message."""
        for observer in self.observers:
            observer.receive(topic, message, receive_ns)

    def tick(self, now_ns: int) -> None:
        """Take the values of one tick, if all are there."""
        note(self.values, now_ns, *(observer.observe(now_ns) for observer in self.observers))


def observed_values(
    bag: Bag, robot: Robot, commanded: Sequence[Source], rate_hz: float
) -> RecordedValues:
    """Read what joints and grippers did in a whole recording, at ``rate_hz``, [Hz].

    The bag has all topics of the sources; ``commanded`` is empty if no outputs were recorded.

    Raises:
        BagError: The recording cannot be read.
    """
    observed = ObservedValues(robot, commanded)
    messages = bag.read(observed.topics)
    for tick in ticks(messages, observed.observers, rate_hz, start_ns=bag.start_ns):
        if isinstance(tick, Tick):
            observed.tick(tick.time_ns)
    return observed.values


def note(
    values: RecordedValues,
    tick_ns: int,
    given: Observation | Unusable,
    wanted: Observation | Unusable,
) -> None:
    """Add what is measured and what is commanded at one tick, if all is there."""
    if isinstance(given, Observation) and isinstance(wanted, Observation):
        ages_s = {**wanted.ages_s, **given.ages_s}
        if any((each.data_type, each.name) not in ages_s for each in values.sources):
            values.pause()  # what was commanded is not known of all
            return
        values.add(tick_ns, given.inputs, wanted.inputs, ages_s)
    else:
        values.pause()
