"""Recordings are added up one by one: figures are those of all rows at once, and none is kept."""

import gc
import json
import weakref

import numpy as np
import pytest

pytest.importorskip('torch')

from helpers.leader_arm import ARM
from helpers.page_reading import lines
from helpers.small_policies import StandStill
from helpers.swinging_dataset import swing, write
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.evaluation.commanded_spread import Moments
from neuracore_ros.evaluation.compared_slots import ComparedSlots
from neuracore_ros.evaluation.evaluate import Case, Evaluation
from neuracore_ros.evaluation.figures import FigureSums
from neuracore_ros.evaluation.recording_traces import RecordingTraces
from neuracore_ros.evaluation.replay import Phase, Replay
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save
from neuracore_ros.report.episode_view import MOST_POINTS, EpisodeView, ShownLine, TimeChart
from neuracore_ros.runner import Counters

HORIZON = 4


@pytest.fixture
def outputs(tmp_path):
    (tmp_path / 'arm.yaml').write_text(ARM)
    return ComparedSlots(load_robot(tmp_path / 'arm.yaml'))


def replayed(steps, seed=0, unknown=(), holds=()):
    """Random commands and predictions of two joints; nothing is known of some steps."""
    rng = np.random.default_rng(seed)
    commanded = 100.0 + rng.normal(0, 0.1, (steps, 2))
    commanded[list(unknown)] = np.nan
    return Replay(
        name=f'bag {seed}',
        commanded=commanded,
        predicted={k: rng.normal(100, 1, (HORIZON, 2)) for k in range(0, steps, 3)},
        executed=commanded + rng.normal(0, 0.01, commanded.shape),
        pieces=np.zeros(steps, np.int64),
        latencies_ms=[1.0 + seed, 2.0],
        holds=list(holds),
        waiting='',
        running=steps,
        counters=Counters(observed=steps, clamps=seed),
        phases=[Phase('', '')] * steps,
        cameras={},
    )


def test_figures_are_those_of_all_rows_at_once(outputs):
    replays = [replayed(9, 1, unknown=[2, 3]), replayed(0, 2), replayed(30, 3, unknown=[29])]
    sums = FigureSums(outputs, HORIZON)
    for one in replays:
        sums.add(one)
    found = sums.figures()
    errors = np.full((HORIZON, 0, 2), np.nan)
    for one in replays:
        for tick, chunk in one.predicted.items():
            wanted = np.full((HORIZON, 2), np.nan)
            rows = one.commanded[tick : tick + HORIZON]
            wanted[: len(rows)] = rows
            errors = np.concatenate([errors, np.abs(chunk - wanted)[:, None]], axis=1)
    commanded = np.concatenate([one.commanded for one in replays])
    apart = np.abs(np.concatenate([one.executed for one in replays]) - commanded)
    assert found.error == pytest.approx(np.nanmean(errors, axis=1), rel=1e-12)
    assert found.entries.tolist() == np.isfinite(errors).sum(axis=1).tolist()
    assert found.largest.tolist() == np.nanmax(errors, axis=(0, 1)).tolist()
    assert found.executed == pytest.approx(np.nanmean(apart, axis=0), rel=1e-12)
    assert found.spread == pytest.approx(np.nanstd(commanded, axis=0), rel=1e-12)
    assert (found.recordings, found.ticks, found.predictions) == (3, 39, 13)
    assert (found.clamps, found.latencies_ms.tolist()) == (6, [2.0, 2.0, 3.0, 2.0, 4.0, 2.0])


def test_the_first_of_equal_reasons_is_told_with_its_numbers(outputs):
    sums = FigureSums(outputs, HORIZON)
    sums.add(replayed(3, 1, holds=['late by 3 ms', 'nan']))
    sums.add(replayed(3, 2, holds=['late by 9 ms']))
    found = sums.figures()
    assert list(found.holds.values()) == [2, 1]
    assert list(found.first_holds.values()) == ['late by 3 ms', 'nan']


def test_nothing_of_a_recording_is_kept_but_sums_and_the_points_of_its_lines(outputs):
    one = replayed(20_000)
    sums = FigureSums(outputs, HORIZON)
    sums.add(one)
    traces = RecordingTraces.of(one, outputs, HORIZON, {})
    kept = [weakref.ref(each) for each in (one.commanded, one.executed, *one.predicted.values())]
    del one
    gc.collect()
    assert not any(each() is not None for each in kept)
    for each in (traces.commanded, traces.wanted, traces.executed):
        assert each.shape == (MOST_POINTS, 2) and each.dtype == np.float32
        assert each.base is None or each.base.size <= 6 * MOST_POINTS


@pytest.mark.parametrize('points', [MOST_POINTS, 60])
def test_no_peak_of_a_long_recording_is_lost_and_it_is_drawn_at_its_time(outputs, points):
    one = replayed(20_000)
    one.commanded[15_000, 1] = 300.0
    one.executed[16_000, 0] = -5.0
    traces = RecordingTraces.of(one, outputs, HORIZON, {})
    chart = TimeChart('c', 'rad', [ShownLine('commanded', traces.commanded[:, 1])])
    view = EpisodeView('k', 't', '', 20.0, traces.steps, [chart], every=traces.every)
    assert (np.nanmax(traces.commanded[:, 1]), np.nanmin(traces.executed[:, 0])) == (300, -5)
    data = read(view.element(points))
    values = lines(data)['c', 'commanded']
    assert data['steps'] == 20_000 and len(values) <= points
    assert values.max() == 300.0
    assert abs(values.argmax() * data['every'] - 15_000) <= 2 * data['every']


def read(element):
    return json.loads(element.partition('>')[2].rpartition('</script>')[0])


def test_moments_are_exact_whatever_the_offset_and_the_gaps():
    rng = np.random.default_rng(0)
    rows = rng.normal([0.0, 1e6, 5.0], [1.0, 1e-3, 0.0], (1000, 3))
    rows[rng.random(rows.shape) < 0.3] = np.nan
    moments = Moments(3)
    assert moments.variance.tolist() == [0.0, 0.0, 0.0]
    for part in np.split(rows, [0, 1, 7, 7, 600]):
        moments.add(part)
    assert moments.variance == pytest.approx(np.nanvar(rows, axis=0), rel=1e-6, abs=1e-20)


def test_a_case_without_an_error_is_the_worst(outputs):
    def case(name, *replays):
        sums = FigureSums(outputs, HORIZON)
        for one in replays:
            sums.add(one)
        return Case(name, 'arm', 20.0, sums.figures(), (), ())

    known, unknown = case('known', replayed(9)), case('unknown', replayed(9, unknown=range(9)))
    for cases in ((known, unknown), (unknown, known), (known, unknown, known)):
        assert Evaluation(cases, None, '').worst.policy == 'unknown'


def test_what_was_not_measured_in_a_dataset_is_no_zero_to_the_runner(tmp_path, capsys):
    data = write(tmp_path / 'data', [('arm', swing())], measured=(True, False))
    slots = InputSlots(2, (0, 1)), OutputSlots(2, (0, 1))
    described = {DataType.JOINT_POSITIONS: slots[0]}, {DataType.JOINT_TARGET_POSITIONS: slots[1]}
    save(StandStill(5), Manifest(*described, rate_hz=10.0, horizon=5), tmp_path / 'policy.pt')
    assert main(['evaluate', str(tmp_path / 'policy.pt'), str(data)]) == 1
    said = capsys.readouterr().err.strip().split('\n')[-1]
    assert '(0 of 40 steps have a usable observation)' in said and "'elbow'" in said
