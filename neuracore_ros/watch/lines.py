"""Lines about nodes for logs and programs: one for each change."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from neuracore_ros.errors import without_numbers
from neuracore_ros.watch.watched import NodeView

Format = Callable[[NodeView], str]


class Changes:
    """Lines for the nodes of which something has changed since the last call.

    What changes all the time, such as rates and ages, is no change.

    Args:
        write: Makes the line of a node.
    """

    def __init__(self, write: Format) -> None:
        self._write = write
        self._told: dict[str, tuple[str, ...]] = {}

    def of(self, views: Sequence[NodeView]) -> list[str]:
        """The lines to print now."""
        lines = []
        for view in views:
            news = view.state, without_numbers(view.reason), view.commander, str(view.is_dry)
            if self._told.get(view.name) != news:
                self._told[view.name] = news
                lines.append(self._write(view))
        return lines


def as_text(view: NodeView) -> str:
    """Time, node, state, who commands, reason and what to do, in one line."""
    why = f': {view.reason}' if view.reason else ''
    advice = f' -> {"; ".join(view.advice)}' if view.advice else ''
    dry = ' dry run' if view.is_dry else ''
    now = datetime.now().strftime('%H:%M:%S')
    return f'{now} {view.name} {view.state}{dry} [{view.commander}]{why}{advice}'


def as_json(view: NodeView) -> str:
    """Everything that is known of a node, as one JSON object in one line."""
    report, known = view.report, view.parameters
    return json.dumps(
        {
            'time': datetime.now().astimezone().isoformat(timespec='milliseconds'),
            'node': view.name,
            'presence': view.presence.value,
            'state': view.state,
            'reason': view.reason,
            'next': report.next if report else '',
            'advice': list(view.advice),
            'commander': view.commander,
            'robot': report.robot if report else '',
            'policy': known.model if known else '',
            'dry_run': known.dry_run if known else None,
            'figures': {k: _figure(t) for k, t in report.figures.items()} if report else {},
            'streams': [
                {
                    'topic': each.topic,
                    'level': each.level,
                    'problem': each.problem,
                    'rate_hz': _number(each.rate_hz),
                    'age_s': _number(each.age_s),
                    'drops': _number(each.drops),
                }
                for each in (report.streams if report else ())
            ],
        },
        allow_nan=False,
    )


def as_page(view: NodeView) -> str:
    """The line of `as_text`, and below it a line for each input topic and each of the log."""
    lines = [as_text(view)]
    for stream in view.report.streams if view.report else ():
        age = f'{stream.age_s} s old' if stream.age_s else 'no sample'
        problem = f' ({stream.problem})' if stream.problem else ''
        lines.append(f'  {stream.topic}: {stream.rate_hz} Hz, {age}, {stream.level}{problem}')
    return '\n'.join([*lines, *(f'  log: {line}' for line in view.log)])


def _figure(text: str) -> float | str | None:
    """A number where it is one, None where there is none yet."""
    value = _number(text)
    return value if value is not None else None if text in ('', 'nan') else text


def _number(text: str) -> float | None:
    """A finite number; None for what is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value - value == 0.0 else None
