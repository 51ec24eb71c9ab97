"""Paths as people write them on a command line, in a parameter and in a file."""

import os
import shlex
from pathlib import Path


def given_path(text: str | Path) -> Path:
    """The path of a text; ``~/bags`` is in the home folder.

    A shell replaces ``~`` only where a word begins with it, and in ``NAME=~/bags``: not in
    ``--out=~/run``, ``model:=~/policy.pt`` or a YAML file. A folder of that name is ``./~``, as
    for a shell, and an unknown user's, ``~nobody/bags``, stays as it is.
    """
    return Path(os.path.expanduser(text))  # noqa: PTH111 (Path's raises for an unknown user)


def in_shell(*paths: str | Path) -> str:
    """The paths as words of a shell's command line, in quotes where they need them."""
    return shlex.join(map(str, paths))
