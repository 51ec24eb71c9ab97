"""The node as a process: how it starts, refuses and ends."""

import re
import signal
import time
from pathlib import Path

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from helpers.live_robot import INFER_NODE, SIM_ROBOT, UR5, Running, World, ros_arguments
from helpers.processes import is_alive, until_computed
from helpers.small_policies import write_policy
from helpers.waiting import stays, wait_until

COMMANDS = 'arm_controller/joint_trajectory'


@pytest.fixture(scope='module')
def sweep(tmp_path_factory):
    """A policy that moves joint 0 by 0.4 rad/s."""
    return write_policy(tmp_path_factory.mktemp('policy') / 'sweep.pt', speed=0.02)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_a_motion_stops_the_robot_first(ur5, infer, sweep, number):
    ur5.new_trial()
    process = infer(model=sweep, robot=UR5)
    ur5.until_moving()
    # The robot may have found the node before its witness did.
    ur5.until(lambda: ur5.commands, 'a command')
    process.process.send_signal(number)
    process.process.send_signal(signal.SIGINT)  # an impatient person
    ur5.until_still(0.7)
    assert process.wait() == 0, process.output
    assert 'Traceback' not in process.output
    # The last command brakes: from the speed it had to none, within what was on its way.
    last = ur5.commands[-1][1]
    assert last.points[-1].velocities[0] == 0.0
    assert 0.0 < last.points[-1].positions[0] - last.points[0].positions[0] + 1e-3 < 0.1
    ur5.check()


def test_signals_until_the_very_end_change_nothing(ur5, infer, sweep):
    ur5.new_trial()
    process = infer(model=sweep, robot=UR5)
    ur5.until_moving()

    def has_ended():
        process.process.send_signal(signal.SIGINT)
        return process.process.poll() is not None

    wait_until(has_ended, 60.0, 'its end', every_s=0.002)
    assert process.wait() == 0, process.output
    ur5.until_still(0.7)
    ur5.check()


def test_a_node_that_has_ended_is_gone_from_the_graph(ur5, infer, sweep):
    process = infer(model=sweep, robot=UR5)
    ur5.until(lambda: 'infer' in ur5.node.get_node_names(), 'its name')
    assert process.end() == 0, process.output
    # What ends without a word is there for 20 s.
    ur5.until(lambda: 'infer' not in ur5.node.get_node_names(), 'no name', 15.0)


@pytest.mark.parametrize('work_s', [0.0, 0.3, 1.0])
def test_a_signal_while_it_starts_ends_it_without_a_traceback(infer, sweep, work_s):
    process = infer(model=sweep, robot=UR5)
    # Until then Python itself starts, which no program can do anything about.
    assert_ready(process)
    until_computed(process.process.pid, work_s)
    process.process.send_signal(signal.SIGINT)
    process.process.send_signal(signal.SIGTERM)
    assert process.wait() == 0, process.output
    assert 'Traceback' not in process.output


def assert_ready(process):
    """Wait until a process handles SIGINT itself."""
    status = Path(f'/proc/{process.process.pid}/status')

    def handles_signals():
        caught = re.search(r'SigCgt:\s*(\w+)', status.read_text())[1]
        return int(caught, 16) >> (signal.SIGTERM - 1) & 1

    wait_until(handles_signals, message='its handler', every_s=0.01)


def test_a_closed_terminal_stops_the_robot_first(ur5, infer, sweep):
    ur5.new_trial()
    process = infer(model=sweep, robot=UR5)
    ur5.until_moving()
    assert process.end(signal.SIGHUP) == 0, process.output
    assert 'SIGHUP: stopping the robot' in process.output
    ur5.until_still(1.0)
    ur5.check()


def test_a_node_whose_parent_was_killed_stops_the_robot_and_ends(ur5, begin, sweep, tmp_path):
    ur5.new_trial()
    log = tmp_path / 'log'
    script = tmp_path / 'parent.py'
    script.write_text(
        'import signal, subprocess, sys\n'
        f'log = open({str(log)!r}, "w")\n'
        'node = subprocess.Popen([sys.executable, "-m", *sys.argv[1:]], stdout=log, stderr=log)\n'
        'print(node.pid, flush=True)\n'
        'signal.pause()\n'
    )
    given = ros_arguments({'model': sweep, 'robot': UR5, 'end_with_parent': True})
    parent = begin(str(script), INFER_NODE, *given)
    ur5.until_moving()
    node = int(parent.lines[0])
    parent.process.kill()
    ur5.until_still(1.5)
    ur5.until(lambda: 'the process that started this one is gone' in log.read_text(), 'the line')
    ur5.until(lambda: not is_alive(node), 'the end of the node')
    assert 'Traceback' not in log.read_text()
    ur5.check()


