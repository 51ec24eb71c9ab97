"""The frames of pose slots beside each other, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import indent

from neuracore_ros.alignment.frame_differences import PoseSlot
from neuracore_ros.arrays import FloatArray
from neuracore_ros.description.chain import Placement
from neuracore_ros.wording import text_table

_TITLES = (
    '',
    'chain',
    'joints',
    'base_offset',
    'tip_offset',
    'reach',
    'scale',
    'hand at home',
    'its z (approach)',
    'its x (closing)',
)


def frames_text(slots: Sequence[PoseSlot]) -> list[str]:
    """A table for each pose slot, with a column for each robot."""
    shared: dict[str, list[PoseSlot]] = {}
    for slot in slots:
        shared.setdefault(f'{slot.kind} index {slot.index}', []).append(slot)
    return [
        f'frames of {where}\n{indent(text_table(_table(those)), "  ")}'
        for where, those in shared.items()
    ]


def frames_record(slots: Sequence[PoseSlot]) -> Mapping[str, Mapping[str, Mapping[str, object]]]:
    """Slot, such as ``END_EFFECTOR_POSES.0`` -> robot -> its frames, as JSON has them."""
    found: dict[str, dict[str, Mapping[str, object]]] = {}
    for slot in slots:
        frames, chain = slot.frames, slot.frames.chain
        hand = frames.hand
        found.setdefault(f'{slot.kind}.{slot.index}', {})[slot.robot.name] = {
            'chain': chain.name,
            'base': chain.base,
            'tip': chain.tip,
            'joints': list(chain.joints),
            'base_offset': _placed(chain.base_offset),
            'tip_offset': _placed(chain.tip_offset),
            'scale': frames.scale,
            'reach_m': round(frames.reach_m, 4),
            'home': {
                'xyz': _rounded(hand[:3, 3]),
                'x': _rounded(hand[:3, 0]),
                'z': _rounded(hand[:3, 2]),
            },
        }
    return found


def _placed(placement: Placement) -> dict[str, list[float]]:
    return {'xyz': list(placement.xyz), 'rpy': list(placement.rpy)}


def _rounded(values: FloatArray) -> list[float]:
    return [round(float(value), 4) + 0.0 for value in values]


def _table(slots: Sequence[PoseSlot]) -> list[list[str]]:
    columns = [
        [
            slot.robot.name,
            f'{slot.frames.chain.base} -> {slot.frames.chain.tip}',
            str(len(slot.frames.chain.joints)),
            _offset(slot.frames.chain.base_offset),
            _offset(slot.frames.chain.tip_offset),
            f'{slot.frames.reach_m:.2f} m',
            f'{slot.frames.scale:.4g}',
            _listed(slot.frames.hand[:3, 3]),
            _listed(slot.frames.hand[:3, 2]),
            _listed(slot.frames.hand[:3, 0]),
        ]
        for slot in slots
    ]
    return [list(row) for row in zip(_TITLES, *columns, strict=True)]


def _offset(placement: Placement) -> str:
    if placement == Placement():
        return 'none'
    return f'{_listed(placement.xyz)} rpy {_listed(placement.rpy)}'


def _listed(values: FloatArray | Sequence[float]) -> str:
    return ' '.join(f'{round(float(value), 2) + 0.0:.2f}' for value in values)
