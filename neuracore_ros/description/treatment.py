"""Treatments of slots: crops, openings that follow commands, and the frames of chains.

They are part of what a number or an image means, and so are kept where a dataset or a policy says
which slots a robot had: a robot file that treats them otherwise later has other slots.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.description.crop import Crop
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.embodiment import EmbodimentDescription
from neuracore_ros.description.robot import Robot
from neuracore_ros.errors import DescriptionError
from neuracore_ros.records import Record

_ROUNDED = 1e-3
"""Frames that differ by less [m], [rad] are the same, however they were written."""

_MOST_PX = 2**31


@dataclass(frozen=True, slots=True)
class TreatedFrames:
    """The frames of a chain, between which its pose is.

    Attributes:
        base: Link of the URDF.
        tip: Likewise.
        base_offset: The shared base frame, seen from ``base``.
        tip_offset: The grasp frame, seen from ``tip``.
        scale: By which positions of the slot are larger than the robot's.
    """

    base: str
    tip: str
    base_offset: Placement
    tip_offset: Placement
    scale: float = 1.0

    @classmethod
    def of(cls, chain: Chain, scale: float) -> TreatedFrames:
        """Take those of a chain."""
        return cls(chain.base, chain.tip, chain.base_offset, chain.tip_offset, scale)

    def is_close(self, other: TreatedFrames) -> bool:
        """True if both are the same but for rounding."""
        links = (self.base, self.tip) == (other.base, other.tip)
        pairs = zip(self._numbers(), other._numbers(), strict=True)
        return links and all(math.isclose(a, b, abs_tol=_ROUNDED) for a, b in pairs)

    def _numbers(self) -> tuple[float, ...]:
        base, tip = self.base_offset, self.tip_offset
        return (*base.xyz, *base.rpy, *tip.xyz, *tip.rpy, self.scale)

    def differences(self, then: TreatedFrames) -> Iterator[str]:
        """List what has changed, in words of the robot file, with both values."""
        for link in ('base', 'tip'):
            if getattr(self, link) != getattr(then, link):
                yield f'{link} {getattr(self, link)} (then {getattr(then, link)})'
        for word in ('base_offset', 'tip_offset'):
            now, before = getattr(self, word), getattr(then, word)
            one, other = (*now.xyz, *now.rpy), (*before.xyz, *before.rpy)
            if any(abs(a - b) > _ROUNDED for a, b in zip(one, other, strict=True)):
                yield f'{word} {_placed(now)} (then {_placed(before)})'
        if not math.isclose(self.scale, then.scale, abs_tol=_ROUNDED):
            yield f'scale {self.scale:g} (then {then.scale:g})'


@dataclass(frozen=True, slots=True)
class Treatment:
    """Treatment of one slot's samples, beside taking them out of messages.

    Attributes:
        crop: The part of images that is used; None: the whole.
        follow_s: An opening follows its command with that time constant [s]; None: it is measured.
        frames: Of a chain; None for what is none.
    """

    crop: Crop | None = None
    follow_s: float | None = None
    frames: TreatedFrames | None = None


Treatments: TypeAlias = Mapping[DataType, Mapping[str, Treatment]]
"""DataType -> name -> how it is treated; names that are taken as they come are left out."""


def treatments(robot: Robot) -> Treatments:
    """Collect the treatments that a robot file asks for."""
    found: dict[DataType, dict[str, Treatment]] = {}
    for description in (robot.input, robot.output):
        for kind, slots in description.items():
            for name in slots.values():
                treatment = _treatment(robot, kind, name)
                if treatment != Treatment():
                    found.setdefault(kind, {})[name] = treatment
    return found


def _treatment(robot: Robot, kind: DataType, name: str) -> Treatment:
    if kind.is_pose:
        chain = robot.chains.get(name)
        frames = TreatedFrames.of(chain, robot.pose_scale(kind, name)) if chain else None
        return Treatment(frames=frames)
    try:
        source = robot.source(kind, name)
    except DescriptionError:
        source = None  # It lacks something, which is told where it is read.
    return Treatment(source.crop, source.follow_s) if source else Treatment()


@dataclass(frozen=True, slots=True)
class TreatmentChange:
    """Treatment of a slot that is another one than it was.

    Attributes:
        data_type: Of the slot.
        name: Its name.
        now: Its treatment.
        then: What it was.
    """

    data_type: DataType
    name: str
    now: Treatment
    then: Treatment

    @property
    def text(self) -> str:
        """Both, in words of the robot file: ``crop [0, 0, 9, 9] (then none)``."""
        if self.now.frames and self.then.frames:
            what = ', '.join(self.now.frames.differences(self.then.frames))
        elif self.now.crop != self.then.crop:
            what = f'crop {self.now.crop or "none"} (then {self.then.crop or "none"})'
        else:
            now, then = (
                'none' if each.follow_s is None else f'{each.follow_s:g} s'
                for each in (self.now, self.then)
            )
            what = f'follow_s {now} (then {then})'
        return f"{self.data_type} '{self.name}': {what}"


def treatment_changes(robot: Robot, then: Treatments | None) -> tuple[TreatmentChange, ...]:
    """Compare the treatments of a robot file with those of before; None: they are unknown.

    A pose is compared where it is a chain's both times: that of a topic has frames of its own.
    """
    if then is None:
        return ()
    return changes_between(treatments(robot), then, (robot.input, robot.output))


def changes_between(
    now: Treatments, then: Treatments, described: Iterable[EmbodimentDescription]
) -> tuple[TreatmentChange, ...]:
    """Compare the treatments of a robot's slots at two times; see :func:`treatment_changes`."""
    found: list[TreatmentChange] = []
    for description in described:
        for kind, slots in description.items():
            for name in slots.values():
                change = TreatmentChange(
                    kind,
                    name,
                    now.get(kind, {}).get(name, Treatment()),
                    then.get(kind, {}).get(name, Treatment()),
                )
                if _differ(change.now, change.then) and change not in found:
                    found.append(change)
    return tuple(found)


