"""Folders whose names are rare letters, or bytes that are no text at all."""

import json
import os

import pytest

from helpers.small_bags import write_bag
from helpers.two_arms import NUMBERS, joint_states
from neuracore_ros.cli.main import main
from neuracore_ros.description import load_robot
from neuracore_ros.errors import DescriptionError
from neuracore_ros.training.run import Run

RARE = '野家 𠮷 \U0001f600'
LATIN = os.fsdecode(b'donn\xe9es')
TRAIN = ('--steps', '1', '--batch', '2', '--horizon', '2', '--threads', '1', '--cache', 'none')


@pytest.fixture
def robot(tmp_path):
    file = tmp_path / 'arm.yaml'
    file.write_text(NUMBERS.replace('numbers', f'numbers {RARE}'), 'utf-8')
    return file


def converted(dataset, bag, robot):
    return main(['convert', str(dataset), '--description', str(robot), str(bag)])


def refused(capsys, *words):
    capsys.readouterr()
    assert main([str(word) for word in words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_rare_letters_in_every_path_and_name_go_the_whole_way(tmp_path, robot):
    folder = tmp_path / RARE
    bag = write_bag(folder / 'bag', joint_states(2.0))
    dataset, run = folder / 'data', folder / 'run'
    assert converted(dataset, bag, robot) == 0
    assert main(['report', str(dataset), '--out', str(folder / 'r.html')]) == 0
    assert RARE in (folder / 'r.html').read_text('utf-8')
    assert main(['train', str(dataset), '--out', str(run), *TRAIN]) == 0
    assert main(['train', '--resume', str(run), '--steps', '2']) == 0
    assert Run(run).config().dataset == str(dataset)
    assert main(['export', str(run), '--out', str(folder / 'out.pt')]) == 0
    assert main(['check', str(run / 'policy.pt'), str(robot)]) == 0


def test_a_bag_in_a_folder_that_is_not_utf8_is_converted_and_reported(tmp_path, robot):
    bag = write_bag(tmp_path / LATIN / 'bag', joint_states(2.0))
    dataset = tmp_path / 'data'
    assert converted(dataset, bag, robot) == 0
    assert main(['report', str(dataset), '--out', str(tmp_path / 'r.html')]) == 0
    assert r'donn\udce9es' in (tmp_path / 'r.html').read_text('utf-8')
    assert converted(dataset, bag, robot) == 0, 'it is known again'
    assert main(['train', str(dataset), '--out', str(tmp_path / 'run'), *TRAIN]) == 0


def test_a_dataset_in_a_folder_that_is_not_utf8_is_refused_before_anything_is_written(
    tmp_path, robot, capsys
):
    bag = write_bag(tmp_path / 'bag', joint_states(2.0))
    words = ('convert', tmp_path / LATIN / 'data', '--description', robot, bag)
    assert 'data: the path has a byte that is not UTF-8 (0xe9)' in refused(capsys, *words)
    assert not (tmp_path / LATIN).exists()


def test_a_run_or_a_page_that_is_not_utf8_is_refused_before_anything_is_written(
    tmp_path, robot, capsys
):
    bag = write_bag(tmp_path / 'bag', joint_states(2.0))
    dataset = tmp_path / 'data'
    assert converted(dataset, bag, robot) == 0
    os.mkdir(tmp_path / LATIN)  # noqa: PTH102
    for words in (
        ('train', dataset, '--out', tmp_path / LATIN / 'run', *TRAIN),
        ('train', '--resume', tmp_path / LATIN, '--steps', '3'),
        ('train', tmp_path / LATIN, '--out', tmp_path / 'run', *TRAIN),
        ('report', tmp_path / LATIN),
        ('report', dataset, '--out', tmp_path / LATIN / 'r.html'),
        ('evaluate', 'policy.pt', tmp_path / LATIN),
        ('export', 'run', '--out', tmp_path / LATIN / 'a.onnx'),
    ):
        refused(capsys, *words)
    assert not list((tmp_path / LATIN).iterdir()) and not (tmp_path / 'run').exists()


@pytest.mark.parametrize('word', ['\U0001f600', '野家'])
def test_a_robot_file_that_json_wrote_has_its_letters(tmp_path, word):
    file = tmp_path / 'arm.yaml'
    record = {
        'robot': word,
        'limits': {word: {'position': 'none', 'velocity': 1}},
        'input': {'JOINT_POSITIONS': {'0': word}},
        'output': {'JOINT_TARGET_POSITIONS': {'0': word}},
        'sources': {'JOINT_POSITIONS': {'topic': '/joint_states'}},
        'commands': {'JOINT_TARGET_POSITIONS': {'topic': '/arm/joint_trajectory'}},
    }
    file.write_text(json.dumps(record))
    assert 'ud83d' in file.read_text() or 'u91ce' in file.read_text()
    assert load_robot(file).name == word


def test_half_a_letter_is_no_name(tmp_path):
    file = tmp_path / 'arm.yaml'
    file.write_text('robot: "\\ud83d"\ninput: {JOINT_POSITIONS: [a]}\noutput: {}')
    with pytest.raises(DescriptionError, match=r"'\\ud83d' has a character that cannot be"):
        load_robot(file)
