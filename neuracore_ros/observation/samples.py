"""A value of one name, or why there is none."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from neuracore_ros.description import Source

Kind = Literal[
    'missing',  # no sample so far
    'stale',  # the newest sample is older than max_age_s
    'not_finite',  # NaN, infinite, or beyond float32
    'future',  # stamped later than it arrived
    'clock',  # stamped by a clock that has nothing to do with that of the arrivals
    'repeated',  # the stamp of the sample before
    'older',  # a stamp before that of a sample that arrived earlier
    'size',  # an array is empty, or has another length than the names
    'malformed',  # anything else that is wrong with a message
    'frozen',  # identical image bytes under new stamps
    'undecodable',  # an image in an unknown encoding, or damaged
]
"""Why a message gave no sample, or a stream no value."""


class Sample(NamedTuple):
    """One value of one name.

    Attributes:
        stamp_ns: When it was measured, by its header or its arrival.
        receive_ns: When it arrived.
        value: A number in the slot's unit and sense, or a picture.
    """

    stamp_ns: int
    receive_ns: int
    value: Any


class Refusal(NamedTuple):
    """A message, or a name in it, that gave no sample."""

    receive_ns: int
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class StreamFault:
    """Why one name has no usable value at a tick.

    Attributes:
        source: The name.
        kind: The reason in one word.
        text: The reason in one line: topic, name, figures, and what would mend it.
    """

    source: Source
    kind: Kind
    text: str


def together(faults: Iterable[StreamFault]) -> list[str]:
    """One line for each topic and kind of fault: the first in full, the others by name."""
    alike: dict[tuple[str, Kind], dict[str, str]] = {}
    for fault in faults:
        texts = alike.setdefault((fault.source.topic, fault.kind), {})
        texts.setdefault(fault.source.name, fault.text)
    lines = []
    for (_, *others), (text, *_) in ((tuple(t), tuple(t.values())) for t in alike.values()):
        lines.append(f'{text}. Likewise: {", ".join(others)}' if others else text)
    return lines
