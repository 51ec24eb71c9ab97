"""Lines of a YAML file with comments, as a person would write them."""

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from neuracore_ros.errors import printable

COLUMNS = 99
# Beside a line up to here, above it otherwise.
_BESIDE = 60
# Six digits tell numbers below this apart; whole ones are written without an exponent up to that.
_LARGE, _WHOLE = 1e3, 1e6
_PLAIN = re.compile(r'(\.\.?/)*/?[A-Za-z_][A-Za-z0-9_./-]*')
# What YAML 1.1 reads as booleans or as nothing.
_NOT_TEXT = {'y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null'}


@dataclass(frozen=True, slots=True)
class YamlLine:
    """One line.

    Attributes:
        indent: Steps of two spaces.
        text: YAML; empty for a comment of its own.
        note: Comment, without its ``#``.
        active: False for what is written as a comment, to be uncommented by a person.
    """

    indent: int
    text: str
    note: str = ''
    active: bool = True


def scalar(value: object) -> str:
    """A name or a number, quoted where YAML would read it as something else."""
    if isinstance(value, float):
        value += 0.0  # no -0.0
        if value == int(value) and abs(value) <= _WHOLE:
            return f'{value:.1f}'
        return f'{value:.6g}' if abs(value) < _LARGE else f'{value:.12g}'
    text = str(value)
    if isinstance(value, int) or (_PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT):
        return text
    return "'" + printable(text).replace("'", "''") + "'"


def flow(options: Mapping[str, object] | Mapping[int, str]) -> str:
    """``{topic: /joint_states, order: [a, b]}``."""
    return (
        '{' + ', '.join(f'{scalar(key)}: {value(option)}' for key, option in options.items()) + '}'
    )


def value(option: object) -> str:
    """A scalar, a list or a mapping in one line."""
    if isinstance(option, Mapping):
        return flow(option)
    if isinstance(option, list | tuple):
        return '[' + ', '.join(map(value, option)) + ']'
    return scalar(option)


def render(lines: Iterable[YamlLine]) -> str:
    """The text of the file."""
    written: list[str] = []
    for line in lines:
        margin, note = '  ' * line.indent, printable(line.note)
        text = f'{margin}{"" if line.active else "# "}{line.text}'
        if not line.text:
            written += _comment(note, margin)
        elif note and (len(note) > _BESIDE or len(text) + len(note) + 4 > COLUMNS):
            written += [*_comment(note, margin), text]
        else:
            written.append(f'{text}  # {note}' if note else text)
    return '\n'.join(written) + '\n'


def _comment(note: str, margin: str) -> list[str]:
    return textwrap.wrap(
        note,
        COLUMNS,
        initial_indent=f'{margin}# ',
        subsequent_indent=f'{margin}# ',
        break_long_words=False,
        break_on_hyphens=False,
    ) or [f'{margin}#']
