"""The names of policies that are no files of models: addresses, and server files."""

from __future__ import annotations

from pathlib import Path

from neuracore_ros.given_path import given_path

SERVER_FILE_ENDINGS = ('.server.yaml', '.server.yml')
"""Of files that describe somebody else's server (docs/server_file.md)."""


def is_address(text: str | Path) -> bool:
    """True for what names a server, such as ``ws://gpu-box:8000``."""
    return '://' in str(text)


def is_server_file(path: str | Path) -> bool:
    """True for the name of a server file, such as ``droid.server.yaml``."""
    return str(path).endswith(SERVER_FILE_ENDINGS)


def path_or_address(text: str) -> Path | str:
    """An address as it is written, and anything else as a path."""
    return text if is_address(text) else given_path(text)
