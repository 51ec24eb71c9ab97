"""Recordings that say what is not so, and files that name others."""

import sqlite3
import struct

from helpers.damaged_bags import JOINT_STATE, joint_states
from helpers.small_bags import ROS2, START, write_bag

MCAP = b'\x89MCAP0\r\n'
SCHEMA, CHANNEL, MESSAGE, CHUNK, CHUNK_INDEX, STATISTICS = 3, 4, 5, 6, 8, 11

SUPER_JOURNAL = b'\xd9\xd5\x05\xf9\x20\xa1\x63\xd7'
LOCK_BYTE = 1 << 30


def sqlite_bag(folder, *statements):
    """A bag of joint states; the statements change its file."""
    bag = write_bag(folder / 'bag', joint_states(), 'sqlite3')
    (bag / 'metadata.yaml').unlink()
    with sqlite3.connect(bag / 'bag.db3') as database:
        for statement in statements:
            database.execute(statement)
    database.close()
    return bag


def hot_journal(bag, victim):
    """Leave a transaction unfinished, of which the journal names another file as super-journal."""
    whole = bag / 'bag.db3'
    recorder = sqlite3.connect(whole)
    recorder.execute('PRAGMA cache_size=2')
    recorder.execute('BEGIN')
    recorder.execute("UPDATE messages SET data = x'00'")
    data, journal = whole.read_bytes(), (bag / 'bag.db3-journal').read_bytes()
    recorder.close()
    (page,) = struct.unpack_from('>H', data, 16)
    name = str(victim).encode()
    # https://sqlite.org/fileformat.html; pager.c: page number, name, its length, its checksum.
    checksum = sum(struct.unpack(f'{len(name)}b', name)) & 0xFFFFFFFF
    journal += struct.pack('>I', LOCK_BYTE // page + 1) + name
    journal += struct.pack('>II', len(name), checksum) + SUPER_JOURNAL
    whole.write_bytes(data)
    (bag / 'bag.db3-journal').write_bytes(journal)
    return bag


def record(opcode, *parts):
    """A record of an MCAP file: text and bytes with their length before them, or packed bytes."""
    body = b''.join(parts)
    return struct.pack('<BQ', opcode, len(body)) + body


def text(value):
    """A string, or a definition, with its length before it."""
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack('<I', len(data)) + data


def schema(number=1, name=JOINT_STATE, encoding='ros2msg', definition=None):
    """How messages of a type are defined."""
    if definition is None:
        definition = ROS2.generate_msgdef(name, ros_version=2)[0]
    return record(SCHEMA, struct.pack('<H', number), text(name), text(encoding), text(definition))


def channel(number=1, topic='/joint_states', schema_number=1, encoding='cdr'):
    """A topic."""
    numbers = struct.pack('<HH', number, schema_number)
    return record(CHANNEL, numbers, text(topic), text(encoding), struct.pack('<I', 0))


def message(data, log_ns=START, number=1):
    """One message of a channel."""
    return record(MESSAGE, struct.pack('<HIQQ', number, 0, log_ns, log_ns), data)


def chunk(data, raw_size, codec='zstd', times=(START, START)):
    """Compressed records, and how many bytes they claim to be."""
    head = struct.pack('<QQQI', *times, raw_size, 0)
    return record(CHUNK, head, text(codec), struct.pack('<Q', len(data)), data)


def whole_mcap(before, stored, listed=1, count=1):
    """An MCAP file of schemas and channels, and of one chunk that its summary lists repeatedly."""
    start = len(MCAP) + len(before)
    times = struct.unpack_from('<QQ', stored, 9)
    (codec_size,) = struct.unpack_from('<I', stored, 37)
    codec = stored[41 : 41 + codec_size]
    (raw_size,) = struct.unpack_from('<Q', stored, 25)
    (size,) = struct.unpack_from('<Q', stored, 41 + codec_size)
    index = record(
        CHUNK_INDEX,
        struct.pack('<QQQQIQ', *times, start, len(stored), 0, 0),
        text(codec),
        struct.pack('<QQ', size, raw_size),
    )
    statistics = struct.pack('<QHIIIIQQ', count, 1, 1, 0, 0, listed, *times)
    counts = struct.pack('<IHQ', 10, 1, count)
    end = start + len(stored)
    footer = record(2, struct.pack('<QQI', end, 0, 0))
    end_of_summary = record(STATISTICS, statistics, counts) + footer + MCAP
    return b''.join([MCAP, before, stored, before, index * listed, end_of_summary])
