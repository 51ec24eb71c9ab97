"""Commands as goals of actions.

The two services of an action are called directly. rclpy's ActionClient would besides receive
all feedback, which is not used, and in rclpy 9.1.2 it keeps a future of every goal for ever.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.node import Node
from rclpy.task import Future
from unique_identifier_msgs.msg import UUID

from neuracore_ros.description import Command
from neuracore_ros.description.command import (
    FOLLOW_JOINT_TRAJECTORY,
    GRIPPER_COMMAND,
    PARALLEL_GRIPPER_COMMAND,
)
from neuracore_ros.errors import DescriptionError
from neuracore_ros.node import graph
from neuracore_ros.node.messages import to_message
from neuracore_ros.runner import DirectMessage, JointCommand

_SMALL_SHARE = 0.01
_SMALL = 1e-3
_LOST = {
    GoalStatus.STATUS_ABORTED: 'gave up its goal',
    GoalStatus.STATUS_CANCELED: 'was told by another node to give up its goal',
}


def open_action(node: Node, command: Command, on_fault: Callable[[str], None]) -> ActionOutput:
    """The output of one action; its arguments are those of `ActionOutput`.

    Raises:
        DescriptionError: Its messages are not installed.
    """
    try:
        from control_msgs import action
    except ImportError:
        raise DescriptionError(
            f'commands to {command.topic}: {command.type} needs control_msgs, which is not '
            'installed: apt install ros-$ROS_DISTRO-control-msgs, or command it by a topic'
        ) from None
    if command.type == FOLLOW_JOINT_TRAJECTORY:
        return TrajectoryAction(node, command, action.FollowJointTrajectory, on_fault)
    parallel = command.type == PARALLEL_GRIPPER_COMMAND
    name = command.type.rpartition('/')[2]
    if not hasattr(action, name):
        raise DescriptionError(
            f'commands to {command.topic}: the control_msgs of this ROS 2 have no {name}; '
            f'its gripper controllers take {GRIPPER_COMMAND}'
        )
    kind = ParallelGripperAction if parallel else GripperAction
    return kind(node, command, getattr(action, name), on_fault)


class ActionOutput:
    """One action server, and its newest goal.

    Args:
        node: In an executor.
        command: As the robot file has it.
        action: The class of the action.
        on_fault: Called with each refusal or rival, on the executor's thread.

    Attributes:
        rivals: Other clients of the action, whether they have a goal at the moment or not.
    """

    rivals: Sequence[str]

    def __init__(
        self, node: Node, command: Command, action: Any, on_fault: Callable[[str], None]
    ) -> None:
        self._node = node
        self._action = action
        self._topic = command.topic
        self._on_fault = on_fault
        services, name = action.Impl, command.topic
        self._send = node.create_client(services.SendGoalService, f'{name}/_action/send_goal')
        self._result = node.create_client(services.GetResultService, f'{name}/_action/get_result')
        self._newest: UUID | None = None
        self._closed = False
        self.refresh()

    def send(self, command: JointCommand | DirectMessage) -> None:
        """Send one command, of joints."""
        raise NotImplementedError

    def listeners(self) -> int:
        """1 if the action server is there."""
        return int(self._send.service_is_ready() and self._result.service_is_ready())

    def refresh(self) -> None:
        """Update the other clients of the action."""
        self.rivals = sorted({*graph.listeners(self._node, f'{self._topic}/_action/feedback')})

    def close(self) -> None:
        """Destroy the clients; the server carries on with the newest goal."""
        self._closed = True
        self._node.destroy_client(self._send)
        self._node.destroy_client(self._result)

    def _send_goal(self, goal: Any) -> None:
        name = UUID(uuid=list(uuid.uuid4().bytes))
        self._newest = name
        request = self._action.Impl.SendGoalService.Request(goal_id=name, goal=goal)
        self._send.call_async(request).add_done_callback(lambda f: self._answered(name, f))

    def _answered(self, name: UUID, answer: Future) -> None:
        if self._closed:
            return
        if not answer.result().accepted:
            self._on_fault(f'{self._topic} rejects the goal; its log says why')
            return
        request = self._action.Impl.GetResultService.Request(goal_id=name)
        self._result.call_async(request).add_done_callback(lambda f: self._ended(name, f))

    def _ended(self, name: UUID, answer: Future) -> None:
        # A goal that a newer one replaced ends as aborted or cancelled, and rightly so.
        if self._closed or name is not self._newest:
            return
        how = _LOST.get(answer.result().status)
        if how is not None:
            self._lost(how, answer.result().result)

    def _lost(self, how: str, result: Any) -> None:
        raise NotImplementedError


class TrajectoryAction(ActionOutput):
    """FollowJointTrajectory: every goal replaces the one before it.

    A stop is a goal as well, which brakes. Cancelling would make joint_trajectory_controller
    hold the position just measured: a jump of the velocity to zero.
    """

    def send(self, command: JointCommand | DirectMessage) -> None:
        """Send a trajectory as a new goal."""
        self._send_goal(self._action.Goal(trajectory=to_message(command)))

    def _lost(self, how: str, result: Any) -> None:
        why = result.error_string or f'error code {result.error_code}'
        self._on_fault(f'{self._topic} {how}: {why}')


class GripperAction(ActionOutput):
    """GripperCommand: one goal for each noticeable change of the wanted position.

    A gripper closes on things, and its driver may call that a failure; so one that gives up is
    reported, and does not stop the robot.
    """

    def __init__(
        self, node: Node, command: Command, action: Any, on_fault: Callable[[str], None]
    ) -> None:
        super().__init__(node, command, action, on_fault)
        (joint,) = command.joints
        self._joint = joint.message_name
        self._effort = command.effort
        self._ends = (joint.limit.lower, joint.limit.upper)
        span = joint.limit.upper - joint.limit.lower
        self._small = _SMALL_SHARE * span if span < float('inf') else _SMALL
        self._wanted: float | None = None

    def send(self, command: JointCommand | DirectMessage) -> None:
        """Send the last position, if it is another one: all the way to an end, or by 1 %."""
        assert isinstance(command, JointCommand), 'no action takes direct outputs'
        position = float(command.positions[-1, 0])
        moved = float('inf') if self._wanted is None else abs(position - self._wanted)
        if moved < self._small and not (moved > 0.0 and position in self._ends):
            return
        self._wanted = position
        goal = self._action.Goal()
        self._fill(goal.command, position)
        self._send_goal(goal)

    def _fill(self, command: Any, position: float) -> None:
        command.position = position
        command.max_effort = self._effort

    def _position(self, result: Any) -> float:
        return float(result.position)

    def _lost(self, how: str, result: Any) -> None:
        if not result.stalled:
            self._node.get_logger().warning(
                f'{self._topic} {how}: the gripper is at {self._position(result):.4f}'
            )


class ParallelGripperAction(GripperAction):
    """ParallelGripperCommand: the same, with the joint as a JointState.

    It is what parallel_gripper_action_controller takes, from Jazzy on.
    """

    def _fill(self, command: Any, position: float) -> None:
        command.name = [self._joint]
        command.position = [position]
        # An effort of 0 would be a limit; without one the controller takes its own.
        command.effort = [self._effort] if self._effort else []

    def _position(self, result: Any) -> float:
        return float(next(iter(result.state.position), float('nan')))
