"""What `edit` makes equals what `convert` makes of the same recordings, file by file."""

from helpers.dataset_snapshots import contents
from helpers.every_data_type import BARE, EVERY, record_bare, record_every
from helpers.two_arms import describe
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata

META = 'meta/neuracore_ros.json'


def test_dropping_every_episode_of_a_recording_leaves_what_convert_makes_of_the_others(
    tmp_path, five, make, edit
):
    assert edit(five, '--drop', '1-2', '--out', tmp_path / 'new')[0] == 0
    make(tmp_path / 'alone', 'left', options=['--task', 'wave'])
    make(tmp_path / 'alone', 'right', options=['--task', 'push'])
    make(tmp_path / 'alone', 'late', options=['--task', 'nod'])
    new, alone = contents(tmp_path / 'new'), contents(tmp_path / 'alone')
    # What was removed is said, and its recording still known.
    assert [each['steps'] for each in new[META].pop('removed')] == [20, 14]
    assert [len(each[META].pop('bags')) for each in (new, alone)] == [4, 3]
    assert new == alone


def test_a_robot_alone_is_what_convert_makes_of_its_recordings(tmp_path, five, make, edit):
    assert edit(five, '--robot', 'left', '--out', tmp_path / 'new')[0] == 0
    make(tmp_path / 'alone', 'left', 'pieces', options=['--task', 'wave'])
    make(tmp_path / 'alone', 'late', options=['--task', 'nod'])
    assert contents(tmp_path / 'new') == contents(tmp_path / 'alone')


def test_merging_narrow_datasets_is_what_convert_makes_with_both_robots(tmp_path, make, edit):
    make(tmp_path / 'left', 'left', 'pieces', alone=True)
    make(tmp_path / 'right', 'right', 'other', alone=True)
    code, out, _ = edit(
        tmp_path / 'left', '--merge', tmp_path / 'right', '--out', tmp_path / 'new'
    )
    assert code == 0 and '5 episodes' in out
    make(tmp_path / 'both', 'left', 'pieces', 'right', 'other')
    assert contents(tmp_path / 'new') == contents(tmp_path / 'both')


def test_depths_poses_and_tasks_are_padded_and_copied_as_convert_writes_them(tmp_path, edit):
    cross = describe(tmp_path, every=EVERY, bare=BARE)
    bags = {'every': record_every(tmp_path / 'e'), 'bare': record_bare(tmp_path / 'b')}
    options = ['--image-size', '64x48', '--task', 'go']
    for robot, bag in bags.items():
        alone = ['--description', str(tmp_path / f'{robot}.yaml')]
        assert main(['convert', str(tmp_path / robot), str(bag), *alone, *options]) == 0
        both = ['--description', str(cross), '--robot', robot]
        assert main(['convert', str(tmp_path / 'both'), str(bag), *both, *options]) == 0
    new = tmp_path / 'new'
    assert edit(tmp_path / 'every', '--merge', tmp_path / 'bare', '--out', new)[0] == 0
    assert contents(new) == contents(tmp_path / 'both')


def test_a_part_of_a_recording_keeps_rows_bit_for_bit_and_new_numbers(tmp_path, five, figures):
    found = figures(five, '--keep', '2', '4', '--out', tmp_path / 'new')
    assert found['episodes'] == 2 and found['removed'] == 3 and found['robots'] == ['left']
    assert load_metadata(tmp_path / 'new').episodes == tuple(
        load_metadata(five).episodes[k] for k in (2, 4)
    )
