"""Checks of command topics: who receives the commands, and what a controller does with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from neuracore_ros.description import DirectCommand
from neuracore_ros.description.command import FOLLOW_JOINT_TRAJECTORY
from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY, JOINT_TRAJECTORY
from neuracore_ros.node.graph import is_spectator
from neuracore_ros.node.live.direct_commands import (
    FRAMES,
    TIMEOUTS,
    check_end,
    check_interface,
    names_joints,
)
from neuracore_ros.node.live.facts import (
    CheckResult,
    CommandFacts,
    Domain,
    Endpoint,
    error,
    listed,
    ok,
    warning,
)
from neuracore_ros.node.live.streams import NAMESPACE_OPTION, did_you_mean_topic
from neuracore_ros.node.speed_scaling import LEAST, slowed_down
from neuracore_ros.similar_names import did_you_mean
from neuracore_ros.wording import counted

PARAMETERS = (
    'joints',
    'command_joints',
    'command_interfaces',
    'interface_name',
    'allow_partial_joints_goal',
    'update_rate',
    'interpolate_from_desired_state',
    'open_loop_control',
    'allow_trajectory_replacement',
    'interpolation_method',
    'constraints.goal_time',
    'speed_scaling.state_interface',
    'speed_scaling_interface_name',
    *TIMEOUTS,
    *FRAMES,
)
"""Parameters that are read from a controller, besides ``constraints.<joint>.trajectory``."""

# Humble's name is the second.
_STARTS_DESIRED = ('interpolate_from_desired_state', 'open_loop_control')
_PASSTHROUGH = 'passthrough_trajectory_controller'


def check_command(
    facts: CommandFacts, domain: Domain, max_tracking_error: float
) -> Iterator[CheckResult]:
    """Check one command topic.

    Args:
        facts: What was found.
        domain: The clock of the robot.
        max_tracking_error: At which distance the node itself stops the robot [rad].
    """
    yield from _rivals(facts)
    yield from check_listeners(facts)
    executing = _executing(facts)
    for listener in executing:
        if not _incompatibility(facts, listener):
            yield from _controller(facts, listener.node, domain, max_tracking_error)
    if len(executing) > 1:
        nodes = ', '.join(listener.node for listener in executing)
        yield warning(f'{facts.topic}: {nodes} listen to it: all would execute it')


def check_listeners(
    facts: CommandFacts, namespace_option: str = NAMESPACE_OPTION
) -> Iterator[CheckResult]:
    """Check the listeners of a command topic; empty if they receive the commands."""
    executing = _executing(facts)
    if not executing:
        yield _unheard(facts, namespace_option)
    for listener in executing:
        if why := _incompatibility(facts, listener):
            yield error(f'{facts.topic}: {listener.node} {why}')


def _executing(facts: CommandFacts) -> list[Endpoint]:
    return [each for each in facts.listeners if not is_spectator(each.node)]


def _incompatibility(facts: CommandFacts, endpoint: Endpoint) -> str:
    """The reason why a listener would not receive our commands; empty if it would."""
    kind = facts.command.type
    if endpoint.type != kind:
        return (
            f'takes {endpoint.type}, the robot file sends {kind}; write under commands: '
            f'{facts.command.output}: {{topic: {facts.command.topic}, '
            f'type: {endpoint.type}}}'
        )
    if endpoint.refusal:
        return (
            f'would not accept our QoS ({endpoint.refusal}); change its subscription, or give the '
            f'node a qos_overrides.{facts.topic}.publisher parameter'
        )
    return ''


def _unheard(facts: CommandFacts, namespace_option: str) -> CheckResult:
    only = ', '.join(listener.node for listener in facts.listeners)
    who = f'only {only} listens to it, and executes nothing' if only else 'nobody listens to it'
    meant = did_you_mean_topic(facts.command.topic, facts.similar, namespace_option)
    cure = meant or ': start and activate the controller, or correct topic in commands'
    return error(f'{facts.topic}: {who}{cure}')


def _rivals(facts: CommandFacts) -> Iterator[CheckResult]:
    # A simulator may have a commander of its own, beside its controller.
    own = {listener.node for listener in facts.listeners}
    rivals = [r for r in facts.rivals if facts.rival_messages or r.node not in own]
    if not rivals:
        return
    nodes = listed(rivals)
    if facts.rival_messages:
        yield error(
            f'{facts.topic}: {nodes} is commanding it now ({facts.rival_messages} messages): the '
            'robot would obey both in turn; end it before the node runs'
        )
    else:
        yield warning(
            f'{facts.topic}: {nodes} can command it, too, and is silent now: keep it silent '
            'while the node runs'
        )


def _controller(
    facts: CommandFacts, node: str, domain: Domain, max_tracking_error: float
) -> Iterator[CheckResult]:
    """Check our commands against a controller's parameters."""
    params = facts.parameters.get(node)
    command = facts.command
    if isinstance(command, DirectCommand):
        yield from check_end(facts.topic, command, node, params)
    if params is None:
        yield warning(
            f'{facts.topic}: {node} listens, but told none of its parameters: compare its joints '
            'with the robot file yourself'
        )
        return
    names = controlled_joints(params)
    if names is not None and names_joints(command):
        yield from _joints(facts, node, names, params)
    else:
        yield ok(f'{facts.topic}: {node} listens (it has no parameter joints to compare)')
    if isinstance(command, DirectCommand):
        yield from check_interface(facts.topic, command, node, params)
        return
    yield from _interfaces(facts, node, params)
    if facts.command.type in (JOINT_TRAJECTORY, FOLLOW_JOINT_TRAJECTORY):
        yield from _trajectory_controller(facts, node, params, domain, max_tracking_error)
    yield from _speed_scaling(facts, node, params)


