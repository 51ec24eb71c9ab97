"""Signs and zeros go from the robot file through dataset and policy, and are compared."""

import json
import shutil
import warnings

import pytest

from helpers.two_arms import LEFT, describe, record_left
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata

TOPICS = ('/joint_states', '/arm/joint_trajectory')
SAYS = "JOINT_POSITIONS 'a': scale -1, offset 0 (then scale 1, offset 0)"
MEANING = """vocabulary: ours/1
slots: {joints: {left.yaw: {index: 0}, left.bend: {index: 2}}, cameras: {front: {index: 1}}}
"""


def turned(text):
    """The robot file whose first joint has another sign, wherever it is read or sent."""
    for topic in TOPICS:
        text = text.replace(f'topic: {topic}}}', f'topic: {topic}, a: {{scale: -1}}}}')
    return text


def convert(data, robot, bag):
    words = ['--description', str(robot), '--image-size', '64x48']
    assert main(['convert', str(data), str(bag), *words]) == 0
    return data


def train(data, out, *words):
    fixed = ['--inputs', 'JOINT_POSITIONS', '--horizon', '3'] if '--init' not in words else []
    assert main(['train', str(data), '--out', str(out), *words, *fixed, '--steps', '2']) == 0
    return out / 'policy.pt'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A policy of the arm, a dataset of the turned one, and robot files of both."""
    path = tmp_path_factory.mktemp('senses')
    bag = record_left(path / 'a.mcap', seconds=1.0)
    describe(path, left=LEFT)
    (path / 'turned').mkdir()
    describe(path / 'turned', left=turned(LEFT))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        train(convert(path / 'data', path / 'left.yaml', bag), path / 'run')
        convert(path / 'turned/data', path / 'turned/left.yaml', bag)
    return path


def test_check_and_layout_tell_of_a_sign_that_was_turned_since(folder, capsys):
    policy, file = folder / 'run/policy.pt', folder / 'turned/left.yaml'
    assert main(['check', str(policy), str(folder / 'left.yaml')]) == 0
    assert 'another sign' not in ''.join(capsys.readouterr())
    assert main(['check', str(policy), str(file)]) == 1
    said = capsys.readouterr().err
    assert SAYS in said and '(if that is meant: --allow sense)' in said
    assert main(['check', str(policy), str(file), '--allow', 'sense']) == 0
    assert SAYS in capsys.readouterr().out
    main(['layout', str(file), '--policy', str(policy)])
    assert SAYS in ''.join(capsys.readouterr())


def test_evaluate_tells_that_a_dataset_has_other_signs_than_the_training(folder, capsys):
    policy = str(folder / 'run/policy.pt')
    assert main(['evaluate', policy, str(folder / 'turned/data'), '--json']) == 0
    (case,) = json.loads(capsys.readouterr().out)['cases']
    (told,) = [text for text in case['warnings'] if 'another sign' in text]
    assert SAYS in told and str(folder / 'turned/data') in told
    assert main(['evaluate', policy, str(folder / 'data'), '--json']) == 0
    (case,) = json.loads(capsys.readouterr().out)['cases']
    assert not [text for text in case['warnings'] if 'another sign' in text]


def test_further_training_on_other_signs_is_told_of(folder, tmp_path, capsys):
    train(folder / 'turned/data', tmp_path / 'more', '--init', str(folder / 'run'))
    assert SAYS in capsys.readouterr().err


def test_a_vocabulary_that_only_names_what_was_so_before_changes_nothing(folder, tmp_path, capsys):
    """A file that turns joints is refused by policies without a vocabulary, but not by its own."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        policy = train(folder / 'turned/data', tmp_path / 'run')
    (tmp_path / 'ours.yaml').write_text(MEANING)
    named = tmp_path / 'left.yaml'
    named.write_text('vocabulary: ./ours.yaml\n' + turned(LEFT))
    assert main(['check', str(policy), str(named)]) == 0, capsys.readouterr().err
    bag = record_left(tmp_path / 'b.mcap', seconds=1.0, start=50.0)
    convert(folder / 'turned/data', named, bag)
    named.write_text('vocabulary: ./ours.yaml\n' + LEFT)
    capsys.readouterr()
    assert main(['check', str(policy), str(named)]) == 1
    assert 'another sign or zero' in capsys.readouterr().err


def test_a_merge_with_episodes_of_unknown_signs_knows_none(folder, tmp_path, capsys):
    """Whichever comes first: those of one dataset are no claim about the other's."""
    bag = record_left(tmp_path / 'c.mcap', seconds=1.0, start=90.0)
    other = convert(tmp_path / 'other', folder / 'turned/left.yaml', bag)
    old = shutil.copytree(other, tmp_path / 'old')
    path = old / 'meta/neuracore_ros.json'
    record = json.loads(path.read_text())
    record['descriptions']['left']['treatments'] = {}
    path.write_text(json.dumps(record))
    for number, pair in enumerate([(old, folder / 'data'), (folder / 'data', old)]):
        out = tmp_path / f'both{number}'
        assert main(['edit', str(pair[0]), '--merge', str(pair[1]), '--out', str(out)]) == 0
        known = load_metadata(out).descriptions.treatments['left']
        assert not [each for named in known.values() for each in named.values() if each.sense]
    capsys.readouterr()
    words = ['edit', str(folder / 'data'), '--merge', str(other), '--out', str(tmp_path / 'no')]
    assert main(words) == 1
    assert SAYS in capsys.readouterr().err
