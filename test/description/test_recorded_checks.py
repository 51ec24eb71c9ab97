"""Recorded values that cannot be what the robot file says, and those that can."""

import math

import numpy as np
import pytest

from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.recorded_checks import Severity, doubts
from neuracore_ros.description.recorded_values import RecordedValues
from neuracore_ros.description.robot_checks import suspect_speeds

Q, T = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
G = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
WAVE = np.sin(np.arange(100) * 0.05)


@pytest.fixture
def robot(tmp_path):
    """An arm of two joints of which one is continuous, and a gripper."""
    path = tmp_path / 'arm.yaml'
    path.write_text(
        'robot: arm\n'
        'limits:\n'
        '  lift: {position: [-1.9, 1.9], velocity: 2.0}\n'
        '  spin: {position: none, velocity: 3.0}\n'
        '  claw: {position: [0.0, 1.0], velocity: 5.0}\n'
        'input:\n'
        '  JOINT_POSITIONS: {0: lift, 1: spin}\n'
        '  PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: claw}\n'
        'output: {JOINT_TARGET_POSITIONS: {0: lift, 1: spin}}\n'
        'sources:\n'
        '  JOINT_POSITIONS: {topic: /joint_states}\n'
        '  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: /joint_states}\n'
        '  JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}\n'
        'commands: {JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}}\n'
    )
    return load_robot(path)


def changed(robot, old, new):
    """The robot with one line of its file written otherwise."""
    text = robot.path.read_text()
    assert old in text
    robot.path.write_text(text.replace(old, new))
    return load_robot(robot.path)


def seen(robot, lift=WAVE, spin=WAVE, claw=(WAVE + 1) / 2, target=None):
    """What is doubted of steps at 20 Hz; a target leads by 0.1 unless it is given."""
    values = RecordedValues(robot, robot.input_sources(), robot.output_sources())
    target = lift + 0.1 if target is None else target
    for step, (q, s, g, t) in enumerate(zip(lift, spin, claw, target, strict=True)):
        values.add(step * 50_000_000, {Q: np.array([q, s]), G: np.array([g])}, {T: [t, s + 0.1]})
    return [(doubt.severity.value, doubt.text) for doubt in doubts(values)]


def test_a_sound_recording_raises_no_doubt(robot):
    assert seen(robot) == []


def test_degrees_are_told_from_radians_with_the_line_to_write(robot):
    (measured, told), (_, also) = seen(robot, lift=60 * WAVE)
    assert measured == 'refused'
    assert told == (
        "'lift' (JOINT_POSITIONS index 0) goes from -60 to 60, far outside of its limits -1.9 "
        'to 1.9: in degrees, not rad? Write under sources: JOINT_POSITIONS: {scale: 0.0174533}; '
        'if in percent of its range, -100 to 100, and the ends are its limits: '
        '{lift: {scale: 0.019}}'
    )
    assert 'JOINT_TARGET_POSITIONS: {scale: 0.0174533}' in also


def test_values_beyond_100_are_no_percent(robot):
    (_, told), *_ = seen(robot, lift=105 * WAVE)
    assert told.endswith('JOINT_POSITIONS: {scale: 0.0174533}')


def two_joints(robot, lift, turn, limits='[-1.9, 1.9]'):
    """What is doubted of two joints with limits, which one driver measures."""
    text = robot.path.read_text().replace('spin: {position: none', f'turn: {{position: {limits}')
    robot.path.write_text(text.replace('spin', 'turn'))
    return seen(load_robot(robot.path), lift=lift, spin=turn)


def test_what_one_joint_of_a_driver_cannot_be_the_others_are_not(robot):
    (_, told), *_ = two_joints(robot, lift=60 * WAVE, turn=109 * WAVE)
    assert told.endswith('JOINT_POSITIONS: {scale: 0.0174533} (likewise lift)')


def test_measurements_and_commands_of_a_dataset_are_in_one_unit(robot):
    path = robot.path
    path.write_text(path.read_text().replace('/joint_states', 'observation.state'))
    robot = changed(load_robot(path), '{topic: /arm/joint_trajectory}\nc', '{topic: action}\nc')
    told = [text for _, text in seen(robot, lift=60 * WAVE, target=105 * WAVE)]
    assert len(told) == 2 and all(text.endswith('{scale: 0.0174533}') for text in told)


