"""Joint limits out of a URDF, which joints mimic others, and which joint carries each link."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from neuracore_ros.description.limits import PartialLimit
from neuracore_ros.description.urdf_xml import parse_robot_element, read_urdf_text
from neuracore_ros.errors import DescriptionError

MOVING = ('revolute', 'continuous', 'prismatic')
"""Types of joints that can move, one way or about one axis."""


@dataclass(frozen=True, slots=True)
class Mimic:
    """A joint that another one moves: its position is ``multiplier * position + offset``.

    Attributes:
        joint: The other one.
        multiplier: Not 0.
        offset: [rad] or [m].
    """

    joint: str
    multiplier: float
    offset: float


@dataclass(frozen=True, slots=True)
class LinkCarrier:
    """The joint that a link hangs on.

    Attributes:
        joint: Its name.
        kind: Its type, such as ``fixed``.
        link: The link on the other side of it.
    """

    joint: str
    kind: str
    link: str


@dataclass(frozen=True, slots=True)
class Urdf:
    """The limits, mimics and links of a URDF.

    Attributes:
        limits: Joint that can move -> limits, [rad], [rad/s] and [N m] (revolute) or [m], [m/s]
            and [N] (prismatic); a continuous joint has no position limits.
        mimics: Joint -> what it follows.
        carriers: Link -> the joint that it hangs on; none of a base.
    """

    limits: Mapping[str, PartialLimit]
    mimics: Mapping[str, Mimic]
    carriers: Mapping[str, LinkCarrier] = field(default_factory=dict)

    @property
    def links(self) -> set[str]:
        """The links that joints join."""
        return set(self.carriers) | {carrier.link for carrier in self.carriers.values()}


def read_urdf(path: Path) -> Urdf:
    """Read the joints that can move.

    Raises:
        DescriptionError: The file is missing or no URDF, or a limit or mimic is no number.
    """
    return joints_of(parse_robot_element(read_urdf_text(path), path), str(path))


def joints_of(robot: ElementTree.Element, where: str) -> Urdf:
    """The joints of the element ``robot`` that can move.

    Raises:
        DescriptionError: A joint is given twice, or a limit or mimic is no number.
    """
    limits: dict[str, PartialLimit] = {}
    mimics: dict[str, Mimic] = {}
    carriers: dict[str, LinkCarrier] = {}
    for joint in robot.findall('joint'):
        name, kind, limit = joint.get('name', ''), joint.get('type', ''), joint.find('limit')
        parent, child = joint.find('parent'), joint.find('child')
        if parent is not None and child is not None:
            carriers[child.get('link', '')] = LinkCarrier(name, kind, parent.get('link', ''))
        if kind not in MOVING:
            continue
        if name in limits:
            raise DescriptionError(f"{where}: joint '{name}' is given twice: which one moves?")
        attributes = {} if limit is None else limit.attrib
        numbers = _numbers(attributes, _LIMIT, f"{where}: limit of joint '{name}'")
        position = None
        if kind == 'continuous':
            position = -math.inf, math.inf
        elif numbers.get('lower', 0.0) < numbers.get('upper', 0.0):
            # The URDF specification lets both bounds default to 0: no range, so no limit.
            position = numbers.get('lower', 0.0), numbers.get('upper', 0.0)
        velocity = numbers.get('velocity', 0.0)
        limits[name] = PartialLimit(
            position,
            velocity if velocity > 0.0 else None,
            slides=kind == 'prismatic',
            effort=_effort(attributes.get('effort', '')),
        )
        mimic = joint.find('mimic')
        if mimic is not None:
            numbers = _numbers(mimic.attrib, _MIMIC, f"{where}: mimic of joint '{name}'")
            multiplier = numbers.get('multiplier', 1.0)
            if multiplier != 0.0:
                followed = mimic.get('joint', '')
                mimics[name] = Mimic(followed, multiplier, numbers.get('offset', 0.0))
    return Urdf(limits, mimics, carriers)


_LIMIT = {'lower', 'upper', 'velocity'}
_MIMIC = {'multiplier', 'offset'}


def _effort(text: str) -> float | None:
    """The largest effort; None where it limits nothing: few drivers read it, so many are wrong."""
    try:
        effort = float(text)
    except ValueError:
        return None
    return effort if 0.0 < effort < math.inf else None


def _numbers(attributes: Mapping[str, str], keys: set[str], what: str) -> dict[str, float]:
    try:
        numbers = {key: float(attributes[key]) for key in attributes.keys() & keys}
    except ValueError as error:
        raise DescriptionError(f'{what}: {error}; numbers are written with a point') from error
    if not all(map(math.isfinite, numbers.values())):
        raise DescriptionError(f'{what} is not finite')
    return numbers
