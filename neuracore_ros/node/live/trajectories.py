"""Judgements on a controller of trajectories, by its own parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from neuracore_ros.description.source import JOINT_TRAJECTORY
from neuracore_ros.node.live.facts import CommandFacts, Domain, Line

PARAMETERS = (
    'update_rate',
    'interpolate_from_desired_state',
    'open_loop_control',
    'allow_trajectory_replacement',
    'interpolation_method',
    'cmd_timeout',
    'constraints.goal_time',
    'speed_scaling.state_interface',
    'speed_scaling_interface_name',
)
"""What is asked of it; a ``constraints.<joint>.trajectory`` for each joint besides."""

_PASSTHROUGH = 'passthrough_trajectory_controller'


def judge_trajectories(
    facts: CommandFacts,
    node: str,
    told: Mapping[str, object],
    domain: Domain,
    max_tracking_error: float,
) -> Iterator[Line]:
    """Everything about a controller of trajectories.

    Args:
        facts: Of the command.
        node: Full name of the controller.
        told: Its parameters, those that it has.
        domain: The time in which it lives.
        max_tracking_error: At which distance the node itself stops the robot [rad].
    """
    if _PASSTHROUGH in node:
        yield Line(
            'error',
            f'{facts.topic}: {node} rejects a goal while one runs, so the second message would '
            'hold the robot: command its scaled_joint_trajectory_controller, or '
            'joint_trajectory_controller, instead',
        )
        return
    yield from _start(facts, node, told, domain)
    yield from _points(facts, node, told)
    if told.get('interpolation_method') == 'none':
        yield Line(
            'warning',
            f'{facts.topic}: {node} does not interpolate (interpolation_method: none): the arm '
            'would jump from point to point; set splines',
        )
    yield from _tolerances(facts, node, told, max_tracking_error)


def _starts_desired(told: Mapping[str, object]) -> bool:
    return True in (
        told.get('interpolate_from_desired_state'),
        told.get('open_loop_control'),
    )


def _is_humble(told: Mapping[str, object]) -> bool:
    return 'open_loop_control' in told and 'interpolate_from_desired_state' not in told


def _start(
    facts: CommandFacts, node: str, told: Mapping[str, object], domain: Domain
) -> Iterator[Line]:
    """From where a new message goes on."""
    starts = [told.get(key) for key in ('interpolate_from_desired_state', 'open_loop_control')]
    if _starts_desired(told):
        if _is_humble(told) and 'speed_scaling_interface_name' in told:
            yield Line(
                'error',
                f"{facts.topic}: {node} is UR's scaled controller of Humble, whose update throws "
                "(can't compare times with different time sources) with open_loop_control: true; "
                'set it to false',
            )
        elif domain == 'sim' and not _is_humble(told):
            yield Line(
                'ok',
                f'{facts.topic}: {node} has interpolate_from_desired_state: true: where /clock is '
                'set back, it accepts commands and does not move before the old time is reached '
                'again; deactivate and activate it then',
            )
        return
    if False not in starts or told.get('allow_trajectory_replacement') is True:
        return
    yield Line(
        'ok',
        f'{facts.topic}: {node} starts trajectories from where the arm is measured; ours begin '
        'where it was sent, so that this matters only if it lags by more than 0.1 s. Then set its '
        'interpolate_from_desired_state: true (Humble: open_loop_control)',
    )


def _points(facts: CommandFacts, node: str, told: Mapping[str, object]) -> Iterator[Line]:
    """What becomes of single points, each of which is a trajectory to the controller."""
    if facts.command.type != JOINT_TRAJECTORY or facts.command.stream != 'point':
        return
    cure = (
        'leave stream: point out, or command a forward_command_controller '
        '(type: std_msgs/msg/Float64MultiArray)'
    )
    if _is_humble(told):
        rate_hz = _number(told.get('update_rate'))
        rate = f'its update rate ({rate_hz:g} Hz)' if rate_hz else 'its update rate'
        yield Line(
            'warning',
            f'{facts.topic}: {node} takes single points as trajectories: where they come as often '
            f'as {rate}, the arm does not move at all, and lags far behind below it; {cure}',
        )
    elif not _starts_desired(told):
        yield Line(
            'warning',
            f'{facts.topic}: {node} takes single points as trajectories and starts each from '
            'where the arm is measured: it is driven to and fro between measured and wanted '
            f'position; {cure}',
        )


def _tolerances(
    facts: CommandFacts, node: str, told: Mapping[str, object], max_tracking_error: float
) -> Iterator[Line]:
    tight = {
        joint.message_name: tolerance
        for joint in facts.command.joints
        if (tolerance := _number(told.get(f'constraints.{joint.message_name}.trajectory'))) > 0
        and tolerance < max_tracking_error
    }
    if tight:
        name, tolerance = min(tight.items(), key=lambda item: item[1])
        yield Line(
            'warning',
            f"{facts.topic}: {node} gives a trajectory up when '{name}' is {tolerance:g} rad off, "
            f'which is before the node stops (max_tracking_error {max_tracking_error:g}): the arm '
            'would stand still for a reason that only the controller logs; give the node a '
            f'max_tracking_error below {tolerance:g}',
        )
    timeout_s = _number(told.get('cmd_timeout'))
    if timeout_s > _number(told.get('constraints.goal_time')):
        yield Line(
            'ok', f'{facts.topic}: {node} holds {timeout_s:g} s after the last point (cmd_timeout)'
        )


def judge_speed_scaling(
    facts: CommandFacts, node: str, told: Mapping[str, object]
) -> Iterator[Line]:
    """Whether the robot runs at full speed now, and whether the node will notice if not."""
    slowed = facts.slowed
    if slowed is not None and slowed.reason:
        yield Line('error', f'{facts.topic}: the node would hold: {slowed.reason}')
    elif slowed is not None:
        yield Line(
            'ok',
            f'{facts.topic}: {node} runs at {100.0 * slowed.factor:.0f} % of its speed '
            f'({slowed.topic}); the node holds the robot where that is turned down',
        )
    elif told.get('speed_scaling.state_interface') or told.get('speed_scaling_interface_name'):
        yield Line(
            'warning',
            f"{facts.topic}: {node} follows the robot's speed slider, and the node cannot read "
            'it: start the speed_scaling_state_broadcaster, or install control_msgs (from Jazzy '
            'on); keep the slider at 100 %',
        )


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