def test_a_slide_may_be_in_several_units(robot):
    robot = changed(robot, 'lift: {position: [-1.9, 1.9]', 'lift: {position: [0.0, 0.4]')
    (_, told), *_ = seen(robot, lift=20 + 19 * WAVE)
    assert told.endswith(
        'in millimetres, not m? Write under sources: JOINT_POSITIONS: {scale: 0.001}; if in '
        'centimetres, {scale: 0.01}; if in percent of its range, 0 to 100, and the ends are its '
        'limits: {lift: {scale: 0.004}}'
    )


def test_percent_is_offered_by_the_limits_of_each_joint_and_marked_as_to_be_checked(robot):
    (_, told), *_ = two_joints(robot, lift=90 * WAVE, turn=90 * WAVE, limits='[0.0, 1.2]')
    assert (
        'in percent of its range, -100 to 100, not rad? Only the calibration of the robot tells '
        'its scale: if the ends are its limits, write under sources: JOINT_POSITIONS: '
        '{lift: {scale: 0.019}, turn: {scale: 0.006, offset: 0.6}}, and check it on the robot'
    ) in told


def test_percent_of_an_own_scale_keeps_it(robot):
    robot = changed(
        robot, 'POSITIONS: {topic: /joint_states}', 'POSITIONS: {topic: /joint_states, scale: -1}'
    )
    values = RecordedValues(robot, robot.input_sources(), robot.output_sources())
    for step, value in enumerate(60 * WAVE):
        # The observer has applied the scale.
        values.add(step * 50_000_000, {Q: [-value, 0.0], G: [0.5]}, {T: [0.0, 0.0]})
    text = doubts(values)[0].text
    assert 'JOINT_POSITIONS: {scale: -0.0174533}' in text and '{lift: {scale: -0.019}}' in text


def test_a_slow_joint_of_wide_limits_may_be_in_degrees_which_its_speed_alone_tells(robot):
    robot = changed(robot, 'lift: {position: [-1.9, 1.9]', 'lift: {position: [-6.28, 6.28]')
    slow = seen(robot, lift=2 * WAVE)
    assert not any('degrees' in text for _, text in slow)  # 2 degrees look like 2 rad.
    (severity, text), *_ = seen(robot, lift=6 * np.sin(np.arange(100) * 0.2))
    assert severity == 'doubted'  # Narrow limits of a velocity would look the same.
    assert 'or is it in degrees? Then write under sources: JOINT_POSITIONS: {scale: 0.017' in text


@pytest.mark.parametrize(
    ('lift', 'spin', 'limits'),
    [
        (WAVE, 400 * np.arange(100) / 3000, '[-1.9, 1.9]'),  # A continuous joint of two turns.
        (2.2 * WAVE, WAVE, '[-1.9, 1.9]'),  # Limits that are a little narrow.
        (25 * WAVE, WAVE, '[-30.0, 30.0]'),  # A winch.
        (0.3 + 0.1 * WAVE, WAVE, '[-0.02, 0.02]'),  # Limits of a joint that rested.
    ],
)
def test_values_that_can_be_right_are_not_refused(robot, lift, spin, limits):
    robot = changed(robot, 'lift: {position: [-1.9, 1.9]', f'lift: {{position: {limits}')
    assert 'refused' not in {severity for severity, _ in seen(robot, lift=lift, spin=spin)}


@pytest.mark.parametrize(
    ('values', 'unit'),
    [
        (100 * (WAVE + 1) / 2, 'in percent? Write under sources: '
         'PARALLEL_GRIPPER_OPEN_AMOUNTS: {scale: 0.01}'),
        (255 * (WAVE + 1) / 2, '{scale: 0.00392157}'),
    ],
)  # fmt: skip
def test_an_amount_of_a_gripper_is_no_percent(robot, values, unit):
    ((severity, text),) = seen(robot, claw=values)
    assert severity == 'refused' and unit in text


def test_a_gripper_that_turns_may_be_in_percent_or_in_degrees(robot):
    robot = changed(robot, 'claw: {position: [0.0, 1.0]', 'claw: {position: [-0.17, 1.75]')
    raw = 50 + 45 * WAVE
    ((_, text),) = seen(robot, claw=(raw + 0.17) / 1.92)
    assert text.endswith(
        'in percent? Write under sources: PARALLEL_GRIPPER_OPEN_AMOUNTS: {scale: 0.01}; if in '
        'degrees, {scale: 0.00909026, offset: 0.0885417}'
    )


