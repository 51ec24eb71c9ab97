"""The topics from which poses of drafted chains are computed, and to which their joints go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from neuracore_ros.description.command import ACTIONS
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY
from neuracore_ros.description.units import Unit
from neuracore_ros.errors import UserError
from neuracore_ros.scaffold.draft_entries import Note, Route, RouteSection
from neuracore_ros.scaffold.drafted_chain import DraftedChain
from neuracore_ros.scaffold.inputs import UNHEARD_STATES
from neuracore_ros.scaffold.joints import KnownJoints
from neuracore_ros.scaffold.options import scaled, source_options
from neuracore_ros.scaffold.outputs import OutputRoutes
from neuracore_ros.scaffold.slots import POSITIONS
from neuracore_ros.scaffold.unit_questions import choice

_STATES = 'joint_states'
_UNRECORDED = Note('no command was seen; recordings need the topic that moves the arm')


class ChainRoutes:
    """Routes of the chains of a draft: their sources, targets and commands.

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
