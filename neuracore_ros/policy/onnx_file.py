"""A check that an ONNX file keeps all its values itself, made before a runtime reads it.

A tensor of it may name another file that holds its values, which the runtime then reads, from
wherever that is: values that no hash of the file covers, or a file that is none of its business.
"""

from __future__ import annotations

from collections.abc import Iterator

# Message -> number of a field that holds messages -> of which kind. By onnx.proto.
_MESSAGES: dict[str, dict[int, str]] = {
    'model': {7: 'graph', 20: 'training', 25: 'function'},
    'graph': {1: 'node', 5: 'tensor', 15: 'sparse tensor'},
    'node': {5: 'attribute'},
    'attribute': {
        **{5: 'tensor', 10: 'tensor', 6: 'graph', 11: 'graph'},
        **{22: 'sparse tensor', 23: 'sparse tensor'},
    },
    'sparse tensor': {1: 'tensor', 2: 'tensor'},
    'function': {7: 'node', 11: 'attribute'},
    'training': {1: 'graph', 2: 'graph'},
    'tensor': {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


def is_self_contained(data: bytes) -> bool:
    """Tell whether all values of a model are in its file.

    Raises:
        ValueError: It is no ONNX file.
    """
    if data[4:8] == b'ORTM':
        raise ValueError('it is of ONNX Runtime alone: export it as ONNX')
    waiting = [('model', memoryview(data))]
    while waiting:
        kind, message = waiting.pop()
        for number, value in _fields(message):
            if isinstance(value, memoryview) and number in _MESSAGES[kind]:
                waiting.append((_MESSAGES[kind][number], value))
            elif kind == 'tensor' and (
                number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
            ):
                return False
    return True


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a protobuf message: their number, and a number or bytes."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire == _BYTES:
            length, place = _varint(message, place)
        elif wire in {_FIXED_64, _FIXED_32}:
            length = 8 if wire == _FIXED_64 else 4
        else:
            raise ValueError(f'there is a field of kind {wire}')
        if place + length > len(message):
            raise ValueError('it is cut off')
        yield number, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = 0
    for count, byte in enumerate(message[place : place + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, place + count + 1
    raise ValueError('a number has no end')
