"""``watch`` in a terminal, in front of two real nodes: what keys do, and what is seen of it."""

import json
import signal
import subprocess
import sys
import time
from datetime import datetime

import numpy as np
import pytest

pytest.importorskip('rclpy')
pytest.importorskip('rich')

from sensor_msgs.msg import JointState

from helpers.live_robot import DEFAULTS, INFER_NODE, SIM_ROBOT, UR5, Running, ros_arguments
from helpers.pseudo_terminal import OnTerminal
from helpers.small_policies import write_policy
from helpers.spinning import Spinning
from helpers.waiting import stays, wait_until

LEADER = 'leader/joint_states'
# A step of joint 0: slow, so that it does not end at its limit while these tests last [rad].
SPEED = 0.003
# What is compared, and what may still be planned from before that [s].
SEEN_S, PLANNED_S = 2.0, 3.0
LEFT, RIGHT = '/left/infer', '/right/infer'


def led_robot(folder):
    """The UR5 whose human leads with joints of the same names, units and signs."""
    text = UR5.read_text()
    commands = text[text.index('commands:') :]
    teleop = commands.replace('commands:', 'teleop:', 1)
    teleop = teleop.replace('arm_controller/joint_trajectory', LEADER)
    path = folder / 'led.yaml'
    path.write_text(f'{text}\n{teleop}')
    return path


class Rig:
    """One simulated UR5, a node that moves it, and one that only pretends to.

    A leader arm stands wherever the robot is, so that the start gate lets its human in.
    """

    def __init__(self, folder):
        self.model = write_policy(folder / 'sweep.pt', speed=SPEED)
        self.robot = led_robot(folder)
        self.others = Spinning()
        node = self.others.create('leader')
        publisher = node.create_publisher(JointState, f'/{LEADER}', 10)
        node.create_subscription(JointState, '/joint_states', publisher.publish, 10)
        self.others.add(node)
        self.nodes = {}
        self.sim = Running(SIM_ROBOT, '--robot', 'ur5', '--seed', 1, '--no-clock')

    def start(self, side, **parameters):
        """A node in a namespace of its own, on the topics of the one robot."""
        topics = ('joint_states', 'overhead/image_raw', 'arm_controller/joint_trajectory', LEADER)
        remapped = [word for topic in topics for word in ('-r', f'{topic}:=/{topic}')]
        values = {'model': self.model, 'robot': self.robot, **DEFAULTS, **parameters}
        words = [*ros_arguments(values), '-r', f'__ns:=/{side}', *remapped]
        self.nodes[side] = Running(INFER_NODE, *words)

    def close(self):
        codes = [process.end() for process in (*self.nodes.values(), self.sim)]
        self.others.close()
        assert set(codes) <= {0, -signal.SIGKILL}, [node.output for node in self.nodes.values()]


@pytest.fixture(scope='module')
def screen(domain):
    """A screen that is there before any node is."""
    terminal = OnTerminal('watch')
    yield terminal
    terminal.close()


@pytest.fixture(scope='module')
def rig(screen, tmp_path_factory):
    screen.until('no node has been found yet')
    rig = Rig(tmp_path_factory.mktemp('watch'))
    rig.start('left')
    screen.until(f'{LEFT} RUNNING')
    rig.start('right', dry_run=True)
    screen.until(f'>1 {LEFT} RUNNING', f'2 {RIGHT} RUNNING')
    yield rig
    rig.close()


@pytest.fixture
def both(rig, screen):
    """The screen, both nodes running, the left one chosen."""
    screen.press('1')
    screen.until(f'>1 {LEFT} RUNNING', f'2 {RIGHT} RUNNING')
    return screen


def confirm(screen, key, question):
    """Press a key, wait for its question, and say yes."""
    screen.press(key)
    screen.until(question)
    # A person reads it, and `desk.READING_S` demands that.
    stays(lambda: question in screen.text, 0.5)
    screen.press('y')


def enable(screen, name):
    confirm(screen, 'e', f'Enable {name}?')
    screen.until(f'{name} RUNNING')


def test_what_is_seen_of_a_node_that_runs(both):
    both.until(
        'moved by policy sweep.pt',
        'robot ur5',
        'sends to /arm_controller/joint_trajectory',
        'latency median',
        'joint_states',
        'overhead/image_raw',
        'steps 20',
    )


def verb(*arguments, **options):
    words = [sys.executable, '-m', 'neuracore_ros.cli.main', 'watch', *arguments]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, **options)


