"""Vocabulary: names for the slots of the index space, each with its unit, sign and zero.

A file lists the slots of some groups; all DataTypes of a group share its indices, so that a joint
has one index wherever it is measured or commanded.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from neuracore_ros.bounds import MAX_NAME
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.shipped import vocabulary_file
from neuracore_ros.errors import DescriptionError, quoted, shortened
from neuracore_ros.given_path import given_path
from neuracore_ros.records import Record
from neuracore_ros.similar_names import known_names, list_alike, most_alike
from neuracore_ros.wording import few
from neuracore_ros.yaml_value import ENDINGS, YamlValue, read_yaml

USUAL = 'arm/1'
"""The vocabulary that the package ships."""

JOINTS, GRIPPERS, POSES, CAMERAS = 'joints', 'grippers', 'poses', 'cameras'
NUMBERS, TEXTS = 'numbers', 'texts'
_GROUPS: Mapping[str, tuple[DataType, ...]] = MappingProxyType(
    {
        JOINTS: (
            DataType.JOINT_POSITIONS,
            DataType.JOINT_VELOCITIES,
            DataType.JOINT_TORQUES,
            DataType.JOINT_TARGET_POSITIONS,
            DataType.VISUAL_JOINT_POSITIONS,
        ),
        GRIPPERS: (
            DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS,
            DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS,
        ),
        POSES: (DataType.END_EFFECTOR_POSES, DataType.POSES),
        CAMERAS: (DataType.RGB_IMAGES, DataType.DEPTH_IMAGES, DataType.POINT_CLOUDS),
        NUMBERS: (DataType.CUSTOM_1D,),
        TEXTS: (DataType.LANGUAGE,),
    }
)
_GROUP_OF = {kind: group for group, kinds in _GROUPS.items() for kind in kinds}
_SLOT_KEYS = ('index', 'unit', 'sign', 'zero', 'meaning')
# In place of what a slot does not say itself.
_LIKE = 'like'
_SLOT_NAME = re.compile(r'[a-z][a-z0-9_]*(\.[a-z0-9_]+)*')
# A name and a version; shown in every message and kept in policies and datasets.
_NAME = re.compile(r'[a-z][a-z0-9_-]*/[0-9]+')
_SHA256 = re.compile(r'[0-9a-f]{64}')
# Names that an error lists.
_LISTED = 8
# Digits of a digest that tell two apart for people.
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class VocabularyId:
    """The name of a vocabulary with the digest of its slots, as policies and datasets keep it.

    Attributes:
        name: Such as ``arm/1``.
        sha256: Of its slots: names, indices, units, signs and zeros; hexadecimal.
    """

    name: str
    sha256: str

    def plain(self) -> dict[str, str]:
        """The keys of a manifest and of the metadata of a dataset."""
        return {'vocabulary': self.name, 'vocabulary_sha256': self.sha256}

    def __str__(self) -> str:
        return f"'{self.name}' (sha256 {self.sha256[:_SHOWN]})"


@dataclass(frozen=True, slots=True)
class VocabularySlot:
    """One slot with its rules.

    Attributes:
        name: Such as ``right.elbow_pitch``.
        index: Its place in every DataType of its group.
        unit: Of its values, such as ``rad``; '' where it has none.
        sign: The motion in which values grow, in words; '' where that means nothing.
        zero: The posture in which it is 0, likewise.
        meaning: What it is, likewise; no part of the digest.
    """

    name: str
    index: int
    unit: str = ''
    sign: str = ''
    zero: str = ''
    meaning: str = ''

    def rules(self) -> tuple[int, str, str, str]:
        """The part of a slot that data depend on: index, unit, sign and zero."""
        return self.index, self.unit, self.sign, self.zero


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The slots of an index space by name and by index.

    Attributes:
        name: Such as ``arm/1``: a name and a version.
        sha256: Digest of its slots, hexadecimal; comments and layout of its file do not count.
        slots: Group (``joints``, ``grippers``, ``poses``, ``cameras``, ``numbers``, ``texts``) ->
            its slots by index.
        own_from: Group -> the first index that is everybody's own, and stays without a name.
        path: Its file; None for one that was made otherwise.
    """

    name: str
    sha256: str
    slots: Mapping[str, Mapping[int, VocabularySlot]]
    own_from: Mapping[str, int]
    path: Path | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls,
        name: str,
        slots: Mapping[str, Iterable[VocabularySlot]],
        own_from: Mapping[str, int] | None = None,
    ) -> Vocabulary:
        """A vocabulary of slots that are known to be distinct."""
        groups = {
            group: MappingProxyType({each.index: each for each in sorted(own, key=_index)})
            for group, own in slots.items()
        }
        rules = {
            group: {each.name: each.rules() for each in own.values()}
            for group, own in groups.items()
            if own
        }
        text = json.dumps({'vocabulary': name, 'slots': rules}, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(name, digest, MappingProxyType(groups), MappingProxyType({**(own_from or {})}))

    @property
    def id(self) -> VocabularyId:
        """Name and digest."""
        return VocabularyId(self.name, self.sha256)

    def names(self, data_type: DataType) -> Mapping[int, str]:
        """Index -> name of all slots of a DataType; empty where it has no names."""
        return {index: slot.name for index, slot in self._slots(data_type).items()}

    def slot(self, data_type: DataType, index: int) -> VocabularySlot | None:
        """The slot at an index; None where the vocabulary has none."""
        return self._slots(data_type).get(index)

    def index(self, data_type: DataType, slot_name: str) -> int:
        """The index of a slot's name.

        Raises:
            DescriptionError: The vocabulary has no such slot; tells the nearest names.
        """
        for index, slot in self._slots(data_type).items():
            if slot.name == slot_name:
                return index
        raise DescriptionError(self._unknown(data_type, slot_name))

    def is_own(self, data_type: DataType, index: int) -> bool:
        """True for an index that the vocabulary leaves to each user."""
        return not self._slots(data_type) or index >= self.first_own(data_type)

    def first_own(self, data_type: DataType) -> int:
        """The first index that the vocabulary leaves to each user."""
        behind = max(self._slots(data_type), default=-1) + 1
        return self.own_from.get(_GROUP_OF[data_type], behind)

    def _slots(self, data_type: DataType) -> Mapping[int, VocabularySlot]:
        return self.slots.get(_GROUP_OF[data_type], {})

    def _unknown(self, data_type: DataType, name: str) -> str:
        known = list(self.names(data_type).values())
        if not known:
            return f"'{self.name}' has no {_GROUP_OF[data_type]}: write an index for {data_type}"
        if others := [kind for kind in DataType if name in self.names(kind).values()]:
            is_target = data_type.measured is not data_type
            alike = [kind for kind in others if (kind.measured is not kind) is is_target]
            meant_kind = [*alike, *others][0]
            return (
                f"{quoted(name)} is no slot of {data_type} in '{self.name}', but of {meant_kind}: "
                f'write it there. {data_type} has: {list_alike(name, known)}'
            )
        near = _same_end(name, known) or most_alike(name, known)
        meant = f"; did you mean '{near}'?" if near else '.'
        there = list_alike(name, known) if near else few(known, _LISTED)
        return f"{quoted(name)} is no slot of {data_type} in '{self.name}'{meant} It has: {there}"


def load_vocabulary(name: str, beside: Path | None = None) -> Vocabulary:
    """Read a vocabulary.

    Args:
        name: ``arm/1``, which the package ships; or the path of a file, which ends in .yaml.
        beside: The file that names it: a path is relative to that file's folder.

    Raises:
        DescriptionError: There is none, anything in it is wrong, with file and line, or it has
            the name of the shipped one without being it.
    """
    found = shipped_vocabulary()
    if name.endswith(ENDINGS):
        own = _read(given_path(name) if beside is None else beside.parent / given_path(name))
        if found is not None and own.name == found.name and own.id != found.id:
            raise DescriptionError(
                f"{own.path}: is called '{own.name}' as the one that is shipped, and has other "
                'slots: give it another name, such as ours/1'
            )
        return own
    if found is not None and name == found.name:
        return found
    there = f'; there is {found.name}' if found is not None else ''
    raise DescriptionError(
        f'no vocabulary {quoted(name)} is shipped{there}. One of your own is named by its file, '
        'such as ./ours.yaml'
    )


def shipped_vocabulary() -> Vocabulary | None:
    """The vocabulary that the package ships; None where its file is not installed."""
    path = vocabulary_file()
    return None if path is None else _read_once(path)


def known_vocabulary(known: VocabularyId | None) -> Vocabulary | None:
    """The vocabulary of a policy or a dataset; None where it is none that is shipped."""
    found = shipped_vocabulary() if known is not None else None
    return found if found is not None and found.id == known else None


def recorded_vocabulary(
    recorded: VocabularyId | None, own: Vocabulary | None
) -> Vocabulary | None:
    """The vocabulary of a dataset; None where neither the package nor its robot's file has it.

    Args:
        recorded: What the dataset names.
        own: That of the robot file; it is the dataset's, too, if that names none.
    """
    if own is not None and recorded in (None, own.id):
        return own
    return known_vocabulary(recorded)


def parse_vocabulary(value: YamlValue) -> Vocabulary:
    """Check a vocabulary that was read from a file.

    Raises:
        DescriptionError: Anything in it is wrong, with file and line.
    """
    fields = value.fields('a vocabulary', ('vocabulary', 'own_from', 'slots'))
    for key in ('vocabulary', 'slots'):
        if key not in fields:
            raise value.error(f"a vocabulary needs the key '{key}'")
    name = fields['vocabulary'].string('vocabulary')
    if not _NAME.fullmatch(name):
        raise fields['vocabulary'].error(
            f'vocabulary {quoted(name)} must be a name and a version, such as ours/1'
        )
    groups = fields['slots'].fields('slots', _GROUPS)
    slots = {group: list(_parse_slots(groups[group], group)) for group in groups}
    if not any(slots.values()):
        raise fields['slots'].error('slots is empty: a vocabulary has at least one slot')
    own_from = {}
    for group, first in (
        fields['own_from'].fields('own_from', _GROUPS).items() if 'own_from' in fields else ()
    ):
        own_from[group] = first.index()
        for slot in slots.get(group, ()):
            if slot.index >= own_from[group]:
                raise first.error(
                    f"own_from: {group} from {first.content} on are everybody's own, but "
                    f"'{slot.name}' has index {slot.index}"
                )
    return Vocabulary.of(name, slots, own_from)


def read_vocabulary_id(record: Record) -> VocabularyId | None:
    """The vocabulary that a manifest or the metadata of a dataset names; None where they do not.

    Raises:
        UserError: One of the two keys is missing or wrong; of the record's kind.
    """
    if not (record.has('vocabulary') or record.has('vocabulary_sha256')):
        return None
    name, sha256 = record.name('vocabulary'), record.text('vocabulary_sha256')
    if not _SHA256.fullmatch(sha256):
        raise record.wrong('vocabulary_sha256', '64 hexadecimal digits')
    return VocabularyId(shortened(name), sha256)


def types_beside(data_type: DataType) -> tuple[DataType, ...]:
    """The DataTypes that share indices with one, itself among them, in canonical order."""
    return _GROUPS[_GROUP_OF[data_type]]


def slot_label(vocabulary: Vocabulary | None, data_type: DataType, index: int) -> str:
    """``6`` or, where the slot has a name, ``6 right.flange_roll``."""
    slot = None if vocabulary is None else vocabulary.slot(data_type, index)
    return str(index) if slot is None else f'{index} {slot.name}'


def _index(slot: VocabularySlot) -> int:
    return slot.index


def _same_end(name: str, known: Sequence[str]) -> str:
    """The first known name whose last part is the wanted one: ``elbow_pitch`` without its arm."""
    end = name.rpartition('.')[2]
    return next((each for each in known if each.rpartition('.')[2] == end), '')


@lru_cache(maxsize=4)
def _read_once(path: Path) -> Vocabulary:
    return _read(path)


def _read(path: Path) -> Vocabulary:
    return replace(parse_vocabulary(read_yaml(path)), path=path)


def _parse_slots(value: YamlValue, group: str) -> Iterator[VocabularySlot]:
    written = {
        name: slot.fields(f"slot '{name}'", (*_SLOT_KEYS, _LIKE))
        for name, (_, slot) in value.mapping(group).items()
    }
    names: dict[int, str] = {}
    for name, (key, _) in value.mapping(group).items():
        fields = written[name]
        if not _SLOT_NAME.fullmatch(name) or len(name) > MAX_NAME:
            raise key.error(
                f'{group}: {key} is no name of a slot: small letters, digits and _, in parts '
                'joined by dots, such as right.elbow_pitch'
            )
        if 'index' not in fields:
            raise key.error(f"slot '{name}' needs the key 'index'")
        index = fields['index'].index()
        if index in names:
            raise fields['index'].error(
                f"{group}: index {index} is given to '{names[index]}' and to '{name}'"
            )
        names[index] = name
        whole = {**_like(fields.get(_LIKE), written), **fields}
        texts = {
            word: _text(whole[word], f"{word} of '{name}'")
            for word in _SLOT_KEYS
            if word in whole and word != 'index'
        }
        yield VocabularySlot(name, index, **texts)


def _like(
    value: YamlValue | None, written: Mapping[str, Mapping[str, YamlValue]]
) -> Mapping[str, YamlValue]:
    """The fields of the slot that another one is like."""
    if value is None:
        return {}
    name = value.string(_LIKE)
    if name not in written:
        raise value.error(f'{_LIKE}: {value} is no slot of this group{known_names(name, written)}')
    if _LIKE in written[name]:
        other = written[name][_LIKE].content
        raise value.error(
            f"{_LIKE}: {value} is itself like '{other}': name the slot that says all"
        )
    return written[name]


def _text(value: YamlValue, what: str) -> str:
    """A text for people; unlike a name it may be long."""
    if not isinstance(value.content, str):
        raise value.error(f'{what} must be a text, not {value}')
    text = ' '.join(value.content.split())
    replace(value, content=text).require_printable(what)
    return text
