"""Names, rate and ranges that a LeRobot checkpoint lacks, of the files that have them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from neuracore_ros.bounds import MAX_RATE_HZ, MIN_RATE_HZ
from neuracore_ros.errors import PolicyError, quoted
from neuracore_ros.records import Record
from neuracore_ros.serving.lerobot.checkpoint import ACTION, STATE, read_json

INFO = Path('meta') / 'info.json'

# Of the servos of LeRobot's arms; its degrees are of one less.
_TICKS = 4096
_TURN = 2 * math.pi


@dataclass(frozen=True, slots=True)
class LerobotNames:
    """The names of the numbers of a state and of an action, in their order.

    Attributes:
        state: As the dataset or the user names them.
        action: Likewise.
        rate_hz: Steps per second of the dataset, [Hz]; None where it is not known.
    """

    state: tuple[str, ...] = ()
    action: tuple[str, ...] = ()
    rate_hz: float | None = None


def read_dataset_names(folder: Path) -> LerobotNames:
    """Read the names and the rate of a LeRobot dataset, of its ``meta/info.json`` alone.

    Raises:
        PolicyError: It is missing or damaged.
    """
    path = folder / INFO
    if not path.exists():
        raise PolicyError(
            f'{folder}: is no LeRobot dataset: it lacks {INFO}, which is all that is read of it'
        )
    info = read_json(path)
    features = info.record('features')
    return LerobotNames(
        state=_names(features, STATE),
        action=_names(features, ACTION),
        rate_hz=info.number('fps', MIN_RATE_HZ, MAX_RATE_HZ),
    )


def read_calibration(path: Path) -> dict[str, float]:
    """Read the half ranges of an arm's calibrated joints, [rad], by name.

    LeRobot's -100 to 100 are of these ranges, about their middle.

    Raises:
        PolicyError: It is no calibration of LeRobot, or turns a joint.
    """
    found = {}
    for name, motor in read_json(path).records():
        least, most = motor.integer('range_min'), motor.integer('range_max')
        if most <= least:
            raise motor.error(f'its range, {least} to {most}, is empty: calibrate it again')
        if motor.integer('drive_mode'):
            raise motor.error('its drive_mode turns it, which a server file must say: --map FILE')
        found[name] = (most - least) / 2 * _TURN / (_TICKS - 1)
    return found


def _names(features: Record, feature: str) -> tuple[str, ...]:
    """The names of a feature's numbers: a list, or one within an object, by LeRobot's version."""
    if not features.has(feature):
        return ()
    record = features.record(feature)
    names = record.value('names', default=None)
    if isinstance(names, Mapping) and len(names) == 1:
        names = next(iter(names.values()))
    if names is None:
        return ()
    if not isinstance(names, list) or not all(isinstance(each, str) and each for each in names):
        raise record.error(f'names must be a list of names, is {quoted(names)}')
    return tuple(names)