def test_a_gripper_in_servo_ticks_is_told(robot):
    robot = changed(robot, 'claw: {position: [0.0, 1.0]', 'claw: {position: [-0.17, 1.75]')
    ((_, text),) = seen(robot, claw=(2700 + 600 * WAVE + 0.17) / 1.92)
    assert 'in servo ticks (4096 a turn)? Write under sources: PARALLEL_GRIPPER' in text


def test_servo_ticks_have_an_offset_too(robot):
    assert '{scale: 0.00153398, offset: -3.14159}' in seen(robot, lift=2048 + 1000 * WAVE)[0][1]


def test_a_continuous_joint_is_in_the_unit_of_the_joints_beside_it(robot):
    ticks = 2048 + 1000 * WAVE
    (severity, text), *_ = seen(robot, lift=ticks, spin=ticks)
    assert severity == 'refused' and text.endswith('offset: -3.14159} (likewise spin)')


def test_a_joint_that_slides_is_meant_in_metres(robot):
    robot = changed(robot, 'lift: {position: [-1.9, 1.9]', 'lift: {position: [0.0, 0.4]')
    text = seen(robot, lift=200 + 100 * WAVE)[0][1]
    assert 'in millimetres, not m? Write under sources: JOINT_POSITIONS: {scale: 0.001}' in text


@pytest.mark.parametrize(
    ('values', 'mend'),
    [
        (0.5 + 0.4 * WAVE, 'in amounts from 0 to 1? Write under sources: {}: {{scale: 1}}'),
        (0.085 + 0.085 * WAVE, 'scale and offset (amounts from 0 to 1), or correct its limits'),
        (40 + 30 * WAVE, '{}: {{scale: 0.01}}; if in millimetres, {{scale: 0.0125}}'),
    ],
)
def test_a_gripper_with_limits_is_told_by_what_its_driver_reports(robot, values, mend):
    robot = changed(robot, 'claw: {position: [0.0, 1.0]', 'claw: {position: [0.0, 0.08]')
    ((severity, text),) = seen(robot, claw=values / 0.08)
    assert severity == 'refused' and 'far outside of 0 to 0.08, closed to open' in text
    assert text.endswith(mend.format('PARALLEL_GRIPPER_OPEN_AMOUNTS'))


def test_a_gripper_whose_range_and_velocity_differ_in_unit_is_said(robot):
    text = robot.path.read_text().replace('claw: {position: [0.0, 1.0], velocity: 5.0}', 'CLAW')
    text = text.replace(
        '{0: lift, 1: spin}}\nsources', '{0: lift, 1: spin}, GRIPS: {0: claw}}\nsources'
    )
    text = text.replace(
        '\ncommands: {', '\n  GRIPS: {topic: /claw}\ncommands: {GRIPS: {topic: /claw}, '
    )
    text = text.replace('GRIPS', 'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS')
    for limit, count in (('[0, 0.04], velocity: 0.1', 0), ('[0, 40], velocity: 0.1', 1)):
        robot.path.write_text(text.replace('CLAW', f'claw: {{position: {limit}}}'))
        said = [text for text in suspect_speeds(load_robot(robot.path)) if 's to open' in text]
        assert len(said) == count
    assert "'claw' takes 400 s to open" in said[0]


def test_a_stream_slower_than_the_steps_is_no_faster_joint(robot):
    values = RecordedValues(robot, robot.input_sources(), robot.output_sources())
    for step in range(100):
        held = step // 4 * 4  # A sample each 0.2 s, at up to 2 rad/s: steps of 0.4 rad.
        lift, age_s = 1.9 * math.sin(held * 0.05), (step - held) * 0.05
        ages_s = {(Q, 'lift'): age_s, (T, 'lift'): age_s}
        values.add(step * 50_000_000, {Q: [lift, 0.0], G: [0.5]}, {T: [lift + 0.1, 0.0]}, ages_s)
    assert values.speed[0] == pytest.approx(1.9, abs=0.02)
    assert not any('moves at up to' in doubt.text for doubt in doubts(values))


def test_one_lie_of_a_sensor_is_no_unit(robot):
    lift = WAVE.copy()
    lift[50] = 60.0
    assert all(severity != 'refused' for severity, _ in seen(robot, lift=lift, target=WAVE + 0.1))