def controlled_joints(params: Mapping[str, object]) -> list[str] | None:
    """The joints that a controller controls, by its parameters; None if they do not say it."""
    names = params.get('command_joints') or params.get('joints')
    return [str(name) for name in names] if isinstance(names, list) else None


def _joints(
    facts: CommandFacts, node: str, names: list[str], params: Mapping[str, object]
) -> Iterator[CheckResult]:
    ours = [joint.message_name for joint in facts.command.slots]
    if unknown := [joint for joint in facts.command.slots if joint.message_name not in names]:
        name, kind = unknown[0].message_name, unknown[0].data_type
        yield error(
            f"{facts.topic}: {node} has no joint '{name}'{did_you_mean(name, names) or '.'} It "
            f'has: {", ".join(names)}. If only the name differs, write under commands: {kind}: '
            f'{{names: {{{unknown[0].name}: ...}}}}'
        )
    elif missing := [name for name in names if name not in ours]:
        those = ', '.join(missing)
        if facts.command.type == FLOAT64_MULTI_ARRAY or not params.get(
            'allow_partial_joints_goal'
        ):
            cure = 'add them to output'
            if facts.command.type != FLOAT64_MULTI_ARRAY:
                cure += ', or set its allow_partial_joints_goal: true'
            yield error(f'{facts.topic}: {node} refuses commands that lack {those}: {cure}')
        else:
            yield warning(f'{facts.topic}: {node} also controls {those}: left as it is')
    elif facts.command.type == FLOAT64_MULTI_ARRAY and ours != names:
        yield error(
            f'{facts.topic}: {node} takes numbers in the order {", ".join(names)}; we would send '
            f'{", ".join(ours)}, and a Float64MultiArray has no names; write under commands: '
            f'{facts.command.output}: order: [{", ".join(names)}]'
        )
    else:
        yield ok(f'{facts.topic}: {node} controls exactly our {counted(len(ours), "joint")}')


def _interfaces(
    facts: CommandFacts, node: str, params: Mapping[str, object]
) -> Iterator[CheckResult]:
    interfaces = params.get('command_interfaces')
    if isinstance(interfaces, list) and interfaces and 'position' not in interfaces:
        yield warning(
            f'{facts.topic}: {node} drives {", ".join(map(str, interfaces))} and follows our '
            'positions by its PID gains: see that they are set'
        )
    name = params.get('interface_name')
    if isinstance(name, str) and name not in {'', 'position'}:
        yield error(
            f"{facts.topic}: {node} forwards numbers to '{name}', but we send positions: command "
            'a controller with interface_name: position'
        )


def _trajectory_controller(
    facts: CommandFacts,
    node: str,
    params: Mapping[str, object],
    domain: Domain,
    max_tracking_error: float,
) -> Iterator[CheckResult]:
    if _PASSTHROUGH in node:
        yield error(
            f'{facts.topic}: {node} rejects a goal while one runs, so the second message would '
            'hold the robot: command its scaled_joint_trajectory_controller, or '
            'joint_trajectory_controller, instead'
        )
        return
    yield from _start(facts, node, params, domain)
    yield from _points(facts, node, params)
    if params.get('interpolation_method') == 'none':
        yield warning(
            f'{facts.topic}: {node} does not interpolate (interpolation_method: none): the arm '
            'would jump from point to point; set splines'
        )
    yield from _tolerances(facts, node, params, max_tracking_error)


