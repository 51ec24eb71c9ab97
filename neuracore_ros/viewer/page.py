"""The page of ``align``: robots side by side, moved and mended slot by slot."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import viser

from neuracore_ros.description.chain import Triple
from neuracore_ros.errors import UserError
from neuracore_ros.viewer import markup
from neuracore_ros.viewer.callbacks import Callbacks
from neuracore_ros.viewer.change_panel import ChangePanel
from neuracore_ros.viewer.edited_robots import Change, EditedRobots
from neuracore_ros.viewer.joint_proposals import to_index
from neuracore_ros.viewer.joint_slots import Slot
from neuracore_ros.viewer.page_server import PageServer
from neuracore_ros.viewer.playback_panel import PlaybackPanel
from neuracore_ros.viewer.proposal_panel import ProposalPanel
from neuracore_ros.viewer.proposals import Proposal
from neuracore_ros.viewer.recordings import OpenRecordings
from neuracore_ros.viewer.save_panel import SavePanel
from neuracore_ros.viewer.scene import RobotScene
from neuracore_ros.viewer.slot_panel import Slider, SlotPanel
from neuracore_ros.viewer.slot_warnings import SlotWarnings
from neuracore_ros.viewer.slot_words import SlotWords, joint_roles, resting

_Colour: TypeAlias = Literal['red', 'green']

_WIDTH_PX = 430
_SOON_S = 6.0
_HOW = (
    'A slider moves every robot that has the slot; all should make the same motion. Values are '
    'in rad where no other unit stands.'
)


class AlignPage:
    """Robots in a scene, and panels beside it; all browsers see the same.

    Args:
        server: Serves it; a browser that comes sees all of it.
        robots: Robots that stand on it.
        recordings: To play on them.
    """

    def __init__(
        self, server: PageServer, robots: EditedRobots, recordings: OpenRecordings | None = None
    ) -> None:
        self._server, self._robots, self._recordings = server, robots, recordings
        self._callbacks = Callbacks(lambda text: self._tell('Not done', text, 'red'))
        self._roles = joint_roles(robots.models.values())
        self._chosen: Slot | None = None
        models = list(robots.models.values())
        self._scene = RobotScene(server, models, resting(models))
        gui = server.gui
        gui.configure_theme(show_logo=False, show_share_button=False)
        gui.main_panel.dock_right()
        gui.main_panel.set_width(_WIDTH_PX)
        self._status = gui.add_html('')
        poses = gui.add_button_group('All robots', ('Home', 'Zero'))
        poses.on_click(self._callbacks(lambda: self._take_pose(poses.value)))
        self._add_tabs(gui)
        panel = gui.add_panel()
        with panel.add_tab('Slot', viser.Icon.TOOL):
            self._change = ChangePanel(gui, list(robots.editors), self, self._callbacks)
            self._undo = gui.add_button('Undo', icon=viser.Icon.ARROW_BACK_UP, visible=False)
        panel.dock_below(gui.main_panel)
        panel.expand()  # A telephone's page would begin without it.
        self._undo.on_click(self._callbacks(self._undo_last))
        self._refresh()

    def _add_tabs(self, gui: viser.GuiApi) -> None:
        robots, callbacks, tabs = self._robots, self._callbacks, gui.add_tab_group()
        with tabs.add_tab('Slots', viser.Icon.ADJUSTMENTS):
            gui.add_html(markup.grey(_HOW))
            self._slots = SlotPanel(gui, self._moved, callbacks)
            self._others = gui.add_html('')
        with tabs.add_tab('Proposals', viser.Icon.BULB):
            self._proposals = ProposalPanel(
                gui,
                list(robots.editors),
                robots.like.name,
                robots.vocabulary,
                self._apply_all,
                callbacks,
            )
        with tabs.add_tab('Changes', viser.Icon.DEVICE_FLOPPY):
            self._changes = SavePanel(
                gui, self._files(), self._save, self._save_copy, self._read_again, callbacks
            )
        if (recordings := self._recordings) is not None:
            with tabs.add_tab('Recording', viser.Icon.MOVIE):
                PlaybackPanel(gui, recordings, self._play, callbacks)

    def end(self) -> None:
        """Show what is so for good: nothing plays, and no control does anything."""
        self._callbacks.end()

    def choose(self, slot: Slot) -> None:
        """Show a slot in the lower panel, and the links that it moves in the scene."""
        self._chosen = slot
        self._scene.highlight(slot)
        self._show_chosen()

    def move(self, slot: Slot, value: float) -> None:
        """Move all robots to a value of a slot; beyond the ends of its slider, to that end."""
        with self._callbacks.quiet():
            self._slots.set_values({(slot, ''): value})
        self._moved((slot, ''))

    def flip_sign(self, robot: str, slot: Slot) -> None:
        """Turn the sign of a robot's joint."""
        name = self._words.name_at(robot, slot)
        self._make(robot, f'the sign of {name}', lambda file: file.flip_sign(slot[0], name))

    def set_offset(self, robot: str, slot: Slot, offset: float, is_typed: bool) -> None:
        """Give a robot's joint another offset."""
        name = self._words.name_at(robot, slot)
        self._make(
            robot,
            f'the offset of {name}',
            lambda file: file.set_offset(slot[0], name, offset),
            part=(slot, 'offset') if is_typed else None,
        )

    def set_index(self, robot: str, slot: Slot, index: int) -> None:
        """Give a robot's joint another index; a joint that is there takes its present one."""
        name = self._words.name_at(robot, slot)
        there = self._words.name_at(robot, (slot[0], index))
        if index == slot[1]:
            return
        words = f'the places of {name} and {there}' if there else f'the index of {name}'
        self._make(robot, words, to_index(slot[0], name, index, there))
        self.choose((slot[0], index))

    def set_frame(
        self, robot: str, chain: str, which: str, xyz: Triple, rpy: Triple, is_typed: bool
    ) -> None:
        """Place a frame of a chain of a robot."""
        self._make(
            robot,
            f'the {which} of {chain}',
            lambda file: file.set_frame(chain, which, xyz, rpy),
            part=(chain, which) if is_typed else None,
        )

    def match_commands(self, robot: str, slot: Slot) -> None:
        """Command a robot's joint in the sense in which it is measured."""
        name = self._words.name_at(robot, slot)
        words = f'the commands of {name}'
        self._make(robot, words, lambda file: file.match_commands(slot[0], name))

    def apply(self, robot: str, proposal: Proposal) -> None:
        """Do what is proposed for a robot."""
        self._make(robot, f'what was proposed for {proposal.name}', proposal.apply)

    def _apply_all(self, robot: str) -> None:
        if self._robots.apply_all(robot):
            self._show_edited(robot)

    def _make(self, robot: str, words: str, change: Change, part: object = None) -> None:
        try:
            changed = self._robots.change(robot, words, change, part)
        except UserError:
            self._show_chosen()  # The controls show again what is so.
            raise
        if changed:
            self._show_edited(robot)

    def _undo_last(self) -> None:
        if robot := self._robots.undo():
            self._show_edited(robot)

    def _save(self, robot: str) -> None:
        self._robots.save(robot)
        self._refresh()
        self._tell('Saved', str(self._robots.editors[robot].path), 'green')

    def _save_copy(self, robot: str, name: str) -> None:
        self._robots.save_copy(robot, name)
        self._refresh()
        self._tell('Saved', str(self._robots.editors[robot].path), 'green')

    def _read_again(self, robot: str) -> None:
        self._robots.read_again(robot)
        self._roles = joint_roles(self._robots.models.values())
        self._show_edited(robot)
        self._tell('Read again', str(self._robots.editors[robot].path), 'green')

    def _files(self) -> dict[str, Path]:
        return {name: editor.path for name, editor in self._robots.editors.items()}

    def _show_edited(self, robot: str) -> None:
        self._scene.replace(robot, self._robots.models[robot])
        self._refresh()

    def _refresh(self) -> None:
        """Show the robots as they are now."""
        robots = self._robots
        warnings = SlotWarnings.of(robots.warnings())
        proposals = {name: robots.proposals(name) for name in robots.editors}
        self._words = words = SlotWords(
            robots.models.values(), robots.editors, self._roles, warnings.by_slot, proposals
        )
        with self._callbacks.quiet(), self._server.atomic():
            self._slots.show(words.rows())
            slots = words.slots()
            self._change.show_choices({words.title(slot): slot for slot in slots})
            if self._chosen not in slots:
                self._chosen = slots[0] if slots else None
            self._proposals.show(
                {name: [each.text for each in own] for name, own in proposals.items()}
            )
            self._changes.show({name: robots.diff(name) for name in robots.editors}, self._files())
            self._undo.visible = bool(robots.last_change)
            self._undo.label = f'Undo: {robots.last_change}'
            self._status.content = markup.line(self._status_words())
            notes = [
                f'{name}: {note}' for name, model in robots.models.items() for note in model.notes
            ]
            self._others.content = markup.warnings(warnings.others) + markup.grey('. '.join(notes))
            self._show_values()
            self._show_chosen()

    def _status_words(self) -> str:
        unsaved = [self._robots.editors[name].path.name for name in self._robots.unsaved()]
        return f'Not saved: {", ".join(unsaved)} (see Changes)' if unsaved else 'All is saved.'

    def _show_chosen(self) -> None:
        if self._chosen is not None:
            self._change.show(self._words.chosen(self._chosen, self._slots.values()))

    def _moved(self, slider: Slider) -> None:
        self._show_values()
        slot, _ = slider
        if slot == self._chosen:
            sliders = self._slots.values()
            self._change.show_value(sliders.get(slider))
            self._change.show_table(list(self._words.robots_at(slot, sliders)))
        else:
            self.choose(slot)

    def _show_values(self) -> None:
        """Move all robots; one that cannot go so far stands at its limit."""
        sliders = self._slots.values()
        values = {name: self._words.values(name, sliders) for name in self._robots.models}
        self._scene.show_each(values)

    def _take_pose(self, pose: str) -> None:
        with self._callbacks.quiet():
            home = self._words.home()
            self._slots.set_values(dict.fromkeys(home, 0.0) if pose == 'Zero' else home)
        self._show_values()
        self._show_chosen()

    def _play(self, place: int, seconds: float, all_follow: bool) -> None:
        assert self._recordings is not None
        values = self._recordings.slots_at(place, seconds)
        if not all_follow:
            self._scene.show_each({self._recordings.robot(place): values})
            return
        with self._callbacks.quiet():
            self._slots.set_values(
                {(slot, ''): each for slot, each in values.items() if isinstance(each, float)}
            )
        self._scene.show(values)
        self._show_chosen()

    def _tell(self, title: str, text: str, colour: _Colour) -> None:
        for client in self._server.get_clients().values():
            client.add_notification(title, text, color=colour, auto_close_seconds=_SOON_S)
