"""Whatever stands in a record, each verb does its work or refuses it in one line.

Each case spoils one file of a sound dataset, run or checkpoint and runs what reads it, as the
command line does, in this process. NEURACORE_ROS_FUZZ=50 looks fifty times further.
"""

import contextlib
import io
import random
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from test_lerobot_files import write as write_checkpoint

from helpers.mutations import ODD, budget, changed, spoilt, spoilt_bytes
from helpers.squares_dataset import STEPS, described, rows, write
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.lerobot import INFO_PATH, STATS_PATH
from neuracore_ros.dataset.metadata import (
    METADATA_PATH,
    ConvertedBag,
    Episode,
    Metadata,
    StreamSummary,
    load_metadata,
)
from neuracore_ros.dataset.staging import EpisodeWriter
from neuracore_ros.dataset.writer import open_dataset
from neuracore_ros.description.vocabulary import VocabularyId
from neuracore_ros.errors import UserError

pytestmark = pytest.mark.filterwarnings('ignore')

TRAIN = ('--batch', '2', '--horizon', '2', '--cache', 'none', '--threads', '1')
STREAM = StreamSummary(
    '/js', 'input', ('base', 'wrist'), 9, 50.0, 0.01, longest_gap_s=0.1, drops={'older': 2}
)
BAG = ConvertedBag('long', 'bag', 'f1', 9, {'late': 1}, 1, 3, '--gap-s 1', ('2 bytes',), (STREAM,))


@pytest.fixture(scope='module')
def sound(tmp_path_factory):
    """A dataset, a run, its policy for every runtime, a checkpoint of LeRobot and a robot file."""
    folder = tmp_path_factory.mktemp('fuzz')
    dataset = write(folder / 'data', {'long': 2, 'short': 1})
    with open_dataset(dataset, load_metadata(dataset)) as writer:
        writer.finish_bag(BAG)
    known = load_metadata(dataset)
    named = replace(known.descriptions, vocabulary=VocabularyId('ours/1', 'ab' * 32))
    gone = (Episode('long', 'bag', 5, 9, 'f1'),)
    removed = replace(known, descriptions=named, removed=gone)
    (dataset / METADATA_PATH).write_text(removed.to_json())
    run = folder / 'run'
    assert main(['train', str(dataset), '--out', str(run), '--steps', '1', *TRAIN]) == 0
    (folder / 'checkpoint').mkdir()
    write_checkpoint(folder / 'checkpoint')
    (folder / 'arm.yaml').write_text(ROBOT)
    return folder


ROBOT = """
robot: long
limits: {base: {position: [-3, 3], velocity: 1}, elbow: {position: [-3, 3], velocity: 1},
  wrist: {position: none, velocity: 1}}
input: {JOINT_POSITIONS: {0: base, 1: elbow, 2: wrist}, RGB_IMAGES: {0: hand, 1: top}}
output: {JOINT_TARGET_POSITIONS: {0: base, 1: elbow, 2: wrist}}
sources: {JOINT_POSITIONS: {topic: /js}, RGB_IMAGES: {hand: {topic: /h}, top: {topic: /t}}}
commands: {JOINT_TARGET_POSITIONS: {topic: /cmd}}
"""


