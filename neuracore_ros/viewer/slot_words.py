"""The slots of the page in words: what each is called, its sliders, where each robot stands."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.description import DataType, DescriptionError, Robot
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.vocabulary import VocabularySlot
from neuracore_ros.kinematics.poses import Pose
from neuracore_ros.viewer.change_panel import ChosenSlot, RobotAtSlot
from neuracore_ros.viewer.joint_slots import Slot, SlotRange
from neuracore_ros.viewer.pose_parts import MOST, PARTS, moved_pose
from neuracore_ros.viewer.proposals import Proposal
from neuracore_ros.viewer.robot_model import RobotModel
from neuracore_ros.viewer.slot_panel import Slider, SlotRow
from neuracore_ros.viewer.slot_warnings import page_kind, short_warning

_WHAT = {
    DataType.JOINT_POSITIONS: '',
    DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS: 'gripper ',
    DataType.END_EFFECTOR_POSES: 'hand ',
    DataType.POSES: 'pose ',
}
_UNITS = {'rad': '', 'm': ' [m]', '': ' [0 to 1]'}
# Free indices up to this one are offered.
_MOST_FREE = 32


class SlotWords:
    """Words about the slots of robots as they are now.

    Args:
        models: The robots; the first one is the one that others are compared with.
        editable: Names of those whose files may be changed.
        roles: (Robot, joint of its file) -> what the joint does in the arm, where it is known.
        warnings: Slot -> what is worth a second look.
        proposals: Robot -> edits that are proposed for it.
    """

    def __init__(
        self,
        models: Iterable[RobotModel],
        editable: Collection[str],
        roles: Mapping[tuple[str, str], str],
        warnings: Mapping[Slot, Sequence[str]],
        proposals: Mapping[str, Sequence[Proposal]],
    ) -> None:
        self._models, self._editable = list(models), editable
        self._roles, self._warnings, self._proposals = roles, warnings, proposals
        self._numbers = {model.name: model.slots() for model in self._models}
        self._poses = {model.name: _chain_slots(model.robot) for model in self._models}
        self._rests = _rests(self._models)

    def slots(self) -> list[Slot]:
        """The slots of all robots that can be looked at, in canonical and index order."""
        order = list(DataType)
        found = {
            slot for each in (self._numbers, self._poses) for own in each.values() for slot in own
        }
        return sorted(found, key=lambda slot: (order.index(slot[0]), slot[1]))

    def title(self, slot: Slot) -> str:
        """Index and name of a slot."""
        what = _WHAT.get(slot[0], f'{slot[0]} ')
        return f'{what}{slot[1]} {self._called(slot)}'.rstrip()

    def rows(self) -> list[SlotRow]:
        """The sliders."""
        found: list[SlotRow] = []
        for slot in self.slots():
            if any(self._ranges(slot)):
                found.append(self._number_row(slot))
            elif slot in self._rests:
                found += self._pose_rows(slot)
        return found

    def home(self) -> dict[Slider, float]:
        """Slider -> its value where the first robot that has its slot stands ready."""
        return {row.slider: row.rest for row in self.rows()}

    def values(self, robot: str, sliders: Mapping[Slider, float]) -> dict[Slot, float | Pose]:
        """Values of sliders for a robot: numbers within its limits, and poses."""
        found: dict[Slot, float | Pose] = {}
        for slot, own in self._numbers[robot].items():
            if (value := sliders.get((slot, ''))) is not None:
                found[slot] = min(max(value, own.lower), own.upper)
        for slot, rest in self._rests.items():
            found[slot] = moved_pose(
                rest, {part: sliders.get((slot, part), 0.0) for part in PARTS}
            )
        return found

    def chosen(self, slot: Slot, sliders: Mapping[Slider, float]) -> ChosenSlot:
        """A slot as it is shown when it is chosen."""
        described = self._described(slot)
        unit = next((own.unit for _, own in self._ranges(slot)), 'm')
        return ChosenSlot(
            slot,
            self.title(slot),
            '' if described is None else _rules(described),
            unit,
            list(self.robots_at(slot, sliders)),
            self._short_warnings(slot),
            sliders.get((slot, '')),
        )

    def robots_at(self, slot: Slot, sliders: Mapping[Slider, float]) -> Iterator[RobotAtSlot]:
        """The robots that have a slot, and where they stand there."""
        for model in self._models:
            indices = self._indices(model, slot) if model.name in self._editable else {}
            if (own := self._numbers[model.name].get(slot)) is not None:
                value = sliders.get((slot, ''), own.rest)
                at = _at_number(model.robot, slot, own, value, indices)
                yield replace(at, proposal=self._proposed(model.name, slot, own.name))
            elif (name := self._poses[model.name].get(slot)) is not None:
                unreached = model.unreached.get(slot, '')
                chain = model.robot.chains[name]
                yield RobotAtSlot(
                    model.name,
                    name,
                    'out of reach' if unreached else 'reached',
                    f'{chain.base} to {chain.tip}',
                    bool(unreached),
                    indices=indices,
                    index=slot[1],
                    chain=chain,
                    proposal=self._proposed(model.name, slot, name),
                )

    def name_at(self, robot: str, slot: Slot) -> str:
        """Name, by its file, of the robot's joint at a slot; empty without one."""
        if (own := self._numbers[robot].get(slot)) is not None:
            return own.name
        model = next(each for each in self._models if each.name == robot)
        return _names(model.robot, slot[0]).get(slot[1], '')

    def _number_row(self, slot: Slot) -> SlotRow:
        ranges = list(self._ranges(slot))
        unit = ranges[0][1].unit
        group, name = self._grouped(slot)
        return SlotRow(
            (slot, ''),
            f'{slot[1]} {name}{_UNITS[unit]}',
            ', '.join(f'{model.name}: {own.name}' for model, own in ranges),
            min(own.lower for _, own in ranges),
            max(own.upper for _, own in ranges),
            unit,
            self._short_warnings(slot),
            ranges[0][1].rest,
            group,
        )

    def _grouped(self, slot: Slot) -> tuple[str, str]:
        """The group of a slot, such as an arm of the vocabulary, and its name there."""
        name = self._called(slot)
        if slot[0].is_gripper:
            return 'grippers', name.removesuffix('.gripper')
        side, dot, rest = name.partition('.')
        return (side, rest) if dot and self._described(slot) else ('', name)

    def _pose_rows(self, slot: Slot) -> Iterator[SlotRow]:
        for number, (part, unit) in enumerate(PARTS.items()):
            is_last = number == len(PARTS) - 1
            yield SlotRow(
                (slot, part),
                f'{slot[1]} {part}{_UNITS[unit]}',
                'The hand, shifted along or turned about the axes of its base.',
                -MOST[unit],
                MOST[unit],
                unit,
                self._short_warnings(slot) if is_last else (),
                group=_WHAT.get(slot[0], str(slot[0])).strip() + 's',
            )

    def _proposed(self, robot: str, slot: Slot, name: str) -> Proposal | None:
        for each in self._proposals.get(robot, ()):
            if each.name == name and page_kind(each.kind) is slot[0]:
                return each
        return None

    def _short_warnings(self, slot: Slot) -> tuple[str, ...]:
        # The lines to write are what buttons do here; input and output are said to be so once.
        return tuple(dict.fromkeys(map(short_warning, self._warnings.get(slot, ()))))

    def _ranges(self, slot: Slot) -> Iterator[tuple[RobotModel, SlotRange]]:
        for model in self._models:
            if (own := self._numbers[model.name].get(slot)) is not None:
                yield model, own

    def _called(self, slot: Slot) -> str:
        """The name of a slot: by the vocabulary, by what the joint does, or by the first robot."""
        if (described := self._described(slot)) is not None:
            return described.name
        names = [
            (model.name, name)
            for model in self._models
            if (name := _names(model.robot, slot[0]).get(slot[1])) is not None
        ]
        return next((self._roles[each] for each in names if each in self._roles), '') or next(
            (name for _, name in names), ''
        )

    def _described(self, slot: Slot) -> VocabularySlot | None:
        for model in self._models:
            if (vocabulary := model.robot.vocabulary) is not None:
                return vocabulary.slot(*slot)
        return None

    def _indices(self, model: RobotModel, slot: Slot) -> dict[int, str]:
        """The indices to which a robot's joint at a slot can be moved, in words."""
        taken = _names(model.robot, slot[0])
        known = {own[1] for own in self.slots() if own[0] is slot[0]} | taken.keys()
        known |= set(range(min(max(known) + 2, _MOST_FREE)))
        if (vocabulary := model.robot.vocabulary) is not None:
            known |= vocabulary.names(slot[0]).keys()
        found = {}
        for index in sorted(known):
            label = f'{index} {self._called((slot[0], index))}'.rstrip()
            if index == slot[1]:
                found[index] = label
            elif index in taken:
                found[index] = f'{label}: swap with {taken[index]}'
            else:
                found[index] = f'{label}: free'
        return found


