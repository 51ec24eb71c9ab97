"""What `edit` refuses, each in one line, with nothing written."""

import json
import os
import shutil

import pytest

from helpers.dataset_snapshots import contents
from helpers.two_arms import LEFT, RIGHT, describe
from neuracore_ros.cli.main import main
from neuracore_ros.files import LOCK_NAME, locked


@pytest.fixture
def refused(edit, tmp_path):
    """Runs the verb, which must refuse and write nothing; gives what it said."""

    def run(*words, out=None):
        out = out or tmp_path / 'new'
        before = sorted(tmp_path.rglob('*'))
        code, said, why = edit(*words, '--out', out)
        assert (code, said) == (1, '') and why.count('\n') == 1, why
        assert sorted(tmp_path.rglob('*')) == before
        return why.removeprefix('neuracore_ros edit: ').strip()

    return run


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['--drop', '5'], 'has no episode 5; its episodes are 0 to 4'),
        (['--keep', '0', '3-999999999'], 'has no episode 999999999; its episodes are 0 to 4'),
        (['--drop', '0-4'], 'no episode would be left; nothing was written'),
        (['--keep', '3', '--robot', 'left'], 'no episode would be left; nothing was written'),
        (
            ['--robot', 'lefft'],
            "no episode is of 'lefft'; did you mean 'left'? Known: left, right",
        ),
    ],
)
def test_an_episode_or_robot_that_is_not_there(five, refused, words, said):
    assert refused(five, *words).endswith(said)


@pytest.mark.parametrize('word', ['-1', 'x', '', '3-', '-', '3-1', '1.5', '٣', '1e3', '9' * 20])
def test_an_episode_that_is_no_number(five, tmp_path, capsys, word):
    with pytest.raises(SystemExit) as ended:
        main(['edit', str(five), '--drop', word, '--out', str(tmp_path / 'new')])
    assert ended.value.code == 2
    assert 'Traceback' not in capsys.readouterr().err and not (tmp_path / 'new').exists()


