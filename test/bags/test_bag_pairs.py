"""Pair labels of recordings, wherever they are said, and of all recordings of a folder."""

import pytest
import yaml

from helpers.damaged_bags import joint_states
from helpers.small_bags import Messages, at, write_bag
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.bags.recorded_pairs import pairs_in, recorded_pair

MESSAGES = Messages()
TOPIC = '/record/pair'


def said(*texts, topic=TOPIC):
    return [(topic, MESSAGES.string(text), at(k * 0.1)) for k, text in enumerate(texts)]


def bag(path, *messages, **custom):
    """A recording with these notes."""
    made = write_bag(path, [*joint_states(3), *messages])
    metadata = yaml.safe_load((made / 'metadata.yaml').read_text())
    metadata['rosbag2_bagfile_information']['custom_data'] = custom
    (made / 'metadata.yaml').write_text(yaml.safe_dump(metadata))
    return made


def label(path):
    with open_bag(path) as opened:
        return recorded_pair(opened)


@pytest.mark.parametrize(
    ('custom', 'messages', 'found'),
    [
        ({'pair': '7'}, [], '7'),
        ({'pair': 7}, [], '7'),
        ({'pair': '007'}, said('8'), '7'),
        ({'pair': 'red "cube" ä'}, [], 'red "cube" ä'),
        ({}, said('red'), 'red'),
        ({}, said('red', 'red', ''), 'red'),
        ({}, said('red', topic='/left/record/pair'), 'red'),
        ({}, said('red', topic='/elsewhere/pair'), ''),
        ({}, [], ''),
        ({'pair': None}, [], ''),
        ({'pair': ['7']}, [], ''),
    ],
)
def test_a_label_is_in_the_notes_or_on_the_topic(tmp_path, custom, messages, found):
    assert label(bag(tmp_path / 'bag', *messages, **custom)) == (found, '')


@pytest.mark.parametrize(
    ('custom', 'messages', 'words'),
    [
        ({}, said('red', 'blue'), 'it says 2 pair labels, so it has none; give one: --pair LABEL'),
        ({'pair': 'a\nb'}, [], 'its pair label is left out: '),
        ({'pair': 'x' * 10_000}, [], 'it has 10000 characters, more than 60'),
        ({}, said('a\x00'), 'characters that cannot be printed'),
    ],
)
def test_what_is_no_label_is_none_and_told(tmp_path, custom, messages, words):
    found, note = label(bag(tmp_path / 'bag', *messages, **custom))
    assert found == '' and words in note and len(note) < 300


def test_a_folder_tells_the_labels_of_one_robot(tmp_path):
    bag(tmp_path / 'episode_000', robot='ur5', pair='0')
    bag(tmp_path / 'episode_001', robot='franka', pair='1')
    # Whoever recorded elsewhere did not say whose it is.
    bag(tmp_path / 'renamed', pair='2')
    bag(tmp_path / 'episode_003', robot='ur5')
    cut = bag(tmp_path / 'episode_004', *said('4'), robot='ur5', pair='4')
    (cut / 'metadata.yaml').unlink()
    damaged = bag(tmp_path / 'episode_005', *said('5'), robot='ur5', pair='5')
    (damaged / 'metadata.yaml').write_text('a: [')
    (tmp_path / 'episode_006').mkdir()
    (tmp_path / 'episode_007').write_text('')
    empty = bag(tmp_path / 'episode_008', *said('8'))
    (empty / 'metadata.yaml').unlink()
    (empty / 'episode_008.mcap').write_bytes(b'')
    bag(tmp_path / '.partial-episode_009-1' / 'episode_009', pair='9')
    found = {label: path.name for label, path in pairs_in(tmp_path, 'ur5').items()}
    assert found == {'0': 'episode_000', '2': 'renamed', '4': 'episode_004', '5': 'episode_005'}
    assert set(pairs_in(tmp_path, 'franka')) == {'1', '2', '4', '5'}
    assert pairs_in(tmp_path / 'nowhere', 'ur5') == {}
