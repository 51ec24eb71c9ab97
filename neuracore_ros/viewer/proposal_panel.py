"""The proposals of the page: for each robot that may be changed, all of them, and one button."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import viser

from neuracore_ros.viewer import markup
from neuracore_ros.viewer.callbacks import Callbacks


class ProposalPanel:
    """Proposals for robots, in the present container of a GUI.

    Args:
        gui: Where it is added.
        robots: Those whose files may be changed.
        like: The robot that they are compared with.
        vocabulary: Name of the one to which that robot itself is held; '' for none.
        apply: Called with the robot to which all of its proposals are to be applied.
        callbacks: Of the page.
    """

    def __init__(
        self,
        gui: viser.GuiApi,
        robots: Sequence[str],
        like: str,
        vocabulary: str,
        apply: Callable[[str], None],
        callbacks: Callbacks,
    ) -> None:
        gui.add_html(
            markup.grey(_why([each for each in robots if each != like], like, vocabulary))
        )
        self._none = gui.add_html(markup.line('Nothing is proposed.'))
        self._lists: dict[str, viser.GuiHtmlHandle] = {}
        self._buttons: dict[str, viser.GuiButtonHandle] = {}
        for robot in robots:
            self._lists[robot] = gui.add_html('', visible=False)
            button = gui.add_button(f'Apply all to {robot}', visible=False, icon=viser.Icon.CHECKS)
            button.on_click(callbacks(partial(apply, robot)))
            self._buttons[robot] = button

    def show(self, proposals: Mapping[str, Sequence[str]]) -> None:
        """Show robot -> what is proposed for it, one line each."""
        self._none.visible = not any(proposals.values())
        for robot, shown in self._lists.items():
            texts = proposals.get(robot, ())
            shown.content = markup.listed(texts)
            shown.visible = self._buttons[robot].visible = bool(texts)


def _why(others: Sequence[str], like: str, vocabulary: str) -> str:
    texts = []
    if others:
        texts.append(
            f'What differs from {like} by what the joints do in the URDFs, as describe --like '
            f'{like} finds it. Look before you believe it.'
        )
    if vocabulary:
        texts.append(f'{like} itself is held to its vocabulary, {vocabulary}.')
    return ' '.join(texts) or 'There is nothing to compare with.'
