"""What is written is there whole or not at all, and nobody else's file is touched."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from neuracore_ros.errors import UserError, WriteError
from neuracore_ros.files import (
    LOCK_NAME,
    append_line,
    delete_partials,
    locked,
    read_lines,
    real_folder,
    require_new_file,
    whole_file,
    whole_path,
    write_together,
    write_whole,
)


@pytest.fixture
def mine(tmp_path):
    """A file of the user, which nothing here may change."""
    path = tmp_path / 'mine'
    path.write_text('mine\n')
    yield path
    assert path.read_text() == 'mine\n'


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / 'folder'
    path.mkdir()
    return path


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 48 kB."""
    disk = tmp_path / 'disk'
    disk.mkdir()
    mount = ['mount', '-t', 'tmpfs', '-o', 'size=48k', 'tmpfs', str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip('only root may mount a small disk')
    yield disk
    subprocess.run(['umount', str(disk)], check=True)


def test_a_file_has_its_old_content_until_the_new_one_is_whole(folder):
    path = folder / 'page.html'
    write_whole(path, 'old')
    with whole_file(path) as file:
        file.write(b'new')
        file.flush()
        assert path.read_text() == 'old'
    assert path.read_text() == 'new'
    assert [each.name for each in folder.iterdir()] == ['page.html']


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(folder):
    path = folder / 'page.html'
    write_whole(path, 'old')
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), whole_file(path) as file:
            file.write(b'new')
            raise error
    refused = pytest.raises(WriteError, match=r'page.html: cannot be written: No space left')
    with refused, whole_path(path) as partial:
        partial.write_text('new')
        raise OSError(28, 'No space left on device')
    assert path.read_text() == 'old'
    assert [each.name for each in folder.iterdir()] == ['page.html']


def test_a_full_disk_keeps_the_old_file_and_leaves_nothing_of_the_new_one(small_disk):
    path = small_disk / 'page.html'
    write_whole(path, 'old')
    with pytest.raises(WriteError, match=r'page.html: cannot be written: No space left on device'):
        write_whole(path, bytes(100_000))
    assert path.read_text() == 'old'
    assert [each.name for each in small_disk.iterdir()] == ['page.html']


def test_files_that_need_each_other_are_there_together_or_not_at_all(small_disk):
    xml, weights = small_disk / 'a.xml', small_disk / 'a.bin'
    for contents in ({xml: b'x', weights: bytes(100_000)}, {xml: bytes(100_000), weights: b'x'}):
        with pytest.raises(WriteError, match='No space left on device'):
            write_together(contents)
        assert list(small_disk.iterdir()) == []
    write_together({xml: b'x', weights: b'y'})
    assert (xml.read_bytes(), weights.read_bytes()) == (b'x', b'y')


def test_a_link_under_the_final_name_is_refused_by_name(folder, mine):
    path = folder / 'page.html'
    path.symlink_to(mine)
    for write in (write_whole, append_line):
        with pytest.raises(
            WriteError, match=r'page.html: cannot be written: it is a link to .*mine'
        ):
            write(path, 'x')
    with pytest.raises(WriteError, match='it is a link to'):
        require_new_file(path)
    assert path.is_symlink()


def test_a_hard_link_to_another_file_is_not_appended_to(folder, mine):
    os.link(mine, folder / 'metrics.jsonl')
    with pytest.raises(WriteError, match='another name of a file that is elsewhere'):
        append_line(folder / 'metrics.jsonl', 'x')


def test_a_device_a_pipe_and_a_folder_are_no_file_to_write(folder):
    os.mkfifo(folder / 'pipe')
    (folder / 'sub').mkdir()
    for name, what in (('pipe', 'a device or a pipe'), ('sub', 'a folder')):
        with pytest.raises(WriteError, match=f'{name}: cannot be written: it is {what}'):
            write_whole(folder / name, 'x')
    with pytest.raises(WriteError, match='it is a device or a pipe, not an ordinary file'):
        require_new_file(folder / 'pipe')


