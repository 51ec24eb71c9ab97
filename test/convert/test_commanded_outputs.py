"""Actions of a running node come from its command topics, and those of a leader from its own.

The arm's joint n is at n + t; its leader is 0.05 ahead, and the node commands 5 more than that.
"""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from helpers.leader_arm import ARM, ramps
from helpers.small_bags import ROS2, Messages, at, write_bag
from helpers.small_chain import ROBOT as CHAIN
from helpers.small_chain import describe as describe_chain
from helpers.two_arms import describe
from neuracore_ros.control import Commander, Control
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.commanded_sources import commanded_sources

POLICY = Control(Commander.POLICY, 'lift.pt').to_text()
ARRAY = ROS2.types['std_msgs/msg/Float64MultiArray']
LAYOUT = ROS2.types['std_msgs/msg/MultiArrayLayout']


def words(*said, until=4.0):
    ends = [start for start, _ in said[1:]] + [until]
    return [
        ('/infer/control', Messages().string(text), at(time))
        for (start, text), end in zip(said, ends, strict=True)
        for time in np.arange(start, end, 0.5)
    ]


def trajectories(start, end):
    """Commands of both joints, each a line through time; 5 ahead of the leader."""
    messages = Messages()
    return [
        (
            '/arm/joint_trajectory',
            messages.trajectory(0, [(s, [5.05 + t + s, 7.05 + t + s]) for s in (0, 1.0)], 'ac'),
            at(t),
        )
        for t in np.arange(start, end, 0.05)
    ]


def actions(dataset, episode=0):
    table = pq.read_table(dataset / f'data/chunk-000/file-{episode:03d}.parquet')
    return (
        np.array(table['action'].to_pylist()),
        np.array(table['valid.action'].to_pylist()),
        np.array(table['observation.state'].to_pylist()),
    )


def test_steps_of_policy_and_human_have_what_the_node_commanded(tmp_path, convert):
    bag = write_bag(
        tmp_path / 'bag',
        [
            *ramps(4.0, '/joint_states'),
            *ramps(4.0, '/leader', 0.05),
            *trajectories(0.0, 2.99),
            *words((0.0, POLICY), (1.5, 'human'), (3.0, 'nobody')),
        ],
    )
    assert convert(bag, '--keep-uncommanded', robot=ARM)[0] == 0
    action, valid, state = actions(tmp_path / 'data')
    assert valid[:, [0, 2]].all() and not valid[:, 1].any()
    ahead = (action - state)[:, [0, 2]]
    np.testing.assert_allclose(ahead[:60], 5.05, atol=1e-4)
    np.testing.assert_allclose(ahead[60:-1], 0.05, atol=0.02)


def test_a_policy_needs_no_leader(tmp_path, convert):
    bag = write_bag(
        tmp_path / 'bag',
        [*ramps(2.0, '/joint_states'), *trajectories(0.0, 2.0), *words((0.0, POLICY), until=2.0)],
    )
    assert convert(bag, robot=ARM)[0] == 0
    action, _, state = actions(tmp_path / 'data')
    np.testing.assert_allclose((action - state)[:, [0, 2]], 5.05, atol=1e-4)


def test_without_the_commands_steps_of_the_policy_are_left_out(tmp_path, convert):
    bag = write_bag(
        tmp_path / 'bag',
        [
            *ramps(4.0, '/joint_states'),
            *ramps(4.0, '/leader', 0.05),
            *words((0.0, POLICY), (2.0, 'nobody')),
        ],
    )
    code, out, _ = convert(bag, '--keep-uncommanded', '--json', robot=ARM)
    assert code == 0
    (episode,) = load_metadata(tmp_path / 'data').episodes
    assert episode.start_ns == at(2.0) and episode.policy == ''
    (result,) = json.loads(out)['bags']
    assert sum(result['ticks_dropped'].values()) == 40
    code, _, err = convert(bag, robot=ARM, dataset='other')
    assert code == 1 and '/arm/joint_trajectory' in err


def test_commands_that_begin_late_end_nothing_wrongly(tmp_path, convert):
    bag = write_bag(
        tmp_path / 'bag',
        [*ramps(3.0, '/joint_states'), *trajectories(1.0, 3.0), *words((0.0, POLICY), until=3.0)],
    )
    assert convert(bag, robot=ARM)[0] == 0
    (episode,) = load_metadata(tmp_path / 'data').episodes
    assert episode.start_ns == at(1.0)


def test_the_leader_s_topic_is_still_needed_where_no_node_commands(tmp_path, convert):
    bag = write_bag(tmp_path / 'bag', [*ramps(2.0, '/joint_states'), *trajectories(0.0, 2.0)])
    code, _, err = convert(bag, robot=ARM)
    assert code == 1 and '/leader' in err and 'is not in the bag' in err


def test_values_are_brought_from_the_command_s_units_to_the_slots(tmp_path, convert):
    text = ARM.replace(
        '/arm/joint_trajectory}',
        '/arm/commands, type: Float64MultiArray, scale: 0.5, offset: 1, names: {a: A}, '
        'order: [c, A]}',
    )
    commands = [
        ('/arm/commands', ARRAY(LAYOUT([], 0), np.array([4.0, 2.0])), at(t))
        for t in np.arange(0.0, 2.0, 0.05)
    ]
    bag = write_bag(
        tmp_path / 'bag',
        [*ramps(2.0, '/joint_states'), *commands, *words((0.0, POLICY), until=2.0)],
    )
    assert convert(bag, robot=text)[0] == 0
    action, _, _ = actions(tmp_path / 'data')
    np.testing.assert_allclose(action[:, 0], 0.5 * 2 + 1)
    np.testing.assert_allclose(action[:, 2], 0.5 * 4 + 1)


