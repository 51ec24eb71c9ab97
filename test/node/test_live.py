"""`neuracore_ros check --live`, on graphs that are right or wrong, over real DDS."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from sensor_msgs.msg import CompressedImage

from helpers import scripted_nodes
from helpers.live_robot import SIM_ROBOT, UR5, until_published
from helpers.scripted_nodes import ALL, Graph
from helpers.small_policies import write_policy
from helpers.waiting import wait_until
from neuracore_ros.description import load_robot
from neuracore_ros.node.live.checks import check_graph
from neuracore_ros.node.live.probe_graph import probe_graph

TOPICS = ('joint_states', 'overhead/image_raw')


@pytest.fixture
def graph(domain):
    graph = Graph()
    yield graph
    graph.close()


@pytest.fixture
def found(domain):
    """Looks, and returns lines by kind."""

    def find(seconds=1.0, **options):
        robot = load_robot(UR5)
        facts = probe_graph(robot, options.pop('needed', TOPICS), seconds, **options)
        lines = check_graph(facts, 'ur5.yaml', 20.0, 0.3)
        return {
            kind: [line.text for line in lines if line.level == kind]
            for kind in ('ok', 'warning', 'error')
        }

    return find


def check(policy, *options):
    done = subprocess.run(
        [sys.executable, '-m', 'neuracore_ros.cli.main', 'check', policy, UR5, '--live', *options],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'Traceback' not in done.stderr
    return done


def test_a_healthy_robot_passes_and_receives_nothing(graph, tmp_path):
    graph.joints()
    graph.camera()
    graph.controller()
    policy = write_policy(tmp_path / 'policy.pt')
    done = check(policy, '--seconds', '2', '--json')
    told = json.loads(done.stdout)
    assert (done.returncode, told['errors']) == (0, []), told
    for fact in (
        '/arm_controller/joint_trajectory: /arm_controller controls exactly our 6 joints',
        'all 6 commanded joints are within their limits',
    ):
        assert fact in told['facts']
    assert any('rgb8 32x24, reliable, from /camera' in fact for fact in told['facts'])
    assert graph.received == []


def test_an_empty_graph_is_told_line_by_line(domain, tmp_path):
    policy = write_policy(tmp_path / 'policy.pt')
    done = check(policy, '--seconds', '0.5')
    assert done.returncode == 1
    joints, camera, command = done.stderr.splitlines()
    assert joints.startswith('error: /joint_states (JOINT_POSITIONS shoulder_pan_joint')
    assert camera.endswith('nobody publishes it: start its driver, or correct topic in sources')
    assert command.endswith(
        'nobody listens to it: start and activate the controller, or correct topic in commands'
    )


def test_wrong_types_and_names_come_with_what_to_write(graph, found):
    graph.joints(names=[*ALL[:5], 'wrist_three_joint'])
    graph.camera(kind=CompressedImage)
    graph.controller(topic='left/arm_controller/joint_trajectory')
    errors = found()['error']
    name, image, command = errors
    assert "lacks 'wrist_3_joint' (JOINT_POSITIONS index 6; did you mean 'wrist_2_joint'?" in (
        name.replace('wrist_three_joint', 'wrist_2_joint')
    )
    assert 'type: sensor_msgs/msg/CompressedImage}' in image
    assert 'nobody listens to it; did you mean --namespace /left?' in command


def test_another_clock_and_zero_stamps_are_told(graph, found):
    graph.joints(stamp=time.monotonic_ns)
    graph.camera(encoding='rgb9')
    graph.controller()
    clock, encoding = found()['error']
    assert 'write under sources: JOINT_POSITIONS: {topic: joint_states, stamp: receive}' in clock
    assert "unknown encoding 'rgb9'; did you mean 'rgb8'?" in encoding


def test_zero_stamps_are_a_warning(graph, found):
    graph.joints(stamp=lambda: 0)
    graph.controller()
    (warning,) = found(needed=TOPICS[:1])['warning'][:1]
    assert 'header stamps are zero' in warning


def test_two_drivers_of_the_same_joints_and_two_commanders_are_named(graph, found):
    graph.joints('driver')
    graph.joints('other_driver', names=ALL[::-1])
    graph.camera()
    graph.controller()
    graph.teleoperator()
    drivers, commander = found()['error']
    assert 'other_driver' in drivers
    assert 'send the same joints (elbow_joint, ' in drivers
    assert '/teleop is commanding it now' in commander


def test_a_slider_that_is_turned_down_is_an_error(graph, found):
    graph.joints()
    graph.camera()
    graph.controller(**{'speed_scaling.state_interface': 'speed_scaling/speed_scaling_factor'})
    graph.slider(70.0)
    (slow,) = found()['error']
    assert (
        'the node would hold: the robot runs at 70 % of its speed (/speed_scaling_state_' in slow
    )


def test_a_slow_driver_and_joints_beyond_their_limits_are_errors(graph, found):
    graph.joints(rate_hz=3.0, positions=[0.0, 0.0, 4.0, 0.0, 0.0, 0.0])
    graph.camera()
    graph.controller()
    slow, beyond = found(seconds=2.0)['error']
    assert 'the robot would be stopped all the time' in slow
    assert "'elbow_joint' is at 4, outside its position limits [-3.142, 3.142]" in beyond


def test_a_slow_driver_beside_a_fast_one_is_told_by_its_joints(graph, found):
    graph.joints('arm', names=ALL[:5], rate_hz=29.0)
    graph.joints('jaw', names=ALL[5:], rate_hz=2.0)
    graph.camera()
    graph.controller()
    told = found(seconds=3.0)
    (slow,) = told['error']
    assert slow.startswith(f'/joint_states ({ALL[5]}): 2.0 Hz; its samples are usually 0.5')
    assert f'write under sources: JOINT_POSITIONS: {{{ALL[5]}: {{max_age_s: 1.5}}}}' in slow
    assert any(text.startswith(f'/joint_states ({ALL[0]} .. ') for text in told['ok'])


def test_a_robot_that_is_found_late_is_recorded_without_a_false_alarm(graph, begin, tmp_path):
    words = ['record', UR5, '--out', tmp_path, '--seconds', 1, '--episodes', 1]
    recorder = begin('neuracore_ros.cli.main', *words)
    bystander = graph.node('bystander')
    wait_until(lambda: 'record' in bystander.get_node_names(), 60.0, 'a recorder')
    # It looks around in vain for a while, and says nothing.
    time.sleep(0.5)
    graph.joints('arm', names=ALL[:5])
    graph.joints('jaw', names=ALL[5:], rate_hz=25.0)
    graph.camera()
    graph.teleoperator()
    assert recorder.wait() == 0, recorder.output
    assert 'silent' not in recorder.output
    assert 'lacks' not in recorder.output
    assert '/joint_states' in recorder.output


def test_the_parameters_of_a_controller_are_read(graph, found):
    graph.joints()
    graph.camera()
    graph.controller(
        joints=[*ALL, 'gripper'],
        command_interfaces=['velocity'],
        interpolate_from_desired_state=False,
        constraints__elbow_joint__trajectory=0.05,
    )
    told = found()
    (error,) = told['error']
    assert 'refuses commands that lack gripper' in error
    for part in ('PID gains', "'elbow_joint' is 0.05 rad off"):
        assert any(part in warning for warning in told['warning']), part


def test_lost_large_frames_are_told_with_their_cure(graph, found, begin):
    begin(Path(scripted_nodes.__file__))
    graph.joints()
    graph.controller()
    until_published(graph.node('bystander'), 'overhead/image_raw')
    told = found(seconds=3.0)
    (loss,) = [text for text in told['error'] + told['warning'] if '/overhead' in text]
    assert 'were lost' in loss
    assert 'Let /camera publish RELIABLE' in loss


def test_simulated_time_is_recognised(graph, found, begin):
    begin(SIM_ROBOT, '--robot', 'ur5', '--speed', '2')
    until_published(graph.node('bystander'), '/clock')
    told = found()
    assert told['error'] == []
    assert any('run the node with use_sim_time:=true' in text for text in told['ok'])
