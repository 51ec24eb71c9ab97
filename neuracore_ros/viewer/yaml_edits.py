"""Edits of YAML text: an entry added, a value exchanged, indices given anew.

Each leaves every character of the text that it need not change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from neuracore_ros.scaffold.yaml_writer import scalar
from neuracore_ros.viewer.written_yaml import (
    Change,
    TextSpan,
    WrittenEntry,
    WrittenList,
    WrittenMapping,
    WrittenScalar,
    WrittenValue,
    WrittenYaml,
    resolved,
)

Content: TypeAlias = 'str | float | Sequence[Content] | Mapping[str, Content]'
"""What is written anew: a name, a number, or lists and mappings of them."""

# As robot files are written.
_COLUMNS = 99
# What a new line in braces must gain: the options of one name stay in one line.
_WORTH_A_LINE = 33
# Digits behind the point: a micrometre, a microradian; and digits that a scale has.
_FRACTION, _DIGITS = 6, 9
_COMMENT = re.compile('^ *#', re.MULTILINE)


def number_text(value: float) -> str:
    """A number for a robot file: ``-1.0``, ``1.3154``; never with an exponent."""
    text = f'{value:.{_DIGITS}g}'
    if 'e' in text:
        text = f'{value:.15f}'.rstrip('0')
    return text if '.' in text else f'{text}.0'


def rounded(value: float) -> float:
    """A length [m] or an angle [rad] to the last digit that is written."""
    return round(value, _FRACTION) + 0.0


def number_changes(yaml: WrittenYaml, written: WrittenValue, value: float) -> list[Change]:
    """Exchange a number; of one that only changes its sign, the digits stay."""
    found = resolved(written)
    assert isinstance(found, WrittenScalar)
    text = yaml.cut(found.span)
    before = float(found.value)
    if before == value:
        return []
    is_turned = before == -value and text == found.value
    return [Change(found.span, _turned(text) if is_turned else number_text(value))]


def _rendered(yaml: WrittenYaml, content: Content) -> str:
    """A value in one line; a file that is JSON stays so."""
    if isinstance(content, Mapping):
        pairs = (f'{_rendered(yaml, k)}: {_rendered(yaml, v)}' for k, v in content.items())
        return f'{{{", ".join(pairs)}}}'
    if isinstance(content, str):
        return json.dumps(content) if yaml.is_json else scalar(content)
    if isinstance(content, Sequence):
        return f'[{", ".join(_rendered(yaml, each) for each in content)}]'
    return number_text(content)


def _turned(text: str) -> str:
    return text[1:] if text[0] == '-' else f'-{text.removeprefix("+")}'


def content_change(yaml: WrittenYaml, written: WrittenValue, content: Content) -> Change:
    """Exchange a value, in one line."""
    span, text = resolved(written).span, _rendered(yaml, content)
    return Change(span, f' {text}' if span.start == span.end else text)


def entries_change(
    yaml: WrittenYaml,
    holder: WrittenEntry,
    entries: Mapping[str, Content],
    after: int | None = None,
) -> Change:
    """Add entries to the mapping that a key holds, each in one line.

    Args:
        yaml: The text.
        holder: The outer key; what it holds may be null.
        entries: Key -> value.
        after: Place of the entry that they follow, -1 for the first place; None: the last one.
    """
    mapping = resolved(holder.value)
    if not isinstance(mapping, WrittenMapping) or not mapping.entries:
        return content_change(yaml, mapping, entries)
    texts = [_rendered(yaml, {key: content})[1:-1] for key, content in entries.items()]
    first = mapping.entries[0].key.start
    margin = yaml.line_end + ' ' * yaml.column(first)
    place = len(mapping.entries) - 1 if after is None else after
    if place < 0:
        end = ', ' if mapping.is_flow else margin
        return Change(TextSpan(first, first), ''.join(text + end for text in texts))
    end_of_entry = mapping.entries[place].value.span.end
    if not mapping.is_flow:
        end_of_line = yaml.end_of_line(end_of_entry)
        text = ''.join(margin + text for text in texts)
        return Change(TextSpan(end_of_line, end_of_line), text)
    column, text = yaml.column(end_of_entry), ', '.join(texts)
    room = column - yaml.column(first)
    is_long = column + len(text) + len(', }') > _COLUMNS and room > _WORTH_A_LINE
    between = f',{margin}' if is_long else ', '
    return Change(TextSpan(end_of_entry, end_of_entry), between + text)


def index_changes(
    yaml: WrittenYaml,
    holder: WrittenEntry,
    before: Mapping[str, int],
    indices: Mapping[str, int],
    labels: Mapping[int, str],
) -> list[Change]:
    """Give names other indices, in a mapping of index to name or in a list of names.

    Entries that stand in the order of their indices do so afterwards; the comments right above
    each, and what is written behind it on its line, move with it.

    Args:
        yaml: The text.
        holder: The key that holds the slots.
        before: Name -> its index, of all of them.
        indices: Name -> its new index.
        labels: Index -> what a vocabulary calls it, for keys that are written so.
    """
    slots = resolved(holder.value)
    if isinstance(slots, WrittenList):
        return _listed(yaml, slots, indices, yaml.column(holder.key.span.start))
    assert isinstance(slots, WrittenMapping)
    spans, texts, after = [], [], []
    for entry in slots.entries:
        key, value, name = entry.key, entry.value.span, _name(entry.value)
        end = value.end if slots.is_flow else yaml.end_of_line(value.end)
        index, label = indices.get(name, before[name]), yaml.cut(key.span)
        if index != before[name]:
            label = _labelled(label, entry.name, index, labels)
        start = key.start if slots.is_flow else yaml.start_of_comments(key.start)
        spans.append(TextSpan(start, end))
        before_label = yaml.cut(TextSpan(start, key.span.start))
        texts.append(before_label + label + yaml.cut(TextSpan(key.span.end, end)))
        after.append(index)
    stood = [before[_name(each.value)] for each in slots.entries]
    if all(one < other for one, other in pairwise(stood)):
        texts = [text for _, text in sorted(zip(after, texts, strict=True))]
    return [*map(Change, spans, texts)]


def _labelled(written: str, label: str, index: int, labels: Mapping[int, str]) -> str:
    """A key for another index, as the one before was written: number or name, with its quotes."""
    new = str(index) if label.isdecimal() else labels.get(index, str(index))
    return written.replace(label, new)


def _listed(
    yaml: WrittenYaml, slots: WrittenList, indices: Mapping[str, int], outer: int
) -> list[Change]:
    """The names of a list at other indices; where that leaves gaps, it becomes a mapping."""
    after = [indices.get(_name(each), place) for place, each in enumerate(slots.elements)]
    ends = [
        each.span.end if slots.is_flow else yaml.end_of_line(each.span.end)
        for each in slots.elements
    ]
    spans = [TextSpan(each.start, end) for each, end in zip(slots.elements, ends, strict=True)]
    has_gaps = sorted(after) != list(range(len(after)))
    if slots.is_flow:
        texts = sorted(zip(after, map(yaml.cut, spans), strict=True))
        news = [f'{index}: {text}' if has_gaps else text for index, text in texts]
        opened, closed = slots.span.start, slots.span.end - 1
        braces = (
            Change(TextSpan(opened, opened + 1), '{'),
            Change(TextSpan(closed, closed + 1), '}'),
        )
        return [*map(Change, spans, news), *(braces if has_gaps else ())]
    # A list may stand below its key without being indented, a mapping may not.
    dashes = [yaml.text.rindex('-', 0, span.start) for span in spans]
    margin = '' if yaml.column(dashes[0]) > outer else '  '
    wholes, rows = [], []
    for index, dash, span in zip(after, dashes, spans, strict=True):
        start = yaml.start_of_comments(dash)
        wholes.append(TextSpan(start, span.end))
        comments, mark = yaml.cut(TextSpan(start, dash)), yaml.cut(TextSpan(dash, span.start))
        if has_gaps:
            comments, mark = _COMMENT.sub(rf'{margin}\g<0>', comments), f'{margin}{index}: '
        rows.append((index, f'{comments}{mark}{yaml.cut(span)}'))
    return [Change(span, text) for span, (_, text) in zip(wholes, sorted(rows), strict=True)]


def _name(value: WrittenValue) -> str:
    found = resolved(value)
    return found.value if isinstance(found, WrittenScalar) else ''


def without_aliases(yaml: WrittenYaml, spans: Sequence[TextSpan]) -> WrittenYaml:
    """Write out what aliases repeat, of those whose value has to do with one of some spans."""
    changes = [
        Change(alias.span, yaml.in_one_line(alias))
        for alias in yaml.aliases()
        if any(_meet(resolved(alias).span, span) for span in spans)
    ]
    return yaml.changed(changes)


def _meet(one: TextSpan, other: TextSpan) -> bool:
    return one.start <= other.end and other.start <= one.end
