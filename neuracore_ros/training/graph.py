"""The conversion of a policy's module to a graph of flat inputs: ONNX, OpenVINO, torch.export."""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.manifest import MANIFEST_FILE, Manifest
from neuracore_ros.policy.policy import last_line
from neuracore_ros.policy.signature import INPUTS, VALID, empty_inputs, feed, graph_inputs


class Flat(nn.Module):
    """A module with the inputs of ``graph_inputs`` by position in place of dictionaries."""

    def __init__(self, module: nn.Module, manifest: Manifest) -> None:
        super().__init__()
        self.module = module
        self.names = graph_inputs(manifest)
        self.outputs = [kind.value for kind in manifest.output]

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The module's outputs, in the manifest's order."""
        inputs: dict[str, Tensor] = {}
        valid: dict[str, Tensor] = {}
        for name, tensor in zip(self.names, tensors, strict=True):
            if name.startswith(VALID):
                valid[name[len(VALID) :]] = tensor
            else:
                inputs[name[len(INPUTS) :]] = tensor
        result = self.module(inputs, valid)
        return tuple(result[name] for name in self.outputs)


def write_onnx(module: nn.Module, manifest: Manifest, path: Path) -> None:
    """Write an eager module on the CPU as ONNX of batch 1, the manifest in `metadata_props`.

    The attribute ``dense`` of a submodule is set for it, so as to compute everything, whatever is
    absent: a graph has fixed shapes.

    Raises:
        PolicyError: The module holds what ONNX has no words for.
    """
    import onnx

    names = graph_inputs(manifest)
    empty = feed(names, *empty_inputs(manifest))
    with _converting(), _dense(module), tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / 'model.onnx'
        torch.onnx.export(
            Flat(module, manifest).eval(),
            tuple(torch.from_numpy(array) for array in empty.values()),
            plain,
            input_names=names,
            output_names=[kind.value for kind in manifest.output],
            external_data=False,
            dynamo=True,
            verbose=False,
        )
        model = onnx.load(plain)
    model.metadata_props.add(key=MANIFEST_FILE, value=manifest.to_json())
    path.write_bytes(model.SerializeToString())


def write_openvino(module: nn.Module, manifest: Manifest, path: Path) -> None:
    """Write NAME.xml, and NAME.bin and the manifest NAME.json beside it.

    By way of ONNX: OpenVINO's own reader of torch modules stumbles over empty tensors.

    Raises:
        PolicyError: The module holds what ONNX or OpenVINO has no words for.
    """
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        between = Path(folder) / 'model.onnx'
        write_onnx(module, manifest, between)
        with _converting():
            # Not convert_model, which reports its use to its maker without being asked.
            model = openvino.Core().read_model(between)
            openvino.save_model(model, path, compress_to_fp16=False)
    path.with_suffix('.json').write_text(manifest.to_json())


def write_pt2(module: nn.Module, manifest: Manifest, path: Path) -> None:
    """Write an eager module on the CPU as a graph of torch.export, the manifest as an extra file.

    Raises:
        PolicyError: The module holds what a graph has no words for.
    """
    empty = feed(graph_inputs(manifest), *empty_inputs(manifest))
    buffer = io.BytesIO()
    with _converting(), _dense(module):
        program = torch.export.export(
            Flat(module, manifest).eval(),
            tuple(torch.from_numpy(array) for array in empty.values()),
        ).run_decompositions({})  # So that no operator writes to its arguments.
        # Without the examples, which are a pickle, and the paths of this computer.
        program.example_inputs = None
        for node in program.graph.nodes:
            node.meta = {key: value for key, value in node.meta.items() if key == 'val'}
        torch.export.save(program, buffer, extra_files={MANIFEST_FILE: manifest.to_json()})
    path.write_bytes(buffer.getvalue())


@contextmanager
def _dense(module: nn.Module) -> Iterator[None]:
    parts = [part for part in module.modules() if hasattr(part, 'dense')]
    before = [part.dense for part in parts]
    for part in parts:
        part.dense = True  # type: ignore[assignment]
    try:
        yield
    finally:
        for part, was in zip(parts, before, strict=True):
            part.dense = was


@contextmanager
def _converting() -> Iterator[None]:
    """Silence the converters, whose messages are for developers; report failures in one line."""
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter('ignore')
            yield
    except ModuleNotFoundError:
        raise
    except Exception as error:  # Converters raise several kinds, none of them documented.
        raise PolicyError(
            f'the model cannot be written as a graph ({last_line(error)[:160]}); keep TorchScript'
        ) from error
