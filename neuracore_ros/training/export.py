"""The export of a module as a policy file: compared with the module before it is written."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from neuracore_ros.arrays import BoolArray
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.files import write_together, writing
from neuracore_ros.policy import torchscript
from neuracore_ros.policy.load import KINDS, load_policy
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.signature import ActionPrefix
from neuracore_ros.policy.torchscript import ModuleRuntime
from neuracore_ros.training.graph import write_onnx, write_openvino, write_pt2

# Float32 through a network, in rad or m; a wrong axis or mask is off by far more.
TOLERANCE = 1e-4

_WRITERS = {'onnx': write_onnx, 'openvino': write_openvino, 'pt2': write_pt2}

Masks = Mapping[DataType, BoolArray]


@dataclass(frozen=True, slots=True)
class Exported:
    """A policy file that was written.

    Attributes:
        kind: 'torchscript', 'onnx', 'openvino' or 'pt2'.
        masks: Of the inputs that were compared: all slots, those of a robot, or some at random.
        largest_difference: To the module in memory, over all of them, [rad] or [m].
        latency_ms: Median time of a prediction: of the module in memory ('eager'), of its
            TorchScript, and of the file.
    """

    kind: str
    masks: tuple[str, ...]
    largest_difference: float
    latency_ms: Mapping[str, float]

    @property
    def ratio(self) -> float:
        """Latency of the file, as a share of TorchScript's."""
        return self.latency_ms[self.kind] / self.latency_ms['torchscript']

    def lines(self, path: Path) -> tuple[str, str]:
        """Two lines for people: the proof, and the latencies."""
        times = ', '.join(f'{name} {ms:.1f} ms' for name, ms in self.latency_ms.items())
        return (
            f'{path}: equals the model on {len(self.masks)} masks '
            f'(largest difference {self.largest_difference:.1e})',
            f'latency (p50): {times}; {self.kind} / torchscript = {self.ratio:.2f}',
        )


def write(module: nn.Module, manifest: Manifest, kind: str, out: Path) -> Exported:
    """Write a policy file of a kind of `Exported`, once it predicts what the module does.

    What belongs to the file is written beside it. A graph needs an eager module.

    Raises:
        PolicyError: The module cannot be written so, or came out different; nothing is written.
        WriteError: The folder is not there, or takes no file; nothing is written.
    """
    with writing(out), tempfile.TemporaryDirectory() as folder:
        written = scripted = Path(folder) / 'policy.pt'
        torchscript.save(module, manifest, scripted)
        eager = Policy(ModuleRuntime(module, manifest), '')
        policies = {'eager': eager, 'torchscript': load_policy(scripted)}
        if kind != 'torchscript':
            written = Path(folder) / out.name
            _WRITERS[kind](module, manifest, written)
            policies[kind] = load_policy(written)
        masks, largest = compare(eager, policies[kind])
        exported = Exported(kind, masks, largest, _latencies_ms(policies))
        endings = (out.suffix, *KINDS[out.suffix])
        write_together({out.with_suffix(e): written.with_suffix(e).read_bytes() for e in endings})
    return exported


def export(module: nn.Module, manifest: Manifest, path: Path) -> None:
    """Write a TorchScript policy file, once it predicts what the eager module does.

    Raises:
        PolicyError: Scripting changed what the module computes; nothing is written.
        WriteError: It cannot be written there.
    """
    with torchscript.quiet():
        scripted = torch.jit.script(module.eval())
    compare(*(Policy(ModuleRuntime(each, manifest), '') for each in (module, scripted)))
    torchscript.save(scripted, manifest, path)


def compare(model: Policy, exported: Policy) -> tuple[tuple[str, ...], float]:
    """Compare two policies on random inputs: with all slots, each robot's, and random ones.

    A policy that inpaints is given a plan every other time.

    Returns:
        The masks that were compared, and the largest difference, [rad] or [m].

    Raises:
        PolicyError: They differ by more than :data:`TOLERANCE`, absolute and relative.
    """
    rng = np.random.default_rng(0)
    largest = 0.0
    cases = _masks(model.manifest, rng)
    for number, (name, (robot, valid)) in enumerate(cases.items()):
        inputs = _random_inputs(model.manifest, rng)
        plan = _random_plan(model.manifest, rng) if number % 2 else None
        wanted = model.on(robot).predict(inputs, valid, plan=plan)
        found = exported.on(robot).predict(inputs, valid, plan=plan)
        for kind, chunk in wanted.items():
            other = found[kind]
            if kind.is_pose:  # Where a quaternion's sign changes, rounding decides about it.
                turned = (chunk[..., 3:] * other[..., 3:]).sum(-1, keepdims=True) < 0
                other = np.concatenate(
                    [other[..., :3], np.where(turned, -1, 1) * other[..., 3:]], -1
                )
            difference = np.abs(chunk - other)
            largest = max(largest, float(difference.max()))
            if not (difference <= TOLERANCE * (1 + np.abs(chunk))).all():
                raise PolicyError(
                    f'the exported policy differs from the model by {difference.max():g} in '
                    f'{kind} with {name}; allowed is {TOLERANCE:g}. Nothing was written.'
                )
    return tuple(cases), largest


def _latencies_ms(policies: Mapping[str, Policy], runs: int = 30) -> dict[str, float]:
    """Median time of a prediction of each, measured in turns, so that all meet one load."""
    manifest = next(iter(policies.values())).manifest
    inputs = _random_inputs(manifest, np.random.default_rng(0))
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
    """Masks by name, each with its robot; '' for none that is known."""
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


def _random_plan(manifest: Manifest, rng: np.random.Generator) -> ActionPrefix:
    """A plan of which a third is executed before the next chunk, and a third is free."""
    chunk = {kind: _random(kind, manifest.output_shape(kind), rng) for kind in manifest.output}
    steps = np.arange(manifest.horizon) / manifest.horizon
    return ActionPrefix(chunk, np.clip(2 - 3 * steps, 0, 1))


def _random_inputs(manifest: Manifest, rng: np.random.Generator) -> dict[DataType, Any]:
    return {kind: _random(kind, manifest.input_shape(kind), rng) for kind in manifest.input}


def _random(kind: DataType, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Values of a DataType; the quaternions of poses have length 1."""
    is_bytes = kind.dtype == 'uint8'
    values = rng.integers(0, 256, shape) if is_bytes else rng.normal(size=shape)
    if kind.is_pose:
        values[..., 3:] /= np.linalg.norm(values[..., 3:], axis=-1, keepdims=True)
    return values.astype(kind.dtype)
