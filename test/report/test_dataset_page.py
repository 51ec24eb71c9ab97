"""The page of a dataset: complete, self-contained, and plain about what was dropped."""

import re
import shutil

import numpy as np
import pytest

from helpers.page_reading import fetched, lines, pictures, rows_under, shown
from helpers.pose_reaching import write
from helpers.small_bags import write_bag
from helpers.two_arms import (
    LEFT,
    NUMBERS,
    RIGHT,
    describe,
    images,
    joint_states,
    record_right,
    trajectories,
)
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.loading.reading import read_columns


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    """Two arms; the camera of the left one stops for a second."""
    folder = tmp_path_factory.mktemp('report')
    cross = describe(folder, left=LEFT, right=RIGHT)
    seen = images(1.5) + images(1.5, start=2.5)
    left = write_bag(folder / 'left_bag', [*joint_states(4.0), *trajectories(4.0), *seen])
    right = record_right(folder / 'right_bag')
    made = folder / 'pick <cubes>'
    for robot, bag in (('left', left), ('right', right)):
        arguments = ['convert', str(made), '--description', str(cross), '--robot', robot, str(bag)]
        assert main([*arguments, '--image-size', '64x48']) == 0
    return made


@pytest.fixture(scope='module')
def page(dataset):
    out = dataset.parent / 'report.html'
    assert main(['report', str(dataset), '--out', str(out)]) == 0
    return out.read_text()


def test_the_page_needs_nothing_from_elsewhere(page):
    assert fetched(page) == []
    assert "default-src 'none'; img-src data:;" in page


def test_names_are_shown_and_not_executed(page):
    assert '<h1>pick &lt;cubes&gt;</h1>' in page


def test_every_slot_and_its_gaps_are_in_the_layout(page):
    layout = re.search(r'<svg[^>]*class="layout">.*?</svg>', page, re.DOTALL)[0]
    first_table = re.split('RGB_IMAGES|JOINT_TARGET_POSITIONS', layout)[0]
    assert re.findall(r'class="ink mono">(\w)</text>', first_table) == ['a', 'u', 'v', 'c']
    assert first_table.count('stroke-dasharray') == 2


def test_it_says_what_was_dropped_and_why(page):
    [[robot, reason, ticks, recordings]] = rows_under(page, 'What was dropped, and why')
    assert (robot, reason, recordings) == ('left', 'RGB_IMAGES front: stale', '1')
    # The gap lasts 1.1 s, of which the first 0.5 s are within max_age_s.
    assert 10 <= int(ticks) <= 12


def test_each_stream_has_its_rate_and_ages(page):
    streams = re.search(r'<h2>Streams</h2>(.*?)<h2>', page, re.DOTALL)[1]
    rows = [re.findall(r'<td[^>]*>(.*?)</td>', row) for row in streams.split('<tr>')]
    by_topic = {(row[0], row[1]): row for row in rows if row}
    assert len(by_topic) == 6
    joints = by_topic['left', '/joint_states']
    assert joints[2:6] == ['input', 'a, c', '200', '50.0']
    assert by_topic['left', '/front/image_raw'][9] == '1100 ms'  # the gap


def test_types_that_share_a_topic_and_robots_that_share_a_recording_are_not_added_up(tmp_path):
    shown = NUMBERS.replace('robot: numbers', 'robot: shown').replace(
        'input: {', 'input: {JOINT_VELOCITIES: {0: a}, '
    )
    shown = shown.replace('sources: {', 'sources: {JOINT_VELOCITIES: {topic: /joint_states}, ')
    cross = describe(tmp_path, numbers=NUMBERS, shown=shown)
    messages = joint_states(1.0)
    for _, message, _ in messages:
        message.velocity = message.position
    bag = write_bag(tmp_path / 'bag', [*messages, *trajectories(1.0)])
    for robot in ('numbers', 'shown'):
        arguments = ['convert', str(tmp_path / 'data'), str(bag), '--description', str(cross)]
        assert main([*arguments, '--robot', robot]) == 0
    assert main(['report', str(tmp_path / 'data'), '--out', str(tmp_path / 'data.html')]) == 0
    text = (tmp_path / 'data.html').read_text()
    rows = [re.findall(r'<td[^>]*>(.*?)</td>', row) for row in text.split('<tr>')]
    samples = [row[4] for row in rows if row[:3] == ['shown', '/joint_states', 'input']]
    assert samples == ['50', '50']
    recordings = re.search(r'All 2 recordings(.*?)</details>', text, re.DOTALL)[1]
    rows = [re.findall(r'<td[^>]*>(.*?)</td>', row) for row in recordings.split('<tr>')]
    assert [(row[0], row[2], row[3]) for row in rows if row] == [
        ('numbers', '20', '20'),
        ('shown', '20', '20'),
    ]


def test_the_pictures_are_the_frames_of_the_cameras(page):
    [camera] = shown(page)['episode-2']['cameras']
    frames = pictures(camera)
    assert camera['label'] == '0 hand' and len(frames) == len(camera['steps']) > 8
    assert all(frame.shape == (48, 64, 3) for frame in frames)
    # The blue of these pictures grows by 5 a frame, until it starts again.
    blues = [frame[..., 0].mean() for frame in frames[:8]]
    assert np.all(np.diff(blues) > -2) and blues[-1] - blues[0] > 10


