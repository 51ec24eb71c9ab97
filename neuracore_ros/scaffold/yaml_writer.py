"""A drafted robot file as YAML with comments, as a person would write it."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from neuracore_ros.description.data_type import DataType
from neuracore_ros.errors import printable
from neuracore_ros.scaffold.draft_entries import (
    ChainEntry,
    Note,
    RobotDraft,
    RouteSection,
    SlotSection,
)

_COLUMNS = 99
_LONGEST = _COLUMNS - 3
# Beside a line up to here, above it otherwise.
_BESIDE = 60
# Six digits tell numbers below this apart; whole ones are written without an exponent up to that.
_LARGE, _WHOLE = 1e3, 1e6
_PLAIN = re.compile(r'(\.\.?/)*/?[A-Za-z_][A-Za-z0-9_./-]*')
# What YAML 1.1 reads as booleans or as nothing.
_NOT_TEXT = {'y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null'}


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of YAML with a comment, or a comment of its own; as a comment if not active."""

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


def write_yaml(draft: RobotDraft) -> str:
    """The text of a robot file."""
    lines = [*map(_comment, draft.head), _Line(0, f'robot: {scalar(draft.robot)}')]
    if draft.vocabulary:
        lines.append(_Line(0, f'vocabulary: {scalar(draft.vocabulary)}'))
    if draft.urdf:
        lines.append(_Line(0, f'urdf: {scalar(draft.urdf)}'))
    if draft.limits:
        lines.append(_Line(0, 'limits:', 'rad and rad/s (m and m/s if prismatic)'))
        for limit in draft.limits:
            ends = {} if limit.position is None else {'position': limit.position}
            text = flow({**ends, 'velocity': limit.velocity})
            lines.append(_Line(1, f'{scalar(limit.name)}: {text}', str(limit.note)))
    if draft.chains:
        lines.append(_Line(0, 'chains:', 'm and rad'))
        lines += [line for chain in draft.chains for line in _chain_lines(chain)]
    lines += [_Line(0, 'input:'), *_slot_lines(draft.inputs)]
    has_outputs = any(section.active for section in draft.outputs)
    lines += [_Line(0, 'output:' if has_outputs else 'output: {}'), *_slot_lines(draft.outputs)]
    lines += [_Line(0, 'sources:'), *_route_lines(draft.sources)]
    if draft.targets:
        has_targets = any(isinstance(section, RouteSection) for section in draft.targets)
        lines += [_Line(0, 'targets:', active=has_targets), *_route_lines(draft.targets)]
    if draft.commands:
        lines += [_Line(0, 'commands:'), *_route_lines(draft.commands)]
    return _render([*lines, *map(_comment, draft.foot)])


def _comment(note: Note, indent: int = 0) -> _Line:
    return _Line(indent, '', str(note))


def _chain_lines(chain: ChainEntry) -> list[_Line]:
    lines = [_Line(1, f'{scalar(chain.name)}:')]
    for key, option, note in chain.lines:
        text = f'{key}: {value(option)}'
        if isinstance(option, Mapping) and len(text) > _LONGEST - len('    '):
            own = [_Line(3, f'{scalar(name)}: {value(each)}') for name, each in option.items()]
            lines += [_Line(2, f'{key}:', _text(note)), *own]
        else:
            lines.append(_Line(2, text, _text(note)))
    return lines


def _slot_lines(sections: Sequence[SlotSection | Note]) -> list[_Line]:
    lines: list[_Line] = []
    for section in sections:
        if isinstance(section, Note):
            lines.append(_comment(section, 1))
        elif section.kind is DataType.LANGUAGE:
            slots = {entry.index: entry.name for entry in section.entries}
            lines.append(_Line(1, f'{section.kind}: {flow(slots)}'))
        else:
            lines.append(_Line(1, f'{section.kind}:', _text(section.note), section.active))
            lines += [
                _Line(
                    2,
                    f'{entry.slot or entry.index}: {scalar(entry.name)}',
                    _text(entry.note),
                    entry.active,
                )
                for entry in section.entries
            ]
    return lines


def _route_lines(sections: Sequence[RouteSection | Note]) -> list[_Line]:
    lines: list[_Line] = []
    before = None
    asked = {s.kind for s in sections if isinstance(s, RouteSection) and s.question}
    for section in sections:
        if isinstance(section, Note):
            lines.append(_comment(section, 1))
            continue
        found = _lines_of(section, is_open=section.kind in asked)
        # Comments stand below the active ones, under one key.
        is_rest = before is not None and before.kind is section.kind
        if section.question:
            lines.append(_comment(Note(section.question), 2))
        lines += [line for line in found if line.indent > 1] if is_rest else found
        before = section
    return lines


def _lines_of(section: RouteSection, is_open: bool) -> list[_Line]:
    """Options by DataType, and by name where they differ; ``is_open`` for more lines below."""
    kind, routes, active = section.kind, section.routes, section.active
    notes = list(dict.fromkeys(note for route in routes for note in route.notes))
    beside = str(notes.pop()) if len(notes) == 1 else ''
    lines = [_comment(note, 1) for note in notes]
    common: dict[str, object] = {
        key: option
        for key, option in routes[0].options.items()
        if all(key in route.options and route.options[key] == option for route in routes)
    }
    by_name = kind.is_image or 'topic' not in common
    names = {
        route.name: route.message_name
        for route in routes
        if route.message_name not in {'', route.name}
    }
    if by_name:
        # An array of numbers is no type without its order.
        has_order = any('order' in route.options for route in routes)
        if kind.is_image or (has_order and 'order' not in common):
            common = {}
    own = {
        route.name: {key: o for key, o in route.options.items() if key not in common}
        for route in routes
    }
    if by_name:
        for name, called in names.items():
            own[name]['names'] = {name: called}
    if section.question or not by_name:
        own = {name: options for name, options in own.items() if options}
    if not by_name:
        common |= {'names': names} if names else {}
        text = f'{kind}: {flow(common)}'
        if len(text) <= _LONGEST and not own and not is_open:
            return [*lines, _Line(1, text, beside, active)]
    lines.append(_Line(1, f'{kind}:', beside, active))
    for key, option in common.items():
        text = f'{key}: {value(option)}'
        if isinstance(option, Mapping) and len(text) > _LONGEST - len('    '):
            each = [_Line(3, f'{scalar(k)}: {value(o)}', '', active) for k, o in option.items()]
            lines += [_Line(2, f'{key}:', '', active), *each]
        else:
            lines.append(_Line(2, text, '', active))
    lines += [
        _Line(2, f'{scalar(name)}: {flow(options)}', '', active) for name, options in own.items()
    ]
    return lines


def _text(note: Note | None) -> str:
    return str(note) if note else ''


def _render(lines: Iterable[_Line]) -> str:
    written: list[str] = []
    for line in lines:
        margin, note = '  ' * line.indent, printable(line.note)
        text = f'{margin}{"" if line.active else "# "}{line.text}'
        if not line.text:
            written += _wrapped(note, margin)
        elif note and (len(note) > _BESIDE or len(text) + len(note) + 4 > _COLUMNS):
            written += [*_wrapped(note, margin), text]
        else:
            written.append(f'{text}  # {note}' if note else text)
    return '\n'.join(written) + '\n'


def _wrapped(note: str, margin: str) -> list[str]:
    return textwrap.wrap(
        note,
        _COLUMNS,
        initial_indent=f'{margin}# ',
        subsequent_indent=f'{margin}# ',
        break_long_words=False,
        break_on_hyphens=False,
    ) or [f'{margin}#']
