"""What convert finds in a dataset and has not written: it is refused, kept, and told."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from helpers.dataset_snapshots import contents
from helpers.two_arms import LEFT, describe, record_left
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import METADATA_PATH, load_metadata
from neuracore_ros.errors import DatasetError
from neuracore_ros.files import LOCK_NAME
from neuracore_ros.loading.reading import read_columns


@pytest.fixture(scope='module')
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp('recordings')
    bags = [record_left(folder / f'b{k}', seconds=0.6, start=5.0 * k) for k in range(4)]
    options = ['--description', str(describe(folder, left=LEFT)), '--image-size', '64x48']
    return [str(bag) for bag in bags], options


@pytest.fixture(scope='module')
def made(recordings, tmp_path_factory):
    """A dataset of three episodes; and its metadata when it had one."""
    bags, options = recordings
    dataset = tmp_path_factory.mktemp('made') / 'data'
    assert main(['convert', str(dataset), bags[0], *options]) == 0
    older = (dataset / METADATA_PATH).read_bytes()
    assert main(['convert', str(dataset), *bags[1:3], *options]) == 0
    return dataset, older


@pytest.fixture
def dataset(made, tmp_path):
    """A copy that a test may spoil."""
    return Path(shutil.copytree(made[0], tmp_path / 'data'))


@pytest.fixture
def convert(recordings, capsys):
    """Converts the fourth recording, or another; the code, and what was said about the dataset."""
    bags, options = recordings

    def call(dataset, bag=bags[3]):
        capsys.readouterr()
        code = main(['convert', str(dataset), str(bag), *options])
        lines = capsys.readouterr().err.splitlines(keepends=True)
        return code, ''.join(line for line in lines if not line.startswith('warning: '))

    return call


def everything(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob('*') if path.is_file()
    }


def emptied(metadata):
    return json.dumps({**json.loads(metadata), 'episodes': {}, 'bags': []}).encode()


@pytest.mark.parametrize('bag', [None, 'no_such_bag'])
@pytest.mark.parametrize('change', [lambda older: older, emptied], ids=['older', 'emptied'])
def test_episodes_that_older_metadata_do_not_list_are_kept(
    dataset, made, convert, change, bag, recordings
):
    (dataset / METADATA_PATH).write_bytes(change(made[1]))
    before = everything(dataset)
    code, said = convert(dataset, bag or recordings[0][3])
    assert code == 1 and said.count('\n') == 1
    assert 'neuracore_ros.json lists ' in said and 'but there are files of episode ' in said
    assert 'Put the newer one back' in said
    assert everything(dataset) == before


def test_the_newer_metadata_put_back_make_it_a_dataset_again(dataset, made, convert):
    newer = (dataset / METADATA_PATH).read_bytes()
    (dataset / METADATA_PATH).write_bytes(made[1])
    assert convert(dataset)[0] == 1
    (dataset / METADATA_PATH).write_bytes(newer)
    assert convert(dataset) == (0, '')
    assert len(load_metadata(dataset).episodes) == 4


def test_a_single_file_of_an_episode_that_is_not_listed_is_kept(dataset, convert):
    stray = dataset / 'videos/observation.images.rgb_9/chunk-000/file-003.mp4'
    stray.parent.mkdir(parents=True)
    stray.write_text('mine')
    code, said = convert(dataset)
    assert code == 1 and 'there are files of episode 3, such as videos/observation.' in said
    assert stray.read_text() == 'mine'


LEVELS = (
    *('data', 'data/chunk-000', 'videos', 'videos/observation.images.rgb_0', 'meta/episodes'),
    *('videos/observation.images.rgb_0/chunk-000', 'meta', 'meta/episodes/chunk-000', '.staging'),
)


@pytest.mark.parametrize('level', LEVELS)
def test_a_linked_folder_of_a_dataset_is_refused_and_its_target_stays(
    dataset, made, convert, tmp_path, level
):
    other = shutil.copytree(made[0], tmp_path / 'other')
    (other / '.staging' / ('0a' * 16)).mkdir(parents=True)
    (other / '.staging' / ('0a' * 16) / 'mine').write_text('mine')
    before = everything(other)
    shutil.rmtree(dataset / level, ignore_errors=True)
    (dataset / level).symlink_to(other / level)
    code, said = convert(dataset)
    assert code == 1 and said.count('\n') == 1
    assert f'{dataset / level}: it is a link to {other / level}, not a folder' in said
    assert everything(other) == before


def test_a_linked_chunk_that_is_begun_later_is_refused_where_it_is(dataset, convert, tmp_path):
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    (dataset / 'data/chunk-001').symlink_to(elsewhere)
    assert 'chunk-001: it is a link to' in convert(dataset)[1]
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize('name', ['stats.json', 'info.json', 'tasks.parquet', METADATA_PATH.name])
def test_a_linked_file_that_would_be_replaced_is_refused(dataset, convert, tmp_path, name):
    target = tmp_path / name
    (dataset / 'meta' / name).rename(target)
    (dataset / 'meta' / name).symlink_to(target)
    before = target.read_bytes()
    code, said = convert(dataset)
    assert code == 1 and f'{name}: it is a link to {target}' in said
    assert target.read_bytes() == before and (dataset / 'meta' / name).is_symlink()


@pytest.mark.parametrize('bag', [None, 'no_such_bag'])
@pytest.mark.parametrize('is_begun', [True, False])
def test_a_linked_lock_empties_no_file(dataset, convert, tmp_path, recordings, is_begun, bag):
    mine = tmp_path / 'bashrc'
    mine.write_text('mine\n')
    folder = dataset if is_begun else tmp_path / 'new'
    folder.mkdir(exist_ok=True)
    (folder / LOCK_NAME).symlink_to(mine)
    code, said = convert(folder, bag or recordings[0][3])
    assert code == 1 and f'{LOCK_NAME}: it is a link to {mine}' in said
    assert mine.read_text() == 'mine\n'


@pytest.mark.parametrize(
    'name',
    ['film.mkv.partial', 'deep/er/film.partial', '.staging', f'.staging/{"0a" * 16}/x'],
)
def test_a_folder_of_downloads_is_not_free(tmp_path, convert, name):
    folder = tmp_path / 'downloads'
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text('mine')
    code, said = convert(folder)
    assert code == 1 and 'exists, but is not a dataset of neuracore_ros' in said
    assert everything(folder) == {Path(name): b'mine'}


@pytest.mark.parametrize(
    'name', ['data/chunk-000/x.partial', 'x.partial', 'meta/stats.json.partial', '.staging/notes']
)
def test_what_lies_in_a_dataset_and_is_not_ours_stays(dataset, convert, name):
    (dataset / name).parent.mkdir(exist_ok=True)
    (dataset / name).write_text('mine')
    assert convert(dataset) == (0, '')
    assert (dataset / name).read_text() == 'mine'


@pytest.mark.parametrize('prefix', ['', 'neuracore_ros-'])
def test_what_a_killed_convert_has_staged_is_deleted(dataset, convert, prefix):
    folder = dataset / '.staging' / f'{prefix}{"0a" * 16}'
    folder.mkdir(parents=True)
    (folder / 'half.mp4').write_bytes(b'x')
    assert convert(dataset) == (0, '')
    assert not (dataset / '.staging').exists()


KILLED = """
import os, pathlib, sys
from neuracore_ros.cli.main import main
left = [int(sys.argv[1])]
rename = pathlib.Path.replace
def dying(*arguments):
    left[0] -= 1
    if not left[0]:
        os._exit(9)
    return rename(*arguments)