def _starts_desired(params: Mapping[str, object]) -> bool:
    return any(params.get(key) is True for key in _STARTS_DESIRED)


def _is_humble(params: Mapping[str, object]) -> bool:
    return 'open_loop_control' in params and 'interpolate_from_desired_state' not in params


def _start(
    facts: CommandFacts, node: str, params: Mapping[str, object], domain: Domain
) -> Iterator[CheckResult]:
    """Check the state that a new message starts from."""
    starts = [params.get(key) for key in _STARTS_DESIRED]
    if _starts_desired(params):
        if _is_humble(params) and 'speed_scaling_interface_name' in params:
            yield error(
                f"{facts.topic}: {node} is UR's scaled controller of Humble, whose update throws "
                "(can't compare times with different time sources) with open_loop_control: true; "
                'set it to false'
            )
        elif domain == 'sim' and not _is_humble(params):
            yield ok(
                f'{facts.topic}: {node} has interpolate_from_desired_state: true: where /clock is '
                'set back, it accepts commands and does not move before the old time is reached '
                'again; deactivate and activate it then'
            )
        return
    if False not in starts or params.get('allow_trajectory_replacement') is True:
        return
    yield ok(
        f'{facts.topic}: {node} starts trajectories from where the arm is measured; ours begin '
        'where it was sent, so that this matters only if it lags by more than 0.1 s. Then set its '
        'interpolate_from_desired_state: true (Humble: open_loop_control)'
    )


def _points(facts: CommandFacts, node: str, params: Mapping[str, object]) -> Iterator[CheckResult]:
    """Check single points, each of which is a trajectory to the controller."""
    if facts.command.type != JOINT_TRAJECTORY or facts.command.stream != 'point':
        return
    cure = (
        'leave stream: point out, or command a forward_command_controller '
        '(type: std_msgs/msg/Float64MultiArray)'
    )
    if _is_humble(params):
        rate_hz = _number(params.get('update_rate'))
        rate = f'its update rate ({rate_hz:g} Hz)' if rate_hz else 'its update rate'
        yield warning(
            f'{facts.topic}: {node} takes single points as trajectories: where they come as often '
            f'as {rate}, the arm does not move at all, and lags far behind below it; {cure}'
        )
    elif not _starts_desired(params):
        yield warning(
            f'{facts.topic}: {node} takes single points as trajectories and starts each from '
            'where the arm is measured: it is driven to and fro between measured and wanted '
            f'position; {cure}'
        )


def _tolerances(
    facts: CommandFacts, node: str, params: Mapping[str, object], max_tracking_error: float
) -> Iterator[CheckResult]:
    tight = {
        joint.message_name: tolerance
        for joint in facts.command.slots
        if (tolerance := _number(params.get(f'constraints.{joint.message_name}.trajectory'))) > 0
        and tolerance < max_tracking_error
    }
    if tight:
        name, tolerance = min(tight.items(), key=lambda item: item[1])
        yield warning(
            f"{facts.topic}: {node} gives a trajectory up when '{name}' is {tolerance:g} rad off, "
            f'which is before the node stops (max_tracking_error {max_tracking_error:g}): the arm '
            'would stand still for a reason that only the controller logs; give the node a '
            f'max_tracking_error below {tolerance:g}'
        )
    timeout_s = _number(params.get('cmd_timeout'))
    if timeout_s > _number(params.get('constraints.goal_time')):
        yield ok(f'{facts.topic}: {node} holds {timeout_s:g} s after the last point (cmd_timeout)')


def _speed_scaling(
    facts: CommandFacts, node: str, params: Mapping[str, object]
) -> Iterator[CheckResult]:
    """Check the speed scaling: its value now, and whether the node can read it."""
    if slow := slowed_down(facts.speed_scaling, LEAST):
        yield error(f'{facts.topic}: the node would hold: {" ".join(slow)}')
    elif facts.speed_scaling:
        topic, factor = next(iter(facts.speed_scaling.items()))
        yield ok(
            f'{facts.topic}: {node} runs at {100.0 * factor:.0f} % of its speed ({topic}); the '
            'node holds the robot where that is turned down'
        )
    elif params.get('speed_scaling.state_interface') or params.get('speed_scaling_interface_name'):
        yield warning(
            f"{facts.topic}: {node} follows the robot's speed slider, and the node cannot read "
            'it: start the speed_scaling_state_broadcaster, or install control_msgs (from Jazzy '
            'on); keep the slider at 100 %'
        )


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
