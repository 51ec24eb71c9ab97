"""A survey as text for a terminal, and as JSON for other programs."""

from __future__ import annotations

from textwrap import indent

from neuracore_ros.overview.frames import frames_record, frames_text
from neuracore_ros.overview.survey import LayoutCell, LayoutRow, LayoutTable, RobotColumn, Survey
from neuracore_ros.policy.compatibility import SlotCompatibility
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.wording import text_table

NOTHING = '-'


def as_text(survey: Survey) -> str:
    """Tables with a row for each index and a column for each robot."""
    parts = [_table(table, survey) for table in survey.tables]
    parts += frames_text(survey.poses)
    if survey.policy is not None:
        parts = [policy_line(survey.policy), *parts, *_fits(survey)]
    return '\n\n'.join(parts)


def policy_line(policy: Manifest) -> str:
    """A summary of a policy in one line."""
    robots = ', '.join(policy.robots) or 'robots that it does not name'
    steps = policy.observation_steps
    return (
        f'policy trained on {robots}: {policy.rate_hz:g} Hz, reads {steps} '
        f'step{"s" if steps > 1 else ""}, predicts {policy.horizon}'
    )


def range_text(ends: tuple[float, float] | None) -> str:
    """``-1.57 .. 1.57``; ``-`` if there is none."""
    return NOTHING if ends is None else f'{ends[0]:.2f} .. {ends[1]:.2f}'


def scale_text(cell: LayoutCell) -> str:
    """The scale and offset of a slot: ``x -1 + 1.57``; empty if they change nothing."""
    scale = '' if cell.scale == 1.0 else f'x {cell.scale:g}'
    offset = f'{"+" if cell.offset > 0 else "-"} {abs(cell.offset):.3g}' if cell.offset else ''
    return ' '.join(filter(None, (scale, offset)))


def as_json(survey: Survey) -> dict[str, object]:
    """The form of ``layout --json``; what a policy adds has keys of its own."""
    roles: dict[str, dict[str, object]] = {'input': {}, 'output': {}}
    for table in survey.tables:
        for role in table.role.split(' and '):
            roles[role][table.kind.value] = _table_json(table, survey)
    record: dict[str, object] = {**roles, 'warnings': list(survey.warnings)}
    if survey.vocabulary:
        record['vocabulary'] = survey.vocabulary
    if survey.poses:
        record['frames'] = frames_record(survey.poses)
    if survey.policy is not None:
        record['trained_on'] = list(survey.policy.robots)
        record['robots'] = {
            column.robot: _column_json(column, survey)
            for column in survey.columns
            if not column.is_trained
        }
    return record


def _marked(survey: Survey, robot: str, standing: SlotCompatibility) -> list[str]:
    """The slots of a robot with a compatibility to the policy, as ``JOINT_POSITIONS.6``."""
    return [
        f'{table.kind}.{index}'
        for table in survey.tables
        for index, row in enumerate(table.rows)
        if robot in row.cells and row.cells[robot].compatibility is standing
    ]


def _table(table: LayoutTable, survey: Survey) -> str:
    robots = [column.robot for column in survey.columns]
    has_policy = survey.policy is not None
    numeric = has_policy and any(row.trained for row in table.rows)
    named = table.has_names
    head = ['index', *(['slot'] if named else []), *(['trained'] if has_policy else []), *robots]
    rows = [head]
    for index, row in table.folded():
        name = [_slot_name(index, row)] if named else []
        trained = [_trained(row, numeric)] if has_policy else []
        rows.append([index, *name, *trained, *(_cell(row.cells.get(robot)) for robot in robots)])
    return f'{table.role} {table.kind}, width {table.width}\n{indent(text_table(rows), "  ")}'


def _slot_name(index: str, row: LayoutRow) -> str:
    """The name of a slot; ``-`` of none, and of a row that stands for several."""
    return row.slot.name if row.slot and index.isdecimal() else NOTHING


def _trained(row: LayoutRow, numeric: bool) -> str:
    if not row.is_trained:
        return NOTHING
    return range_text(row.trained) if numeric else 'yes'


def _cell(cell: LayoutCell | None) -> str:
    if cell is None:
        return NOTHING
    notes = [str(cell.role)] if cell.role else []
    if text := scale_text(cell):
        notes.append(text)
    if cell.treatment:
        notes.append(cell.treatment)
    if cell.compatibility is not SlotCompatibility.FITS:
        notes.append(f'{cell.compatibility}')
    return f'{cell.name} ({", ".join(notes)})' if notes else cell.name


def _fits(survey: Survey) -> list[str]:
    lines = []
    for column in survey.columns:
        if column.is_trained:
            continue
        counts = [
            f'{len(slots)} {standing}'
            for standing in (SlotCompatibility.MASKED, SlotCompatibility.IGNORED)
            if (slots := _marked(survey, column.robot, standing))
        ]
        judged = 'refused' if column.refusal else 'fits'
        reason = f'. {column.refusal}' if column.refusal else ''
        lines.append(', '.join((f'{column.robot}: {judged}', *counts)) + reason)
    return ['\n'.join(lines)] if lines else []


def _table_json(table: LayoutTable, survey: Survey) -> dict[str, object]:
    record: dict[str, object] = {
        'width': table.width,
        'slots': {
            str(index): {robot: cell.name for robot, cell in row.cells.items()}
            for index, row in enumerate(table.rows)
        },
    }
    if table.has_names:
        record['names'] = {
            str(index): row.slot.name for index, row in enumerate(table.rows) if row.slot
        }
    if survey.policy is not None:
        record['trained'] = [index for index, row in enumerate(table.rows) if row.is_trained]
        if any(row.trained for row in table.rows):
            for place, key in enumerate(('min', 'max')):
                record[key] = [row.trained and row.trained[place] for row in table.rows]
    return record


def _column_json(column: RobotColumn, survey: Survey) -> dict[str, object]:
    record: dict[str, object] = {'fits': not column.refusal, 'refused': column.refusal or None}
    for standing in SlotCompatibility:
        if standing is not SlotCompatibility.FITS:
            record[f'{standing}_slots'] = _marked(survey, column.robot, standing)
    return record
