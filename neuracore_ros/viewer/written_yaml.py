"""YAML as its characters stand: where each value is written, so that one can be exchanged.

A library that writes parsed YAML anew changes what nobody asked it to: indentation, quotes, the
number of digits, where comments stand. Here a value is cut out of the text and another one put in
its place, and every other character stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import yaml

from neuracore_ros.errors import DescriptionError

_OF_VALUES = (yaml.NodeEvent, yaml.CollectionEndEvent)
# Before a value: its anchor and its tag.
_PROPERTIES = re.compile(r'(?:[&!][^\s,\[\]{}]*[ \t]*)+')
_REST_OF_LINE = re.compile(r'[ \t]*(#[^\r\n]*)?(?=\r|\n|$)')
# What ends a plain scalar within braces or brackets, but not outside of them.
_FLOW_MARKS = re.compile(r'[,\[\]{}]')


@dataclass(frozen=True, slots=True)
class TextSpan:
    """Characters of a text, from ``start`` up to ``end``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Change:
    """One exchange of characters: those of a span for others; an empty span is an insertion."""

    span: TextSpan
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class WrittenScalar:
    """A single value.

    Attributes:
        span: Of the value, quotes included.
        value: As YAML reads it.
        start: Where its anchor or tag begins, or the value itself where it has neither.
    """

    span: TextSpan
    value: str
    start: int


@dataclass(frozen=True, slots=True, eq=False)
class WrittenList:
    """A list.

    Attributes:
        span: Of a block list, up to its last element.
        elements: In their order.
        is_flow: True of ``[a, b]``.
        start: See `WrittenScalar`.
    """

    span: TextSpan
    elements: tuple[WrittenValue, ...]
    is_flow: bool
    start: int


@dataclass(frozen=True, slots=True, eq=False)
class WrittenEntry:
    """A key of a mapping with its value."""

    key: WrittenValue
    value: WrittenValue

    @property
    def name(self) -> str:
        """The key as text; '' of one that is no scalar."""
        return self.key.value if isinstance(self.key, WrittenScalar) else ''


@dataclass(frozen=True, slots=True, eq=False)
class WrittenMapping:
    """A mapping.

    Attributes:
        span: Of a block mapping, up to its last value.
        entries: In their order.
        is_flow: True of ``{a: 1}``.
        start: See `WrittenScalar`.
    """

    span: TextSpan
    entries: tuple[WrittenEntry, ...]
    is_flow: bool
    start: int

    def entry(self, name: str) -> WrittenEntry | None:
        """The entry of a key; None if there is none."""
        return next((each for each in self.entries if each.name == name), None)


@dataclass(frozen=True, slots=True, eq=False)
class WrittenAlias:
    """An alias, ``*name``, and the value that it repeats."""

    span: TextSpan
    target: WrittenValue

    @property
    def start(self) -> int:
        """The place of its first character."""
        return self.span.start


WrittenValue: TypeAlias = WrittenScalar | WrittenList | WrittenMapping | WrittenAlias


