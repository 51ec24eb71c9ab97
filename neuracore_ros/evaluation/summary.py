"""An evaluation as JSON, and as a table for a terminal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.evaluation.compared_slots import POSITION, ROTATION
from neuracore_ros.evaluation.evaluate import Case, Evaluation
from neuracore_ros.runner.state import percentile
from neuracore_ros.wording import text_table


def as_json(result: Evaluation) -> dict[str, Any]:
    """Every figure; null where it is not known."""
    return {'recordings': result.note, 'cases': [_case(case) for case in result.cases]}


def as_table(result: Evaluation) -> str:
    """A line for each policy and robot; of poses, if there are any, in cm and degrees."""
    head = ['policy', 'robot', 'error', 'in spreads', 'executed', 'usable', 'holds', 'late']
    rows = [[*head, 'clamps', 'seam p99', 'ms p50', 'p99'], *map(_row, result.cases)]
    poses = [case.figures.of_poses for case in result.cases]
    if any(poses):
        rows[0].insert(3, 'poses')
        for row, errors in zip(rows[1:], poses, strict=True):
            row.insert(3, pose_error(errors))
    return text_table(rows, left=2)


def _row(case: Case) -> list[str]:
    found = case.figures
    return [
        case.policy,
        case.robot,
        shown(found.mean, f' {found.unit}'),
        shown(found.mean_normalised),
        shown(found.mean_executed),
        f'{found.coverage:.1%}',
        str(sum(found.holds.values())),
        str(found.late),
        str(found.clamps),
        shown(percentile(found.seams_rad, 99)),
        shown(percentile(found.latencies_ms, 50)),
        shown(percentile(found.latencies_ms, 99)),
    ]


def shown(value: float, unit: str = '') -> str:
    """Three digits that count; '-' where the value is not known."""
    return f'{value:.3g}{unit}' if math.isfinite(value) else '-'


def pose_error(errors: tuple[float, float] | None) -> str:
    """Errors of positions [cm] and rotations [degrees] in one cell; '-' where there are none."""
    return f'{shown(errors[0], " cm")} {shown(errors[1], " deg")}' if errors else '-'


def _case(case: Case) -> dict[str, Any]:
    found = case.figures
    poses = found.of_poses
    return {
        'policy': case.policy,
        'robot': case.robot,
        'recordings': found.recordings,
        'unit': found.unit,
        'error': _number(found.mean),
        'error_normalised': _number(found.mean_normalised),
        'executed_error': _number(found.mean_executed),
        'error_by_step': _numbers(found.by_step),
        'poses': dict(zip((POSITION, ROTATION), map(_number, poses), strict=True))
        if poses
        else None,
        'joints': [
            {
                'data_type': slot.kind.value,
                'index': slot.index,
                'name': slot.name,
                'unit': slot.unit,
                'error': _number(found.by_slot[place]),
                'error_normalised': _number(found.normalised[place]),
                'largest_error': _number(found.largest[place]),
                'executed_error': _number(found.executed[place]),
                'spread': _number(found.spread[place]),
                'error_by_step': _numbers(found.error[:, place]),
            }
            for place, slot in enumerate(found.slots)
        ],
        'steps': found.ticks,
        'usable_steps': found.observed,
        'running_steps': found.running,
        'coverage': _number(found.coverage),
        'predictions': found.predictions,
        'late': found.late,
        'clamps': found.clamps,
        'holds': dict(found.holds),
        'seam_p50': _number(percentile(found.seams_rad, 50)),
        'seam_p99': _number(percentile(found.seams_rad, 99)),
        'latency_ms_p50': _number(percentile(found.latencies_ms, 50)),
        'latency_ms_p99': _number(percentile(found.latencies_ms, 99)),
        'warnings': list(case.warnings),
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _numbers(values: FloatArray) -> list[float | None]:
    return [_number(value) for value in values]
