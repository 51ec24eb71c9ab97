"""Facts found in a running graph, before any check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np

from neuracore_ros.arrays import IntArray
from neuracore_ros.description import Command, DirectCommand, Joint, Source

Domain = Literal['wall', 'sim']


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of a check, with what to do about it.

    Attributes:
        level: ``ok`` needs no action; ``warning`` is for a person to know; ``error`` keeps the
            node from running, or the robot from moving as commanded.
    """

    level: Literal['ok', 'warning', 'error']
    text: str


ok, warning = partial(CheckResult, 'ok'), partial(CheckResult, 'warning')
error = partial(CheckResult, 'error')


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A publisher or subscriber of another node.

    Attributes:
        node: Its full name, such as ``/left/arm_controller``.
        type: ROS 2 message type.
        reliability: ``reliable``, ``best_effort``, or whatever else the middleware says.
        deadline_s: Longest time between two messages that it promises or demands; None: any.
        refusal: Why the middleware would not connect it with us; empty if it would.
    """

    node: str
    type: str
    reliability: str
    deadline_s: float | None = None
    refusal: str = ''


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The times of the M messages that one topic received during the check.

    Attributes:
        receive_ns: Wall time of each arrival, shape (M,).
        clock_ns: /clock at each arrival, shape (M,); 0 before the first, or where there is none.
        stamp_ns: Header stamps, shape (M,); empty where the type has no header.
        size: Bytes of the largest message.
        lost: Messages that the middleware knows to have lost.
    """

    receive_ns: IntArray
    clock_ns: IntArray
    stamp_ns: IntArray
    size: int = 0
    lost: int = 0

    @property
    def count(self) -> int:
        """M."""
        return len(self.receive_ns)

    def now_ns(self, domain: Domain) -> IntArray:
        """Times of arrival in a time domain, shape (M,)."""
        return self.clock_ns if domain == 'sim' else self.receive_ns

    def of(self, messages: Sequence[int]) -> Arrivals:
        """A selection of the messages; lost messages belong to none."""
        chosen = np.array(messages, np.int64)
        stamps = self.stamp_ns[chosen] if len(self.stamp_ns) else self.stamp_ns
        return Arrivals(self.receive_ns[chosen], self.clock_ns[chosen], stamps, self.size)


_NEVER = np.zeros(0, np.int64)
NO_ARRIVALS = Arrivals(_NEVER, _NEVER, _NEVER)


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """One declared topic.

    Attributes:
        topic: Its full name.
        sources: The names that are read from it.
        publishers: All of them.
        similar: Similar topics of the graph, if it has no publisher.
        arrivals: What came.
        faults: Why the node could not use a name at the end, one line each.
        by_names: Names that come in the same messages, and these messages, where the names of
            the topic come in different ones; as where two drivers share it.
        name_sets: The different lists of joint names that messages had.
        picture: Encoding and size of an image, such as ``rgb8 640x480``; empty for numbers.
        needed: Whether the policy reads it; what it does not read can stop nothing, such as what
            a human commands.
        is_static: Whether it is sent once, as /tf_static is, and holds from then on.
        is_commanded: Whether it only has commands, of what the node commands as well.
    """

    topic: str
    sources: tuple[Source, ...]
    publishers: tuple[Endpoint, ...]
    similar: tuple[str, ...]
    arrivals: Arrivals = NO_ARRIVALS
    faults: tuple[str, ...] = ()
    by_names: tuple[tuple[tuple[str, ...], Arrivals], ...] = ()
    name_sets: tuple[tuple[str, ...], ...] = ()
    picture: str = ''
    needed: bool = True
    is_static: bool = False
    is_commanded: bool = False

    def apart(self) -> tuple[StreamFacts, ...]:
        """One for the names of each driver, whose messages come at their own times."""
        return tuple(
            replace(
                self,
                topic=f'{self.topic} ({abbreviated(names)})',
                sources=tuple(source for source in self.sources if source.name in names),
                arrivals=arrivals,
                by_names=(),
            )
            for names, arrivals in self.by_names
        )


@dataclass(frozen=True, slots=True)
class MeasuredJoint:
    """The measured position of a commanded joint, in the robot's own units: [rad] or [m]."""

    joint: Joint
    topic: str
    position: float


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """``/clock``, and the nodes that use it.

    Attributes:
        publishers: Full names of the nodes that send it.
        clock_ns: Its values, shape (M,).
        receive_ns: Wall time of their arrivals, shape (M,).
        use_sim_time: Node -> its parameter of that name, where it is known.
        domain: The clock of the stamps, which the node has to use.
    """

    publishers: tuple[str, ...]
    clock_ns: IntArray
    receive_ns: IntArray
    use_sim_time: Mapping[str, bool]
    domain: Domain


@dataclass(frozen=True, slots=True)
class CommandFacts:
    """One command topic.

    Attributes:
        topic: Its full name.
        command: What we would send.
        listeners: The nodes that would receive it.
        parameters: Listener -> its parameters that matter here; None if they are not known.
        rivals: Other publishers.
        rival_messages: Number of commands of others during the check.
        similar: Similar topics of the graph, if it has no listener.
        speed_scaling: Topic -> share of full speed of the controller; one where it is published.
    """

    topic: str
    command: Command | DirectCommand
    listeners: tuple[Endpoint, ...]
    parameters: Mapping[str, Mapping[str, object] | None] = field(default_factory=dict)
    rivals: tuple[Endpoint, ...] = ()
    rival_messages: int = 0
    similar: tuple[str, ...] = ()
    speed_scaling: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """All facts found in a graph.

    Attributes:
        streams: The declared topics.
        joints: Where the commanded joints are, as far as they could be measured.
        clock: The times.
        commands: The command topics.
    """

    streams: tuple[StreamFacts, ...]
    joints: tuple[MeasuredJoint, ...]
    clock: ClockFacts
    commands: tuple[CommandFacts, ...]


def abbreviated(names: Sequence[str]) -> str:
    """Up to three names, or the first and the last of more, for a message."""
    return ', '.join(names) if len(names) <= 3 else f'{names[0]} .. {names[-1]}'


def listed(endpoints: Iterable[Endpoint]) -> str:
    """Their nodes, each once."""
    return ', '.join(dict.fromkeys(endpoint.node for endpoint in endpoints))
