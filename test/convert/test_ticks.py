"""The tick loop, held against the node's path and against the rules, restated plainly."""

from itertools import groupby, pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.small_bags import FORMATS, Messages, S, at, write_bag
from helpers.two_arms import (
    LEFT,
    NUMBERS,
    images,
    joint_states,
    picture,
    record_left,
    trajectories,
)
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.convert.audit import Audit, _reasons
from neuracore_ros.convert.recording import observers
from neuracore_ros.convert.rows import rows
from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.description import DataType, Descriptions, load_robot
from neuracore_ros.observation import Observation, StreamFault, resize_pad

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
RATE_HZ = 20.0
SIZE = (48, 64)


def arm(folder, text):
    (folder / 'arm.yaml').write_text(text)
    robot = load_robot(folder / 'arm.yaml')
    described = Descriptions({robot.name: robot.input}, {robot.name: robot.output})
    return robot, Metadata(RATE_HZ, SIZE, described)


def convert(bag, robot, metadata):
    """Rows of a bag, and the audit of them."""
    inputs, outputs = observers(robot, metadata)
    audit = Audit(inputs, outputs)
    topics = inputs.topics.keys() | outputs.topics.keys()
    with open_bag(bag) as opened:
        found = list(rows(opened.read(topics), inputs, outputs, RATE_HZ, audit))
    audit.finish()
    return found, audit


def rough_recording(seed=0):
    """Joints with jitter and late stamps, commands, a camera that is away for a second."""
    random, messages = np.random.default_rng(seed), Messages()
    out = []
    for k in range(200):
        t = k * 0.02 + random.uniform(0, 0.004)
        value = np.sin(t)
        out.append(('/joint_states', messages.joints(at(t - 0.003), a=value, c=-value), at(t)))
    for k in range(40):
        t = 0.3 + k * 0.08 + random.uniform(0, 0.02)
        path = [(0.05, [t, -t]), (0.2, [t + 1, t])]
        out.append(('/arm/joint_trajectory', messages.trajectory(0, path, 'ac'), at(t)))
    for k in range(60):
        t = k / 15 + random.uniform(0, 0.01)
        if not 1.5 < t < 2.5:
            out.append(('/front/image_raw', messages.image(at(t - 0.02), picture(k)), at(t)))
    return sorted(out, key=lambda item: item[2])


def restated(messages, tick_ns):
    """State, action and picture at a tick by the rules of docs/concepts.md, in the plainest words."""
    before = [(topic, m, t) for topic, m, t in messages if t <= tick_ns]

    def stamp(m):
        return m.header.stamp.sec * S + m.header.stamp.nanosec

    newest = max((stamp(m), t, m) for topic, m, t in before if topic == '/joint_states')
    camera = max((stamp(m), t, id(m), m) for topic, m, t in before if topic == '/front/image_raw')
    if tick_ns - newest[0] > 0.2 * S or tick_ns - camera[0] > 0.5 * S:
        return None
    values = {}
    for place, name in enumerate('ac'):
        segments, value = [], None
        for _, m, start in (item for item in before if item[0] == '/arm/joint_trajectory'):
            value = follow(segments, start) if segments else float(m.points[0].positions[place])
            segments = [(start, value)]
            for point in m.points:
                due = start + point.time_from_start.sec * S + point.time_from_start.nanosec
                segments.append((due, float(point.positions[place])))
        values[name] = follow(segments, tick_ns)
    position = dict(zip(newest[2].name, newest[2].position, strict=True))
    pixels = camera[3].data.reshape(camera[3].height, camera[3].width, 3)
    return [position['a'], 0, position['c']], [values['a'], 0, values['c']], pixels


def follow(segments, t):
    times, values = zip(*segments, strict=True)
    return float(np.interp(t - times[0], np.subtract(times, times[0]), values))


