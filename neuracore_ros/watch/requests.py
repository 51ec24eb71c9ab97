"""Requests to a node: what each would do now, and whether a person must confirm it.

One rule: a request that may set a standing robot in motion, or give the motion from a human to a
policy, is asked for once more. A request that stops the robot, or brakes it first, goes at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from neuracore_ros.watch.report import DISABLED, HOLDING, RUNNING, TAKEOVER
from neuracore_ros.watch.watched import NodeView, Presence


class NodeRequest(str, Enum):
    """Request to a node, by the word that a person is shown."""

    ENABLE = 'enable'
    DISABLE = 'disable'
    RESET = 'reset'
    TAKE_OVER = 'takeover'
    GIVE_BACK = 'give-back'
    ACTIVATE = 'activate'


@dataclass(frozen=True, slots=True)
class Judgement:
    """Judgement of a request; without refusal and question it goes at once.

    Attributes:
        refusal: Why it is not sent, in one line.
        question: What it would do, for a person who must confirm it.
    """

    refusal: str = ''
    question: str = ''


def judge(request: NodeRequest, view: NodeView) -> Judgement:
    """Judge a request to a node as it is now."""
    if refusal := _refusal(request, view):
        return Judgement(refusal=f'{view.name}: {refusal}')
    if question := _question(request, view):
        return Judgement(question=question)
    return Judgement()


def unsafe(request: NodeRequest, view: NodeView) -> str:
    """The reason not to send a request, whatever it is; '' if there is none.

    A request to disable is sent to every node that is there.
    """
    if view.presence in (Presence.ABSENT, Presence.GONE):
        return f"it is not there; '{request.value}' was not sent"
    # Whatever is wrong otherwise: a stop is always tried.
    if request is NodeRequest.DISABLE:
        return ''
    if view.graph is not None and view.graph.twins > 1:
        return (
            f'{view.graph.twins} nodes have this name, and would all obey: give each a namespace. '
            'If one of them was killed, wait until it is forgotten, in half a minute'
        )
    if view.presence is Presence.SILENT:
        return f"it is not heard; '{request.value}' was not sent, since it might act on it later"
    return ''


def _refusal(request: NodeRequest, view: NodeView) -> str:
    if (reason := unsafe(request, view)) or request is NodeRequest.DISABLE:
        return reason
    is_active = view.report is not None and view.report.is_active
    if request is NodeRequest.ACTIVATE:
        deaf = view.presence is Presence.UNCONFIGURED and not view.answers
        return 'it is active already' if is_active else view.advice[0] if deaf else ''
    return _needless(request, view) if is_active else 'it is not active: press a'


def _needless(request: NodeRequest, view: NodeView) -> str:
    """The reason why a request would change nothing at an active node."""
    assert view.report is not None, 'it is active'
    state, waits = view.report.state, view.report.waits_for_enable
    if request is NodeRequest.ENABLE and state not in (DISABLED, HOLDING) and not waits:
        return f'it is {state}, and so is enabled already'
    if request is NodeRequest.TAKE_OVER and state == TAKEOVER:
        return 'a human has it already'
    if request is NodeRequest.GIVE_BACK and state not in (TAKEOVER, DISABLED):
        return 'the policy has it already'
    return ''


def _question(request: NodeRequest, view: NodeView) -> str:
    robot, by_policy = _robot(view), _by_policy(view)
    by_human = ', as the human commands'
    if request is NodeRequest.ACTIVATE:
        return f'Activate {view.name}? {robot} may move{by_policy}, if enabled.'
    if request is NodeRequest.DISABLE or view.report is None:
        return ''
    if request is NodeRequest.ENABLE:
        is_human = view.report.state == TAKEOVER or 'human' in view.report.reason
        return f'Enable {view.name}? {robot} may move{by_human if is_human else by_policy}.'
    if not _may_begin(request, view):
        return ''
    return {
        NodeRequest.RESET: f'Reset {view.name}? {robot} may move afterwards.',
        NodeRequest.TAKE_OVER: f'Take over {view.name}? {robot} may move{by_human}.',
        NodeRequest.GIVE_BACK: f'Give back {view.name}? {robot} may move{by_policy}.',
    }[request]


def _may_begin(request: NodeRequest, view: NodeView) -> bool:
    """Tell whether a request may start a motion, or pass it from a human to a policy."""
    assert view.report is not None, 'it is active'
    state, waits = view.report.state, view.report.waits_for_enable
    if state == DISABLED or (request is NodeRequest.RESET and waits):
        return False
    if request is NodeRequest.GIVE_BACK:
        return True
    return not (state == RUNNING or (state == TAKEOVER and view.commander == 'human'))


def _robot(view: NodeView) -> str:
    return f"Robot '{view.report.robot}'" if view.report and view.report.robot else 'Its robot'


def _by_policy(view: NodeView) -> str:
    known = view.parameters
    policy = f', by {known.model}' if known and known.model else ', by its policy'
    commands = view.graph.commands if view.graph else ()
    if view.is_dry:
        return f'{policy} (a dry run: nothing is published)'
    return f'{policy}, on {", ".join(commands)}' if commands else policy