def test_predictable_names_beside_the_file_are_not_used(folder, mine):
    for name in ('.page.html.partial', 'page.html.partial', 'page.partial'):
        (folder / name).symlink_to(mine)
    write_whole(folder / 'page.html', 'x')


def test_a_line_is_appended_whole_or_not_at_all(small_disk):
    path = small_disk / 'metrics.jsonl'
    append_line(path, '{"step": 1}')
    with pytest.raises(WriteError, match='No space left on device'):
        append_line(path, 'x' * 100_000)
    append_line(path, '{"step": 2}')
    assert path.read_text() == '{"step": 1}\n{"step": 2}\n'


def test_a_line_that_a_power_cut_has_torn_is_none_and_is_dropped_by_the_next_one(folder):
    path = folder / 'metrics.jsonl'
    assert read_lines(path) == []
    path.write_text('{"step": 1}\n{"st')
    assert read_lines(path) == [b'{"step": 1}']
    append_line(path, '{"step": 2}')
    assert path.read_text() == '{"step": 1}\n{"step": 2}\n'


def test_every_level_of_a_folder_within_is_real(folder, tmp_path):
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    assert real_folder(folder, Path('a/b')).is_dir()
    (folder / 'data').symlink_to(elsewhere)
    (folder / 'a/file').write_text('')
    inside = folder.relative_to(tmp_path)
    with pytest.raises(
        WriteError, match=r'folder/data: cannot be written: it is a link to .*else'
    ):
        real_folder(tmp_path, inside / 'data/chunk-000')
    with pytest.raises(WriteError, match='a/file: cannot be written: it is a file, not a folder'):
        real_folder(tmp_path, inside / 'a/file/c')
    assert list(elsewhere.iterdir()) == []


def test_a_folder_has_one_writer_and_its_lock_vanishes_with_him(folder):
    with (
        locked(folder, 'convert', 'wait for it'),
        pytest.raises(
            UserError,
            match=rf'folder: another convert \(process {os.getpid()}\) is writing to it; wait',
        ),
        locked(folder, 'convert', 'wait for it'),
    ):
        pass
    assert list(folder.iterdir()) == []


def test_a_lock_that_a_killed_process_left_is_free(folder):
    code = f"""
import os, pathlib
from neuracore_ros.files import locked
with locked(pathlib.Path({str(folder)!r}), 'convert', ''):
    os._exit(9)
"""
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 9
    assert (folder / LOCK_NAME).exists()
    with locked(folder, 'convert', ''):
        assert (folder / LOCK_NAME).read_text() == str(os.getpid())


def test_a_lock_is_never_held_twice_however_often_it_changes_hands(folder):
    inside, most, taken = [0], [0], [0]

    def hold():
        for _ in range(200):
            try:
                with locked(folder, 'convert', ''):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    taken[0] += 1
                    inside[0] -= 1
            except UserError:
                pass

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] and taken[0] > 0


def test_a_lock_that_is_a_link_or_not_ours_is_refused_and_stays(folder, mine):
    lock = folder / LOCK_NAME
    lock.symlink_to(mine)
    with pytest.raises(WriteError, match='it is a link to'), locked(folder, 'convert', ''):
        pass
    lock.unlink()
    os.link(mine, lock)
    with pytest.raises(WriteError, match='elsewhere'), locked(folder, 'convert', ''):
        pass
    lock.unlink()
    lock.write_text('my notes')
    with pytest.raises(WriteError, match='it holds more than a lock'), locked(folder, 'x', ''):
        pass
    assert lock.read_text() == 'my notes'


def test_only_partial_files_of_ours_are_deleted(folder):
    ours = folder / f'.neuracore_ros-{"0a" * 16}.partial'
    others = [folder / name for name in ('film.mkv.partial', '.neuracore_ros-1.partial')]
    for path in (ours, *others):
        path.write_text('x')
    (folder / f'.neuracore_ros-{"1b" * 16}.partial').symlink_to(others[0])
    delete_partials(folder)
    assert not ours.exists()
    assert len(list(folder.iterdir())) == 3
