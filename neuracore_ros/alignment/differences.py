"""Differences between the slots of robots: another motion, another sign, another zero."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from neuracore_ros.alignment.align import align
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.name_heuristics import part_of_arm
from neuracore_ros.alignment.roles import Role
from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.description import Descriptions
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.layout import Layout, slot_tables
from neuracore_ros.description.layout_checks import Finding, Place, roles

# Less is a matter of how arms are drawn [rad].
_OTHER_ZERO = 0.1


def differences(arms: Sequence[DescribedArm]) -> list[Finding]:
    """Hold robots with URDFs against the rules of their vocabulary, or else against the first.

    Returns:
        One finding for each joint that does not do what its slot, or the first robot's joint at
        its index, does, or does it in another sense, with the lines to write.
    """
    ruled = {arm.robot.name: places for arm in arms if (places := arm.places())}
    found = [f for arm in arms for f in _from_rules(arm, ruled.get(arm.robot.name, {}))]
    for arm in arms[1:]:
        if not {arm.robot.name, arms[0].robot.name} <= ruled.keys():
            found += _from(arm, arms[0])
    return found


def named_apart(descriptions: Descriptions, known: Collection[str]) -> list[Finding]:
    """Joints that share a slot although their names are of different parts of an arm."""
    found: dict[tuple[str, str, str, str], Finding] = {}
    for is_input, role, robots in roles(descriptions):
        for table in slot_tables(robots, Layout.of(robots.values())):
            for index, names in enumerate(table.rows if table.kind.is_numeric else ()):
                named = [(robot, name) for robot, name in names.items() if part_of_arm(name)]
                for robot, name in named[1:]:
                    first, other = named[0]
                    parts = part_of_arm(other), part_of_arm(name)
                    if parts[0] == parts[1] or {first, robot} <= set(known):
                        continue
                    place = Place(is_input, table.kind, index, robot)
                    key = first, other, robot, name
                    if key in found:
                        found[key] = replace(found[key], places=(*found[key].places, place))
                        continue
                    found[key] = Finding(
                        f"{role}{table.kind} index {index}: '{other}' of {first} is of the "
                        f"{parts[0]}, '{name}' of {robot} of the {parts[1]}, by their names: one "
                        'slot would mean two motions. Give them indices of their own, or name '
                        'URDFs in both robot files, to know',
                        (place,),
                    )
    return list(found.values())


def _from_rules(arm: DescribedArm, places: Mapping[str, SlotProposal]) -> Iterator[Finding]:
    """Differences between a robot file and the vocabulary that it names."""
    vocabulary = arm.robot.vocabulary
    if vocabulary is None:
        return
    kind = DataType.JOINT_POSITIONS
    # An arm that is alone in its URDF may be the left one of two in its file.
    has_left = any(place.counterpart.startswith('left.') for place in places.values())
    for index, name in arm.joints().items() if places else ():
        place, slot = places.get(name), vocabulary.slot(kind, index)
        if place is None:
            continue
        mine = slot.name if slot else ''
        if mine == place.counterpart or (
            not has_left and mine.replace('left.', 'right.') == place.counterpart
        ):
            yield from _other_sense(arm, index, place)
            continue
        other = f'is in the slot {mine}, and does' if mine else 'does'
        yield _finding(
            arm,
            index,
            f"'{name}' of {arm.robot.name} {other} what {place.counterpart} is for. Put it at "
            f'index {place.index}, and write {_line(arm, place)} for it',
        )


def _from(arm: DescribedArm, like: DescribedArm) -> Iterator[Finding]:
    slots, theirs, means = arm.joints(), like.joints(), like.meanings()
    proposals = {proposal.name: proposal for proposal in align(arm, like)}
    for index, name in slots.items():
        proposal = proposals[name]
        neighbour = theirs.get(index, '')
        if proposal.role is None or (neighbour and neighbour not in means):
            continue
        role = means[neighbour].role if neighbour else None
        if proposal.counterpart and proposal.same and neighbour == proposal.counterpart:
            yield from _other_sense(arm, index, proposal)
        elif proposal.counterpart and proposal.same:
            slot = next(i for i, its in theirs.items() if its == proposal.counterpart)
            beside = f"'{neighbour}' of {like.robot.name} {_is(role)}"
            yield _finding(
                arm,
                index,
                f"'{proposal.name}' of {arm.robot.name} {_is(proposal.role)}, "
                f'{beside if role else f"and {like.robot.name} leaves this index empty"}. Put it '
                f"at index {slot}, beside '"
                f"{proposal.counterpart}', and write {_line(arm, proposal)} for it",
            )
        elif role is not None and role is not proposal.role:
            its = (i for i, own in theirs.items() if own in means)
            same = next((i for i in its if means[theirs[i]].role is proposal.role), None)
            advice = (
                f'and {like.robot.name} has none. Put it at an index that {like.robot.name} '
                'leaves empty'
                if same is None
                else f"and '{theirs[same]}' {_is(proposal.role)}. Put it at index {same}"
            )
            yield _finding(
                arm,
                index,
                f"'{proposal.name}' of {arm.robot.name} {_is(proposal.role)}, '{neighbour}' of "
                f'{like.robot.name} {_is(role)}, {advice}',
            )


def _other_sense(arm: DescribedArm, index: int, proposal: SlotProposal) -> Iterator[Finding]:
    scale, offset = arm.sense(proposal.name)
    # Which half turn of a flange is right is a rule of the vocabulary, not one of both robots.
    is_flange = proposal.counterpart.endswith('.flange_roll')
    turn = math.pi if is_flange else arm.turn(proposal.name)
    apart = abs(math.remainder(offset - proposal.offset, turn))
    if scale * proposal.scale < 0:
        what = 'turns the other way than'
    elif proposal.zero_known and apart > _OTHER_ZERO:
        what = f'has its zero {apart:.2f} rad away from that of'
    else:
        return
    yield _finding(
        arm,
        index,
        f"'{proposal.name}' of {arm.robot.name} {what} '{proposal.counterpart}'. Write "
        f'{_line(arm, proposal)} for it',
    )


def _finding(arm: DescribedArm, index: int, text: str) -> Finding:
    kind = DataType.JOINT_POSITIONS
    where = arm.output_type()
    both = f'{kind} and {where}' if where is not kind else f'{kind}'
    places = (
        Place(True, kind, index, arm.robot.name),
        Place(False, where, index, arm.robot.name),
    )
    return Finding(f'{both} index {index}: {text} ({arm.robot.path})', places)


def _line(arm: DescribedArm, proposal: SlotProposal) -> str:
    unit = arm.unit(proposal.name)
    scale = proposal.scale * unit.scale
    offset = proposal.scale * unit.offset + proposal.offset
    text = f'{{scale: {scale:.6g}, offset: {offset:.4g}}} under sources'
    return text if unit.scale != 1.0 else f'{text} and commands'


def _is(role: Role | None) -> str:
    return f'is {"an" if str(role)[0] in "aeu" else "a"} {role}'
