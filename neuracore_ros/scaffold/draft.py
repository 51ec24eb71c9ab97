"""The draft of a robot file, made from facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeVar

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.vocabulary import Vocabulary
from neuracore_ros.errors import UserError
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.scaffold.bases import draft_base, interface_notes
from neuracore_ros.scaffold.chain_routes import ChainRoutes
from neuracore_ros.scaffold.chains import draft_chains, has_chain_slots
from neuracore_ros.scaffold.draft_entries import (
    LimitEntry,
    Note,
    RobotDraft,
    SlotEntry,
    SlotSection,
)
from neuracore_ros.scaffold.draft_texts import (
    DraftOrigin,
    foot_notes,
    head_notes,
    listed_reasons,
    not_compared,
    nothing_found,
)
from neuracore_ros.scaffold.facts import Facts
from neuracore_ros.scaffold.features import name_features, unclear_features
from neuracore_ros.scaffold.inputs import input_sources
from neuracore_ros.scaffold.joint_names import name_joints
from neuracore_ros.scaffold.joints import KnownJoints, know_joints
from neuracore_ros.scaffold.limits import limit_entry, opening_entry
from neuracore_ros.scaffold.options import sense
from neuracore_ros.scaffold.outputs import OPENING_TARGETS, OutputRoutes
from neuracore_ros.scaffold.slots import IMAGES, OPENINGS, POSITIONS, Places, places_of
from neuracore_ros.scaffold.topics import commanding, completed, measuring
from neuracore_ros.scaffold.yaml_writer import write_yaml


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted robot file, and warnings for a person to check before the robot moves.

    ``joints`` are commanded, and ``cameras`` are read: so many. ``chains`` has a line for each.
    """

    text: str
    joints: int
    cameras: int
    warnings: tuple[str, ...]
    chains: tuple[str, ...] = ()

    @property
    def guesses(self) -> int:
        """The number of comments that are marked as guessed."""
        return self.text.count('# guessed: ')


def draft(
    facts: Facts,
    tree: JointTree | None,
    origin: DraftOrigin,
    like: DescribedArm | None = None,
    vocabulary: Vocabulary | None = None,
) -> Draft:
    """Draft a robot file.

    Args:
        facts: The facts of recordings and of the running graph.
        tree: The robot's URDF.
        origin: Where all this comes from.
        like: A robot to align indices with.
        vocabulary: Gives indices, signs and zeros where there is no such robot, and the names
            that are written for indices.

    Raises:
        UserError: No joint is known, or the URDF is one of another robot.
    """
    mimics = tree.urdf.mimics if tree else {}
    moving = [joint.name for joint in tree.moving] if tree else []
    facts = name_features(facts, moving)
    named, arms, unclear = name_joints(facts, [name for name in moving if name not in mimics])
    measured, passed = measuring(named, set(moving))
    if not measured and tree is None:
        raise UserError(nothing_found(facts, origin))
    candidates = commanding(named, measured)
    known = know_joints(measured, [c.joints for c in candidates if c.joints], tree)
    where = ', '.join(origin.sources)
    if not known.arm and not known.grippers:
        left = '; '.join(f'{name}: {why}' for name, why in known.left_out.items())
        raise UserError(f'{where}: no joint is left to describe ({left})')
    places = places_of(known, named, tree, like, vocabulary, arms)
    if like and not any(place.fits for slots in places.inputs.values() for place in slots):
        raise UserError(
            f'{where}: nothing here corresponds to anything of {like.robot.name} '
            f'({like.robot.path}): leave --like out'
        )
    commands = completed(candidates, known, arms)
    joints, hands = places.inputs[POSITIONS], places.inputs[OPENINGS]
    outputs = OutputRoutes(known, joints, hands, commands, like, arms, origin.is_recorded)
    limits = _limits(known, places, outputs, tree, origin)
    chains = None
    if origin.has_poses or has_chain_slots(like):
        chains = _chains(known, tree, outputs, origin, like, vocabulary)
    commanded = len(outputs.joints)
    targets, sent = (chains.targets(), chains.commands()) if chains else ([], [])
    base = draft_base(facts, like, vocabulary)
    if base is not None:
        limits = [*limits, *base.limits]
        targets, sent = [*targets, base.target], [*sent, base.command]
        used = base.target.routes[0].options['topic']
        named = replace(named, others={t: k for t, k in named.others.items() if t != used})
    interfaces = interface_notes(facts, known.arm)
    outputs = outputs.without(chains.commanded) if chains else outputs
    places = places if chains is None else _without_joints(places, outputs, like)
    scales = []
    if any(map(sense, places.fitting(POSITIONS))):
        where = f'on {like.robot.name}' if like else 'in the vocabulary'
        text = f'scale and offset bring each joint to what its slot means {where}'
        scales.append(Note(f'{text}; the same stands under commands'))
    passed = [topic for topic in passed if topic.name not in unclear]
    whole = RobotDraft(
        head_notes(origin, tree, like, facts.are_of_dataset, vocabulary),
        origin.robot,
        origin.urdf,
        limits,
        _named(
            [
                *_inputs(known, places, like, chains, facts.task),
                *_poses(chains, like, is_input=True),
            ],
            vocabulary,
        ),
        _named(
            [
                *_outputs(places, outputs, origin, like),
                *_poses(chains, like, is_input=False),
                *([base.slots] if base else ()),
            ],
            vocabulary,
        ),
        [
            *scales,
            *input_sources(known, places, passed, outputs, like),
            *(chains.sources() if chains else ()),
            *outputs.sources(),
        ],
        [*outputs.commands(), *sent],
        [*interfaces, *foot_notes(known, outputs, named)],
        [chain.entry() for chain in chains.chains] if chains else (),
        targets,
        origin.vocabulary if vocabulary else '',
    )
    warnings = [
        *arms.warnings(measured),
        *(f'{topic}: does not tell which arm it is of: left out' for topic in unclear),
        *(
            f'{topic.name}: left out: {listed_reasons(topic.useless)}'
            for topic in named.numbers
            if topic.useless
        ),
        *unclear_features(facts),
        *known.guesses,
        *places.warnings,
        *outputs.warnings,
        *(chains.warnings if chains else ()),
        *(base.warnings if base else ()),
        *(note.text for note in interfaces),
        *not_compared(tree, like),
    ]
    if any(limit.note.guessed for limit in limits):
        warnings.append('limits are guessed: write those of the data sheet, or give --urdf')
    cameras = sum(len(places.fitting(kind)) for kind in IMAGES)
    lines = tuple(chain.line() for chain in chains.chains) if chains else ()
    return Draft(write_yaml(whole), commanded, cameras, tuple(warnings), lines)


