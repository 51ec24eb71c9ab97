"""Who commanded, successes and pairs in edited datasets; and of datasets that did not keep them."""

import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from helpers.dataset_snapshots import contents
from helpers.small_bags import Messages, at, write_bag
from helpers.two_arms import LEFT, describe, images, joint_states, trajectories
from neuracore_ros.cli.main import main
from neuracore_ros.control import Commander, Control
from neuracore_ros.convert import job
from neuracore_ros.dataset.metadata import load_metadata

POLICY = Control(Commander.POLICY, 'lift.pt', 'ab12').to_text()


def record(path, start, control=(), marker=(), pair=''):
    """A recording of the left arm, with (time, text) of who commanded, and of the marker."""
    streams = joint_states(2.0, start=start) + images(2.0, start=start)
    streams += trajectories(2.0, start=start)
    said = [*(('/infer/control', *each) for each in control)]
    said += [('/record/episode', *each) for each in marker]
    said += [('/record/pair', 0.0, pair)] if pair else []
    return write_bag(
        path,
        [*streams, *((topic, Messages().string(text), at(start + t)) for topic, t, text in said)],
    )


@pytest.fixture
def convert(tmp_path):
    """Converts recordings of the left arm."""
    description = describe(tmp_path, left=LEFT)
    words = ['--description', str(description), '--image-size', '64x48']
    return lambda name, *bags: main(['convert', str(tmp_path / name), *map(str, bags), *words])


@pytest.fixture
def driven(tmp_path):
    """A policy, a human who takes over, and a success; a second episode, which is neither."""
    control = [(k / 2, POLICY if k < 2 else 'human') for k in range(4)]
    marker = [(0.0, 'start'), (1.9, 'success')]
    taken = record(tmp_path / 'taken', 100.0, control, marker, 'red cube')
    return taken, record(tmp_path / 'plain', 200.0)


@pytest.fixture
def shown(tmp_path):
    """A demonstration that succeeds."""
    return record(tmp_path / 'shown', 0.0, marker=[(0.0, 'start'), (1.9, 'success')], pair='7')


def test_who_commanded_successes_and_pairs_follow(tmp_path, convert, edit, driven):
    assert convert('data', driven[1], driven[0]) == 0
    assert edit(tmp_path / 'data', '--keep', '1', '--out', tmp_path / 'new')[0] == 0
    (episode,) = load_metadata(tmp_path / 'new').episodes
    assert (episode.policy, episode.interventions, episode.pair) == ('lift.pt', 1, 'red cube')
    assert convert('alone', driven[0]) == 0
    new, alone = contents(tmp_path / 'new'), contents(tmp_path / 'alone')
    for each in (new, alone):
        each['meta/neuracore_ros.json'].pop('removed', None)
        each['meta/neuracore_ros.json']['bags'] = each['meta/neuracore_ros.json']['bags'][-1:]
    assert new == alone


@pytest.mark.parametrize('old_first', [True, False])
def test_a_dataset_that_did_not_keep_them_is_merged_as_demonstrations(
    tmp_path, convert, edit, driven, shown, monkeypatch, old_first
):
    assert convert('driven', *driven) == 0
    assert convert('both', *([shown, *driven] if old_first else [*driven, shown])) == 0
    made = job.new_metadata
    monkeypatch.setattr(
        'neuracore_ros.convert.convert.new_metadata',
        lambda *given: replace(made(*given), has_control=False),
    )
    assert convert('old', shown) == 0
    assert not load_metadata(tmp_path / 'old').has_control
    order = ['old', 'driven'] if old_first else ['driven', 'old']
    first, second = (tmp_path / name for name in order)
    code, _, said = edit(first, '--merge', second, '--out', tmp_path / 'new')
    assert code == 0 and said.count('\n') == 1
    assert f'{tmp_path / "old"}: was made before datasets said who commanded' in said
    new, both = contents(tmp_path / 'new'), contents(tmp_path / 'both')
    assert new == both


def test_datasets_that_do_not_keep_them_stay_so(tmp_path, convert, edit, shown, monkeypatch):
    made = job.new_metadata
    monkeypatch.setattr(
        'neuracore_ros.convert.convert.new_metadata',
        lambda *given: replace(made(*given), has_control=False),
    )
    assert convert('old', shown) == 0
    code, _, said = edit(tmp_path / 'old', '--keep', '0', '--out', tmp_path / 'new')
    assert (code, said) == (0, '')
    assert contents(tmp_path / 'new') == contents(tmp_path / 'old')
    table = pq.read_table(tmp_path / 'new/data/chunk-000/file-000.parquet')
    assert 'intervention' not in table.column_names
    features = json.loads((tmp_path / 'new/meta/info.json').read_text())['features']
    assert 'intervention' not in features