class WrittenYaml:
    """The text of one YAML file that holds a mapping.

    Args:
        text: Text that a robot file's reader has accepted, with its own line ends.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def root(self) -> WrittenMapping:
        """The mapping that the file holds.

        Raises:
            DescriptionError: An edit has made it what is no YAML.
        """
        try:
            root = _Composer(self.text).value()
        except yaml.YAMLError as error:
            raise DescriptionError(str(error).splitlines()[0]) from error
        assert isinstance(root, WrittenMapping)
        return root

    @property
    def line_end(self) -> str:
        """The end of its first line."""
        found = re.search(r'\r\n|\n|\r', self.text)
        return found[0] if found else '\n'

    @property
    def is_json(self) -> bool:
        """True if it is JSON, too, by its braces and quotes."""
        root = self.root
        return root.is_flow and self.cut(root.entries[0].key.span).startswith('"')

    def cut(self, span: TextSpan) -> str:
        """The characters of a span."""
        return self.text[span.start : span.end]

    def column(self, place: int) -> int:
        """The column of a character, from 0."""
        start = max(self.text.rfind('\n', 0, place), self.text.rfind('\r', 0, place)) + 1
        return place - start - (self.text[start:place].count('\ufeff'))

    def end_of_line(self, place: int) -> int:
        """The end of the line from a place on; the place itself if more than a comment follows."""
        found = _REST_OF_LINE.match(self.text, place)
        return found.end() if found else place

    def start_of_comments(self, place: int) -> int:
        """The start of the comments right above a line that begins at a place; else the place.

        They are those that stand in the same column, with no blank line between.
        """
        margin = f' {{{self.column(place)}}}'
        above = rf'(?<![^\r\n])(?:{margin}#[^\r\n]*(?:\r\n|\n|\r))+{margin}\Z'
        found = re.search(above, self.text[:place])
        return found.start() + self.column(place) if found else place

    def changed(self, changes: Iterable[Change]) -> WrittenYaml:
        """The text with some characters exchanged, each change counted once.

        Raises:
            DescriptionError: Two changes are of the same characters, as by an alias.
        """
        text, last = self.text, len(self.text) + 1
        for change in sorted({*changes}, key=lambda each: _range(each.span), reverse=True):
            if change.span.end > last or _range(change.span) == (last, last):
                raise DescriptionError('two changes are of the same text')
            text = text[: change.span.start] + change.text + text[change.span.end :]
            last = change.span.start
        return WrittenYaml(text)

    def aliases(self) -> Iterator[WrittenAlias]:
        """Each alias, in the order of the text."""
        return _aliases(self.root)

    def in_one_line(self, value: WrittenValue) -> str:
        """A value as it can be written within braces: ``{a: 1, b: [2, 3]}``."""
        if isinstance(value, WrittenAlias):
            return self.in_one_line(value.target)
        if isinstance(value, WrittenList):
            return f'[{", ".join(map(self.in_one_line, value.elements))}]'
        if isinstance(value, WrittenMapping):
            pairs = (
                f'{self.in_one_line(each.key)}: {self.in_one_line(each.value)}'
                for each in value.entries
            )
            return f'{{{", ".join(pairs)}}}'
        text = self.cut(value.span)
        is_plain = text[:1] not in {'"', "'"}
        if '\n' in text or '\r' in text or (is_plain and _FLOW_MARKS.search(text)):
            return "'" + value.value.replace("'", "''") + "'"
        return text


def resolved(value: WrittenValue) -> WrittenScalar | WrittenList | WrittenMapping:
    """The value that an alias repeats; any other value itself."""
    while isinstance(value, WrittenAlias):
        value = value.target
    return value


def _range(span: TextSpan) -> tuple[int, int]:
    return span.start, span.end


def _aliases(value: WrittenValue) -> Iterator[WrittenAlias]:
    if isinstance(value, WrittenAlias):
        yield value
    for inner in _within(value):
        yield from _aliases(inner)


def _within(value: WrittenValue) -> Sequence[WrittenValue]:
    if isinstance(value, WrittenMapping):
        return [each for entry in value.entries for each in (entry.key, entry.value)]
    return value.elements if isinstance(value, WrittenList) else ()


class _Composer:
    """Values out of the parser's events, which tell where each begins and ends."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._events = iter(yaml.parse(text, Loader=yaml.SafeLoader))
        self._anchors: dict[str, WrittenValue] = {}
        self._end = 0

    def value(self) -> WrittenValue:
        """The next value."""
        found = self._next()
        assert found is not None
        return found

    def _next(self) -> WrittenValue | None:
        """The next value; None where a list or a mapping ends."""
        event: Any = next(each for each in self._events if isinstance(each, _OF_VALUES))
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.CollectionEndEvent):
            self._end = end
            return None
        anchor = str(event.anchor or '')
        if isinstance(event, yaml.AliasEvent):
            if anchor not in self._anchors:
                raise DescriptionError(f"the alias '*{anchor}' stands before its anchor")
            return WrittenAlias(TextSpan(start, end), self._anchors[anchor])
        inner = start
        if anchor or event.tag is not None:
            properties = _PROPERTIES.match(self._text, start)
            inner = properties.end() if properties else start
        found: WrittenValue
        if isinstance(event, yaml.ScalarEvent):
            found = WrittenScalar(TextSpan(inner, max(inner, end)), event.value, start)
        elif isinstance(event, yaml.MappingStartEvent):
            found = self._mapping(start, inner, bool(event.flow_style))
        else:
            found = self._list(start, inner, bool(event.flow_style))
        if anchor:
            self._anchors[anchor] = found
        return found

    def _mapping(self, start: int, inner: int, is_flow: bool) -> WrittenMapping:
        entries = []
        while (key := self._next()) is not None:
            entries.append(WrittenEntry(key, self.value()))
        end = self._end if is_flow else entries[-1].value.span.end
        inner = inner if is_flow else entries[0].key.start
        return WrittenMapping(TextSpan(inner, end), tuple(entries), is_flow, start)

    def _list(self, start: int, inner: int, is_flow: bool) -> WrittenList:
        elements = []
        while (element := self._next()) is not None:
            elements.append(element)
        end = self._end if is_flow else elements[-1].span.end
        return WrittenList(TextSpan(inner, end), tuple(elements), is_flow, start)
