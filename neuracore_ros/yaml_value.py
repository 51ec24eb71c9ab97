"""YAML as it is written: every value keeps its file and line, and nothing is guessed.

PyYAML's own construction keeps the last of two equal keys, reads ``010`` as 8 and ``yes`` as
True. A robot file decides which joint moves, so values are read here from the parsed nodes,
before YAML gives them a type.
"""

import errno
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from neuracore_ros.bounds import MAX_INDEX, MAX_NAME
from neuracore_ros.errors import DescriptionError, quoted, shortened, unreadable
from neuracore_ros.given_path import in_shell
from neuracore_ros.regular_file import read_text
from neuracore_ros.similar_names import did_you_mean, known_names, similar_file

ENDINGS = ('.yaml', '.yml')
_RIGHT_FILE = f': is it the right file? One of YAML ends in {ENDINGS[0]}'
"""Endings of YAML files."""

_XML = ('<?xml', '<!--', '<robot')
_INDEX = re.compile(r'0|[1-9][0-9]*')
_NUMBER = re.compile(r'[-+]?(?=\.?[0-9])(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?')
_NAME = re.compile(r'(?!(yes|no|true|false|on|off|null|nan|inf)$)[a-z]\w+$', re.IGNORECASE)
_COMMA = re.compile(r'([-+]?[0-9]+),([0-9]+)')
_UNIT = re.compile(r'[-+]?\.?[0-9][0-9.]* *([A-Za-z%°]+)')

# Values, those that an alias repeats counted each time: of a robot file some hundreds.
_MOST_VALUES = 100_000
# Characters that no name has: they control a terminal, break a line, or are half of a letter.
_UNPRINTED = {'Cc', 'Cs', 'Zl', 'Zp'}
# Some files that list many robots have a hundred kilobytes; a megabyte can take 30 s.
MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class YamlValue:
    """One value and the place where it is written.

    Each method that takes a name for messages raises a DescriptionError if the value is not of
    its kind.

    Attributes:
        file: The file, for messages.
        line: Counted from 1; 0 if it was not read from a file.
        content: Text of a scalar, values of a list, or pairs of a mapping.
        textual: True if YAML, too, reads a scalar as text (quoted, or like no other type).
    """

    file: str
    line: int
    content: 'str | list[YamlValue] | tuple[tuple[YamlValue, YamlValue], ...]'
    textual: bool = False

    def error(self, text: str) -> DescriptionError:
        """An error that begins with the place of this value."""
        return DescriptionError(f'{self.where}: {text}')

    @property
    def where(self) -> str:
        """``file:line``."""
        return f'{self.file}:{self.line}' if self.line else self.file

    def __str__(self) -> str:
        if isinstance(self.content, str):
            return quoted(self.content)
        return 'a list' if isinstance(self.content, list) else 'a mapping'

    def is_mapping(self) -> bool:
        """True for a mapping."""
        return isinstance(self.content, tuple)

    def is_scalar(self) -> bool:
        """True for a single value."""
        return isinstance(self.content, str)

    def pairs(self, what: str) -> 'tuple[tuple[YamlValue, YamlValue], ...]':
        """Keys and values as written; a key may stand there twice."""
        if not isinstance(self.content, tuple):
            raise self.error(f'{what} must be a mapping, not {self}')
        for key, _ in self.content:
            if not key.is_scalar():
                raise key.error(f'{key} cannot be a key of {what}')
        return self.content

    def mapping(self, what: str) -> 'dict[str, tuple[YamlValue, YamlValue]]':
        """Text of a key -> the key and its value."""
        found: dict[str, tuple[YamlValue, YamlValue]] = {}
        for key, value in self.pairs(what):
            text = str(key.content)
            if text in found:
                raise key.error(
                    f'{what}: {key} is given twice (first on line {found[text][0].line})'
                )
            found[text] = key, value
        return found

    def elements(self, what: str) -> 'list[YamlValue]':
        """The elements of a list."""
        if not isinstance(self.content, list):
            raise self.error(f'{what} must be a list, not {self}')
        return self.content

    def string(self, what: str) -> str:
        """A name: a string that is not empty, and that YAML reads as text."""
        if not isinstance(self.content, str):
            raise self.error(f'{what} must be a name, not {self}')
        if not self.textual and self.content:
            raise self.error(f'{what} must be a name; YAML does not read {self} as text: quote it')
        if not self.content.strip():
            raise self.error(f'{what} is empty')
        if len(self.content) > MAX_NAME:
            raise self.error(f'{what} {self} is longer than {MAX_NAME} characters')
        self.require_printable(what)
        return self.content

    def require_printable(self, what: str) -> None:
        """Refuse a scalar with a control character, or half a letter."""
        if not _UNPRINTED.isdisjoint(map(unicodedata.category, str(self.content))):
            raise self.error(f'{what} {self} has a character that cannot be printed')

    def choice(self, what: str, choices: Iterable[str]) -> str:
        """One of several words."""
        choices = list(choices)
        if self.content not in choices:
            hint = did_you_mean(str(self.content), choices)
            raise self.error(f'{what} {self} is not one of {", ".join(choices)}{hint}')
        return str(self.content)

    def number(self, what: str, low: float = -math.inf) -> float:
        """A finite number above ``low``."""
        text = self.content
        is_number = isinstance(text, str) and _NUMBER.fullmatch(text)
        if not is_number or not math.isfinite(value := float(str(text))):
            raise self.error(f'{what} must be a finite number, not {self}{_as_number(text)}')
        if value <= low:
            raise self.error(f'{what} must be above {low:g}, not {self}')
        return value

    def index(self) -> int:
        """A slot's index: an int >= 0, or the same digits as a string, as JSON has it."""
        if not isinstance(self.content, str) or not _INDEX.fullmatch(self.content):
            hint = ': write 0: name, not name: 0' if _NAME.match(str(self.content)) else ''
            raise self.error(
                f'an index must be an integer >= 0 without leading zeros, not {self}{hint}'
            )
        if len(self.content) > len(str(MAX_INDEX)) or int(self.content) > MAX_INDEX:
            raise self.error(f'index {shortened(self.content)} is beyond {MAX_INDEX}')
        return int(self.content)

    def fields(self, what: str, allowed: Iterable[str]) -> 'dict[str, YamlValue]':
        """A mapping whose keys are known words."""
        allowed = list(allowed)
        found = self.mapping(what)
        for text, (key, _) in found.items():
            if text not in allowed and text.isdecimal():
                raise key.error(f'{key} is no key of {what}: write 3.14 for 3,14')
            if text not in allowed:
                raise key.error(f'unknown key {key} in {what}{known_names(text, allowed)}')
        return {text: value for text, (_, value) in found.items()}


