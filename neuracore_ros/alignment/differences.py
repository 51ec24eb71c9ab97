"""Differences between the slots of robots: another motion, another sign, another zero."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
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
    """Hold robots with URDFs against the first of them.

    Returns:
        One finding for each joint that does not do what the first robot's joint at its index does,
        or does it in another sense, with the lines to write.
    """
    if not arms:
        return []
    return [finding for arm in arms[1:] for finding in _from(arm, arms[0])]


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
            yield _finding(
                arm,
                index,
                f"'{proposal.name}' of {arm.robot.name} {_is(proposal.role)}, '{neighbour}' of "
                f'{like.robot.name} {_is(role)}, and {like.robot.name} has none. Put it at an '
                f'index that {like.robot.name} leaves empty',
            )


def _other_sense(arm: DescribedArm, index: int, proposal: SlotProposal) -> Iterator[Finding]:
    scale, offset = arm.sense(proposal.name)
    # Which half turn of a flange is right is a rule of the vocabulary, not one of both robots.
    is_flange = proposal.role is Role.FLANGE_ROLL and arm.robot.vocabulary is not None
    turn = math.pi if is_flange else 2 * math.pi
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
