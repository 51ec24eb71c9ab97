"""Values in the JSON of a torch.export file: dtypes, shapes, and the arguments of operators.

By torch/_export/serde/schema.py of PyTorch, version 8. Only what has static shapes is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from neuracore_ros.records import Record, as_float, is_integer

SCHEMA = 8

DTYPES = {
    **{1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64},
    **{6: torch.float16, 7: torch.float32, 8: torch.float64, 12: torch.bool, 13: torch.bfloat16},
}
LAYOUTS = {7: torch.strided}
MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
_NOT_FINITE = {'Infinity': float('inf'), '-Infinity': float('-inf'), 'NaN': float('nan')}
_INT64 = 2**63


class Value(NamedTuple):
    """The name of a tensor that is known when the graph runs."""

    name: str


def argument(given: Record, device: torch.device) -> Any:
    """The value of an operator's argument; tensors, also in lists, are a `Value`.

    Args:
        given: Such as ``{'as_ints': [2, 2]}``.
        device: Stands in place of any device that is named.

    Raises:
        UserError: It is something else, such as a symbolic shape, a graph or an object.
    """
    kind = only(given, ('as_device', *_READERS))
    return device if kind == 'as_device' else _READERS[kind](given, kind)


def _listed(check: Callable[[object], bool]) -> Callable[[Record, str], Any]:
    def read(given: Record, key: str) -> Any:
        values = given.value(key)
        if not isinstance(values, list) or not all(map(check, values)):
            raise given.wrong(key, 'a list of numbers')
        return values

    return read


def _numbered(table: Mapping[int, Any]) -> Callable[[Record, str], Any]:
    def read(given: Record, key: str) -> Any:
        number = given.integer(key)
        if number not in table:
            raise given.wrong(key, f'one of {", ".join(map(str, table))}')
        return table[number]

    return read


def _float(given: Record, key: str) -> float:
    value = given.value(key)
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    if (number := as_float(value)) is None:
        raise given.wrong(key, 'a number')
    return number


def _tensors(given: Record, key: str) -> list[Value]:
    return [Value(each.text('name')) for each in given.listed(key)]


def _optional_tensors(given: Record, key: str) -> list[Value | None]:
    return [
        None if each.has('as_none') else Value(tensor_name(each)) for each in given.listed(key)
    ]


_READERS: Mapping[str, Callable[[Record, str], Any]] = {
    'as_none': lambda _given, _key: None,
    'as_tensor': lambda given, _key: Value(tensor_name(given)),
    'as_tensors': _tensors,
    'as_optional_tensors': _optional_tensors,
    'as_int': lambda given, key: given.integer(key, -_INT64, _INT64 - 1),
    'as_ints': _listed(is_integer),
    'as_float': _float,
    'as_floats': _listed(lambda value: as_float(value) is not None),
    'as_bool': lambda given, key: given.flag(key),
    'as_bools': _listed(lambda value: isinstance(value, bool)),
    'as_string': lambda given, key: given.text(key),
    'as_scalar_type': _numbered(DTYPES),
    'as_layout': _numbered(LAYOUTS),
    'as_memory_format': _numbered(MEMORY_FORMATS),
}


def only(union: Record, kinds: Sequence[str]) -> str:
    """The one key of a union, which must be among these.

    Raises:
        UserError: There are several, or another.
    """
    found = list(union)
    if len(found) != 1 or found[0] not in kinds:
        raise union.error(f'must be one of {", ".join(kinds)}; it is {", ".join(found) or "none"}')
    return found[0]


def tensor_name(union: Record) -> str:
    """The name in ``{'as_tensor': {'name': NAME}}``."""
    only(union, ('as_tensor',))
    return union.record('as_tensor').text('name')


def dtype_of(tensor: Record) -> torch.dtype:
    """The dtype of a described tensor."""
    dtype: torch.dtype = _numbered(DTYPES)(tensor, 'dtype')
    return dtype


def integers(tensor: Record, key: str) -> tuple[int, ...]:
    """The sizes or strides of a described tensor."""
    return tuple(each.integer('as_int') for each in tensor.listed(key))