def resting(models: Iterable[RobotModel]) -> dict[Slot, float | Pose]:
    """Slot -> its value where the first robot that has it stands ready."""
    found: dict[Slot, float | Pose] = {}
    for model in models:
        own = {slot: each.rest for slot, each in model.slots().items()}
        poses = {slot: each.rest for slot, each in model.pose_slots().items()}
        found = {**poses, **own, **found}
    return found


def joint_roles(models: Iterable[RobotModel]) -> dict[tuple[str, str], str]:
    """(Robot, joint of its file) -> what it does in the arm, such as ``elbow pitch``."""
    found: dict[tuple[str, str], str] = {}
    for model in models:
        with suppress(DescriptionError):
            means = DescribedArm.of(model.robot, model.urdf).meanings()
            found |= {(model.name, name): str(each.role) for name, each in means.items()}
    return found


def _at_number(
    robot: Robot, slot: Slot, range_: SlotRange, value: float, indices: Mapping[int, str]
) -> RobotAtSlot:
    senses = _senses(robot, slot[0], range_.name)
    sense = senses.get('sources') or senses.get('commands') or ScaleOffset()
    shown = min(max(value, range_.lower), range_.upper)
    own, *ends = (
        (each - sense.offset) / sense.scale for each in (shown, range_.lower, range_.upper)
    )
    return RobotAtSlot(
        robot.name,
        range_.name,
        f'{_number(own, range_.unit)} {range_.unit}'.rstrip(),
        f'{_number(min(ends), range_.unit)} … {_number(max(ends), range_.unit)}',
        abs(shown - value) > 1e-9,
        sense.scale,
        sense.offset,
        indices,
        slot[1],
        is_one_sense=senses.get('commands', sense) == sense,
    )


