"""The chosen slot of the page: where each robot stands there, and what can be changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import viser

from neuracore_ros.description.chain import Chain, Triple
from neuracore_ros.viewer import markup
from neuracore_ros.viewer.callbacks import Callbacks, put
from neuracore_ros.viewer.frame_controls import FrameControls
from neuracore_ros.viewer.joint_proposals import DIGITS
from neuracore_ros.viewer.joint_slots import Slot
from neuracore_ros.viewer.proposals import Proposal
from neuracore_ros.viewer.slot_panel import STEPS

_QUARTER_TURNS = {'-90°': -math.pi / 2, '+90°': math.pi / 2}


@dataclass(frozen=True, slots=True)
class RobotAtSlot:
    """One robot's joint or gripper at a slot.

    Attributes:
        robot: Name of the robot.
        name: Of the joint or gripper, by the robot's file.
        own: The joint's own value and unit, in words.
        limits: In words.
        is_at_limit: True if the slot's value is beyond them, and it stands at the limit.
        scale: The slot's value is ``scale * own + offset``; None of what has neither.
        offset: [rad] or [m].
        indices: Each index that it can have -> the choice in words; empty if its file is not
            to be changed.
        index: Its index now.
        chain: The chain that a pose is of.
        proposal: An edit that is proposed.
        is_one_sense: False if it is commanded in another sense than it is measured.
    """

    robot: str
    name: str
    own: str
    limits: str
    is_at_limit: bool = False
    scale: float | None = None
    offset: float = 0.0
    indices: Mapping[int, str] = field(default_factory=dict)
    index: int = 0
    chain: Chain | None = None
    is_one_sense: bool = True
    proposal: Proposal | None = None


@dataclass(frozen=True, slots=True)
class ChosenSlot:
    """One slot, as the panel shows it.

    Attributes:
        slot: The slot.
        title: Its index and name.
        meaning: In words; empty if no vocabulary has it.
        unit: ``rad``, ``m`` or empty.
        robots: Those that have it.
        warnings: About it.
        value: Of its slider; None of a pose, which has several.
    """

    slot: Slot
    title: str
    meaning: str
    unit: str
    robots: Sequence[RobotAtSlot]
    warnings: Sequence[str] = ()
    value: float | None = None


class SlotChanges(Protocol):
    """Changes that the panel's user asks for."""

    def choose(self, slot: Slot) -> None:
        """Show another slot."""

    def move(self, slot: Slot, value: float) -> None:
        """Move all robots to a value of a slot."""

    def flip_sign(self, robot: str, slot: Slot) -> None:
        """Turn the sign of the robot's joint."""

    def set_offset(self, robot: str, slot: Slot, offset: float, is_typed: bool) -> None:
        """Give the robot's joint another offset; while it is typed, again and again."""

    def set_index(self, robot: str, slot: Slot, index: int) -> None:
        """Give the joint another index; a joint that is there takes its present one."""

    def set_frame(
        self, robot: str, chain: str, which: str, xyz: Triple, rpy: Triple, is_typed: bool
    ) -> None:
        """Place a frame of a chain of the robot; while it is typed, again and again."""

    def apply(self, robot: str, proposal: Proposal) -> None:
        """Do what is proposed for the robot."""

    def match_commands(self, robot: str, slot: Slot) -> None:
        """Command the robot's joint in the sense in which it is measured."""


class ChangePanel:
    """The chosen slot, in the present container of a GUI.

    Args:
        gui: Where it is added.
        robots: Those whose files may be changed.
        changes: Told what a user does.
        callbacks: Of the page.
    """

    def __init__(
        self,
        gui: viser.GuiApi,
        robots: Sequence[str],
        changes: SlotChanges,
        callbacks: Callbacks,
    ) -> None:
        self._changes, self._callbacks = changes, callbacks
        self._choices: dict[str, Slot] = {}
        self._slot: Slot | None = None
        self._choice = gui.add_dropdown('Slot', ('',), hint='The slot that is shown here.')
        self._choice.on_update(callbacks(self._choose))
        # A slider of viser has no name for screen readers, and this has one.
        self._value = gui.add_number(
            'Value',
            0.0,
            step=0.05,
            visible=False,
            hint='Where all stand: that of the slider.',
        )
        self._value.precision = DIGITS
        self._value.on_update(callbacks(self._move))
        self._meaning = gui.add_html('')
        self._table = gui.add_html('')
        self._warnings = gui.add_html('', visible=False)
        self._robots = {name: _RobotControls(gui, name, changes, callbacks) for name in robots}

    def show_choices(self, choices: Mapping[str, Slot]) -> None:
        """Offer these slots, by their titles."""
        self._choices = dict(choices)
        with self._callbacks.quiet():
            self._choice.options = tuple(choices) or ('',)

    def show(self, chosen: ChosenSlot) -> None:
        """Show a slot; controls stay the same, so that the keyboard's focus does."""
        with self._callbacks.quiet():
            if chosen.title in self._choices:
                put(self._choice, chosen.title)
            self._slot = chosen.slot
            self._value.visible = chosen.value is not None
            self._value.label = f'Value [{chosen.unit}]' if chosen.unit else 'Value'
            self._value.step = STEPS[chosen.unit]
            self.show_value(chosen.value)
            self._meaning.content = markup.grey(chosen.meaning)
            self._meaning.visible = bool(chosen.meaning)
            self.show_table(chosen.robots)
            self._warnings.content = markup.warnings(chosen.warnings)
            self._warnings.visible = bool(chosen.warnings)
            here = {each.robot: each for each in chosen.robots}
            for name, controls in self._robots.items():
                controls.show(chosen, here.get(name))

    def show_value(self, value: float | None) -> None:
        """Show the value of the slot's slider."""
        if value is not None and abs(self._value.value - value) > 1e-9:
            with self._callbacks.quiet():
                put(self._value, value)

    def show_table(self, robots: Sequence[RobotAtSlot]) -> None:
        """Show where the robots stand."""
        self._table.content = markup.table(
            ('robot', 'joint', 'stands at', 'limits'),
            [
                (each.robot, each.name, each.own + ' (limit)' * each.is_at_limit, each.limits)
                for each in robots
            ],
            [each.is_at_limit for each in robots],
        )

    def _choose(self) -> None:
        if (slot := self._choices.get(self._choice.value)) is not None:
            self._changes.choose(slot)

    def _move(self) -> None:
        if self._slot is not None:
            self._changes.move(self._slot, self._value.value)


