"""Recordings of an edited dataset: what `convert` and `report` know of them; merging them again."""

import json

import pytest

from helpers.dataset_snapshots import contents
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.dataset.tables import read_tasks
from neuracore_ros.loading.batches import Batches


@pytest.fixture
def without(five, edit, tmp_path):
    """The dataset without episode 1, the first of two of a recording."""
    assert edit(five, '--drop', '1', '--out', tmp_path / 'without')[0] == 0
    return tmp_path / 'without'


def test_convert_does_not_bring_back_what_was_removed(without, make, capsys):
    before = contents(without)
    capsys.readouterr()
    make(without, 'left', 'pieces', options=['--task', 'wave'])
    said = capsys.readouterr().out
    assert 'pieces: skipped, already in the dataset (1 episode, 1 removed by edit)' in said
    assert contents(without) == before


def test_nor_of_a_recording_whose_convert_had_not_ended(five, make, edit, tmp_path, capsys):
    data, new = tmp_path / 'data', tmp_path / 'new'
    make(data, 'pieces', options=['--task', 'wave'])
    # As if it had been killed behind its second episode.
    file = data / 'meta/neuracore_ros.json'
    known = json.loads(file.read_text())
    file.write_text(json.dumps({**known, 'bags': []}))
    assert edit(data, '--drop', '0', '--out', new)[0] == 0
    capsys.readouterr()
    make(new, 'pieces', options=['--task', 'wave'])
    assert '1 episode already in the dataset, 1 episode removed by edit' in capsys.readouterr().out
    metadata = load_metadata(new)
    assert [each.steps for each in metadata.episodes] == [known['episodes']['1']['steps']]
    assert len(metadata.bags) == 1


def test_new_recordings_come_behind(without, make, five):
    make(without, 'other')
    metadata = load_metadata(without)
    assert [each.robot for each in metadata.episodes] == ['left', 'left', 'right', 'left', 'right']
    assert metadata.removed == (load_metadata(five).episodes[1],)


def test_an_episode_that_any_dataset_has_is_no_longer_removed(without, five, edit, tmp_path):
    code, out, said = edit(without, '--merge', five, '--out', tmp_path / 'new')
    assert code == 0 and 'left out' not in out
    assert said == f'{five}: shares 4 episodes with {without}, from which each is taken\n'
    new, old = load_metadata(tmp_path / 'new'), load_metadata(five)
    assert sorted(map(str, new.episodes)) == sorted(map(str, old.episodes))
    assert new.removed == () and new.bags == old.bags


def test_two_parts_make_the_whole_again(five, edit, tmp_path):
    parts = tmp_path / 'first', tmp_path / 'second'
    assert edit(five, '--keep', '0-1', '--out', parts[0])[0] == 0
    assert edit(five, '--drop', '0-1', '--out', parts[1])[0] == 0
    assert edit(parts[0], '--merge', parts[1], '--out', tmp_path / 'whole')[0] == 0
    assert contents(tmp_path / 'whole') == contents(five)


def test_an_edit_of_an_edit_remembers_all_that_was_removed(without, five, edit, tmp_path):
    assert edit(without, '--drop', '0', '--out', tmp_path / 'less')[0] == 0
    episodes = load_metadata(five).episodes
    assert load_metadata(tmp_path / 'less').removed == (episodes[0], episodes[1])
    assert edit(tmp_path / 'less', '--robot', 'right', '--out', tmp_path / 'right')[0] == 0
    right = load_metadata(tmp_path / 'right')
    assert right.removed == () and [bag.robot for bag in right.bags] == ['right']
    assert right.descriptions == load_metadata(five).descriptions


def test_tasks_that_nobody_does_are_gone(five, edit, tmp_path):
    assert read_tasks(five) == ['wave', 'push', 'nod']
    assert edit(five, '--keep', '4', '2', '--out', tmp_path / 'new')[0] == 0
    assert read_tasks(tmp_path / 'new') == ['wave', 'nod']


def test_the_page_of_a_dataset_says_what_was_removed(without, tmp_path):
    assert main(['report', str(without), '--out', str(tmp_path / 'page.html')]) == 0
    page = (tmp_path / 'page.html').read_text()
    assert '20 steps in 1 episode' in page and 'removed by edit' in page


def test_images_that_are_decoded_already_are_not_decoded_again(without, five, tmp_path):
    said = []
    Batches(five, tmp_path / 'cache', said.append)
    assert len(said) == 1
    Batches(without, tmp_path / 'cache', said.append)
    assert len(said) == 1
