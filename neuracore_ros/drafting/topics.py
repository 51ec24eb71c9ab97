"""Which topics measure a robot, and which command it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from neuracore_ros.description.source import (
    COMPRESSED_IMAGE,
    JOINT_STATE,
    JOINT_TRAJECTORY,
    MULTI_ARRAYS,
)
from neuracore_ros.drafting.facts import Facts, ImageTopic, NumberTopic
from neuracore_ros.drafting.words import camera, is_command, is_gripper


@dataclass(frozen=True, slots=True)
class Commanded:
    """A topic on which commands were seen or are awaited.

    Attributes:
        topic: Of messages, or the name of an action.
        type: ROS 2 message or action type.
        joints: Names, in the message's order; empty where nothing tells them.
        width: Numbers in one message; 0 if unknown.
        why: How it was found.
        seen: What was published on it; None if nothing.
    """

    topic: str
    type: str
    joints: tuple[str, ...]
    width: int
    why: str
    seen: NumberTopic | None = None


def measuring(facts: Facts, known: Collection[str]) -> tuple[list[NumberTopic], list[NumberTopic]]:
    """Topics that measure different joints, best first; and those that were passed over.

    Args:
        facts: What was seen.
        known: Joints of the URDF.
    """
    states = [t for t in facts.numbers if t.type == JOINT_STATE and t.width]
    measured = [t for t in states if not is_command(t.name)] or states

    def merit(topic: NumberTopic) -> tuple[float, ...]:
        last = topic.name.rpartition('/')[2]
        named = last in {'joint_states', 'joint_state'}
        fits = sum(name in known for name in topic.joints)
        return fits, 2 * named or 'state' in last, topic.width, topic.count

    chosen: list[NumberTopic] = []
    for topic in sorted(measured, key=merit, reverse=True):
        taken = {name for other in chosen for name in other.joints}
        # What names nothing cannot complete what has names.
        if not chosen or (topic.joints and not taken & set(topic.joints)):
            chosen.append(topic)
    passed = [t for t in measured if t not in chosen]
    return chosen, passed


def commanding(facts: Facts, joints: Sequence[str]) -> list[Commanded]:
    """Topics on which joints are commanded, the best first.

    Controllers that listen come before what was merely published, trajectories before states,
    states before bare numbers.
    """
    found = []
    sent = {topic.name: topic for topic in facts.numbers}
    for listener in facts.listeners:
        seen = sent.get(listener.topic)
        names = listener.joints or (seen.joints if seen else ())
        width = len(names) or (seen.width if seen else 0)
        why = f'{listener.node} listens'
        found.append(Commanded(listener.topic, listener.type, names, width, why, seen))
    heard = {command.topic for command in found}
    for topic in facts.numbers:
        is_state = topic.type == JOINT_STATE
        if topic.name in heard or not topic.count or (is_state and not is_command(topic.name)):
            continue
        if topic.type in MULTI_ARRAYS and not is_command(topic.name):
            continue
        found.append(
            Commanded(topic.name, topic.type, topic.joints, topic.width, 'was sent', topic)
        )
    order = {JOINT_TRAJECTORY: 0, JOINT_STATE: 2, **dict.fromkeys(MULTI_ARRAYS, 3)}

    def rank(command: Commanded) -> tuple[object, ...]:
        fits = sum(name in joints for name in command.joints)
        return command.why == 'was sent', order.get(command.type, 1), -fits, command.topic

    return sorted(found, key=rank)


def for_joints(commands: Sequence[Commanded], joints: Sequence[str]) -> Commanded | None:
    """The best topic that commands these joints: by name, else by their number."""
    for command in commands:
        if set(command.joints) & set(joints):
            return command
    for command in commands:
        nameless = not command.joints or not set(command.joints) & set(joints)
        of_gripper = is_gripper(command.topic) and not all(map(is_gripper, joints))
        # A controller that tells neither names nor number takes what it is given.
        if nameless and not of_gripper and command.width in {0, len(joints)}:
            return command
    return None


def for_gripper(commands: Sequence[Commanded], joint: str, several: bool) -> Commanded | None:
    """The topic that commands a gripper: by its name, else the only one that is a gripper's."""
    for command in commands:
        if joint in command.joints:
            return command
    for command in commands:
        if is_gripper(command.topic) and command.width in {0, 1} and not several:
            return command
    return None


def cameras(images: Sequence[ImageTopic]) -> dict[str, ImageTopic]:
    """Camera -> its topic; of one picture in two forms, the compressed one."""
    pictures: dict[str, ImageTopic] = {}
    for image in sorted(images, key=lambda image: (image.type == COMPRESSED_IMAGE, image.name)):
        plain = image.name.removesuffix('/compressedDepth').removesuffix('/compressed')
        pictures[plain] = image
    named: dict[str, ImageTopic] = {}
    for plain, image in sorted(pictures.items()):
        name = camera(plain)
        if name in named:
            name = plain.strip('/').replace('/', '_')
        named[name] = image
    return named
