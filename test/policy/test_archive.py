"""Zip archives in place of torch's, of which a few bytes stand for very many."""

import io
import zipfile

import pytest
import torch

from helpers.bounded_process import GB, run_bounded
from helpers.small_policies import write_policy
from neuracore_ros.policy.archive import is_bomb
from neuracore_ros.policy.manifest import MANIFEST_FILE


def bomb(path, name, size=GB // 2):
    """The policy file with one entry that unpacks to so much."""
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    root = next(iter(entries)).split('/')[0]
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for other, data in entries.items():
            if not other.endswith(name):
                archive.writestr(other, data, zipfile.ZIP_STORED)
        with archive.open(f'{root}/{name}', 'w') as entry:
            for _ in range(size >> 20):
                entry.write(bytes(1 << 20))
    return path


@pytest.mark.parametrize('name', [f'extra/{MANIFEST_FILE}', 'constants.pkl'])
def test_an_archive_that_unpacks_to_very_much_is_no_policy(tmp_path, name):
    path = bomb(write_policy(tmp_path / 'policy.pt', speed=0.0), name)
    ended = run_bounded('check', path, 'ur5', memory=8 * GB)
    (line,) = ended.err.splitlines()
    assert ended.code == 1 and ended.peak < GB
    assert 'its entries unpack to very much more' in line


def test_entries_that_share_their_bytes_are_counted_each_time():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w') as archive:
        archive.writestr('a', bytes(2_000_000))
        first = archive.infolist()[0]
        archive.filelist += [first] * 50
    assert is_bomb(packed.getvalue())


def test_what_torch_writes_is_read(tmp_path):
    path = tmp_path / 'a.pt'
    torch.save({'a': torch.zeros(1000)}, path)
    assert not is_bomb(path)
    torch.save({'a': torch.zeros(1000)}, path, _use_new_zipfile_serialization=False)
    assert not is_bomb(path), 'it is no archive'
    assert not is_bomb(write_policy(tmp_path / 'policy.pt', speed=0.0))


@pytest.mark.parametrize('place', range(0, 60, 4))
def test_a_damaged_archive_is_left_to_torch(place):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w') as archive:
        archive.writestr('a', b'b')
    data = bytearray(packed.getvalue())
    data[-1 - place : len(data) - place] = b'\xff'
    assert is_bomb(bytes(data)) in {True, False}
