"""The inputs of a policy's module beyond its DataTypes, and the names of all inputs in a graph.

The signature of a module is in docs/policy_files.md. Its manifest says which of the extra inputs
it reads; they are in ``inputs``, as the DataTypes are.

A graph knows no dictionaries: ``inputs.JOINT_POSITIONS`` and ``valid.JOINT_POSITIONS`` go in,
``JOINT_TARGET_POSITIONS`` comes out; extra inputs, such as ``inputs.FROZEN``, are last. A graph
may lack an input that it makes no use of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.manifest import Manifest

ROBOT = 'ROBOT'
UNKNOWN_ROBOT = -1
PREVIOUS = 'PREVIOUS.'
FROZEN = 'FROZEN'

INPUTS, VALID = 'inputs.', 'valid.'
"""Beginnings of names in a graph."""


@dataclass(frozen=True, slots=True)
class ExtraInput:
    """An input that is no DataType: the number of the robot, or a part of the plan in force.

    Attributes:
        name: Its key in ``inputs``.
        shape: Without the batch.
        dtype: As NumPy names it.
        unknown: Its value where nothing is known.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    unknown: int = 0

    def unknown_array(self) -> Array:
        """The input where nothing is known, in a batch of 1."""
        return np.full((1, *self.shape), self.unknown, self.dtype)


@dataclass(frozen=True, slots=True)
class ActionPrefix:
    """The plan in force at the steps of a new chunk, which real-time chunking continues.

    Attributes:
        chunk: DataType -> (H, W), poses (H, W, 7), absolute, in the slots' sense; row i is due
            when output i is.
        frozen: (H,): 1 for rows that are executed before the new chunk can be, falling to 0 for
            those that the policy is free in.
    """

    chunk: Mapping[DataType, Array]
    frozen: Array

    def arrays(self) -> dict[str, Array]:
        """The prefix as extra inputs, in a batch of 1."""
        found = {f'{PREVIOUS}{kind}': rows for kind, rows in self.chunk.items()}
        found[FROZEN] = self.frozen
        return {name: np.asarray(rows, np.float32)[None] for name, rows in found.items()}


def extra_inputs(manifest: Manifest) -> tuple[ExtraInput, ...]:
    """The extra inputs that a policy reads, in the order of a graph."""
    robot = (ExtraInput(ROBOT, (), 'int64', UNKNOWN_ROBOT),) if manifest.robot_index else ()
    if not manifest.inpaint:
        return robot
    plan = tuple(
        ExtraInput(f'{PREVIOUS}{kind}', manifest.output_shape(kind), 'float32')
        for kind in manifest.output
    )
    return (*robot, *plan, ExtraInput(FROZEN, (manifest.horizon,), 'float32'))


def graph_inputs(manifest: Manifest) -> list[str]:
    """Names of all inputs of a graph: values, masks, then extra inputs."""
    return [
        *(f'{INPUTS}{kind}' for kind in manifest.input),
        *(f'{VALID}{kind}' for kind in manifest.input),
        *(f'{INPUTS}{extra.name}' for extra in extra_inputs(manifest)),
    ]


def empty_inputs(manifest: Manifest) -> tuple[dict[str, Array], dict[str, Array]]:
    """All inputs of a policy, zeros or unknown, and masks that are true; in a batch of 1."""
    inputs: dict[str, Array] = {
        kind.value: np.zeros((1, *manifest.input_shape(kind)), kind.dtype)
        for kind in manifest.input
    }
    inputs |= {extra.name: extra.unknown_array() for extra in extra_inputs(manifest)}
    return inputs, {
        kind.value: np.ones((1, each.width), bool) for kind, each in manifest.input.items()
    }


def feed(
    names: Sequence[str], inputs: Mapping[str, Array], valid: Mapping[str, BoolArray]
) -> dict[str, Array]:
    """Select the arrays of those inputs that a graph has.

    Raises:
        PolicyError: It wants an input that the manifest does not name.
    """
    known: dict[str, Array] = {f'{INPUTS}{name}': array for name, array in inputs.items()}
    known |= {f'{VALID}{name}': mask for name, mask in valid.items()}
    for name in names:
        if name not in known:
            raise PolicyError(
                f"the model wants the input '{name}', which its manifest does not give. "
                f'It gives: {", ".join(known)}'
            )
    return {name: known[name] for name in names}