def read_yaml(
    path: Path,
    most_bytes: int = MOST_BYTES,
    loader: Any = yaml.SafeLoader,
    instead: Callable[[Path], str] | None = None,
) -> YamlValue:
    """Parse one YAML (or JSON) file.

    Args:
        path: The file.
        most_bytes: A larger one is refused.
        loader: PyYAML's class that parses it.
        instead: Gives an advice about a missing file.

    Raises:
        DescriptionError: The file is missing, is not YAML, or is no mapping. The message quotes
            nothing of a file of another kind.
    """
    try:
        text = read_text(path, most_bytes)
    except OSError as error:
        hint = _RIGHT_FILE if error.errno == errno.EFBIG and path.suffix not in ENDINGS else ''
        if instead and isinstance(error, FileNotFoundError) and not similar_file(path, ENDINGS):
            hint = instead(path)
        raise DescriptionError(unreadable(path, error, ENDINGS) + hint) from error
    except UnicodeDecodeError as error:
        raise DescriptionError(
            f'{path}: is not text in UTF-8: is it the right file? If so, save it as UTF-8'
        ) from error
    return parse_yaml(text, path, loader)


def parse_yaml(text: str, path: Path, loader: Any = yaml.SafeLoader) -> YamlValue:
    """Parse the text of one YAML (or JSON) file; the path is for messages.

    Raises:
        DescriptionError: It is not YAML, or is no mapping.
    """
    if text.lstrip('\ufeff \t\r\n').startswith(_XML):
        raise DescriptionError(
            f'{path}: is XML, not YAML. Of a URDF, a robot file is drafted by: neuracore_ros '
            f'describe --urdf {in_shell(path)} --out {in_shell(path.stem + ENDINGS[0])}'
        )
    try:
        root = yaml.compose(text, Loader=loader)
        if root is None:
            raise DescriptionError(f'{path}: is empty')
        if not isinstance(root, yaml.MappingNode):
            what = 'a list' if isinstance(root, yaml.SequenceNode) else 'other text'
            raise DescriptionError(f'{path}: must be a mapping, not {what}: is it the right file?')
        return _Reader(str(path)).read(root)
    except yaml.MarkedYAMLError as error:
        line = f':{error.problem_mark.line + 1}' if error.problem_mark else ''
        raise DescriptionError(f'{path}{line}: is not YAML: {_problem(error)}') from error
    except yaml.YAMLError as error:
        first = str(error).splitlines()[0]
        raise DescriptionError(f'{path}: is not YAML: {shortened(first)}') from error
    except RecursionError as error:
        raise DescriptionError(f'{path}: is nested too deeply') from error