def scalars(file):
    """Entity -> times [s] and numbers, in the order of time, of a file for Rerun."""
    found = {}
    for chunk in pytest.importorskip('rerun.chunk').RrdReader(file).stream():
        batch = chunk.to_record_batch()
        for name in batch.schema.names:
            if name.endswith('Scalars:scalars'):
                times = batch.column('time').cast('int64').to_numpy() / 1e9
                values = [each[0] for each in batch.column(name).to_pylist()]
                path = str(chunk.entity_path).replace('\\', '')
                found.setdefault(path, []).extend(zip(times, values, strict=True))
            elif name.endswith('EncodedImage:blob'):
                found.setdefault(str(chunk.entity_path).replace('\\', ''), [])
    return {path: np.array(sorted(rows)).T for path, rows in found.items()}


def run_undisturbed_s(watching):
    """Time for which both have run, by the lines that are printed at each change [s]."""
    records = [json.loads(line) for line in list(watching.lines) if line.startswith('{')]
    states = {record['node']: record['state'] for record in records}
    if states != {LEFT: 'RUNNING', RIGHT: 'RUNNING'}:
        return 0.0
    changed_s = max(datetime.fromisoformat(record['time']).timestamp() for record in records)
    return time.time() - changed_s


def test_rerun_gets_chunks_beside_what_was_commanded_and_measured(both, begin, tmp_path):
    pytest.importorskip('rerun')
    file = tmp_path / 'live.rrd'
    watching = begin('neuracore_ros.cli.main', 'watch', '--rerun', file, '--json')
    # A node that was starved holds the robot, and what it had planned before never comes.
    wait_until(lambda: run_undisturbed_s(watching) > SEEN_S + PLANNED_S, 120.0, watching)
    end_s = time.time()
    assert watching.end() == 0, watching.output
    shown = scalars(file)
    assert f'{RIGHT}/input/RGB_IMAGES/1 overhead' in shown
    assert f'{RIGHT}/plan/JOINT_TARGET_POSITIONS/0 shoulder_pan_joint' in shown
    times = np.linspace(end_s - SEEN_S, end_s, 20)
    # The elbow's slot has another sign and zero than its topics.
    for joint, moved in (('0 shoulder_pan_joint', 0.01), ('3 elbow_joint', 0.0)):
        place = np.interp(times, *shown[f'{LEFT}/input/JOINT_POSITIONS/{joint}'])
        assert np.ptp(place) >= moved
        for role in ('output', 'plan'):
            told = shown[f'{LEFT}/{role}/JOINT_TARGET_POSITIONS/{joint}']
            assert np.abs(np.interp(times, *told) - place).max() < 0.05


def test_disable_and_enable_act_on_the_chosen_node_alone(both):
    both.press('d')
    both.until(f'{LEFT}: disable: DISABLED', f'1 {LEFT} DISABLED', f'2 {RIGHT} RUNNING')
    both.press('e')
    both.until(f"Enable {LEFT}? Robot 'ur5' may move", 'on /arm_controller/joint_trajectory')
    both.press('n')
    both.until('not sent: enable was not confirmed', f'1 {LEFT} DISABLED')
    enable(both, LEFT)
    both.press('\t')
    both.until(f'>2 {RIGHT}', 'dry run')
    both.press('d')
    both.until(f'2 {RIGHT} DISABLED', f'1 {LEFT} RUNNING')
    enable(both, RIGHT)


def test_a_human_takes_over_and_gives_back(both):
    both.press('t')
    both.until(f'1 {LEFT} TAKEOVER', 'moved by human', f'2 {RIGHT} RUNNING')
    confirm(both, 'p', f'Give back {LEFT}?')
    both.until(f'1 {LEFT} RUNNING', 'moved by policy')


def test_reset_brakes_and_goes_on(both):
    both.press('r')
    both.until(f'{LEFT}: reset:', f'1 {LEFT} RUNNING')


def test_the_space_bar_disables_both(both):
    both.press(' ')
    both.until(f'1 {LEFT} DISABLED', f'2 {RIGHT} DISABLED')
    enable(both, LEFT)
    both.press('2')
    both.until(f'>2 {RIGHT}')
    enable(both, RIGHT)


def test_a_stop_just_before_the_end_is_sent_and_its_answer_awaited(both):
    other = OnTerminal('watch')
    other.until(f'{LEFT} RUNNING', f'{RIGHT} RUNNING')
    assert other.end(' \x03') == 0
    for name in (LEFT, RIGHT):
        assert f'{name}: disable: DISABLED: disabled' in other.written
        assert f'{name} is left' not in other.written
    both.until(f'1 {LEFT} DISABLED', f'2 {RIGHT} DISABLED')
    enable(both, LEFT)
    both.press('2')
    both.until(f'>2 {RIGHT}')
    enable(both, RIGHT)


def test_arrows_and_letters_of_other_scripts_are_no_keys(both):
    both.press('\x1b[D')  # D alone disables.
    both.press('дё\x1b[A\x1bOD')
    stays(lambda: f'1 {LEFT} RUNNING' in both.text and 'disable' not in both.text[:40], 1.0)
    assert 'disable ...' not in both.text and 'Activate' not in both.text


