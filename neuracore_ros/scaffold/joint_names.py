"""Unique names for the joints of all topics.

Publishers that name no joint get names by position. Where several arms use the same names, as
drivers do that are started twice, each arm's joints get the word in which the topics differ:
``waist`` of ``/follower_left/joint_states`` becomes ``left_waist``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from neuracore_ros.alignment.name_heuristics import is_command, is_gripper, tokens
from neuracore_ros.description.source import JOINT_STATE
from neuracore_ros.scaffold.facts import Facts, NumberTopic
from neuracore_ros.wording import counted

_SHORT = {'l': 'left', 'r': 'right'}
# Topics that carry what another one does carry no other arm.
_RELAYS = {'raw', 'filtered', 'relay', 'throttle', 'throttled', 'merged', 'combined', 'repaired'}
# Ranges that differ by more, in parts of the larger one, are of different motions.
_APART = 0.05
_NOISE = 1e-3


@dataclass(frozen=True, slots=True)
class Arms:
    """Arms with equal joint names, distinguished by the names of their topics.

    Attributes:
        labels: The word of each, such as ``left`` and ``right``; empty if there is one arm.
        joints: The names that several arms use.
    """

    labels: tuple[str, ...] = ()
    joints: frozenset[str] = frozenset()

    def label(self, topic: str) -> str | None:
        """The label of the arm that a topic belongs to; None if its name has none."""
        words = set(_words(topic))
        found = [label for label in self.labels if label and set(label.split('_')) <= words]
        if found:
            return max(found, key=len) if len(found) == 1 else None
        return '' if '' in self.labels else None

    def label_of(self, joint: str) -> str:
        """The label in a joint's unique name; empty if it has none."""
        found = [label for label in self.labels if label and joint.startswith(f'{label}_')]
        return max(found, key=len, default='')

    def warnings(self, measured: Sequence[NumberTopic]) -> list[str]:
        """A line that says which arms are drafted as one robot; none if there is one arm."""
        topics = [t.name for t in measured if set(t.names.values()) & self.joints]
        if not topics:
            return []
        return [
            f'{" and ".join(topics)} have the same joint names: drafted as one robot of '
            f'{counted(len(set(topics)), "arm")}, whose joints have the names of their topics '
            'before theirs; --namespace drafts one'
        ]

    def names(self, topic: str, joints: Iterable[str]) -> dict[str, str] | None:
        """Unique names of the joints of a topic; None if it is not clear which arm it is of."""
        shared = [joint for joint in joints if joint in self.joints]
        label = self.label(topic)
        if label is None:
            return None if shared else {}
        return {joint: f'{label}_{joint}' for joint in shared if label}


def name_joints(facts: Facts, chain: Sequence[str]) -> tuple[Facts, Arms, tuple[str, ...]]:
    """Give every joint one name.

    Args:
        facts: The facts of all topics.
        chain: The joints of the URDF from base to tip; empty without.

    Returns:
        The facts with these names; the arms with equal joint names; and the topics that are
        left out, since it is not clear which arm they are of.
    """
    numbers = [_named(topic, facts, chain) for topic in facts.numbers]
    arms = find_arms(numbers)
    if not arms.labels:
        return replace(facts, numbers=tuple(numbers)), arms, ()
    topics = [(t, arms.names(t.name, t.joints)) for t in numbers]
    receivers = [(r, arms.names(r.name, r.joints)) for r in facts.listeners]
    named = replace(
        facts,
        numbers=tuple(topic.renamed(names) for topic, names in topics if names is not None),
        listeners=tuple(one.renamed(names) for one, names in receivers if names is not None),
    )
    unclear = [topic.name for topic, names in topics if names is None]
    unclear += [one.name for one, names in receivers if names is None]
    return named, arms, tuple(unclear)


def find_arms(topics: Sequence[NumberTopic]) -> Arms:
    """Find arms whose joints have the same names, by the topics that measure them."""
    measured = [t for t in topics if t.type == JOINT_STATE and t.count and not is_command(t.name)]
    twins: list[NumberTopic] = []
    shared: set[str] = set()
    for number, first in enumerate(measured):
        for second in measured[number + 1 :]:
            if _are_twins(first, second):
                twins += [topic for topic in (first, second) if topic not in twins]
                shared |= set(first.joints) & set(second.joints)
    return Arms(tuple(dict.fromkeys(labels([t.name for t in twins]).values())), frozenset(shared))


def labels(topics: Sequence[str]) -> dict[str, str]:
    """Topic -> the words of its name that not all of these have; its side, if they have that."""
    words = {topic: _words(topic) for topic in topics}
    common = set.intersection(*map(set, words.values())) if words else set[str]()
    found = {topic: [w for w in own if w not in common] for topic, own in words.items()}
    return {
        topic: next((word for word in own if word in _SHORT.values()), '_'.join(own))
        for topic, own in found.items()
    }


def _words(topic: str) -> list[str]:
    """The words of a topic; a number alone belongs to an arm: ``/robot_2/state``."""
    return [f'arm{w}' if w.isdigit() else _SHORT.get(w, w) for w in tokens(topic)]


def _are_twins(first: NumberTopic, second: NumberTopic) -> bool:
    """Tell whether two topics measure two arms, and not one arm twice."""
    joints = set(first.joints) & set(second.joints)
    own, its = _words(first.name), _words(second.name)
    differing = set(own) ^ set(its)
    if not joints or not differing or differing & _RELAYS:
        return False
    # Two of three suffice: names that differ in one word, that end alike, and other motions.
    signs = (
        len(own) == len(its) and len(differing) == len((first, second)),
        _stem(first) == _stem(second),
        any(_apart(first, second, joint) for joint in joints),
    )
    return sum(signs) > 1


def _stem(topic: NumberTopic) -> list[str]:
    """The last part of a topic's name, without what says left or right, or which."""
    last = tokens(topic.name.rpartition('/')[2])
    return [w for w in last if not w.isdigit() and _SHORT.get(w, w) not in {'left', 'right'}]


def _apart(first: NumberTopic, second: NumberTopic, joint: str) -> bool:
    one, other = first.motions.get(joint), second.motions.get(joint)
    if one is None or other is None:
        return False
    far = max(abs(one.lower - other.lower), abs(one.upper - other.upper))
    return far > _NOISE + _APART * max(one.upper - one.lower, other.upper - other.lower)


def _named(topic: NumberTopic, facts: Facts, chain: Sequence[str]) -> NumberTopic:
    """A topic of states that names no joint, with names by position."""
    if topic.type != JOINT_STATE or topic.joints or not topic.width or is_command(topic.name):
        return topic
    names, how = _names_by_position(topic.width, facts, chain)
    return topic.ordered(names, how)


def _names_by_position(
    width: int, facts: Facts, chain: Sequence[str]
) -> tuple[Sequence[str], str]:
    if len(chain) == width:
        return chain, 'that of the URDF'
    arm = [name for name in chain if not is_gripper(name)]
    if len(arm) == width:
        return arm, 'that of the URDF, without the gripper'
    by_use = sorted(facts.numbers, key=lambda topic: -is_command(topic.name))
    named = {topic.name: topic.joints for topic in facts.listeners}
    named |= {topic.name: topic.joints for topic in by_use}
    for name, joints in named.items():
        if len(joints) == width:
            return joints, f'that of {name}'
    return [f'joint_{number + 1}' for number in range(width)], 'numbers; write the names'
