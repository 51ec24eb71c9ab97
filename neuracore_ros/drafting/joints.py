"""The joints of a robot that is drafted: which there are, in which order, within which limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuracore_ros.description.limits import PartialLimit
from neuracore_ros.drafting.facts import Motion, NumberTopic
from neuracore_ros.drafting.kinematics import Kinematics
from neuracore_ros.drafting.topics import Commanded
from neuracore_ros.drafting.words import (
    along_the_arm,
    is_gripper,
    is_of_arm,
    one_of_each,
    side,
)
from neuracore_ros.errors import UserError

# Where nothing was seen to move, the range is this far to each side [rad] or [m].
_STILL = 0.05
_SPEEDS = (0.1, 3.0)
_FEW_JOINTS = 12


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the joints.

    Attributes:
        arm: Joints of the arm, from base to wrist.
        grippers: One joint of each gripper.
        topics: Joint -> the topic that measures it; without those that nothing measures.
        message_names: Joint -> its name in messages, where it differs.
        orders: Topic without names -> names by position.
        motions: Joint -> how it was seen to move.
        order_note: How the order was found.
        left_out: Joint -> why it is not in the draft.
        guesses: What else was guessed, one line each.
    """

    arm: tuple[str, ...]
    grippers: tuple[str, ...]
    topics: Mapping[str, NumberTopic]
    message_names: Mapping[str, str]
    orders: Mapping[str, tuple[str, ...]]
    motions: Mapping[str, Motion]
    order_note: str
    left_out: Mapping[str, str]
    guesses: tuple[str, ...] = ()


def know_joints(
    measuring: Sequence[NumberTopic], commands: Sequence[Commanded], arm: Kinematics | None
) -> Known:
    """Bring together what messages, controllers and the URDF say of joints.

    Raises:
        UserError: The URDF is one of another robot.
    """
    mimics = arm.urdf.mimics if arm else {}
    chain = [joint.name for joint in arm.joints if joint.name not in mimics] if arm else []
    topics: dict[str, NumberTopic] = {}
    motions: dict[str, Motion] = {}
    orders: dict[str, tuple[str, ...]] = {}
    guesses: list[str] = []
    for topic in measuring:
        names = topic.joints
        if not names:
            names, how = _names_of(topic, chain, commands)
            orders[topic.name] = names
            guesses.append(f'{topic.name} names no joint: order is {how}')
        for place, name in enumerate(names):
            topics[name] = topic
            moved = topic.motions.get(name if topic.joints else str(place))
            if moved:
                motions[name] = moved
    message_names: dict[str, str] = {}
    if arm and topics and not set(topics) & {joint.name for joint in arm.joints}:
        message_names = _match(chain, list(topics), measuring, arm)
        guesses.append(
            'the URDF and the messages name joints differently: they are matched by order'
        )
        topics = {mine: topics[its] for mine, its in message_names.items()}
        motions = {m: motions[its] for m, its in message_names.items() if its in motions}
    left_out: dict[str, str] = {}
    if arm:
        names, note = tuple(chain), f'from base to tip by {arm.where.rpartition("/")[2]}'
        left_out |= {name: f'mimics {mimic.joint}' for name, mimic in mimics.items()}
        if topics:
            left_out |= {name: 'nothing measures it' for name in names if name not in topics}
            lacking = [name for name in topics if name not in names and name not in mimics]
            left_out |= dict.fromkeys(lacking, 'not in the URDF')
            names = tuple(name for name in names if name in topics)
    else:
        names, note = _ordered(topics, commands)
    left_out |= {name: 'of no arm, by its name' for name in names if not is_of_arm(name)}
    names = tuple(name for name in names if name not in left_out)
    sliding = {j.name for j in arm.joints if j.slides and j.is_last} if arm else set()
    hands = [n for n in names if is_gripper(n) or (n in sliding and len(names) > 1)]
    joints = tuple(name for name in names if name not in hands)
    grippers = one_of_each(hands, any(map(side, joints)))
    left_out |= {name: 'another finger of a gripper' for name in hands if name not in grippers}
    return Known(
        joints,
        tuple(grippers),
        topics,
        message_names,
        orders,
        motions,
        note,
        left_out,
        tuple(guesses),
    )


