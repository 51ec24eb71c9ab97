"""Hazards: mistakes of a robot that fits a policy, but would probably move wrongly."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum

from neuracore_ros.description import DataType, DirectSlot, Joint, Robot, Source
from neuracore_ros.description.robot_checks import exchanged_parts, split_joints, suspect_limits
from neuracore_ros.description.sense import ROUNDED, scaling
from neuracore_ros.description.units import far_outside, likely_units
from neuracore_ros.errors import DescriptionError, PolicyError, UserError
from neuracore_ros.policy.compatibility import trained_range
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.trained_treatments import other_frames, other_senses
from neuracore_ros.policy.vocabularies import vocabulary_refusal
from neuracore_ros.similar_names import did_you_mean


class HazardKind(str, Enum):
    """The kinds of hazards, by the words of ``allow``."""

    UNITS = 'units'
    SENSE = 'sense'
    MISSING = 'missing'
    EXCHANGED = 'exchanged'
    VOCABULARY = 'vocabulary'

    __str__ = str.__str__


@dataclass(frozen=True, slots=True)
class Hazard:
    """A mistake that would probably move the robot wrongly.

    Attributes:
        kind: Of what kind it is.
        text: One line: where, what is there, what was expected.
    """

    kind: HazardKind
    text: str

    def refusal(self) -> str:
        """The text, with the parameter that allows the hazard."""
        return f'{self.text} (if that is meant, set the parameter allow:={self.kind})'


def hazards(robot: Robot, manifest: Manifest) -> list[Hazard]:
    """Find what is probably a mistake in a robot that fits a policy.

    Raises:
        DescriptionError: A source or a command is missing.
    """
    return [
        *(Hazard(HazardKind.UNITS, text) for text in suspect_limits(robot)),
        *(Hazard(HazardKind.UNITS, text) for text in _trained_units(robot, manifest)),
        *(Hazard(HazardKind.SENSE, text) for text in _senses(robot)),
        *(Hazard(HazardKind.SENSE, text) for text in other_frames(robot, manifest)),
        *(Hazard(HazardKind.SENSE, text) for text in [other_senses(robot, manifest)] if text),
        *(Hazard(HazardKind.MISSING, text) for text in _missing(robot, manifest)),
        *(Hazard(HazardKind.EXCHANGED, text) for text in _exchanged(robot, manifest)),
        *(Hazard(HazardKind.EXCHANGED, text) for text in _apart(robot, manifest)),
        *(Hazard(HazardKind.EXCHANGED, text) for text in exchanged_parts(robot)),
        *(Hazard(HazardKind.VOCABULARY, text) for text in _vocabulary(robot, manifest)),
    ]


def allowed(words: str) -> frozenset[HazardKind]:
    """Parse the kinds of hazards that are allowed, such as ``missing,sense``.

    Raises:
        UserError: A word that is none of them.
    """
    found = [word.strip() for word in words.split(',') if word.strip()]
    known = [kind.value for kind in HazardKind]
    for word in found:
        if word not in known:
            hint = did_you_mean(word, known)
            raise UserError(f"allow: '{word}' is unknown{hint} ({', '.join(known)})")
    return frozenset(HazardKind(word) for word in found)


def require_safe(
    robot: Robot, manifest: Manifest, means: Collection[HazardKind]
) -> tuple[str, ...]:
    """Refuse to drive a robot that fits the policy, but would probably move wrongly.

    Returns:
        What the user means, as warnings, one line each.

    Raises:
        PolicyError: There is a hazard that the user does not mean; names the first.
    """
    found = hazards(robot, manifest)
    refused = [hazard.refusal() for hazard in found if hazard.kind not in means]
    if refused:
        more = (
            f'; and {len(refused) - 1} more: neuracore_ros check lists all' if refused[1:] else ''
        )
        raise PolicyError(refused[0] + more)
    return tuple(hazard.text for hazard in found)


def _trained_units(robot: Robot, manifest: Manifest) -> Iterator[str]:
    """A policy that learnt from values in another unit than the robot's limits are."""
    for kind, slots in robot.output.items():
        found: dict[str, list[str]] = {}
        for index, name in slots.items():
            values = trained_range(manifest, False, kind, index)
            # Poses have no range, and other numbers have no unit that could be mistaken.
            limit = robot.limits.get((kind, name))
            has_unit = limit is not None or kind is DataType.JOINT_VELOCITIES
            if kind.is_gripper or kind.is_pose or values is None or not has_unit:
                continue
            ends, slides = robot.slot_range(kind, name), limit is not None and limit.slides
            if far_outside(values, ends, slides) and (units := likely_units(values, ends, slides)):
                text = f"'{name}' at {kind} index {index} from {values[0]:.3g} to {values[1]:.3g}"
                found.setdefault(' or '.join(unit.name for unit in units), []).append(text)
        for unit_name, texts in found.items():
            more = f' (and {len(texts) - 1} more)' if texts[1:] else ''
            yield (
                f'the policy learnt {texts[0]}{more}, as in {unit_name}, far outside of the '
                f'limits of {robot.path}: convert the recordings with their scale, and train again'
            )


