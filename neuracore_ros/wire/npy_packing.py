"""MessagePack with NumPy arrays, as GR00T's servers and clients write it.

An array is a map with ``__ndarray_class__`` and, under ``as_npy``, the bytes of an .npy file. A
modality's configuration is a map with ``__ModalityConfig_class__`` and ``as_json``: an object
(N1.6, N1.7), or the text of one (N1.5). All keys are strings. The format is that of
``MsgSerializer`` in Isaac-GR00T (``gr00t/policy/server_client.py``, ``gr00t/eval/service.py``).
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib import format as npy

from neuracore_ros.arrays import Array
from neuracore_ros.errors import WireError, quoted
from neuracore_ros.wire.message_pack import NUMBER_KINDS, pack_by, unpack_bounded

_ARRAY, _BYTES = '__ndarray_class__', 'as_npy'
_CONFIG, _JSON = '__ModalityConfig_class__', 'as_json'


def pack_npy(value: Any) -> bytes:
    """Pack maps, lists, texts, numbers and arrays into one frame.

    Raises:
        WireError: Something in it cannot be packed.
    """
    return pack_by(value, _packed)


def unpack_npy(frame: bytes) -> Any:
    """Unpack a frame; its arrays are read-only views of it, its configurations are maps.

    Raises:
        WireError: No MessagePack, an array whose header and size do not agree, or far more
            lists and maps than anybody needs.
    """
    return unpack_bounded(frame, _unpacked)


def _packed(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind not in NUMBER_KINDS:
        raise TypeError(f'{value.dtype} is no type of numbers')
    if isinstance(value, np.ndarray):
        file = io.BytesIO()
        # In the order of C and as a copy only where it must be: that of a 0-d array stays 0-d.
        whole = np.asarray(value, order='C')
        npy.write_array_header_1_0(file, npy.header_data_from_array_1_0(whole))
        file.write(whole.data if whole.size else b'')
        return {_ARRAY: True, _BYTES: file.getvalue()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f'{type(value).__name__} is no number, text, list, map or array')


def _unpacked(value: dict[Any, Any]) -> Any:
    if _CONFIG in value:
        return _config(value.get(_JSON))
    if _ARRAY in value:
        return _array(value.get(_BYTES))
    return value


def _config(found: object) -> dict[str, Any]:
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError) as error:
            raise WireError(f'holds a configuration that is no JSON: {error}') from error
    if not isinstance(found, dict):
        raise WireError(f'holds a configuration that is {quoted(found)}, not a map')
    return found


def _array(data: object) -> Array:
    """An array of the bytes of an .npy file, whose header is believed only if the size agrees."""
    if not isinstance(data, bytes):
        raise WireError(f'holds an array with {quoted(data)} for its bytes')
    file = io.BytesIO(data)
    try:
        version = npy.read_magic(file)
        # The header is a literal of Python, of a bounded length; nothing in it is executed.
        if version == (1, 0):
            shape, is_fortran, dtype = npy.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, is_fortran, dtype = npy.read_array_header_2_0(file)
        else:
            raise ValueError(f'version {version} is unknown')
    except Exception as error:  # What NumPy raises depends on where a header is damaged.
        raise WireError(f'holds an array that is no .npy file: {error}') from error
    if dtype.kind not in NUMBER_KINDS or dtype.shape:
        raise WireError(f'holds an array of the type {quoted(str(dtype))}')
    sent = len(data) - file.tell()
    needed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or needed != sent:
        raise WireError(
            f'holds an array of shape {quoted(shape)} and type {dtype} in {sent} bytes, which '
            f'needs {quoted(needed)}'
        )
    try:
        flat = np.frombuffer(data, dtype, offset=file.tell())
        return flat.reshape(shape, order='F' if is_fortran else 'C')
    except (ValueError, TypeError, OverflowError) as error:
        raise WireError(f'holds an array of the shape {quoted(shape)}: {error}') from error
