"""Lengths of time in nanoseconds: from ROS messages, and as people read them."""

from typing import Any

SECOND_NS = 1_000_000_000


def time_ns(stamp: Any) -> int:
    """Nanoseconds of a builtin_interfaces Time or Duration."""
    return int(stamp.sec) * SECOND_NS + int(stamp.nanosec)


def span(nanoseconds: int) -> str:
    """A length of time in a unit that people read."""
    seconds = nanoseconds / SECOND_NS
    for unit, size in (('years', 365.25 * 86400), ('days', 86400.0), ('h', 3600.0)):
        if seconds >= 2 * size:
            return f'{seconds / size:.1f} {unit}'
    return f'{seconds:.3g} s' if seconds < 100 else f'{seconds:.0f} s'
