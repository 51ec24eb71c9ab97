"""The screen of ``watch``: nodes, the chosen one in full, and below them what keys do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from neuracore_ros.watch.desk import Desk
from neuracore_ros.watch.report import DISABLED, HOLDING, RUNNING, TAKEOVER, WAITING, StreamReport
from neuracore_ros.watch.watched import NodeView, Presence

STYLES = {
    RUNNING: 'bold green',
    TAKEOVER: 'bold cyan',
    WAITING: 'bold yellow',
    HOLDING: 'bold red',
    DISABLED: 'bold',
    'INACTIVE': 'bold',
    'FOUND': 'yellow',
    Presence.ABSENT.value: 'yellow',
    Presence.UNCONFIGURED.value: 'yellow',
    Presence.SILENT.value: 'bold white on red',
    Presence.GONE.value: 'bold white on red',
}
"""State or presence -> its colour; the word alone says all."""

KEYS = (
    ('e', 'enable'),
    ('d', 'disable'),
    ('r', 'reset'),
    ('t', 'take over'),
    ('p', 'policy again'),
    ('a', 'activate'),
    ('space', 'disable all'),
    ('Tab 1-9', 'choose'),
    ('q', 'quit'),
)
# Figures of a report -> what they are called here, and their unit.
_FIGURES = (
    ('rate_hz', 'steps', 'Hz'),
    ('worst_gap_s', 'worst gap', 's'),
    ('late', 'late', ''),
    ('holds', 'holds', ''),
    ('clamps', 'clamps', ''),
    ('commands', 'messages', ''),
)
_STREAM_STYLES = {'ok': 'green', 'warning': 'yellow', 'error': 'red', 'stale': 'red'}


@dataclass(frozen=True, slots=True)
class ScreenFrame:
    """One picture of the screen; what does not fit in its height is cut above the keys.

    Args:
        title: The first line.
        views: All watched nodes.
        desk: What is chosen, asked and noted.
        has_keys: Whether keys can be pressed.
    """

    title: str
    views: Sequence[NodeView]
    desk: Desk
    has_keys: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render it for the width and height of the terminal."""
        free = options.update(height=None)

        def rendered(*parts: RenderableType) -> list[list[Segment]]:
            return console.render_lines(Group(*parts), free, pad=False)

        above, below = rendered(*self._above()), rendered(*self._below())
        # One line is left for the state of the chosen node, however low the window is.
        most = max(options.max_height - 1, 1)
        if len(below) > most:
            # The last line has what answers a question, and how to leave.
            below = [*below[1:most], below[-1]]
        room = max(options.max_height - len(below), 1)
        if len(above) > room:
            cut = Text(f'... {len(above) - room + 1} more lines in a taller window', 'dim')
            heads = rendered(*self._heads())
            is_low = room <= len(heads) + 1
            above = heads[:room] if is_low else above[: room - 1] + rendered(cut)[:1]
        above += [[]] * (room - len(above))
        for number, line in enumerate([*above, *below]):
            if number:
                yield Segment.line()
            yield from line

    def _above(self) -> Iterator[RenderableType]:
        yield Text(self.title, 'dim')
        if not self.views:
            yield Text('no node has been found yet', 'yellow')
            yield _labelled('next', ADVICE_WITHOUT_NODES)
            return
        if len(self.views) > 1:
            yield from _overview(self.views, self._chosen)
            yield Text('')
        yield from _in_full(self._chosen)

    def _heads(self) -> Iterator[RenderableType]:
        """A line for each node, the chosen one first: all that a low window has room for."""
        if self.views:
            lines = [*_overview(self.views, self._chosen)]
            yield lines.pop(self.views.index(self._chosen))
            yield from lines

    @property
    def _chosen(self) -> NodeView:
        return next((v for v in self.views if v.name == self.desk.chosen), self.views[0])

    def _below(self) -> Iterator[RenderableType]:
        yield Text('')
        desk = self.desk
        if desk.question is not None:
            yield Text(desk.question.text, 'bold black on yellow')
            yield Text('y: yes, do it   any other key: no', 'bold yellow')
            return
        for note in desk.notes:
            yield Text(note.text, 'bold')
        if not self.has_keys:
            yield Text('no keys: standard input is no terminal. Ctrl-C quits', 'dim')
            return
        several = len(self.views) > 1
        shown = [(key, what) for key, what in KEYS if several or key not in ('Tab 1-9', 'space')]
        keys = Text('  ').join(Text.assemble((key, 'bold'), ' ', what) for key, what in shown)
        yield Text.assemble('keys act on ', (desk.chosen, 'bold'), ': ', keys) if several else keys