def test_a_bag_and_the_live_path_and_the_plain_rules_give_equal_arrays(tmp_path):
    robot, metadata = arm(tmp_path, LEFT)
    messages = rough_recording()
    bag = write_bag(tmp_path / 'bag', messages)
    found, audit = convert(bag, robot, metadata)

    # The node's path: the same observers, messages as they arrive, the bag's time as clock.
    inputs, outputs = observers(robot, metadata)
    waiting = list(messages)
    starts = [min(t for topic, _, t in messages if topic == name) for name in inputs.topics]
    starts += [min(t for topic, _, t in messages if topic == name) for name in outputs.topics]
    start_ns, end_ns = max(starts), messages[-1][2]
    expected = []
    for k in range(10_000):
        tick_ns = start_ns + round(k * S / RATE_HZ)
        if tick_ns > end_ns:
            break
        while waiting and waiting[0][2] <= tick_ns:
            topic, message, log_ns = waiting.pop(0)
            inputs.receive(topic, message, log_ns)
            outputs.receive(topic, message, log_ns)
        plain = restated(messages, tick_ns)
        given, wanted = inputs.observe(tick_ns), outputs.observe(tick_ns)
        usable = isinstance(given, Observation) and isinstance(wanted, Observation)
        assert usable == (plain is not None)
        if plain is None:
            continue
        expected.append((given, wanted, plain))

    assert len(found) == len(expected) > 40
    assert audit.unusable > 5
    for row, (given, wanted, (state, action, pixels)) in zip(found, expected, strict=True):
        assert row.tick_ns == given.tick_ns
        np.testing.assert_array_equal(row.inputs[JOINTS], given.inputs[JOINTS])
        np.testing.assert_array_equal(row.outputs[TARGETS], wanted.inputs[TARGETS])
        images = DataType.RGB_IMAGES
        np.testing.assert_array_equal(row.inputs[images], given.inputs[images])
        np.testing.assert_array_equal(row.inputs[JOINTS], np.array(state, np.float32))
        np.testing.assert_allclose(row.outputs[TARGETS], action, rtol=1e-6)
        np.testing.assert_array_equal(row.inputs[images][1], resize_pad(pixels, SIZE))
        assert not row.inputs[images][0].any()