class _RobotControls:
    """Controls for one robot at the chosen slot."""

    def __init__(
        self, gui: viser.GuiApi, robot: str, changes: SlotChanges, callbacks: Callbacks
    ) -> None:
        self._robot, self._changes = robot, changes
        self._slot: Slot | None = None
        self._chain: Chain | None = None
        self._proposal: Proposal | None = None
        self._indices: dict[str, int] = {}
        self._folder = gui.add_folder(robot, visible=False)
        with self._folder:
            self._proposed = gui.add_html('', visible=False)
            self._apply = gui.add_button(
                'Do as proposed', visible=False, icon=viser.Icon.CHECK, color='green'
            )
            self._sign = gui.add_button('Turn the sign', icon=viser.Icon.ARROW_BACK_UP)
            self._offset = gui.add_number(
                'Offset', 0.0, step=0.01, hint='The value of the slot where the joint reads 0.'
            )
            self._offset.precision = DIGITS  # What is typed behind them is cut off.
            self._quarters = gui.add_button_group('Move the zero', tuple(_QUARTER_TURNS))
            self._match = gui.add_button(
                'Command it as it is measured',
                icon=viser.Icon.EQUAL,
                hint='Its commands have another scale or offset than its measurements.',
            )
            self._frames = FrameControls(gui, self._place_frame, callbacks)
            self._index = gui.add_dropdown('Index', ('',), hint="The place in the model's vector.")
        self._apply.on_click(callbacks(self._apply_proposal))
        self._sign.on_click(callbacks(self._flip))
        self._offset.on_update(callbacks(self._move))
        self._quarters.on_click(callbacks(self._turn))
        self._match.on_click(callbacks(self._match_commands))
        self._index.on_update(callbacks(self._place))

    def show(self, chosen: ChosenSlot, at: RobotAtSlot | None) -> None:
        """Show the robot's values there; nothing where it has no such slot."""
        self._folder.visible = at is not None and bool(at.indices)
        if at is None or not at.indices:
            self._slot = None
            return
        self._slot = chosen.slot
        self._chain = at.chain
        self._folder.label = f'{at.robot}: {at.name}'
        self._proposal = at.proposal
        self._proposed.visible = self._apply.visible = at.proposal is not None
        if at.proposal is not None:
            self._proposed.content = markup.line(f'Proposed: {at.proposal.text}.')
        self._frames.show(at.chain)
        self._match.visible = not at.is_one_sense
        for control in (self._sign, self._offset, self._quarters):
            control.visible = at.scale is not None
        self._quarters.visible = at.scale is not None and chosen.unit == 'rad'
        if at.scale is not None:
            self._sign.label = f'Turn the sign (scale is {at.scale:g})'
            self._offset.label = f'Offset [{chosen.unit}]' if chosen.unit else 'Offset'
            if abs(self._offset.value - at.offset) > 1e-9:
                put(self._offset, at.offset)
        self._indices = {words: index for index, words in at.indices.items()}
        self._index.options = tuple(self._indices)
        put(self._index, at.indices[at.index])

    def _apply_proposal(self) -> None:
        if self._proposal is not None:
            self._changes.apply(self._robot, self._proposal)

    def _flip(self) -> None:
        if self._slot is not None:
            self._changes.flip_sign(self._robot, self._slot)

    def _move(self) -> None:
        if self._slot is not None:
            self._changes.set_offset(self._robot, self._slot, self._offset.value, True)

    def _turn(self) -> None:
        if self._slot is not None:
            turned = self._offset.value + _QUARTER_TURNS[self._quarters.value]
            self._changes.set_offset(self._robot, self._slot, round(turned, DIGITS), False)

    def _match_commands(self) -> None:
        if self._slot is not None:
            self._changes.match_commands(self._robot, self._slot)

    def _place_frame(self, which: str, xyz: Triple, rpy: Triple, is_typed: bool) -> None:
        if self._chain is not None:
            self._changes.set_frame(self._robot, self._chain.name, which, xyz, rpy, is_typed)

    def _place(self) -> None:
        if self._slot is not None:
            self._changes.set_index(self._robot, self._slot, self._indices[self._index.value])
