"""The tick loop: messages in log order become rows, exactly 1 / rate_hz apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from neuracore_ros.bags.bag import Recorded
from neuracore_ros.convert.audit import Audit
from neuracore_ros.convert.cutting import Cuts, Span
from neuracore_ros.dataset.row import Row, tick_ns
from neuracore_ros.observation import Observation, Observer, Unusable

# A clock that was set may leave a silence of years. Its ticks are not looked at from this long
# after all samples are stale.
SILENCE_NS = 60 * 1_000_000_000
SILENCE = 'no message of any stream'


def rows(
    messages: Iterable[Recorded],
    inputs: Observer,
    outputs: Observer,
    rate_hz: float,
    audit: Audit | None = None,
    cuts: Cuts | None = None,
) -> Iterator[Row]:
    """Resample a recording.

    The first tick is when every stream has a sample. An unusable tick ends a piece, and so does
    the end of an episode; between episodes, nothing is observed.

    Args:
        messages: In log order.
        inputs: Observes what the model reads.
        outputs: Observes what it should command.
        rate_hz: Ticks per second, [Hz].
        audit: Told of everything that is used and dropped.
        cuts: The episodes; None: the whole recording is one.
    """
    audit = audit or Audit(inputs, outputs)
    start_ns = ticks = 0
    started = False
    now_ns = 0
    silence_ns = _silence_ns(inputs, outputs)
    pieces = _Pieces(inputs, outputs, audit, cuts)
    for topic, message, log_time_ns in messages:
        # A message belongs to a tick that is received at it or before.
        while started and (at_ns := tick_ns(start_ns, ticks, rate_hz)) < log_time_ns:
            if at_ns - now_ns > silence_ns:
                skipped = _ticks_before(log_time_ns - start_ns, rate_hz) - ticks
                yield from pieces.skip(skipped, (log_time_ns - now_ns) / 1e9)
                ticks += skipped
                break
            yield from pieces.step(at_ns)
            ticks += 1
        now_ns = log_time_ns
        inputs.receive(topic, message, now_ns)
        outputs.receive(topic, message, now_ns)
        audit.received(topic, now_ns)
        if not started and inputs.is_complete(now_ns) and outputs.is_complete(now_ns):
            started, start_ns = True, now_ns
    while started and (at_ns := tick_ns(start_ns, ticks, rate_hz)) <= now_ns:
        yield from pieces.step(at_ns)
        ticks += 1
    yield from pieces.end()


class _Pieces:
    """Turns ticks into rows; holds one row back, since measured outputs come a tick later."""

    def __init__(
        self, inputs: Observer, outputs: Observer, audit: Audit, cuts: Cuts | None
    ) -> None:
        self._inputs, self._outputs, self._audit = inputs, outputs, audit
        self._cuts = cuts
        self._span: Span | None = None
        self._piece = 0
        self._held: Row | None = None
        self._dropped: dict[str, int] = {}

    def step(self, tick_ns: int) -> Iterator[Row]:
        """Give what is complete with the tick at this time."""
        if self._cuts is not None:
            span = self._cuts.at(tick_ns)
            if isinstance(span, str):
                yield from self.end()
                self._audit.cut[span] += 1
                return
            if span is not self._span:
                yield from self.end()
                self._span = span
        wanted, given = self._outputs.observe(tick_ns), self._inputs.observe(tick_ns)
        reasons = self._audit.tick(tick_ns, given, wanted)
        if isinstance(given, Unusable) or isinstance(wanted, Unusable):
            yield from self.end()
            for reason in reasons:
                self._dropped[reason] = self._dropped.get(reason, 0) + 1
            return
        if self._held is not None:
            yield _with_measured(self._held, wanted)
        self._held = self._row(given, wanted)

    def skip(self, ticks: int, silence_s: float) -> Iterator[Row]:
        """Drop the rest of a long silence."""
        yield from self.end()
        self._audit.skip(ticks, SILENCE, f'{SILENCE} for {silence_s:.0f} s')
        self._dropped[SILENCE] = self._dropped.get(SILENCE, 0) + ticks

    def end(self) -> Iterator[Row]:
        """Give the held row, after which nothing was measured."""
        if self._held is not None:
            yield self._held
            self._held = None
            self._piece += 1

    def _row(self, given: Observation, wanted: Observation) -> Row:
        dropped, self._dropped = self._dropped, {}
        targets = {kind: kind.is_target for kind in wanted.inputs}
        return Row(
            piece=self._piece,
            tick_ns=given.tick_ns,
            inputs=given.inputs,
            input_valid=given.valid,
            outputs={
                kind: values if targets[kind] else np.zeros_like(values)
                for kind, values in wanted.inputs.items()
            },
            output_valid={
                kind: valid if targets[kind] else np.zeros_like(valid)
                for kind, valid in wanted.valid.items()
            },
            dropped=dropped,
            outcome=self._span.outcome if self._span else '',
        )


def _with_measured(row: Row, after: Observation) -> Row:
    """The row with what was measured one tick later."""
    measured = [kind for kind in after.inputs if not kind.is_target]
    return replace(
        row,
        outputs={**row.outputs, **{kind: after.inputs[kind] for kind in measured}},
        output_valid={**row.output_valid, **{kind: after.valid[kind] for kind in measured}},
    )


def _silence_ns(inputs: Observer, outputs: Observer) -> int:
    """How long after the last message of any stream no tick can be usable, [ns]."""
    sources = [s for stream in (*inputs.streams, *outputs.streams) for s in stream.sources]
    ages_s = [source.max_age_s for source in sources if source.max_age_s is not None]
    return SILENCE_NS + round(max(ages_s, default=0.0) * 1e9)


def _ticks_before(span_ns: int, rate_hz: float) -> int:
    """How many ticks lie before the end of a span that begins with one."""
    ticks = int(span_ns * rate_hz / 1e9)
    while tick_ns(0, ticks, rate_hz) < span_ns:
        ticks += 1
    return ticks
