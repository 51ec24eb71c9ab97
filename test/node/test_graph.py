"""Who else is on the node's topics, and what the node makes of it."""

import pytest
import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from helpers.live_robot import UR5
from helpers.waiting import stays

SWEEP = {'speed': 0.02}
COMMANDS = 'arm_controller/joint_trajectory'


@pytest.fixture
def other(ur5):
    """Starts nodes of a name."""
    nodes = []

    def start(name):
        nodes.append(rclpy.create_node(name, context=ur5.context))
        return nodes[-1]

    yield start
    for node in nodes:
        node.destroy_node()


def here(world):
    """A command to stay."""
    point = JointTrajectoryPoint(positions=world.positions.tolist())
    point.time_from_start.nanosec = 300_000_000
    return JointTrajectory(joint_names=list(world.arm.joint_names), points=[point])


def test_somebody_else_who_commands_gets_the_robot_until_enable(run, other):
    world = run(behaviour=SWEEP)
    teleop = other('teleop').create_publisher(JointTrajectory, COMMANDS, 10)
    world.until_moving()
    inference = 'infer: inference'
    world.until(lambda: '/teleop' in world.diagnostics[inference]['other_commanders'], 'its name')
    assert world.state == 'RUNNING'  # a publisher that is silent does no harm
    teleop.publish(here(world))
    world.until_state('HOLDING', f'/teleop commands {COMMANDS}, too')
    world.until_still(0.7)
    world.let_pass(0.3)
    sent = len(world.commands)
    teleop.publish(here(world))
    world.until(lambda: len(world.commands) > sent, 'the command')
    # Nobody fights for a robot that is held.
    stays(lambda: len(world.commands) == sent + 1, 0.3, 'no other command')
    assert world.enable(True).success
    world.until_moving()


def test_a_second_node_of_the_same_name_is_suspected_and_not_only_who_is_silent(run, other):
    """As where a launch is started twice: the simulator of a robot has a publisher, too."""
    world = run(behaviour=SWEEP)
    second = other('infer').create_publisher(JointTrajectory, COMMANDS, 10)
    world.until_moving()
    world.until(lambda: second.get_subscription_count() > 1, 'discovery')
    second.publish(here(world))
    world.until_state('HOLDING', f' or a second /infer commands {COMMANDS}, too')


def test_what_somebody_else_commands_while_the_node_is_disabled_is_no_fault(run, other):
    world = run(behaviour=SWEEP, enabled=False)
    teleop = other('teleop').create_publisher(JointTrajectory, COMMANDS, 10)
    world.until_state('DISABLED')
    world.until(lambda: teleop.get_subscription_count() > 1, 'discovery')
    teleop.publish(here(world))
    world.stays('DISABLED', 0.3)
    world.enable(True)
    world.until_moving()


def test_a_recorder_or_an_echo_is_no_controller(run, other, tmp_path):
    robot = tmp_path / 'ur5.yaml'
    before, after = UR5.read_text().split('\ncommands:')
    robot.write_text(before + '\ncommands:' + after.replace(COMMANDS, 'lonely'))
    world = run(behaviour=SWEEP, robot=robot)
    for name in ('rosbag2_recorder', '_ros2cli_4711'):
        other(name).create_subscription(JointTrajectory, 'lonely', lambda _: None, 10)
    world.until_state('HOLDING', 'nobody listens to lonely')
    world.until(lambda: world.node.count_subscribers('lonely') == 3, 'the spectators')
    world.stays('HOLDING', 0.7)
    other('controller').create_subscription(JointTrajectory, 'lonely', lambda _: None, 10)
    # Nothing moves by what a deaf controller is told; so the robot soon does not follow.
    world.until(lambda: 'does not follow' in world.reason or world.state == 'RUNNING', 'a start')


@pytest.mark.parametrize(
    ('kind', 'durability', 'says'),
    [
        (JointTrajectory, DurabilityPolicy.TRANSIENT_LOCAL, 'the QoS does not fit'),
        (Float64MultiArray, DurabilityPolicy.VOLATILE, 'it expects std_msgs/msg/Float64Multi'),
    ],
)
def test_a_controller_that_cannot_hear_is_nobody_who_listens(
    run, other, shared_node, tmp_path, kind, durability, says
):
    robot = tmp_path / 'ur5.yaml'
    before, after = UR5.read_text().split('\ncommands:')
    robot.write_text(before + '\ncommands:' + after.replace(COMMANDS, 'lonely'))
    qos = QoSProfile(depth=10, durability=durability)
    other('deaf_one').create_subscription(kind, 'lonely', lambda _: None, qos)
    world = run(behaviour=SWEEP, robot=robot)
    world.until_state('HOLDING', 'nobody listens to lonely')
    named = f'/deaf_one cannot hear lonely: {says}'
    world.until(lambda: any(named in line for line in shared_node.lines), 'a warning')
    world.stays('HOLDING', 0.7)


def test_two_publishers_of_one_input_are_named(run, other, shared_node):
    world = run()
    world.until_state('RUNNING')
    before = len(shared_node.lines)
    other('twin').create_publisher(Image, 'overhead/image_raw', 5)
    named = 'overhead/image_raw: 2 publishers send it: /sim, /twin; the values would jump'
    camera = 'infer: overhead/image_raw'
    world.until(lambda: named in world.diagnostics[camera]['message'], 'a warning')
    assert world.diagnostics[camera]['level'] == b'\x01'
    assert len([line for line in shared_node.lines[before:] if named in line]) == 1
    assert world.state == 'RUNNING'


def test_a_controller_that_goes_is_missed_at_once(run, other, tmp_path):
    robot = tmp_path / 'ur5.yaml'
    before, after = UR5.read_text().split('\ncommands:')
    robot.write_text(before + '\ncommands:' + after.replace(COMMANDS, 'lonely'))
    controller = other('controller')
    heard = controller.create_subscription(JointTrajectory, 'lonely', lambda _: None, 10)
    world = run(robot=robot)
    world.until_state('RUNNING')
    controller.destroy_subscription(heard)
    assert world.until_state('HOLDING', 'nobody listens to lonely') < 0.5
