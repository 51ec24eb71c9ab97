"""A simulated robot, the node beside it, and somebody who sees and checks all that is sent."""

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger
from trajectory_msgs.msg import JointTrajectory

from helpers.spinning import Spinning
from helpers.waiting import stays, wait_until
from neuracore_ros.description.shipped import shipped
from neuracore_ros.sim.arms import ARMS, ArmKinematics
from neuracore_ros.sim.controller import rejection

# A node that is started may be waited for with it: on a starved machine its torch takes 30 s.
PATIENCE_S = 60.0
# Longer than what is asked takes, since it may be done twice then.
AGAIN_S = 8.0
# Of joint 0, as the policies of these tests ask for it [rad/s].
SPEED = 0.4
# What lies between robot and plan when a motion starts: the node's start_tolerance [rad].
CATCHES_UP = 0.1
INFER_NODE = 'neuracore_ros.node.infer_node'
SIM_ROBOT = 'neuracore_ros.sim.robot_node'
UR5 = shipped('ur5')
DEFAULTS = {'enabled': True, 'dry_run': False, 'rearm': 'auto', 'start_max': 0.5, 'threads': 1}
TRANSITIONS = {
    'configure': Transition.TRANSITION_CONFIGURE,
    'cleanup': Transition.TRANSITION_CLEANUP,
    'activate': Transition.TRANSITION_ACTIVATE,
    'deactivate': Transition.TRANSITION_DEACTIVATE,
    'shutdown': Transition.TRANSITION_INACTIVE_SHUTDOWN,
}


