"""Spoils files that are records, in every way that one generator knows; the same each time.

A document is spoilt in what it says (another type, a key that is missing, doubled or deep within
itself, a number without end) and as bytes (cut off, flipped, with something in between).
"""

import copy
import json
import os
import random

# Stand for what no library writes.
RAW = {
    '@huge@': '1' + '0' * 400,
    '@endless@': '1' + '0' * 5000,
    '@infinite@': '1e999',
    '@nan@': 'NaN',
    '@deep@': '[' * 3000 + ']' * 3000,
    '@objects@': '{"a":' * 3000 + '1' + '}' * 3000,
}
ODD = [
    None, True, False, 0, 1, -1, 2, 1.5, -0.5, 5e-324, 1e308, 10**9, 10**30, -(2**63), '', ' ',
    'x', '0', '-1', '1e3', 'nan', 'x' * 300, '\x1b[2J', 'a\nb', '\ud83d', '\U0001f600', '../..',
    '/etc/passwd', [], {}, [1], [None], [0, -1], [1.5, 'x'], {'a': 1}, {'0': 'a', '00': 'b'}, [[]],
    *RAW,
]  # fmt: skip
INSERTED = (b'\x00', b'\xff', b'\xe9', b'\xc3', b'"', b'{', b']', b',', b'-', b'9' * 50, b'\n')


def budget(count: int) -> int:
    """So many examples; NEURACORE_ROS_FUZZ times as many for who looks further."""
    return count * int(os.environ.get('NEURACORE_ROS_FUZZ', '1'))


def changed(tree, chance: random.Random, odd=ODD):
    """A copy of nested dicts and lists with one of its values changed."""
    tree = copy.deepcopy(tree)
    places = list(_places(tree))
    holder, key = chance.choice(places)
    way = chance.choice(['replace', 'replace', 'replace', 'delete', 'rename', 'wrap', 'swap'])
    if way == 'replace':
        holder[key] = chance.choice(odd)
    elif way == 'delete':
        del holder[key]
    elif way == 'rename' and isinstance(holder, dict):
        holder[chance.choice(['', 'x', '0', '99999', '\ud83d', f'{key}s', str(key)[:-1]])] = (
            holder.pop(key)
        )
    elif way == 'wrap':
        holder[key] = chance.choice([[holder[key]], {'a': holder[key]}, str(holder[key])])
    else:
        other, at = chance.choice(places)
        holder[key] = copy.deepcopy(other[at])
    return tree


def _places(tree):
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in inside:
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)


def spoilt_bytes(data: bytes, chance: random.Random) -> bytes:
    """The bytes with a piece of them cut off, flipped, doubled, or another one in between."""
    at = chance.randrange(len(data) + 1)
    to = min(len(data), at + chance.randrange(1, 30))
    way = chance.choice(['cut', 'flip', 'insert', 'remove', 'repeat'])
    if way == 'cut':
        return data[:at]
    if way == 'flip' and at < len(data):
        return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
    if way == 'insert':
        return data[:at] + chance.choice(INSERTED) + data[at:]
    if way == 'remove':
        return data[:at] + data[to:]
    return data[:to] + data[at:to] + data[to:]


def spoilt(document: str, seed: object, dumps=json.dumps, loads=json.loads) -> bytes:
    """A document of JSON, or of what else is written and read so, spoilt in one way."""
    chance = random.Random(str(seed))
    if chance.random() < 0.3:
        return spoilt_bytes(document.encode(), chance)
    tree = loads(document)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        if tree:
            tree = changed(tree, chance)
    text = dumps(tree)
    for mark, raw in RAW.items():
        text = text.replace(f'"{mark}"', raw).replace(f"'{mark}'", raw).replace(mark, raw)
    return text.encode('utf-8', 'surrogatepass' if chance.random() < 0.1 else 'replace')


def with_value(record, *path, to):
    """JSON of a record with one value replaced, or removed where `to` is ..."""
    record = copy.deepcopy(record)
    at = record
    for key in path[:-1]:
        at = at[key]
    if to is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return json.dumps(record)