def _differ(now: Treatment, then: Treatment) -> bool:
    if now.frames and then.frames:
        return not now.frames.is_close(then.frames)
    return (now.crop, now.follow_s) != (then.crop, then.follow_s)


def plain_treatments(given: Treatments) -> dict[str, dict[str, dict[str, Any]]]:
    """Write treatments as objects of JSON."""
    return {
        kind.value: {name: _plain(each) for name, each in named.items()}
        for kind, named in given.items()
    }


def _plain(treatment: Treatment) -> dict[str, Any]:
    if treatment.frames is not None:
        return asdict(treatment.frames)
    if treatment.crop is not None:
        return {'crop': list(treatment.crop)}
    return {'follow_s': treatment.follow_s}


def read_treatments(record: Record) -> Treatments:
    """Read what :func:`plain_treatments` writes; what this version does not know is left out.

    Raises:
        UserError: A value is none, of the kind that the record says.
    """
    kinds = {kind.value: kind for kind in DataType}
    return {
        kinds[word]: {name: _read(each) for name, each in named.records()}
        for word, named in record.records()
        if word in kinds
    }


def _read(record: Record) -> Treatment:
    if record.has('base'):
        frames = TreatedFrames(
            record.text('base'),
            record.text('tip'),
            _placement(record.record('base_offset')),
            _placement(record.record('tip_offset')),
            record.number('scale', default=1.0),
        )
        return Treatment(frames=frames)
    if record.has('crop'):
        numbers = record.value('crop')
        if not isinstance(numbers, list) or len(numbers) != len(Crop._fields):
            raise record.wrong('crop', f'[{", ".join(Crop._fields)}], integers')
        if not all(type(each) is int and 0 <= each < _MOST_PX for each in numbers):
            raise record.wrong('crop', f'[{", ".join(Crop._fields)}], integers')
        return Treatment(crop=Crop(*numbers))
    if record.has('follow_s'):
        return Treatment(follow_s=record.number('follow_s', 0.0))
    return Treatment()


def _placement(record: Record) -> Placement:
    xyz, rpy = (record.numbers(key, 3) for key in ('xyz', 'rpy'))
    if len(xyz) != 3 or len(rpy) != 3 or any(map(math.isnan, (*xyz, *rpy))):
        raise record.error("must have 'xyz' and 'rpy', three numbers each")
    return Placement((xyz[0], xyz[1], xyz[2]), (rpy[0], rpy[1], rpy[2]))


def _placed(placement: Placement) -> str:
    xyz, rpy = (
        ', '.join(f'{value:.4g}' for value in each) for each in (placement.xyz, placement.rpy)
    )
    return f'[{xyz}] rpy [{rpy}]'
