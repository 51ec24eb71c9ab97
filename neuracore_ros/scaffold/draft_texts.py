"""Sentences about a draft: at the head and the foot of the file, and where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.source import JOINT_STATE, types_of
from neuracore_ros.description.vocabulary import Vocabulary
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.scaffold.draft_entries import Note
from neuracore_ros.scaffold.facts import Facts
from neuracore_ros.scaffold.joints import KnownJoints
from neuracore_ros.scaffold.outputs import OutputRoutes
from neuracore_ros.wording import counted

_MOST_OTHERS = 12


@dataclass(frozen=True, slots=True)
class DraftOrigin:
    """The sources of a draft.

    Attributes:
        robot: Its name.
        sources: In words, such as ``bag lift.mcap``; for the head of the file.
        is_recorded: Whether all messages come from a recording.
        urdf: The URDF as the robot file names it; empty if it has no file.
        losses: What of a recording could not be read, a line each.
        has_poses: Whether slots of the hand's pose are wanted in place of those of joints.
        vocabulary: The vocabulary as the robot file names it; empty without.
    """

    robot: str
    sources: tuple[str, ...]
    is_recorded: bool = False
    urdf: str = ''
    losses: tuple[str, ...] = ()
    has_poses: bool = False
    vocabulary: str = ''


def head_notes(
    origin: DraftOrigin,
    tree: JointTree | None,
    like: DescribedArm | None,
    of_dataset: bool,
    vocabulary: Vocabulary | None,
) -> list[Note]:
    """The first lines of the file: where it comes from."""
    lines = [
        f'Drafted by `neuracore_ros describe` from {", ".join(origin.sources)}.',
        'Look at every line that says "guessed" before the robot moves.',
    ]
    if of_dataset:
        lines.append(
            'Its sources are features of a LeRobot dataset, for convert, report and evaluate. To '
            'drive the robot, write its topics in a copy of this file; the slots stay as they are.'
        )
    if like is not None and like.has_joints:
        text = f'Indices are aligned with {like.robot.name} ({like.robot.path}).'
        if tree is None or like.tree is None:
            whose = 'this robot' if tree is None else like.robot.name
            text += f' Axes and zeros are not compared: no URDF of {whose} was given.'
        lines.append(text)
    elif like is not None:
        lines.append(f'Poses mean the same as on {like.robot.name} ({like.robot.path}).')
    elif vocabulary is not None:
        lines.append(
            f'Names of slots, with their signs and zeros, are those of the vocabulary '
            f'{vocabulary.name}: see docs/vocabulary.md.'
        )
    return [Note(line, guessed=False) for line in lines]


def not_compared(tree: JointTree | None, like: DescribedArm | None) -> list[str]:
    """The reasons why axes and zeros are not compared, one line each."""
    if like is None or not like.has_joints:
        return []
    found = []
    if tree is None or like.tree is None:
        found.append(
            f'axes and zeros are not compared with {like.robot.name}: give '
            f'{"--urdf" if tree is None else "--like-urdf"}'
        )
    if like.tree is not None and not like.meanings():
        found.append(
            f'axes and zeros are not compared: {like.tree.where} tells nothing of the joints of '
            f'{like.robot.path}: is it the URDF of another robot?'
        )
    return found


def foot_notes(known: KnownJoints, outputs: OutputRoutes, facts: Facts) -> list[Note]:
    """The last lines of the file: what is not in it."""
    left_out = {**known.left_out, **outputs.unmatched()}
    texts = [f'Left out: {name} ({why})' for name, why in left_out.items()]
    texts += [
        f'Also there, and not drafted: {topic} ({kind.rpartition("/")[2]}){_readers(kind)}'
        for topic, kind in sorted(facts.others.items())[:_MOST_OTHERS]
    ]
    return [Note(text, guessed=False) for text in texts]


def _readers(message_type: str) -> str:
    """The DataTypes that can be read from a message, for the end of a line; '' if none can."""
    kinds = [str(kind) for kind in DataType if message_type in types_of(kind)]
    return f', for {" or ".join(kinds)}' if kinds else ''


def nothing_found(facts: Facts, origin: DraftOrigin) -> str:
    """The reason why nothing can be drafted, and what to give."""
    where = ', '.join(origin.sources)
    if facts.are_of_dataset:
        return f'{where}: {_no_joints(facts)}'
    empty = [
        f'{topic.name}: '
        + (
            listed_reasons(topic.useless)
            or f'{counted(topic.count, "message")} without a position'
        )
        if topic.count
        else f'{topic.name}: no message came'
        for topic in facts.numbers
        if topic.type == JOINT_STATE
    ]
    silent = f' ({", ".join(empty)})' if empty else ''
    return (
        f'{where}: no JointState with positions was found{silent}, so no joint is known. Record '
        'the topic of the joint states and give it with --bag, start the driver and use --live, '
        f'or give --urdf FILE{"".join(f"; lost: {loss}" for loss in origin.losses)}'
    )


def _no_joints(facts: Facts) -> str:
    """The reason why a dataset has no joint, and what can be read of it all the same."""
    there = '; '.join(
        f'{topic.name}: {listed_reasons(topic.useless) or counted(topic.width, "number")}'
        for topic in facts.numbers
    )
    return (
        f'no feature of it measures joints ({there or "it has no numbers"}). Numbers that are no '
        'joints are read as CUSTOM_1D, with an order of names'
    )


def listed_reasons(useless: Mapping[str, str]) -> str:
    """``a, b (why), c (why else)``; '' of none."""
    alike: dict[str, list[str]] = {}
    for name, why in useless.items():
        alike.setdefault(why, []).append(name)
    return ', '.join(f'{", ".join(names)} ({why})' for why, names in alike.items())