@pytest.mark.parametrize('kind', FORMATS)
def test_every_format_gives_the_same_rows(tmp_path, kind):
    robot, metadata = arm(tmp_path, LEFT)
    found, _ = convert(record_left(tmp_path / 'x.bag', kind=kind), robot, metadata)
    assert len(found) == 40
    ticks = np.diff([row.tick_ns for row in found])
    np.testing.assert_array_equal(ticks, np.full(39, S // 20))
    # Joint 'a' is the time since the start; its newest sample is at most 20 ms old.
    times = [(row.tick_ns - at(0)) / S for row in found]
    ages = np.array(times) - [row.inputs[JOINTS][0] for row in found]
    assert ages.min() >= -1e-6 and ages.max() < 0.021
    assert found[0].input_valid[JOINTS].tolist() == [True, False, True]


def test_a_gap_ends_a_piece_and_what_follows_is_another(tmp_path):
    robot, metadata = arm(tmp_path, NUMBERS)
    messages = joint_states(1.0) + joint_states(1.0, start=2.0)
    found, audit = convert(write_bag(tmp_path / 'bag', messages), robot, metadata)
    pieces = [list(piece) for _, piece in groupby(found, key=lambda row: row.piece)]
    # The last sample, at 0.98 s, serves until 1.18 s: ticks 0 .. 1.15; then from 2.0 on.
    assert [len(piece) for piece in pieces] == [24, 20]
    assert [(piece[0].tick_ns - at(0)) / S for piece in pieces] == [0.0, 2.0]
    reasons = {'JOINT_POSITIONS a, c: stale': 16}
    assert pieces[1][0].dropped == reasons
    assert all(not row.dropped for row in found if row is not pieces[1][0])
    assert (audit.ticks, audit.unusable, dict(audit.reasons)) == (60, 16, reasons)
    assert audit.streams[0].longest_gap_ns == pytest.approx(1.02 * S)


def test_a_measured_output_is_the_value_of_the_next_tick(tmp_path):
    robot, metadata = arm(tmp_path, NUMBERS)
    found, _ = convert(write_bag(tmp_path / 'bag', joint_states(1.0)), robot, metadata)
    for row, after in pairwise(found):
        np.testing.assert_array_equal(row.outputs[JOINTS], after.inputs[JOINTS])
        assert row.output_valid[JOINTS].tolist() == [True, False, True]
    assert not found[-1].output_valid[JOINTS].any()
    assert not found[-1].outputs[JOINTS].any()


def test_commands_that_start_late_start_the_episode(tmp_path):
    robot, metadata = arm(tmp_path, LEFT)
    messages = joint_states(3.0) + images(3.0) + trajectories(1.0, start=2.0)
    found, audit = convert(write_bag(tmp_path / 'bag', messages), robot, metadata)
    assert found[0].tick_ns == at(2.0)
    assert audit.late() == ['/arm/joint_trajectory (output) starts 2.0 s after /joint_states']


def test_a_tick_without_a_finite_value_is_dropped_and_never_filled(tmp_path):
    robot, metadata = arm(tmp_path, NUMBERS)
    messages = Messages()
    bad = [('/joint_states', messages.joints(at(t), a=np.nan, c=1.0), at(t)) for t in (1.0, 1.3)]
    bag = write_bag(tmp_path / 'bag', joint_states(1.0) + bad + joint_states(1.0, start=1.4))
    found, audit = convert(bag, robot, metadata)
    values = np.stack([row.inputs[JOINTS] for row in found])
    assert np.isfinite(values).all() and len({row.piece for row in found}) == 2
    assert audit.reasons['JOINT_POSITIONS a: not_finite'] > 0
    assert audit.streams[0].drops['not_finite'] == 2


def test_joints_that_come_in_separate_messages_of_one_topic_are_joined(tmp_path):
    robot, metadata = arm(tmp_path, NUMBERS)
    messages = joint_states(1.0, names='a') + joint_states(1.0, start=0.013, names='xc')
    found, _ = convert(write_bag(tmp_path / 'bag', messages), robot, metadata)
    assert len(found) == 20
    assert found[-1].inputs[JOINTS][0] == pytest.approx(0.96)
    # 'c' is the second name of its messages, which therefore have 1 + t.
    assert found[-1].inputs[JOINTS][2] == pytest.approx(1.953)


def test_joints_of_one_topic_that_fail_in_turns_are_one_reason(tmp_path):
    robot, metadata = arm(tmp_path, NUMBERS)
    # Each is missing for a second; 'c' first.
    messages = [
        *joint_states(0.5),
        *(each for start in (0.5, 2.0) for each in joint_states(1.0, start=start, names='a')),
        *joint_states(0.5, start=1.5),
        *joint_states(0.5, start=3.0),
        *joint_states(1.0, start=3.5, names='c'),
    ]
    _, audit = convert(write_bag(tmp_path / 'bag', messages), robot, metadata)
    (reason,) = audit.reasons
    assert reason == 'JOINT_POSITIONS a, c: stale'
    assert audit.reasons[reason] == audit.unusable
    assert audit.texts[reason].startswith("/joint_states: 'a' (JOINT_POSITIONS index 0) is")
    assert audit.texts[reason].endswith('. Likewise: c')


def test_joints_of_one_topic_that_fail_together_are_one_reason():
    sources = [
        SimpleNamespace(data_type='JOINT_POSITIONS', name=f'j{i}', topic='/joint_states')
        for i in range(7)
    ]
    faults = [StreamFault(source, 'stale', f'{source.name} is old') for source in sources]
    assert list(_reasons(faults)) == ['JOINT_POSITIONS j0 .. j6 (7): stale']
    assert list(_reasons(faults[:2])) == ['JOINT_POSITIONS j0, j1: stale']
