"""Sign and zero of slots: what turning a joint or moving its zero does to each number of it.

A joint is one joint, be it measured, commanded or felt: all DataTypes that share its index are
turned together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from neuracore_ros.description import DataType, Robot
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.source_options import SourceOptions
from neuracore_ros.description.vocabulary import types_beside
from neuracore_ros.viewer.file_meaning import FileMeaning, Options, Route
from neuracore_ros.viewer.yaml_edits import rounded


def has_sign(kind: DataType) -> bool:
    """True for a number, which can be turned to the other way; a pose has frames instead."""
    return kind.is_numeric and not kind.is_pose


def has_zero(kind: DataType) -> bool:
    """True for a number whose zero is a position, not standstill as of a velocity."""
    return has_sign(kind) and kind not in {DataType.JOINT_VELOCITIES, DataType.JOINT_TORQUES}


def turned(scaling: ScaleOffset, kind: DataType) -> ScaleOffset:
    """The scaling to a slot that counts the other way; of a gripper, open and closed change."""
    end = 1.0 if kind.is_gripper else 0.0
    return ScaleOffset(-scaling.scale, end - scaling.offset + 0.0)


def moved(scaling: ScaleOffset, kind: DataType, by: float) -> ScaleOffset:
    """The scaling to a slot whose value is larger by a number, where its zero is a place."""
    return ScaleOffset(scaling.scale, scaling.offset + by) if has_zero(kind) else scaling


def occurrences(robot: Robot, kind: DataType, name: str) -> Iterator[tuple[str, DataType, int]]:
    """The slots of a name in its family: ``input`` or ``output``, DataType and index."""
    for role, description in (('input', robot.input), ('output', robot.output)):
        for each in types_beside(kind):
            for index, own in description.get(each, {}).items():
                if own == name:
                    yield role, each, index


def rescaled(
    meaning: FileMeaning, wanted: Mapping[Route, ScaleOffset], arounds: Mapping[Route, float]
) -> tuple[Mapping[Route, Mapping[str, float]], FileMeaning]:
    """The numbers to write for other scalings, and what the file means with them.

    Args:
        meaning: Of the file before.
        wanted: Scalings, of names that have a topic in a section.
        arounds: Middles of continuous joints that have one.

    Returns:
        For each name and section, option -> number, without what need not be written.
    """
    options = dict(meaning.options)
    numbers: dict[Route, dict[str, float]] = {}
    for route, scaling in wanted.items():
        before, written = meaning.scalings[route], options[route]
        # A gripper whose range gives both needs both as soon as one of them is written.
        needs_both = route[1].is_gripper and not written.is_scaled
        new = {'scale': scaling.scale, 'offset': rounded(scaling.offset)}
        old = {'scale': before.scale, 'offset': rounded(before.offset)}
        if new == old and route not in arounds:
            continue
        own = {key: number for key, number in new.items() if needs_both or number != old[key]}
        if route in arounds:
            own['around'] = rounded(arounds[route])
        numbers[route], options[route] = own, _rewritten(written, own)
    scalings = {**meaning.scalings, **wanted}
    return numbers, replace(meaning, scalings=scalings, options=options)


def _rewritten(options: Options, numbers: Mapping[str, float]) -> Options:
    """Options with other numbers."""
    scale, offset = (numbers.get(key, getattr(options, key)) for key in ('scale', 'offset'))
    if 'around' in numbers and isinstance(options, SourceOptions):
        options = replace(options, around=numbers['around'])
    return replace(options, scale=scale, offset=offset)
