"""The newest ticks, of which a model sees several at once."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from neuracore_ros.observation.observer import Observation, Observer, Sight, Unusable


class History:
    """The newest T ticks of an observer.

    Images are decoded only for a tick that a model sees, and once; until then the messages are
    kept, at most T for each camera.
    """

    def __init__(self, observer: Observer, observation_steps: int) -> None:
        """Nothing has been seen yet.

        Args:
            observer: What decodes.
            observation_steps: T.
        """
        self._observer = observer
        self._steps = observation_steps
        self._seen: deque[tuple[int, Sight | Observation]] = deque(maxlen=observation_steps)

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been seen since it was cleared."""
        return not self._seen

    def add(self, step: int, seen: Sight) -> None:
        """Remember what was there at a step; a second time at one step counts."""
        if self._seen and self._seen[-1][0] == step:
            self._seen.pop()
        self._seen.append((step, seen))

    def clear(self) -> None:
        """Forget everything."""
        self._seen.clear()

    def observe(self, step: int) -> Observation | Unusable:
        """What a model sees at a step that was added.

        Returns:
            The observation of that step with inputs of shape (T, ...), the oldest step first:
            each the newest tick at or before its step, and before the first tick the first one.
            Or why it cannot be decoded.
        """
        wanted = range(step - self._steps + 1, step + 1)
        chosen: list[Observation] = []
        for place in [self._place(each) for each in wanted]:
            at, seen = self._seen[place]
            observation = self._observer.decode(seen) if isinstance(seen, Sight) else seen
            if isinstance(observation, Unusable):
                return observation
            self._seen[place] = at, observation
            chosen.append(observation)
        inputs = {
            kind: np.stack([each.inputs[kind] for each in chosen]) for kind in chosen[-1].inputs
        }
        return replace(chosen[-1], inputs=inputs)

    def _place(self, step: int) -> int:
        return max((i for i, (at, _) in enumerate(self._seen) if at <= step), default=0)