def test_a_smaller_window_is_filled_anew(both):
    both.resize(60, 20)
    wait_until(lambda: max(map(len, both.frame.split('\n'))) <= 60, message='60 columns')
    both.until(f'1 {LEFT} RUNNING', 'q quit')
    both.resize(100, 40)


def test_piped_it_prints_one_object_for_each_change(both):
    watching = verb('--json', '--namespace', 'left', stderr=subprocess.DEVNULL)
    lines = iter(watching.stdout.readline, '')
    records = (json.loads(line) for line in lines)
    record = next(record for record in records if record['state'] == 'RUNNING')
    assert (record['node'], record['robot']) == (LEFT, 'ur5')
    assert record['commander'].startswith('policy sweep.pt')
    assert {stream['topic'] for stream in record['streams']} >= {'joint_states'}
    both.press('d')
    # State and commander are told in messages of their own, which come in any order.
    stopped = ('DISABLED', 'nobody')
    record = next(each for each in records if (each['state'], each['commander']) == stopped)
    assert record['advice'] == ['press e to let the robot move']
    watching.send_signal(signal.SIGINT)
    assert watching.wait(30) == 0
    enable(both, LEFT)


def test_once_prints_what_each_node_does_and_fails_if_one_is_missing(both):
    done = verb('--once')
    said, _ = done.communicate(timeout=60)
    assert done.returncode == 0
    assert f'{LEFT} RUNNING [policy sweep.pt' in said and f'{RIGHT} RUNNING dry run' in said
    missing = verb('--once', '--timeout', '2', '--namespace', 'nowhere', stderr=subprocess.PIPE)
    said, error = missing.communicate(timeout=60)
    assert missing.returncode == 1
    assert '/nowhere/infer ABSENT' in said and 'ROS_DOMAIN_ID' in error.splitlines()[-1]


def test_a_script_calls_the_one_node_that_it_names(both):
    def call(request, *namespace):
        calling = verb('--call', request, *namespace, stderr=subprocess.PIPE)
        said, error = calling.communicate(timeout=60)
        return calling.returncode, said + error

    code, said = call('disable')
    assert code == 1
    assert f'there are several nodes: {LEFT}, {RIGHT}; choose one by --namespace' in said
    assert call('disable', '--namespace', 'left') == (0, f'{LEFT}: disable: DISABLED: disabled\n')
    both.until(f'1 {LEFT} DISABLED', f'2 {RIGHT} RUNNING')
    code, said = call('activate', '--namespace', 'left')
    assert (code, 'activate failed' in said) == (1, True)
    enable(both, LEFT)


def test_a_node_that_ends_is_gone_and_comes_back_under_its_number(both, rig):
    both.press('1')
    assert rig.nodes['left'].end() == 0
    # Its last word may be lost: then the graph believes in it for twenty seconds.
    both.until(f'>1 {LEFT} GONE', 'the node ended', 'start it again')
    both.press('e')
    both.until(f"{LEFT}: it is not there; 'enable' was not sent")
    rig.start('left', autostart=False)
    both.until(f'>1 {LEFT} UNCONFIGURED', 'press a to configure and activate it')
    confirm(both, 'a', f'Activate {LEFT}?')
    both.until(f'{LEFT}: activated', f'>1 {LEFT} RUNNING')


def test_a_node_that_hangs_or_is_killed_is_told_and_keys_do_not_hang(both, rig):
    both.press('2')
    both.until(f'>2 {RIGHT}')
    rig.nodes['right'].process.send_signal(signal.SIGSTOP)
    both.until(f'2 {RIGHT} SILENT', 'it was killed, hangs', f'1 {LEFT} RUNNING', patience_s=20)
    both.press('r')
    both.until(f"{RIGHT}: it is not heard; 'reset' was not sent")
    both.press('d')
    both.until('no answer within 3 s', 'USE ITS EMERGENCY STOP', patience_s=20)
    rig.nodes['right'].process.send_signal(signal.SIGCONT)
    # The stop that nobody answered was carried out then.
    both.until(f'2 {RIGHT} DISABLED')
    rig.nodes['right'].process.send_signal(signal.SIGKILL)
    both.until(f'2 {RIGHT} SILENT', 'it was DISABLED', patience_s=20)
    rig.nodes['right'].wait()


def test_quitting_restores_the_terminal_and_leaves_the_nodes_as_they_are(screen, rig):
    assert screen.end('q') == 0
    assert screen.is_restored
    assert f'{LEFT} is left as it is: RUNNING' in screen.written
    assert rig.nodes['left'].process.poll() is None
