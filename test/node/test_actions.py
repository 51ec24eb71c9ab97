"""Commands as goals of actions, with the real messages of control_msgs and a real action server.

control_msgs cannot be installed by pip: without a ROS 2 that has it, these are skipped.
"""

import threading
import time
from contextlib import suppress

import pytest

control_action = pytest.importorskip(
    'control_msgs.action', reason='control_msgs is not installed: actions are not tried'
)

import rclpy
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from trajectory_msgs.msg import JointTrajectory

from helpers.live_robot import UR5

SWEEP = {'speed': 0.02}
TOPIC = 'arm_controller/joint_trajectory'


def with_command(folder, command):
    """A UR5 that is commanded in another way."""
    robot = folder / 'ur5.yaml'
    before, after = UR5.read_text().split('commands:')
    robot.write_text(before + 'commands:' + after.replace(f'topic: {TOPIC}', command))
    return robot


class Controller:
    """An action server in front of the simulated controller, as the real one has both.

    Like joint_trajectory_controller, it aborts a goal that a newer one replaces, and lets one
    succeed that ran to its end.
    """

    def __init__(self, world):
        self.context = world.context
        self.node = rclpy.create_node('controller', context=self.context)
        self.goals = []
        self.accepts = True
        self.cancelled = 0
        self.fault = ''
        self._topic = self.node.create_publisher(JointTrajectory, TOPIC, 10)
        self._server = ActionServer(
            self.node,
            control_action.FollowJointTrajectory,
            'arm/follow',
            execute_callback=self._execute,
            goal_callback=self._on_goal,
            cancel_callback=self._on_cancel,
            callback_group=ReentrantCallbackGroup(),
        )
        self._executor = MultiThreadedExecutor(8, context=self.context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self):
        with suppress(ExternalShutdownException):
            self._executor.spin()

    def _on_goal(self, goal):
        return GoalResponse.ACCEPT if self.accepts else GoalResponse.REJECT

    def _on_cancel(self, _):
        self.cancelled += 1
        return CancelResponse.ACCEPT

    def _execute(self, handle):
        trajectory = handle.request.trajectory
        self.goals.append(trajectory)
        mine = len(self.goals)
        self._topic.publish(trajectory)
        last = trajectory.points[-1].time_from_start
        end_s = time.monotonic() + last.sec + last.nanosec / 1e9
        result = control_action.FollowJointTrajectory.Result()
        while time.monotonic() < end_s:
            if self.fault or len(self.goals) > mine:
                result.error_code = result.PATH_TOLERANCE_VIOLATED
                result.error_string = self.fault or 'preempted by a new goal'
                handle.abort()
                return result
            time.sleep(0.01)
        handle.succeed()
        return result

    def close(self):
        self._executor.shutdown()
        self._thread.join()
        self._server.destroy()
        self.node.destroy_node()


@pytest.fixture
def controller(ur5):
    made = Controller(ur5)
    yield made
    made.close()


@pytest.fixture
def follow(tmp_path):
    return with_command(tmp_path, 'topic: arm/follow\n    type: FollowJointTrajectory')


def test_each_goal_replaces_the_one_before_and_a_stop_is_a_goal_that_brakes(
    run, controller, follow
):
    world = run(behaviour=SWEEP, robot=follow)
    world.until_moving()
    world.let_pass(1.5)
    assert world.state == 'RUNNING'
    assert len(controller.goals) > 3
    assert controller.goals[-1].joint_names == list(world.arm.joint_names)
    assert world.change('deactivate')
    world.until_still(1.0)
    assert controller.goals[-1].points[-1].velocities[0] == 0.0
    assert controller.cancelled == 0


def test_a_goal_that_is_rejected_holds_the_robot_until_it_is_enabled(run, controller, follow):
    world = run(behaviour=SWEEP, robot=follow)
    world.until_moving()
    controller.accepts = False
    world.until_state('HOLDING', 'arm/follow rejects the goal')
    world.until_still(1.0)
    controller.accepts = True
    world.stays('HOLDING', 0.5)
    assert world.enable(True).success
    world.until_moving()


def test_a_goal_that_is_given_up_holds_the_robot_with_the_words_of_its_controller(
    run, controller, follow
):
    world = run(behaviour=SWEEP, robot=follow)
    world.until_moving()
    controller.fault = 'elbow_joint path state tolerance violated'
    world.until_state('HOLDING', 'arm/follow gave up its goal: elbow_joint path state tolerance')
    controller.fault = ''
    world.until_still(1.0)
    assert world.enable(True).success
    world.until_moving()


def test_without_an_action_server_nobody_listens(run, follow):
    world = run(behaviour=SWEEP, robot=follow)
    world.until_state('HOLDING', 'nobody listens to arm/follow')
    late = Controller(world)
    try:
        world.until_moving()
    finally:
        late.close()
    world.until_state('HOLDING')
