"""The robot in MuJoCo over real topics. Without the extra, only its absence is tested."""

import importlib.util
import subprocess
import sys

import pytest

rclpy = pytest.importorskip('rclpy')

from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String

from helpers.spinning import Spinning
from helpers.waiting import wait_until
from neuracore_ros.errors import UserError
from neuracore_ros.pairs import pair_seed
from neuracore_ros.sim.bridge import RECORDER_TOPIC
from neuracore_ros.sim.operator import Operator

MODULE = 'neuracore_ros.physics.robot_node'
HAS_PHYSICS = importlib.util.find_spec('robosuite') is not None
needs_physics = pytest.mark.skipif(
    not HAS_PHYSICS, reason="needs pip install 'neuracore_ros[mujoco]'"
)


def said_by(*arguments):
    command = [sys.executable, '-m', MODULE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stderr.strip()


@pytest.fixture
def operator(domain, begin):
    process = begin(MODULE, '--robot', 'lift_ur5e', '--seed', 5)

    def alive():
        assert process.process.poll() is None, process.output

    with Operator(domain, alive) as operator:
        # Its clock runs once its scene is built, however long that takes.
        operator.wait(0.1)
        yield operator


@needs_physics
def test_the_expert_lifts_over_real_topics_in_time_of_the_robot(operator):
    trial = operator.reset()
    assert trial['seed'] == 6
    assert trial['distance'] == pytest.approx(0.12, abs=0.001)
    operator.wait(0.3)
    start_s = operator.now_s
    operator.switch('sim/expert', True)
    assert operator.wait(20.0, lambda: operator.distance_m < trial['tolerance'] / 2)
    assert operator.now_s - start_s > 1.0
    assert operator.rejected == []
    assert operator.picture('wrist/image_raw').shape == (128, 128, 3)


def follows(operator, label):
    try:
        return operator.reset()['pair'] == label
    except UserError:  # it has found the recorder, but not heard it
        return False


@needs_physics
def test_two_arms_find_the_cube_of_one_label_at_one_place(operator):
    from neuracore_ros.physics.arms import ARMS
    from neuracore_ros.physics.lift import LiftRobot

    recorder = Spinning()
    node = recorder.create('record')
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    publisher = node.create_publisher(String, RECORDER_TOPIC, latched)
    other = LiftRobot(ARMS['lift_panda'])
    for label in ('3', 'red cube'):
        publisher.publish(String(data=label))
        wait_until(lambda label=label: follows(operator, label), 30.0, label)
        trial = operator.reset()
        assert trial['seed'] == pair_seed(label)
        other.reset(pair_seed(label))
        assert trial['target'] == pytest.approx(other.goal().tolist(), abs=1e-3)
    recorder.close()


def test_a_robot_that_is_not_there_is_named_with_those_that_are():
    assert said_by('--robot', 'lift_pand') == (
        1,
        "mujoco_robot: no simulated robot 'lift_pand'; did you mean 'lift_panda'? "
        'Known: lift_iiwa, lift_jaco, lift_kinova3, lift_panda, lift_sawyer, lift_ur5e, '
        'lift_xarm7',
    )


@pytest.mark.skipif(HAS_PHYSICS, reason='robosuite is installed')
def test_without_the_extra_it_says_what_to_install():
    code, errors = said_by('--robot', 'lift_panda')
    assert code == 1
    assert errors.endswith("is not installed: pip install 'neuracore_ros[mujoco]'")