@dataclass(frozen=True, slots=True)
class LimitLine:
    """Limits of one joint as a robot file has them; ``note`` says where they come from."""

    position: tuple[float, float] | str
    velocity: float
    note: str


def limit_line(
    given: PartialLimit | None, motion: Motion | None, where: str, in_file: bool
) -> LimitLine | None:
    """The limits to write for a joint; None where the URDF file gives them all.

    Args:
        given: By the URDF.
        motion: How it was seen to move.
        where: The URDF, for the note.
        in_file: Whether the robot file names the URDF, so that nothing is repeated.
    """
    position = given.position if given else None
    velocity = given.velocity if given else None
    if position and velocity:
        return None if in_file else LimitLine(_bounds(position), velocity, f'from {where}')
    notes = []
    if position is None:
        if motion is None:
            position, text = (-_STILL, _STILL), 'nothing tells a range; this one is a stub'
        elif motion.upper - motion.lower < _STILL:
            middle = (motion.lower + motion.upper) / 2
            position = middle - _STILL, middle + _STILL
            text = 'it hardly moved; widen the range to what the arm can do'
        else:
            position = motion.lower, motion.upper
            text = 'the range that was seen'
        notes.append(text)
    if velocity is None:
        speed = motion.speed if motion else 0.0
        velocity = min(max(speed, _SPEEDS[0]), _SPEEDS[1])
        notes.append('the speed that was seen' if velocity == speed else 'a careful speed')
    if not (given and given.position):
        # Rounded outward, so that what was seen is allowed.
        position = math.floor(position[0] * 100) / 100, math.ceil(position[1] * 100) / 100
    note = f'guessed: {"; ".join(notes)}'
    return LimitLine(_bounds(position), float(math.ceil(velocity * 100) / 100), note)


def _bounds(position: tuple[float, float]) -> tuple[float, float] | str:
    return position if math.isfinite(position[1] - position[0]) else 'none'


def _names_of(
    topic: NumberTopic, chain: Sequence[str], commands: Sequence[Commanded]
) -> tuple[tuple[str, ...], str]:
    """Names by position for a publisher that gives none, and where they come from."""
    if len(chain) == topic.width:
        return tuple(chain), 'that of the URDF'
    arm = tuple(name for name in chain if not is_gripper(name))
    if len(arm) == topic.width:
        return arm, 'that of the URDF, without the gripper'
    for command in commands:
        if len(command.joints) == topic.width:
            return command.joints, f'that of {command.topic}'
    return tuple(
        f'joint_{number + 1}' for number in range(topic.width)
    ), 'numbers; write the names'


def _match(
    chain: Sequence[str],
    names: Sequence[str],
    measuring: Sequence[NumberTopic],
    arm: Kinematics,
) -> dict[str, str]:
    """URDF name -> message name, by order, if there are as many."""
    wanted = [name for name in chain if is_of_arm(name)]
    there = sorted((name for name in names if is_of_arm(name)), key=along_the_arm)
    if len(wanted) != len(there):
        raise UserError(
            f'{arm.where}: has joints {_some(wanted)}; {measuring[0].name} has {_some(names)}: no '
            "name in common. Give this robot's own URDF, or leave --urdf out"
        )
    return dict(zip(wanted, there, strict=True))


def _ordered(
    topics: Mapping[str, NumberTopic], commands: Sequence[Commanded]
) -> tuple[tuple[str, ...], str]:
    """Joints from base to wrist without a URDF."""
    for command in commands:
        if command.joints and set(command.joints) <= set(topics) and len(command.joints) > 1:
            rest = [name for name in topics if name not in command.joints]
            names = (*command.joints, *sorted(rest, key=along_the_arm))
            return names, f'guessed: the order of {command.topic}; a URDF would tell'
    names = tuple(sorted(topics, key=along_the_arm))
    return names, 'guessed: ordered from base to wrist by their names; a URDF would tell'


def _some(names: Sequence[str]) -> str:
    shown = ', '.join(names[:_FEW_JOINTS])
    return f'{shown}, ...' if len(names) > _FEW_JOINTS else shown