ADVICE_WITHOUT_NODES = (
    'start one (ros2 launch neuracore_ros infer.launch.py, or infer_node): it is shown as soon as '
    'it is there. If it runs: is ROS_DOMAIN_ID the same there, and may computers find each other '
    '(ROS_AUTOMATIC_DISCOVERY_RANGE, ROS_LOCALHOST_ONLY)?'
)


def _overview(views: Sequence[NodeView], chosen: NodeView) -> Iterator[RenderableType]:
    names, states = (
        max(map(len, each)) for each in ([v.name for v in views], [v.state for v in views])
    )
    for number, view in enumerate(views, 1):
        is_chosen = view is chosen
        # A narrow terminal cuts the reason, and never which node it is and what it does.
        yield Text.assemble(
            f'{">" if is_chosen else " "}{number} ',
            (view.name.ljust(names), 'bold' if is_chosen else ''),
            ' ',
            (view.state.ljust(states), STYLES.get(view.state, '')),
            (f' {view.reason}', 'dim'),
            no_wrap=True,
            overflow='ellipsis',
        )


def _in_full(view: NodeView) -> Iterator[RenderableType]:
    report, known = view.report, view.parameters
    head = Text.assemble((f'{view.name}  ', 'bold'), (view.state, STYLES.get(view.state, '')))
    if view.is_dry:
        head.append('  dry run', 'bold yellow')
    yield head
    if view.reason.upper() != view.state and view.reason:
        yield _labelled('why', view.reason)
    for number, line in enumerate(view.advice):
        yield _labelled('' if number else 'next', line)
    if view.graph is not None and view.graph.twins > 1:
        yield _labelled('!', f'{view.graph.twins} nodes have this name: keys but d are refused')
    yield Text('')
    yield _labelled('moved by', view.commander)
    if report is not None and report.robot:
        where = f' ({known.robot})' if known and known.robot else ''
        yield _labelled('robot', f'{report.robot}{where}')
    if known is not None and known.model:
        yield _labelled('policy', known.model)
    if view.graph is not None and view.graph.commands:
        yield _labelled('sends to', ', '.join(view.graph.commands))
    if report is not None:
        if view.presence is not Presence.HEARD:
            yield Text('what it said last, and may be otherwise by now:', 'dim')
        yield from _figures(report.figures)
        yield Text('')
        yield from _streams(report.streams, view.reason)
    for number, line in enumerate(view.log):
        yield _labelled('' if number else 'log', line)


def _figures(values: Mapping[str, str]) -> Iterator[RenderableType]:
    latency = _pair(values, 'latency_ms')
    if latency:
        network = _pair(values, 'network_ms')
        more = f'; of that the network {network}' if network else ''
        yield _labelled('latency', f'median {latency}{more}')
    said = [
        f'{name} {values[key]}{f" {unit}" if unit else ""}'
        for key, name, unit in _FIGURES
        if values.get(key) and values[key] != 'nan'
    ]
    if said:
        yield _labelled('figures', '   '.join(said))
    if rivals := values.get('other_commanders'):
        yield _labelled('others', f'{rivals} can command it, too')
    if values.get('speed_scaling') not in (None, '', '1.00'):
        yield _labelled('speed', f'the controller runs at {values["speed_scaling"]} of its speed')


def _pair(values: Mapping[str, str], key: str) -> str:
    """Median and 99th percentile in ms; '' while there is none."""
    median, most = values.get(f'{key}_p50', ''), values.get(f'{key}_p99', '')
    return f'{median} ms, p99 {most} ms' if median not in ('', 'nan') else ''


def _streams(streams: Sequence[StreamReport], reason: str) -> Iterator[RenderableType]:
    if not streams:
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow='fold')
    for _ in range(3):
        table.add_column(justify='right', no_wrap=True)
    table.add_column(overflow='fold', ratio=1)
    table.add_row(*(Text(word, 'dim') for word in ('stream', 'rate', 'age', 'drops', '')))
    for stream in streams:
        table.add_row(
            Text(stream.topic),
            f'{stream.rate_hz} Hz' if stream.rate_hz else '-',
            f'{stream.age_s} s' if stream.age_s else '-',
            stream.drops or '-',
            Text(stream.level, _STREAM_STYLES.get(stream.level, '')),
        )
    yield table
    for stream in streams:
        if stream.problem and stream.problem not in reason:
            style = _STREAM_STYLES.get(stream.level, '')
            yield Padding(Text(stream.problem, style), (0, 0, 0, 2))


def _labelled(label: str, text: str) -> RenderableType:
    """A label, and beside it a text that is wrapped in a column of its own."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=8, no_wrap=True, style='dim')
    table.add_column(overflow='fold', ratio=1)
    table.add_row(Text(label, 'bold red' if label == '!' else ''), Text(text))
    return table
