"""The sliders of the page: one for each number of a slot, with the slot's warnings below."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import viser

from neuracore_ros.viewer import markup
from neuracore_ros.viewer.callbacks import Callbacks, put
from neuracore_ros.viewer.joint_slots import Slot

Slider: TypeAlias = tuple[Slot, str]
"""A slot, and the part of its pose; no part of a slot that is one number."""

STEPS = {'rad': 0.05, 'm': 0.005, '': 0.02}
"""Unit -> one press of an arrow key, which must be seen."""


@dataclass(frozen=True, slots=True)
class SlotRow:
    """One slider.

    Attributes:
        slider: The number that it moves.
        label: Short: index, name, unit.
        hint: In words: the joint of each robot.
        lower: The least value on any robot, in the slot's unit.
        upper: The largest, likewise.
        unit: ``rad``, ``m`` or empty.
        warnings: Shown below it, shortly.
        value: At which it begins, about.
        group: Shown above the first of those that follow each other and have the same one.
    """

    slider: Slider
    label: str
    hint: str
    lower: float
    upper: float
    unit: str
    warnings: tuple[str, ...] = ()
    value: float = 0.0
    group: str = ''

    @property
    def step(self) -> float:
        """The smallest motion of the slider."""
        return STEPS[self.unit]

    @property
    def rest(self) -> float:
        """The whole step at which it begins, within its ends."""
        lower, upper = self.ends
        return min(max(round(round(self.value / self.step) * self.step, 6), lower), upper)

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the slider: whole steps, of which 0 is one, around all limits."""
        count = round(1 / self.step)
        least, most = math.floor(self.lower * count + 1e-6), math.ceil(self.upper * count - 1e-6)
        return min(least, most - 1) / count, most / count


class SlotPanel:
    """Sliders in the present container of a GUI.

    Args:
        gui: Where they are added.
        moved: Called with a slider that a user has moved.
        callbacks: Of the page.
    """

    def __init__(
        self, gui: viser.GuiApi, moved: Callable[[Slider], None], callbacks: Callbacks
    ) -> None:
        self._gui, self._moved, self._callbacks = gui, moved, callbacks
        self._folder = gui.add_folder(None)
        self._sliders: dict[Slider, viser.GuiSliderHandle[float]] = {}
        self._notes: dict[Slider, viser.GuiHtmlHandle] = {}
        self._heads: dict[Slider, viser.GuiHtmlHandle] = {}

    def show(self, rows: Sequence[SlotRow]) -> None:
        """Show these slots; a slider that was there keeps its value, within its ends."""
        for gone in set(self._sliders) - {row.slider for row in rows}:
            self._sliders.pop(gone).remove()
            self._notes.pop(gone).remove()
            self._heads.pop(gone).remove()
        group = ''
        for place, row in enumerate(rows):
            lower, upper = row.ends
            if (slider := self._sliders.get(row.slider)) is None:
                slider = self._add(row)
            elif (slider.min, slider.max) != (lower, upper):
                # The value first where it would be left outside, else viser draws it there.
                put(slider, min(max(slider.value, lower), upper))
                slider.min, slider.max = lower, upper
            slider.label = row.label
            slider.hint = row.hint
            head = self._heads[row.slider]
            head.content = markup.head(row.group)
            head.visible = row.group != group
            group = row.group
            head.order, slider.order = 3.0 * place, 3.0 * place + 1.0
            note = self._notes[row.slider]
            note.content = markup.warnings(row.warnings)
            note.visible = bool(row.warnings)
            note.order = 3.0 * place + 2.0

    def values(self) -> dict[Slider, float]:
        """The values that the sliders show."""
        return {key: slider.value for key, slider in self._sliders.items()}

    def set_values(self, values: Mapping[Slider, float]) -> None:
        """Move sliders; beyond its ends, one stops there. Others are passed over."""
        for key, value in values.items():
            if (slider := self._sliders.get(key)) is not None and math.isfinite(value):
                put(slider, min(max(value, slider.min), slider.max))

    def _add(self, row: SlotRow) -> viser.GuiSliderHandle[float]:
        lower, upper = row.ends
        with self._folder:
            self._heads[row.slider] = self._gui.add_html('', visible=False)
            slider = self._gui.add_slider(
                row.label, lower, upper, row.step, row.rest, hint=row.hint
            )
            note = self._gui.add_html('', visible=False)
        slider.on_update(self._callbacks(partial(self._moved, row.slider)))
        self._sliders[row.slider], self._notes[row.slider] = slider, note
        return slider
