"""Which recordings are one and the same."""

import json
import shutil

import pytest

from helpers.small_bags import FORMATS, Messages, write_bag
from helpers.two_arms import joint_states
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.bags.identity import fingerprint
from neuracore_ros.convert import convert_bag as unit
from neuracore_ros.dataset.metadata import METADATA_PATH, load_metadata


def mark(path):
    with open_bag(path) as bag:
        return fingerprint(bag)


def two_seconds(kind='mcap', **other):
    """100 messages, of which one may hold another position of joint `a`."""
    messages, make = joint_states(2.0, kind=kind), Messages(kind)
    for place, position in other.items():
        number = int(place.removeprefix('at_'))
        topic, _, log_ns = messages[number]
        messages[number] = (topic, make.joints(log_ns, a=position, c=1.0), log_ns)
    return messages


@pytest.fixture
def converted(convert):
    """Converts recordings; gives what is said of them."""

    def run(*bags):
        code, out, _ = convert(*bags)
        assert code == 0
        return out

    return run


@pytest.mark.parametrize('kind', FORMATS)
@pytest.mark.parametrize('place', ['at_50', 'at_99'])
def test_recordings_that_differ_in_one_message_are_two(tmp_path, kind, place):
    one = write_bag(tmp_path / 'one.bag', two_seconds(kind), kind)
    other = write_bag(tmp_path / 'other.bag', two_seconds(kind, **{place: 7.0}), kind)
    assert mark(one) != mark(other)


def test_recordings_that_differ_in_one_log_time_are_two(tmp_path):
    messages = two_seconds()
    one = write_bag(tmp_path / 'one', messages)
    topic, message, log_ns = messages[50]
    messages[50] = topic, message, log_ns + 1
    assert mark(one) != mark(write_bag(tmp_path / 'other', messages))


@pytest.mark.parametrize('kind', FORMATS)
def test_the_order_of_topics_makes_no_other_recording(tmp_path, kind):
    first = joint_states(1.0, kind=kind)
    second = joint_states(1.0, kind=kind, topic='/other')
    one = write_bag(tmp_path / 'one.bag', first + second, kind)
    assert mark(one) == mark(write_bag(tmp_path / 'other.bag', second + first, kind))


def test_a_recording_that_was_split_is_the_same(tmp_path):
    messages = two_seconds()
    whole = write_bag(tmp_path / 'whole', messages)
    parts = [write_bag(tmp_path / f'p{n}', messages[50 * n : 50 * n + 50]) for n in (0, 1)]
    (tmp_path / 'split').mkdir()
    for part in parts:
        shutil.copy(part / f'{part.name}.mcap', tmp_path / 'split')
    assert mark(whole) == mark(tmp_path / 'split')


@pytest.mark.parametrize('log_ns', [0, -5, 2**63 - 1])
def test_log_times_may_be_of_any_size(tmp_path, log_ns):
    (topic, message, _), *others = joint_states(0.2)
    bag = write_bag(tmp_path / 'bag', [(topic, message, log_ns), *others], 'sqlite3')
    assert len(mark(bag)) == 32


def test_two_simulated_episodes_that_begin_alike_are_two_episodes(tmp_path, converted):
    one = write_bag(tmp_path / 'one', two_seconds())
    other = write_bag(tmp_path / 'other', two_seconds(at_99=7.0))
    converted(one, other)
    assert [e.bag for e in load_metadata(tmp_path / 'data').episodes] == [str(one), str(other)]


def test_a_recording_under_another_name_is_skipped_and_its_first_name_is_said(tmp_path, converted):
    one = write_bag(tmp_path / 'one', two_seconds())
    converted(one)
    again = shutil.copytree(one, tmp_path / 'again')
    assert f'{again}: skipped, already in the dataset (1 episode), as {one}\n' in converted(again)
    assert f'{one}: skipped, already in the dataset (1 episode)\n' in converted(one)


@pytest.fixture
def dataset_of_before(tmp_path, converted):
    """A dataset of a version that looked at the first 32 messages; and its recording."""
    bag = write_bag(tmp_path / 'one', two_seconds())
    converted(bag)
    path = tmp_path / 'data' / METADATA_PATH
    record = json.loads(path.read_text())
    del record['bags'][0]['files']
    for entry in (record['episodes']['0'], record['bags'][0]):
        entry['fingerprint'] = '9dfc99ebdc1d685d'
    path.write_text(json.dumps(record))
    return bag


def test_a_dataset_of_before_knows_its_recordings(tmp_path, converted, dataset_of_before):
    assert 'skipped, already in the dataset (1 episode)' in converted(dataset_of_before)
    moved = dataset_of_before.rename(tmp_path / 'moved')
    assert f'(1 episode), as {dataset_of_before}' in converted(moved)


def test_what_a_dataset_of_before_left_out_is_converted(tmp_path, converted, dataset_of_before):
    other = write_bag(tmp_path / 'other', two_seconds(at_99=7.0))
    assert f'{other}: 1 episode, 40 steps' in converted(dataset_of_before, other)
    assert converted(dataset_of_before, other).count('skipped, already in the dataset (1 ep') == 2


def test_a_recording_that_lies_untouched_where_it_was_is_not_read_again(
    tmp_path, converted, monkeypatch
):
    bag = write_bag(tmp_path / 'one', two_seconds())
    converted(bag)
    monkeypatch.setattr(unit, 'open_bag', None)
    assert 'skipped, already in the dataset (1 episode)' in converted(bag)


@pytest.mark.parametrize('kind', FORMATS)
def test_another_recording_at_the_place_of_the_first_is_converted(tmp_path, converted, kind):
    bag = write_bag(tmp_path / 'one.bag', two_seconds(kind), kind)
    converted(bag)
    shutil.rmtree(bag) if bag.is_dir() else bag.unlink()
    assert '1 episode, 40 steps' in converted(write_bag(bag, two_seconds(kind, at_99=7.0), kind))


def test_a_recording_that_was_only_touched_is_skipped(tmp_path, converted):
    bag = write_bag(tmp_path / 'one', two_seconds())
    converted(bag)
    (bag / 'one.mcap').touch()
    assert 'skipped, already in the dataset (1 episode)' in converted(bag)


def test_a_recording_that_grew_says_that_the_dataset_has_its_time_twice(tmp_path, converted):
    bag = write_bag(tmp_path / 'bag', two_seconds())
    assert 'lay here before' not in converted(bag)
    shutil.rmtree(bag)
    write_bag(bag, joint_states(3.0))
    assert 'another recording lay here before, whose episodes the dataset keeps' in converted(bag)
    assert 'lay here before' not in converted(bag)
