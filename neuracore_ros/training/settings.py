"""Settings that can be given as flags, and as keys of a configuration file: declared once."""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from neuracore_ros.control import INTERVENTION
from neuracore_ros.description import DataType
from neuracore_ros.description.shipped import instead_of
from neuracore_ros.errors import quoted
from neuracore_ros.parsers import Parse, one_of, real, whole
from neuracore_ros.similar_names import known_names
from neuracore_ros.yaml_value import YamlValue, read_yaml

# Beside such, no other step is learnt from.
_MOST_WEIGHT = 1e4


@dataclass(frozen=True, slots=True)
class Setting:
    """A field of a dataclass as a flag and as a key.

    Attributes:
        name: Its key in a configuration file; after two dashes, its flag.
        parse: From text; a ValueError says what is wrong with it.
        group: What it is about: the heading that it is listed under.
        help: What it does; its default in brackets.
        metavar: Stands for the value in a usage; '' where choices do.
        choices: All values, if they are few words.
        opposite: Flag that switches it off; '' for what is no switch.
        changeable: Whether a resumed run may be given another value.
    """

    name: str
    parse: Parse
    group: str = ''
    help: str = ''
    metavar: str = ''
    choices: tuple[str, ...] = ()
    opposite: str = ''
    changeable: bool = False


def setting(
    default: Any, group: str, text: str, parse: Parse | tuple[str, ...], **more: Any
) -> Any:
    """A field of a dataclass that can be given as a flag; ``more`` is of :class:`Setting`.

    ``parse`` may be all its choices; ``text``, what it does, names the default in brackets or not.
    """
    choices = parse if isinstance(parse, tuple) else ()
    details = {
        'parse': one_of(*choices) if choices else parse,
        'group': group,
        'help': text,
        'choices': choices,
        **more,
    }
    if default == {}:
        return field(default_factory=dict, metadata=details)
    return field(default=default, metadata=details)


def settings(declared: type) -> dict[str, Setting]:
    """The settings of a dataclass, by field; those that are declared otherwise are left out."""
    return {each.name: _setting(each) for each in fields(declared) if 'parse' in each.metadata}


def _setting(declared: Field[Any]) -> Setting:
    name, details = declared.name.replace('_', '-'), dict(declared.metadata)
    if '(' not in details['help']:
        default = declared.default
        if isinstance(default, bool):
            default = f'--{name if default else details["opposite"]}'
        details['help'] += f' ({default:g})' if isinstance(default, float) else f' ({default})'
    return Setting(name=name, **details)


def read_settings(path: Path, known: dict[str, Setting]) -> dict[str, Any]:
    """Values by field in a configuration file, YAML or JSON; what is null is left out.

    Raises:
        DescriptionError: No such file, no mapping, a key that is unknown or given twice, or a
            value that a setting does not take.
    """
    found: dict[str, Any] = {}
    by_key = {each.name: name for name, each in known.items()}
    configuration = read_yaml(path, instead=instead_of)
    for text, (key, value) in configuration.mapping('a configuration').items():
        if text not in by_key:
            raise key.error(f'unknown key {key}{known_names(text, by_key)}')
        if value.content in ('null', '~', '') and not value.textual:
            continue
        try:
            found[by_key[text]] = known[by_key[text]].parse(_text(value))
        except ValueError as error:
            raise value.error(f'{text}: {error}') from error
    return found


def _text(value: YamlValue) -> str:
    """The value as it would be written after a flag."""
    if isinstance(value.content, str):
        value.require_printable('the value')
        return value.content
    if isinstance(value.content, list):
        return ','.join(_text(element) for element in value.content)
    return ','.join(f'{_text(key)}={_text(each)}' for key, each in value.content)


def several(*known: str) -> Parse:
    """A parser of words among those that are known, separated by commas; `none` is no word."""

    def parse(text: str) -> tuple[str, ...]:
        words = [word.strip() for word in text.split(',')]
        if words == ['none']:
            return ()
        for word in words:
            if word not in known:
                raise ValueError(f'{quoted(word)} is unknown{known_names(word, known)}')
            if words.count(word) > 1:
                raise ValueError(f'{quoted(word)} is given twice')
        return tuple(words)

    return parse


def data_types(text: str) -> tuple[DataType, ...]:
    """Parse DataTypes, separated by commas."""
    names = [name.strip() for name in text.split(',')]
    known = [kind.value for kind in DataType]
    for name in names:
        if name not in known:
            raise ValueError(f'{quoted(name)} is no DataType{known_names(name, known)}')
        if names.count(name) > 1:
            raise ValueError(f'{quoted(name)} is given twice')
    return tuple(kind for kind in DataType if kind in names)


def weights(text: str) -> dict[str, float]:
    """Parse ``intervention=W``, a weight of those steps."""
    name, equals, number = text.partition('=')
    if not equals:
        raise ValueError(f'{quoted(text)} is not {INTERVENTION}=W')
    if name.strip() != INTERVENTION:
        raise ValueError(f'{quoted(name)} is unknown{known_names(name, (INTERVENTION,))}')
    return {INTERVENTION: real(above=0.0, below=_MOST_WEIGHT)(number)}


def counts(text: str) -> dict[str, int]:
    """Parse ``ROBOT=N``, separated by commas."""
    found: dict[str, int] = {}
    for part in text.split(','):
        robot, equals, number = part.rpartition('=')
        if not equals or not robot.strip():
            raise ValueError(f'{quoted(part)} is not ROBOT=N')
        if robot.strip() in found:
            raise ValueError(f'{quoted(robot.strip())} is given twice')
        found[robot.strip()] = whole(0)(number)
    return found