def _chains(
    known: KnownJoints,
    tree: JointTree | None,
    outputs: OutputRoutes,
    origin: DraftOrigin,
    like: DescribedArm | None,
    vocabulary: Vocabulary | None,
) -> ChainRoutes:
    if tree is None or not origin.urdf:
        why = '--poses' if like is None else f'{like.robot.name}, which has slots of poses,'
        raise UserError(f'{why} needs the URDF of this robot as a file: give --urdf FILE')
    return draft_chains(known, tree, outputs, like, vocabulary)


_Section = TypeVar('_Section', SlotSection, SlotSection | Note)


def _named(sections: Sequence[_Section], vocabulary: Vocabulary | None) -> list[_Section]:
    """Sections with names in place of indices, as far as the vocabulary has names for them."""
    if vocabulary is None:
        return list(sections)
    return [
        replace(
            section,
            entries=[
                _named_slot(entry, section.kind, vocabulary) for entry in _once(section.entries)
            ],
        )
        if isinstance(section, SlotSection)
        else section
        for section in sections
    ]


def _once(entries: Iterable[SlotEntry]) -> Iterator[SlotEntry]:
    """Slots of which one note in a row stands above the first that has it."""
    for note, group in groupby(entries, lambda entry: entry.note):
        first, *others = group
        if note is not None and others:
            text = f'{note.text} (and the next {len(others)})'
            first = replace(first, note=replace(note, text=text))
        yield first
        yield from (replace(entry, note=None) for entry in others)


def _named_slot(entry: SlotEntry, kind: DataType, vocabulary: Vocabulary) -> SlotEntry:
    slot = vocabulary.slot(kind, entry.index)
    return replace(entry, slot=slot.name) if slot else entry


def _without_joints(places: Places, outputs: OutputRoutes, like: DescribedArm | None) -> Places:
    """Places without those of measured joints, which poses stand for, if nobody needs them."""
    theirs = like.robot.input if like else {}
    if POSITIONS in theirs or outputs.joints:
        return places
    return replace(places, inputs={**places.inputs, POSITIONS: ()})


def _poses(
    chains: ChainRoutes | None, like: DescribedArm | None, *, is_input: bool
) -> list[SlotSection]:
    """The slots of poses."""
    slots: dict[DataType, list[SlotEntry]] = {}
    for chain in chains.chains if chains else ():
        if is_input or chain.is_commanded:
            slots.setdefault(chain.kind, []).append(chain.slot(like if is_input else None))
    return [SlotSection(kind, entries) for kind, entries in slots.items()]