class Running:
    """A process of ours, with what it says."""

    not_ended = []

    def __init__(self, module, *arguments, niceness=0):
        what = [module] if str(module).endswith('.py') else ['-m', module]
        environment = dict(os.environ)
        if what == [module]:
            # A script of the tests imports this folder, too.
            path = [str(Path(__file__).parents[1]), environment.get('PYTHONPATH', '')]
            environment['PYTHONPATH'] = os.pathsep.join(filter(None, path))
        self.process = subprocess.Popen(
            ['nice', '-n', str(niceness), sys.executable, *what, *map(str, arguments)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # Whatever becomes of the test: a robot that is left over would disturb the next one.
        atexit.register(self.process.kill)
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.not_ended.append(self)

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def __str__(self):
        """For a person who wonders what became of it."""
        return '\n  '.join(
            [*self.process.args[4:7], f'-> {self.process.poll()}', *self.lines[-9:]]
        )

    @property
    def output(self):
        return '\n'.join(self.lines)

    def end(self, number=signal.SIGINT):
        """Send a signal, and wait; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self):
        if self in self.not_ended:
            self.not_ended.remove(self)
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f'did not end:\n{self.output}') from None
        self._reader.join(PATIENCE_S)
        return code


def ros_arguments(parameters):
    def written(value):
        return str(value).lower() if isinstance(value, bool) else value

    words = [w for name, value in parameters.items() for w in ('-p', f'{name}:={written(value)}')]
    return ['--ros-args', *words]


def until_published(node, topic):
    """Wait until a node has found somebody who publishes a topic."""
    wait_until(lambda: node.count_publishers(topic), PATIENCE_S, f'a publisher of {topic}')


@contextmanager
def simulated_ur5(*options):
    """A simulated UR5 in a process of its own, for a block; gives its witness."""
    sim = Running(SIM_ROBOT, '--robot', 'ur5', *options)
    world = World()
    try:
        world.until(lambda: len(world.motion) > 12, 'joint states')
        yield world
    finally:
        world.close()
        status = sim.end()
    assert status == 0, sim.output


class World(Spinning):
    """Everything on one ROS domain, heard by one node of ours."""

    def __init__(self, namespace='', arm='ur5'):
        super().__init__()
        self.arm = ARMS[arm]
        self.node = self.create('witness', namespace=namespace)
        self.commands = []  # (wall seconds, message)
        self.motion = []  # (wall seconds, positions in the order of the arm's joints)
        self.refused = []
        self.diagnostics = {}
        self.states = []  # (stamp in seconds, state, reason) of every inference status
        node = self.node
        node.create_subscription(
            JointTrajectory, 'arm_controller/joint_trajectory', self._on_command, 100
        )
        node.create_subscription(JointState, 'joint_states', self._on_joints, 100)
        node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 100)
        node.create_subscription(String, 'sim/rejected', self._on_rejected, 100)
        self._clients = {}
        self.add(node)

    def _on_command(self, message):
        self.commands.append((time.monotonic(), message))
        if reason := rejection(message, self.arm.joint_names, time.time_ns()):
            self.refused.append(reason)

    def _on_joints(self, message):
        by_name = dict(zip(message.name, message.position, strict=True))
        positions = np.array([by_name[name] for name in self.arm.joint_names])
        stamp = message.header.stamp
        self.motion.append((stamp.sec + stamp.nanosec / 1e9, positions))

    def _on_diagnostics(self, message):
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            self.diagnostics[status.name] = {
                **values,
                'level': status.level,
                'message': status.message,
                'hardware_id': status.hardware_id,
            }
            if status.name == 'infer: inference':
                stamp = message.header.stamp
                stamp_s = stamp.sec + stamp.nanosec / 1e9
                self.states.append((stamp_s, values['state'], values['reason']))

    def _on_rejected(self, message):
        self.refused.append(message.data)

    # What is asked

    @property
    def state(self):
        return self.diagnostics.get('infer: inference', {}).get('state')

    @property
    def reason(self):
        return self.diagnostics.get('infer: inference', {}).get('reason')

    @property
    def positions(self):
        return self.motion[-1][1]

    def speed(self, joint=0):
        """Of a joint over the last 0.1 s [rad/s]; NaN before so much has been seen."""
        if len(self.motion) < 11:
            return np.nan
        (t0, before), (t1, after) = self.motion[-11], self.motion[-1]
        return (after[joint] - before[joint]) / (t1 - t0)

    def until(self, happened, what, patience_s=PATIENCE_S):
        """Wait for something to become true; returns how long it took [s]."""

        def told():
            running = '\n'.join(map(str, Running.not_ended[-3:]))
            return f'{what}; state {self.state}: {self.reason}\n{running}'

        start_s = time.monotonic()
        wait_until(happened, patience_s, told, every_s=0.005)
        return time.monotonic() - start_s

    def until_state(self, state, because='', patience_s=PATIENCE_S):
        return self.until(
            lambda: self.state == state and because in self.reason,
            f'{state}: {because}',
            patience_s,
        )

    def until_moving(self):
        self.until(lambda: len(self.motion) > 12, 'joint states')
        return self.until(lambda: abs(self.speed()) > 0.2, 'motion')

    def until_still(self, patience_s=PATIENCE_S):
        return self.until(lambda: abs(self.speed()) < 1e-4, 'rest', patience_s)

    def let_pass(self, seconds):
        """Wait until the robot has told its joints for so long, by its own stamps."""
        self.until(lambda: self.motion, 'joint states')
        end_s = self.motion[-1][0] + seconds
        self.until(lambda: self.motion[-1][0] >= end_s, f'{seconds:g} s of joint states')

    def stays(self, state, seconds):
        """Require that the state is, and stays, what it is."""
        stays(lambda: self.state == state, seconds, state)

    def sends_nothing(self, seconds):
        """Require that no command is sent for a while."""
        sent = len(self.commands)
        stays(lambda: len(self.commands) == sent, seconds, 'no command')

    # What is done

    def client(self, kind, name):
        """Of a service that is there."""
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, name)
            self.until(self._clients[name].service_is_ready, f'service {name}')
            # It knows the service; the service may not know it yet, and its answer would be lost.
            time.sleep(0.2)
        client = self._clients[name]
        self.until(client.service_is_ready, f'service {name}')
        return client

    def call(self, kind, name, **fields):
        """Ask, and ask again: who has not found us yet neither hears nor answers."""
        client, asked_s, answers = self.client(kind, name), -AGAIN_S, []

        def answered():
            nonlocal asked_s
            if time.monotonic() - asked_s > AGAIN_S:
                asked_s = time.monotonic()
                answers.append(client.call_async(kind.Request(**fields)))
            return any(answer.done() for answer in answers)

        self.until(answered, f'an answer of {name}')
        return next(answer.result() for answer in answers if answer.done())

    def set(self, node, **values):
        parameters = [Parameter(name, value=v).to_parameter_msg() for name, v in values.items()]
        return self.call(SetParameters, f'{node}/set_parameters', parameters=parameters).results

    def change(self, transition):
        request = Transition(id=TRANSITIONS[transition])
        return self.call(ChangeState, 'infer/change_state', transition=request).success

    def lifecycle(self):
        return self.call(GetState, 'infer/get_state').current_state.label

    def enable(self, on):
        return self.call(SetBool, 'infer/enable', data=on)

    def reset(self):
        return self.call(Trigger, 'infer/reset')

    def new_trial(self):
        """Put the simulated robot, in wall time, back to a start of its own, at rest."""
        self.call(Trigger, 'sim/reset')
        # Joint states of before may still come, and the way from them to the start is no motion.
        reset_s = time.time()
        self.until(lambda: self.motion and self.motion[-1][0] > reset_s, 'a new start')
        self.motion.clear()
        self.until(lambda: len(self.motion) > 12, 'joint states')

    # What must hold in every test

    def check(self, speed=SPEED, others=0.0):
        """No command was wrong, and no joint jumped, left its limits or moved on its own.

        No joint goes farther, in any time, than its policy asks for. It may be behind by what
        a prediction or a message takes, and catch up as fast as its limits let it.

        Args:
            speed: That somebody asks joint 0 for [rad/s].
            others: That its policy asks the other joints for [rad/s].
        """
        assert self.refused == []
        times = np.array([t for t, _ in self.motion])
        positions = np.array([p for _, p in self.motion])
        limits = ArmKinematics(self.arm)
        assert np.all((positions >= limits.lower) & (positions <= limits.upper))
        # From a twentieth of a second, since stamps shake by a scheduler's tick, to a second.
        for steps in (5, 10, 20, 50, 100):
            took_s = (times[steps:] - times[:-steps])[:, None]
            moved = np.abs(positions[steps:] - positions[:-steps])
            too_far = moved - [speed, *[others + 0.05] * (moved.shape[1] - 1)] * took_s
            too_far[:, 0] -= CATCHES_UP
            too_far[:, 1:] -= CATCHES_UP * others / SPEED
            assert np.all(too_far <= 0.0), (steps, too_far.max(axis=0))
