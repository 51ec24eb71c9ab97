"""Faults: why a message gave no sample, or a name has no usable value, and what would mend it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from neuracore_ros.description import Source
from neuracore_ros.description.source import write_age
from neuracore_ros.durations import span
from neuracore_ros.similar_names import did_you_mean, list_alike

FaultKind = Literal[
    'missing',  # no sample so far
    'stale',  # the newest sample is older than max_age_s
    'not_finite',  # NaN, infinite, or beyond float32
    'future',  # stamped later than it arrived
    'clock',  # stamped by a clock that has nothing to do with that of the arrivals
    'repeated',  # the stamp of the sample before
    'older',  # a stamp before that of a sample that arrived earlier
    'size',  # an array is empty, or not as long as its names; an image is smaller than its crop
    'malformed',  # anything else that is wrong with a message
    'frozen',  # identical image bytes under new stamps
    'undecodable',  # an image in an unknown encoding, or damaged
]
"""Why a message gave no sample, or a stream no value."""


class Refusal(NamedTuple):
    """Message, or name in it, that gave no sample."""

    receive_ns: int
    kind: FaultKind
    text: str


@dataclass(frozen=True, slots=True)
class StreamFault:
    """Reason why one name has no usable value at a tick.

    Attributes:
        source: The name.
        kind: The reason in one word.
        text: The reason in one line: topic, name, figures, and what would mend it.
    """

    source: Source
    kind: FaultKind
    text: str


def together(faults: Iterable[StreamFault]) -> list[str]:
    """Write one line for each topic and kind of fault: the first in full, the others by name."""
    alike: dict[tuple[str, FaultKind], dict[str, str]] = {}
    for fault in faults:
        texts = alike.setdefault((fault.source.topic, fault.kind), {})
        texts.setdefault(fault.source.name, fault.text)
    lines = []
    for (_, *others), (text, *_) in ((tuple(t), tuple(t.values())) for t in alike.values()):
        lines.append(f'{text}. Likewise: {", ".join(others)}' if others else text)
    return lines


def first_of(texts: Sequence[str]) -> str:
    """Return the first of the texts that say something, and how many more there are."""
    said = [text for text in texts if text]
    more = f' (and {len(said) - 1} more names)' if len(said) > 1 else ''
    return f'{said[0]}{more}' if said else ''


def label(source: Source) -> str:
    """Write a name and the slot that it fills."""
    return f"'{source.message_name}' ({source.data_type.value} index {source.index})"


def lacking(source: Source, names: Sequence[str]) -> str:
    """Write that messages have some names, but not this one."""
    hint = did_you_mean(source.message_name, names)
    slot = f'({source.data_type.value} index {source.index}{hint})'
    has = list_alike(source.message_name, names)
    return f"{source.topic} lacks '{source.message_name}' {slot}. It has: {has}"


def old(source: Source, age_ns: int) -> str:
    """Write how old a sample is, and how old it may be."""
    return f'{label(source)} is {span(age_ns)} old; max_age_s is {source.max_age_s:g}'


def faster(source: Source, gap_s: float) -> str:
    """Write what to do about a name whose samples are usually so far apart."""
    return f'raise the rate of its driver, or {write_age([source], gap_s)}'


def other_clock(sources: Sequence[Source]) -> str:
    """Write what to do where header stamps come from another clock."""
    kinds = ', '.join(dict.fromkeys(source.data_type.value for source in sources))
    section = sources[0].section
    return f'if the publisher has another clock, write `stamp: receive` in {section}: {kinds}'
