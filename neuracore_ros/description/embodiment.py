"""EmbodimentDescription: which of a robot's data sits at which index of the model."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from neuracore_ros.description.data_type import DataType, data_type
from neuracore_ros.description.vocabulary import USUAL, Vocabulary, slot_label
from neuracore_ros.errors import DescriptionError
from neuracore_ros.similar_names import known_names
from neuracore_ros.yaml_value import YamlValue, from_python

# A name of a slot, or what was meant to be one.
_SLOT = re.compile(r'[A-Za-z][\w. -]*')

Slots = Mapping[int, str]
"""Index -> name, of one DataType of one robot; ascending."""

EmbodimentDescription = Mapping[DataType, Slots]
"""One robot: DataType -> index -> name; read-only, in canonical order."""

CrossEmbodimentDescription = Mapping[str, EmbodimentDescription]
"""Many robots, by name."""


def embodiment(description: Mapping[object, object], where: str = '') -> EmbodimentDescription:
    """Check a description that Python holds already.

    Args:
        description: DataType (or its name) -> {index: name} or [name, ...].
        where: Begins the messages.

    Raises:
        DescriptionError: An unknown DataType, a wrong index or name, or either of them twice.
    """
    return parse_embodiment(from_python(description, where or 'description'))


def parse_embodiment(
    value: YamlValue, vocabulary: Vocabulary | None = None
) -> EmbodimentDescription:
    """Check a description that was read from a file.

    Args:
        value: DataType -> index -> name, or a list of names.
        vocabulary: Its names may stand in place of indices.

    Raises:
        DescriptionError: An unknown DataType, a wrong index or name, or either of them twice.
    """
    found: dict[DataType, Slots] = {}
    for key, slots in value.mapping('a description').values():
        kind = parse_data_type(key)
        if kind in found:
            raise key.error(f'{kind} is given twice')
        found[kind] = _slots(slots, kind, vocabulary)
    return MappingProxyType({kind: found[kind] for kind in DataType if found.get(kind)})


def parse_data_type(key: YamlValue) -> DataType:
    """The DataType that a key names.

    Raises:
        DescriptionError: It names none.
    """
    text = str(key.content)
    try:
        return data_type(text)
    except KeyError:
        known = known_names(text.upper(), DataType.__members__)
        raise key.error(f'unknown DataType {key}{known}') from None


def plain(description: EmbodimentDescription) -> dict[str, dict[str, str]]:
    """The description as JSON has it: ``{'JOINT_POSITIONS': {'0': 'base'}}``."""
    return {
        kind.value: {str(index): name for index, name in slots.items()}
        for kind, slots in description.items()
    }


def differences(before: EmbodimentDescription, now: EmbodimentDescription) -> list[str]:
    """The slots that differ between two descriptions, a line for each."""
    found = []
    for kind in (kind for kind in DataType if kind in before or kind in now):
        old, new = before.get(kind, {}), now.get(kind, {})
        for index in sorted(old.keys() | new.keys()):
            if old.get(index) != new.get(index):
                was, is_now = (
                    f"'{slots[index]}'" if index in slots else 'empty' for slots in (old, new)
                )
                found.append(f'{kind} index {index} was {was} and is {is_now}')
    return found


def _slots(value: YamlValue, kind: DataType, vocabulary: Vocabulary | None) -> Slots:
    if value.is_mapping():
        pairs = [
            (_index(key, name, kind, vocabulary), key, name) for key, name in value.pairs(kind)
        ]
    elif value.is_scalar():
        raise value.error(f'{kind} must be a mapping of index to name, or a list, not {value}')
    else:
        pairs = [(index, name, name) for index, name in enumerate(value.elements(kind))]
    named = set() if vocabulary is None else set(vocabulary.names(kind).values())
    slots: dict[int, tuple[str, int]] = {}
    indices: dict[str, int] = {}
    for index, key, name_value in pairs:
        name = name_value.string(f'{kind} index {index}')
        # A key that is a slot itself leaves no doubt.
        if key is name_value or key.content not in named:
            _require_own_index(name_value, index, kind, vocabulary)
        if index in slots:
            other, line = slots[index]
            raise key.error(
                f'{kind}: index {slot_label(vocabulary, kind, index)} is given twice '
                f"('{other}' on line {line}, '{name}' on line {key.line})"
            )
        if name in indices:
            raise key.error(
                f"{kind}: '{name}' is given twice (index {indices[name]}, index {index})"
            )
        slots[index], indices[name] = (name, key.line), index
    return MappingProxyType({index: slots[index][0] for index in sorted(slots)})


def _index(key: YamlValue, name: YamlValue, kind: DataType, vocabulary: Vocabulary | None) -> int:
    """The index that a key gives, as a number or by its name in the vocabulary."""
    text = str(key.content)
    if not (key.textual and _SLOT.fullmatch(text)):
        return key.index()
    if vocabulary is not None and text in vocabulary.names(kind).values():
        return vocabulary.index(kind, text)
    if _is_number(name):
        return key.index()
    if vocabulary is None:
        raise key.error(
            f'{key} is no index. If it is the name of a slot, write its vocabulary at the top of '
            f'the robot file, such as vocabulary: {USUAL}'
        )
    if name.is_scalar() and name.content in vocabulary.names(kind).values():
        raise key.error(
            f'{kind}: a slot comes before the name that the robot has for it: write '
            f'{name.content}: {text}'
        )
    try:
        return vocabulary.index(kind, text)
    except DescriptionError as error:
        raise key.error(str(error)) from None


def _require_own_index(
    value: YamlValue, index: int, kind: DataType, vocabulary: Vocabulary | None
) -> None:
    """Refuse a slot in place of what is to be in it; the name of its own slot may be its name."""
    slots = {} if vocabulary is None else vocabulary.names(kind)
    if value.content in slots.values() and slots.get(index) != value.content:
        where = next(own for own, slot in slots.items() if slot == value.content)
        raise value.error(
            f'{kind} index {index}: {value} is the name of the slot with index {where}: write '
            f'{{{value.content}: NAME}}, with the name that the robot has for it'
        )


def _is_number(value: YamlValue) -> bool:
    """True for ``joint_1: 0``, which has index and name the wrong way round."""
    return value.is_scalar() and str(value.content).isdecimal()
