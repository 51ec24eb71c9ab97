"""The joints of a robot that is drafted: which there are, in which order, within which limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuracore_ros.alignment.name_heuristics import (
    from_base_to_tip,
    is_gripper,
    is_of_arm,
    may_slide,
    one_of_each,
    parts,
    side,
)
from neuracore_ros.description.limits import PartialLimit
from neuracore_ros.description.units import Unit
from neuracore_ros.errors import UserError
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.scaffold.draft_entries import Note
from neuracore_ros.scaffold.facts import NumberTopic, ObservedMotion
from neuracore_ros.scaffold.units import (
    GuessedAmount,
    GuessedUnit,
    amount,
    converted,
    guess_unit,
    strangers,
)

_FEW_JOINTS = 12


@dataclass(frozen=True, slots=True)
class KnownJoints:
    """The joints, with all that messages and the URDF say of them.

    Attributes:
        arm: Joints of the arm, from base to wrist; of several arms, one after the other.
        grippers: One joint of each gripper.
        topics: Joint -> the topic that measures it; without those that nothing measures.
        message_names: Joint -> its name in messages, where it differs.
        urdf_names: Joint -> its name in the URDF; empty without a URDF.
        motions: Joint -> how it moved [rad] or [m]; of a gripper in its own unit.
        limits: Joint -> limits of the URDF [rad] or [m].
        slides: Joints that are prismatic by the URDF; without one, by their names.
        units: Joint -> the unit of its measurements, where it is not [rad] or [m].
        asked: Joints whose unit a person has to tell -> those that it may be.
        amounts: Gripper -> what may bring its values to 0..1, where its range does not.
        order_note: How the order was found.
        left_out: Joint -> why it is not in the draft.
        guesses: What else was guessed, one line each.
    """

    arm: tuple[str, ...]
    grippers: tuple[str, ...]
    topics: Mapping[str, NumberTopic]
    message_names: Mapping[str, str]
    urdf_names: Mapping[str, str]
    motions: Mapping[str, ObservedMotion]
    limits: Mapping[str, PartialLimit]
    slides: frozenset[str]
    units: Mapping[str, Unit]
    asked: Mapping[str, GuessedUnit]
    amounts: Mapping[str, GuessedAmount]
    order_note: Note
    left_out: Mapping[str, str]
    guesses: tuple[str, ...] = ()

    def arms(self) -> list[dict[str, str]]:
        """The joints of each arm by their names in the URDF (or in messages)."""
        return _arms({joint: self.urdf_names.get(joint, joint) for joint in self.arm})


def know_joints(
    measuring: Sequence[NumberTopic],
    controllers: Sequence[Sequence[str]],
    tree: JointTree | None,
) -> KnownJoints:
    """Bring together what messages, controllers and the URDF say of joints.

    Raises:
        UserError: The URDF is one of another robot.
    """
    guesses = [
        f'{topic.name} names no joint: order is {topic.order_note}'
        for topic in measuring
        if topic.order
    ]
    topics = {joint: topic for topic in measuring for joint in topic.joints}
    motions = {j: topic.motions[j] for j, topic in topics.items() if j in topic.motions}
    message_names = {j: topic.names[j] for j, topic in topics.items() if j in topic.names}
    urdf_names = {
        joint: joint if topic.is_feature else message_names.get(joint, joint)
        for joint, topic in topics.items()
    }
    left_out: dict[str, str] = {}
    if tree is None:
        names, note = _ordered(list(topics), controllers)
        urdf_names = {}
    else:
        mimics = tree.urdf.mimics
        names = tuple(joint.name for joint in tree.moving if joint.name not in mimics)
        if topics and not set(urdf_names.values()) & {joint.name for joint in tree.moving}:
            matched = _match(names, urdf_names, measuring, tree)
            guesses.append(
                'the URDF and the messages name joints differently: they are matched by order'
            )
            # A robot of one arm is described in the words of its URDF.
            called = {j: matched[j] if len(_arms(urdf_names)) == 1 else j for j in matched}
            message_names = {called[j]: urdf_names[j] for j in called}
            topics = {called[j]: topics[j] for j in called}
            motions = {called[j]: motions[j] for j in called if j in motions}
            urdf_names = {called[j]: matched[j] for j in called}
        note = Note(f'from base to tip by {tree.where.rpartition("/")[2]}', guessed=False)
        left_out |= {name: f'mimics {mimic.joint}' for name, mimic in mimics.items()}
        if topics:
            measured = set(urdf_names.values())
            silent = [name for name in names if name not in measured]
            left_out |= dict.fromkeys(silent, 'nothing measures it')
            if silent_arm := [name for name in silent if is_of_arm(name)]:
                guesses.append(f'nothing measures {_some(silent_arm)} of the URDF: left out')
            lacking = [j for j, name in urdf_names.items() if name not in {*names, *mimics}]
            left_out |= dict.fromkeys(lacking, 'not in the URDF')
            names = tuple(own[n] for own in _arms(urdf_names) for n in names if n in own)
        else:
            urdf_names = {name: name for name in names}
    left_out |= {name: 'of no arm, by its name' for name in names if not is_of_arm(name)}
    names = tuple(name for name in names if name not in left_out)
    sliding = {j.name for j in tree.moving if j.slides} if tree else set()
    slides = {n for n in names if (urdf_names[n] in sliding if tree else may_slide(n))}
    last = tree.tips() & sliding if tree else set()
    hands = [n for n in names if is_gripper(n) or (urdf_names.get(n) in last and len(names) > 1)]
    joints = tuple(name for name in names if name not in hands)
    grippers = _grippers(hands, joints, controllers, {j: message_names.get(j, j) for j in names})
    left_out |= {name: 'another finger of a gripper' for name in hands if name not in grippers}
    limits = {n: tree.urdf.limits[urdf_names[n]] for n in names} if tree else {}
    units, asked, found, notes = _measured_units(joints, topics, motions, limits)
    motions |= found
    amounts = {
        name: guess
        for name in grippers
        if name in motions and (guess := amount(motions[name], limits.get(name)))
    }
    notes += [
        f'{name}: {guess.asked if topics[name].is_feature else guess.said}'
        for name, guess in amounts.items()
    ]
    return KnownJoints(
        joints,
        tuple(grippers),
        topics,
        {joint: name for joint, name in message_names.items() if joint != name},
        urdf_names,
        motions,
        limits,
        frozenset(slides),
        units,
        asked,
        amounts,
        note,
        left_out,
        (*guesses, *notes),
    )


def _measured_units(
    joints: Sequence[str],
    topics: Mapping[str, NumberTopic],
    motions: Mapping[str, ObservedMotion],
    limits: Mapping[str, PartialLimit],
) -> tuple[dict[str, Unit], dict[str, GuessedUnit], dict[str, ObservedMotion], list[str]]:
    """Joint -> its unit; units to choose from; its motion in [rad] or [m]; and what to say."""
    units: dict[str, Unit] = {}
    asked: dict[str, GuessedUnit] = {}
    found: dict[str, ObservedMotion] = {}
    notes: list[str] = []
    together: dict[tuple[str, bool], dict[str, ObservedMotion]] = {}
    for joint in joints:
        if joint in motions:
            slides = joint in limits and limits[joint].slides
            together.setdefault((topics[joint].name, slides), {})[joint] = motions[joint]
    for (topic, slides), own in together.items():
        is_feature = any(topics[joint].is_feature for joint in own)
        if guess := guess_unit(own, limits, slides, is_feature):
            units |= guess.readings[0]
            if guess.is_asked(is_feature):
                asked |= dict.fromkeys(own, guess)
                notes.append(f'{topic}: {guess.asked}')
            else:
                notes.append(f'{topic} is taken to be in {guess.said}')
            found |= {j: converted(own[j], unit) for j, unit in guess.readings[0].items()}
        notes += [f'{topic}: {line}' for line in strangers({**own, **found}, limits)]
    return units, asked, found, notes


def _grippers(
    hands: Sequence[str],
    joints: Sequence[str],
    controllers: Sequence[Sequence[str]],
    raw: Mapping[str, str],
) -> list[str]:
    """One joint of each gripper: one that is commanded, one that is called so, or the first."""
    commanded = {joint for names in controllers for joint in names}

    def worse(joint: str) -> tuple[bool, bool]:
        return joint not in commanded, 'gripper' not in parts(raw[joint])

    has_sides = any(side(raw[joint]) for joint in joints)
    kept: list[str] = []
    for own in _arms({joint: raw[joint] for joint in hands}):
        ordered = sorted(own.values(), key=worse)
        called = {raw[joint]: joint for joint in ordered}
        kept += [called[name] for name in one_of_each(called, has_sides)]
    return [joint for joint in hands if joint in kept]


def _arms(called: Mapping[str, str]) -> list[dict[str, str]]:
    """Name -> joint of each arm: where a name comes again, another arm begins."""
    found: list[dict[str, str]] = []
    for joint, name in called.items():
        own = next((own for own in found if name not in own), None)
        if own is None:
            own = {}
            found.append(own)
        own[name] = joint
    return found


def _match(
    chain: Sequence[str],
    called: Mapping[str, str],
    measuring: Sequence[NumberTopic],
    tree: JointTree,
) -> dict[str, str]:
    """Match joints (``called``: by their names in messages) to those of the URDF, by order."""
    wanted = [name for name in chain if is_of_arm(name)]
    found: dict[str, str] = {}
    for own in _arms(called):
        there = from_base_to_tip([name for name in own if is_of_arm(name)])
        if len(wanted) != len(there):
            raise UserError(
                f'{tree.where}: has joints {_some(wanted)}; {measuring[0].name} has '
                f"{_some(list(own))}: no name in common. Give this robot's own URDF, or leave "
                '--urdf out'
            )
        found |= {own[name]: in_urdf for in_urdf, name in zip(wanted, there, strict=True)}
    return found


def _ordered(
    joints: Sequence[str], controllers: Sequence[Sequence[str]]
) -> tuple[tuple[str, ...], Note]:
    ordered: dict[str, None] = {}
    for names in controllers:
        if len(names) > 1 and set(names) <= set(joints) and not set(names) & set(ordered):
            ordered |= dict.fromkeys(names)
    rest = from_base_to_tip([name for name in joints if name not in ordered])
    if ordered:
        return (*ordered, *rest), Note('the order of the commands; a URDF would tell')
    return tuple(rest), Note('ordered from base to wrist by their names; a URDF would tell')


def _some(names: Sequence[str]) -> str:
    shown = ', '.join(names[:_FEW_JOINTS])
    return f'{shown}, ...' if len(names) > _FEW_JOINTS else shown
