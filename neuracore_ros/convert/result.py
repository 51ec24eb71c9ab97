"""The results of a run of convert."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from neuracore_ros.convert.audit import AuditSummary
from neuracore_ros.convert.audit_total import AuditTotal
from neuracore_ros.convert.stream_audit import StreamAudit
from neuracore_ros.description.recorded_checks import Doubt
from neuracore_ros.wording import counted, counts


@dataclass(frozen=True, slots=True)
class BagResult:
    """The result of one recording.

    Attributes:
        bag: Its path.
        episodes: Numbers of the episodes that were written now.
        steps: Their rows.
        earlier: Episodes that a run before had written.
        removed: Episodes that ``edit`` has left out of this dataset.
        known_as: Of one that is skipped, its path when it was converted.
        short_pieces: Pieces dropped for having too few steps.
        short_steps: Steps of these.
        pair: Label of its episodes; '' none.
        notes: What is worth knowing, a line each.
        losses: What of the recording could not be read, a line each.
        error: Why it could not be converted; '' if it could.
        audit: Streams and ticks; None where nothing was read.
    """

    bag: str
    episodes: tuple[int, ...] = ()
    steps: int = 0
    earlier: int = 0
    removed: int = 0
    known_as: str = ''
    short_pieces: int = 0
    short_steps: int = 0
    pair: str = ''
    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    error: str = ''
    audit: AuditSummary | None = None

    @property
    def is_skipped(self) -> bool:
        """True if there was nothing left to do."""
        return self.audit is None and not self.error

    @property
    def is_settled(self) -> bool:
        """True if nothing is left to be done: all that is to be in the dataset is there."""
        cut_off = self.audit is None or (bool(self.audit.cut) and not self.short_pieces)
        there = self.episodes or self.earlier or self.removed
        return not self.error and bool(there or cut_off)

    def line(self) -> str:
        """The result in one line."""
        if self.error:
            kept = f' (kept: {counted(len(self.episodes), "episode")} before it)'
            return f'neuracore_ros convert: {self.error}{kept if self.episodes else ""}'
        if self.audit is None:  # is_skipped
            name = f', as {self.known_as}' if self.known_as not in {'', self.bag} else ''
            episodes = counted(self.earlier, 'episode')
            left_out = f', {self.removed} removed by edit' if self.removed else ''
            return f'{self.bag}: skipped, already in the dataset ({episodes}{left_out}){name}'
        episodes, steps = counted(len(self.episodes), 'episode'), counted(self.steps, 'step')
        text = f'{self.bag}: {episodes}, {steps}'
        if self.pair:
            text += f', pair {self.pair}'
        if self.earlier:
            text += f', {counted(self.earlier, "episode")} already in the dataset'
        if self.removed:
            text += f', {counted(self.removed, "episode")} removed by edit'
        text += f'; {self.audit.unusable} of {counted(self.audit.ticks, "tick")} unusable'
        if self.audit.reasons:
            text += f' ({counts(self.audit.reasons)})'
        if self.audit.cut:
            text += (
                f'; {counted(self.audit.cut.total(), "tick")} cut off ({counts(self.audit.cut)})'
            )
        if self.short_pieces:
            short = counted(self.short_pieces, 'short piece')
            text += f'; {short} dropped ({counted(self.short_steps, "step")})'
        return '; '.join([text, *self.notes, *(f'lost: {loss}' for loss in self.losses)])

    def to_json(self) -> dict[str, Any]:
        """Figures for ``--json``."""
        audit = self.audit
        return {
            'bag': self.bag,
            'episodes': list(self.episodes),
            'steps': self.steps,
            'already_converted': self.earlier,
            'removed': self.removed,
            'known_as': self.known_as,
            'ticks': audit.ticks if audit else 0,
            'ticks_unusable': audit.unusable if audit else 0,
            'ticks_dropped': dict(audit.reasons) if audit else {},
            'why': dict(audit.texts) if audit else {},
            'ticks_cut': dict(audit.cut) if audit else {},
            'short_pieces': self.short_pieces,
            'short_steps': self.short_steps,
            'pair': self.pair,
            'notes': list(self.notes),
            'losses': list(self.losses),
            'error': self.error,
            'streams': [asdict(each) for each in audit.streams] if audit else [],
        }


@dataclass(frozen=True, slots=True)
class ConvertResult:
    """The results of all recordings of one run.

    Attributes:
        dataset: The folder.
        robot: Whose recordings they are.
        bags: The result of each.
        total: The sum of the audits of those that were read.
    """

    dataset: str
    robot: str
    bags: tuple[BagResult, ...]
    total: AuditTotal = field(default_factory=AuditTotal)

    @property
    def streams(self) -> list[StreamAudit]:
        """Every declared stream, over all recordings that were read."""
        return self.total.streams

    def doubts(self) -> list[Doubt]:
        """Doubts about the robot file, over all recordings that were read."""
        return self.total.doubts()

    def why(self) -> list[str]:
        """Each reason for unusable ticks, the most frequent first, with one case of it."""
        audits = [bag.audit for bag in self.bags if bag.audit]
        ticks: Counter[str] = Counter()
        texts: dict[str, str] = {}
        for audit in audits:
            ticks.update(audit.reasons)
            texts = {**audit.texts, **texts}
        return [f'{counted(n, "tick")}: {texts[reason]}' for reason, n in ticks.most_common()]

    def summary(self) -> str:
        """Everything in one line."""
        done = sum(1 for bag in self.bags if bag.episodes and not bag.error)
        parts = {
            'failed': sum(1 for bag in self.bags if bag.error),
            'skipped, already in the dataset': sum(1 for bag in self.bags if bag.is_skipped),
            'without a new episode': sum(
                1 for bag in self.bags if not (bag.error or bag.is_skipped or bag.episodes)
            ),
            'read with losses': sum(1 for bag in self.bags if bag.losses),
        }
        episodes = sum(len(bag.episodes) for bag in self.bags)
        steps = sum(bag.steps for bag in self.bags)
        text = f'{self.dataset}: {counted(episodes, "episode")} ({counted(steps, "step")}) added'
        text += f'; {done} of {counted(len(self.bags), "recording")} converted'
        more = [f'{number} {what}' for what, number in parts.items() if number]
        short = sum(bag.short_pieces for bag in self.bags)
        if short:
            lost = sum(bag.short_steps for bag in self.bags)
            more.append(f'{counted(short, "short piece")} ({counted(lost, "step")}) dropped')
        return ', '.join([text, *more])

    @property
    def failed(self) -> bool:
        """True if something that was asked for is not in the dataset."""
        return any(bag.error for bag in self.bags) or not any(bag.is_settled for bag in self.bags)

    def to_json(self) -> dict[str, Any]:
        """Figures for ``--json``."""
        return {
            'dataset': self.dataset,
            'robot': self.robot,
            'episodes': [number for bag in self.bags for number in bag.episodes],
            'steps': sum(bag.steps for bag in self.bags),
            'warnings': [doubt.text for doubt in self.doubts()],
            'bags': [bag.to_json() for bag in self.bags],
            'streams': [asdict(stream.summary()) for stream in self.streams],
        }
