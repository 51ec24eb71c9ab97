"""What people give in place of a LeRobot dataset, and what is said then: one line with the cure."""

import shutil

import pytest

from helpers.three_arms import SO101_URDF, write_cubes
from neuracore_ros.cli.main import main

SO101 = """
robot: so101
urdf: so101.urdf
input: {JOINT_POSITIONS: [shoulder_pan], RGB_IMAGES: [front]}
output: {JOINT_TARGET_POSITIONS: [shoulder_pan]}
sources:
  JOINT_POSITIONS:
    {topic: observation.state, scale: 0.0174533, names: {shoulder_pan: shoulder_pan.pos}}
  RGB_IMAGES: {front: {topic: observation.images.front}}
  JOINT_TARGET_POSITIONS: {topic: action, scale: 0.0174533, names: {shoulder_pan: shoulder_pan.pos}}
commands: {JOINT_TARGET_POSITIONS: {topic: arm_controller/joint_trajectory}}
"""
POINTER = b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n'


@pytest.fixture(scope='module')
def datasets(tmp_path_factory):
    """A dataset of each version; they are only read."""
    folder = tmp_path_factory.mktemp('datasets')
    write_cubes(folder / 'v3', lengths=(20, 15))
    write_cubes(folder / 'v2', 'v2.1', lengths=(20, 15))
    return folder


@pytest.fixture
def refused(datasets, tmp_path, monkeypatch, capsys):
    """Converts what must be refused; gives what was said first."""
    monkeypatch.chdir(tmp_path)
    for name in ('v3', 'v2'):
        shutil.copytree(datasets / name, tmp_path / name)
    (tmp_path / 'so101.urdf').write_text(SO101_URDF)

    def run(recording, before='', after=''):
        assert before in SO101
        (tmp_path / 'so101.yaml').write_text(SO101.replace(before, after) if before else SO101)
        assert main(['convert', 'data', '--description', 'so101.yaml', recording]) == 1
        said = capsys.readouterr().err
        assert 'Traceback' not in said
        return said.splitlines()[0].removeprefix('neuracore_ros convert: ')

    return run


@pytest.mark.parametrize(
    ('before', 'after', 'told'),
    [
        ('observation.state', 'observation.states', 'did you mean observation.state ('),
        ('observation.state', '/observation.state', 'has no slash: observation.state'),
        ('observation.state', '/joint_states', 'did you mean observation.state ('),
        ('observation.images.front', 'observation.images.top', 'did you mean observation.images.'),
        ('shoulder_pan.pos', 'shoulder_pan', "lacks 'shoulder_pan' (JOINT_POSITIONS index 0; "
         "did you mean 'shoulder_pan.pos'?)"),
        (', scale: 0.0174533', '', 'in degrees, not rad? Write under sources: JOINT_POSITIONS: '),
    ],
)  # fmt: skip
def test_a_mistake_in_the_robot_file_is_told_with_what_is_there(refused, before, after, told):
    assert told in refused('v3', before, after)


@pytest.mark.parametrize(
    'part',
    ['v3/data', 'v3/meta/info.json', 'v3/data/chunk-000/file-000.parquet', 'v3/videos', 'v3/3',
     'v2/videos/chunk-000/observation.images.front/episode_000000.mp4'],
)  # fmt: skip
def test_a_part_of_a_dataset_is_told_from_the_dataset(refused, part):
    root = part.partition('/')[0]
    assert refused(part).endswith(
        f'it is within the LeRobot dataset {root}: give {root}, or an episode, such as '
        f'{root}/episode_000000'
    )


def test_an_episode_that_is_not_there_is_told_with_those_that_are(refused):
    assert refused('v3/episode_000007') == 'v3/episode_000007: no such episode; v3 has 0, 1'


def test_a_name_on_the_hub_is_not_downloaded(refused):
    assert refused('lerobot/svla_so101').endswith(
        'hf download lerobot/svla_so101 --repo-type dataset --local-dir svla_so101'
    )


@pytest.mark.parametrize(
    ('lost', 'told'),
    [
        ('v3/meta/info.json', 'a LeRobot dataset has meta/info.json, which is not there'),
        ('v3/meta/episodes', 'v3/meta/episodes: there is no episodes table'),
        ('v3/data', 'v3/data/chunk-000/file-000.parquet: missing or damaged'),
        ('v3/videos', 'observation.images.front (RGB_IMAGES'),
        ('v2/meta/episodes.jsonl', 'v2/meta/episodes.jsonl: missing or damaged'),
        ('v2/data/chunk-000', 'v2/data/chunk-000/episode_000000.parquet: missing or damaged'),
    ],
)
def test_half_of_a_dataset_is_told_by_the_file_that_lacks(refused, tmp_path, lost, told):
    path = tmp_path / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    said = refused(lost.partition('/')[0])
    assert told in said
    assert 'videos' not in lost or '(lost: ' in said


def test_what_git_left_without_its_content_is_told(refused, tmp_path):
    (tmp_path / 'v3/data/chunk-000/file-000.parquet').write_bytes(POINTER)
    assert refused('v3').endswith(
        'is a pointer of Git LFS, and not the file: run git lfs pull there'
    )


@pytest.mark.parametrize('verb', [['train', 'v3', '--out', 'run'], ['report', 'v3', '--out', 'r.html'],
                                  ['edit', 'v3', '--drop', '0', '--out', 'fewer']])  # fmt: skip
def test_what_needs_a_dataset_of_ours_says_to_convert_first(refused, verb, capsys):
    assert main(verb) == 1
    said = capsys.readouterr().err
    assert 'is a dataset of LeRobot, not of neuracore_ros; convert it first: ' in said
    assert 'neuracore_ros convert NEW --description ROBOT.yaml' in said


def test_sixty_episodes_in_another_unit_are_one_long_line_and_short_ones(
    refused, tmp_path, capsys
):
    (tmp_path / 'so101.yaml').write_text(SO101.replace(', scale: 0.0174533', ''))
    main(['convert', 'data', '--description', 'so101.yaml', 'v3'])
    first, *others = [line for line in capsys.readouterr().err.splitlines() if 'convert:' in line]
    assert 'far outside of its limits' in first
    assert others == ['neuracore_ros convert: v3/episode_000001: fails for the same reason as '
                      'v3/episode_000000']  # fmt: skip
