"""The chains of a drafted robot, and the pose slots that they fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from neuracore_ros.alignment.align_frames import ChainProposal, WrittenFrames, propose
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.chain_frames import ChainFrames, frames_of
from neuracore_ros.alignment.name_heuristics import parts, side
from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.description.command import ACTIONS
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY
from neuracore_ros.description.units import Unit
from neuracore_ros.description.vocabulary import Vocabulary
from neuracore_ros.errors import UserError
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.scaffold.draft_entries import ChainEntry, Note, Route, RouteSection, SlotEntry
from neuracore_ros.scaffold.inputs import UNHEARD_STATES
from neuracore_ros.scaffold.joints import KnownJoints
from neuracore_ros.scaffold.options import scaled, source_options
from neuracore_ros.scaffold.outputs import OutputRoutes
from neuracore_ros.scaffold.slots import POSITIONS
from neuracore_ros.scaffold.unit_questions import choice
from neuracore_ros.wording import counted

POSES = DataType.END_EFFECTOR_POSES
_STATES = 'joint_states'
_UNRECORDED = Note('no command was seen; recordings need the topic that moves the arm')
_SIDES = {'l': 'left', 'r': 'right'}
# Fewer joints bring a hand to few places: such are legs, masts and cameras that tilt.
_FEWEST = 4
_LEGS = {'hip', 'knee', 'ankle', 'leg', 'foot'}
# Fewer joints turn a hand not any way; position goes before orientation [m], [rad].
_FREE, _LOOSE = 6, (0.01, 0.8)


@dataclass(frozen=True, slots=True)
class DraftedChain:
    """One chain of a draft.

    Attributes:
        name: As pose slots call it.
        kind: DataType of its slot.
        index: Of its slot.
        counterpart: The chain of the other robot that it is like, or ''.
        joints: Of the chain, from base to tip, as the URDF calls them -> as the draft does.
        proposal: Its frames.
        workspace: Axis -> range [m], as the other robot has it; empty without.
        is_commanded: False if the other robot commands its joints, and not its pose.
    """

    name: str
    kind: DataType
    index: int
    counterpart: str
    joints: Mapping[str, str]
    proposal: ChainProposal
    workspace: Mapping[str, tuple[float, float]]
    is_commanded: bool = True

    def slot(self, like: DescribedArm | None) -> SlotEntry:
        """The slot that the chain fills."""
        note = None
        if like is not None and self.counterpart:
            note = Note(f"{like.robot.name}'s {self.counterpart}")
        return SlotEntry(self.index, self.name, note)

    def line(self) -> str:
        """The chain, and how its frames are known, in one line."""
        made = self.proposal
        return (
            f"chain '{self.name}': {made.base} to {made.tip}, {counted(len(self.joints), 'joint')}"
            f'; base_offset: {made.base_why}; tip_offset: {made.tip_why}'
        )

    def entry(self) -> ChainEntry:
        """The chain as the robot file has it."""
        made = self.proposal
        lines: list[tuple[str, object, Note | None]] = [
            ('base', made.base, None),
            ('tip', made.tip, None),
            ('base_offset', _offset(made.base_offset), Note(made.base_why)),
            ('tip_offset', _offset(made.tip_offset), Note(made.tip_why)),
            ('home', dict(made.home), Note('where joints go if they may choose')),
        ]
        if self.workspace:
            ranges = {axis: list(ends) for axis, ends in self.workspace.items()}
            note = Note("the other robot's, in this one's size")
            lines.append(('workspace', ranges, note))
        if len(self.joints) < _FREE:
            note = Note('with so few joints the hand is not turned any way: position goes first')
            lines.append(('max_ik_error', list(_LOOSE), note))
        return ChainEntry(self.name, lines)


class DraftedChains:
    """The chains of a draft, with their sources, targets and commands.

    Attributes:
        chains: By index.
        warnings: What a person should check, one line each.
    """

    def __init__(
        self,
        chains: Sequence[DraftedChain],
        known: KnownJoints,
        outputs: OutputRoutes,
        warnings: Sequence[str],
    ) -> None:
        self.chains = chains
        self._known, self._outputs = known, outputs
        self.warnings = [*warnings]
        for chain in chains:
            self._require_commands_in_radians(chain)
            self.warnings += [f"chain '{chain.name}': {doubt}" for doubt in chain.proposal.doubts]

    @property
    def commanded(self) -> set[str]:
        """The joints that are commanded by poses, as the draft calls them."""
        return {j for chain in self.chains if chain.is_commanded for j in chain.joints.values()}

    def sources(self) -> list[RouteSection | Note]:
        """The topics from which poses are computed."""
        sections = self._sections([self._source(chain) for chain in self.chains])
        return [*sections, *self._questions(self.chains)]

    def targets(self) -> list[RouteSection | Note]:
        """The topics with commands from which commanded poses are computed."""
        commanded = [chain for chain in self.chains if chain.is_commanded]
        routes = [(chain, route) for chain in commanded if (route := self._target(chain))]
        lacking = [chain.name for chain in commanded if self._target(chain) is None]
        sections = self._sections([route for _, route in routes], [chain for chain, _ in routes])
        # The commands of a dataset are in the unit of what it measures.
        sections += self._questions([chain for chain, _ in routes])
        if lacking:
            text = (
                f'{", ".join(lacking)}: no topic with commands was recorded: record one and write '
                'it here; without it, a policy learns the pose that is measured a step later, and '
                'stalls'
            )
            sections.append(Note(text, guessed=False))
        return sections

    def commands(self) -> list[RouteSection]:
        """The topics to which joints are sent that inverse kinematics finds."""
        commanded = [chain for chain in self.chains if chain.is_commanded]
        made = self._sections([self._command(chain) for chain in commanded], commanded)
        return [section for section in made if isinstance(section, RouteSection)]

    def _sections(
        self, routes: Sequence[Route], chains: Sequence[DraftedChain] | None = None
    ) -> list[RouteSection | Note]:
        pairs = list(zip(self.chains if chains is None else chains, routes, strict=True))
        kinds = dict.fromkeys(chain.kind for chain, _ in pairs)
        return [
            RouteSection(kind, [route for chain, route in pairs if chain.kind is kind])
            for kind in kinds
        ]

    def _source(self, chain: DraftedChain) -> Route:
        known = self._known
        topics = {
            joint: known.topics[own] for joint, own in chain.joints.items() if own in known.topics
        }
        scale = {} if chain.proposal.scale == 1.0 else {'scale': chain.proposal.scale}
        if not topics:
            return Route(chain.name, {'topic': _STATES, **scale}, '', (UNHEARD_STATES,))
        first, *others = dict.fromkeys(topic.name for topic in topics.values())
        if others:
            raise UserError(
                f"chain '{chain.name}': its joints are measured on {first} and {others[0]}: a "
                'pose is computed from one topic'
            )
        topic = next(iter(topics.values()))
        options, notes = source_options(POSITIONS, topic, topic.order)
        names = _names(chain.joints, known.message_names)
        units = {
            joint: known.units[own]
            for joint, own in chain.joints.items()
            if own in known.units and own not in known.asked
        }
        if units:
            said = next(iter(units.values())).name
            notes += (Note(f'it measures in {said}, by the values that were seen'),)
        scales = {'joints': _scales(chain, units)} if units else {}
        return Route(chain.name, {**options, **scale, **scales, **names}, '', notes)

    def _questions(self, chains: Sequence[DraftedChain]) -> list[RouteSection]:
        """The units of joints that a person has to choose from, in comments."""
        sections: list[RouteSection] = []
        for chain in chains:
            joints = {own: joint for joint, own in chain.joints.items()}
            asked = [self._known.asked[own] for own in joints if own in self._known.asked]
            for guess, _ in groupby(asked):
                for number, reading in enumerate(guess.readings):
                    units = {joints[own]: unit for own, unit in reading.items() if own in joints}
                    route = Route(chain.name, {'joints': _scales(chain, units)})
                    question = choice(guess, number)
                    sections.append(RouteSection(chain.kind, [route], False, question))
        return sections

    def _target(self, chain: DraftedChain) -> Route | None:
        """None where no command was recorded, as of an action."""
        joints = list(chain.joints.values())
        command = self._outputs.command_of(joints[0])
        if command is None and not self._outputs.kind.is_target:
            return None
        if command is not None and command.type in ACTIONS:
            return None
        made = self._outputs.recorded(joints[0])
        if command is None:
            return Route(chain.name, {'topic': made.options['topic']}, '', (_UNRECORDED,))
        options = {key: v for key, v in made.options.items() if key not in {'scale', 'offset'}}
        names = _names(chain.joints, {j: self._outputs.message_name(j) for j in joints})
        return Route(chain.name, {**options, **names}, '', made.notes)

    def _command(self, chain: DraftedChain) -> Route:
        joints = list(chain.joints.values())
        made = self._outputs.sent(joints[0])
        options = {key: v for key, v in made.options.items() if key not in {'scale', 'offset'}}
        if options.get('type') == FLOAT64_MULTI_ARRAY:
            options['order'] = list(self._outputs.order(joints[0]))
        seen = self._outputs.command_of(joints[0])
        # What a dataset calls a joint is no name that a controller knows.
        is_sent = seen is None or seen.is_sent
        called = {j: self._outputs.message_name(j) for j in joints if is_sent}
        names = _names(chain.joints, called)
        return Route(chain.name, {**options, **names}, '', made.notes)

    def _require_commands_in_radians(self, chain: DraftedChain) -> None:
        for joint, own in chain.joints.items():
            if (sent := self._outputs.limit_unit(own)) is not None:
                raise UserError(
                    f"chain '{chain.name}': '{joint}' is commanded in {sent.unit.name}, by the "
                    'values that were seen; a chain commands in the units of its URDF, rad and m. '
                    'Draft joint slots instead, or have its driver take rad'
                )


def draft_chains(
    known: KnownJoints,
    tree: JointTree,
    outputs: OutputRoutes,
    like: DescribedArm | None,
    vocabulary: Vocabulary | None = None,
) -> DraftedChains:
    """Draft the chains of all arms of a URDF.

    Args:
        known: The joints.
        tree: The URDF.
        outputs: What commands them.
        like: A robot whose frames are meant, too, as far as it has chains.
        vocabulary: Its slots of hands are filled if there is no such robot.

    Raises:
        UserError: No arm is found, or its poses could not be computed or commanded.
    """
    arms = known.arms()
    if len(arms) > 1:
        raise UserError(
            'several arms have the joints of one URDF: poses need one robot file for each: give '
            '--namespace'
        )
    own = arms[0] if arms else {}
    motions = known.motions
    home = {
        joint: (motions[name].lower + motions[name].upper) / 2
        for joint, name in own.items()
        if name in motions
    }
    reaching = [joint for joint in own if not set(parts(joint)) & _LEGS]
    if like is None:
        # A vocabulary has slots for arms, torso and head, and leaves legs out by their place.
        placed = {place.name for place in outputs.joints}
        reaching = [joint for joint in reaching if own[joint] in placed]
    found: list[ChainFrames] = []
    for frames in frames_of(tree, reaching, home):
        # What another controller moves, such as a lift below the arm, is not of the chain.
        commands = {joint: outputs.command_of(own[joint]) for joint in frames.arm.joints}
        kept = [joint for joint in commands if commands[joint] == commands[frames.arm.joints[-1]]]
        found += [frames] if len(kept) == len(commands) else frames_of(tree, kept, home)
    found = [frames for frames in found if len(frames.arm.joints) >= _FEWEST]
    if not found:
        raise UserError(
            f'{tree.where}: no arm of {_FEWEST} joints or more, so that no pose can be drafted'
        )
    others = _chains_of(like)
    warnings: list[str] = []
    chains: list[DraftedChain] = []
    names = _named(found)
    indices = _indices(found, vocabulary)
    for place, frames in enumerate(found):
        match = _match(frames, others)
        if others and match is None:
            warnings.append(
                f'{names[place]}: {like.robot.name if like else ""} has no chain that is left for '
                'it: not drafted'
            )
            continue
        joints = {joint: own[joint] for joint in frames.arm.joints}
        if match is None or like is None:
            made = propose(frames)
            chains.append(DraftedChain(names[place], POSES, indices[place], '', joints, made, {}))
            continue
        kind, index, chain = others.pop(others.index(match))
        scale = like.robot.pose_scale(kind, chain.name)
        written = WrittenFrames.of(like.robot.name, like.tree, chain, scale) if like.tree else None
        made = propose(frames, written)
        ratio = scale / made.scale
        space = {
            axis: (round(low * ratio, 3), round(high * ratio, 3))
            for axis, (low, high) in chain.workspace.items()
        }
        is_commanded = chain.name in like.robot.output.get(kind, {}).values()
        chains.append(
            DraftedChain(chain.name, kind, index, chain.name, joints, made, space, is_commanded)
        )
    return DraftedChains(chains, known, outputs, warnings)


def has_chain_slots(like: DescribedArm | None) -> bool:
    """True if a robot has pose slots that are chains."""
    return bool(_chains_of(like))


def _chains_of(like: DescribedArm | None) -> list[tuple[DataType, int, Chain]]:
    """The chains of a robot that fill slots: DataType, index, chain."""
    if like is None:
        return []
    found: dict[str, tuple[DataType, int, Chain]] = {}
    for description in (like.robot.output, like.robot.input):
        for kind, slots in description.items():
            for index, name in slots.items() if kind.is_pose else ():
                if name in like.robot.chains:
                    found.setdefault(name, (kind, index, like.robot.chains[name]))
    return list(found.values())


def _match(
    frames: ChainFrames, others: Sequence[tuple[DataType, int, Chain]]
) -> tuple[DataType, int, Chain] | None:
    """The other robot's chain for an arm: that of its own side, else the first."""
    mine = _side(frames.arm.joints)
    return min(others, key=lambda other: _side(other[2].joints) != mine, default=None)