def _problem(error: yaml.MarkedYAMLError) -> str:
    """The parser's message in plain words."""
    problem = shortened(str(error.problem))
    if "'\\t'" in problem:
        return 'a tab stands where only spaces may: indent with spaces'
    if 'another document' in problem:
        return 'a second document begins here (---): one file holds one'
    begun, found = error.context_mark, error.problem_mark
    if begun is not None and found is not None and begun.line != found.line:
        return f'{problem}, in what begins on line {begun.line + 1}'
    return problem


def _as_number(text: object) -> str:
    """Advice for a number in another notation: a comma for a point, or a unit."""
    if isinstance(text, str) and (comma := _COMMA.fullmatch(text)):
        return f': write {shortened(f"{comma[1]}.{comma[2]}")}'
    if isinstance(text, str) and (unit := _UNIT.fullmatch(text)):
        return f': without {quoted(unit[1])}, in SI units and radians'
    return ''


def from_python(value: Any, where: str) -> YamlValue:
    """Values of data that Python already holds, such as parsed JSON; ``where`` begins messages."""
    if isinstance(value, Mapping):
        pairs = ((from_python(k, where), from_python(v, where)) for k, v in value.items())
        return YamlValue(where, 0, tuple(pairs))
    if isinstance(value, list | tuple):
        return YamlValue(where, 0, [from_python(element, where) for element in value])
    return YamlValue(where, 0, str(value), textual=isinstance(value, str))


class _Reader:
    """Turns composed nodes into values; an aliased node becomes one shared value."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._open: set[int] = set()
        self._done: dict[int, YamlValue] = {}
        # Node -> the number of values in it, with every repetition by an alias.
        self._counts: dict[int, int] = {}

    def read(self, node: yaml.Node) -> YamlValue:
        line = node.start_mark.line + 1
        if id(node) in self._open:
            raise DescriptionError(
                f'{self._file}:{line}: an alias (*) refers to a value that contains it'
            )
        if id(node) not in self._done:
            self._open.add(id(node))
            self._done[id(node)] = self._new(node, line)
            self._open.discard(id(node))
            self._counts[id(node)] = 1 + sum(self._counts[id(each)] for each in _within(node))
            if self._counts[id(node)] > _MOST_VALUES:
                raise DescriptionError(
                    f'{self._file}:{line}: holds more than {_MOST_VALUES} values, those that '
                    'aliases (*) repeat counted each time'
                )
        return self._done[id(node)]

    def _new(self, node: yaml.Node, line: int) -> YamlValue:
        if isinstance(node, yaml.MappingNode):
            pairs = ((self.read(key), self.read(value)) for key, value in node.value)
            return YamlValue(self._file, line, tuple(pairs))
        if isinstance(node, yaml.SequenceNode):
            return YamlValue(self._file, line, [self.read(element) for element in node.value])
        text = _joined(str(node.value))
        return YamlValue(self._file, line, text, node.tag == 'tag:yaml.org,2002:str')


def _within(node: yaml.Node) -> Iterator[yaml.Node]:
    """The nodes that a node holds."""
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _joined(text: str) -> str:
    r"""The text with ``\ud83d\ude00`` as one letter, which is how JSON writes what is rare."""
    if text.isascii():
        return text
    return text.encode('utf-16', 'surrogatepass').decode('utf-16', 'surrogatepass')
