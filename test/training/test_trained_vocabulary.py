"""The name of a vocabulary goes from the robot file through dataset and policy, and is compared."""

import json
import shutil
import warnings
from dataclasses import replace

import pytest

from helpers.served import serving
from helpers.two_arms import LEFT, RIGHT, describe, record_left, record_right
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.description import load_robot
from neuracore_ros.description.vocabulary import VocabularyId
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.runner import Runner, Settings

OURS = """vocabulary: ours/1
slots:
  joints: {left.yaw: {index: 0}, left.lift: {index: 1}, left.bend: {index: 2, sign: down}}
  cameras: {hand: {index: 0}, front: {index: 1}}
"""
HEAD = 'vocabulary: ./ours.yaml\n'
NAMED = HEAD + LEFT.replace(
    '{0: a, 2: c}, RGB_IMAGES: {1:', '{left.yaw: a, 2: c}, RGB_IMAGES: {front:'
)
OTHERS = {
    'another name': OURS.replace('ours/1', 'theirs/1'),
    'another meaning': OURS.replace('sign: down', 'sign: up'),
}  # fmt: skip


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Robot files with the vocabulary and without, and recordings."""
    path = tmp_path_factory.mktemp('named')
    (path / 'ours.yaml').write_text(OURS)
    describe(path, left=NAMED, right=HEAD + RIGHT)
    (path / 'plain').mkdir()
    describe(path / 'plain', left=LEFT, right=RIGHT)
    record_left(path / 'a.mcap', seconds=1.0)
    record_left(path / 'b.mcap', seconds=1.0, start=50.0)
    record_right(path / 'r.mcap', seconds=1.0)
    return path


def convert(data, robots, bag, robot='left'):
    words = ['--description', str(robots / 'cross.yaml'), '--robot', robot]
    return main(['convert', str(data), str(bag), *words, '--image-size', '64x48'])


def train(data, out, *words):
    fixed = ['--inputs', 'JOINT_POSITIONS', '--horizon', '3'] if '--init' not in words else []
    short = ['--steps', '2', '--batch', '8', *fixed]
    assert main(['train', str(data), '--out', str(out), *short, *words]) == 0
    return out / 'policy.pt'


def write_turned(path):
    """The robot file of the left arm, whose first joint has another sign and zero."""
    topic = '/arm/joint_trajectory'
    text = NAMED.replace('/joint_states}', '/joint_states, a: {scale: -1, offset: 0.5}}')
    path.write_text(text.replace(f'{topic}}}', f'{topic}, a: {{scale: -1, offset: 0.5}}}}'))
    return path


@pytest.fixture(scope='module')
def dataset(folder):
    assert convert(folder / 'data', folder, folder / 'a.mcap') == 0
    return folder / 'data'


@pytest.fixture(scope='module')
def plain_dataset(folder):
    assert convert(folder / 'plain_data', folder / 'plain', folder / 'b.mcap') == 0
    return folder / 'plain_data'


@pytest.fixture(scope='module')
def policy(dataset, folder):
    return train(dataset, folder / 'run')


@pytest.fixture(scope='module')
def vocabulary(folder):
    return load_robot(folder / 'left.yaml').vocabulary.id


@pytest.fixture(params=OTHERS)
def others(request, folder, tmp_path):
    """The same robots, whose slots mean something else."""
    for name in ('left.yaml', 'right.yaml', 'cross.yaml'):
        shutil.copy(folder / name, tmp_path)
    (tmp_path / 'ours.yaml').write_text(OTHERS[request.param])
    return tmp_path


def test_a_dataset_and_a_policy_carry_name_and_digest(dataset, policy, vocabulary, plain_dataset):
    written = json.loads((dataset / 'meta/neuracore_ros.json').read_text())
    assert (written['vocabulary'], written['vocabulary_sha256']) == ('ours/1', vocabulary.sha256)
    assert load_metadata(dataset).descriptions.vocabulary == vocabulary
    manifest = load_policy(policy).manifest
    assert manifest.vocabulary == vocabulary
    assert json.loads(manifest.to_json())['vocabulary'] == 'ours/1'
    assert 'vocabulary' not in (plain_dataset / 'meta/neuracore_ros.json').read_text()


def test_its_own_robot_is_driven_without_a_word(policy, folder, capsys):
    assert main(['check', str(policy), str(folder / 'left.yaml')]) == 0
    said = capsys.readouterr()
    assert "left.yaml: robot 'left', vocabulary 'ours/1'" in said.out
    assert 'vocabular' not in said.err and said.out.count('vocabular') == 1


def test_another_vocabulary_is_refused_unless_it_is_meant(policy, others, capsys):
    arguments = ['check', str(policy), str(others / 'left.yaml')]
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert f'{others}/left.yaml' in said and '(if that is meant: --allow vocabulary)' in said
    assert main([*arguments, '--allow', 'vocabulary']) == 0
    capsys.readouterr()
    robot, manifest = load_robot(others / 'left.yaml'), load_policy(policy).manifest
    with pytest.raises(PolicyError, match='allow:=vocabulary'):
        Runner(robot, manifest, Settings())
    Runner(robot, manifest, Settings(allow='vocabulary'))
    Runner(robot, manifest, Settings(dry_run=True))


def test_a_policy_that_is_served_is_compared_at_the_connection(policy, others, folder, capsys):
    with serving(load_policy(policy)) as server:
        assert load_policy(server.address).manifest.vocabulary.name == 'ours/1'
        assert main(['check', server.address, str(folder / 'left.yaml')]) == 0
        capsys.readouterr()
        assert main(['check', server.address, str(others / 'left.yaml')]) == 1
        assert '--allow vocabulary' in capsys.readouterr().err


def test_only_one_that_names_a_vocabulary_is_warned_of(policy, folder):
    manifest = load_policy(policy).manifest
    plain, named = (load_robot(folder / each) for each in ('plain/left.yaml', 'left.yaml'))
    texts = [text for text in Runner(plain, manifest, Settings()).warnings if 'vocabul' in text]
    assert len(texts) == 1 and texts[0].endswith('write vocabulary: ours/1 in the robot file')
    without = replace(manifest, vocabulary=None)
    texts = [text for text in Runner(named, without, Settings()).warnings if 'vocabul' in text]
    assert len(texts) == 1 and "left.yaml has the vocabulary 'ours/1', and the policy" in texts[0]
    neither = Runner(plain, without, Settings()).warnings
    assert not [text for text in neither if 'vocabulary' in text]


def test_a_robot_that_its_vocabulary_turns_is_not_driven_by_a_policy_of_others(policy, folder):
    """Such as a server's of somebody else, or one that was trained on other robots."""
    foreign = replace(load_policy(policy).manifest, vocabulary=None, robots={})
    named = load_robot(folder / 'left.yaml')
    Runner(named, foreign, Settings())
    turned = load_robot(write_turned(folder / 'turned.yaml'))
    with pytest.raises(PolicyError, match=r"'a': scale -1, offset 0.5\).*allow:=vocabulary"):
        Runner(turned, foreign, Settings())
    Runner(turned, foreign, Settings(allow='vocabulary'))
    # Its own robot, drafted anew since then; the signs and zeros of then are known or not.
    robots = load_policy(policy).manifest.robots
    known = replace(foreign, robots=robots)
    silent = {name: replace(each, treatments=None) for name, each in robots.items()}
    with pytest.raises(PolicyError, match='another sign or zero than when.*allow:=sense'):
        Runner(turned, known, Settings())
    Runner(turned, known, Settings(allow='sense'))
    with pytest.raises(PolicyError, match="write those that 'left' had in training"):
        Runner(turned, replace(foreign, robots=silent), Settings())
    Runner(named, known, Settings())


