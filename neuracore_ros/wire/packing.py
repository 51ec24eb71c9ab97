"""MessagePack with NumPy arrays, as openpi's servers and clients write it.

An array is a map with the keys ``__ndarray__``, ``data``, ``dtype`` and ``shape``, which are bytes
(MessagePack's bin), while all other keys are strings. Keys that are strings are read, too. The
format is that of ``msgpack_numpy.py`` of openpi-client.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from neuracore_ros.arrays import Array
from neuracore_ros.errors import WireError, quoted
from neuracore_ros.wire.message_pack import NUMBER_KINDS, pack_by, unpack_bounded

_ARRAY, _SCALAR = '__ndarray__', '__npgeneric__'
# Of a shape; NumPy has 64 at most, and nothing that is sent has more than six.
_MOST_AXES = 32
_LONGEST_TYPE = len('float64')


def pack(value: Any) -> bytes:
    """Pack maps, lists, texts, numbers and arrays into one frame.

    Raises:
        WireError: Something in it cannot be packed.
    """
    return pack_by(value, _packed)


def unpack(frame: bytes | bytearray | memoryview) -> Any:
    """Unpack a frame; its arrays are read-only views of it.

    Raises:
        WireError: No MessagePack, an array whose shape, type and size do not agree, or far more
            lists and maps than anybody needs.
    """
    return unpack_bounded(frame, _unpacked)


def unpack_map(frame: bytes | bytearray | memoryview) -> dict[str, Any]:
    """Unpack a frame that must hold a map.

    Raises:
        WireError: It holds something else, or is damaged.
    """
    value = unpack(frame)
    if not isinstance(value, dict):
        raise WireError(f'holds {quoted(value)}, not a map')
    return value


def _packed(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        _require_numbers(value.dtype)
        whole = np.ascontiguousarray(value)
        return {
            b'__ndarray__': True,
            # Without a copy, where there is something to point at.
            b'data': whole.data.cast('B') if value.size else b'',
            b'dtype': value.dtype.str,
            b'shape': value.shape,
        }
    if isinstance(value, np.generic):
        _require_numbers(value.dtype)
        return {b'__npgeneric__': True, b'data': value.item(), b'dtype': value.dtype.str}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f'{type(value).__name__} is no number, text, list, map or array')


def _unpacked(value: dict[Any, Any]) -> Any:
    if _ARRAY in value or _ARRAY.encode() in value:
        return _array(_fields(value))
    if _SCALAR in value or _SCALAR.encode() in value:
        fields = _fields(value)
        try:
            return _dtype(fields).type(fields.get('data'))
        except (TypeError, ValueError, OverflowError) as error:
            raise WireError(f'holds a number that is none: {error}') from error
    return value


def _fields(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        key.decode('utf-8', 'replace') if isinstance(key, bytes) else str(key): each
        for key, each in value.items()
    }


def _array(fields: Mapping[str, Any]) -> Array:
    data, shape, dtype = fields.get('data'), fields.get('shape'), _dtype(fields)
    if not isinstance(data, bytes):
        raise WireError(f'holds an array with {quoted(data)} for its bytes')
    if (
        not isinstance(shape, list)
        or len(shape) > _MOST_AXES
        or not all(type(size) is int and size >= 0 for size in shape)
    ):
        raise WireError(f'holds an array of the shape {quoted(shape)}')
    if math.prod(shape) * dtype.itemsize != len(data):
        raise WireError(
            f'holds an array of shape {tuple(shape)} and type {dtype} in {len(data)} bytes, '
            f'which needs {math.prod(shape) * dtype.itemsize}'
        )
    try:
        return np.frombuffer(data, dtype).reshape(shape)
    except ValueError as error:
        raise WireError(f'holds an array of the shape {quoted(shape)}: {error}') from error


def _dtype(fields: Mapping[str, Any]) -> np.dtype[Any]:
    name = fields.get('dtype')
    dtype: np.dtype[Any] = np.dtype(object)
    # NumPy reads whole structures from a text, however long it is.
    if isinstance(name, str) and len(name) <= _LONGEST_TYPE:
        with suppress(TypeError, ValueError, SyntaxError):
            dtype = np.dtype(name)
    if dtype.kind not in NUMBER_KINDS or dtype.shape:
        raise WireError(f'holds an array of the type {quoted(name)}')
    return dtype


def _require_numbers(dtype: np.dtype[Any]) -> None:
    if dtype.kind not in NUMBER_KINDS:
        raise TypeError(f'an array of {dtype} is none of numbers')