pathlib.Path.replace = dying
main(sys.argv[2:])
"""


def killed_at(rename, dataset, recordings):
    bags, options = recordings
    words = ['convert', str(dataset), bags[3], *options]
    run = [sys.executable, '-c', KILLED, str(rename), *words]
    assert subprocess.run(run, capture_output=True, check=False).returncode == 9


def test_an_episode_that_was_decided_when_convert_was_killed_is_told_and_whole(
    dataset, convert, recordings, tmp_path
):
    whole = shutil.copytree(dataset, tmp_path / 'whole')
    assert convert(whole) == (0, '')
    killed_at(7, dataset, recordings)
    code, said = convert(dataset, 'no_such_bag')
    assert code == 1 and 'episode 3, which an earlier convert had decided when it ended' in said
    assert len(load_metadata(dataset).episodes) == 4
    assert convert(dataset) == (0, '')
    assert contents(dataset) == contents(whole)


def test_what_was_decided_on_another_state_of_the_dataset_is_moved_aside_and_told(
    dataset, convert, recordings, made
):
    killed_at(4, dataset, recordings)  # all of it is on the disk, nothing in its place
    decided = everything(dataset / '.staging/decided')
    lists = json.loads((dataset / METADATA_PATH).read_text())
    lists['episodes']['2']['steps'] += 1
    (dataset / METADATA_PATH).write_text(json.dumps(lists))
    _, said = convert(dataset)
    assert '.staging/decided: belongs to another state of the dataset: moved to' in said
    assert everything(dataset / 'left_over_0') == decided


def test_a_change_with_a_link_or_a_strange_file_is_not_made(
    dataset, convert, recordings, tmp_path
):
    killed_at(4, dataset, recordings)
    decided = dataset / '.staging/decided'
    mine = tmp_path / 'mine'
    mine.write_text('mine')
    (decided / 'meta%stats.json').unlink()
    (decided / 'meta%stats.json').symlink_to(mine)
    assert 'moved to' in convert(dataset)[1]
    assert mine.read_text() == 'mine' and len(load_metadata(dataset).episodes) == 4


def test_a_dataset_whose_files_are_links_is_read(dataset, tmp_path, capsys):
    # As caches of downloads have them.
    blobs = tmp_path / 'blobs'
    blobs.mkdir()
    for number, path in enumerate([p for p in dataset.rglob('*') if p.is_file()]):
        path.rename(blobs / str(number))
        path.symlink_to(blobs / str(number))
    assert main(['report', str(dataset), '--out', str(tmp_path / 'page.html')]) == 0


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, convert):
    os.mkfifo(tmp_path / 'pipe')
    for name in ('pipe', 'pipe/data'):
        code, said = convert(tmp_path / name)
        assert code == 1 and said.count('\n') == 1, said


def columns_of(dataset):
    return [
        each.tobytes() for each in astuple(read_columns(dataset, load_metadata(dataset), 1))[:4]
    ]


def test_a_bit_that_flips_in_a_table_is_told_or_changes_nothing(dataset):
    file = dataset / 'data/chunk-000/file-001.parquet'
    whole, wanted = file.read_bytes(), columns_of(dataset)
    draw, refused = random.Random(1), 0
    for _ in range(200):
        place = draw.randrange(8 * len(whole))
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        file.write_bytes(flipped)
        try:
            assert columns_of(dataset) == wanted, place
        except DatasetError as error:
            assert f'{file}: ' in str(error)
            refused += 1
    assert refused > 50


def test_a_damaged_description_of_a_column_does_not_end_the_process(dataset):
    file = dataset / 'data/chunk-000/file-001.parquet'
    whole = file.read_bytes()
    end = len(whole) - 8
    start = end - int.from_bytes(whole[-8:-4], 'little')
    refused = 0
    for place in range(8 * start, 8 * end, 3):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        file.write_bytes(flipped)
        try:
            columns_of(dataset)
        except DatasetError as error:
            refused += 1
            assert f'{file}: ' in str(error)
    assert refused > 100


def test_a_table_of_before_without_checksums_is_read(dataset):
    file = dataset / 'data/chunk-000/file-001.parquet'
    wanted = columns_of(dataset)
    pq.write_table(pq.read_table(file), file, compression='snappy')
    assert columns_of(dataset) == wanted


def test_a_damaged_video_is_told_by_its_name(dataset, tmp_path, capsys):
    for file in dataset.glob('videos/*/chunk-000/file-001.mp4'):
        file.write_bytes(file.read_bytes()[:600])
    assert main(['report', str(dataset), '--out', str(tmp_path / 'page.html')]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r'videos/.*/file-001.mp4: missing or damaged', line)
