"""A watched node: the knowledge of it, from the graph, its messages and its answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from neuracore_ros.control import FORGOTTEN_S, Commander, Control
from neuracore_ros.errors import MESSAGE_LENGTH, shortened
from neuracore_ros.watch.hints import hints
from neuracore_ros.watch.report import (
    DISABLED,
    HOLDING,
    RUNNING,
    STATES,
    TAKEOVER,
    WAITING,
    NodeReport,
)


class Presence(str, Enum):
    """Presence of a node on the graph."""

    ABSENT = 'ABSENT'
    UNCONFIGURED = 'UNCONFIGURED'
    HEARD = 'HEARD'
    SILENT = 'SILENT'
    GONE = 'GONE'


# A node that is asked every two seconds, and is sound, has answered within this [s].
_ANSWERED_S = 4.0


@dataclass(frozen=True, slots=True)
class OnGraph:
    """A node as the graph has it.

    Attributes:
        configured: Whether it publishes who commands, as every configured node does.
        twins: How many nodes have its name.
        commands: Topics and actions that it sends to.
    """

    configured: bool
    twins: int = 1
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeParameters:
    """The parameters of a node that people ask for first.

    Attributes:
        model: Path or address of its policy, on its own machine.
        robot: Path of its robot file, there.
        dry_run: Whether it publishes no command.
        sim_time: Whether its clock is /clock.
    """

    model: str = ''
    robot: str = ''
    dry_run: bool = False
    sim_time: bool = False


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node at one moment.

    Attributes:
        name: Its full name.
        presence: Whether it is there, and heard.
        since_s: For how long it has been silent or gone [s].
        report: What it said last; None if it has not said anything since it was configured.
        control: Who commands, where that is known more freshly than from the report.
        parameters: None until they are known.
        graph: As the graph has it; None if it is not there.
        log: The newest warnings and errors of its log, the newest last.
        answers: Whether a node that is not configured answers when it is asked.
    """

    name: str
    presence: Presence
    since_s: float
    report: NodeReport | None
    control: Control | None
    parameters: NodeParameters | None
    graph: OnGraph | None
    log: tuple[str, ...] = ()
    answers: bool = False

    @property
    def state(self) -> str:
        """State that it told last, or its presence where that is more than a state can tell."""
        if self.presence is not Presence.HEARD:
            return str(self.presence.value)
        if self.report is None:
            return 'FOUND'
        return self.report.state if self.report.is_active else 'INACTIVE'

    @property
    def reason(self) -> str:
        """Reason of the state, in one line; may be empty."""
        last = f'; it was {self.report.state}' if self.report else ''
        if self.presence is Presence.ABSENT:
            return 'no such node has been found yet'
        if self.presence is Presence.GONE:
            return f'the node ended {self.since_s:.0f} s ago{last}'
        if self.presence is Presence.SILENT:
            return f'nothing has been heard of it for {self.since_s:.0f} s{last}'
        if self.presence is Presence.UNCONFIGURED:
            doubt = 'it waits' if self.answers else 'it does not answer'
            return f'the node is there, and not configured; {doubt}'
        return self.report.reason if self.report and self.report.is_active else ''

    @property
    def commander(self) -> str:
        """Commander of the robot now, in words."""
        if self.presence is not Presence.HEARD:
            return 'nobody' if self.presence is not Presence.SILENT else 'unknown'
        control, told = self.control, self.report.commander if self.report else ''
        if control is None:
            return told or 'unknown'
        if control.commander is not Commander.POLICY:
            return str(control.commander.value)
        name, sha256 = shortened(control.policy), shortened(control.policy_sha256)[:12]
        return f'policy {name} (sha256 {sha256})' if name else 'policy'

    @property
    def is_dry(self) -> bool:
        """Whether it is known to publish no command."""
        return self.parameters is not None and self.parameters.dry_run

    @property
    def advice(self) -> tuple[str, ...]:
        """Advice on what to do next, in plain words; the first comes first. May be empty."""
        return tuple(_advice(self))


def _advice(view: NodeView) -> list[str]:
    if view.presence is Presence.UNCONFIGURED and view.answers:
        return ['press a to configure and activate it']
    if view.presence is not Presence.HEARD or view.report is None:
        return [_PRESENCES[view.presence]]
    report = view.report
    said = [hint.text for hint in hints(report.reason)[:2]]
    if not report.is_active:
        said = ['press a to activate it']
    elif report.state == RUNNING:
        said = ['it is a dry run: no command is published'] if view.is_dry else []
    elif report.state == DISABLED:
        said = ['press e to let the robot move']
    elif report.waits_for_enable:
        said.append('when that is mended, press e')
    elif report.state in (WAITING, HOLDING):
        said.append(f'it {report.next}' if report.next else 'it goes on by itself')
    if report.is_active and report.state == TAKEOVER:
        said.append('press p to give the robot back to the policy')
    return said


