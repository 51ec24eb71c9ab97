"""Recordings that say what is not so, and files that name others."""

import sqlite3
import struct

from damage import joint_states
from recordings import write_bag

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
