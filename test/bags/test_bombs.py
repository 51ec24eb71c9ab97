"""Small recordings that stand for very much: refused, or read as far as they say what is so."""

import bz2
import re
import shutil
import struct
from types import SimpleNamespace

import lz4.frame
import pytest
from backports import zstd

from helpers.bounded_process import GB, run_bounded
from helpers.damaged_bags import COUNT, JOINT_STATE, joint_states, storage_file, write_mcap
from helpers.forged_bags import channel, chunk, message, schema, sqlite_bag, whole_mcap
from helpers.small_bags import ROS2, START, Messages, at, write_bag
from neuracore_ros.bags import chunk as chunk_module
from neuracore_ros.bags import chunk_file, zstd_file
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.bags.mcap_file import MAGIC
from neuracore_ros.errors import BagError

CDR = b'\x00\x01\x00\x00'


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


def refused(tmp_path, bag, words='', memory=GB // 2):
    """Describe ends with one line, soon, and within this memory."""
    ended = run_bounded('describe', '--bag', bag, '--out', tmp_path / 'out.yaml')
    assert ended.code == 1 and ended.peak < memory, ended
    assert len(ended.lines) == 1 and words in ended.lines[0], ended.lines


def lost(bag):
    """That nothing of /joint_states can be read, and why."""
    found, losses = positions(bag)
    assert found == []
    return ' '.join(losses)


@pytest.mark.parametrize(
    ('name', 'words'),
    [
        ('a.mcap.zstd', 'what is compressed in it is no MCAP file'),
        ('a.db3.zstd', 'what is compressed in it is no sqlite3 file'),
    ],
)
def test_a_compressed_file_is_not_unpacked_if_it_begins_as_no_recording(tmp_path, name, words):
    bomb = tmp_path / name
    bomb.write_bytes(zeros(1 << 29))
    refused(tmp_path, bomb, words)


@pytest.mark.parametrize('kind', ['mcap', 'db3'])
def test_a_compressed_file_is_unpacked_up_to_where_it_ends(tmp_path, monkeypatch, kind):
    if kind == 'mcap':
        whole = write_mcap(tmp_path / 'whole.mcap', joint_states())
    else:
        whole = sqlite_bag(tmp_path) / 'bag.db3'
    bomb = tmp_path / f'a.{kind}.zstd'
    bomb.write_bytes(zeros(1 << 28, whole.read_bytes()))
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


CODECS = {
    'zstd': zstd.compress,
    'lz4': lz4.frame.compress,
    'bz2': bz2.compress,
}


@pytest.mark.parametrize('codec', ['zstd', 'lz4'])
@pytest.mark.parametrize('claimed', [1_000_000, 1 << 32])
def test_an_mcap_chunk_is_decompressed_only_as_far_as_it_says(tmp_path, codec, claimed):
    data = CODECS[codec](bytes(1 << 29))
    bomb = tmp_path / 'a.mcap'
    bomb.write_bytes(whole_mcap(schema() + channel(), chunk(data, claimed, codec)))
    refused(tmp_path, bomb)
    assert 'decompressed' in lost(bomb)


def test_a_ros1_chunk_is_decompressed_only_as_far_as_it_says(tmp_path):
    path = storage_file(tmp_path, 'ros1_bz2')
    data = path.read_bytes()
    # The header of a chunk: compression, operation, size; then how long its data is.
    place = data.index(b'compression=bz2')
    size = data.index(b'size=', place) + 5
    (length,) = struct.unpack_from('<I', data, size + 4)
    bomb = bz2.compress(bytes(1 << 28))
    path.write_bytes(
        data[: size + 4] + struct.pack('<I', len(bomb)) + bomb + data[size + 8 + length :]
    )
    ended = run_bounded('describe', '--bag', path, '--out', tmp_path / 'out.yaml')
    assert ended.peak < GB // 4 and 'Traceback' not in ended.err
    _, losses = positions(path)
    assert any(re.search(r'has more than \d+ bytes decompressed', loss) for loss in losses)


def test_a_message_is_decompressed_only_as_far_as_it_says(tmp_path):
    data = zstd.compress(bytes(1 << 28))
    bomb = tmp_path / 'a.mcap'
    stored = message(data) * 3
    bomb.write_bytes(
        whole_mcap(schema() + channel(), chunk(zstd.compress(stored), len(stored)), count=3)
    )
    refused(tmp_path, bomb)
    assert '3 messages are not of their type' in lost(bomb)


def test_a_chunk_that_the_summary_lists_many_times_is_read_once(tmp_path):
    data = bytes(1 << 20)
    stored = message(CDR + data)
    bomb = tmp_path / 'a.mcap'
    bomb.write_bytes(
        whole_mcap(schema() + channel(), chunk(stored, len(stored), ''), listed=2000, count=2000)
    )
    with open_bag(bomb) as bag:
        assert bag.count == 1 and 'lists chunks that overlap' in bag.losses[0]


def test_a_file_that_metadata_lists_many_times_is_read_once(tmp_path):
    bag = write_bag(tmp_path / 'bag', joint_states())
    text = (bag / 'metadata.yaml').read_text()
    assert '- bag.mcap' in text
    (bag / 'metadata.yaml').write_text(text.replace('- bag.mcap', '- bag.mcap\n' * 200))
    assert positions(bag)[0] == list(range(COUNT))


def test_very_many_messages_in_a_small_chunk_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(chunk_module, 'MOST_MESSAGES', 1000)
    stored = message(b'') * 3000
    bomb = tmp_path / 'a.mcap'
    bomb.write_bytes(
        whole_mcap(schema() + channel(), chunk(zstd.compress(stored), len(stored)), count=3000)
    )
    losses = lost(bomb)
    assert 'has more than 1000 messages; 1000 messages before that are kept' in losses
    assert '2000 of 3000 messages are lost' in losses


def test_definitions_without_an_end_are_refused(tmp_path):
    defined = b''.join(schema(k, definition='#' * 1_000_000) for k in range(1, 101))
    bomb = tmp_path / 'a.mcap'
    stored = zstd.compress(defined)
    bomb.write_bytes(whole_mcap(b'', chunk(stored, len(defined))))
    refused(tmp_path, bomb)


def test_a_sparse_file_is_not_read_into_memory(tmp_path):
    whole = whole_mcap(schema() + channel(), chunk(zstd.compress(b''), 0))
    sparse = tmp_path / 'a.mcap'
    with sparse.open('wb') as file:
        file.write(whole[:-37])
        file.seek(1 << 35)
        file.write(whole[-37:])
    refused(tmp_path, sparse)


def test_chunks_that_overlap_wait_in_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(chunk_file, 'MOST_WAITING_BYTES', 30_000)
    rows = joint_states()
    # Early and late messages by turns, so that each chunk ends as late as the last.
    mixed = [row for pair in zip(rows[:100], rows[100:], strict=True) for row in pair]
    found, losses = positions(write_mcap(tmp_path / 'a.mcap', mixed))
    assert found == sorted(found) and 20 < len(found) < COUNT
    assert 'overlaps others in time' in ' '.join(losses)


def test_a_compressed_file_of_very_many_parts_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(zstd_file, '_MOST_FRAMES', 100)
    (tmp_path / 'a.mcap.zstd').write_bytes(zstd.compress(MAGIC) + zstd.compress(b'') * 200)
    with pytest.raises(BagError, match='it has more than 100 parts'):
        positions(tmp_path / 'a.mcap.zstd')


def test_a_message_of_the_far_future_is_damage(tmp_path):
    data = bytes(ROS2.serialize_cdr(joint_states(1)[0][1], JOINT_STATE))
    stored = message(data, START) + message(data, (1 << 64) - 1)
    bomb = tmp_path / 'a.mcap'
    times = (START, (1 << 64) - 1)
    bomb.write_bytes(
        whole_mcap(schema() + channel(), chunk(stored, len(stored), '', times), count=2)
    )
    found, losses = positions(bomb)
    assert found == [0.0] and 'beyond the year 2262' in ' '.join(losses)


def test_a_message_of_very_many_joints_is_of_no_robot(tmp_path):
    crowd = {f'joint_{k}': 0.0 for k in range(20_000)}
    rows = [('/joint_states', Messages().joints(at(k), **crowd), at(k)) for k in range(5)]
    refused(tmp_path, write_mcap(tmp_path / 'a.mcap', rows), 'no JointState with positions')
