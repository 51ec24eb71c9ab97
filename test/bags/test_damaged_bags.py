"""Bags cut and flipped at any byte: what is whole is read, and what is not is told."""

import random
import zlib

import pytest

from helpers.damaged_bags import CHECKED, COUNT, KINDS, STEP_S, storage_file
from helpers.small_bags import at
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.errors import BagError


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """Storage kind -> the bytes of an intact file, and its suffix."""
    made = {}
    for kind in KINDS:
        path = storage_file(tmp_path_factory.mktemp(kind), kind)
        made[kind] = path.read_bytes(), path.suffix
    return made


def number(message):
    """Which message it is; -1 where a definition without a checksum is damaged."""
    position = getattr(message, 'position', ())
    return position[0] if len(position) else -1


def read(path):
    """(message number, log time) of everything that can be read, and what is said to be lost."""
    with open_bag(path) as bag:
        found = [(number(m.message), m.log_time_ns) for m in bag.read(['/joint_states'])]
        # A topic whose name is damaged is not there, and convert says so.
        return found, bag.losses or () if '/joint_states' in bag.topics else ('no topic',)


def check(path, kind):
    """What is read is in order, right where there are checksums, and nothing is silent.

    Returns:
        Number of messages, or -1 where nothing at all can be read.
    """
    try:
        found, losses = read(path)
    except BagError as error:
        assert '\n' not in str(error)
        return -1
    assert [t for _, t in found] == sorted(t for _, t in found)
    if kind in CHECKED:
        assert all(t == at(value * STEP_S) for value, t in found)
    assert len(found) == COUNT or losses
    assert all(loss.isprintable() for loss in losses)
    return len(found)


@pytest.mark.parametrize('kind', KINDS)
def test_an_intact_file_is_read_wholly_and_nothing_is_lost(tmp_path, whole, kind):
    data, suffix = whole[kind]
    path = tmp_path / f'bag{suffix}'
    path.write_bytes(data)
    found, losses = read(path)
    assert found == [(k, at(k * STEP_S)) for k in range(COUNT)]
    # Without statistics the whole file is looked through, which is as good.
    assert len(losses) == (kind in {'mcap_unchunked', 'mcap_no_summary'})


@pytest.mark.parametrize('kind', KINDS)
def test_a_file_that_is_cut_anywhere_keeps_what_comes_before(tmp_path, whole, kind):
    data, suffix = whole[kind]
    path = tmp_path / f'bag{suffix}'
    rng = random.Random(zlib.crc32(kind.encode()))
    kept = []
    for size in sorted(rng.sample(range(len(data)), 40)):
        path.write_bytes(data[:size])
        kept.append(check(path, kind))
    # The longer the file, the more of it is there; in the end, most of it is.
    assert kept == sorted(kept) and kept[36] > COUNT // 3


@pytest.mark.parametrize('kind', KINDS)
def test_a_flipped_bit_anywhere_is_told_or_harmless(tmp_path, whole, kind):
    data, suffix = whole[kind]
    path = tmp_path / f'bag{suffix}'
    rng = random.Random(zlib.crc32(kind.encode()))
    kept = []
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 1, 1, 8))):
            damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        kept.append(check(path, kind))
    # One bit costs a part at most, wherever it is: but for the few bytes that hold all together.
    assert sorted(kept)[len(kept) // 5] > COUNT // 4
