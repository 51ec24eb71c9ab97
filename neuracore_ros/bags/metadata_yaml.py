"""The metadata.yaml that a recorder writes beside the files of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from neuracore_ros.yaml_value import YamlValue, read_yaml

FILE = 'metadata.yaml'

# That of a bag with a thousand topics and a thousand files has less than a megabyte.
_MOST_BYTES = 1 << 22
# Ten times faster than the other one, which is there everywhere.
_LOADER = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
_MOST_DIGITS = 18
_MOST_NAME_BYTES = 255
_NOTHING = ('', '~', 'null')


@dataclass(frozen=True, slots=True)
class BagMetadata:
    """A recorder's own description of a recording.

    Attributes:
        files: Names, in their order, each once.
        counts: Name of a file -> messages in it; empty where it does not say.
        count: Messages of all files.
        task: What is done, by its custom data; '' where they do not say.
        pair: Label of what belongs together across robots, likewise.
        robot: Name of the robot, likewise.
    """

    files: tuple[str, ...]
    counts: Mapping[str, int]
    count: int
    task: str
    pair: str
    robot: str


def read_metadata(folder: Path) -> BagMetadata:
    """Read the metadata of a bag.

    Raises:
        DescriptionError: It cannot be read, or lacks something.
    """
    root = read_yaml(folder / FILE, _MOST_BYTES, _LOADER)
    record = _entry(root, 'rosbag2_bagfile_information')
    paths = _entry(record, 'relative_file_paths').elements('relative_file_paths')
    files = _optional(record, 'files')
    counts = {}
    for file in files.elements('files') if files and not files.is_scalar() else ():
        counts[_name(_entry(file, 'path'))] = _count(_entry(file, 'message_count'))
    custom = _optional(record, 'custom_data')
    task, pair, robot = (_text(custom, key) for key in ('task', 'pair', 'robot'))
    return BagMetadata(
        tuple(dict.fromkeys(map(_name, paths))),
        counts,
        _count(_entry(record, 'message_count')),
        task,
        pair,
        robot,
    )


def _text(custom: YamlValue | None, key: str) -> str:
    """A text of the custom data; '' where there is none."""
    found = _optional(custom, key) if custom and custom.is_mapping() else None
    is_text = found is not None and found.is_scalar() and found.content not in _NOTHING
    return str(found.content) if found and is_text else ''


def _entry(value: YamlValue, key: str) -> YamlValue:
    found = _optional(value, key)
    if found is None:
        raise value.error(f'lacks {key}')
    return found


def _optional(value: YamlValue, key: str) -> YamlValue | None:
    _, found = value.mapping('metadata').get(key, (None, None))
    return found


def _name(value: YamlValue) -> str:
    """The name of a file in the bag's folder, whatever folder is given."""
    if not isinstance(value.content, str):
        raise value.error(f'{value} is no path of a file')
    name = Path(value.content).name
    length = len(name.encode(errors='surrogatepass'))
    if not 0 < length <= _MOST_NAME_BYTES or '\0' in name or name == '..':
        raise value.error(f'{value} is no path of a file')
    return name


def _count(value: YamlValue) -> int:
    text = value.content
    if not isinstance(text, str) or not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise value.error(f'{value} is no number of messages')
    return int(text)
