"""`neuracore_ros evaluate` on ramps: its figures are those that can be computed by hand."""

import copy
import itertools
import json

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from helpers.leader_arm import ARM, CAMERA, STEP_S, brightness, ramps, record
from helpers.small_bags import ROS2, Messages, at, write_bag
from helpers.small_policies import HORIZON, write_policy
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

OF_THE_CLOCK = {'latency_ms_p50', 'latency_ms_p99'}


@pytest.fixture
def arm(tmp_path):
    path = tmp_path / 'arm.yaml'
    path.write_text(ARM)
    return path


@pytest.fixture
def policy(tmp_path):
    """Moves joint 0 as the leader does; leaves joint 2 where it is."""
    return write_policy(tmp_path / 'policy.pt', width=3, speed=STEP_S)


@pytest.fixture
def evaluate(capsys):
    """Exit code, and the JSON or the last line of the complaint."""

    def run(*words):
        code = main(['evaluate', *map(str, words), '--json'])
        said = capsys.readouterr()
        found = json.loads(said.out) if said.out else None
        return code, found, said.err.strip().split('\n')[-1]

    return run


def only(found):
    (case,) = found['cases']
    return case


def test_the_error_of_each_joint_and_horizon_step_is_that_of_the_ramps(
    evaluate, policy, arm, tmp_path
):
    _, found, _ = evaluate(policy, arm, record(tmp_path / 'bag'))
    still = STEP_S * np.arange(1, HORIZON + 1)
    follows, stays = only(found)['joints']
    assert (follows['name'], stays['name']) == ('a', 'c')
    np.testing.assert_allclose(follows['error_by_step'], 0, atol=1e-5)
    np.testing.assert_allclose(stays['error_by_step'], still, atol=1e-5)
    np.testing.assert_allclose(only(found)['error_by_step'], still / 2, atol=1e-5)


def test_chunks_that_reach_past_the_end_of_a_recording_count_up_to_it(
    evaluate, policy, arm, tmp_path
):
    _, found, _ = evaluate(policy, arm, record(tmp_path / 'bag', seconds=0.5))
    # 11 steps, with predictions at the first and the last but none.
    by_step = only(found)['joints'][1]['error_by_step']
    np.testing.assert_allclose(by_step[:11], STEP_S * np.arange(1, 12), atol=1e-5)
    assert by_step[11:] == [None] * 9


def test_what_would_have_been_sent_is_compared_with_the_recorded_command(
    evaluate, policy, arm, tmp_path
):
    _, found, _ = evaluate(policy, arm, record(tmp_path / 'bag'))
    case = only(found)
    assert case['joints'][0]['executed_error'] < 1e-3
    assert 0.05 < case['joints'][1]['executed_error'] < 0.5
    assert case['running_steps'] == case['steps'] == case['usable_steps'] == 61
    assert case['holds'] == {}


def test_an_error_in_spreads_does_not_depend_on_the_unit(evaluate, policy, arm, tmp_path):
    _, found, _ = evaluate(policy, arm, record(tmp_path / 'bag'))
    joint = only(found)['joints'][1]
    spread = np.std(STEP_S * np.arange(61))
    assert joint['spread'] == pytest.approx(spread, rel=1e-4)
    assert joint['error_normalised'] == pytest.approx(joint['error'] / spread, rel=1e-4)


def test_equal_recordings_give_equal_figures(evaluate, policy, arm, tmp_path):
    bag = record(tmp_path / 'bag')
    first, second = (only(evaluate(policy, arm, bag)[1]) for _ in range(2))
    for name in first.keys() - OF_THE_CLOCK:
        assert first[name] == second[name], name


def test_a_latency_in_steps_delays_the_start_and_nothing_else_of_a_ramp(
    evaluate, policy, arm, tmp_path
):
    bag = record(tmp_path / 'bag')
    _, at_once, _ = evaluate(policy, arm, bag)
    # With two steps, joint 2 would be so far ahead that the start is slowed down.
    _, later, _ = evaluate(policy, arm, bag, '--latency-steps', 1)
    assert only(later)['running_steps'] == only(at_once)['running_steps'] - 1
    assert only(later)['joints'][0]['executed_error'] < 1e-3
    assert only(later)['late'] == 0