def test_a_signal_does_not_wait_for_a_model_that_hangs(ur5, infer, tmp_path):
    model = write_policy(tmp_path / 'policy.pt', speed=0.02, fault='hang', at=3)
    ur5.new_trial()
    process = infer(model=model, robot=UR5)
    # On a busy machine a stale stream may have held the robot before the model hung; then the
    # prediction that never comes is the first one after that.
    waiting = [time.monotonic()]

    def hangs():
        if ur5.reason != 'first prediction under way':
            waiting[:] = [time.monotonic()]
        return 'late' in (ur5.reason or '') or time.monotonic() - waiting[0] > 2.0

    ur5.until(hangs, 'a model that hangs')
    assert process.end() == 0
    assert process.lines[-1].endswith('the model is still running; ending without it')
    ur5.check()


def test_a_shutdown_transition_stops_the_robot_and_ends_the_process(ur5, infer, sweep):
    ur5.new_trial()
    process = infer(model=sweep, robot=UR5)
    ur5.until_moving()
    request = Transition(id=Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert ur5.call(ChangeState, 'infer/change_state', transition=request).success
    ur5.until_still(0.7)
    assert process.wait() == 0
    ur5.check()


def test_the_first_line_says_what_is_going_to_happen(ur5, infer, sweep):
    process = infer(model=sweep, robot=UR5, dry_run=True)
    ur5.until(lambda: len(process.lines) > 1, 'two lines')
    assert process.end() == 0
    first = process.lines[0]
    for word in (str(sweep), "'ur5'", '20 Hz', 'joint_states', 'overhead/image_raw', 'dry run'):
        assert word in first
    assert [line for line in process.lines if ': WAITING' in line]


REFUSALS = {
    'a wrong type': (
        {'start_max': 'far'},
        "parameter start_max is 'far'; it must be a number from 0 to 3.2 (default 0.5)",
    ),
    'out of range': ({'max_ahead_s': 9}, 'parameter max_ahead_s is 9.0; it must be a number from'),
    'another policy': ({'sha256': 'ab' * 32}, 'abab, which was demanded'),
    'a misspelt name': ({'start_tolerence': 0.1}, 'did you mean start_tolerance?'),
    'no model': ({'model': None}, 'parameter model is not set'),
    'no such file': ({'robot': 'nowhere.yaml'}, 'nowhere.yaml'),
    'exchanged': (
        {'model': 'my arm.yaml', 'robot': 'policy.pt'},
        "exchanged: -p model:=policy.pt -p robot:='my arm.yaml'",
    ),
    'a wrong time': ({'use_sim_time': 'maybe'}, 'parameter use_sim_time is'),
}


@pytest.fixture(scope='module')
def refused(domain, sweep):
    """All the refusals, started together; robots that move at the same time come first."""
    given = {'model': sweep, 'robot': UR5}
    started = {}
    for name, (wrong, _) in REFUSALS.items():
        values = {key: v for key, v in {**given, **wrong}.items() if v is not None}
        started[name] = Running(INFER_NODE, *ros_arguments(values), niceness=10)
    return started


@pytest.mark.parametrize('name', REFUSALS)
def test_what_cannot_work_ends_with_one_line_and_code_1(refused, name):
    process = refused[name]
    assert process.wait() == 1
    said = [line for line in process.lines if 'Invalid type for parameter' not in line]
    assert len(said) == 1, process.output
    assert REFUSALS[name][1] in said[0]


def test_what_is_no_ros_argument_is_wrong_usage(begin):
    process = begin(INFER_NODE, 'model:=policy.pt')
    assert process.wait() == 2
    assert process.lines == [
        "infer_node: 'model:=policy.pt' is no ROS argument: write --ros-args -p "
        'model:=policy.pt -p robot:=robot.yaml; see infer_node --help'
    ]


def test_a_forgotten_flag_is_wrong_usage(begin):
    process = begin(INFER_NODE, '--ros-args', 'model:=policy.pt')
    assert process.wait() == 2
    assert process.lines == ["infer_node: 'model:=policy.pt' has no -p: write -p model:=policy.pt"]


def test_a_parameter_file_for_another_node_is_told_in_one_line(begin, sweep, tmp_path):
    file = tmp_path / 'params.yaml'
    file.write_text('inferr: {ros__parameters: {model: policy.pt}}')
    process = begin(INFER_NODE, '--ros-args', '--params-file', file)
    assert process.wait() == 1
    told, refused = process.lines
    assert f'{file}: has parameters of /inferr only' in told
    assert 'parameter model is not set' in refused


def test_help_tells_every_parameter(begin):
    process = begin(INFER_NODE, '--help')
    assert process.wait() == 0
    for name in ('model', 'max_ahead_s', 'frozen_after_s'):
        assert f'  {name} ' in process.output


def test_an_rclpy_beside_the_sourced_ros_is_refused(begin, tmp_path, monkeypatch):
    (tmp_path / 'share' / 'rclpy').mkdir(parents=True)
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    process = begin(INFER_NODE)
    assert process.wait() == 1
    (line,) = process.lines
    assert str(tmp_path) in line
    assert 'pip uninstall' in line


def test_two_robots_share_one_file_in_two_namespaces(begin, sweep):
    processes, worlds = [], []
    try:
        for namespace in ('left', 'right'):
            remap = ['--ros-args', '-r', f'__ns:=/{namespace}']
            sim = ['--robot', 'ur5', '--no-clock', *remap]
            node = [*remap, '-p', f'model:={sweep}', '-p', f'robot:={UR5}']
            node += ['-p', f'dry_run:={str(namespace == "right").lower()}']
            processes.append(begin(SIM_ROBOT, *sim))
            processes.append(begin(INFER_NODE, *node))
            worlds.append(World(namespace=namespace))
        left, right = worlds
        left.until(lambda: len(left.motion) > 12 and len(right.motion) > 12, 'joint states')
        left.until_moving()
        stays(lambda: right.commands == [] and abs(right.speed()) < 1e-4, 0.2, 'a robot at rest')
        left.check()
    finally:
        codes = [process.end() for process in reversed(processes)]
        for world in worlds:
            world.close()
    assert codes == [0, 0, 0, 0]


def of_node(infos, policy, name='infer'):
    """What a node's endpoints on a topic have for a policy, as far as they have been discovered."""
    return [getattr(info.qos_profile, policy) for info in infos if info.node_name == name]


def test_the_quality_of_service_can_be_overridden(ur5, infer, sweep):
    process = infer(
        model=sweep,
        robot='ur5',  # as the package ships it
        **{
            f'qos_overrides./{COMMANDS}.publisher.durability': 'transient_local',
            'qos_overrides./joint_states.subscription.reliability': 'best_effort',
        },
    )

    def has(infos, topic, policy, value):
        # Not from the first moment on: a camera that is found later is then matched.
        ur5.until(lambda: of_node(infos(topic), policy) == [value], f'{topic}: {value}')

    publishers, subscriptions = (
        ur5.node.get_publishers_info_by_topic,
        ur5.node.get_subscriptions_info_by_topic,
    )
    ur5.until_state('RUNNING')
    has(publishers, COMMANDS, 'durability', DurabilityPolicy.TRANSIENT_LOCAL)
    # Without an override it is as the publisher offers.
    has(subscriptions, 'overhead/image_raw', 'reliability', ReliabilityPolicy.RELIABLE)
    has(subscriptions, 'joint_states', 'reliability', ReliabilityPolicy.BEST_EFFORT)
    assert process.end() == 0, process.output


def test_an_override_that_makes_no_sense_is_told_in_one_line(infer, sweep):
    wrong = {f'qos_overrides./{COMMANDS}.publisher.reliability': 'mostly'}
    process = infer(model=sweep, robot=UR5, **wrong)
    assert process.wait() == 1
    assert 'Traceback' not in process.output
    assert 'mostly' in process.lines[-1]


def test_simulated_time_that_nobody_makes_is_told(ur5, infer, sweep):
    node = infer(model=sweep, robot=UR5, use_sim_time=True)
    ur5.until_state('WAITING', 'nobody publishes /clock, and without it there is no time')
    assert node.end() == 0, node.output


# Last, since DDS believes in the services of a killed process for many seconds.
def test_a_killed_node_keeps_the_robot_moving_no_longer_than_max_ahead(ur5, infer, sweep):
    ur5.new_trial()
    process = infer(model=sweep, robot=UR5, max_ahead_s=0.4)
    ur5.until_moving()
    process.process.kill()
    process.wait()
    ur5.until_still(0.4 + 0.3)
    ur5.check()
