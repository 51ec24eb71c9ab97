"""Files as we write them: whole or not at all, in real folders, never through a link.

A folder may come from elsewhere, and names in it may be links to the user's own files. So what
is written goes into a fresh file of an unpredictable name, is synced, and takes its final name
by a rename. Only what carries such a name, or is held by our lock, is ever deleted.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from neuracore_ros.errors import UserError, WriteError
from neuracore_ros.given_path import in_shell
from neuracore_ros.regular_file import read_bytes

LOCK_NAME = '.neuracore_ros.lock'
_PARTIAL_NAME = re.compile(r'\.neuracore_ros-[0-9a-f]{32}\.partial')
_PID_DIGITS = 20
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


@contextmanager
def whole_file(path: Path, scratch: Path | None = None) -> Iterator[BinaryIO]:
    """A file to write, which gets its name only when all of it is on the disk.

    Whatever ends the block, or the process, the name has its old content or all of the new one.

    Args:
        path: The file; replaced if it exists.
        scratch: A folder of the same file system for what is not whole yet; None: beside it.

    Raises:
        WriteError: The disk takes no more, there is no such folder, or the name is a link.
    """
    with whole_path(path, scratch) as partial, partial.open('r+b') as file:
        yield file


@contextmanager
def whole_path(path: Path, scratch: Path | None = None) -> Iterator[Path]:
    """A fresh, empty file for a library that wants a path; see :func:`whole_file`."""
    partial = (scratch or path.parent) / f'.neuracore_ros-{secrets.token_hex(16)}.partial'
    with writing(path):
        require_ordinary(path)
        os.close(os.open(partial, _FRESH, 0o666))
        try:
            yield partial
            sync(partial)
            require_ordinary(path)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        sync(path.parent)


def write_whole(path: Path, content: bytes | str, scratch: Path | None = None) -> None:
    """Replace a file by one with this content; see :func:`whole_file`.

    Text becomes UTF-8. What it cannot hold, a byte of a path that is none, is escaped.
    """
    with whole_file(path, scratch) as file:
        if isinstance(content, str):
            content = content.encode('utf-8', 'backslashreplace')
        file.write(content)


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Replace files that need each other: none gets its name before all are on the disk.

    The first one gets its name last.

    Raises:
        WriteError: As of :func:`whole_file`, for one of them.
    """
    with ExitStack() as stack:
        for path, content in contents.items():
            file = stack.enter_context(whole_file(path))
            with writing(path):
                file.write(content)
                file.flush()
                os.fsync(file.fileno())


def fresh_file(folder: Path, name: str) -> tuple[Path, BinaryIO]:
    """A new file with an unpredictable ending of its name, for content that is written bit by bit.

    Raises:
        WriteError: The folder takes no file.
    """
    path = folder / f'{name}.{secrets.token_hex(16)}'
    with writing(path):
        return path, os.fdopen(os.open(path, _FRESH, 0o666), 'wb')


def append_line(path: Path, line: str) -> None:
    """Add a line to a file of lines, all of it or nothing.

    What a power cut has left of a line before it is dropped.

    Raises:
        WriteError: The disk takes no more, or the name is a link.
    """
    with open_to_append(path) as file, writing(path):
        size = _end_of_lines(file)
        file.truncate(size)
        rest = line.encode() + b'\n'
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            file.truncate(size)
            raise


def read_lines(path: Path) -> list[bytes]:
    """The lines of a file that are whole: what is torn at its end is none; [] without a file.

    Raises:
        OSError: It is no ordinary file, or may not be read.
    """
    try:
        content = read_bytes(path)
    except FileNotFoundError:
        return []
    return content.split(b'\n')[:-1]


def open_to_append(path: Path) -> BinaryIO:
    """An ordinary file that is written at its end; made if there is none.

    Raises:
        WriteError: The name is a link, a device, or a second name of another file.
    """
    with writing(path):
        require_ordinary(path)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        file = os.open(path, flags, 0o666)
        if os.fstat(file).st_nlink > 1:
            os.close(file)
            raise WriteError(path, 'it is a hard link, another name of a file that is elsewhere')
        return os.fdopen(file, 'ab+', buffering=0)


def real_folder(root: Path, inside: Path = Path()) -> Path:
    """A folder below another one, made where it is missing; no level of it is a link.

    Args:
        root: The outer folder, which the user has named; it may be a link.
        inside: A relative path below it.

    Raises:
        WriteError: A level is a link or a file, or cannot be made.
    """
    folder = root
    for name in inside.parts:
        folder /= name
        with writing(folder):
            with suppress(FileExistsError):
                folder.mkdir()
            if not stat.S_ISDIR(folder.lstat().st_mode):
                raise WriteError(folder, f'it is {_kind(folder)}, not a folder')
    return folder