def test_a_stream_that_stops_is_a_hold_with_its_reason_and_a_lower_coverage(
    evaluate, policy, arm, tmp_path, capsys
):
    states = [m for m in ramps(3.0, '/joint_states') if not 1.0 < (m[2] % 10**10) / 1e9 < 2.0]
    _, found, _ = evaluate(policy, arm, record(tmp_path / 'bag', states=states))
    case = only(found)
    ((reason, count),) = case['holds'].items()
    assert count == 1
    assert '/joint_states' in reason and 'max_age_s' in reason
    assert case['usable_steps'] < case['steps'] == 61
    assert case['coverage'] == pytest.approx(45 / 61, abs=0.02)
    capsys.readouterr()
    assert main(['evaluate', str(policy), str(arm), str(tmp_path / 'bag')]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith('policy.pt on arm held once: /joint_states') and '#' not in line


def test_a_model_that_raises_holds_the_robot_for_the_rest_of_the_recording(
    evaluate, arm, tmp_path
):
    bad = write_policy(tmp_path / 'bad.pt', width=3, fault='raise', at=3)
    case = only(evaluate(bad, arm, record(tmp_path / 'bag'))[1])
    assert case['predictions'] == 2
    assert [reason for reason in case['holds'] if 'raised on purpose' in reason]
    assert case['running_steps'] == 20


def test_what_lies_between_the_episodes_of_a_marker_is_not_replayed(
    evaluate, policy, arm, tmp_path
):
    words = [('start', 0.5), ('stop', 1.0), ('start', 2.0), ('success', 2.5)]
    marker = [('/record/episode', Messages().string(word), at(t)) for word, t in words]
    case = only(evaluate(policy, arm, record(tmp_path / 'bag', more=marker))[1])
    assert case['steps'] == 20
    # No chunk is compared with what was commanded in the next episode.
    assert case['joints'][1]['error_by_step'][10:] == [None] * 10
    assert case['joints'][1]['largest_error'] == pytest.approx(10 * STEP_S, abs=1e-5)


def test_a_log_clock_that_was_set_ahead_by_years_is_no_long_wait(evaluate, policy, arm, tmp_path):
    years = 10**17
    late = [
        (
            topic,
            Messages().joints(ns + years, **dict(zip(m.name, m.position, strict=True))),
            ns + years,
        )
        for topic, m, ns in [*ramps(1.0, '/joint_states'), *ramps(1.0, '/leader', STEP_S)]
    ]
    case = only(evaluate(policy, arm, record(tmp_path / 'bag', seconds=1.0, more=late))[1])
    assert case['usable_steps'] < 60
    # Joints that stood still in the log for less than max_age_s are all that is wrong.
    assert case['joints'][0]['error'] < 0.02
    assert case['steps'] < 1400


def test_policies_stand_side_by_side_under_names_that_tell_them_apart(
    evaluate, arm, policy, tmp_path
):
    (tmp_path / 'new').mkdir()
    still = write_policy(tmp_path / 'new' / 'policy.pt', width=3)
    _, found, _ = evaluate(policy, still, arm, record(tmp_path / 'bag'))
    first, second = found['cases']
    assert first['policy'] != second['policy'] == 'new/policy.pt'
    assert second['error'] == pytest.approx(2 * first['error'], rel=1e-3)


# Datasets


def converted(tmp_path, robot, bag, *more):
    description = tmp_path / 'described.yaml'
    description.write_text(robot)
    dataset = tmp_path / 'dataset'
    words = ['convert', dataset, '--description', description, bag, '--image-size', '64x48', *more]
    assert main(list(map(str, words))) == 0
    return dataset


def test_a_dataset_gives_the_figures_of_the_bags_that_it_was_made_of(
    evaluate, policy, arm, tmp_path, capsys
):
    bag = record(tmp_path / 'bag')
    dataset = converted(tmp_path, ARM, bag)
    capsys.readouterr()
    by_bag, by_row = (
        only(found) for _, found, _ in (evaluate(policy, arm, bag), evaluate(policy, dataset))
    )
    for name in ('error', 'executed_error', 'steps', 'running_steps', 'predictions', 'holds'):
        assert by_row[name] == pytest.approx(by_bag[name], abs=1e-5), name
    assert not any('degrees' in text for text in by_row['warnings'])  # No limit is known.


class Seeing(torch.nn.Module):
    """Wants joint 0 to be as far as the newest image of slot 1 is bright."""

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        chunk = inputs['JOINT_POSITIONS'][:, -1:].repeat(1, 10, 1)
        chunk[:, :, 0] = inputs['RGB_IMAGES'][:, -1, 1].float().mean(dim=[1, 2, 3])[:, None] / 255
        return {'JOINT_TARGET_POSITIONS': chunk}


def test_the_frames_of_a_dataset_are_seen_at_their_steps(evaluate, tmp_path, capsys):
    slots = (0, 1, 2)
    manifest = Manifest(
        input={
            DataType.JOINT_POSITIONS: InputSlots(3, slots),
            DataType.RGB_IMAGES: InputSlots(2, (0, 1), image_size=(48, 64)),
        },
        output={DataType.JOINT_TARGET_POSITIONS: OutputSlots(3, slots)},
        rate_hz=20.0,
        horizon=10,
    )
    save(Seeing(), manifest, tmp_path / 'seeing.pt')
    arm = tmp_path / 'arm.yaml'
    arm.write_text(CAMERA)
    bag = record(tmp_path / 'bag', more=brightness(3.0, itertools.cycle([20, 200, 90])))
    dataset = converted(tmp_path, CAMERA, bag)
    capsys.readouterr()
    every = ('--execute-steps', 1)
    by_bag, by_row = (
        only(evaluate(tmp_path / 'seeing.pt', *words, *every)[1])
        for words in ([arm, bag], [dataset])
    )
    assert by_row['predictions'] == by_bag['predictions'] >= 60
    np.testing.assert_allclose(
        by_row['joints'][0]['error_by_step'], by_bag['joints'][0]['error_by_step'], atol=0.01
    )


# CI


def test_an_error_above_what_is_allowed_is_one_line_and_status_1(evaluate, policy, arm, tmp_path):
    bag = record(tmp_path / 'bag')
    code, _, line = evaluate(policy, arm, bag, '--max-error', 0.1)
    assert code == 1
    assert line.startswith("neuracore_ros evaluate: policy.pt on 'arm': error 0.2")
    assert evaluate(policy, arm, bag, '--max-error', 0.3)[0] == 0


# What the user can mend


def test_a_policy_that_does_not_fit_is_refused_before_anything_is_replayed(
    evaluate, arm, tmp_path
):
    narrow = write_policy(tmp_path / 'narrow.pt', width=2)
    code, found, line = evaluate(narrow, arm, tmp_path / 'never_opened')
    assert (code, found) == (1, None)
    assert "'arm' uses JOINT_TARGET_POSITIONS index 2" in line


def test_a_bag_of_another_robot_is_refused_by_its_topic(evaluate, policy, tmp_path):
    other = tmp_path / 'other.yaml'
    other.write_text(ARM.replace('/joint_states', '/other/joint_states'))
    code, _, line = evaluate(policy, other, record(tmp_path / 'bag'))
    assert code == 1
    assert '/other/joint_states' in line and 'did you mean /joint_states' in line


def test_a_recording_without_a_usable_tick_says_what_is_missing(evaluate, policy, tmp_path):
    other = tmp_path / 'other.yaml'
    other.write_text(ARM.replace('c: {', 'wrist: {').replace('2: c', '2: wrist'))
    code, _, line = evaluate(policy, other, record(tmp_path / 'bag'))
    assert code == 1
    assert "/leader lacks 'wrist'" in line


def test_a_robot_of_the_dataset_that_a_policy_cannot_drive_is_named(evaluate, tmp_path, capsys):
    dataset = converted(tmp_path, ARM, record(tmp_path / 'bag'))
    capsys.readouterr()
    narrow = write_policy(tmp_path / 'narrow.pt', width=2)
    code, _, line = evaluate(narrow, dataset)
    assert code == 1
    assert "'arm' uses JOINT_TARGET_POSITIONS index 2" in line


def test_a_rate_that_is_not_the_datasets_and_an_absent_episode_are_refused(
    evaluate, policy, tmp_path, capsys
):
    dataset = converted(tmp_path, ARM, record(tmp_path / 'bag'), '--rate-hz', '10')
    capsys.readouterr()
    assert 'runs at 20 Hz' in evaluate(policy, dataset)[2]
    assert 'has no episode 7; it has 0 to 0' in evaluate(policy, dataset, '--episodes', '0,7')[2]


def test_bags_need_the_file_of_their_robot(evaluate, policy, tmp_path):
    code, _, line = evaluate(policy, record(tmp_path / 'bag'))
    assert code == 1
    assert 'robot.yaml' in line


@pytest.mark.parametrize(
    'words', [['arm.yaml', 'bag'], ['policy.pt'], ['p.pt', 'd', '--episodes', 'x']]
)
def test_what_is_no_sentence_is_wrong_usage(words):
    with pytest.raises(SystemExit) as ended:
        main(['evaluate', *words])
    assert ended.value.code == 2


def test_a_recording_of_a_simulation_is_replayed_by_its_clock(evaluate, policy, arm, tmp_path):
    bag = record(tmp_path / 'bag')
    _, by_log_time, _ = evaluate(policy, arm, bag)
    _, by_clock, _ = evaluate(policy, arm, simulated(tmp_path / 'sim'), '--use-sim-time')
    assert only(by_clock)['error'] == pytest.approx(only(by_log_time)['error'], rel=0.05)
    code, _, error = evaluate(policy, arm, tmp_path / 'sim')
    assert code == 1 and 'which went 0.50 times as fast as the log: give --use-sim-time' in error


def simulated(path):
    """The same bag of a simulation at half of real time that began at 5 s."""
    kinds, moved = ROS2.types, []
    for topic, message, log_ns in [*ramps(3.0, '/joint_states'), *ramps(3.0, '/leader', STEP_S)]:
        time_ns = 5 * 10**9 + log_ns - at(0)
        stamp = kinds['builtin_interfaces/msg/Time'](*divmod(time_ns, 10**9))
        twin = copy.deepcopy(message)
        if hasattr(twin, 'header') and (twin.header.stamp.sec or twin.header.stamp.nanosec):
            twin.header.stamp = stamp
        late_ns = at(0) + 2 * (log_ns - at(0))
        moved.append(('/clock', kinds['rosgraph_msgs/msg/Clock'](stamp), late_ns))
        moved.append((topic, twin, late_ns))
    return write_bag(path, moved)
