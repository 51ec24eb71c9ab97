"""Message types of a recording: its own definition of one, and what deserialises its messages.

rosbags parses definitions and writes Python of them. Both take time and memory by what a
definition says, not by how long it is, so that definitions are held to what those of robots have
before they come to it; so are messages, of which a few bytes may stand for as many objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from neuracore_ros.bags.storage import (
    MOST_DEFINITION,
    MOST_MESSAGE_BYTES,
    Connection,
    DamageError,
    one_line,
)

Deserialiser = Callable[[memoryview], Any]
STOCK = {'cdr': Stores.ROS2_JAZZY, 'ros1': Stores.ROS1_NOETIC}

# Without comments and blank lines.
MOST_CHARACTERS = 1 << 18
MOST_LINES = 4000
# Parsed in milliseconds each: sizes, constants and annotations of IDL.
MOST_EXPRESSIONS = 1000
# Of text in IDL, and of lists of default values.
MOST_QUOTES = MOST_VALUES = 10_000
# Fixed arrays of messages and strings: rosbags writes a line of code for each of their elements.
MOST_ELEMENTS = 1000
# With lists of messages or strings, of which each byte may become an object.
MOST_STRUCTURED_BYTES = 1 << 22

_IDL_PASSED_OVER = re.compile(
    r'"(?:\\.|[^"\\])*(?:"|\Z)|//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)', re.DOTALL
)
# What rosbags gives a type without fields; ROS 1 does not write it.
_FILLER = 'structure_needs_at_least_one_member'
_ANNOTATION = re.compile(r'@\s*[\w:]+\s*\(')


@lru_cache(maxsize=64)
def deserialiser(connection: Connection) -> Deserialiser:
    """The function that makes messages of bytes, by a connection's definition or the stock one.

    Kept, since making one takes longer than reading a small recording.

    Raises:
        DamageError: The type is defined in neither way, with the reason.
    """
    why = 'which is defined neither in the bag nor among the common ones'
    store = get_typestore(Stores.EMPTY)
    try:
        store.register(_parsed(connection))
        if connection.type in store.types:
            return _deserialiser(store, connection)
    # A definition may be anything, and the stock one may do.
    except Exception as error:
        why = f'of which the definition cannot be used ({one_line(error)})'
    store = get_typestore(STOCK[connection.serialization])
    if connection.type not in store.types:
        raise DamageError(f'holds {connection.type}, {why}')
    return _deserialiser(store, connection)


def _deserialiser(store: Typestore, connection: Connection) -> Deserialiser:
    store.max_sequence_length = MOST_MESSAGE_BYTES
    deserialise = store.deserialize_ros1
    if connection.serialization != 'ros1':
        deserialise = store.deserialize_cdr
    kind = connection.type
    store.get_msgdef(kind)  # what cannot be written as code shows now
    most = MOST_STRUCTURED_BYTES if _has_lists(store, kind) else MOST_MESSAGE_BYTES

    def checked(data: memoryview) -> Any:
        if len(data) > most:
            raise DamageError(f'has {len(data)} bytes, more than {most}')
        return deserialise(data, kind)

    return checked


def _parsed(connection: Connection) -> Any:
    """The types that the connection's definition defines, none if it has none.

    Raises:
        DamageError: It is beyond what definitions are.
        Exception: Whatever rosbags raises.
    """
    text = connection.definition
    if len(text) > MOST_DEFINITION:
        raise DamageError(f'it has more than {MOST_DEFINITION} characters')
    if connection.encoding in {'ros2msg', 'ros1msg'}:
        lines = [line for line in text.splitlines() if line.strip()]
        text = ''.join(f'{line}\n' for line in lines if not line.lstrip().startswith('#'))
        _require('lines', text.count('\n'), MOST_LINES)
        _require('characters', len(text), MOST_CHARACTERS)
        _require('commas', text.count(','), MOST_VALUES)
        types = get_types_from_msg(text, connection.type)
    elif connection.encoding in {'ros2idl', 'omgidl'} and 'IDL: ' not in text:
        _require('characters', len(text), MOST_CHARACTERS)
        _require('quotes', text.count('"'), MOST_QUOTES)
        bare = _IDL_PASSED_OVER.sub(' ', text)
        _require('statements', bare.count(';'), MOST_LINES)
        _require('expressions', sum(map(bare.count, '[<=(')), MOST_EXPRESSIONS)
        # Each pair around a number multiplies the time by 64; a shift can make it any size.
        if bare.count('(') > len(_ANNOTATION.findall(bare)) or '<<' in bare:
            raise DamageError('it calculates')
        types = get_types_from_idl(text)
    else:
        return {}
    elements = sum(_elements(field) for _, fields in types.values() for field in fields)
    _require('elements in arrays', elements, MOST_ELEMENTS)
    return types


def _require(what: str, count: int, most: int) -> None:
    if count > most:
        raise DamageError(f'it has {count} {what}, more than {most}')


def _elements(field: Any) -> int:
    """Count the elements of a fixed array, where each of them becomes code."""
    _, (node, what) = field
    if node != Nodetype.ARRAY:
        return 0
    (inner, name), length = what
    is_number = inner == Nodetype.BASE and name[0] != 'string'
    return 0 if is_number else abs(int(length))


def _has_lists(store: Typestore, kind: str) -> bool:
    """True if a message of this type holds lists of messages or strings, at any depth.

    Raises:
        DamageError: A list is of messages that have no bytes: it would have any length.
    """
    found = False
    for name in _within(store, kind):
        for _, (node, what) in store.fielddefs[name][1]:
            if node in {Nodetype.ARRAY, Nodetype.SEQUENCE}:
                inner, of = what[0]
                found = found or inner == Nodetype.NAME or of[0] == 'string'
                if inner == Nodetype.NAME and _is_empty(store, of):
                    raise DamageError(f'it has a list of {of}, which has no field')
    return found


def _within(store: Typestore, kind: str) -> Iterator[str]:
    """The types that a message of one has within it, and that one, each once."""
    found = {kind}
    coming = [kind]
    while coming:
        name = coming.pop()
        yield name
        for _, (node, what) in store.fielddefs[name][1]:
            if node in {Nodetype.ARRAY, Nodetype.SEQUENCE}:
                node, what = what[0]  # noqa: PLW2901
            if node == Nodetype.NAME and what not in found:
                found.add(what)
                coming.append(what)


def _is_empty(store: Typestore, kind: str) -> bool:
    """True if ROS 1 writes nothing at all for a message of this type."""
    return not any(
        node != Nodetype.NAME and field != _FILLER
        for name in _within(store, kind)
        for field, (node, _) in store.fielddefs[name][1]
    )
