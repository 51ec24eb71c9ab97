"""The episodes of a recording, found by what is in it."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from neuracore_ros.bags.bag import Bag
from neuracore_ros.bags.topics import Topic
from neuracore_ros.convert.cutting import (
    NO_MARKER,
    START,
    STOP,
    WORDS,
    Cuts,
    Cutting,
    Span,
    by_marker,
    by_ranges,
    by_silence,
    cuts,
    overlaps,
)
from neuracore_ros.convert.ticks import Tick, ticks
from neuracore_ros.errors import BagError
from neuracore_ros.observation import Observation, Observer

STRING, BOOL = 'std_msgs/msg/String', 'std_msgs/msg/Bool'
# The last part of the name of the topic into which ``neuracore_ros record`` writes the words.
RECORDED_MARKER = 'episode'
RECORDED_TASK = '/record/task'
# How often motion is looked for.
_MOTION_HZ = 20.0


def find_cuts(bag: Bag, cutting: Cutting, topics: Mapping[str, str], outputs: Observer) -> Cuts:
    """Cut a recording into episodes.

    ``topics`` has all declared streams and their types; ``outputs``, a fresh observer of what
    moves, is used up.

    Raises:
        BagError: There is no such marker topic, or nothing is left.
    """
    whole = Span(bag.start_ns, bag.end_ns + 1)
    spans = [whole]
    notes: list[str] = []
    words = _words(bag, cutting.marker)
    if words is not None:
        spans, notes = by_marker(words, whole)
        if not spans:
            raise BagError(f'{bag.path}: its marker never says {START}: there is no episode')
    if cutting.ranges:
        ranges = by_ranges(cutting.ranges, whole)
        if any(one.end_ns > other.start_ns for one, other in pairwise(ranges)):
            raise BagError(f'{bag.path}: {cutting}: no step can belong to two episodes')
        spans = overlaps(spans, ranges)
        if not spans:
            raise BagError(
                f'{bag.path}: nothing of it lies in {cutting}; it lasts {whole.duration_s:.1f} s'
            )
    if cutting.gap_s is not None:
        spans = overlaps(spans, by_silence(bag.times_ns(topics), cutting.gap_s, whole))
    moving_ns = None
    if cutting.trim_idle is not None:
        moving_ns = _moving_ns(bag, outputs, cutting.trim_idle)
    return replace(cuts(spans, moving_ns, notes), origin_ns=bag.origin_ns)


def recorded_task(bag: Bag) -> str:
    """The task of a recording, as its recorder noted it; '' where it did not."""
    if bag.task:
        return bag.task
    for topic in _texts(bag):
        if topic.name.endswith(RECORDED_TASK):
            said = bag.read({topic.name: STRING})
            return next((str(each.message.data) for each in said), '')
    return ''


def _texts(bag: Bag) -> list[Topic]:
    """The readable topics of type String."""
    kinds = [each for topic in bag.topics.values() for each in topic.kinds]
    return [topic for topic in kinds if topic.type == STRING and topic.is_readable]


def _words(bag: Bag, marker: str) -> list[tuple[str, int]] | None:
    """Words and log times of the marker; None where the recording has none.

    Raises:
        BagError: There is no such topic, or it is of another type.
    """
    if marker == NO_MARKER:
        return None
    if not marker:
        for topic in _texts(bag):
            if topic.name.split('/')[-1] == RECORDED_MARKER:
                words = _read_words(bag, topic)
                if any(word in WORDS for word, _ in words):
                    return words
        return None
    found = bag.find(marker, STRING)
    if found is None or not found.count:
        known = [t.name for t in bag.topics.values() if t.type in {STRING, BOOL} and t.count]
        has = f'it has {", ".join(known)}' if known else f'it has no {STRING} or {BOOL}'
        raise BagError(f'{bag.path}: no marker on {marker} (--marker); {has}')
    if found.type not in {STRING, BOOL}:
        raise BagError(
            f'{bag.path}: marker {found.name} holds {found.type}; give a {STRING} or a {BOOL}'
        )
    found.require_readable(bag.path)
    return _read_words(bag, found)


def _read_words(bag: Bag, topic: Topic) -> list[tuple[str, int]]:
    words: list[tuple[str, int]] = []
    for _, message, log_time_ns in bag.read({topic.name: topic.type}):
        data = message.data
        if topic.type == BOOL:
            word = START if data else STOP
            # A Bool that is repeated says nothing new.
            if words and words[-1][0] == word:
                continue
        else:
            word = str(data).strip().lower()
        words.append((word, log_time_ns))
    return words


def _moving_ns(bag: Bag, outputs: Observer, fastest: float) -> Sequence[int]:
    """Times at which some output moves faster than that, [ns]."""
    moving = array('q')
    before: Observation | None = None
    messages = bag.read(outputs.topics)
    for tick in ticks(messages, [outputs], _MOTION_HZ, start_ns=bag.start_ns):
        # In a long silence nothing is known to move.
        found = outputs.observe(tick.time_ns) if isinstance(tick, Tick) else None
        now = found if isinstance(found, Observation) else None
        if now is not None and before is not None and _speed(before, now) > fastest:
            moving.append(now.tick_ns)
        before = now
    return moving


def _speed(before: Observation, now: Observation) -> float:
    """The speed of the fastest number, [1/s]."""
    span_s = (now.tick_ns - before.tick_ns) / 1e9
    fastest = 0.0
    for kind, values in now.inputs.items():
        valid = now.valid[kind]
        steps = np.abs(values[valid] - before.inputs[kind][valid])
        fastest = max(fastest, float(steps.max(initial=0.0)) / span_s)
    return fastest
