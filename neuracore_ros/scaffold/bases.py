"""Outputs of a drafted robot that are no positions: the speed of a base, velocities, torques."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.name_heuristics import tokens
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY
from neuracore_ros.description.vocabulary import Vocabulary
from neuracore_ros.scaffold.collect import TWISTS
from neuracore_ros.scaffold.draft_entries import (
    LimitEntry,
    Note,
    Route,
    RouteSection,
    SlotEntry,
    SlotSection,
)
from neuracore_ros.scaffold.facts import Facts
from neuracore_ros.scaffold.yaml_writer import flow

NUMBERS = DataType.CUSTOM_1D

# Number of a Twist -> what it is called here, and a speed that is slow for any base.
_AXES = {
    'linear.x': ('base_x', 0.3),
    'linear.y': ('base_y', 0.3),
    'angular.z': ('base_turn', 0.5),
}
_SLOTS = {
    'linear.x': 'base.forward',
    'linear.y': 'base.left',
    'angular.z': 'base.turn',
}
_TWO_WHEELS = ('linear.x', 'angular.z')
_MOVED = 1e-3
_WORDS = {
    'velocity': {'velocity', 'velocities'},
    'effort': {'effort', 'efforts', 'torque', 'torques'},
}


@dataclass(frozen=True, slots=True)
class DraftedBase:
    """A base that is driven by a Twist.

    Attributes:
        limits: Of its speeds.
        slots: Its outputs.
        target: Where its commands were recorded.
        command: Where they go.
        warnings: What a person should check, one line each.
    """

    limits: tuple[LimitEntry, ...]
    slots: SlotSection
    target: RouteSection
    command: RouteSection
    warnings: tuple[str, ...]


def draft_base(
    facts: Facts, like: DescribedArm | None, vocabulary: Vocabulary | None = None
) -> DraftedBase | None:
    """Draft the base of a robot; None where no controller of one is seen, or none was driven.

    With ``like``, it takes the indices of that robot's base, and a robot without one has none;
    else those of the vocabulary, if there is one.
    """
    heard = {each.name: each for each in facts.listeners if each.type in TWISTS}
    sent = {each.name: each for each in facts.twists if each.count}
    # A twist of another name may be measured, or that of a hand.
    names = [name for name in (*heard, *sent) if _is_base(name)]
    theirs = _numbers_of(like)
    if not names or (like is not None and not theirs):
        return None
    name = names[0]
    message = heard[name].type if name in heard else sent[name].type
    peaks = sent[name].peaks if name in sent else {}
    axes = [axis for axis in _AXES if peaks.get(axis, 0.0) > _MOVED]
    why = Note(f'moved on {name}') if axes else Note('as bases of two wheels; nothing moved')
    axes = [axis for axis in axes or _TWO_WHEELS if like is None or axis in theirs]
    if not axes:
        return None
    entries, limits, routes = [], [], []
    topic = (
        Note(f'{heard[name].node} listens', guessed=False)
        if name in heard
        else (Note('recorded commands went here; no controller was seen'))
    )
    named = {n: i for i, n in vocabulary.names(NUMBERS).items()} if vocabulary else {}
    for place, axis in enumerate(axes):
        own, slow = _AXES[axis]
        index = theirs[axis] if like is not None else named.get(_SLOTS[axis], place)
        entries.append(SlotEntry(index, own, Note(f'{axis}, {why.text}')))
        most = _rounded_up(peaks[axis]) if peaks.get(axis, 0.0) > _MOVED else slow
        what = 'as fast as it was driven' if axis in peaks else 'slow: write that of the base'
        limits.append(LimitEntry(own, None, most, Note(what)))
        routes.append(Route(own, {'topic': name, 'type': message}, axis, (topic,)))
    others = ', '.join(dict.fromkeys(other for other in names[1:] if other != name))
    warnings = [f'{name} is taken for the base, with {", ".join(axes)}: {why.text}']
    if others:
        warnings.append(f'{name} is taken for the base; also there: {others}')
    unused = [axis for axis, peak in peaks.items() if peak > _MOVED and axis not in _AXES]
    if unused:
        warnings.append(f'{name} also moved {", ".join(unused)}: left out')
    return DraftedBase(
        tuple(limits),
        SlotSection(NUMBERS, entries, Note('a base: m/s and rad/s', guessed=False)),
        RouteSection(NUMBERS, routes),
        RouteSection(NUMBERS, routes),
        tuple(warnings),
    )


def interface(topic: str, told: str = '') -> str:
    """``velocity`` or ``effort``, for controllers of bare numbers that are no positions; or ''.

    Args:
        topic: Where they listen.
        told: What the controller says of its interface; '' if nothing.
    """
    if told:
        return told if told in _WORDS else ''
    words = set(tokens(topic))
    return next((kind for kind, known in _WORDS.items() if words & known), '')


def interface_notes(facts: Facts, joints: Sequence[str]) -> list[Note]:
    """Notes on commanding velocities or torques, one for each controller that takes some.

    Nothing is drafted of them: an arm that is told torques is held by nothing else.
    """
    found = {}
    for each in facts.listeners:
        if each.type == FLOAT64_MULTI_ARRAY:
            found[each.name] = interface(each.name, each.interface), each.joints
    for topic in facts.numbers:
        if topic.type == FLOAT64_MULTI_ARRAY and topic.count:
            found.setdefault(topic.name, (interface(topic.name), ()))
    notes = []
    for name, (kind, own) in found.items():
        if not kind:
            continue
        is_torque = kind == 'effort'
        word = DataType.JOINT_TORQUES if is_torque else DataType.JOINT_VELOCITIES
        options: dict[str, object] = {'topic': name, 'type': 'Float64MultiArray'}
        if is_torque:
            options |= {'allow_torques': 'true', 'stop': 'hold'}
        slots = flow(dict(enumerate(own or joints)))
        what = 'torques, with nothing else that keeps an arm up' if is_torque else 'velocities'
        notes.append(
            Note(
                f'{name} takes {what}. To command them in place of positions: output: {{{word}: '
                f'{slots}}}, commands: {{{word}: {flow(options)}}}'.replace("'true'", 'true'),
            )
        )
    return notes


def _is_base(topic: str) -> bool:
    return 'cmd_vel' in topic.rpartition('/')[2]


def _numbers_of(like: DescribedArm | None) -> dict[str, int]:
    """Number of a Twist -> the index of another robot's output that it is."""
    if like is None:
        return {}
    return {
        slot.message_name: slot.index
        for command in like.robot.direct_commands()
        if command.type in TWISTS and not command.is_pose
        for slot in command.slots
    }


def _rounded_up(speed: float) -> float:
    """The next larger number of two digits."""
    digit = 10.0 ** (math.floor(math.log10(speed)) - 1)
    return float(f'{math.ceil(speed / digit - 1e-9) * digit:.6g}')
