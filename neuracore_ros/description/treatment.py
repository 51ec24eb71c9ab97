"""Treatments of slots: senses, crops, openings that follow commands, and the frames of chains.

They are part of what a number or an image means, and so are kept where a dataset or a policy says
which slots a robot had: a robot file that treats them otherwise later has other slots.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.description.crop import Crop
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.embodiment import EmbodimentDescription
from neuracore_ros.description.robot import Robot
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.sense import Sense, chain_senses, scaling, senses, turned_joints
from neuracore_ros.errors import DescriptionError
from neuracore_ros.wording import number_list

_ROUNDED = 1e-3
"""Frames that differ by less [m], [rad] are the same, however they were written."""


@dataclass(frozen=True, slots=True)
class TreatedFrames:
    """The frames of a chain, between which its pose is.

    Attributes:
        base: Link of the URDF.
        tip: Likewise.
        base_offset: The shared base frame, seen from ``base``.
        tip_offset: The grasp frame, seen from ``tip``.
        scale: By which positions of the slot are larger than the robot's.
        joints: Joint of the chain -> its sense; None: unknown.
    """

    base: str
    tip: str
    base_offset: Placement
    tip_offset: Placement
    scale: float = 1.0
    joints: Mapping[str, ScaleOffset] | None = None

    @classmethod
    def of(
        cls, chain: Chain, scale: float, joints: Mapping[str, ScaleOffset] | None
    ) -> TreatedFrames:
        """Take those of a chain."""
        return cls(chain.base, chain.tip, chain.base_offset, chain.tip_offset, scale, joints)

    def is_close(self, other: TreatedFrames) -> bool:
        """True if both are the same but for rounding."""
        links = (self.base, self.tip) == (other.base, other.tip)
        pairs = zip(self._numbers(), other._numbers(), strict=True)
        near = all(math.isclose(a, b, abs_tol=_ROUNDED) for a, b in pairs)
        return links and near and not any(self._turned(other))

    def _turned(self, then: TreatedFrames) -> Iterator[tuple[str, ScaleOffset, ScaleOffset]]:
        return turned_joints(self.joints or {}, then.joints or {})

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
        for name, own, before_it in self._turned(then):
            yield f"joint '{name}' {scaling(own)} (then {scaling(before_it)})"


@dataclass(frozen=True, slots=True)
class Treatment:
    """Treatment of one slot's samples, beside taking them out of messages.

    Attributes:
        crop: The part of images that is used; None: the whole.
        follow_s: An opening follows its command with that time constant [s]; None: it is measured.
        frames: Of a chain; None for what is none.
        sense: Of a number; None for what is none, and where it is unknown.
    """

    crop: Crop | None = None
    follow_s: float | None = None
    frames: TreatedFrames | None = None
    sense: Sense | None = None

    def known_beside(self, other: Treatment) -> Treatment:
        """The same without senses that are unknown of another one."""
        known = self
        if not (self.sense and other.sense and self.sense.is_comparable(other.sense)):
            known = replace(known, sense=None)
        if self.frames and not (other.frames and other.frames.joints):
            known = replace(known, frames=replace(self.frames, joints=None))
        return known


Treatments: TypeAlias = Mapping[DataType, Mapping[str, Treatment]]
"""DataType -> name -> how it is treated; names that are taken as they come are left out."""


def treatments(robot: Robot) -> Treatments:
    """Collect the treatments that a robot file asks for."""
    found: dict[DataType, dict[str, Treatment]] = {}
    sense = senses(robot)
    for description in (robot.input, robot.output):
        for kind, slots in description.items():
            for name in slots.values():
                treatment = replace(_treatment(robot, kind, name), sense=sense.get((kind, name)))
                if treatment != Treatment():
                    found.setdefault(kind, {})[name] = treatment
    return found


def _treatment(robot: Robot, kind: DataType, name: str) -> Treatment:
    if kind.is_pose:
        chain = robot.chains.get(name)
        if chain is None:
            return Treatment()
        joints = chain_senses(robot, kind, name)
        return Treatment(frames=TreatedFrames.of(chain, robot.pose_scale(kind, name), joints))
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
    def is_turned(self) -> bool:
        """True if the same number had another sign or zero then.

        The zero of an opening is that of its hand, which has limits of its own.
        """
        now, then = self.now.sense, self.then.sense
        if now is None or then is None:
            return False
        return now.is_reversed(then) if self.data_type.is_gripper else now.is_turned(then)

    @property
    def is_recalibrated(self) -> bool:
        """True if another unit, a zero found anew, or another leader explains the difference."""
        now, then = self.now.sense, self.then.sense
        winds = now is not None and then is not None and now.winds_otherwise(then)
        return self._is_of_sense and not winds

    @property
    def is_of_recording(self) -> bool:
        """True if only that differs by which commands were recorded, such as another leader."""
        now, then = self.now.sense, self.then.sense
        alike = now is None or then is None or now.moves_alike(then)
        return self._is_of_sense and alike

    @property
    def _is_of_sense(self) -> bool:
        return not self.is_turned and not _differ(self.now, replace(self.then, sense=None))

    @property
    def text(self) -> str:
        """Both, in words of the robot file: ``crop [0, 0, 9, 9] (then none)``."""
        return f"{self.data_type} '{self.name}': {', '.join(self._differences())}"

    def _differences(self) -> Iterator[str]:
        now, then = self.now, self.then
        if now.frames and then.frames:
            yield from now.frames.differences(then.frames)
        if now.crop != then.crop:
            yield f'crop {now.crop or "none"} (then {then.crop or "none"})'
        if now.sense and then.sense:
            yield from now.sense.differences(then.sense)
        if now.follow_s != then.follow_s:
            own, before = (
                'none' if each is None else f'{each:g} s' for each in (now.follow_s, then.follow_s)
            )
            yield f'follow_s {own} (then {before})'


def treatment_changes(robot: Robot, then: Treatments | None) -> tuple[TreatmentChange, ...]:
    """Compare the treatments of a robot file with those of before; None: they are unknown.

    A pose is compared where it is a chain's both times: that of a topic has frames of its own. The
    sense of a number is compared where it is known both times.
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
    if now.sense and then.sense and not now.sense.is_same(then.sense):
        return True
    return (now.crop, now.follow_s) != (then.crop, then.follow_s)


