"""Files of tensors (safetensors), as far as they can be judged without their library."""

from __future__ import annotations

from pathlib import Path

from neuracore_ros.errors import PolicyError, unreadable
from neuracore_ros.records import RecordOrigin, is_integer, parse_record
from neuracore_ros.regular_file import open_regular

# By the format's own rule.
_MOST_HEADER = 100_000_000


def require_whole(path: Path) -> None:
    """Require a file of tensors to be as long as its header says.

    Raises:
        PolicyError: It is damaged, or was cut off.
    """
    try:
        with open_regular(path) as file:
            length = int.from_bytes(file.read(8), 'little')
            size = file.seek(0, 2)
            if not 2 <= length <= min(size - 8, _MOST_HEADER):
                raise PolicyError(f'{path}: is damaged, or was not copied whole')
            file.seek(8)
            header = file.read(length)
    except OSError as error:
        raise PolicyError(unreadable(path, error)) from error
    tensors = parse_record(header, RecordOrigin(str(path), PolicyError), 'the header')
    ends = [
        tensors.record(name).value('data_offsets', default=[0, 0])[-1:]
        for name in tensors
        if name != '__metadata__'
    ]
    last = max((end[0] for end in ends if end and is_integer(end[0])), default=0)
    if size != 8 + length + last:
        raise PolicyError(
            f'{path}: has {size} bytes, not {8 + length + last}: it was not copied whole'
        )
