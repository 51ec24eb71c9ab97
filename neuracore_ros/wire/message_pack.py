"""MessagePack, whatever maps arrays are written as: packed, and read within bounds."""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Any

import msgpack

from neuracore_ros.errors import WireError

# Numbers travel as arrays, so maps and lists are short. A byte of a frame may be a list, of 56
# bytes in memory: a frame of 64 MB took 4.7 GB, and held the interpreter up for 84 s.
_MOST_IN_ONE = 4096
_MOST_IN_ALL = 65536

NUMBER_KINDS = 'biuf'
"""NumPy's letters of the arrays that are sent: bool, integers, and floats."""


def pack_by(value: Any, as_map: Callable[[Any], Any]) -> bytes:
    """Pack a value into one frame.

    Args:
        value: Maps, lists, texts and numbers, and what ``as_map`` knows.
        as_map: Called with each thing that MessagePack does not have; what it returns takes its
            place. It raises a TypeError for what it does not know.

    Raises:
        WireError: Something in it cannot be packed.
    """
    try:
        packed: bytes = msgpack.packb(value, default=as_map)
    except (TypeError, ValueError, OverflowError) as error:
        raise WireError(f'cannot be packed: {error}') from error
    return packed


def unpack_bounded(
    frame: bytes | bytearray | memoryview, read_map: Callable[[dict[Any, Any]], Any]
) -> Any:
    """Unpack a frame.

    Args:
        frame: One MessagePack value.
        read_map: Called with each map, innermost first; what it returns takes its place.

    Raises:
        WireError: No MessagePack, or far more lists and maps than anybody needs.
    """
    left = _MOST_IN_ALL

    def count(things: Sized) -> None:
        nonlocal left
        left -= 1 + len(things)
        if left < 0:
            raise WireError(f'holds more than {_MOST_IN_ALL} things in lists and maps')

    def a_list(items: list[Any]) -> list[Any]:
        count(items)
        return items

    def a_map(items: dict[Any, Any]) -> Any:
        count(items)
        return read_map(items)

    try:
        return msgpack.unpackb(
            frame,
            object_hook=a_map,
            list_hook=a_list,
            strict_map_key=False,
            max_array_len=_MOST_IN_ONE,
            max_map_len=_MOST_IN_ONE,
        )
    except WireError:
        raise
    except Exception as error:  # What msgpack raises depends on where a frame is damaged.
        raise WireError(f'is no MessagePack ({str(error) or type(error).__name__})') from error