def known_of_both(one: Treatments, other: Treatments) -> Treatments:
    """Treatments of one time, with the senses that are known of another time as well."""
    found: dict[DataType, dict[str, Treatment]] = {}
    for kind, named in one.items():
        for name, own in named.items():
            kept = own.known_beside(other.get(kind, {}).get(name, Treatment()))
            if kept != Treatment():
                found.setdefault(kind, {})[name] = kept
    return found


def treatments_since(robot: Robot, then: Treatments | None) -> Treatments | None:
    """Collect the treatments of a robot beside episodes that had those of before; None: unknown.

    They are those of now, but for senses: one that was another one, or is unknown of before, is
    not that of all episodes.
    """
    if then is None:
        return None
    now = treatments(robot)
    changes = changes_between(now, then, (robot.input, robot.output))
    changed = {(change.data_type, change.name) for change in changes}
    before = {
        kind: {
            name: Treatment() if (kind, name) in changed else each for name, each in named.items()
        }
        for kind, named in then.items()
    }
    return known_of_both(now, before)


def knows_senses(robot: Robot, then: Treatments | None) -> bool:
    """True if the sense of each number of a robot is known from before."""
    before = then or {}
    for (kind, name), own in senses(robot).items():
        known = before.get(kind, {}).get(name, Treatment()).sense
        if known is None or not own.is_comparable(known):
            return False
    return then is not None


def _placed(placement: Placement) -> str:
    return f'{number_list(placement.xyz)} rpy {number_list(placement.rpy)}'
