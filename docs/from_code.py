"""Tables of the reference, made from the code whenever the documentation is built.

A line such as ``<!-- from code: parameters -->`` in a page is replaced by what the function of
that name in this file returns. A Sphinx extension; the tests of the documentation use it, too.
"""

import argparse
import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from neuracore_ros.description import DataType, source
from neuracore_ros.description.source_options import MESSAGE_TYPES, options_of
from neuracore_ros.description.vocabulary import USUAL, VocabularySlot, load_vocabulary
from neuracore_ros.policy import manifest as policy_manifest

ROOT = Path(__file__).resolve().parents[1]
LAUNCH_FILE = ROOT / 'launch' / 'infer.launch.py'
MARK = re.compile(r'^<!-- from code: ([a-z ]+) -->$', re.MULTILINE)

BAR = r'\|'

# The meaning of a slot, which no line of code states.
SLOTS = {
    DataType.JOINT_POSITIONS: 'a position, rad or m',
    DataType.JOINT_VELOCITIES: 'rad/s or m/s',
    DataType.JOINT_TORQUES: 'Nm or N',
    DataType.JOINT_TARGET_POSITIONS: 'a command, rad or m',
    DataType.VISUAL_JOINT_POSITIONS: 'a position, rad or m',
    DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS: '0 closed to 1 open',
    DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: '0 closed to 1 open',
    DataType.END_EFFECTOR_POSES: 'x y z qx qy qz qw',
    DataType.POSES: 'x y z qx qy qz qw',
    DataType.CUSTOM_1D: 'one number of any kind',
    DataType.RGB_IMAGES: 'a colour image',
    DataType.DEPTH_IMAGES: 'metres, 0 = nothing measured',
    DataType.POINT_CLOUDS: '',
    DataType.LANGUAGE: 'the instruction, UTF-8',
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Make a table in Markdown."""
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join(f'| {" | ".join(cell.replace("|", BAR) for cell in r)} |' for r in lines)


def code(text: object) -> str:
    """Mark text as code."""
    return f'`{text}`'


def prose(text: str) -> str:
    """Escape a text of the code, so that nothing in it is markup but names of classes."""
    text = re.sub(r':\w+:`~?(?:[\w.]+\.)?(\w+)`', r'``\1``', text)
    return re.sub(r'([<>*_\[\]~])', r'\\\1', ' '.join(text.split()))


# The node


def parameters() -> str:
    """List the parameters of ``infer_node``."""
    from neuracore_ros.node.parameters import SIM_TIME, SPECS

    rows = [
        [code(spec.name), code(spec.shown_default), spec.allowed, prose(spec.text)]
        for spec in (*SPECS, SIM_TIME)
    ]
    return table(['parameter', 'default', 'allowed', 'what it does'], rows)


def launch_arguments() -> dict[str, tuple[str, list[str]]]:
    """Read the arguments of ``infer.launch.py``: name -> description, allowed words.

    The file is read, not run: there is no launch on a machine without ROS 2.
    """
    for statement in ast.parse(LAUNCH_FILE.read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == 'ARGUMENTS':
            arguments = ast.literal_eval(statement.value)
            return {
                name: (text, [*filter(None, words)]) for name, (text, words) in arguments.items()
            }
    raise ValueError(f'{LAUNCH_FILE} has no ARGUMENTS')


def launch() -> str:
    """List the arguments of ``infer.launch.py``."""
    rows = [
        [code(f'{name}:='), ', '.join(map(code, words)), prose(text)]
        for name, (text, words) in launch_arguments().items()
    ]
    return table(['argument', 'one of', 'what it is'], rows)


# The verbs


def verb_parsers() -> dict[str, argparse.ArgumentParser]:
    """Make the parser of each verb, by its name."""
    from neuracore_ros.cli.parser import make_parser

    return dict(make_parser().verbs)


def verbs() -> str:
    """List all verbs with their arguments and examples."""
    return '\n\n'.join(_verb(name, parser) for name, parser in verb_parsers().items())


def _verb(name: str, parser: argparse.ArgumentParser) -> str:
    parts = [f'## {name}', prose(parser.description or '')]
    # argparse has two groups of its own: what needs no dashes, and all that no verb has grouped.
    plain, options, *own = parser._action_groups
    for group, actions in (
        (None, plain._group_actions + options._group_actions),
        *((group, group._group_actions) for group in own),
    ):
        shown = [action for action in actions if action.dest != 'help']
        if not shown:
            continue
        if group is not None:
            title = (group.title or '').rstrip('.')
            text = prose(group.description or '')
            parts.append(f'**{title[:1].upper()}{title[1:]}.** {text}'.rstrip())
        rows = [[code(_usage(action)), prose(action.help or '')] for action in shown]
        parts.append(table(['argument', 'what it is'], rows))
    examples = (parser.epilog or '').removeprefix('examples:\n')
    examples = re.sub('^  ', '', examples, flags=re.MULTILINE)
    parts.append(f'```text\n{examples}\n```')
    return '\n\n'.join(parts)


def _usage(action: argparse.Action) -> str:
    several = ' ...' if action.nargs in {'+', '*'} else ''
    if not action.option_strings:
        word = str(action.metavar or action.dest)
        return f'[{word}]' if action.nargs == '?' else f'{word}{several}'
    words = ', '.join(action.option_strings)
    if action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction):
        return words
    if action.choices:
        return f'{words} {{{",".join(map(str, action.choices))}}}'
    return f'{words} {action.metavar or action.dest.upper()}{several}'


def hints() -> str:
    """List what the reasons of a robot that stands mean; ``watch`` shows the same."""
    from neuracore_ros.watch.hints import HINTS

    rows = [[', '.join(map(code, h.says)), h.cause, h.cure] for h in HINTS]
    return table(['the reason says', 'cause', 'what to do'], rows)


# The robot file


def data_types() -> str:
    """List each DataType with its messages, slot and array."""
    rows = []
    for kind in DataType:
        messages = [code(name.rpartition('/')[2]) for name in source.types_of(kind)]
        if not messages:
            rows.append([code(kind), 'not supported: refused by name', '', '', ''])
            continue
        age_s = source.default_max_age_s(kind)
        age = 'never ages' if age_s is None else f'{age_s:g} s'
        rows.append([code(kind), ', '.join(messages), SLOTS[kind], _array(kind), age])
    head = ['DataType', 'messages, the default first', 'a slot is', 'in a policy', '`max_age_s`']
    return table(head, rows)


def _array(kind: DataType) -> str:
    cameras = 'K' if kind.is_image else 'W'
    sizes = [str(n) for n in kind.slot_shape((0, 0))]
    if kind.is_image:
        sizes[:2] = ['height', 'width']
    return f'{kind.dtype} ({", ".join(["B", "T", cameras, *sizes])})'


def outputs() -> str:
    """List the DataTypes that can be outputs."""
    return ', '.join(code(kind) for kind in DataType if kind.is_commandable)


def message_options() -> str:
    """List the options of a source that each message type takes."""
    shared = sorted(set[str].intersection(*map(set, map(options_of, MESSAGE_TYPES))))
    rows = [
        [code(name.rpartition('/')[2]), ', '.join(map(code, words))]
        for name in MESSAGE_TYPES
        if (words := sorted({*options_of(name)} - {*shared}))
    ]
    text = f'Every message takes {", ".join(map(code, shared))}. Further options:'
    return f'{text}\n\n{table(["message", "options"], rows)}'


# The vocabulary


def vocabulary() -> str:
    """List the slots of the shipped vocabulary, with their rules."""
    shipped = load_vocabulary(USUAL)
    parts = []
    for group, slots in shipped.slots.items():
        if not slots:
            continue
        rows = [
            [
                str(index),
                code(slot.name),
                slot.unit,
                *(f'as {code(twin)}' if twin else prose(text) for text in _rules(slot)),
            ]
            for index, slot in slots.items()
            for twin in [_twin(slot, slots)]
        ]
        head = ['index', 'slot', 'unit', 'what it is', 'sign', 'zero']
        own = shipped.own_from.get(group)
        after = f'Your own from index {own} on.' if own is not None else ''
        parts.append(f'### {group.title()}\n\n{table(head, rows)}\n\n{after}')
    return '\n\n'.join(parts)


def _rules(slot: VocabularySlot) -> tuple[str, str, str]:
    return slot.meaning, slot.sign, slot.zero


def _twin(slot: VocabularySlot, slots: Mapping[int, VocabularySlot]) -> str:
    """The slot of the right arm that a slot of the left one has all rules of."""
    right = slot.name.replace('left.', 'right.')
    alike = (
        o for o in slots.values() if o.name == right != slot.name and _rules(o) == _rules(slot)
    )
    return next((other.name for other in alike), '')


def vocabulary_robots() -> str:
    """List well-known arms with the joint at each slot, as the tests compare them."""
    known = yaml.safe_load((ROOT / 'docs' / 'vocabulary_robots.yaml').read_text())
    arm = dict.fromkeys(
        slot.partition('.')[2]
        for robot in known['robots'].values()
        for slot in robot['joints']
        if slot.startswith('right.')
    )
    rows, body, notes = [], [], []
    for name, robot in known['robots'].items():
        joints = robot['joints']
        for side in robot['hand']:
            cells = [_with_sense(joints.get(f'{side}.{slot}')) for slot in arm]
            rows.append([name if len(robot['hand']) == 1 else f'{name}, {side}', *cells])
        others = [
            f'{code(slot)}: {_with_sense(entry)}'
            for slot, entry in joints.items()
            if slot.startswith(('torso.', 'head.'))
        ]
        if own := robot.get('own'):
            others.append(f'own indices: {", ".join(map(code, own))}')
        if others:
            body.append(f'- **{name}**: {"; ".join(others)}')
        if robot.get('note'):
            notes.append(f'- **{name}**: {prose(robot["note"])}')
    none = [f'{code(path)} ({why})' for path, why in known['without_arms'].items()]
    return '\n\n'.join(
        [
            table(['arm', *map(code, arm)], rows),
            'Torsos, heads, and joints that have no slot:',
            '\n'.join(body),
            'Notes:',
            '\n'.join(notes),
            f'No arms: {", ".join(none)}.',
        ]
    )


def _with_sense(entry: tuple[str, int, float] | None) -> str:
    if entry is None:
        return ''
    joint, scale, offset = entry
    return code(f'{"-" if scale < 0 else ""}{joint}{f" {offset:+.4g}" if offset else ""}')


# The manifest


def manifest() -> str:
    """List the keys of a manifest."""
    parts = []
    for heading, record in (
        ('Keys of the whole', policy_manifest.Manifest),
        ('Each DataType of `input`', policy_manifest.InputSlots),
        ('Each DataType of `output`', policy_manifest.OutputSlots),
        ('Each robot of `robots`', policy_manifest.Embodiment),
    ):
        texts = attributes(record)
        rows = [
            [
                code(_KEYS.get(f.name, f.name)),
                _JSON.get(f.type, code(f.type)),
                prose(texts.get(f.name, '')),
            ]
            for f in fields(record)
        ]
        parts.append(f'### {heading}\n\n{table(["key", "type", "what it is"], rows)}')
    return '\n\n'.join(parts)


_KEYS = {'minimum': 'min', 'maximum': 'max'}
_JSON = {
    'int': 'integer',
    'int | None': 'integer',
    'float': 'number',
    'str': 'text',
    'bool': 'true or false',
    'tuple[int, ...]': 'integers',
    'tuple[float, ...]': 'numbers or null',
    'tuple[int, int] | None': 'two integers',
    'EmbodimentDescription': 'DataType -> index -> name',
    'Mapping[DataType, InputSlots]': 'DataType -> see below',
    'Mapping[DataType, OutputSlots]': 'DataType -> see below',
    'Mapping[str, Embodiment]': 'name -> see below',
    'Mapping[str, str]': 'name -> text',
    'Mapping[str, int]': 'name -> integer',
}


def attributes(record: type) -> dict[str, str]:
    """Read the description of each attribute from the docstring of a class."""
    assert is_dataclass(record)
    text = inspect.getdoc(record) or ''
    _, _, below = text.partition('Attributes:\n')
    return {name: ' '.join(said.split()) for name, said in _entries(below)}


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for entry in re.split(r'^    (?=\w)', text, flags=re.MULTILINE)[1:]:
        name, _, said = entry.partition(':')
        yield name.strip(), said


def page_words() -> str:
    """List the words that pages explain where they stand."""
    from neuracore_ros.report.glossary import GLOSSARY

    return '\n\n'.join(f'{word}\n: {prose(said)}' for word, said in GLOSSARY.items())


PARTS = {
    'parameters': parameters,
    'launch arguments': launch,
    'verbs': verbs,
    'hints': hints,
    'data types': data_types,
    'outputs': outputs,
    'message options': message_options,
    'vocabulary': vocabulary,
    'vocabulary robots': vocabulary_robots,
    'manifest': manifest,
    'page words': page_words,
}


def fill(text: str) -> str:
    """Replace the marks of a page."""
    return MARK.sub(lambda mark: PARTS[mark[1]](), text)


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""

    def on_read(_: Any, page: str, content: list[str]) -> None:
        content[0] = fill(content[0])
        if page == 'index':
            content[0] = _with_the_rest(content[0])

    app.connect('source-read', on_read)
    return {'parallel_read_safe': True}


def _with_the_rest(index: str) -> str:
    """Add the pages that the index does not name at its end."""
    pages = {path.stem for path in (ROOT / 'docs').glob('*.md')} - {'index'}
    rest = sorted(page for page in pages if not re.search(rf'^{page}$', index, re.MULTILINE))
    more = ['```{toctree}', ':caption: More', ':maxdepth: 1', '', *rest, '```']
    return index.replace('<!-- the rest -->', '\n'.join(more) if rest else '')
