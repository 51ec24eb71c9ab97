"""Stamps of simulated time in a recording, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from neuracore_ros.bags.bag import Bag
from neuracore_ros.bags.simulated_clock import CLOCK, CLOCK_TYPE, OPTION
from neuracore_ros.description import Source
from neuracore_ros.description.source import JOINT_STATE, JOINT_TRAJECTORY
from neuracore_ros.durations import SECOND_NS, time_ns
from neuracore_ros.observation.streams import BEHIND_NS

_STAMPED = (JOINT_STATE, JOINT_TRAJECTORY)
# A simulation that is faster or slower than real time by less than this counts as real time.
_REAL_TIME = 0.02
# No clock of a robot is set so shortly after 1970, and no simulation lasts so long.
_SIMULATED_NS = 5 * 365 * 24 * 3600 * SECOND_NS
# Messages without a stamp before one is not looked for any more.
_UNSTAMPED = 50
# Messages of one topic that tell how fast its time goes.
_LOOKED_AT = 2000


def clock_cure(bag: Bag, sources: Iterable[Source]) -> str:
    """The cure of header stamps that lie days or years from the log times; '' if they do not."""
    stamped = [
        source for source in sources if source.stamp == 'header' and source.type in _STAMPED
    ]
    topics = {source.topic: source.type for source in stamped}
    for topic, kind in topics.items():
        if stamps := _stamps_astray(bag, topic, kind):
            kinds = dict.fromkeys(str(source.data_type) for source in stamped)
            receive = f'write `stamp: receive` in sources: {", ".join(kinds)}'
            return _cure(bag, stamps, receive)
    return ''


def pace_notes(bag: Bag, topics: Mapping[str, str]) -> list[str]:
    """A line for each topic that by log time has another speed than by its stamps.

    The topics are those of sources that are read by log time.
    """
    notes = []
    for topic, kind in topics.items():
        stamps = _stamps_astray(bag, topic, kind) if kind in _STAMPED else []
        speed = _speed(stamps)
        if speed and abs(speed - 1.0) > _REAL_TIME and not bag.uses_sim_time:
            cure = f'record it with {OPTION}'
            if _has_clock(bag, stamps):
                cure = f'with {OPTION}, convert reads it by {CLOCK}'
            notes.append(
                f'{topic}: header stamps go {speed:.2f} times as fast as the log, as those of a '
                f'simulation; by log time (`stamp: receive`) another speed is learnt: {cure}'
            )
    return notes


def _cure(bag: Bag, stamps: Sequence[tuple[int, int]], receive: str) -> str:
    if bag.uses_sim_time:
        return f'they are not of {CLOCK}: leave {OPTION} out, or {receive}'
    if stamps[0][1] < _SIMULATED_NS < stamps[0][0]:
        return (
            'the recording is in simulated time, and they are not: set use_sim_time of their '
            f'publisher to true, or {receive}'
        )
    speed = _speed(stamps)
    pace = f'{speed:.2f} times as fast as the log' if speed else ''
    is_real_time = not speed or abs(speed - 1.0) <= _REAL_TIME
    if _has_clock(bag, stamps):
        went = f', which went {pace}' if pace else ''
        cure = f'they are of the simulation whose {CLOCK} was recorded{went}: give {OPTION}'
        return f'{cure}, or {receive}' if is_real_time else cure
    if is_real_time:
        return (
            f'if a simulation gives them, record with {OPTION}; if the publisher has another '
            f'clock, {receive}'
        )
    return (
        f'they go {pace}, as those of a simulation: record it with {OPTION}, for by log time '
        '(`stamp: receive`) another speed would be learnt'
    )


def _has_clock(bag: Bag, stamps: Sequence[tuple[int, int]]) -> bool:
    """True if the time of /clock is that of these stamps."""
    first = next(bag.read({CLOCK: CLOCK_TYPE}), None) if bag.find(CLOCK, CLOCK_TYPE) else None
    return first is not None and abs(time_ns(first.message.clock) - stamps[0][0]) <= BEHIND_NS


def _stamps_astray(bag: Bag, topic: str, kind: str) -> list[tuple[int, int]]:
    """Stamps and log times of a topic whose stamps lie days or years from the log; else none."""
    first = _stamps(bag, topic, kind, 1)
    if not first or abs(first[0][0] - first[0][1]) <= BEHIND_NS:
        return []
    return _stamps(bag, topic, kind, _LOOKED_AT)


def _stamps(bag: Bag, topic: str, kind: str, count: int) -> list[tuple[int, int]]:
    """Header stamps and log times of the first messages that have a stamp, [ns]."""
    read = islice(bag.read({topic: kind}), count + _UNSTAMPED)
    pairs = ((time_ns(each.message.header.stamp), each.log_time_ns) for each in read)
    return list(islice((pair for pair in pairs if pair[0]), count))


def _speed(stamps: Sequence[tuple[int, int]]) -> float:
    """Seconds of the stamps in a second of the log; 0 unknown, for they are too few."""
    if not stamps:
        return 0.0
    (first, first_log), (last, last_log) = stamps[0], stamps[-1]
    return (last - first) / (last_log - first_log) if last_log - first_log >= SECOND_NS else 0.0