def require_ordinary(path: Path) -> None:
    """Refuse a name behind which something else lies than a file of its own.

    Raises:
        WriteError: It is a link, a folder, or a device.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise WriteError(path, f'it is {_kind(path)}, not an ordinary file')


def require_new_file(path: Path, option: str = '--out') -> None:
    """Refuse a place where no file can be written, before the work is done.

    Raises:
        UserError: It is a folder, a link or a device, lies in no folder, or is not UTF-8.
    """
    require_utf8(path)
    if path.is_dir() and not path.is_symlink():
        raise UserError(f'{path}: is a folder; {option} is the file to write')
    if not path.parent.is_dir():
        raise UserError(
            f'{path.parent}: no such folder; make it: mkdir -p {in_shell(path.parent)}'
        )
    require_ordinary(path)


def require_folder_or_new(path: Path, purpose: str) -> None:
    """Refuse a file as the folder of ``--out``.

    Raises:
        UserError: It is a file.
    """
    if path.exists() and not path.is_dir():
        raise UserError(f'{path}: is a file; --out is the folder {purpose}')


def require_utf8(path: Path, kind: type[UserError] = UserError) -> None:
    """Refuse a path with bytes that are no text, before anything is written there.

    Arrow, FFmpeg and torch cannot open such a path, and records cannot name it to others.

    Raises:
        UserError: It is not UTF-8; of that kind.
    """
    whole = os.fsencode(path.absolute())
    try:
        whole.decode()
    except UnicodeDecodeError as error:
        raise kind(
            f'{path}: the path has a byte that is not UTF-8 (0x{whole[error.start]:02x}); choose '
            'another folder, or rename it (convmv -f latin1 -t utf8 shows how)'
        ) from error


@contextmanager
def locked(folder: Path, verb: str, cure: str) -> Iterator[None]:
    """The right to write into a folder, which one process has; given back however it ends.

    A folder that was made for it, and in which nothing was written, is gone afterwards.

    Args:
        folder: Made if it is missing.
        verb: The verb of the command line that locks it, for messages.
        cure: The advice if another process has it.

    Raises:
        UserError: Another process has it.
        WriteError: The lock is a link or not ours, or the folder cannot be written.
    """
    path = folder / LOCK_NAME
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        with _lock(folder, path, verb, cure) as lock:
            try:
                yield
            finally:
                # Deleted before it is given back; who waits sees that, and makes a new one.
                if _is_the_same(lock, path):
                    path.unlink(missing_ok=True)
    finally:
        with suppress(OSError):  # something was written
            for each in made:
                each.rmdir()


def delete_partials(folder: Path) -> None:
    """Delete the unfinished files of killed processes in a folder that no other one writes to."""
    for path in folder.iterdir():
        if is_partial(path):
            path.unlink(missing_ok=True)


def is_partial(path: Path) -> bool:
    """True for a file that :func:`whole_file` did not complete."""
    return bool(_PARTIAL_NAME.fullmatch(path.name)) and stat.S_ISREG(path.lstat().st_mode)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, safely onto the disk.

    Raises:
        OSError: The disk takes no more.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some file systems, of networks above all, cannot sync a folder.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}:
            raise
    finally:
        os.close(handle)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A block whose system errors become a :class:`WriteError` of a file."""
    try:
        yield
    except OSError as error:
        raise WriteError(path, error.strerror or str(error)) from error


def _kind(path: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return f'a link to {path.readlink()}'
    if stat.S_ISDIR(mode):
        return 'a folder'
    return 'a file' if stat.S_ISREG(mode) else 'a device or a pipe'


def _end_of_lines(file: BinaryIO) -> int:
    """The end of the last whole line [bytes]."""
    size = file.seek(0, os.SEEK_END)
    if size:
        file.seek(size - 1)
        if file.read(1) != b'\n':
            file.seek(0)
            return file.read().rfind(b'\n') + 1
    return size


def _lock(folder: Path, path: Path, verb: str, cure: str) -> BinaryIO:
    while True:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            lock = open_to_append(path)
        except WriteError:
            if folder.is_dir():
                raise
            continue  # who had made the folder has just given it up
        with writing(path):
            owner = os.pread(lock.fileno(), _PID_DIGITS + 1, 0).decode(errors='replace').strip()
            if owner and not owner.isdecimal():
                lock.close()
                raise WriteError(path, 'it holds more than a lock does: move it away')
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                lock.close()
                raise UserError(
                    f'{folder}: another {verb} (process {owner or "unknown"}) is writing to it; '
                    f'{cure}'
                ) from error
            if _is_the_same(lock, path):
                with suppress(OSError):  # who has it matters to people only
                    lock.truncate(0)
                    lock.write(str(os.getpid()).encode())
                return lock
        lock.close()


def _is_the_same(lock: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.lstat())
    except FileNotFoundError:
        return False
