"""The meaning of a robot file as far as an edit may change it, to hold an edit against."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from neuracore_ros.bounds import MAX_INDEX
from neuracore_ros.description import DataType, Robot
from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.description.command import measured_type
from neuracore_ros.description.command_table import CommandOptions
from neuracore_ros.description.embodiment import EmbodimentDescription
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.source import MULTI_ARRAYS
from neuracore_ros.description.source_options import SourceOptions

# Numbers are written to the microradian and micrometre; scales to nine digits.
_ROUNDED, _OF_SCALE = 2e-6, 1e-7

_NOWHERE = Placement()

Key = TypeVar('Key')
Value = TypeVar('Value')
Options = SourceOptions | CommandOptions
Route = tuple[str, DataType, str]
"""Section of the robot file, DataType and name."""


@dataclass(frozen=True, slots=True)
class FileMeaning:
    """The slots of a robot file, what brings values to them, and the frames of its chains.

    Attributes:
        slots: ``input`` and ``output`` -> what they describe.
        scalings: Of the names that have a topic in a section.
        options: Of all names, in each section.
        chains: By name.
        sent: Topic -> names by position in its messages, of those that carry numbers only.
        rest: What no edit here changes.
    """

    slots: Mapping[str, EmbodimentDescription]
    scalings: Mapping[Route, ScaleOffset]
    options: Mapping[Route, Options]
    chains: Mapping[str, Chain]
    sent: Mapping[str, tuple[str, ...]]
    rest: tuple[object, ...]

    @classmethod
    def of(cls, robot: Robot) -> FileMeaning:
        """The meaning of a file that was read."""
        slots = {'input': robot.input, 'output': robot.output}
        routes = robot.routes
        names = [
            (section, kind, name)
            for section in routes
            for kind in DataType
            for name in names_in(robot, section, kind)
        ]
        scalings = {
            (kind, name): robot.scalings(kind, name)
            for kind, name in {(kind, name) for _, kind, name in names}
        }
        return cls(
            slots,
            {
                route: scaling
                for route in names
                if (scaling := scalings[route[1:]].get(route[0])) is not None
            },
            {route: routes[route[0]].options(*route[1:]) for route in names},
            robot.chains,
            _sent(robot),
            (robot.name, robot.vocabulary, robot.urdf, robot.limits, robot.direct_limits),
        )

    def is_close(self, other: FileMeaning) -> bool:
        """True if both are the same but for the rounding of numbers."""
        return (
            (self.slots, self.rest, self.sent) == (other.slots, other.rest, other.sent)
            and _all_close(self.scalings, other.scalings, _close_scalings)
            and _all_close(self.options, other.options, _close_options)
            and _all_close(self.chains, other.chains, _close_chains)
        )


def names_in(robot: Robot, section: str, kind: DataType) -> list[str]:
    """Index -> name, for the names of a DataType that a section can have options for."""
    found: dict[str, int] = {}
    is_read = section == 'sources'
    for description in (robot.input, robot.output) if is_read else (robot.output,):
        for own, slots in description.items():
            if own is kind or (is_read and kind in {own.measured, measured_type(own)}):
                for index, name in slots.items():
                    found.setdefault(name, index)
    if is_read and kind is DataType.JOINT_POSITIONS:
        joints = (joint for chain in robot.chains.values() for joint in chain.joints)
        found = {**dict.fromkeys(joints, MAX_INDEX), **found}
    return sorted(found, key=lambda name: found[name])


def _sent(robot: Robot) -> dict[str, tuple[str, ...]]:
    """Topic -> names by position, also of a file in which another command is missing yet."""
    found: dict[str, tuple[str, ...]] = {}
    routes = robot.routes['commands']
    for kind, slots in robot.output.items():
        for name in slots.values() if not kind.is_pose else ():
            own = routes.options(kind, name)
            is_array = (
                isinstance(own, CommandOptions) and own.type_for(kind, False) in MULTI_ARRAYS
            )
            if own.topic and is_array:
                before = found.get(own.topic, ())
                found[own.topic] = own.order or (*before, own.message_name(name))
    return found


def _all_close(
    ones: Mapping[Key, Value], others: Mapping[Key, Value], close: Callable[[Value, Value], bool]
) -> bool:
    return ones.keys() == others.keys() and all(close(ones[key], others[key]) for key in ones)


def _close_scalings(one: ScaleOffset, other: ScaleOffset) -> bool:
    return math.isclose(one.scale, other.scale, rel_tol=_OF_SCALE) and _close(
        one.offset, other.offset
    )


def _close_options(one: Options, other: Options) -> bool:
    return (
        _close_turns(_around(one), _around(other))
        and _close_scalings(one.written_scale, other.written_scale)
        and _unsensed(one) == _unsensed(other)
    )


def _around(options: Options) -> float | None:
    return options.around if isinstance(options, SourceOptions) else None


def _close_turns(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else _close(one, other)


def _unsensed(options: Options) -> Options:
    bare = replace(options, scale=None, offset=None)
    return replace(bare, around=None) if isinstance(bare, SourceOptions) else bare


def _close_chains(one: Chain, other: Chain) -> bool:
    bare = [replace(each, base_offset=_NOWHERE, tip_offset=_NOWHERE) for each in (one, other)]
    return bare[0] == bare[1] and all(
        _close(a, b) for a, b in zip(_numbers(one), _numbers(other), strict=True)
    )


def _numbers(chain: Chain) -> tuple[float, ...]:
    base, tip = chain.base_offset, chain.tip_offset
    return (*base.xyz, *base.rpy, *tip.xyz, *tip.rpy)


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_OF_SCALE, abs_tol=_ROUNDED)