_PRESENCES = {
    Presence.HEARD: 'nothing: its first report is on the way',
    Presence.ABSENT: (
        'start it; if it runs: is ROS_DOMAIN_ID the same there, and may computers find each other '
        '(ROS_AUTOMATIC_DISCOVERY_RANGE, ROS_LOCALHOST_ONLY)?'
    ),
    Presence.UNCONFIGURED: (
        'it loads its policy, which may take a minute; or it has just ended, and is forgotten '
        'within half a minute'
    ),
    Presence.SILENT: (
        'it was killed, hangs, or the network is cut: look at its terminal. Positions that it '
        'sent end at rest within max_ahead_s; velocities and torques may go on. If in doubt, use '
        'the emergency stop'
    ),
    Presence.GONE: 'start it again; it is shown as soon as it is there',
}


class WatchedNode:
    """Knowledge of one node; it uses no ROS.

    Args:
        name: Its full name.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.parameters: NodeParameters | None = None
        self._graph: OnGraph | None = None
        self._report: NodeReport | None = None
        self._control: Control | None = None
        self._heard_s: float | None = None
        self._left_s: float | None = None
        self._answered_s: float | None = None
        self._log: deque[str] = deque(maxlen=3)

    def found(self, graph: OnGraph | None, now_s: float) -> None:
        """Take what the graph has of it now; None: it is not there."""
        if graph is None:
            if self._graph is not None:
                self._left_s = now_s
        elif self._graph is None or self._graph.configured is not graph.configured:
            # Another process or another configuration: what was said before is void.
            self._report = self._control = self.parameters = None
            self._heard_s = None
        if graph is not None and graph.configured and self._heard_s is None:
            self._heard_s = now_s
        self._graph = graph

    def hears(self, report: NodeReport, now_s: float) -> None:
        """Take what it said of itself."""
        self._report, self._heard_s = report, now_s

    def hears_control(self, control: Control, now_s: float) -> None:
        """Take who commands."""
        self._control, self._heard_s = control, now_s

    def hears_answer(self, now_s: float) -> None:
        """Note that it answers when it is asked."""
        self._answered_s = now_s

    def hears_log(self, line: str) -> None:
        """Take a warning or an error of its log."""
        # Of a change of state, the report tells more.
        if not line.startswith(STATES):
            self._log.append(line)

    def learn(self, model: str, robot: str, dry_run: bool, sim_time: bool) -> None:
        """Take its parameters, whose texts may hold anything."""
        model, robot = (shortened(each, MESSAGE_LENGTH) for each in (model, robot))
        self.parameters = NodeParameters(model, robot, dry_run, sim_time)

    def excuse(self, now_s: float) -> None:
        """Do not count the time in which nobody listened, as while this process was suspended."""
        if self._heard_s is not None:
            self._heard_s = now_s

    def view(self, now_s: float) -> NodeView:
        """Its view now, on the same steady clock as the other times [s]."""
        presence, since_s = self._presence(now_s)
        return NodeView(
            self.name,
            presence,
            since_s,
            self._report,
            self._control,
            self.parameters,
            self._graph,
            tuple(self._log),
            self._answered_s is not None and now_s - self._answered_s < _ANSWERED_S,
        )

    def _presence(self, now_s: float) -> tuple[Presence, float]:
        if self._graph is None:
            if self._left_s is None:
                return Presence.ABSENT, 0.0
            return Presence.GONE, now_s - self._left_s
        if not self._graph.configured or self._heard_s is None:
            return Presence.UNCONFIGURED, 0.0
        silent_s = now_s - self._heard_s
        return (Presence.SILENT if silent_s > FORGOTTEN_S else Presence.HEARD), silent_s


def node_name(namespace: str, node: str = 'infer') -> str:
    """Full name of a node in a namespace, which may be written with or without slashes."""
    inside = namespace.strip('/')
    return f'/{inside}/{node}' if inside else f'/{node}'


def in_namespaces(name: str, namespaces: Sequence[str]) -> bool:
    """Whether a node's full name lies in one of the namespaces; in any, if there are none."""
    space = name.rpartition('/')[0].strip('/')
    return not namespaces or space in {each.strip('/') for each in namespaces}