def _senses(robot: Robot, kind: DataType, name: str) -> Mapping[str, ScaleOffset]:
    """Section of the robot file -> scaling from the robot's own value to the slot's."""
    found: dict[str, ScaleOffset] = {}
    for each in (kind, *(own for own in robot.output if own.measured is kind)):
        found = {**robot.scalings(each, name), **found}
    return found


def _rests(models: Sequence[RobotModel]) -> dict[Slot, Pose]:
    """The pose slots that move something, and where the first robot's hand is at rest."""
    found: dict[Slot, Pose] = {}
    for model in models:
        found = {**{slot: each.rest for slot, each in model.pose_slots().items()}, **found}
    return found


def _chain_slots(robot: Robot) -> dict[Slot, str]:
    """The pose slots that are chains, and the chain of each."""
    return {
        (kind, index): name
        for description in (robot.output, robot.input)
        for kind, slots in description.items()
        for index, name in slots.items()
        if kind.is_pose and name in robot.chains
    }


def _names(robot: Robot, kind: DataType) -> dict[int, str]:
    """Index -> name in the DataTypes that share a slider; its own names go first."""
    found: dict[int, str] = {}
    for description in (robot.input, robot.output):
        for each in sorted(description, key=lambda own: own.measured is not kind):
            if kind in (each, each.measured, page_kind(each)):
                found = {**description[each], **found}
    return found


def _rules(slot: VocabularySlot) -> str:
    parts = (
        slot.meaning,
        f'sign: {slot.sign}' * bool(slot.sign),
        f'zero: {slot.zero}' * bool(slot.zero),
    )
    return '; '.join(filter(None, parts))


def _number(value: float, unit: str) -> str:
    # Fingers have a few centimetres, also where the unit of an opening is not known.
    digits = 2 if unit == 'rad' else 3
    return f'{value:.{digits}f}' if math.isfinite(value) else 'none'
