"""Recordings of a simulation: by its time where they have it, else what to do is said."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from helpers.small_bags import ROS2, Messages, S, at, write_bag
from helpers.two_arms import NUMBERS
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata

START_S = 5.0


def clock(time_s):
    kinds = ROS2.types
    stamp = kinds['builtin_interfaces/msg/Time'](*divmod(round(time_s * S), S))
    return kinds['rosgraph_msgs/msg/Clock'](stamp)


def simulation(speed, seconds=4.0, has_clock=True, clock_from=0.0):
    """Joint `a` moves at 1 rad in a simulated second; `speed` of these are one of the log."""
    messages = []
    for simulated_s in np.arange(round(seconds * 50)) / 50:
        log_ns, time_s = at(simulated_s / speed), START_S + simulated_s
        if has_clock and simulated_s >= clock_from:
            messages.append(('/clock', clock(time_s), log_ns))
        joints = Messages().joints(round(time_s * S), a=simulated_s, c=0.5)
        messages.append(('/joint_states', joints, log_ns))
    return messages


@pytest.fixture
def converted(convert):
    """Converts a bag; gives the exit code, and the JSON of the bag."""

    def run(bag, *options, **others):
        code, out, _ = convert(bag, *options, '--json', **others)
        (found,) = json.loads(out)['bags']
        return code, found

    return run


def speed_of(dataset):
    """Of joint `a` in the dataset [rad/s]."""
    table = pq.read_table(dataset / 'data/chunk-000/file-000.parquet')
    positions = np.array(table['observation.state'].to_pylist())[:, 0]
    return (positions[-1] - positions[0]) / (len(positions) - 1) * 20


@pytest.mark.parametrize('speed', [0.5, 1.0, 3.0])
def test_a_recorded_clock_counts_where_that_is_asked_for(tmp_path, converted, speed):
    bag = write_bag(tmp_path / 'bag', simulation(speed))
    code, found = converted(bag, '--use-sim-time')
    assert (code, found['losses']) == (0, []) and 79 <= found['steps'] <= 80
    assert speed_of(tmp_path / 'data') == pytest.approx(1.0, abs=0.01)
    assert load_metadata(tmp_path / 'data').episodes[0].start_ns == round(START_S * S)


@pytest.mark.parametrize('speed', [0.5, 3.0])
def test_a_forgotten_option_is_named_and_log_time_is_not_advised(tmp_path, converted, speed):
    code, found = converted(write_bag(tmp_path / 'bag', simulation(speed)))
    assert code == 1 and 'stamp: receive' not in found['error']
    assert (
        f'they are of the simulation whose /clock was recorded, which went {speed:.2f} times as '
        'fast as the log: give --use-sim-time;'
    ) in found['error']


@pytest.mark.parametrize(
    ('has_clock', 'cure'),
    [
        (True, 'with --use-sim-time, convert reads it by /clock'),
        (False, 'record it with --use-sim-time'),
    ],
)
def test_by_log_time_a_slow_simulation_is_learnt_at_another_speed_which_is_said(
    tmp_path, converted, capsys, has_clock, cure
):
    received = NUMBERS.replace('/joint_states}', '/joint_states, stamp: receive}')
    bag = write_bag(tmp_path / 'bag', simulation(0.5, has_clock=has_clock))
    _, found = converted(bag, robot=received)
    assert speed_of(tmp_path / 'data') == pytest.approx(0.5, abs=0.01)
    said = (
        '/joint_states: header stamps go 0.50 times as fast as the log, as those of a '
        f'simulation; by log time (`stamp: receive`) another speed is learnt: {cure}'
    )
    assert said in found['notes']
    assert main(['describe', '--bag', str(bag), '--out', str(tmp_path / 'draft.yaml')]) == 0
    assert f'warning: {said}\n' in capsys.readouterr().err


def test_at_real_time_nothing_is_said_of_the_speed(tmp_path, converted):
    received = NUMBERS.replace('/joint_states}', '/joint_states, stamp: receive}')
    assert (
        converted(write_bag(tmp_path / 'bag', simulation(1.0)), robot=received)[1]['notes'] == []
    )


def test_without_a_clock_it_is_advised_to_record_anew(tmp_path, converted):
    bag = write_bag(tmp_path / 'bag', simulation(0.5, has_clock=False))
    code, found = converted(bag)
    assert (
        code == 1
        and (
            'they go 0.50 times as fast as the log, as those of a simulation: record it with '
            '--use-sim-time, for by log time (`stamp: receive`) another speed would be learnt'
        )
        in found['error']
    )
    code, found = converted(bag, '--use-sim-time')
    assert code == 1 and '--use-sim-time: it has no /clock' in found['error']


def test_a_clock_that_goes_as_fast_as_the_log_may_be_another_one(tmp_path, converted):
    bag = write_bag(tmp_path / 'bag', simulation(1.0, has_clock=False))
    _, found = converted(bag)
    assert 'if a simulation gives them, record with --use-sim-time' in found['error']
    assert 'write `stamp: receive` in sources: JOINT_POSITIONS' in found['error']


def test_stamps_that_are_not_of_the_clock_are_told(tmp_path, converted):
    kept = [m for m in simulation(0.5) if m[0] == '/clock']
    real = [(t, Messages().joints(ns, a=0.1, c=0.2), ns) for t, _, ns in simulation(0.5)]
    messages = kept + [('/joint_states', message, ns) for _, message, ns in real]
    code, found = converted(write_bag(tmp_path / 'bag', messages), '--use-sim-time')
    assert code == 1 and 'they are not of /clock: leave --use-sim-time out, or' in found['error']


def test_a_driver_that_is_not_in_the_simulated_time_of_the_log_is_told(tmp_path, converted):
    messages = [
        (topic, message, round((START_S + number / 100) * S))
        for number, (topic, _, ns) in enumerate(simulation(1.0))
        for message in [clock(ns / S) if topic == '/clock' else Messages().joints(ns, a=0, c=0)]
    ]
    code, found = converted(write_bag(tmp_path / 'bag', messages))
    assert code == 1
    assert 'the recording is in simulated time, and they are not: set' in found['error']


def test_what_came_before_the_clock_is_counted_as_lost(tmp_path, converted):
    bag = write_bag(tmp_path / 'bag', simulation(0.5, clock_from=1.0))
    code, found = converted(bag, '--use-sim-time')
    assert code == 0 and '/joint_states: 50 of 200 messages are lost' in found['losses']


def test_a_simulation_that_was_reset_is_refused(tmp_path, converted):
    first = simulation(1.0, 2.0)
    again = [(topic, message, ns + 2 * S) for topic, message, ns in first]
    code, found = converted(write_bag(tmp_path / 'bag', first + again), '--use-sim-time')
    assert code == 1
    assert '/clock goes back by 1.98 s, 2 s after its start: the simulation was' in found['error']


def test_a_recording_has_one_time_in_a_dataset(tmp_path, converted):
    bag = write_bag(tmp_path / 'bag', simulation(1.0))
    received = NUMBERS.replace('/joint_states}', '/joint_states, stamp: receive}')
    assert converted(bag, robot=received)[0] == 0
    code, found = converted(bag, '--use-sim-time', robot=received)
    assert code == 1 and 'is in the dataset already' in found['error']


def test_ranges_are_of_the_time_that_counts(tmp_path, converted):
    bag = write_bag(tmp_path / 'bag', simulation(0.5))
    _, found = converted(bag, '--use-sim-time', '--range', '1:2')
    assert found['steps'] == 20
    with open_bag(bag, use_sim_time=True) as opened:
        assert (opened.start_ns, opened.end_ns) == (5 * S, round(8.98 * S))
