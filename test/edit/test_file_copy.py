"""Copies of files: equal, of their own, and made where a system cannot copy by itself."""

import errno
import os

import pytest

from neuracore_ros.edit.file_copy import copy_file
from neuracore_ros.errors import DatasetError


def unable(*_):
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


@pytest.mark.parametrize('kernel', [None, unable, lambda *_: 0])
@pytest.mark.parametrize('size', [0, 1, 300_000])
def test_a_copy_is_equal_and_no_link(tmp_path, monkeypatch, kernel, size):
    if kernel is not None:
        monkeypatch.setattr(os, 'copy_file_range', kernel)
    source, target = tmp_path / 'source', tmp_path / 'target'
    source.write_bytes(os.urandom(size))
    target.write_bytes(b'what was there before')
    copy_file(source, target, tmp_path)
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_ino != source.stat().st_ino and target.stat().st_nlink == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ['source', 'target']


def test_what_is_no_file_is_not_copied(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    for name in ('pipe', 'none', '.'):
        with pytest.raises(DatasetError, match=str(tmp_path / name)):
            copy_file(tmp_path / name, tmp_path / 'target', tmp_path)
    assert not (tmp_path / 'target').exists()