def _senses(robot: Robot) -> Iterator[str]:
    """Joints that are read in one sense, and commanded in another."""
    said = set[str]()
    for (kind, name), (measured, commanded) in robot.scale_offsets().items():
        turned = measured.scale * commanded.scale < 0.0
        equal = math.isclose(measured.scale, commanded.scale, rel_tol=ROUNDED)
        moved = equal and not math.isclose(measured.offset, commanded.offset, abs_tol=1e-3)
        if kind.is_gripper or not (turned or moved):
            continue
        said.add(name)
        what = 'sign' if turned else 'zero'
        yield (
            f"{robot.path}: '{name}' is measured with {scaling(measured)}, but commanded with "
            f'{scaling(commanded)}: another {what}. Write the same under sources and commands'
        )
    yield from _turned_speeds(robot)
    for source, joint in _recorded_and_sent(robot):
        same = math.isclose(source.scale, joint.scale, rel_tol=1e-3)
        same &= math.isclose(source.offset, joint.offset, abs_tol=1e-3)
        if not same and joint.name not in said:
            yield (
                f"{robot.path}: '{joint.name}' is recorded from {source.topic} with "
                f'{scaling(source)}, but sent there with '
                f'{scaling(joint)}: what was learnt would be sent '
                'otherwise. Write the same under sources and commands'
            )


def _turned_speeds(robot: Robot) -> Iterator[str]:
    """Joints whose velocity is commanded in another sense than their position is measured in."""
    for slot in (slot for command in robot.all_commands() for slot in command.slots):
        if slot.data_type is not DataType.JOINT_VELOCITIES:
            continue
        source = robot.source(DataType.JOINT_POSITIONS, slot.name)
        if source is not None and source.scale * slot.scale < 0.0:
            yield (
                f"{robot.path}: the position of '{slot.name}' is measured with "
                f'{scaling(source)}, but its velocity is commanded with scale {slot.scale:g}: '
                'another sign. Write the same under sources and commands'
            )


def _recorded_and_sent(robot: Robot) -> Iterator[tuple[Source, Joint | DirectSlot]]:
    """Outputs that are sent to the topic that they were recorded from."""
    try:
        recorded = {(s.data_type, s.name): s for s in robot.output_sources()}
    except DescriptionError:
        return  # A robot may be driven without having been recorded.
    for command in robot.all_commands():
        for slot in command.slots:
            source = recorded.get((slot.data_type, slot.name))
            sent = command.topic.strip('/'), command.type
            if source is None or slot.chain:
                continue
            if (source.topic.strip('/'), source.type) == sent:
                yield source, slot


def _missing(robot: Robot, manifest: Manifest) -> Iterator[str]:
    """Inputs that this robot had in training, and now lacks."""
    trained = manifest.robots.get(robot.name)
    for kind, slots in trained.input.items() if trained else ():
        if kind not in manifest.input:
            continue
        read = manifest.input[kind].trained
        lost = {
            i: name
            for i, name in slots.items()
            if i in read and i not in robot.input.get(kind, {})
        }
        if lost:
            names = ', '.join(f"'{name}' (index {index})" for index, name in lost.items())
            them = 'it' if len(lost) == 1 else 'them'
            yield (
                f"'{robot.name}' had {kind} {names} in training, and now lacks {them}: give "
                f'{them} under input and sources of {robot.path}'
            )


def _exchanged(robot: Robot, manifest: Manifest) -> Iterator[str]:
    """Names that this robot had at other indices in training."""
    trained = manifest.robots.get(robot.name)
    if trained is None:
        return
    for now, then in ((robot.input, trained.input), (robot.output, trained.output)):
        for kind, slots in now.items():
            before = {name: index for index, name in then.get(kind, {}).items()}
            moved = [(n, i, before[n]) for i, n in slots.items() if before.get(n, i) != i]
            names = ', '.join(f"'{name}' {new} (then {old})" for name, new, old in moved)
            if moved:
                yield (
                    f"'{robot.name}' has {kind} at other indices than in training: {names}: give "
                    f'each the index that it had in training, in {robot.path}'
                )


def _apart(robot: Robot, manifest: Manifest) -> Iterator[str]:
    """Joints that are measured at one index and commanded at another, unless trained so."""
    trained = manifest.robots.get(robot.name)
    as_trained = trained and (trained.input, trained.output) == (robot.input, robot.output)
    if as_trained or not manifest.robots:
        return  # A model from elsewhere may read and predict joints in two orders.
    first: dict[DataType, str] = {}
    for kind, _, text in split_joints(robot):
        first.setdefault(kind, text)
    yield from first.values()


def _vocabulary(robot: Robot, manifest: Manifest) -> Iterator[str]:
    """Slots whose names mean something else than in training."""
    if text := vocabulary_refusal(robot, manifest):
        yield text
