"""Outputs that a model should command, from demonstrations or from what the node commanded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neuracore_ros.arrays import BoolArray
from neuracore_ros.bags.bag import Bag
from neuracore_ros.control import Commander, Control
from neuracore_ros.description import DataType, Source
from neuracore_ros.observation import Observation, Observer, Unusable
from neuracore_ros.observation.streams import Stream


class WantedOutputs:
    """Observes the outputs of a recording of a running node.

    Where demonstrations are read from another topic than commands are sent to, as from a leader
    arm, a step that the policy commanded, or a human through the node, has what was commanded;
    any other step has what the sources say.

    Args:
        sources: Observes the outputs as the robot file's sources say them.
        commands: Observes them on the command topics.

    Attributes:
        streams: One for each topic and way of reading it; for audits.
        commanded: As `Observer.commanded` has it.
    """

    def __init__(self, sources: Observer, commands: Observer) -> None:
        self._sources = sources
        self._commands = commands
        read = {stream.topic for stream in sources.streams}
        others = (stream for stream in commands.streams if stream.topic not in read)
        self.streams: Sequence[Stream] = (*sources.streams, *others)
        self.commanded: Mapping[DataType, BoolArray] = sources.commanded

    def reads(self, topic: str) -> bool:
        """True if either takes messages of a topic."""
        return self._sources.reads(topic) or self._commands.reads(topic)

    def receive(self, topic: str, message: object, receive_ns: int) -> None:
        """Offer a message to both."""
        self._sources.receive(topic, message, receive_ns)
        self._commands.receive(topic, message, receive_ns)

    def is_complete(self, tick_ns: int) -> bool:
        """Whether either is complete: a policy needs no leader, and a leader no policy."""
        return self._sources.is_complete(tick_ns) or self._commands.is_complete(tick_ns)

    def spared(self, tick_ns: int) -> frozenset[str]:
        """The topics without which either is complete, and the other is not."""
        ours, theirs = self._sources.topics.keys(), self._commands.topics.keys()
        if self._commands.is_complete(tick_ns):
            return frozenset(ours - theirs)
        return frozenset(theirs - ours if self._sources.is_complete(tick_ns) else ())

    def observe(self, tick_ns: int, control: Control | None = None) -> Observation | Unusable:
        """Read the outputs at a tick, as far as it is known what was commanded."""
        if control is None or control.commander is Commander.NOBODY:
            return self._sources.observe(tick_ns)
        return self._commands.observe(tick_ns)

    def cure_clock(self, text: str) -> None:
        """Say from now on what mends stamps of another time."""
        self._sources.cure_clock(text)
        self._commands.cure_clock(text)


def recorded_outputs(
    bag: Bag, sources: tuple[Source, ...], commands: tuple[Source, ...]
) -> tuple[Source, ...]:
    """The sources of outputs that a recording must have: what one of the two needs is enough."""

    def is_recorded(source: Source) -> bool:
        found = bag.find(source.topic, source.type)
        return found is not None and bool(found.count) and found.holds(source.type)

    own = [source for source in sources if source not in commands]
    told = [source for source in commands if source not in sources]
    common = [source for source in sources if source in commands]
    wholes = [part for part in (own, told) if part and all(map(is_recorded, part))]
    if not wholes:
        return sources
    return (*common, *(source for part in wholes for source in part))
