"""The desk at which a person sits: keys in, requests to the chosen node out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from neuracore_ros.watch.requests import NodeRequest, judge
from neuracore_ros.watch.watched import NodeView, Presence

CONFIRM, QUIT, NEXT, ALL = 'y', 'q', '\t', ' '
REQUESTS: Mapping[str, NodeRequest] = {
    'e': NodeRequest.ENABLE,
    'd': NodeRequest.DISABLE,
    'r': NodeRequest.RESET,
    't': NodeRequest.TAKE_OVER,
    'p': NodeRequest.GIVE_BACK,
    'a': NodeRequest.ACTIVATE,
}
READING_S = 0.3
"""A confirmation that comes sooner was not given by a person who read the question [s]."""
PATIENCE_S = 10.0
"""A question without an answer is withdrawn after this time [s]."""
NOTED_S = 20.0
"""A note is shown for this time [s]."""


@dataclass(frozen=True, slots=True)
class KeyNote:
    """Note about what became of a key.

    Attributes:
        text: In one line.
        node: Full name of the node that is asked and has not answered yet; '' otherwise.
        at_s: Time of it [s].
    """

    text: str
    node: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Question:
    """Question whether a request is meant.

    Attributes:
        node: Full name of the node.
        request: What would be sent.
        text: What it would do.
        asked_s: When it was asked [s].
        situation: Of the node then: another one is another question.
    """

    node: str
    request: NodeRequest
    text: str
    asked_s: float
    situation: tuple[str, ...]


class Desk:
    """Turns keys into requests to the chosen node; only the space bar disables all nodes.

    Attributes:
        send: Called with a node's full name and the request.
        chosen: Full name of the node that keys act on; '' while there is none.
        question: What waits for a confirmation.
        notes: What became of the last key.
        has_quit: Whether the person wants to leave.
    """

    def __init__(self) -> None:
        self.send: Callable[[str, NodeRequest], None] = lambda node, request: None
        self.chosen = ''
        self.question: Question | None = None
        self.notes: list[KeyNote] = []
        self._now_s = 0.0
        self.has_quit = False

    def update(self, views: Sequence[NodeView], now_s: float) -> None:
        """Choose a node if none is chosen, and withdraw a question that is out of date."""
        self._now_s = now_s
        self.notes = [note for note in self.notes if note.node or now_s - note.at_s < NOTED_S]
        if _named(views, self.chosen) is None and views:
            self.chosen = views[0].name
        if (question := self.question) is None:
            return
        view = _named(views, question.node)
        if view is None or _situation(view) != question.situation:
            self._withdraw(f'not sent: {question.node} has changed meanwhile')
        elif now_s - question.asked_s > PATIENCE_S:
            self._withdraw(f'not sent: nobody confirmed within {PATIENCE_S:g} s')

    def leave(self) -> None:
        """Forget a question whose asker goes away for a while, and does not see the robot."""
        if (question := self.question) is not None:
            self._withdraw(f'not sent: {question.request.value} was not confirmed')

    def answer(self, node: str, text: str) -> None:
        """Take what became of a request to a node, in one line."""
        self.notes = [note for note in self.notes if note.node != node]
        self._say(f'{node}: {text}')

    def press(self, key: str, views: Sequence[NodeView], now_s: float) -> None:
        """Do what a key asks for."""
        self.notes.clear()
        self.update(views, now_s)
        question, self.question = self.question, None
        if key == ALL:
            self._stop_all(views)
        elif question is not None and key == CONFIRM:
            if now_s - question.asked_s < READING_S:
                self._say('not sent: y came before the question could be read')
            else:
                self._request(question.node, question.request)
        elif question is not None and key not in REQUESTS and key not in (QUIT, NEXT):
            self._say(f'not sent: {question.request.value} was not confirmed')
        elif key == QUIT:
            self.has_quit = True
        elif key == NEXT or key.isdigit():
            self._choose(key, views)
        elif key in REQUESTS:
            self._ask(REQUESTS[key], views, now_s)

    def _ask(self, request: NodeRequest, views: Sequence[NodeView], now_s: float) -> None:
        view = _named(views, self.chosen)
        if view is None:
            self._say(f"no node has been found; '{request.value}' was not sent")
            return
        judgement = judge(request, view)
        if judgement.question:
            text, situation = judgement.question, _situation(view)
            self.question = Question(view.name, request, text, now_s, situation)
        elif judgement.refusal:
            self._say(judgement.refusal)
        else:
            self._request(view.name, request)

    def _stop_all(self, views: Sequence[NodeView]) -> None:
        there = [v.name for v in views if v.presence not in (Presence.ABSENT, Presence.GONE)]
        if not there:
            self._say('no node is there to disable')
        for name in there:
            self._request(name, NodeRequest.DISABLE)

    def _request(self, node: str, request: NodeRequest) -> None:
        self._say(f'{node}: {request.value} ...', node)
        self.send(node, request)

    def _say(self, text: str, node: str = '') -> None:
        self.notes.append(KeyNote(text, node, self._now_s))

    def _choose(self, key: str, views: Sequence[NodeView]) -> None:
        names = [view.name for view in views]
        if key.isdigit():
            if not 1 <= int(key) <= len(names):
                self._say(f'there is no node {key}')
                return
            self.chosen = names[int(key) - 1]
        elif names:
            place = names.index(self.chosen) + 1 if self.chosen in names else 0
            self.chosen = names[place % len(names)]
        if self.chosen:
            self._say(f'keys act on {self.chosen}')

    def _withdraw(self, note: str) -> None:
        self.question = None
        self._say(note)


def _named(views: Sequence[NodeView], name: str) -> NodeView | None:
    return next((view for view in views if view.name == name), None)


def _situation(view: NodeView) -> tuple[str, ...]:
    """The part of a view on which the meaning of a request rests."""
    report = view.report
    waits = str(report.waits_for_enable) if report else ''
    twins = str(view.graph.twins if view.graph else 0)
    return view.presence.value, view.state, waits, view.commander, twins