def ends_well(arguments):
    """Run a verb; whatever it meets is a result, or one line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(each) for each in arguments])
    assert code in (0, 1), (code, err.getvalue()[-300:])
    if code:
        *before, line = err.getvalue().splitlines()
        assert line.startswith((f'neuracore_ros {arguments[0]}: ', 'error: ')), line[:300]
        assert all(each.startswith(('warning: ', 'error: ')) for each in before), before
        assert line.isprintable() and len(line) < 2000, line[:300]
    return code


class Spoiler:
    """One file, spoilt anew each time, and put back."""

    def __init__(self, file: Path):
        self.file, self.before = file, file.read_bytes()

    def each(self, count):
        try:
            for seed in range(budget(count)):
                self.file.write_bytes(spoilt(self.before.decode(), (self.file.name, seed)))
                yield seed
        finally:
            self.file.write_bytes(self.before)


@pytest.mark.parametrize(
    ('verb', 'count'),
    [('report', 60), ('train', 20), ('evaluate', 20), ('export', 20), ('edit', 60)],
)
def test_metadata_of_a_dataset(sound, tmp_path, verb, count):
    dataset = sound / 'data'
    out, pt = tmp_path / 'out', tmp_path / 'out.pt'
    words = {
        'report': [dataset, '--out', tmp_path / 'r.html', '--episodes', '1'],
        'train': [dataset, '--out', out, '--steps', '0', *TRAIN],
        'evaluate': [sound / 'run/policy.pt', dataset, '--episodes', '0'],
        'export': ['--from-lerobot', sound / 'checkpoint', '--dataset', dataset, '--out', pt],
        'edit': [dataset, '--keep', '1', '--out', out],
    }
    for _ in Spoiler(dataset / METADATA_PATH).each(count):
        ends_well([verb, *words[verb]])
        shutil.rmtree(out, ignore_errors=True)
        pt.unlink(missing_ok=True)


@pytest.mark.parametrize('file', [METADATA_PATH, STATS_PATH, INFO_PATH], ids=str)
def test_json_of_a_dataset_that_is_added_to(sound, tmp_path, file):
    whole = (sound / 'data' / file).read_text()
    for seed in range(budget(20)):
        dataset = Path(shutil.copytree(sound / 'data', tmp_path / f'{seed}'))
        (dataset / file).write_bytes(spoilt(whole, (str(file), seed)))
        with contextlib.suppress(UserError):
            add_an_episode(dataset)
            load_metadata(dataset)
        shutil.rmtree(dataset)


def add_an_episode(dataset):
    """As convert does."""
    with open_dataset(dataset, Metadata(8.0, (32, 32), described())) as writer:
        written = EpisodeWriter(writer.staging / 'episode', writer.metadata, 'go to the square')
        for row in rows('long', np.random.default_rng(0)):
            written.add(row)
        writer.commit(written.finish(), Episode('long', 'bag', 0, STEPS))


@pytest.mark.parametrize('verb', ['check', 'export', 'layout', 'evaluate'])
def test_manifests(sound, tmp_path, verb):
    """Read of a file of JSON by export, and by the others as it lies in a policy file."""
    run = sound / 'run/policy.pt'
    policy, text = tmp_path / 'policy.pt', tmp_path / 'manifest.json'
    whole = manifest_of(run)
    words = {
        'check': [policy, sound / 'arm.yaml'],
        'layout': [policy, sound / 'arm.yaml'],
        'evaluate': [policy, sound / 'data', '--episodes', '0'],
        'export': ['--from-torchscript', run, '--manifest', text, '--out', tmp_path / 'out.pt'],
    }
    for seed in range(budget(20)):
        text.write_bytes(spoilt(whole, (verb, seed)))
        with_manifest(run, policy, text.read_bytes())
        ends_well([verb, *words[verb]])
        (tmp_path / 'out.pt').unlink(missing_ok=True)


def manifest_of(policy):
    with zipfile.ZipFile(policy) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith('neuracore_ros.json'))
        return archive.read(name).decode()


def with_manifest(policy, copy, manifest):
    with zipfile.ZipFile(policy) as archive, zipfile.ZipFile(copy, 'w') as changed_one:
        for name in archive.namelist():
            is_manifest = name.endswith('neuracore_ros.json')
            changed_one.writestr(name, manifest if is_manifest else archive.read(name))


@pytest.mark.parametrize('file', ['config.json', 'metrics.jsonl'])
def test_json_of_a_run_that_is_resumed(sound, tmp_path, file):
    whole = (sound / 'run' / file).read_text()
    for seed in range(budget(12)):
        run = Path(shutil.copytree(sound / 'run', tmp_path / f'{seed}'))
        (run / file).write_bytes(spoilt(whole, (file, seed)))
        ends_well(['train', '--resume', run, '--steps', '1', '--threads', '1'])
        shutil.rmtree(run)


@pytest.mark.parametrize('file', ['checkpoint.pt', 'best.pt'])
def test_values_of_a_checkpoint(sound, tmp_path, file):
    whole = torch.load(sound / 'run/checkpoint.pt', weights_only=True)
    if file == 'best.pt':
        whole = {'step': 1, 'average': whole['learner']['average']}
    tensors = [torch.zeros(()), torch.zeros(3), torch.zeros(2, 2).long(), torch.tensor([1e400])]
    for seed in range(budget(12)):
        chance = random.Random(f'{file} {seed}')
        run = Path(shutil.copytree(sound / 'run', tmp_path / f'{seed}'))
        torch.save(changed(whole, chance, [*ODD, *tensors * 4]), run / file)
        if chance.random() < 0.2:
            (run / file).write_bytes(spoilt_bytes((run / file).read_bytes(), chance))
        ends_well(['train', '--resume', run, '--steps', '2', '--threads', '1'])
        shutil.rmtree(run)


@pytest.mark.parametrize(
    'file', ['config.json', 'policy_preprocessor.json', 'policy_postprocessor.json']
)
def test_json_of_a_checkpoint_of_lerobot(sound, tmp_path, file):
    words = ['--robot', sound / 'arm.yaml', '--rate-hz', '8', '--out', tmp_path / 'out.pt']
    for _ in Spoiler(sound / 'checkpoint' / file).each(10):
        ends_well(['export', '--from-lerobot', sound / 'checkpoint', *words])
        (tmp_path / 'out.pt').unlink(missing_ok=True)


@pytest.mark.parametrize('verb', ['layout', 'check', 'evaluate', 'export'])
def test_robot_files(sound, tmp_path, verb):
    robot, run, pt = tmp_path / 'arm.yaml', sound / 'run/policy.pt', tmp_path / 'out.pt'
    words = {
        'layout': [robot],
        'check': [run, robot],
        'evaluate': [run, robot, sound / 'data', '--episodes', '0'],
        'export': ['--from-torchscript', run, '--robot', robot, '--rate-hz', '8', '--out', pt],
    }
    for seed in range(budget(25)):
        robot.write_bytes(spoilt(ROBOT, (verb, seed), yaml.safe_dump, yaml.safe_load))
        ends_well([verb, *words[verb]])
        pt.unlink(missing_ok=True)


@pytest.mark.parametrize('folder', ['data', 'videos'])
def test_tables_and_videos(sound, tmp_path, folder):
    (file, *_) = sorted((sound / 'data' / folder).rglob('file-000.*'))
    whole = file.read_bytes()
    for seed in range(budget(15)):
        file.write_bytes(spoilt_bytes(whole, random.Random(f'{folder} {seed}')))
        ends_well(['report', sound / 'data', '--out', tmp_path / 'r.html', '--episodes', '1'])
        ends_well(['evaluate', sound / 'run/policy.pt', sound / 'data', '--episodes', '0'])
    file.write_bytes(whole)


@pytest.mark.parametrize(
    ('column', 'values', 'says'),
    [
        ('observation.state', ['x'] * STEPS, 'rows of 1 slots; meta says 16 of 3'),
        ('observation.state', [['x', 'y', 'z']] * STEPS, "'observation.state' holds object"),
        ('valid.observation.state', [[1, 1, 0]] * STEPS, 'holds int64, not bool'),
        ('valid.action', [[True, None, False]] * STEPS, 'holds object, not bool'),
        ('action', [[1.0, 2.0]] * STEPS, 'rows of 2 slots; meta says 16 of 3'),
        ('action', None, "lacks the column 'action'"),
    ],
)
def test_a_column_of_another_type_is_refused(sound, tmp_path, capsys, column, values, says):
    dataset = Path(shutil.copytree(sound / 'data', tmp_path / 'data'))
    file = dataset / 'data/chunk-000/file-000.parquet'
    table = pq.read_table(file)
    place = table.column_names.index(column)
    table = table.remove_column(place)
    if values is not None:
        table = table.add_column(place, column, pa.array(values))
    pq.write_table(table, file, write_page_checksum=True)
    capsys.readouterr()
    assert main(['train', str(dataset), '--out', str(tmp_path / 'run'), *TRAIN]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


@pytest.mark.parametrize('verb', ['train', 'export'])
def test_a_run_that_is_begun_with_or_exported(sound, tmp_path, verb):
    config, manifest = (
        (sound / 'run/config.json').read_text(),
        manifest_of(sound / 'run/policy.pt'),
    )
    out, run = tmp_path / 'out.pt', tmp_path / 'run'
    words = {
        'train': [sound / 'data', '--out', out, '--init', run, '--steps', '0', '--batch', '2'],
        'export': [run, '--out', out],
    }
    for seed in range(budget(10)):
        shutil.copytree(sound / 'run', run)
        if seed % 2:
            (run / 'config.json').write_bytes(spoilt(config, (verb, seed)))
        else:
            spoilt_one = spoilt(manifest, (verb, seed))
            with_manifest(sound / 'run/policy.pt', run / 'policy.pt', spoilt_one)
        ends_well([verb, *words[verb]])
        shutil.rmtree(run)
        shutil.rmtree(out) if out.is_dir() else out.unlink(missing_ok=True)
