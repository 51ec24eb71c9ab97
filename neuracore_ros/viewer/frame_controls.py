"""The controls for the two frames of a chain of one robot."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import viser

from neuracore_ros.description.chain import Chain, Placement, Triple
from neuracore_ros.kinematics.rotations import matrix_to_rpy, rpy_to_matrix
from neuracore_ros.viewer.callbacks import Callbacks, put
from neuracore_ros.viewer.joint_proposals import DIGITS

_FRAMES = {'base_offset': 'Base', 'tip_offset': 'Tip'}
_AXES = {'x 90°': (1.0, 0.0, 0.0), 'y 90°': (0.0, 1.0, 0.0), 'z 90°': (0.0, 0.0, 1.0)}

Place = Callable[[str, Triple, Triple, bool], None]
"""Places a frame: ``base_offset`` or ``tip_offset``, xyz [m], rpy [rad], True while typed."""


class FrameControls:
    """Position and orientation of both frames, in the present container of a GUI.

    Args:
        gui: Where they are added.
        place: Told where a user has placed a frame.
        callbacks: Of the page.
    """

    def __init__(self, gui: viser.GuiApi, place: Place, callbacks: Callbacks) -> None:
        self._place = place
        self._inputs: dict[str, tuple[viser.GuiVector3Handle, viser.GuiVector3Handle]] = {}
        self._turns: dict[str, viser.GuiButtonGroupHandle] = {}
        for which, word in _FRAMES.items():
            xyz = gui.add_vector3(f'{word} xyz [m]', (0.0, 0.0, 0.0), step=0.005)
            rpy = gui.add_vector3(f'{word} rpy [rad]', (0.0, 0.0, 0.0), step=0.01)
            turns = gui.add_button_group(
                f'{word}: turn', tuple(_AXES), hint='A quarter turn about its own axis.'
            )
            for control in (xyz, rpy):
                control.precision = DIGITS  # What is typed behind them is cut off.
                control.on_update(callbacks(partial(self._moved, which)))
            turns.on_click(callbacks(partial(self._turned, which)))
            self._inputs[which], self._turns[which] = (xyz, rpy), turns

    def show(self, chain: Chain | None) -> None:
        """Show the frames of a chain; nothing without one."""
        for which, controls in self._inputs.items():
            for control in (*controls, self._turns[which]):
                control.visible = chain is not None
            if chain is None:
                continue
            placement: Placement = getattr(chain, which)
            for control, now in zip(controls, (placement.xyz, placement.rpy), strict=True):
                if max(abs(a - b) for a, b in zip(control.value, now, strict=True)) > 1e-9:
                    put(control, now)

    def _moved(self, which: str) -> None:
        xyz, rpy = (control.value for control in self._inputs[which])
        self._place(which, xyz, rpy, True)

    def _turned(self, which: str) -> None:
        xyz, rpy = (control.value for control in self._inputs[which])
        quarter = rpy_to_matrix(np.multiply(math.pi / 2, _AXES[self._turns[which].value]))
        turned = matrix_to_rpy(rpy_to_matrix(rpy) @ quarter).tolist()
        self._place(which, xyz, (turned[0], turned[1], turned[2]), False)
