"""The link to running nodes: what they say comes in, requests go out, each with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Log
from rcl_interfaces.srv import GetParameters
from rclpy.logging import LoggingSeverity
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from neuracore_ros.control import CONTROL_TOPIC, Control
from neuracore_ros.errors import MESSAGE_LENGTH, UserError, shortened
from neuracore_ros.watch.graph_search import running_nodes
from neuracore_ros.watch.report import NodeReport
from neuracore_ros.watch.requests import NodeRequest
from neuracore_ros.watch.watched import NodeView, Presence, WatchedNode, in_namespaces, node_name

NODE_NAME = 'neuracore_watch'
"""Name of the node that watches; `node.graph` knows it as one that executes no command."""

REFRESH_S = 0.5
ANSWER_S = 3.0
"""A node that is sound answers within this; a stop may take it half a second [s]."""
CONFIGURE_S = 180.0
_ASKED_AGAIN_S = 2.0
_PARAMETERS = ('model', 'robot', 'dry_run', 'use_sim_time')
_LATCHED = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


@dataclass(slots=True)
class _Handles:
    """Subscription and clients of one node; made at once, since discovery takes time."""

    control: Any
    clients: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Call:
    """A call that waits for its answer."""

    node: str
    word: str
    client: Any
    future: Any
    due_s: float
    patience_s: float
    then: Callable[[Any], None]


class Link:
    """Watched nodes on the graph; all calls return at once.

    Attributes:
        has_succeeded: Whether the newest request that ended was granted.

    Args:
        node: Ours; somebody else spins it.
        namespaces: Only nodes in these are watched; all if empty.
        tell: Called with a node's name and what became of a request, in one line.
    """

    def __init__(
        self, node: Node, namespaces: Sequence[str], tell: Callable[[str, str], None]
    ) -> None:
        self._node = node
        self._namespaces = namespaces
        self._tell = tell
        self._nodes: dict[str, WatchedNode] = {}
        self._handles: dict[str, _Handles] = {}
        self._calls: list[_Call] = []
        # Nodes that were to be stopped after they were asked to become active.
        self._stopped: set[str] = set()
        self.has_succeeded = False
        self._refreshed_s = self._asked_s = -REFRESH_S
        node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 20)
        node.create_subscription(Log, '/rosout', self._on_log, 20)
        for namespace in dict.fromkeys(each.strip('/') for each in namespaces):
            name = node_name(namespace)
            self._nodes[name] = WatchedNode(name)

    def views(self) -> tuple[NodeView, ...]:
        """All watched nodes as they are now, in the order in which they were found."""
        now_s = time.monotonic()
        return tuple(node.view(now_s) for node in self._nodes.values())

    @property
    def is_waiting(self) -> bool:
        """Whether an answer to a request is on its way."""
        return any(call.word for call in self._calls)

    @property
    def is_stopping(self) -> bool:
        """Whether a node has not answered yet that it was disabled."""
        # One that is being activated is disabled once more afterwards.
        return any(
            call.word == NodeRequest.DISABLE.value
            or (call.word == 'activate' and call.node in self._stopped)
            for call in self._calls
        )

    def refresh(self) -> None:
        """Ask the graph now and then, and give up calls that are overdue; call it often."""
        now_s = time.monotonic()
        self._end_calls(now_s)
        if now_s - self._refreshed_s < REFRESH_S:
            return
        self._refreshed_s = now_s
        there = running_nodes(self._node)
        for name in there:
            if name not in self._nodes and in_namespaces(name, self._namespaces):
                self._nodes[name] = WatchedNode(name)
                self._forget_expected(name, now_s)
        for name, node in [*self._nodes.items()]:
            node.found(there.get(name), now_s)
            if name in there and name not in self._handles:
                self._handles[name] = self._open(name)
        self._ask_parameters(now_s)

    def excuse(self) -> None:
        """Do not count the time in which this process was suspended."""
        for node in self._nodes.values():
            node.excuse(time.monotonic())
        for call in self._calls:
            call.due_s = time.monotonic() + call.patience_s
        self.leave()

    def leave(self) -> None:
        """Activate nothing that is still being configured: nobody looks at the robot now."""
        self._stopped |= {call.node for call in self._calls if call.word == 'configure'}

    def send(self, name: str, request: NodeRequest) -> None:
        """Send a request to one node; `tell` hears what becomes of it."""
        if request is NodeRequest.DISABLE:
            self._stopped.add(name)
        if request is NodeRequest.ACTIVATE:
            self._stopped.discard(name)
            self._activate(name)
        elif request is NodeRequest.RESET:
            self._call(name, request.value, 'reset', Trigger.Request())
        elif request in (NodeRequest.ENABLE, NodeRequest.DISABLE):
            on = request is NodeRequest.ENABLE
            self._call(name, request.value, 'enable', SetBool.Request(data=on))
        else:
            on = request is NodeRequest.TAKE_OVER
            self._call(name, request.value, 'takeover', SetBool.Request(data=on))

    # Calls

    def _activate(self, name: str) -> None:
        view = self._nodes[name].view(time.monotonic())
        if view.graph is not None and view.graph.configured:
            self._change(name, 'activate', ANSWER_S, self._activated)
            return
        self._tell(name, 'configures; loading the policy may take a minute')
        self._change(name, 'configure', CONFIGURE_S, self._configured)

    def _configured(self, name: str) -> None:
        if name in self._stopped:
            why = 'it was to be disabled, or watch was suspended, meanwhile'
            self._conclude(name, f'configured, and not activated: {why}', False)
            return
        self._change(name, 'activate', ANSWER_S, self._activated)

    def _activated(self, name: str) -> None:
        if name in self._stopped:
            # The stop may have come before the node was active, and then was refused.
            self.send(name, NodeRequest.DISABLE)
            return
        self._conclude(name, 'activated', True)

    def _change(
        self, name: str, word: str, patience_s: float, then: Callable[[str], None]
    ) -> None:
        numbers = {
            'configure': Transition.TRANSITION_CONFIGURE,
            'activate': Transition.TRANSITION_ACTIVATE,
        }

        def answered(answer: Any) -> None:
            if answer.success:
                then(name)
            else:
                self._conclude(name, f'{word} failed; the log says why', False)

        request = ChangeState.Request(transition=Transition(id=numbers[word]))
        self._call(name, word, 'change_state', request, patience_s, answered)

    def _call(
        self,
        name: str,
        word: str,
        service: str,
        request: Any,
        patience_s: float = ANSWER_S,
        then: Callable[[Any], None] | None = None,
    ) -> None:
        handles = self._handles.get(name)
        client = handles.clients[service] if handles else None
        if client is None or not client.service_is_ready():
            text = f'{word}: the service {name}/{service} is not there: not sent'
            self._conclude(name, text, False)
            return
        self._calls.append(
            _Call(
                name,
                word,
                client,
                client.call_async(request),
                time.monotonic() + patience_s,
                patience_s,
                then or partial(self._tell_answer, name, word),
            )
        )

    def _tell_answer(self, name: str, word: str, answer: Any) -> None:
        said = shortened(answer.message, MESSAGE_LENGTH)
        text = f'{word}: {said}' if answer.success else f'{word} was refused: {said}'
        self._conclude(name, text, answer.success)

    def _conclude(self, name: str, text: str, success: bool) -> None:
        self.has_succeeded = success
        self._tell(name, text)

    def _end_calls(self, now_s: float) -> None:
        over = [call for call in self._calls if call.future.done() or now_s > call.due_s]
        self._calls = [call for call in self._calls if call not in over]
        for call in over:
            if call.future.done() and call.future.exception() is None:
                call.then(call.future.result())
                continue
            call.client.remove_pending_request(call.future)
            if call.word:
                self._conclude(call.node, _unanswered(call.word, call.patience_s), False)

    def _forget_expected(self, found: str, now_s: float) -> None:
        """A node of another name stands for the one that was expected in its namespace."""
        expected = node_name(found.rpartition('/')[0])
        if expected == found or expected not in self._nodes:
            return
        if self._nodes[expected].view(now_s).presence is Presence.ABSENT:
            del self._nodes[expected]

    # What is heard

    def _open(self, name: str) -> _Handles:
        node = self._node
        control = node.create_subscription(
            String, f'{name}/{CONTROL_TOPIC}', partial(self._on_control, name), _LATCHED
        )
        kinds = {
            'enable': SetBool,
            'takeover': SetBool,
            'reset': Trigger,
            'change_state': ChangeState,
            'get_parameters': GetParameters,
        }
        clients = {
            each: node.create_client(kind, f'{name}/{each}') for each, kind in kinds.items()
        }
        return _Handles(control, clients)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        report = NodeReport.from_message(message)
        if report is None:
            return
        name = report.node
        if not name and len(self._handles) == 1:
            # An older node does not tell its name: it is meant if there is no other.
            (name,) = self._handles
        if name in self._nodes:
            self._nodes[name].hears(report, time.monotonic())

    def _on_control(self, name: str, message: String) -> None:
        try:
            control = Control.from_text(message.data)
        except UserError:
            return  # The report says it, too.
        self._nodes[name].hears_control(control, time.monotonic())

    def _on_log(self, message: Log) -> None:
        name = f'/{message.name.replace(".", "/")}'
        if name in self._nodes and message.level >= LoggingSeverity.WARN:
            self._nodes[name].hears_log(shortened(message.msg, MESSAGE_LENGTH))

    def _ask_parameters(self, now_s: float) -> None:
        """Ask for unknown parameters, and whether unconfigured nodes answer at all."""
        if now_s - self._asked_s < _ASKED_AGAIN_S:
            return
        self._asked_s = now_s
        for name, handles in self._handles.items():
            node, client = self._nodes[name], handles.clients['get_parameters']
            view = node.view(now_s)
            is_new = view.parameters is None and view.report is not None
            is_mute = view.presence is Presence.UNCONFIGURED
            if (is_new or is_mute) and client.service_is_ready():
                request = GetParameters.Request(names=list(_PARAMETERS))
                self._call(name, '', 'get_parameters', request, then=partial(_learn, node))


def _learn(node: WatchedNode, answer: Any) -> None:
    node.hears_answer(time.monotonic())
    values = [parameter_value_to_python(value) for value in answer.values]
    if len(values) == len(_PARAMETERS):
        model, robot, dry_run, sim_time = values
        node.learn(str(model or ''), str(robot or ''), dry_run is True, sim_time is True)


def _unanswered(word: str, patience_s: float) -> str:
    """The line about a request that got no answer."""
    text = f'{word}: no answer within {patience_s:g} s; the node hangs, was killed or is busy'
    if word == NodeRequest.DISABLE.value:
        return f'{text}: IF THE ROBOT MOVES, USE ITS EMERGENCY STOP'
    return f'{text}, and may still act on it later'
