"""Range, spread, limits and outliers of each slot, and which episodes are doubtful."""

import numpy as np
import pytest

from helpers.driven_dataset import driven
from helpers.page_reading import lines, shown, tables
from helpers.swinging_dataset import swing, write
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.vocabulary import USUAL, load_vocabulary
from neuracore_ros.report import episodes_section, html, slot_figures
from neuracore_ros.report.episodes_section import EpisodesSection, pictured, ranked
from neuracore_ros.report.slots_section import slots_section

ARM = """
robot: arm
limits:
  base: {position: [-1.0, 1.0], velocity: 2.0}
  elbow: {position: [0.0, 3.0], velocity: 2.0}
input: {JOINT_POSITIONS: {0: base, 1: elbow}}
output: {JOINT_TARGET_POSITIONS: {0: base, 1: elbow}}
sources:
  JOINT_POSITIONS: {topic: /joint_states, elbow: {scale: -1.0, offset: 0.5}}
  JOINT_TARGET_POSITIONS: {topic: /cmd, elbow: {scale: -1.0, offset: 0.5}}
commands:
  JOINT_TARGET_POSITIONS: {topic: /cmd, elbow: {scale: -1.0, offset: 0.5}}
"""


def figures_of(dataset, robots=()):
    return slot_figures.slot_figures(dataset, load_metadata(dataset), dict(robots))


@pytest.fixture
def spiked(tmp_path):
    """Six episodes of one arm; the third has one wild value, and the fifth began late."""
    episodes = [('arm', swing(phase=n, spike=7 if n == 2 else None)) for n in range(6)]
    return write(tmp_path / 'data', episodes, dropped=[0, 0, 0, 0, 3])


def test_a_wild_value_is_an_outlier_of_its_slot_and_episode(spiked):
    found = figures_of(spiked)['arm']
    # As measured, and as the target of the step before.
    assert found.outliers.tolist() == [[0, int(n == 2)] * 2 for n in range(6)]
    assert found.maximum[1] == pytest.approx(30.0)
    assert found.fastest[2, 1] == pytest.approx(10 * 30.0, rel=0.05)


def test_percentiles_and_spread_are_those_of_all_values(spiked):
    found = figures_of(spiked)['arm']
    every = np.concatenate([swing(phase=n) for n in range(6)])[:, 0]
    assert np.allclose(found.percentiles[:, 0], np.percentile(every, (1, 50, 99)), atol=1e-5)
    assert found.spread[0] == pytest.approx(every.std(), abs=1e-5)
    assert (found.minimum[0], found.maximum[0]) == pytest.approx((every.min(), every.max()))


def test_only_a_part_of_the_rows_is_kept_for_percentiles(spiked, monkeypatch):
    exact = figures_of(spiked)['arm']
    monkeypatch.setattr(slot_figures, '_MOST_ROWS', 80)
    rough = figures_of(spiked)['arm']
    assert np.allclose(rough.percentiles[:, 0], exact.percentiles[:, 0], atol=0.1)
    assert (rough.outliers == exact.outliers).all() and rough.maximum[1] == exact.maximum[1]


def test_limits_of_the_robot_file_are_told_in_the_sense_of_the_slot(tmp_path):
    (tmp_path / 'arm.yaml').write_text(ARM)
    robot = load_robot(tmp_path / 'arm.yaml')
    flat = np.stack([np.linspace(-1, 1, 200), np.linspace(-2, 0, 200)], axis=1)
    data = write(tmp_path / 'data', [('arm', flat)])
    found = figures_of(data, {'arm': robot})['arm']
    # -x + 0.5 of 0 to 3 rad.
    assert found.columns[1].limit == pytest.approx((-2.5, 0.5))
    assert [column.unit for column in found.columns] == ['rad'] * 4
    # One in a hundred of the range at both ends.
    assert found.at_limit[0] == pytest.approx(0.02, abs=0.005)
    assert found.at_limit[1] == 0
    page = ''.join(slots_section({'arm': found}, has_limits=True))
    head, first, second = tables(page)[0][:3]
    assert first[head.index('limit')] == '-1 to 1'
    assert second[head.index('limit')] == '-2.5 to 0.5'
    assert first[head.index('fastest')] == '0.1005 rad/s'


def test_a_joint_that_stays_at_its_limit_is_told_in_red(tmp_path):
    (tmp_path / 'arm.yaml').write_text(ARM)
    data = write(tmp_path / 'data', [('arm', np.full((20, 2), 1.0))])
    out = tmp_path / 'page.html'
    assert main(['report', str(data), str(tmp_path / 'arm.yaml'), '--out', str(out)]) == 0
    assert out.read_text().count('<td class="number bad">100.0%</td>') == 4


