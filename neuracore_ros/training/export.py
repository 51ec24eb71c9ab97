"""An eager module in, a policy file out, proven to be equal before it is written."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from neuracore_ros.policy import torchscript
from neuracore_ros.policy.manifest import Manifest

# Float32 through some ten layers; a wrong axis or mask is off by far more.
TOLERANCE = 1e-4


def export(module: nn.Module, manifest: Manifest, path: Path) -> None:
    """Script a policy, compare it with the eager one on random inputs, and write it.

    Args:
        module: With the signature of DESIGN 7.
        manifest: What it was built from.
        path: The policy file.

    Raises:
        RuntimeError: Scripting changed what the module computes; nothing is written.
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
    """Random inputs of the manifest's shapes, and random masks."""
    inputs, valid = {}, {}
    for kind, slots in manifest.input.items():
        shape = (batch, *manifest.input_shape(kind))
        if kind.dtype == 'uint8':
            whole = torch.randint(0, 256, shape, generator=generator)
            inputs[kind.value] = whole.to(torch.uint8)
        else:
            inputs[kind.value] = torch.randn(shape, generator=generator)
        valid[kind.value] = torch.rand(batch, slots.width, generator=generator) < 0.7
    return inputs, valid