def _limits(
    known: KnownJoints,
    places: Places,
    outputs: OutputRoutes,
    tree: JointTree | None,
    origin: DraftOrigin,
) -> list[LimitEntry]:
    """The limits that the URDF, as a reader of the file finds it, does not tell."""
    entries = []
    where = tree.where.rpartition('/')[2] if tree else ''
    limited = {place.name for place in outputs.joints}
    limited |= {place.name for place in places.fitting(OPENINGS)}
    for name in (name for name in (*known.arm, *known.grippers) if name in limited):
        given, motion = known.limits.get(name), known.motions.get(name)
        motion = motion.joined(outputs.motion(name)) if motion else motion
        guess, own = outputs.limit_unit(name), outputs.limit_scaling(name)
        is_told = given and given.position and given.velocity and not guess and not own
        in_urdf = known.urdf_names.get(name, name)
        if is_told and origin.urdf and in_urdf in {name, outputs.message_name(name)}:
            continue
        if own:
            entries.append(opening_entry(name, own))
            continue
        unit, slides = guess.unit if guess else None, name in known.slides
        entry = limit_entry(name, given, motion, where, slides=slides, unit=unit)
        if (asked := known.asked.get(name)) and not asked.is_bounded:
            text = f'{entry.note.text}; if in {asked.unit.name}'
            entry = replace(entry, note=Note(text))
        entries.append(entry)
    return entries


def _order_note(known: KnownJoints, places: Places, like: DescribedArm | None) -> Note | None:
    """What was guessed of all joints together, beside their section."""
    if places.note:
        return Note(places.note)
    is_placed = like is None and any(place.counterpart for place in places.inputs[POSITIONS])
    # What a joint does gives it its slot, whatever the order.
    return None if is_placed else known.order_note


def _inputs(
    known: KnownJoints,
    places: Places,
    like: DescribedArm | None,
    chains: ChainRoutes | None,
    task: str,
) -> list[SlotSection | Note]:
    notes = {
        POSITIONS: _order_note(known, places, like),
        OPENINGS: Note('0 is the lower limit, closed'),
    }
    sections: list[SlotSection | Note] = [
        _slots(kind, placed, notes.get(kind), like, is_input=True)
        for kind, placed in places.inputs.items()
        if placed
    ]
    theirs = like.robot.input if like else {}
    # What a policy is told may be anything, but has to have a name.
    own = {0: 'instruction'} if task and like is None else {}
    if language := theirs.get(DataType.LANGUAGE, own):
        entries = [SlotEntry(index, name) for index, name in language.items()]
        sections.append(SlotSection(DataType.LANGUAGE, entries))
    drafted = {chain.kind for chain in chains.chains} if chains else set[DataType]()
    for kind, slots in theirs.items():
        if like and kind not in {DataType.LANGUAGE, *drafted} and not places.inputs.get(kind):
            whose = f'{like.robot.name} ({", ".join(slots.values())})'
            sections.append(Note(f'{kind} of {whose}: nothing here corresponds', guessed=False))
    return sections


def _outputs(
    places: Places, outputs: OutputRoutes, origin: DraftOrigin, like: DescribedArm | None
) -> list[SlotSection]:
    note = None
    if outputs.kind is POSITIONS and origin.is_recorded:
        what = 'command of a joint' if outputs.unmatched() else 'command'
        note = Note(f'no {what} was recorded, so a model learns the next measured positions')
    joints = [*outputs.joints, *(p for p in places.inputs[POSITIONS] if not p.fits)]
    commanded = {place.name for place in outputs.hands}
    hands = [
        replace(place, fits=False, why='no topic that commands it was seen')
        if place.fits and place.name not in commanded
        else place
        for place in places.inputs[OPENINGS]
    ]
    both = ((outputs.kind, joints, note), (OPENING_TARGETS, hands, None))
    return [
        _slots(kind, placed, note, like, is_input=False) for kind, placed, note in both if placed
    ]


def _slots(
    kind: DataType,
    placed: Sequence[SlotProposal],
    note: Note | None,
    like: DescribedArm | None,
    *,
    is_input: bool,
) -> SlotSection:
    entries = []
    for place in placed:
        why = place.why if is_input or not place.fits else ''
        if is_input and place.doubts:
            why = '. '.join(filter(None, (why, *place.doubts)))
        index = like.index(kind, place.counterpart, place.index) if like else place.index
        entries.append(SlotEntry(index, place.name, Note(why) if why else None, place.fits))
    return SlotSection(kind, entries, note)
