"""Chains: from a robot's base link to its tip link, with the two frames that robots share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from neuracore_ros.description.limits import Range
from neuracore_ros.description.urdf import MOVING, Urdf
from neuracore_ros.similar_names import known_names
from neuracore_ros.yaml_value import YamlValue

Triple: TypeAlias = tuple[float, float, float]

MAX_IK_ERROR = (0.01, 0.05)
"""The default of ``max_ik_error`` [m], [rad]."""

_KEYS = ('base', 'tip', 'base_offset', 'tip_offset', 'workspace', 'home', 'max_ik_error')
_AXES = ('x', 'y', 'z')
# Beyond any hand, and any shared frame of one station.
_FARTHEST_M = 20.0
_LARGEST_RAD = math.tau + 0.01


@dataclass(frozen=True, slots=True)
class Placement:
    """A frame, seen from another one.

    Attributes:
        xyz: Position [m].
        rpy: Orientation: roll about x, then pitch, then yaw, about fixed axes [rad].
    """

    xyz: Triple = (0.0, 0.0, 0.0)
    rpy: Triple = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Chain:
    """The joints between two links of a URDF: an arm, whose pose its joints give.

    The pose of a chain is that of its grasp frame, seen from the shared base frame.

    Attributes:
        name: As pose slots call it.
        urdf: The URDF file.
        base: The link that it begins at.
        tip: The link that it ends at.
        joints: The URDF's joints between them that move, from base to tip.
        base_offset: The shared base frame, seen from ``base``: x to where it works, z up.
        tip_offset: The grasp frame, seen from ``tip``: z the approach, x the way fingers close.
        workspace: ``x``, ``y``, ``z`` -> where the grasp frame may be sent, in the shared base
            frame [m]; axes that are not named have no bounds.
        home: Joint -> the position that inverse kinematics prefers where it may choose [rad], [m].
        max_error_m: A pose that cannot be reached this closely is refused [m].
        max_error_rad: Likewise [rad].
    """

    name: str
    urdf: Path
    base: str
    tip: str
    joints: tuple[str, ...]
    base_offset: Placement = Placement()
    tip_offset: Placement = Placement()
    workspace: Mapping[str, Range] = field(default_factory=dict, hash=False)
    home: Mapping[str, float] = field(default_factory=dict, hash=False)
    max_error_m: float = MAX_IK_ERROR[0]
    max_error_rad: float = MAX_IK_ERROR[1]


def parse_chains(value: YamlValue | None, urdf: Urdf, path: Path | None) -> Mapping[str, Chain]:
    """Read ``chains`` of a robot file; None: there are none.

    Args:
        value: The section.
        urdf: The robot's.
        path: Of the URDF; None where the robot file names none.

    Raises:
        DescriptionError: A missing or unknown key or link, no way from base to tip, or a wrong
            number.
    """
    chains: dict[str, Chain] = {}
    for name, (key, chain) in value.mapping('chains').items() if value else ():
        if path is None:
            raise key.error(f"chain '{name}' needs the robot's URDF. Add urdf: FILE")
        chains[name] = _parse_chain(name, key, chain, urdf, path)
    return MappingProxyType(chains)


def _parse_chain(name: str, key: YamlValue, value: YamlValue, urdf: Urdf, path: Path) -> Chain:
    what = f"chain '{name}'"
    fields = value.fields(what, _KEYS)
    for end in ('base', 'tip'):
        if end not in fields:
            raise key.error(f"{what} needs '{end}', a link of {path}")
    base, tip = (_link(fields[end], f'{end} of {what}', urdf) for end in ('base', 'tip'))
    joints = _joints_between(base, tip, fields['tip'], what, urdf)
    errors = list(MAX_IK_ERROR)
    if 'max_ik_error' in fields:
        errors = _numbers(fields['max_ik_error'], f'max_ik_error of {what}', 2, '[m, rad]', 0.0)
    bounds = {
        axis: _range(each, f'{axis} of workspace of {what}')
        for axis, each in (
            fields['workspace'].fields(f'workspace of {what}', _AXES).items()
            if 'workspace' in fields
            else ()
        )
    }
    home: dict[str, float] = {}
    if 'home' in fields:
        for joint, (own, position) in fields['home'].mapping(f'home of {what}').items():
            if joint not in joints:
                raise own.error(f'home of {what}: no joint {own}{known_names(joint, joints)}')
            home[joint] = position.number(f"'{joint}' in home of {what}")
    return Chain(
        name=name,
        urdf=path,
        base=base,
        tip=tip,
        joints=joints,
        base_offset=_placement(fields.get('base_offset'), f'base_offset of {what}'),
        tip_offset=_placement(fields.get('tip_offset'), f'tip_offset of {what}'),
        workspace=MappingProxyType(bounds),
        home=MappingProxyType(home),
        max_error_m=errors[0],
        max_error_rad=errors[1],
    )


def _link(value: YamlValue, what: str, urdf: Urdf) -> str:
    link = value.string(what)
    if link not in urdf.links:
        raise value.error(f'{what}: the URDF has no link {value}{known_names(link, urdf.links)}')
    return link


def _joints_between(
    base: str, tip: str, value: YamlValue, what: str, urdf: Urdf
) -> tuple[str, ...]:
    """The joints that move the tip against the base."""
    # A file that is no tree may lead in a circle.
    above = [base]
    while (hangs := urdf.carriers.get(above[-1])) is not None and hangs.link not in above:
        above.append(hangs.link)
    found: list[str] = []
    link, below_it = tip, {tip}
    while link not in above:
        hangs = urdf.carriers.get(link)
        if hangs is None or (hangs.link in below_it and hangs.link not in above):
            raise value.error(f"{what}: no joints lead from link '{base}' to link '{tip}'")
        if hangs.kind in MOVING:
            if hangs.joint in urdf.mimics:
                raise value.error(
                    f"{what}: '{hangs.joint}' before link '{tip}' mimics "
                    f"'{urdf.mimics[hangs.joint].joint}': choose a tip before the fingers"
                )
            found.append(hangs.joint)
        elif hangs.kind != 'fixed':
            raise value.error(f"{what}: joint '{hangs.joint}' is {hangs.kind}, not supported")
        link = hangs.link
        below_it.add(link)
    for below in above[: above.index(link)]:
        if urdf.carriers[below].kind != 'fixed':
            raise value.error(
                f"{what}: '{urdf.carriers[below].joint}' moves the base '{base}' itself: choose "
                f"'{link}' as its base"
            )
    if not found:
        raise value.error(f"{what}: nothing moves between link '{base}' and link '{tip}'")
    return tuple(found[::-1])


def _placement(value: YamlValue | None, what: str) -> Placement:
    fields = value.fields(what, ('xyz', 'rpy')) if value else {}
    xyz, rpy = (
        _numbers(fields[key], f'{key} of {what}', 3, unit) if key in fields else [0.0, 0.0, 0.0]
        for key, unit in (('xyz', '[x, y, z]'), ('rpy', '[roll, pitch, yaw]'))
    )
    for key, numbers, most, wrong in (
        ('xyz', xyz, _FARTHEST_M, 'millimetres; metres are meant'),
        ('rpy', rpy, _LARGEST_RAD, 'degrees; radians are meant'),
    ):
        if value is not None and max(map(abs, numbers)) > most:
            raise fields[key].error(f'{key} of {what} looks like {wrong}: {_few(numbers)}')
    return Placement((xyz[0], xyz[1], xyz[2]), (rpy[0], rpy[1], rpy[2]))


def _range(value: YamlValue, what: str) -> Range:
    low, high = _numbers(value, what, 2, '[lower, upper]')
    if low >= high:
        raise value.error(f'{what}: lower {low:g} is not below upper {high:g}')
    if low > _FARTHEST_M or high < -_FARTHEST_M:
        raise value.error(f'{what} looks like millimetres; metres are meant: {_few((low, high))}')
    return low, high


def _few(numbers: Sequence[float]) -> str:
    return f'[{", ".join(f"{number:g}" for number in numbers)}]'


def _numbers(
    value: YamlValue, what: str, count: int, form: str, low: float | None = None
) -> list[float]:
    if value.is_scalar() or value.is_mapping() or len(value.elements(what)) != count:
        raise value.error(f'{what} must be {form}')
    least = {} if low is None else {'low': low}
    return [each.number(what, **least) for each in value.elements(what)]
