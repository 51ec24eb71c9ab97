"""Judgements on who would receive our commands; pure functions of what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from neuracore_ros.description.command import FOLLOW_JOINT_TRAJECTORY
from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY, JOINT_TRAJECTORY
from neuracore_ros.errors import counted, meant
from neuracore_ros.node.graph import SPECTATORS
from neuracore_ros.node.live import trajectories
from neuracore_ros.node.live.facts import CommandFacts, Domain, Endpoint, Line, Listener
from neuracore_ros.node.live.streams import NAMESPACE_OPTION, did_you_mean
from neuracore_ros.node.live.trajectories import judge_speed_scaling, judge_trajectories

PARAMETERS = (
    'joints',
    'command_joints',
    'command_interfaces',
    'interface_name',
    'allow_partial_joints_goal',
    *trajectories.PARAMETERS,
)
"""What is asked of a controller; a ``constraints.<joint>.trajectory`` for each joint besides."""


def judge_command(
    facts: CommandFacts, domain: Domain, max_tracking_error: float
) -> Iterator[Line]:
    """Everything about one command topic.

    Args:
        facts: What was found.
        domain: The time in which the robot lives.
        max_tracking_error: At which distance the node itself stops the robot [rad].
    """
    yield from _rivals(facts)
    yield from judge_listeners(facts)
    executing = _executing(facts)
    for listener in executing:
        if not _deafness(facts, listener.endpoint):
            yield from _controller(facts, listener, domain, max_tracking_error)
    if len(executing) > 1:
        nodes = ', '.join(listener.endpoint.node for listener in executing)
        yield Line('warning', f'{facts.topic}: {nodes} listen to it: all would execute it')


def judge_listeners(
    facts: CommandFacts, namespace_option: str = NAMESPACE_OPTION
) -> Iterator[Line]:
    """Why a command topic is not heard, or not by everybody who listens to it."""
    executing = _executing(facts)
    if not executing:
        yield _unheard(facts, namespace_option)
    for listener in executing:
        if why := _deafness(facts, listener.endpoint):
            yield Line('error', f'{facts.topic}: {listener.endpoint.node} {why}')


def _executing(facts: CommandFacts) -> list[Listener]:
    return [x for x in facts.listeners if not _is_spectator(x.endpoint.node)]


def _deafness(facts: CommandFacts, endpoint: Endpoint) -> str:
    """Why a listener would not hear our commands; empty if it would."""
    kind = facts.command.type
    if endpoint.type != kind:
        return (
            f'takes {endpoint.type}, the robot file sends {kind}; write under commands: '
            f'{facts.command.joints[0].data_type}: {{topic: {facts.command.topic}, '
            f'type: {endpoint.type}}}'
        )
    if endpoint.refusal:
        return (
            f'would not accept our QoS ({endpoint.refusal}); change its subscription, or give the '
            f'node a qos_overrides.{facts.topic}.publisher parameter'
        )
    return ''


def _is_spectator(node: str) -> bool:
    return node.rpartition('/')[2].startswith(SPECTATORS)


def _unheard(facts: CommandFacts, namespace_option: str) -> Line:
    only = ', '.join(listener.endpoint.node for listener in facts.listeners)
    who = f'only {only} listens to it, and executes nothing' if only else 'nobody listens to it'
    meant = did_you_mean(facts.command.topic, facts.similar, namespace_option)
    cure = meant or ': start and activate the controller, or correct topic in commands'
    return Line('error', f'{facts.topic}: {who}{cure}')


def _rivals(facts: CommandFacts) -> Iterator[Line]:
    # A simulator may have a commander of its own, beside its controller.
    own = {listener.endpoint.node for listener in facts.listeners}
    rivals = [r for r in facts.rivals if facts.rival_messages or r.node not in own]
    if not rivals:
        return
    nodes = ', '.join(dict.fromkeys(rival.node for rival in rivals))
    if facts.rival_messages:
        yield Line(
            'error',
            f'{facts.topic}: {nodes} is commanding it now ({facts.rival_messages} messages): the '
            'robot would obey both in turn; end it before the node runs',
        )
    else:
        yield Line(
            'warning',
            f'{facts.topic}: {nodes} can command it, too, and is silent now: keep it silent '
            'while the node runs',
        )


def _controller(
    facts: CommandFacts, listener: Listener, domain: Domain, max_tracking_error: float
) -> Iterator[Line]:
    """What a controller's own parameters say about the commands that we would send."""
    node, told = listener.endpoint.node, listener.parameters
    if told is None:
        yield Line(
            'warning',
            f'{facts.topic}: {node} listens, but told none of its parameters: compare its joints '
            'with the robot file yourself',
        )
        return
    names = told.get('command_joints') or told.get('joints')
    if isinstance(names, list):
        yield from _joints(facts, node, [str(name) for name in names], told)
    else:
        yield Line('ok', f'{facts.topic}: {node} listens (it has no parameter joints to compare)')
    yield from _interfaces(facts, node, told)
    if facts.command.type in (JOINT_TRAJECTORY, FOLLOW_JOINT_TRAJECTORY):
        yield from judge_trajectories(facts, node, told, domain, max_tracking_error)
    yield from judge_speed_scaling(facts, node, told)