def test_nothing_to_do_is_wrong_usage(five, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(['edit', str(five), '--out', str(tmp_path / 'new')])
    assert (
        ended.value.code == 2 and '--drop, --keep, --robot or --merge' in capsys.readouterr().err
    )


def test_numbers_that_are_given_twice_count_once(five, tmp_path, figures):
    assert figures(five, '--keep', '3', '1-3', '2', '--out', tmp_path / 'new')['episodes'] == 3


def test_the_folder_that_is_read_or_one_in_it_or_around_it(five, tmp_path, refused):
    before = contents(five)
    (tmp_path / 'link').symlink_to(five)
    for out in (five, tmp_path / 'link', five / '..' / five.name):
        assert 'is never edited in place' in refused(five, '--drop', '0', out=out)
    for out in (five / 'new', tmp_path / 'link' / 'new', five / 'data', five.parent):
        assert 'lies in' in refused(five, '--drop', '0', out=out)
    assert contents(five) == before


def test_a_folder_that_holds_something(five, tmp_path, refused, figures):
    for name in ('other', 'file', 'here'):
        (tmp_path / name).mkdir()
    (tmp_path / 'other' / 'note.txt').write_text('mine')
    (tmp_path / 'file' / 'f').write_text('mine')
    (tmp_path / 'nowhere').symlink_to(tmp_path / 'gone')
    for out in ('other', 'file/f', 'nowhere'):
        refused(five, '--drop', '0', out=tmp_path / out)
    figures(five, '--drop', '0', '--out', tmp_path / 'here')
    assert 'exists' in refused(five, '--drop', '0', out=tmp_path / 'here')


def test_a_dataset_given_twice(five, tmp_path, refused):
    (tmp_path / 'link').symlink_to(five)
    assert 'is given twice' in refused(five, '--merge', five)
    assert 'is given twice' in refused(five, '--merge', tmp_path / 'link')


def test_what_is_no_dataset_of_ours(five, tmp_path, refused):
    theirs = tmp_path / 'theirs'
    shutil.copytree(five, theirs)
    (theirs / 'meta/neuracore_ros.json').unlink()
    assert 'is a dataset of LeRobot' in refused(theirs, '--drop', '0')
    assert 'convert it first: neuracore_ros convert NEW' in refused(five, '--merge', theirs)
    assert 'not a dataset of neuracore_ros' in refused(tmp_path / 'none', '--drop', '0')


def test_datasets_that_do_not_fit_together(five, make, bags, tmp_path, refused):
    for name, more in (('slow', ['--rate-hz', '10']), ('big', ['--image-size', '80x64'])):
        cross = describe(tmp_path, left=LEFT, right=RIGHT)
        words = ['--description', str(cross), '--robot', 'left', '--image-size', '64x48', *more]
        assert main(['convert', str(tmp_path / name), str(bags['left']), *words]) == 0
    said = refused(five, '--merge', tmp_path / 'slow')
    assert said.endswith(
        f'slow: has 10 steps a second, and {five} has 20; convert its recordings '
        'again with --rate-hz 20'
    )
    said = refused(five, '--merge', tmp_path / 'big')
    assert 'has images of 80x64' in said and said.endswith('again with --image-size 64x48')


@pytest.mark.parametrize(
    ('old', 'new', 'said'),
    [
        ('0: a, 2: c', '0: a, 1: c', 'input JOINT_POSITIONS index 1'),
        (
            'image_raw}',
            'image_raw, crop: [0, 0, 32, 32]}',
            "RGB_IMAGES 'front': crop [0, 0, 32, 32]",
        ),
        (
            'topic: /joint_states}',
            'topic: /joint_states, a: {scale: -1}}',
            "JOINT_POSITIONS 'a': scale -1, offset 0 (then scale 1, offset 0)",
        ),
    ],
)
def test_two_robots_of_one_name(five, bags, tmp_path, refused, old, new, said):
    cross = describe(tmp_path, left=LEFT.replace(old, new), right=RIGHT)
    words = ['--description', str(cross), '--robot', 'left', '--image-size', '64x48']
    assert main(['convert', str(tmp_path / 'other'), str(bags['left']), *words]) == 0
    why = refused(five, '--merge', tmp_path / 'other')
    assert "'left' is described otherwise there" in why and said in why


def test_a_recording_that_was_converted_in_two_ways(five, make, bags, tmp_path, refused):
    make(tmp_path / 'cut', 'pieces', options=['--range', '0:0.7'])
    why = refused(five, '--merge', tmp_path / 'cut')
    assert 'converted otherwise: cut with no option, and there cut with --range 0:0.7' in why
    assert why.endswith(f'neuracore_ros edit {tmp_path / "cut"} --drop 0 --out NEW')
    scaled = LEFT.replace('topic: /joint_states', 'topic: /joint_states, scale: 0.5')
    cross = describe(tmp_path, left=scaled, right=RIGHT)
    words = ['--description', str(cross), '--robot', 'left', '--image-size', '64x48']
    assert main(['convert', str(tmp_path / 'scaled'), str(bags['left']), *words]) == 0
    assert 'its episodes have other values' in refused(five, '--merge', tmp_path / 'scaled')


def test_a_folder_that_another_process_writes_to(five, tmp_path, edit):
    with locked(tmp_path / 'new', 'edit', ''):
        code, _, said = edit(five, '--drop', '0', '--out', tmp_path / 'new')
    assert code == 1 and 'is writing to it' in said
    assert not (tmp_path / 'new').exists()


def test_a_dataset_that_a_convert_writes_to_is_read_as_it_is(five, tmp_path, edit):
    copy = tmp_path / 'copy'
    shutil.copytree(five, copy)
    with locked(copy, 'convert', ''):
        assert (copy / LOCK_NAME).exists()
        code, _, said = edit(copy, '--drop', '0', '--out', tmp_path / 'new')
    assert code == 0 and 'the 5 episodes that it has now are read' in said


@pytest.mark.parametrize(
    'place',
    [
        'data/chunk-000/file-001.parquet',
        'videos/observation.images.rgb_1/chunk-000/file-001.mp4',
        'meta/episodes/chunk-000/file-001.parquet',
        'meta/tasks.parquet',
    ],
)
@pytest.mark.parametrize('damage', ['gone', 'short', 'flipped', 'pipe', 'folder'])
def test_a_damaged_dataset_is_told_by_the_file(five, tmp_path, edit, place, damage):
    copy = tmp_path / 'copy'
    shutil.copytree(five, copy)
    file = copy / place
    content = file.read_bytes()
    file.unlink()
    if damage == 'short':
        file.write_bytes(content[: len(content) // 2])
    elif damage == 'flipped':
        file.write_bytes(bytes(b ^ 0x55 if k < 300 else b for k, b in enumerate(content)))
    elif damage == 'pipe':
        os.mkfifo(file)
    elif damage == 'folder':
        file.mkdir()
    code, _, said = edit(copy, '--drop', '0', '--out', tmp_path / 'new')
    assert code == 1 and said.count('\n') == 1 and str(file) in said, said
    # Mended, the same command goes on.
    if damage == 'folder':
        file.rmdir()
    elif damage != 'gone':
        file.unlink()
    file.write_bytes(content)
    assert edit(copy, '--drop', '0', '--out', tmp_path / 'new')[0] == 0


def test_each_dataset_is_compared_with_each_not_with_the_first_alone(bags, tmp_path, refused):
    """The first one is of an older version, which kept no signs; or in another unit."""
    there = []
    for number, (bag, of_a) in enumerate(
        [('left', ''), ('late', ', a: {scale: 1}'), ('pieces', ', a: {scale: -1}')]
    ):
        (tmp_path / f'{number}').mkdir()
        text = LEFT.replace('topic: /joint_states}', f'topic: /joint_states{of_a}}}')
        cross = describe(tmp_path / f'{number}', left=text, right=RIGHT)
        words = ['--description', str(cross), '--robot', 'left', '--image-size', '64x48']
        there.append(tmp_path / f'{number}' / 'data')
        assert main(['convert', str(there[-1]), str(bags[bag]), *words]) == 0
    path = there[0] / 'meta/neuracore_ros.json'
    document = json.loads(path.read_text())
    for robot in document['descriptions'].values():
        robot.pop('treatments', None)
    path.write_text(json.dumps(document))
    why = refused(there[0], '--merge', there[1], there[2])
    assert "JOINT_POSITIONS 'a': scale -1, offset 0 (then scale 1, offset 0)" in why
