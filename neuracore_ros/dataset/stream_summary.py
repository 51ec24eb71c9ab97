"""One stream of one recording in figures, as the metadata of a dataset keeps it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from neuracore_ros.records import Record


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """Figures of a declared stream: what it brought, and what it cost.

    Attributes:
        topic: As declared.
        role: ``input`` or ``output``.
        names: The names that it serves.
        samples: Messages that brought something new.
        rate_hz: Samples per second of the name that came least often.
        age_s_p50: Median age at ticks, [s]; None where there was no tick.
        age_s_p95: Age that 95 % of the ticks stay below, [s]; likewise.
        age_s_max: Largest age at a tick, [s]; likewise.
        longest_gap_s: Between two samples, [s].
        slowest: That name, where others came more often; else ''.
        drops: Reason -> messages that were refused for it, wholly or in part.
        ticks_dropped: Reason -> ticks at which some name had no usable value.
    """

    topic: str
    role: str
    names: tuple[str, ...]
    samples: int = 0
    rate_hz: float = 0.0
    age_s_p50: float | None = None
    age_s_p95: float | None = None
    age_s_max: float | None = None
    longest_gap_s: float | None = None
    slowest: str = ''
    drops: Mapping[str, int] = field(default_factory=dict)
    ticks_dropped: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_record(cls, record: Record) -> StreamSummary:
        """Read one back.

        Raises:
            UserError: A value is missing or wrong; of the record's kind.
        """
        return cls(
            topic=record.text('topic'),
            role=record.text('role'),
            names=record.texts('names'),
            samples=record.integer('samples', default=0),
            rate_hz=record.measured('rate_hz') or 0.0,
            age_s_p50=record.measured('age_s_p50'),
            age_s_p95=record.measured('age_s_p95'),
            age_s_max=record.measured('age_s_max'),
            longest_gap_s=record.measured('longest_gap_s'),
            slowest=record.text('slowest', default=''),
            drops=record.counts('drops'),
            ticks_dropped=record.counts('ticks_dropped'),
        )


def counts(counter: Counter[str]) -> str:
    """``stale 12, future 3``, the most frequent first."""
    return ', '.join(f'{reason} {count}' for reason, count in counter.most_common()) or '-'