def _joints(
    facts: CommandFacts, node: str, names: list[str], told: Mapping[str, object]
) -> Iterator[Line]:
    ours = [joint.message_name for joint in facts.command.joints]
    if unknown := [name for name in ours if name not in names]:
        hint = meant(unknown[0], names) or '.'
        kind = facts.command.joints[0].data_type
        yield Line(
            'error',
            f"{facts.topic}: {node} has no joint '{unknown[0]}'{hint} It has: "
            f'{", ".join(names)}. If only the name differs, write under commands: {kind}: '
            f'{{names: {{{_own_name(facts, unknown[0])}: ...}}}}',
        )
    elif missing := [name for name in names if name not in ours]:
        those = ', '.join(missing)
        if facts.command.type == FLOAT64_MULTI_ARRAY or not told.get('allow_partial_joints_goal'):
            cure = (
                'add them to output'
                if facts.command.type == FLOAT64_MULTI_ARRAY
                else 'add them to output, or set its allow_partial_joints_goal: true'
            )
            yield Line(
                'error', f'{facts.topic}: {node} refuses commands that lack {those}: {cure}'
            )
        else:
            yield Line('warning', f'{facts.topic}: {node} also controls {those}: left as it is')
    elif facts.command.type == FLOAT64_MULTI_ARRAY and ours != names:
        yield Line(
            'error',
            f'{facts.topic}: {node} takes numbers in the order {", ".join(names)}; we would send '
            f'{", ".join(ours)}, and a Float64MultiArray has no names; write under commands: '
            f'{facts.command.joints[0].data_type}: order: [{", ".join(names)}]',
        )
    else:
        told_joints = counted(len(ours), 'joint')
        yield Line('ok', f'{facts.topic}: {node} controls exactly our {told_joints}')


def _own_name(facts: CommandFacts, message_name: str) -> str:
    return next(j.name for j in facts.command.joints if j.message_name == message_name)


def _interfaces(facts: CommandFacts, node: str, told: Mapping[str, object]) -> Iterator[Line]:
    interfaces = told.get('command_interfaces')
    if isinstance(interfaces, list) and interfaces and 'position' not in interfaces:
        yield Line(
            'warning',
            f'{facts.topic}: {node} drives {", ".join(map(str, interfaces))} and follows our '
            'positions by its PID gains: see that they are set',
        )
    name = told.get('interface_name')
    if isinstance(name, str) and name not in {'', 'position'}:
        yield Line(
            'error',
            f"{facts.topic}: {node} forwards numbers to '{name}', but we send positions: command "
            'a controller with interface_name: position',
        )
