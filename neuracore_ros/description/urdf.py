"""Joint limits out of a URDF; nothing else of it is read."""

import math
from pathlib import Path
from xml.etree import ElementTree

from neuracore_ros.description.limits import PartialLimit
from neuracore_ros.errors import DescriptionError


def read_urdf_limits(path: Path) -> dict[str, PartialLimit]:
    """Limits of every joint that can move.

    Returns:
        Joint name -> limits, [rad] and [rad/s] (revolute) or [m] and [m/s] (prismatic); a
        continuous joint has no position limits.

    Raises:
        DescriptionError: The file is missing or no URDF, or a limit is no number.
    """
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except OSError as error:
        raise DescriptionError(f'{path}: cannot be read: {error.strerror}') from error
    except ElementTree.ParseError as error:
        raise DescriptionError(f'{path}: is not XML: {error}') from error
    if root.tag != 'robot':
        raise DescriptionError(f'{path}: is no URDF: its root is <{root.tag}>, not <robot>')
    limits = {}
    for joint in root.findall('joint'):
        name, kind, limit = joint.get('name', ''), joint.get('type'), joint.find('limit')
        if kind not in {'revolute', 'prismatic', 'continuous'}:
            continue
        attributes = {} if limit is None else limit.attrib
        try:
            numbers = {key: float(attributes[key]) for key in attributes.keys() & _READ}
        except ValueError as error:
            raise DescriptionError(f"{path}: limit of joint '{name}': {error}") from error
        if not all(map(math.isfinite, numbers.values())):
            raise DescriptionError(f"{path}: limit of joint '{name}' is not finite")
        position = None
        if kind == 'continuous':
            position = -math.inf, math.inf
        elif numbers.get('lower', 0.0) < numbers.get('upper', 0.0):
            # The URDF specification lets both bounds default to 0: no range, so no limit.
            position = numbers.get('lower', 0.0), numbers.get('upper', 0.0)
        velocity = numbers.get('velocity', 0.0)
        limits[name] = PartialLimit(position, velocity if velocity > 0.0 else None)
    return limits


_READ = {'lower', 'upper', 'velocity'}