def _named(found: Sequence[ChainFrames]) -> list[str]:
    """``hand``, or ``left_hand`` and ``right_hand``, or ``hand_1`` and so on."""
    if len(found) == 1:
        return ['hand']
    sides = [_side(frames.arm.joints) for frames in found]
    if all(sides) and len(set(sides)) == len(sides):
        return [f'{_SIDES[each]}_hand' for each in sides]
    return [f'hand_{place + 1}' for place in range(len(found))]


def _indices(found: Sequence[ChainFrames], vocabulary: Vocabulary | None) -> list[int]:
    """The indices of hands: by their side, the only one the right one's, others as they come."""
    places = list(range(len(found)))
    if vocabulary is None or len(found) == 1:
        return places
    slots = {name: index for index, name in vocabulary.names(POSES).items()}
    sides = [_side(frames.arm.joints) for frames in found]
    wanted = [slots.get(f'{_SIDES[each]}.hand') if each else None for each in sides]
    known = [index for index in wanted if index is not None]
    return known if len(set(known)) == len(found) else places


def _side(joints: Sequence[str]) -> str:
    return next((found for joint in reversed(joints) if (found := side(joint))), '')


def _names(joints: Mapping[str, str], called: Mapping[str, str]) -> dict[str, object]:
    """The option ``names`` of a chain, as far as messages call its joints otherwise."""
    differing = {
        joint: called.get(own, own)
        for joint, own in joints.items()
        if called.get(own, own) != joint
    }
    return {'names': differing} if differing else {}


def _scales(chain: DraftedChain, units: Mapping[str, Unit]) -> dict[str, object]:
    """The option ``joints``: one scale for all joints, or one for each."""
    scales = {
        joint: scaled(ScaleOffset(unit.scale, unit.offset))
        for joint in chain.joints
        if (unit := units.get(joint))
    }
    alike = list(scales.values())
    if len(scales) == len(chain.joints) and all(each == alike[0] for each in alike):
        return dict(alike[0])
    return {**scales}


def _offset(placement: Placement) -> dict[str, object]:
    return {'xyz': list(placement.xyz), 'rpy': list(placement.rpy)}
