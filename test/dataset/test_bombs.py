"""Small recordings that stand for very much: refused, or read as far as they say what is so."""

import shutil
import struct
from types import SimpleNamespace

import pytest
from backports import zstd
from bounded import GB, run_bounded
from damage import COUNT, joint_states, write_mcap
from forged import sqlite_bag

from neuracore_ros.dataset.bags import open_bag
from neuracore_ros.dataset.mcap_file import MAGIC
from neuracore_ros.errors import BagError


def zeros(count, before=b'', level=3):
    """Zstd of some bytes and very many zeros."""
    compressor = zstd.ZstdCompressor(level)
    packed = compressor.compress(before)
    for _ in range(count >> 24):
        packed += compressor.compress(bytes(1 << 24))
    return packed + compressor.flush()


def positions(bag):
    """First position in each message of /joint_states, and what is said to be lost."""
    with open_bag(bag) as opened:
        found = [item.message.position[0] for item in opened.read(['/joint_states'])]
        return found, opened.losses


def refused(tmp_path, bag, words, memory=GB):
    """Describe ends with one line, soon, and within this memory."""
    ended = run_bounded('describe', '--bag', bag, '--out', tmp_path / 'out.yaml')
    assert ended.code == 1 and ended.peak < memory, ended
    assert len(ended.lines) == 1 and words in ended.lines[0], ended.lines


@pytest.mark.parametrize(
    ('name', 'words'),
    [
        ('a.mcap.zstd', 'what is compressed in it is no MCAP file'),
        ('a.db3.zstd', 'what is compressed in it is no sqlite3 file'),
    ],
)
def test_a_compressed_file_is_not_unpacked_if_it_begins_as_no_recording(tmp_path, name, words):
    bomb = tmp_path / name
    bomb.write_bytes(zeros(1 << 31))
    refused(tmp_path, bomb, words)


@pytest.mark.parametrize('kind', ['mcap', 'db3'])
def test_a_compressed_file_is_unpacked_up_to_where_it_ends(tmp_path, monkeypatch, kind):
    if kind == 'mcap':
        whole = write_mcap(tmp_path / 'whole.mcap', joint_states())
    else:
        whole = sqlite_bag(tmp_path) / 'bag.db3'
    bomb = tmp_path / f'a.{kind}.zstd'
    bomb.write_bytes(zeros(1 << 30, whole.read_bytes()))
    written = []
    room = SimpleNamespace(free=GB)
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: written.append(folder) or room)
    found, losses = positions(bomb)
    assert found == list(range(COUNT))
    assert losses == (
        f'a.{kind}.zstd: what is compressed in it ends at byte {whole.stat().st_size}; '
        'the rest is none',
    )


def test_an_mcap_that_ends_within_its_first_bytes_is_none(tmp_path):
    for size in range(len(MAGIC) + 1):
        (tmp_path / 'a.mcap.zstd').write_bytes(zstd.compress(MAGIC[:size]))
        with pytest.raises(BagError, match='cannot be read'):
            positions(tmp_path / 'a.mcap.zstd')


def test_a_compressed_file_for_which_the_disk_has_no_room_is_refused(tmp_path, monkeypatch):
    endless = MAGIC + struct.pack('<BQ', 9, 1 << 40)  # an attachment
    (tmp_path / 'a.mcap.zstd').write_bytes(zeros(1 << 26, endless))

    def left(folder):
        return SimpleNamespace(free=300_000_000 - sum(f.stat().st_size for f in folder.iterdir()))

    monkeypatch.setattr(shutil, 'disk_usage', left)
    with pytest.raises(BagError, match='no room to unpack or copy it: .* has 0.3 GB free; set TM'):
        positions(tmp_path / 'a.mcap.zstd')
