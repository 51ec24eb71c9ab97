"""An eager module in, a policy file out, proven to be equal before it is written."""

from __future__ import annotations

import statistics
import tempfile
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.files import write_together, writing
from neuracore_ros.policy import torchscript
from neuracore_ros.policy.load import KINDS, load_policy
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.signature import FROZEN, ROBOT, ActionPrefix, extra_inputs
from neuracore_ros.training.graph import write_onnx, write_openvino


@dataclass(frozen=True, slots=True)
class Model:
    """A module with the signature of DESIGN 7, and its manifest."""

    module: nn.Module
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Exported:
    """A policy file that was written.

    Attributes:
        kind: 'torchscript', 'onnx' or 'openvino'.
        latency_ms: Median time of a prediction: of the module in memory ('eager'), of its
            TorchScript, and of the file.
    """

    kind: str
    proof: Proof
    latency_ms: Mapping[str, float]

    @property
    def ratio(self) -> float:
        """Latency of the file, as a share of TorchScript's."""
        return self.latency_ms[self.kind] / self.latency_ms['torchscript']


def write(model: Model, kind: str, out: Path) -> Exported:
    """Write a policy file once it is proven to be equal to the model.

    Args:
        model: Eager; TorchScript, if TorchScript is to be written.
        kind: 'torchscript', 'onnx' or 'openvino'.
        out: The file; what belongs to it is written beside it.

    Raises:
        PolicyError: The model cannot be written so, or came out different; nothing is written.
        WriteError: The folder is not there, or takes no file; nothing is written.
    """
    with writing(out), tempfile.TemporaryDirectory() as folder:
        written = scripted = Path(folder) / 'policy.pt'
        torchscript.save(model.module, model.manifest, scripted)
        eager = Policy(Eager(model.module, model.manifest), '')
        policies = {'eager': eager, 'torchscript': load_policy(scripted)}
        if kind != 'torchscript':
            written = Path(folder) / out.name
            write_graph = {'onnx': write_onnx, 'openvino': write_openvino}[kind]
            write_graph(model.module, model.manifest, written)
            policies[kind] = load_policy(written)
        exported = Exported(kind, prove(eager, policies[kind]), latencies_ms(policies))
        endings = (out.suffix, *KINDS[out.suffix])
        write_together({out.with_suffix(e): written.with_suffix(e).read_bytes() for e in endings})
    return exported


def export(module: nn.Module, manifest: Manifest, path: Path) -> None:
    """Script a policy, compare it with the eager one on random inputs, and write it.

    Args:
        module: With the signature of DESIGN 7.
        manifest: What it was built from.
        path: The policy file.

    Raises:
        RuntimeError: Scripting changed what the module computes; nothing is written.
        WriteError: It cannot be written there.
    """
    module = module.eval()
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='.*torch.jit.*')
        scripted = torch.jit.script(module)
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        for _ in range(3):  # TorchScript optimises itself between its first runs.
            inputs, valid = example(manifest, 2, generator)
            eager, compiled = module(inputs, valid), scripted(inputs, valid)
            for name, chunk in eager.items():
                if not torch.allclose(chunk, compiled[name], atol=TOLERANCE, rtol=TOLERANCE):
                    worst = float((chunk - compiled[name]).abs().max())
                    raise RuntimeError(f'scripting changed {name} by {worst}')
    torchscript.save(scripted, manifest, path)


def example(
    manifest: Manifest, batch: int, generator: torch.Generator
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Random inputs of the manifest's shapes, of random robots and plans, and random masks."""
    inputs, valid = {}, {}
    for kind, slots in manifest.input.items():
        shape = (batch, *manifest.input_shape(kind))
        if kind.dtype == 'uint8':
            whole = torch.randint(0, 256, shape, generator=generator)
            inputs[kind.value] = whole.to(torch.uint8)
        else:
            inputs[kind.value] = torch.randn(shape, generator=generator)
        valid[kind.value] = torch.rand(batch, slots.width, generator=generator) < 0.7
    for more in extra_inputs(manifest):
        # As a plan: each step is firm, free or between.
        some = torch.randn((batch, *more.shape), generator=generator)
        inputs[more.name] = some.clamp(0, 1) if more.name == FROZEN else some
    if manifest.robot_index:
        among = (-1, 1 + max(manifest.robot_index.values()))
        inputs[ROBOT] = torch.randint(*among, (batch,), generator=generator)
    return inputs, valid


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


def _plan(manifest: Manifest, rng: np.random.Generator) -> ActionPrefix:
    """One of which a third is executed before the next chunk, and a third is free."""
    chunk = {kind: rng.normal(size=manifest.output_shape(kind)) for kind in manifest.output}
    steps = np.arange(manifest.horizon) / manifest.horizon
    return ActionPrefix(chunk, np.clip(2 - 3 * steps, 0, 1))


def _random(manifest: Manifest, kind: DataType, rng: np.random.Generator) -> NDArray[Any]:
    shape = manifest.input_shape(kind)
    if kind.dtype == 'uint8':
        return rng.integers(0, 256, shape, np.uint8)
    return np.asarray(rng.normal(size=shape), np.float32)
