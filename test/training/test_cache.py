"""Decoded images are stored whole or not at all, never old, and never needed."""

import os
import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from helpers.squares_dataset import write
from neuracore_ros.description import DataType
from neuracore_ros.errors import DatasetError
from neuracore_ros.loading import cache
from neuracore_ros.loading.batches import Batches

IMAGES = DataType.RGB_IMAGES


def images(dataset, folder=None, lines=None):
    """Of all rows."""
    data = Batches(dataset, folder, (lines if lines is not None else []).append)
    return data.take(np.arange(data.episodes[-1].stop), 1, 1).inputs[IMAGES]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / 'cache'


@pytest.fixture
def small(tmp_path):
    """Five videos in three episodes; those of both cameras of one arm are equal."""
    return write(tmp_path / 'small', {'long': 2, 'short': 1})


def test_a_dataset_that_is_made_anew_finds_its_own_images(small, folder, tmp_path):
    before = images(small, folder)
    shutil.rmtree(small)
    write(small, {'short': 2, 'long': 1})
    lines = []
    after = images(small, folder, lines)
    assert not np.array_equal(before[:16], after[:16])
    assert np.array_equal(after, images(small))
    moved = shutil.copytree(small, tmp_path / 'elsewhere')
    lines.clear()
    assert np.array_equal(after, images(moved, folder, lines))
    assert lines == []


def test_only_what_is_new_is_decoded(small, folder):
    images(small, folder)
    next(folder.iterdir()).unlink()
    cut = next(folder.iterdir())
    os.truncate(cut, cut.stat().st_size // 2)
    lines = []
    again = images(small, folder, lines)
    assert lines[0].startswith('decoding 2 of 5 videos once')
    assert np.array_equal(again, images(small))


def test_several_readers_may_fill_one_cache(small, folder):
    with ThreadPoolExecutor(3) as readers:
        found = list(readers.map(lambda _: images(small, folder), range(3)))
    expected = images(small)
    assert all(np.array_equal(each, expected) for each in found)
    assert len(list(folder.iterdir())) == 3


def test_a_cache_that_is_deleted_while_it_is_read_does_no_harm(small, folder):
    data = Batches(small, folder)
    rows = np.arange(20)
    before = data.take(rows, 1, 1).inputs[IMAGES]
    shutil.rmtree(folder)
    assert np.array_equal(before, data.take(rows, 1, 1).inputs[IMAGES])


def test_what_does_not_fit_is_decoded_each_time(small, folder, monkeypatch):
    monkeypatch.setattr(cache, 'KEEP_FREE_BYTES', 0)
    used = shutil._ntuple_diskusage(0, 0, int(2.5 * 16 * 32 * 32 * 3))
    monkeypatch.setattr(cache.shutil, 'disk_usage', lambda _: used)
    lines = []
    found = images(small, folder, lines)
    assert lines[0].startswith('decoding 2 of 5 videos once')
    assert lines[1].startswith('1 of 5 videos are decoded whenever they are needed')
    assert len(list(folder.iterdir())) == 2
    assert np.array_equal(found, images(small))


def test_a_disk_that_is_full_ends_decoding_early(small, folder):
    code = (
        'import resource, sys, test_cache\n'
        'resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))\n'
        'lines = []\n'
        'test_cache.images(sys.argv[1], test_cache.Path(sys.argv[2]), lines)\n'
        'print(*lines, sep="\\n")'
    )
    code = code.replace('test_cache.Path', '__import__("pathlib").Path')
    done = subprocess.run(
        [sys.executable, '-c', code, str(small), str(folder)],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'decoding ends early: File too large' in done.stdout
    assert '3 of 5 videos are decoded whenever they are needed' in done.stdout
    assert list(folder.iterdir()) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_what_a_killed_process_left_is_deleted_but_nobody_elses_work(small, folder):
    folder.mkdir()
    ours = [f'.neuracore_ros-{digit * 32}.partial' for digit in 'ab']
    of_before = f'{"c" * 32}.{"d" * 32}.partial'
    names = [*ours, of_before, 'film.mkv.partial', 'notes.frames']
    for name in names:
        (folder / name).write_bytes(b'half')
    for name in names[1:]:
        os.utime(folder / name, (0, time.time() - 2 * cache.LEFT_AFTER_S))
    images(small, folder)
    assert [(folder / name).exists() for name in names] == [True, False, False, True, True]


def test_a_folder_that_cannot_be_made_is_named(small, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(DatasetError, match='file/cache: cannot hold decoded images .Not a dir'):
        images(small, tmp_path / 'file' / 'cache')


def test_a_video_that_is_damaged_is_refused_before_training(small, folder):
    video = next(small.glob('videos/*rgb_1/*/file-001.mp4'))
    video.write_bytes(video.read_bytes()[:-400])
    with pytest.raises(
        DatasetError, match=r'file-001.mp4: missing or damaged: .*; copy the dataset'
    ) as refused:
        images(small, folder)
    assert '\n' not in str(refused.value)
    assert not list(folder.glob('*.partial'))


def test_the_folder_is_named_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.delenv(cache.PLACE, raising=False)
    assert cache.default_folder() == tmp_path / 'neuracore_ros'
    monkeypatch.setenv(cache.PLACE, str(tmp_path / 'fast'))
    assert cache.default_folder() == tmp_path / 'fast'
