"""Rows of episodes, made of what is observed at the ticks of a recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.bags.bag import RecordedMessage
from neuracore_ros.control import Commander, Control
from neuracore_ros.convert.audit import Audit
from neuracore_ros.convert.control_track import NOBODY, ControlTrack
from neuracore_ros.convert.cutting import Cuts
from neuracore_ros.convert.ticks import Silence, Tick, ticks
from neuracore_ros.convert.wanted_outputs import WantedOutputs
from neuracore_ros.dataset.row import Row
from neuracore_ros.description import DataType
from neuracore_ros.observation import Observation, Observer

SILENCE = 'no message of any stream'
UNTOLD = 'what was commanded is on no topic'


def rows(
    messages: Iterable[RecordedMessage],
    inputs: Observer,
    outputs: Observer | WantedOutputs,
    rate_hz: float,
    audit: Audit | None = None,
    cuts: Cuts | None = None,
    control: ControlTrack | None = None,
) -> Iterator[Row]:
    """Resample a recording.

    An unusable tick ends a piece, as the end of an episode does.

    Args:
        messages: In log order.
        inputs: Observes what the model reads.
        outputs: Observes what it should command.
        rate_hz: Ticks per second, [Hz].
        audit: Notes everything that is used and dropped.
        cuts: The episodes; None: the whole recording is one.
        control: Who commands, whose topic is among the messages; None: a demonstration.
    """
    audit = audit or Audit(inputs, outputs)
    piece = 0
    observed = _observed(messages, inputs, outputs, rate_hz, audit, cuts, control)
    for now, after in pairwise(chain(observed, [None])):
        if now is None:
            continue
        goes_on = after is not None and after.tick.piece == now.tick.piece
        following = after.wanted if after and goes_on else None
        values, valid = outputs_of(now.wanted, following, outputs.commanded)
        yield Row(
            piece=piece,
            tick_ns=now.tick.time_ns,
            inputs=now.given.inputs,
            input_valid=now.given.valid,
            outputs=values,
            output_valid=valid,
            dropped=now.dropped,
            outcome=now.tick.outcome,
            attempt_ns=now.tick.attempt_ns,
            control=now.control,
            stored=now.given.stored,
        )
        piece += not goes_on


def outputs_of(
    now: Observation, after: Observation | None, commanded: Mapping[DataType, BoolArray]
) -> tuple[Mapping[DataType, Array], Mapping[DataType, BoolArray]]:
    """The outputs of a tick: its commands, and what is measured one tick later.

    Args:
        now: The outputs at the tick.
        after: Those at the next tick of its piece; None: it is the last one, and what was
            measured after it is not known.
        commanded: The slots that are commands, as `Observer.commanded` has them.

    Returns:
        DataType -> values (W,), zero where not valid; and valid, (W,).
    """
    values, valid = dict(now.inputs), dict(now.valid)
    for kind, is_command in commanded.items():
        if is_command.all():
            continue
        later = after.inputs[kind] if after else np.zeros_like(values[kind])
        has_later = after.valid[kind] if after else np.zeros_like(valid[kind])
        chosen = is_command.reshape(-1, *(1,) * (later.ndim - 1))
        values[kind] = np.where(chosen, values[kind], later)
        valid[kind] = np.where(is_command, valid[kind], has_later)
    return values, valid


@dataclass(frozen=True, slots=True)
class _Usable:
    """A usable tick, its control, and the reasons for which ticks before it were dropped."""

    tick: Tick
    given: Observation
    wanted: Observation
    dropped: Mapping[str, int]
    control: Control | None


def _observed(
    messages: Iterable[RecordedMessage],
    inputs: Observer,
    outputs: Observer | WantedOutputs,
    rate_hz: float,
    audit: Audit,
    cuts: Cuts | None,
    control: ControlTrack | None,
) -> Iterator[_Usable | None]:
    """Usable ticks, and None for what lies between them."""
    dropped: Counter[str] = Counter()

    def note(topic: str, message: object, receive_ns: int) -> None:
        audit.received(topic, receive_ns)
        if control is not None and topic == control.topic:
            control.receive(message, receive_ns)

    for tick in ticks(messages, (inputs, outputs), rate_hz, note, cuts):
        if isinstance(tick, Tick):
            said = control.at(tick.time_ns) if control is not None else None
            is_nobody = said is not None and said.commander is Commander.NOBODY
            if control is not None and is_nobody and not control.keeps_nobody:
                audit.cut[NOBODY] += 1
                yield None
                continue
            if isinstance(outputs, WantedOutputs):
                wanted = outputs.observe(tick.time_ns, said)
            else:
                wanted = outputs.observe(tick.time_ns)
            if isinstance(wanted, Observation) and not any(map(np.any, wanted.valid.values())):
                audit.cut[UNTOLD] += 1
                yield None
                continue
            given = inputs.observe(tick.time_ns)
            reasons = audit.tick(tick.time_ns, given, wanted)
            if isinstance(given, Observation) and isinstance(wanted, Observation):
                yield _Usable(tick, given, wanted, dict(dropped), said)
                dropped.clear()
                continue
            dropped.update(reasons)
        elif isinstance(tick, Silence):
            audit.skip(tick.ticks, SILENCE, f'{SILENCE} for {tick.duration_s:.0f} s')
            dropped[SILENCE] += tick.ticks
        else:
            audit.cut[tick.reason] += 1
        yield None
