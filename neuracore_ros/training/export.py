"""An eager module in, a policy file out, proven to be equal before it is written."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from neuracore_ros.files import write_together, writing
from neuracore_ros.policy import torchscript
from neuracore_ros.policy.further import FROZEN, ROBOT, further_inputs
from neuracore_ros.policy.load import KINDS, load_policy
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.policy import Policy
from neuracore_ros.training.graph import write_onnx, write_openvino
from neuracore_ros.training.proof import TOLERANCE, Eager, Proof, latencies_ms, prove


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
    for more in further_inputs(manifest):
        # As a plan: each step is firm, free or between.
        some = torch.randn((batch, *more.shape), generator=generator)
        inputs[more.name] = some.clamp(0, 1) if more.name == FROZEN else some
    if manifest.robot_index:
        among = (-1, 1 + max(manifest.robot_index.values()))
        inputs[ROBOT] = torch.randint(*among, (batch,), generator=generator)
    return inputs, valid