def test_recordings_of_another_vocabulary_are_not_added(dataset, folder, others, tmp_path, capsys):
    copy = shutil.copytree(dataset, tmp_path / 'copy')
    before = (copy / 'meta/neuracore_ros.json').read_text()
    assert convert(copy, others, folder / 'b.mcap') == 1
    assert 'convert into another dataset' in capsys.readouterr().err
    assert (copy / 'meta/neuracore_ros.json').read_text() == before


def test_recordings_without_a_vocabulary_are_added_with_a_warning(
    dataset, folder, tmp_path, vocabulary, capsys
):
    copy = shutil.copytree(dataset, tmp_path / 'copy')
    assert convert(copy, folder / 'plain', folder / 'r.mcap', 'right') == 0
    assert 'and write vocabulary: ours/1' in capsys.readouterr().err
    metadata = load_metadata(copy)
    assert (metadata.descriptions.vocabulary, len(metadata.episodes)) == (vocabulary, 2)


def test_no_robot_that_its_vocabulary_turns_joins_recordings_from_before(
    plain_dataset, folder, tmp_path, capsys
):
    """Even its own: the older episodes have the signs and zeros of another robot file."""
    copy = shutil.copytree(plain_dataset, tmp_path / 'copy')
    before = (copy / 'meta/neuracore_ros.json').read_text()
    shutil.copy(folder / 'ours.yaml', tmp_path)
    turned = str(write_turned(tmp_path / 'turned.yaml'))
    words = ['--description', turned, '--image-size', '64x48']
    assert main(['convert', str(copy), str(folder / 'a.mcap'), *words]) == 1
    said = capsys.readouterr().err
    assert "'a': scale -1, offset 0.5" in said and 'Convert all into another dataset' in said
    assert (copy / 'meta/neuracore_ros.json').read_text() == before
    # Joints that the vocabulary leaves as they are may join.
    cross = ['--description', str(folder / 'cross.yaml'), '--robot', 'left']
    assert main(['convert', str(copy), str(folder / 'a.mcap'), *cross, *words[2:]]) == 0


