"""What `check --live` says of receivers of velocities, torques and poses, without a graph."""

import pytest

from helpers.direct_rig import BASE, HAND, TORQUES, VELOCITIES
from neuracore_ros.description import load_robot
from neuracore_ros.node.live.commands import PARAMETERS, check_command
from neuracore_ros.node.live.facts import CommandFacts, Endpoint

NODE = '/controller'
GOES_ON = (
    'shows no time-out of its own (such as cmd_vel_timeout): if the node is killed, or its '
    'computer or network fails, the last {} goes on for ever. Set one, or put something with one '
    'between'
)


def about(folder, text, params, kind=None):
    path = folder / 'robot.yaml'
    path.write_text(text)
    (command,) = load_robot(path).direct_commands()
    listener = Endpoint(NODE, kind or command.type, 'reliable')
    facts = CommandFacts(f'/{command.topic}', command, (listener,), {NODE: params})
    return [(line.level, line.text) for line in check_command(facts, 'wall', 0.3)]


@pytest.mark.parametrize(
    ('text', 'what'),
    [
        (BASE, 'velocity'),
        (VELOCITIES, 'velocity'),
        (TORQUES.replace('STOP', 'zero'), 'torque'),
        (HAND.replace('TYPE', 'TwistStamped'), 'velocity'),
    ],
)
@pytest.mark.parametrize('params', [{}, {'cmd_vel_timeout': 0.0}, None])
def test_a_receiver_that_goes_on_by_itself_is_named(tmp_path, text, what, params):
    lines = about(tmp_path, text, params)
    topic = {'velocity': '', 'torque': ''}[what]
    (said,) = [said for level, said in lines if level == 'warning' and 'time-out' in said]
    assert said.endswith(topic + GOES_ON.format(what))


@pytest.mark.parametrize(
    'name', ['cmd_vel_timeout', 'reference_timeout', 'moveit_servo.incoming_command_timeout']
)
def test_a_receiver_with_a_time_out_is_in_order(tmp_path, name):
    assert name in PARAMETERS
    lines = about(tmp_path, BASE, {name: 0.5})
    assert {level for level, _ in lines} == {'ok'}
    assert lines[0][1] == f'/cmd_vel: {NODE} stops by itself where nothing comes ({name}: 0.5)'


def test_poses_need_no_time_out(tmp_path):
    assert {level for level, _ in about(tmp_path, HAND.replace('TYPE', 'PoseStamped'), {})} == {
        'ok'
    }


def test_velocities_to_positions_are_an_error(tmp_path):
    params = {'joints': ['b', 'a'], 'interface_name': 'position', 'cmd_timeout': 1.0}
    errors = [said for level, said in about(tmp_path, VELOCITIES, params) if level == 'error']
    assert errors == [
        f"/velocities: {NODE} forwards numbers to 'position', but we send JOINT_VELOCITIES: "
        'command a controller with interface_name: velocity'
    ]
    right = {**params, 'interface_name': 'velocity'}
    assert {level for level, _ in about(tmp_path, VELOCITIES, right)} == {'ok'}


def test_numbers_in_another_order_are_an_error(tmp_path):
    params = {'joints': ['a', 'b'], 'interface_name': 'velocity', 'cmd_timeout': 1.0}
    (said,) = [said for level, said in about(tmp_path, VELOCITIES, params) if level == 'error']
    assert 'takes numbers in the order a, b; we would send b, a' in said


def test_a_cartesian_controller_of_another_frame_or_link_is_named(tmp_path):
    text = HAND.replace('TYPE', 'PoseStamped')
    (said,) = [
        said
        for level, said in about(tmp_path, text, {'robot_base_link': 'world'})
        if level == 'error'
    ]
    assert said.startswith(
        f"/hand/target: {NODE} takes poses in 'world', and refuses those in 'base_link'"
    )
    same = about(tmp_path, text, {'robot_base_link': 'base_link', 'end_effector_link': 'tool'})
    assert {level for level, _ in same} == {'ok'}


def test_a_receiver_of_another_type_is_an_error_with_what_to_write(tmp_path):
    lines = about(tmp_path, BASE, {}, kind='geometry_msgs/msg/TwistStamped')
    (said,) = [said for level, said in lines if level == 'error']
    assert (
        'takes geometry_msgs/msg/TwistStamped, the robot file sends geometry_msgs/msg/Twist'
        in (said)
    )