GRIPPER = """
robot: arm
limits:
  a: {position: [-9, 9], velocity: 4.0}
  g: {position: [0, 0.04], velocity: 1.0}
input: {JOINT_POSITIONS: {0: a}, PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: g}}
output: {JOINT_TARGET_POSITIONS: {0: a}, PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: g}}
sources:
  JOINT_POSITIONS: {topic: /joint_states}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: /joint_states}
  JOINT_TARGET_POSITIONS: {topic: /leader, type: JointState}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: /leader, type: JointState}
commands:
  JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: /hand/cmd, type: GripperCommand}
"""


def test_what_an_action_server_was_told_is_not_valid(tmp_path, convert):
    messages = Messages()
    joints = [
        (topic, messages.joints(at(t), a=t, g=0.02), at(t))
        for topic in ('/joint_states', '/leader')
        for t in np.arange(0.0, 4.0, 0.02)
    ]
    commands = [
        ('/arm/joint_trajectory', messages.trajectory(0, [(0.1, [5.0])], 'a'), at(t))
        for t in np.arange(0.0, 4.0, 0.05)
    ]
    bag = write_bag(tmp_path / 'bag', [*joints, *commands, *words((0.0, POLICY), (2.0, 'nobody'))])
    assert convert(bag, '--keep-uncommanded', robot=GRIPPER)[0] == 0
    action, valid, _ = actions(tmp_path / 'data')
    assert valid[:40].tolist() == [[True, False]] * 40
    assert (action[1:40, 0] > 4).all()
    assert valid[40:].all() and np.allclose(action[40:, 1], 0.5)


def test_where_no_topic_says_anything_of_the_commands_steps_are_left_out(tmp_path, convert):
    text = ARM.replace('/arm/joint_trajectory}', '/arm/follow, type: FollowJointTrajectory}')
    bag = write_bag(
        tmp_path / 'bag',
        [
            *ramps(4.0, '/joint_states'),
            *ramps(4.0, '/leader', 0.05),
            *words((0.0, POLICY), (2.0, 'nobody')),
        ],
    )
    code, out, _ = convert(bag, '--keep-uncommanded', '--json', robot=text)
    assert code == 0
    (result,) = json.loads(out)['bags']
    assert result['ticks_cut'] == {'what was commanded is on no topic': 40}


def test_measured_outputs_are_those_of_the_next_step_whoever_commands(tmp_path, convert):
    bag = write_bag(
        tmp_path / 'bag', [*ramps(2.0, '/joint_states'), *words((0.0, POLICY), until=2.0)]
    )
    text = ARM.replace('JOINT_TARGET_POSITIONS: {0', 'JOINT_POSITIONS: {0').replace(
        '  JOINT_TARGET_POSITIONS: {topic: /leader, type: JointState}\n', ''
    )
    text = text.replace('commands: {JOINT_TARGET', 'commands: {JOINT')
    assert convert(bag, robot=text)[0] == 0
    action, valid, state = actions(tmp_path / 'data')
    np.testing.assert_allclose(action[:-1, 0], state[1:, 0], atol=1e-6)
    assert valid[:-1, 0].all()


def test_a_robot_whose_commands_are_its_sources_is_read_as_ever(tmp_path):
    text = ARM.replace('/leader, type: JointState', '/arm/joint_trajectory')
    robot = load_robot(describe(tmp_path, arm=text).parent / 'arm.yaml')
    assert commanded_sources(robot) == robot.output_sources()


def test_a_pose_is_read_from_the_joints_that_command_it(tmp_path):
    text = CHAIN.replace(
        'targets: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory}}',
        'targets: {END_EFFECTOR_POSES: {topic: /leader/joint_states, type: JointState}}',
    )
    robot = load_robot(describe_chain(tmp_path, text))
    (source,) = (s for s in commanded_sources(robot) if s.data_type.is_pose)
    assert source.topic == '/arm/joint_trajectory' and source.is_kinematic and source.is_target
    assert source.chain == robot.output_sources()[0].chain
    assert source.joint_names == robot.output_sources()[0].joint_names
    assert source.data_type is DataType.END_EFFECTOR_POSES


@pytest.mark.parametrize('kept', [(), ('--keep-uncommanded',)])
def test_idle_starts_are_trimmed_by_what_the_node_commanded(tmp_path, convert, kept):
    messages = Messages()
    still = [
        ('/arm/joint_trajectory', messages.trajectory(0, [(0.1, [5.0, 7.0])], 'ac'), at(t))
        for t in np.arange(0.0, 2.0, 0.05)
    ]
    bag = write_bag(
        tmp_path / 'bag',
        [
            *ramps(4.0, '/joint_states'),
            *still,
            *trajectories(2.0, 4.0),
            *words((0.0, POLICY)),
        ],
    )
    assert convert(bag, '--trim-idle', '0.1', *kept, robot=ARM)[0] == 0
    (episode,) = load_metadata(tmp_path / 'data').episodes
    assert at(1.4) <= episode.start_ns <= at(1.6)