def test_slots_have_the_names_of_the_vocabulary_of_the_dataset(tmp_path):
    vocabulary = load_vocabulary(USUAL)
    data = write(tmp_path / 'data', [('arm', swing())], vocabulary=vocabulary.id)
    page = ''.join(slots_section(figures_of(data), has_limits=False))
    head, first, second = tables(page)[0][:3]
    told = [row[head.index('vocabulary')] for row in (first, second)]
    assert told == [vocabulary.slot(DataType.JOINT_POSITIONS, n).name for n in (0, 1)]
    assert first[head.index('unit')] == 'rad'


def test_without_robot_files_the_page_says_how_to_get_limits(spiked):
    page = ''.join(slots_section(figures_of(spiked), has_limits=False))
    assert 'report DATASET ROBOT.yaml' in page
    head, first = tables(page)[0][:2]
    assert 'limit' not in head and 'at limit' not in head
    assert first[head.index('unit')] == 'rad or m'


def test_a_joint_that_never_moves_has_no_outliers(tmp_path):
    noise = np.random.default_rng(0).normal(0, 1e-3, (400, 2))
    found = figures_of(write(tmp_path / 'data', [('arm', noise)]))['arm']
    assert not found.outliers.any()


def test_an_episode_of_one_step_has_figures(tmp_path):
    found = figures_of(write(tmp_path / 'data', [('arm', np.ones((1, 2)))]))['arm']
    assert found.minimum[0] == 1 and found.fastest[0, 0] == 0


def test_a_value_that_is_not_finite_is_left_out(tmp_path):
    angles = swing()
    angles[3, 0] = np.inf
    angles[4, 0] = np.nan
    data = write(tmp_path / 'data', [('arm', angles)])
    found = figures_of(data)['arm']
    assert found.maximum[0] < 1.01 and np.isfinite(found.spread).all()
    assert main(['report', str(data), '--out', str(tmp_path / 'page.html')]) == 0


def test_a_joint_that_was_never_measured_has_no_figures_and_no_trace(tmp_path):
    data = write(tmp_path / 'data', [('arm', swing())], measured=(True, False))
    head, first, second = tables(''.join(slots_section(figures_of(data), False)))[0][:3]
    assert head[-8:] == ['min', '1 %', 'median', '99 %', 'max', 'spread', 'fastest', 'in episode']
    assert second[-8:] == ['-'] * 8 and '-' not in first[-8:]
    assert main(['report', str(data), '--out', str(tmp_path / 'page.html')]) == 0
    [episode] = shown((tmp_path / 'page.html').read_text()).values()
    found = lines(episode)
    assert np.isnan(found['input JOINT_POSITIONS', '1 elbow']).all()
    assert np.isfinite(found['input JOINT_POSITIONS', '0 base']).all()


def test_slots_are_named_by_the_vocabulary_of_the_dataset_and_by_no_other(tmp_path):
    vocabulary = load_vocabulary(USUAL)
    data = write(tmp_path / 'data', [('arm', swing())], vocabulary=vocabulary.id)
    (tmp_path / 'ours.yaml').write_text(
        'vocabulary: ours/1\nslots: {joints: {lift: {index: 0}, bend: {index: 1}}}\n'
    )
    (tmp_path / 'arm.yaml').write_text(f'vocabulary: ours.yaml\n{ARM}')
    robots = {'arm': load_robot(tmp_path / 'arm.yaml')}
    named = [column.meaning for column in figures_of(data, robots)['arm'].columns]
    assert named[0] == vocabulary.slot(DataType.JOINT_POSITIONS, 0).name
    unnamed = write(tmp_path / 'unnamed', [('arm', swing())])
    named = [column.meaning for column in figures_of(unnamed, robots)['arm'].columns]
    assert named == ['lift', 'bend'] * 2


def test_limits_of_more_than_a_turn_are_limits_and_a_continuous_joint_has_none(tmp_path):
    """Those of a UR are two turns apart; what is commanded as a speed is limited as one."""
    data = write(tmp_path / 'data', [('arm', 6.27 * swing())])
    file = tmp_path / 'arm.yaml'
    file.write_text(ARM.replace('[-1.0, 1.0]', '[-6.28, 6.28]').replace('[0.0, 3.0]', 'none'))
    arm = load_robot(file)
    found = figures_of(data, {'arm': arm})['arm']
    assert [column.limit for column in found.columns] == [(-6.28, 6.28), None] * 2
    near = np.abs(6.27 * swing()[:, 0]) > 0.98 * 6.28
    assert found.at_limit[0] == pytest.approx(near.mean())
    text = file.read_text().replace('JOINT_TARGET_POSITIONS', 'JOINT_VELOCITIES')
    file.write_text(text.replace(', offset: 0.5', ''))
    arm = load_robot(file)
    assert slot_figures._known(arm, DataType.JOINT_VELOCITIES, 'base', 'rad/s or m/s') == (
        'rad/s',
        (-2.0, 2.0),
    )


