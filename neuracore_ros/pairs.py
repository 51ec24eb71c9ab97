"""Pair labels: words or numbers that name what belongs together across robots.

Episodes of different robots with one label have the same task and the same places of things.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence

from neuracore_ros.errors import quoted
from neuracore_ros.wording import few

PAIR_TOPIC = 'pair'
"""The last part of the name of a recorder's topic that says the label; std_msgs/String."""

MOST_LABELS = 100_000
MOST_CHARACTERS = 60
_NUMBER = re.compile('[0-9]+')
_RANGE = re.compile('([0-9]+)-([0-9]+)')
_NUMBERS_WITH_COMMAS = re.compile('[0-9]+(-[0-9]+)?(, *[0-9]+(-[0-9]+)?)+')
# One more than the largest seed of a simulated robot.
_SEEDS = 2**31 - 1
_NOTHING = ('~', 'null')
_MOST_DIGITS = 12
_MOST_SHOWN = 8


def pair_label(text: str) -> str:
    """The label that a text means: in Unicode's composed form, a number without leading zeros.

    Raises:
        ValueError: It is empty, too long, has line breaks or other control characters, or would
            not be kept by a metadata.yaml.
    """
    label = unicodedata.normalize('NFC', text).strip(' ')
    if not label:
        raise ValueError('a pair label is empty: give a word or a number')
    if not label.isprintable():
        raise ValueError(
            f'{quoted(text)} is no pair label: it has characters that cannot be printed'
        )
    if label in _NOTHING:
        raise ValueError(f'{quoted(text)} is no pair label: YAML reads it as nothing')
    if len(label) > MOST_CHARACTERS:
        raise ValueError(
            f'{quoted(text)} is no pair label: it has {len(label)} characters, '
            f'more than {MOST_CHARACTERS}'
        )
    return label.lstrip('0') or '0' if _NUMBER.fullmatch(label) else label


def pair_labels(texts: Iterable[str]) -> tuple[str, ...]:
    """The labels of a command line, in order; ``0-49`` is fifty of them.

    Raises:
        ValueError: One is none, is given twice, or a range counts backwards or is too long.
    """
    labels: dict[str, None] = {}
    for text in texts:
        for label in _expanded(text):
            if label in labels:
                raise ValueError(f'pair label {quoted(label)} is given twice')
            if len(labels) == MOST_LABELS:
                raise ValueError(f'{quoted(text)}: more than {MOST_LABELS} pair labels')
            labels[label] = None
    return tuple(labels)


def in_ranges(labels: Iterable[str]) -> str:
    """Labels in one line: ``0-6, 8, red and 2 more``."""
    runs: list[list[str]] = []
    for label in labels:
        last = runs[-1][-1] if runs else ''
        if _is_number(label) and _is_number(last) and int(label) == int(last) + 1:
            runs[-1].append(label)
        else:
            runs.append([label])
    return few([f'{run[0]}-{run[-1]}' if len(run) > 1 else run[0] for run in runs], _MOST_SHOWN)


def in_order(labels: Iterable[str]) -> list[str]:
    """Labels, numbers first, by their size, then words."""
    return sorted(labels, key=lambda label: (*_rank(label), label))


def pair_seed(label: str) -> int:
    """The seed of a simulated robot's trial for a label: the number, or a digest of the word.

    It is the same on every machine, at least 0 and below 2 ** 31 - 1.
    """
    if _is_number(label) and int(label) < _SEEDS:
        return int(label)
    digest = hashlib.sha256(label.encode()).digest()
    return int.from_bytes(digest[:4], 'big') % _SEEDS


class PairSeries:
    """Labels that one robot is to record, in order, and those that it has recorded.

    Args:
        labels: Of all episodes.
        recorded: Of episodes that are there already; others than ``labels`` do not count.

    Attributes:
        labels: Of all episodes.
    """

    def __init__(self, labels: Sequence[str], recorded: Collection[str] = ()) -> None:
        self.labels = tuple(labels)
        self._missing = dict.fromkeys(label for label in labels if label not in recorded)

    @property
    def next(self) -> str:
        """The first label that is missing; '' where none is."""
        return next(iter(self._missing), '')

    @property
    def recorded(self) -> list[str]:
        """Labels that are recorded, in order."""
        return [label for label in self.labels if label not in self._missing]

    @property
    def missing(self) -> list[str]:
        """Labels that are not recorded, in order."""
        return list(self._missing)

    def add(self, label: str) -> None:
        """Note that an episode of that label was kept."""
        self._missing.pop(label, None)

    def __str__(self) -> str:
        """The progress, in words."""
        done = len(self.labels) - len(self._missing)
        ahead = f'next: pair {self.next}' if self._missing else 'all pairs are recorded'
        return f'{ahead} ({done} of {len(self.labels)} recorded)'


def _expanded(text: str) -> Iterable[str]:
    if _NUMBERS_WITH_COMMAS.fullmatch(text.strip()):
        parts = ' '.join(re.split(', *', text.strip()))
        raise ValueError(f'{quoted(text)} has commas: give pair labels with spaces: {parts}')
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        label = pair_label(text)
        if label.startswith('-'):
            raise ValueError(f'{quoted(text)} is no pair label: it begins with a dash')
        return (label,)
    if max(map(len, found.groups())) > _MOST_DIGITS:
        raise ValueError(f'{quoted(text)} has numbers of more than {_MOST_DIGITS} digits')
    first, last = map(int, found.groups())
    if last < first:
        raise ValueError(f'{quoted(text)} counts backwards: write {last}-{first}')
    return map(str, range(first, last + 1))


def _is_number(label: str) -> bool:
    return bool(_NUMBER.fullmatch(label))


def _rank(label: str) -> tuple[bool, int]:
    return (False, int(label)) if _is_number(label) else (True, 0)
