"""Inputs of a module beside those that a robot has: what is known of the robot and of its plan.

A manifest says which of them the module reads. They are in ``inputs``, as the DataTypes are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import Manifest

ROBOT = 'ROBOT'
UNKNOWN_ROBOT = -1
PREVIOUS = 'PREVIOUS.'
FROZEN = 'FROZEN'


@dataclass(frozen=True, slots=True)
class FurtherInput:
    """One of them.

    Attributes:
        name: Its key in ``inputs``.
        shape: Without the batch.
        dtype: Of its numbers.
        unknown: What it holds where nothing is known.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    unknown: int = 0

    def unknown_array(self) -> NDArray[Any]:
        """Nothing is known, in a batch of 1."""
        return np.full((1, *self.shape), self.unknown, self.dtype)


@dataclass(frozen=True, slots=True)
class PlanInForce:
    """What is followed already where a new chunk will lie: real-time chunking continues it.

    Attributes:
        chunk: DataType -> (H, W), absolute, in the slots' sense; row i is due when output i is.
        frozen: (H,): 1 for rows that are executed before the new chunk can be, falling to 0 for
            those that the policy is free in.
    """

    chunk: Mapping[DataType, NDArray[np.floating]]
    frozen: NDArray[np.floating]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As inputs, in a batch of 1."""
        found = {f'{PREVIOUS}{kind}': rows for kind, rows in self.chunk.items()}
        found[FROZEN] = self.frozen
        return {name: np.asarray(rows, np.float32)[None] for name, rows in found.items()}


def further_inputs(manifest: Manifest) -> tuple[FurtherInput, ...]:
    """All that a policy reads beside its DataTypes."""
    robot = (FurtherInput(ROBOT, (), 'int64', UNKNOWN_ROBOT),) if manifest.robot_index else ()
    if not manifest.inpaint:
        return robot
    plan = tuple(
        FurtherInput(f'{PREVIOUS}{kind}', manifest.output_shape(kind), 'float32')
        for kind in manifest.output
    )
    return (*robot, *plan, FurtherInput(FROZEN, (manifest.horizon,), 'float32'))
