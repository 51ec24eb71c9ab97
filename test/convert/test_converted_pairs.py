"""Pair labels of recordings, kept with each of their episodes."""

import json

import pyarrow.parquet as pq
import pytest
import yaml

from helpers.lerobot_datasets import write_lerobot
from helpers.small_bags import Messages, at, write_bag
from helpers.two_arms import joint_states
from neuracore_ros.dataset.metadata import METADATA_PATH, load_metadata


def record(path, label='', start=0.0, spans=((0.0, 1.0),), notes=True):
    """A recording of `numbers`, as the recorder writes it; its metadata.yaml has the label, too."""
    messages = [m for at_s, s in spans for m in joint_states(s, start=start + at_s)]
    if label:
        messages.append(('/record/pair', Messages().string(label), at(start)))
    bag = write_bag(path, messages)
    if label and notes:
        file = bag / 'metadata.yaml'
        metadata = yaml.safe_load(file.read_text())
        metadata['rosbag2_bagfile_information']['custom_data'] = {'pair': label}
        file.write_text(yaml.safe_dump(metadata))
    return bag


def pairs(dataset):
    """(name of the recording, label) of each episode; its table says the same."""
    found = []
    for number, episode in enumerate(load_metadata(dataset).episodes):
        table = pq.read_table(dataset / f'meta/episodes/chunk-000/file-{number:03d}.parquet')
        assert table['pair'].to_pylist() == [episode.pair]
        found.append((episode.bag.rsplit('/', 1)[-1], episode.pair))
    return found


def test_every_piece_of_a_recording_has_its_label(tmp_path, convert):
    pieces = record(tmp_path / 'pieces', 'red "cube" ä', spans=((0.0, 1.0), (3.0, 1.0)))
    cut = record(tmp_path / 'cut', '7', start=20.0, notes=False)
    (cut / 'metadata.yaml').unlink()
    other = record(tmp_path / 'other', start=40.0)
    code, said, _ = convert(pieces, cut, other)
    assert code == 0
    assert 'pieces: 2 episodes, 44 steps, pair red "cube" ä;' in said
    assert pairs(tmp_path / 'data') == [
        ('pieces', 'red "cube" ä'),
        ('pieces', 'red "cube" ä'),
        ('cut', '7'),
        ('other', ''),
    ]


def test_recordings_from_elsewhere_are_given_labels_in_their_order(tmp_path, convert):
    bags = [record(tmp_path / name, start=20.0 * k) for k, name in enumerate('cab')]
    bags[0] = record(tmp_path / 'd', '9', start=80.0)
    code, said, _ = convert(*bags, bags[1], '--pair', '1-2', 'last', '--json', '--workers', 2)
    assert code == 0
    assert [bag['pair'] for bag in json.loads(said)['bags']] == ['1', '2', 'last']
    assert pairs(tmp_path / 'data') == [('d', '1'), ('a', '2'), ('b', 'last')]


def test_as_many_labels_as_recordings_or_none(tmp_path, convert):
    bag = record(tmp_path / 'bag')
    code, _, error = convert(bag, '--pair', '1-2')
    assert code == 1 and len(error.splitlines()) == 1
    assert '--pair: 2 labels (1-2) for 1 recording: give one for each' in error
    assert not (tmp_path / 'data').exists()
    with pytest.raises(SystemExit) as ended:
        convert(bag, '--pair', '9-0')
    assert ended.value.code == 2


def test_the_label_of_what_is_in_the_dataset_cannot_be_changed(tmp_path, convert):
    bag = record(tmp_path / 'bag', '7')
    assert convert(bag)[0] == 0
    # The same again, with the label or without.
    assert convert(bag)[0] == convert(bag, '--pair', '007')[0] == 0
    code, _, error = convert(bag, '--pair', '8')
    assert code == 1
    assert (
        f"{bag}: is in the dataset already, of pair '7', which cannot become '8'; convert it "
        'into another dataset'
    ) in error
    moved = bag.rename(tmp_path / 'moved')
    assert convert(moved, '--pair', '8')[0] == 1
    plain = record(tmp_path / 'plain', start=20.0)
    assert convert(plain)[0] == 0
    assert "of no pair, which cannot become '3'" in convert(plain, '--pair', '3')[2]
    assert pairs(tmp_path / 'data') == [('bag', '7'), ('plain', '')]


def test_an_interrupted_recording_is_completed_with_its_label_only(tmp_path, convert):
    bag = record(tmp_path / 'bag', '7', spans=((0.0, 1.0), (3.0, 1.0)))
    assert convert(bag)[0] == 0
    # As if it had been killed before the recording was noted as complete.
    path = tmp_path / 'data' / METADATA_PATH
    document = json.loads(path.read_text())
    document['bags'] = []
    path.write_text(json.dumps(document))
    assert "of pair '7', which cannot become '8'" in convert(bag, '--pair', '8')[2]
    assert convert(bag)[0] == 0
    assert pairs(tmp_path / 'data') == [('bag', '7'), ('bag', '7')]


def test_what_is_no_label_leaves_the_episode_unpaired_and_is_told(tmp_path, convert):
    bag = record(tmp_path / 'bag', 'a\nb')
    code, said, _ = convert(bag)
    assert code == 0
    assert "its pair label is left out: 'a\\nb' is no pair label" in said
    assert pairs(tmp_path / 'data') == [('bag', '')]


LEROBOT = """
robot: so101
limits: {shoulder_lift: {position: none, velocity: 100.0}}
input: {JOINT_POSITIONS: {0: shoulder_lift}}
output: {JOINT_TARGET_POSITIONS: {0: shoulder_lift}}
sources:
  JOINT_POSITIONS: {topic: observation.state, names: {shoulder_lift: shoulder_lift.pos}}
  JOINT_TARGET_POSITIONS: {topic: action, names: {shoulder_lift: shoulder_lift.pos}}
commands: {JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}}
"""


def test_episodes_of_a_lerobot_dataset_have_the_labels_that_are_given(tmp_path, convert):
    source = tmp_path / 'source'
    write_lerobot(source, cameras={})
    rate = ['--rate-hz', 30, '--min-steps', 2]
    assert convert(source, *rate, robot=LEROBOT, dataset='plain')[0] == 0
    assert [label for _, label in pairs(tmp_path / 'plain')] == ['', '', '']
    code, _, error = convert(source, *rate, '--pair', '0-4', robot=LEROBOT)
    assert code == 1 and '5 labels (0-4) for 3 recordings' in error
    assert convert(source, *rate, '--pair', '0-2', robot=LEROBOT)[0] == 0
    assert pairs(tmp_path / 'data') == [(f'episode_00000{k}', f'{k}') for k in range(3)]
