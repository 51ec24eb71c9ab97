"""Old recordings of joints gain poses: what was commanded, and else what is measured next."""

import numpy as np
import pytest

from helpers.small_bags import Messages, at, write_bag
from helpers.small_chain import JOINTS, ROBOT, describe, pose, same_pose
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.convert.rows import rows
from neuracore_ros.description import DataType, Layout, load_robot
from neuracore_ros.observation import Observer

POSES = DataType.END_EFFECTOR_POSES
RATE_HZ = 10.0
STEPS = 12
UNTOLD = ROBOT.replace('targets: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory}}\n', '')


def measured(seconds):
    return 0.2 + 0.3 * seconds, -0.5 + 0.2 * seconds, 0.1 * seconds


def commanded(seconds):
    """Ahead of what is measured, and elsewhere."""
    return 0.5 + 0.3 * seconds, -0.6 + 0.2 * seconds, 0.3 + 0.1 * seconds


@pytest.fixture
def bag(tmp_path):
    messages = Messages()
    end_s = STEPS / RATE_HZ
    line = [(t, commanded(t)) for t in np.arange(0.05, end_s + 1.0, 0.05)]
    return write_bag(
        tmp_path / 'bag',
        [
            ('/arm/joint_trajectory', messages.trajectory(at(0.0), line, JOINTS), at(0.0)),
            *(
                (
                    '/joint_states',
                    messages.joints(at(t), **dict(zip(JOINTS, measured(t), strict=True))),
                    at(t),
                )
                for t in np.arange(1, round(50 * end_s)) / 50
            ),
        ],
    )


def converted(folder, bag, text, inputs=1):
    robot = load_robot(describe(folder, text))
    layout = Layout({POSES: inputs})
    observers = [
        Observer(sources, layout, None)
        for sources in (robot.input_sources(), robot.output_sources())
    ]
    topics = {topic: kind for each in observers for topic, kind in each.topics.items()}
    with open_bag(bag) as recording:
        return list(rows(recording.read(topics), *observers, RATE_HZ))


def test_a_row_holds_the_pose_that_is_commanded_then(tmp_path, bag):
    found = converted(tmp_path, bag, ROBOT)
    assert len(found) >= STEPS - 2
    for row in found[1:]:
        seconds = (row.tick_ns - at(0.0)) / 1e9
        assert same_pose(row.inputs[POSES][0], pose(*measured(seconds)), 1e-5)
        assert same_pose(row.outputs[POSES][0], pose(*commanded(seconds)), 1e-3)
        assert row.output_valid[POSES].all()


def test_without_targets_a_row_holds_what_is_measured_one_step_later(tmp_path, bag):
    found = converted(tmp_path, bag, UNTOLD)
    for row in found[:-1]:
        seconds = (row.tick_ns - at(0.0)) / 1e9 + 1.0 / RATE_HZ
        assert same_pose(row.outputs[POSES][0], pose(*measured(seconds)), 1e-5)
    assert not found[-1].output_valid[POSES].any()


def test_of_two_hands_one_may_be_commanded_and_one_only_measured(tmp_path, bag):
    text = ROBOT.replace('  hand:\n', '  other: {base: base, tip: lower}\n  hand:\n')
    text = text.replace('{0: hand}', '{0: hand, 1: other}')
    text = text.replace(
        'targets: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory}}',
        'targets: {END_EFFECTOR_POSES: {hand: {topic: /arm/joint_trajectory}}}',
    )
    found = converted(tmp_path, bag, text, inputs=2)
    row, after = found[3], found[4]
    seconds = (row.tick_ns - at(0.0)) / 1e9
    assert same_pose(row.outputs[POSES][0], pose(*commanded(seconds)), 1e-3)
    assert (row.outputs[POSES][1] == after.inputs[POSES][1]).all()
    assert found[-1].output_valid[POSES].tolist() == [True, False]