def test_traces_carry_the_names_of_the_joints_and_their_units(page):
    charts = {chart['title']: chart for chart in shown(page)['episode-2']['charts']}
    outputs = charts['output JOINT_TARGET_POSITIONS']
    assert [line['label'] for line in outputs['lines']] == ['0 u', '1 v']
    assert outputs['unit'] == 'rad or m'


def test_a_trace_has_the_values_of_the_dataset(dataset, page):
    columns = read_columns(dataset, load_metadata(dataset), 2)
    found = lines(shown(page)['episode-2'])
    values = found['input JOINT_POSITIONS', '1 v']
    assert np.allclose(values, columns.state[:, 1], atol=1e-3)
    # After the last command none was measured.
    assert np.isfinite(found['output JOINT_TARGET_POSITIONS', '0 u']).all()


def test_every_episode_is_reached_from_the_table_and_has_traces(page):
    linked = re.findall(r'<td class="number"><a href="#(episode-\d)">\d</a></td><td>', page)
    assert sorted(linked) == sorted(shown(page)) == ['episode-0', 'episode-1', 'episode-2']


def test_none_has_pictures_when_none_is_asked_for(dataset, capsys):
    out = dataset.parent / 'short.html'
    assert main(['report', str(dataset), '--out', str(out), '--episodes', '0']) == 0
    assert 'data:image' not in out.read_text()
    said = capsys.readouterr().out
    assert said.startswith(f'{out}: 3 episodes with traces, 0 of them with pictures')


def test_an_episode_that_is_asked_for_has_pictures(dataset):
    out = dataset.parent / 'chosen.html'
    words = ['report', str(dataset), '--out', str(out), '--episodes', '0', '--show', '1-2']
    assert main(words) == 0
    found = shown(out.read_text())
    assert [bool(found[f'episode-{n}']['cameras']) for n in range(3)] == [False, True, True]


def test_an_episode_or_robot_that_is_not_there_is_refused_in_one_line(dataset, tmp_path, capsys):
    out = str(tmp_path / 'page.html')
    assert main(['report', str(dataset), '--out', out, '--show', '1,9']) == 1
    assert 'has no episode 9; it has 3, from 0 on' in capsys.readouterr().err
    assert main(['report', str(dataset), 'ur5', '--out', out]) == 1
    assert "has no robot 'ur5'; it has: left, right" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_is_no_dataset_is_refused_in_one_line(tmp_path, capsys):
    assert main(['report', str(tmp_path), '--out', str(tmp_path / 'report.html')]) == 1
    assert 'not a dataset of neuracore_ros' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_damaged_video_or_table_is_told_in_one_line_and_leaves_no_page(
    dataset, tmp_path, capsys
):
    for pattern in ('videos/**/file-002.mp4', 'data/**/file-002.parquet'):
        copy = tmp_path / pattern[:4]
        shutil.copytree(dataset, copy)
        for file in copy.glob(pattern):
            file.write_bytes(file.read_bytes()[:100])
        out = tmp_path / 'page.html'
        assert main(['report', str(copy), '--out', str(out)]) == 1
        said = capsys.readouterr().err.strip()
        assert file.name in said and '\n' not in said
        assert not out.exists()


def test_a_page_that_cannot_be_written_is_told_in_one_line(dataset, tmp_path, capsys):
    out = tmp_path / 'missing' / 'report.html'
    assert main(['report', str(dataset), '--out', str(out)]) == 1
    assert f'{out.parent}: no such folder' in capsys.readouterr().err


def test_an_episode_is_written_for_the_rerun_viewer(dataset, tmp_path):
    pytest.importorskip('rerun')
    out = tmp_path / 'episode.rrd'
    assert main(['report', str(dataset), '--rerun', '2', '--rerun-file', str(out)]) == 0
    assert out.read_bytes().startswith(b'RRF')


def test_an_episode_that_is_not_there_is_told_in_one_line(dataset, capsys):
    pytest.importorskip('rerun')
    assert main(['report', str(dataset), '--rerun', '9', '--rerun-file', 'x.rrd']) == 1
    assert 'has no episode 9; it has 3, from 0 on' in capsys.readouterr().err


def test_a_pose_has_a_chart_of_its_position_and_one_of_its_quaternion(tmp_path):
    poses = write(tmp_path / 'poses', {'both': 1, 'one': 1})
    out = tmp_path / 'report.html'
    assert main(['report', str(poses), '--out', str(out)]) == 0
    page = out.read_text()
    both, one = (
        {(chart['title'], chart['unit']) for chart in data['charts']}
        for data in shown(page).values()
    )
    for role in ('input', 'output'):
        for part in (('position', 'm'), ('quaternion', '')):
            assert (f'{role} END_EFFECTOR_POSES: {part[0]}', part[1]) in both & one
    for label in ('0 a x', '1 b z', '0 hand qw', '1 b qx'):
        assert label in page
    # 'one' has no second hand: its zeros are no trace.
    assert '1 hand' not in page
