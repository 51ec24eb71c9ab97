"""History of the newest ticks, of which a model reads several at once."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from neuracore_ros.observation.observer import Observation, Observer, Snapshot, Unusable


class History:
    """Newest T ticks of an observer.

    Images are decoded only for a tick that a model reads, and once; until then the messages are
    kept, at most T for each camera.
    """

    def __init__(self, observer: Observer, observation_steps: int) -> None:
        """Start without a tick.

        Args:
            observer: What decodes.
            observation_steps: T.
        """
        self._observer = observer
        self._steps = observation_steps
        self._ticks: deque[tuple[int, Snapshot | Observation]] = deque(maxlen=observation_steps)

    @property
    def is_empty(self) -> bool:
        """Whether no tick was added since it was cleared."""
        return not self._ticks

    def add(self, step: int, snapshot: Snapshot) -> None:
        """Remember the snapshot of a step; the second one of a step replaces the first."""
        if self._ticks and self._ticks[-1][0] == step:
            self._ticks.pop()
        self._ticks.append((step, snapshot))

    def clear(self) -> None:
        """Forget everything."""
        self._ticks.clear()

    def observe(self, step: int) -> Observation | Unusable:
        """Decode what a model reads at a step that was added.

        Returns:
            The observation of that step with inputs of shape (T, ...), the oldest step first:
            each the newest tick at or before its step, and before the first tick the first one.
            Or why it cannot be decoded.
        """
        wanted = range(step - self._steps + 1, step + 1)
        chosen: list[Observation] = []
        for place in [self._place(each) for each in wanted]:
            at, tick = self._ticks[place]
            observation = self._observer.decode(tick) if isinstance(tick, Snapshot) else tick
            if isinstance(observation, Unusable):
                return observation
            self._ticks[place] = at, observation
            chosen.append(observation)
        inputs = {
            kind: np.stack([each.inputs[kind] for each in chosen]) for kind in chosen[-1].inputs
        }
        return replace(chosen[-1], inputs=inputs)

    def _place(self, step: int) -> int:
        return max((i for i, (at, _) in enumerate(self._ticks) if at <= step), default=0)