def test_the_page_says_by_what_its_episodes_are_ordered(spiked, tmp_path):
    def said(data):
        metadata, figures = load_metadata(data), figures_of(data)
        return ''.join(
            EpisodesSection(data, metadata, ranked(metadata, figures), [], figures).sections()
        )

    assert 'Those with most outliers come first' in said(spiked)
    late = write(tmp_path / 'late', [('arm', swing())] * 2, dropped=[0, 3])
    assert 'None has outliers; those with most dropped ticks come first.' in said(late)
    good = write(tmp_path / 'good', [('arm', swing())])
    assert 'No outliers, and no dropped ticks.' in said(good)


def test_the_most_doubtful_episodes_come_first(spiked):
    metadata = load_metadata(spiked)
    order = ranked(metadata, figures_of(spiked))
    assert [each.number for each in order] == [2, 4, 0, 1, 3, 5]
    # Of four with pictures both doubtful ones, and of the others the first and the last.
    assert pictured(metadata, order, 4) == [2, 4, 0, 5]
    assert pictured(metadata, order, 1) == [2]
    assert pictured(metadata, order, 0) == []
    assert sorted(pictured(metadata, order, 99)) == [0, 1, 2, 3, 4, 5]


def test_what_does_not_fit_is_left_out_and_said(spiked, monkeypatch):
    metadata, figures = load_metadata(spiked), figures_of(spiked)
    order = ranked(metadata, figures)
    monkeypatch.setattr(episodes_section, 'MOST_BYTES_OF_TRACES', 2500)
    monkeypatch.setattr(html, 'MOST_ROWS', 4)
    section = EpisodesSection(spiked, metadata, order, [5], figures)
    # The episode that was asked for first, then the most doubtful ones.
    assert section.with_traces == [5, 2]
    page = ''.join(section.sections())
    assert '4 others have no traces here' in page and '--show N,N-N' in page
    assert 'The table lists 4 of 6.' in page
    assert page.count('<tr><td') == 4
    assert 'href="#episode-4"' not in page and 'data-first="episode-2"' in page


def test_pictures_that_do_not_fit_are_left_out_and_said(tmp_path, monkeypatch):
    data = write(tmp_path / 'data', [('arm', swing(phase=n)) for n in range(3)], has_camera=True)
    metadata, figures = load_metadata(data), figures_of(data)
    order = ranked(metadata, figures)
    whole = EpisodesSection(data, metadata, order, [0, 1, 2], figures)
    assert whole.with_pictures == [0, 1, 2]
    assert 'episodes have pictures' not in ''.join(whole.sections())
    first = shown(''.join(whole.sections()))['episode-0']
    size = int(1.5 * len(first['cameras'][0]['src']))
    monkeypatch.setattr(episodes_section, 'MOST_BYTES_OF_PICTURES', size)
    some = EpisodesSection(data, metadata, order, [0, 1, 2], figures)
    assert some.with_pictures == [0] and some.with_traces == [0, 1, 2]
    assert '1 episode has pictures' in ''.join(some.sections())


def test_lines_with_fewer_points_than_steps_are_said(spiked, monkeypatch):
    metadata, figures = load_metadata(spiked), figures_of(spiked)
    monkeypatch.setattr(episodes_section, 'points_within', lambda most, lines: 20)
    page = ''.join(
        EpisodesSection(spiked, metadata, ranked(metadata, figures), [], figures).sections()
    )
    assert 'A line has about 20 points' in page


def test_what_a_human_commanded_is_shaded(tmp_path):
    data = driven(tmp_path / 'data', 'pphhhppphp', 'dddd')
    assert main(['report', str(data), '--out', str(tmp_path / 'page.html')]) == 0
    found = shown((tmp_path / 'page.html').read_text())
    bands = [(band['from'], band['to']) for band in found['episode-0']['bands']]
    assert bands == [(0.2, 0.5), (0.8, 0.9)] and found['episode-1']['bands'] == []


def test_a_million_steps_leave_no_peak_out():
    from neuracore_ros.report.episode_view import thinned

    values = np.zeros((2, 1_000_001))
    values[1, 777_777] = 5.0
    values[0, 1000:3000] = np.nan
    found, every = thinned(values, 400)
    assert found.shape[1] <= 402 and np.nanmax(found[1]) == 5.0
    peak = int(np.nanargmax(found[1]))
    assert abs(peak * every - 777_777) < 2 * every
