"""Whether an exported policy predicts what the model does, and how fast it is beside it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.further import PlanInForce
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.policy import Policy

# Float32 through a network, in rad or m; a wrong axis or mask is off by far more.
TOLERANCE = 1e-4

Masks = Mapping[DataType, NDArray[np.bool_]]


class Eager:
    """Runs a module that is in memory, as a runtime runs a file."""

    def __init__(self, module: nn.Module, manifest: Manifest) -> None:
        self.manifest = manifest
        self._module = module.eval()

    def run(
        self, inputs: Mapping[str, NDArray[Any]], valid: Mapping[str, NDArray[np.bool_]]
    ) -> Mapping[str, NDArray[Any]]:
        """Execute the module once."""
        with torch.inference_mode():
            result = self._module(
                {name: torch.from_numpy(array) for name, array in inputs.items()},
                {name: torch.from_numpy(mask) for name, mask in valid.items()},
            )
        return {name: tensor.numpy() for name, tensor in result.items()}


@dataclass(frozen=True, slots=True)
class Proof:
    """What was compared.

    Attributes:
        masks: What the compared inputs had: all slots, those of a robot, or some at random.
        largest_difference: Over all of them, [rad] or [m].
    """

    masks: tuple[str, ...]
    largest_difference: float


def prove(model: Policy, exported: Policy) -> Proof:
    """Compare two policies on random inputs: once for each robot's mask, and for others.

    A policy that inpaints is given a plan every other time.

    Raises:
        PolicyError: They differ by more than :data:`TOLERANCE`, absolute and relative.
    """
    rng = np.random.default_rng(0)
    largest = 0.0
    cases = _masks(model.manifest, rng)
    for number, (name, (robot, valid)) in enumerate(cases.items()):
        inputs = {kind: _random(model.manifest, kind, rng) for kind in model.manifest.input}
        plan = _plan(model.manifest, rng) if number % 2 else None
        wanted = model.on(robot).predict(inputs, valid, plan=plan)
        found = exported.on(robot).predict(inputs, valid, plan=plan)
        for kind, chunk in wanted.items():
            difference = np.abs(chunk - found[kind])
            largest = max(largest, float(difference.max()))
            if not (difference <= TOLERANCE * (1 + np.abs(chunk))).all():
                raise PolicyError(
                    f'the exported policy differs from the model by {difference.max():g} in '
                    f'{kind} with {name}; allowed is {TOLERANCE:g}. Nothing was written.'
                )
    return Proof(tuple(cases), largest)


def latencies_ms(policies: Mapping[str, Policy], runs: int = 30) -> dict[str, float]:
    """Median time of a prediction of each, measured in turns, so that all meet one load."""
    manifest = next(iter(policies.values())).manifest
    rng = np.random.default_rng(0)
    inputs = {kind: _random(manifest, kind, rng) for kind in manifest.input}
    valid = {kind: np.ones(slots.width, bool) for kind, slots in manifest.input.items()}
    taken_ms: dict[str, list[float]] = {name: [] for name in policies}
    for policy in policies.values():
        policy.warm_up()
    for _ in range(runs):
        for name, policy in policies.items():
            start = time.perf_counter()
            policy.predict(inputs, valid)
            taken_ms[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(times) for name, times in taken_ms.items()}


def _masks(manifest: Manifest, rng: np.random.Generator) -> dict[str, tuple[str, Masks]]:
    """What is compared -> a robot, '' for none that is known, and what it has."""
    widths = {kind: slots.width for kind, slots in manifest.input.items()}
    every = {kind: np.ones(width, bool) for kind, width in widths.items()}
    cases: dict[str, tuple[str, Masks]] = {'all slots': ('', every)}
    for name, robot in manifest.robots.items():
        own = {
            kind: np.isin(np.arange(width), list(robot.input.get(kind, {})))
            for kind, width in widths.items()
        }
        cases[f"the slots of '{name}'"] = name, own
    for number in (1, 2, 3):
        some = {kind: rng.random(width) < 0.6 for kind, width in widths.items()}
        cases[f'slots at random ({number})'] = '', some
    return cases


def _plan(manifest: Manifest, rng: np.random.Generator) -> PlanInForce:
    """One of which a third is executed before the next chunk, and a third is free."""
    chunk = {kind: rng.normal(size=manifest.output_shape(kind)) for kind in manifest.output}
    steps = np.arange(manifest.horizon) / manifest.horizon
    return PlanInForce(chunk, np.clip(2 - 3 * steps, 0, 1))


def _random(manifest: Manifest, kind: DataType, rng: np.random.Generator) -> NDArray[Any]:
    shape = manifest.input_shape(kind)
    if kind.dtype == 'uint8':
        return rng.integers(0, 256, shape, np.uint8)
    return np.asarray(rng.normal(size=shape), np.float32)