def test_a_joint_mostly_outside_its_limits_would_never_start(robot):
    ((severity, text),) = seen(robot, lift=3.0 + 0.5 * WAVE, target=WAVE)
    assert severity == Severity.HELD
    assert 'is measured from 2.5 to 3.5, mostly more than 0.5 outside its limits' in text


def test_a_joint_beyond_its_limits_is_doubted(robot):
    ((severity, text),) = seen(robot, lift=2.2 * WAVE, target=WAVE)
    assert severity == 'doubted' and 'goes from -2.2 to 2.2, outside its limits' in text


def test_a_joint_faster_than_its_limit_is_doubted(robot):
    fast = 1.5 * np.sin(np.arange(100) * 0.2)  # up to 6 rad/s at 20 Hz
    assert any("'lift' (JOINT_POSITIONS index 0) moves at up to" in text
               for _, text in seen(robot, lift=fast))  # fmt: skip


def test_a_continuous_joint_in_degrees_is_told_by_its_speed(robot):
    (first, *_) = seen(robot, spin=170 * WAVE)
    assert first[0] == 'refused' and '{scale: 0.0174533}' in first[1]


def test_a_continuous_joint_that_jumps_by_a_turn_is_said_with_its_middle(robot):
    wrapped = np.remainder(math.pi + 0.6 * WAVE + math.pi, 2 * math.pi) - math.pi
    ((severity, text),) = seen(robot, spin=wrapped)
    assert severity == 'doubted' and 'jumps by a turn' in text
    assert 'JOINT_POSITIONS: {spin: {around: 3.2' in text


def test_a_target_that_is_the_measurement_is_said(robot):
    ((severity, text),) = seen(robot, target=WAVE)
    assert severity == 'doubted'
    assert 'write JOINT_POSITIONS in place of JOINT_TARGET_POSITIONS' in text


def test_a_joint_that_moves_against_its_target_is_said(robot):
    ((severity, text),) = seen(robot, target=-WAVE)
    assert severity == 'doubted' and text.startswith(
        "'lift' (JOINT_TARGET_POSITIONS index 0) moves against JOINT_POSITIONS: is the scale"
    )


def test_a_joint_that_lags_its_target_by_a_quarter_of_its_swing_is_sound(robot):
    assert seen(robot, target=np.sin((np.arange(100) + 31) * 0.05)) == []


def test_a_joint_that_stays_while_its_target_moves_is_said(robot):
    ((_, text),) = seen(robot, lift=np.abs(0.0 * WAVE), target=WAVE)
    assert text.startswith("'lift' (JOINT_POSITIONS index 0) stays at 0, while")


def test_several_recordings_are_judged_as_one(robot):
    both = [RecordedValues(robot, robot.input_sources(), robot.output_sources()) for _ in range(2)]
    for values, spin in zip(both, (0.0, 0.5), strict=True):
        for step in range(20):
            values.add(
                step * 50_000_000, {Q: [WAVE[step], spin], G: [0.5]}, {T: [WAVE[step] + 0.1, spin]}
            )
    assert [doubt.text[:6] for doubt in doubts(both[0])] == []
    both[0].merge(both[1])
    assert both[0].steps == 40


def test_a_dataset_of_lerobot_has_units_of_its_own_and_the_robot_others(tmp_path, recwarn):
    (tmp_path / 'arm.yaml').write_text(
        'robot: arm\n'
        'limits: {a: {position: [-2, 2], velocity: 2}, claw: {position: [0, 1], velocity: 1}}\n'
        'input: {JOINT_POSITIONS: [a], PARALLEL_GRIPPER_OPEN_AMOUNTS: [claw]}\n'
        'output: {JOINT_TARGET_POSITIONS: [a], PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: [claw]}\n'
        'sources:\n'
        '  JOINT_POSITIONS: {topic: observation.state, scale: -0.0174533}\n'
        '  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: observation.state, scale: 0.01}\n'
        '  JOINT_TARGET_POSITIONS: {topic: action, scale: -0.0174533}\n'
        '  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: action, scale: 0.01}\n'
        'commands:\n'
        '  JOINT_TARGET_POSITIONS: {topic: arm/joint_trajectory}\n'
        '  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: claw/joint_trajectory}\n'
    )
    assert load_robot(tmp_path / 'arm.yaml').scale_offsets() == {}
    assert not recwarn.list
