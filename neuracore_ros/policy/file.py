"""The bytes of a policy file with their digest, and the options of its runtime."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from neuracore_ros.errors import PolicyError, unreadable
from neuracore_ros.regular_file import read_bytes


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """The options of a runtime, as :func:`neuracore_ros.policy.load.load_policy` takes them."""

    device: str = 'cpu'
    threads: int = 0
    precision: str = 'float32'


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy file, read once, so that the bytes that are hashed are the bytes that run.

    Attributes:
        path: Where it is.
        parts: Its content; of an OpenVINO model NAME.xml, NAME.bin and NAME.json.
        sha256: Of all parts, one after the other.
    """

    path: Path
    parts: tuple[bytes, ...]
    sha256: str

    @classmethod
    def read(cls, path: Path, beside: tuple[str, ...] = ()) -> PolicyFile:
        """Read a file, and those beside it with the endings without which it is nothing.

        Raises:
            PolicyError: One of them is missing, is a folder, or cannot be read.
        """
        paths = [path, *(path.with_suffix(ending) for ending in beside)]
        parts = tuple(_bytes(each, path) for each in paths)
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part)
        return cls(path, parts, digest.hexdigest())

    def require(self, sha256: str) -> None:
        """Require a digest.

        Raises:
            PolicyError: It has another one.
        """
        require_digest(str(self.path), self.sha256, sha256)


def require_digest(name: str, found: str, wanted: str) -> None:
    """Require a policy to have a sha256.

    Raises:
        PolicyError: It has another one.
    """
    wanted = wanted.strip().lower()
    if wanted != found:
        raise PolicyError(
            f'{name}: has sha256 {found}, not {wanted}, which was demanded: it is another file, '
            'or was changed'
        )


def _bytes(path: Path, main: Path) -> bytes:
    try:
        return read_bytes(path, sys.maxsize - 1)
    except FileNotFoundError as error:
        if path == main:
            raise PolicyError(unreadable(path, error)) from error
        raise PolicyError(f'{main}: lacks {path.name} beside it; copy both together') from error
    except IsADirectoryError as error:
        run = path / 'policy.pt'
        hint = f'; did you mean {run}?' if run.is_file() else ''
        raise PolicyError(f'{path}: is a folder, not a policy file{hint}') from error
    except OSError as error:
        raise PolicyError(f'{path}: cannot be read: {error.strerror}') from error
