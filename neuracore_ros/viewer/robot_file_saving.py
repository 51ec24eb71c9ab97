"""Saving an edited robot file: in its own place, or as a new one elsewhere."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from neuracore_ros.description.shipped import is_shipped
from neuracore_ros.errors import UserError, unreadable
from neuracore_ros.files import require_new_file, require_ordinary, whole_path
from neuracore_ros.regular_file import read_bytes
from neuracore_ros.viewer.robot_file_text import text_change
from neuracore_ros.viewer.written_yaml import WrittenScalar, WrittenYaml
from neuracore_ros.yaml_value import ENDINGS, MOST_BYTES

_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def replace_file(path: Path, before: bytes, content: bytes) -> None:
    """Write a file, whole or not at all; it keeps its permissions and, where it can, its owner.

    Args:
        path: The file.
        before: What it must hold on the disk: what somebody else has written there stays.
        content: What it holds afterwards.

    Raises:
        UserError: It holds something else, the package ships it, it is read-only or a link, or
            the disk takes no more.
    """
    if is_shipped(path):
        raise UserError(
            f'{path}: belongs to the package: save it under a name of your own, or copy it and '
            'open the copy'
        )
    require_ordinary(path)
    _require_unchanged(path, before)
    # root may write what nobody is meant to.
    if not os.access(path, os.W_OK) or not path.stat().st_mode & _WRITABLE:
        raise UserError(f'{path}: is read-only: make it writable (chmod u+w), or save a copy')
    own = path.stat()
    with whole_path(path) as partial:
        partial.write_bytes(content)
        partial.chmod(stat.S_IMODE(own.st_mode))
        with suppress(OSError):  # only root may give it back to its owner
            os.chown(partial, own.st_uid, own.st_gid)
        _require_unchanged(path, before)


def require_fresh(path: Path) -> None:
    """Refuse a name under which no new robot file can be saved.

    Raises:
        UserError: Something is there, it lies in no folder, or it does not end as YAML does.
    """
    if path.suffix not in ENDINGS:
        raise UserError(f'{path}: is no name of a robot file: end it in {ENDINGS[0]}')
    require_new_file(path, 'the name')
    if path.exists():
        raise UserError(f'{path}: is there already: choose another name')


def rebased(text: str, before: Path, after: Path) -> str:
    """The text of a robot file as that of another file: its paths lead where they led.

    What belongs to the package is named by its whole path, since a copy may lie anywhere.
    """
    yaml = WrittenYaml(text)
    old, new = before.parent.resolve(), after.parent.resolve()
    for key in ('urdf', 'vocabulary') if old != new else ():
        entry = yaml.root.entry(key)
        written = '' if entry is None else _text(entry.value)
        if not written or (key == 'vocabulary' and not written.endswith(ENDINGS)):
            continue  # a vocabulary that is shipped has a name, and no path
        lies = old / written
        if not Path(written).is_absolute():
            way = str(lies) if is_shipped(lies) else os.path.relpath(lies, new)
            yaml = yaml.changed(text_change(yaml, key, way))
    return yaml.text


def _text(value: object) -> str:
    return value.value if isinstance(value, WrittenScalar) else ''


def _require_unchanged(path: Path, before: bytes) -> None:
    try:
        on_disk = read_bytes(path, MOST_BYTES)
    except FileNotFoundError:
        raise UserError(f'{path}: is no longer there: save it under a new name') from None
    except OSError as error:
        raise UserError(unreadable(path, error)) from error
    if on_disk != before:
        raise UserError(
            f'{path}: was changed by somebody else since it was opened: save it under another '
            'name, or read it again'
        )
