"""metadata.yaml of a bag that somebody forged: told in one line, and the files are read."""

import time

import pytest

from helpers.damaged_bags import COUNT, joint_states
from helpers.small_bags import write_bag
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.errors import BagError

HEAD = 'rosbag2_bagfile_information:\n'
FILES = '  relative_file_paths: [bag.mcap]\n'
LAUGHS = ''.join(f'x{k}: &x{k} [{", ".join([f"*x{k - 1}"] * 10)}]\n' for k in range(1, 30))


def read(tmp_path, text):
    """Messages, and what is said, of a bag with this metadata."""
    bag = write_bag(tmp_path / 'bag', joint_states())
    (bag / 'metadata.yaml').write_text(text)
    began = time.monotonic()
    with open_bag(bag) as opened:
        assert time.monotonic() - began < 20
        return opened.count, opened.losses, opened.task


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('a: ' + '[' * 900 + ']' * 900, 'is nested too deeply'),
        ('a: ' + '[' * 200_000 + ']' * 200_000, 'cannot be read'),
        ('- ' * 200_000, 'cannot be read'),
        ('a: ' + '[' * 50_000, 'cannot be read'),
        (HEAD + FILES + '  message_count: .inf\n', "'.inf' is no number of messages"),
        (HEAD + FILES + '  message_count: -1\n', 'is no number of messages'),
        (HEAD + FILES + f'  message_count: {"9" * 5000}\n', 'is no number of messages'),
        (HEAD + FILES + '  message_count: [1]\n', 'a list is no number of messages'),
        ('x0: &x0 a\n' + LAUGHS + HEAD + FILES, 'holds more than 100000 values'),
        ('a: &a [*a]\n', 'refers to a value that contains it'),
        (HEAD + '  relative_file_paths: 5\n', 'relative_file_paths must be a list'),
        (HEAD + '  relative_file_paths: [[a]]\n  message_count: 1\n', 'a list is no path'),
        (HEAD + f'  relative_file_paths: [{"a" * 5000}]\n  message_count: 1\n', 'is no path'),
        (HEAD + '  relative_file_paths: [".."]\n  message_count: 1\n', 'is no path'),
        (HEAD + FILES, 'lacks message_count'),
        ('- a\n', 'must be a mapping, not a list'),
        ('', 'is empty'),
        ('\x00', 'is not YAML'),
        ('a: ' + 'b' * (1 << 22), 'has more than 4194304 bytes'),
        ('a: [' + 'b,' * 150_000 + ']', 'holds more than 100000 values'),
        (HEAD + FILES + f'  {"9" * 900}: 1\n  message_count: a\n', 'is no number'),
    ],
)
def test_the_files_are_read_without_metadata_that_are_none(tmp_path, text, words):
    count, losses, _ = read(tmp_path, text)
    assert count == COUNT
    (loss, *more) = losses
    assert words in loss and len(loss) < 700 and not more


def test_very_many_files_that_are_missing_are_told_in_a_few_lines(tmp_path):
    names = ''.join(f'    - a{k}.mcap\n' for k in range(5000))
    text = f'{HEAD}  relative_file_paths:\n{names}  message_count: 5\n'
    count, losses, _ = read(tmp_path, text)
    assert count == COUNT and len(losses) == 10
    assert losses[8] == '4992 more files that it lists are not there: lost'


@pytest.mark.parametrize(
    ('custom', 'task'),
    [('{task: Put it down}', 'Put it down'), ('~', ''), ('{task: }', ''), ('{task: [a]}', '')],
)
def test_the_task_is_taken_where_it_is_text(tmp_path, custom, task):
    text = f'{HEAD}{FILES}  message_count: 200\n  custom_data: {custom}\n'
    assert read(tmp_path, text) == (COUNT, (), task)


def test_metadata_alone_are_told(tmp_path):
    (tmp_path / 'metadata.yaml').write_text('a: ' + '[' * 900 + ']' * 900)
    with pytest.raises(BagError, match='is nested too deeply; and there is no .mcap'):
        open_bag(tmp_path).__enter__()
