"""Files of tensors, read so that nothing in them is executed, or unpacks to very much more."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import torch

from neuracore_ros.regular_file import open_regular

MALFORMED = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(ValueError, OverflowError, NotImplementedError, EOFError),
)
"""What zipfile raises where lengths and names are not what they should be."""

# torch compresses the code of a module, and nothing else.
_TIMES_AS_LARGE = 10
_CODE_BYTES = 1 << 26


def is_bomb(archive: bytes | Path) -> bool:
    """Tell whether the entries of a zip archive are very much larger than the archive.

    torch reads an entry into memory, whatever it unpacks to: three megabytes may stand for
    gigabytes. What is no zip archive is left to torch.

    Raises:
        OSError: The file cannot be read.
    """
    file = open_regular(archive) if isinstance(archive, Path) else io.BytesIO(archive)
    with file:
        most = _CODE_BYTES + _TIMES_AS_LARGE * file.seek(0, io.SEEK_END)
        try:
            with zipfile.ZipFile(file) as entries:
                return sum(entry.file_size for entry in entries.infolist()) > most
        except MALFORMED:
            return False


def load_tensors(path: Path) -> Any:
    """Load what torch.save wrote, if it holds numbers only.

    Raises:
        Exception: It holds more, or is damaged; torch raises several kinds, none documented.
    """
    if is_bomb(path):
        raise ValueError('it unpacks to very much more')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # Of pickles that it then refuses.
        return torch.load(path, map_location='cpu', weights_only=True)