def test_edit_keeps_it_and_merges_no_two(dataset, folder, others, tmp_path, capsys, vocabulary):
    assert convert(tmp_path / 'other', others, folder / 'b.mcap') == 0
    capsys.readouterr()
    words = ['edit', str(dataset), '--merge', str(tmp_path / 'other'), '--out']
    assert main([*words, str(tmp_path / 'both')]) == 1
    assert 'with the vocabulary of the other' in capsys.readouterr().err
    assert not (tmp_path / 'both').exists()
    assert convert(tmp_path / 'same', folder, folder / 'b.mcap') == 0
    words[3] = str(tmp_path / 'same')
    assert main([*words, str(tmp_path / 'both')]) == 0
    assert load_metadata(tmp_path / 'both').descriptions.vocabulary == vocabulary


def test_edit_of_one_that_names_a_vocabulary_and_one_that_does_not_names_none(
    dataset, plain_dataset, tmp_path, capsys
):
    words = ['edit', str(dataset), '--merge', str(plain_dataset), '--out', str(tmp_path / 'both')]
    assert main(words) == 0
    assert 'the new dataset names none either' in capsys.readouterr().err
    assert load_metadata(tmp_path / 'both').descriptions.vocabulary is None


def test_training_begins_with_a_policy_of_its_own_vocabulary(
    dataset, policy, folder, others, tmp_path, capsys, vocabulary
):
    again = train(dataset, tmp_path / 'again', '--init', str(policy))
    assert load_policy(again).manifest.vocabulary == vocabulary
    assert convert(tmp_path / 'other', others, folder / 'b.mcap') == 0
    capsys.readouterr()
    words = ['train', str(tmp_path / 'other'), '--out', str(tmp_path / 'no'), '--init']
    assert main([*words, str(policy)]) == 1
    assert "convert its bags with the run's vocabulary" in capsys.readouterr().err


def test_training_on_data_that_name_none_says_so(plain_dataset, policy, tmp_path, capsys):
    out = train(plain_dataset, tmp_path / 'run', '--init', str(policy))
    assert 'dataset plain_data names no vocabulary' in capsys.readouterr().err
    assert load_policy(out).manifest.vocabulary is None


def test_a_replay_of_a_dataset_says_what_means_something_else(
    policy, dataset, folder, others, tmp_path, capsys
):
    words = ['evaluate', str(policy)]
    assert main([*words, str(dataset), '--episodes', '0']) == 0
    assert 'vocabulary' not in capsys.readouterr().err
    assert convert(tmp_path / 'other', others, folder / 'b.mcap') == 0
    capsys.readouterr()
    assert main([*words, str(tmp_path / 'other'), '--episodes', '0']) == 0
    assert f'{tmp_path}/other ' in (said := capsys.readouterr().err) and 'vocabular' in said


def test_half_a_vocabulary_in_a_manifest_or_a_dataset_is_refused(
    policy, dataset, tmp_path, capsys
):
    record = json.loads(load_policy(policy).manifest.to_json())
    del record['vocabulary_sha256']
    with pytest.raises(PolicyError, match="lacks 'vocabulary_sha256'"):
        Manifest.from_json(json.dumps(record))
    copy = shutil.copytree(dataset, tmp_path / 'copy') / 'meta/neuracore_ros.json'
    copy.write_text(copy.read_text().replace('ours/1', ''))
    assert main(['report', str(tmp_path / 'copy'), '--out', str(tmp_path / 'page.html')]) == 1
    assert 'vocabulary must be a name' in capsys.readouterr().err


def test_a_manifest_with_a_vocabulary_survives_a_round_trip(policy):
    manifest = load_policy(policy).manifest
    manifest = replace(manifest, vocabulary=VocabularyId('arm/1', 'ab' * 32))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert Manifest.from_json(manifest.to_json()).vocabulary == manifest.vocabulary
