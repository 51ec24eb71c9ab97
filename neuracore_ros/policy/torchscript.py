"""A TorchScript policy file: written, read and run."""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.manifest import MANIFEST_FILE, InputSlots, Manifest

Array = NDArray[Any]
BoolArray = NDArray[np.bool_]


class Policy:
    """A loaded policy.

    Attributes:
        manifest: What it reads and predicts.
        sha256: Of the file, to tell one policy from another in a log.
        device: Where it runs.
    """

    def __init__(
        self, module: torch.jit.ScriptModule, manifest: Manifest, sha256: str, device: torch.device
    ) -> None:
        self.manifest = manifest
        self.sha256 = sha256
        self.device = device
        self._module = module

    def predict(
        self,
        inputs: Mapping[DataType, Array],
        valid: Mapping[DataType, BoolArray],
        output_valid: Mapping[DataType, BoolArray] | None = None,
    ) -> dict[DataType, NDArray[np.float32]]:
        """Predict one chunk of actions.

        Args:
            inputs: Raw values, oldest step first: (T, W) numbers, (T, W, 7) poses, (T, K, height,
                width, 3) uint8 images, (T, K, height, width) depths, (T, W, N) uint8 texts. A
                DataType that is missing counts as absent: zeros, not valid.
            valid: Which slots the robot has, (W,).
            output_valid: Which outputs the robot has, (W,): those must be finite. Without it, all
                that the policy was trained on must be.

        Returns:
            Absolute values, float32, (H, W).

        Raises:
            PolicyError: An input of a wrong shape, or a model that fails, leaves out a DataType,
                or gives a wrong shape or a number that is not finite.
        """
        tensors, masks = {}, {}
        for kind, slots in self.manifest.input.items():
            values, mask = self._input(kind, slots, inputs, valid)
            tensors[kind.value] = torch.from_numpy(values)[None].to(self.device)
            masks[kind.value] = torch.from_numpy(mask)[None].to(self.device)
        try:
            with torch.inference_mode():
                result = self._module(tensors, masks)
        except Exception as error:  # Whatever a stranger's module raises is the model's fault.
            raise PolicyError(f'the model failed: {_last_line(error)}') from error
        return self._absolute(self._output(result, output_valid), inputs)

    def warm_up(self, runs: int = 3) -> float:
        """Run on empty inputs, since TorchScript compiles during the first runs.

        Returns:
            How long the last run took, [s].
        """
        zeros = {
            kind: np.zeros(self.manifest.input_shape(kind), kind.dtype)
            for kind in self.manifest.input
        }
        valid = {kind: np.ones(slots.width, bool) for kind, slots in self.manifest.input.items()}
        taken_s = 0.0
        for _ in range(runs):
            start = time.perf_counter()
            self.predict(zeros, valid)
            taken_s = time.perf_counter() - start
        return taken_s

    def _input(
        self,
        kind: DataType,
        slots: InputSlots,
        inputs: Mapping[DataType, Array],
        valid: Mapping[DataType, BoolArray],
    ) -> tuple[Array, BoolArray]:
        shape = self.manifest.input_shape(kind)
        if kind not in inputs:
            return np.zeros(shape, kind.dtype), np.zeros(slots.width, bool)
        values, mask = np.asarray(inputs[kind]), np.asarray(valid.get(kind, np.empty(0, bool)))
        if values.shape != shape:
            raise PolicyError(f'input {kind} has shape {values.shape}; the policy reads {shape}')
        if mask.shape != (slots.width,):
            raise PolicyError(f'valid {kind} has shape {mask.shape}; it must be ({slots.width},)')
        return np.ascontiguousarray(values, kind.dtype), mask.astype(bool)

    def _output(
        self, result: object, output_valid: Mapping[DataType, BoolArray] | None
    ) -> dict[DataType, NDArray[np.float32]]:
        if not isinstance(result, dict):
            raise PolicyError(
                f'the model gives a {type(result).__name__}, not a Dict[str, Tensor]'
            )
        chunks = {}
        for kind, slots in self.manifest.output.items():
            if kind.value not in result:
                raise PolicyError(
                    f'the model gives no {kind}. It gives: {", ".join(result) or "nothing"}'
                )
            tensor = result[kind.value]
            shape = (1, self.manifest.horizon, slots.width)
            if tuple(tensor.shape) != shape:
                raise PolicyError(
                    f'the model gives {kind} of shape {tuple(tensor.shape)}; '
                    f'the manifest says {shape}'
                )
            chunk = tensor[0].to('cpu', torch.float32).numpy().copy()
            used = np.zeros(slots.width, bool)
            used[list(slots.trained)] = True
            if output_valid is not None:
                used = np.asarray(output_valid.get(kind, np.zeros(slots.width, bool)))
            wrong = np.argwhere(~np.isfinite(chunk) & used)
            if len(wrong):
                step, index = wrong[0]
                raise PolicyError(
                    f'the model gives {kind} of shape {shape} with {chunk[step, index]} '
                    f'at index {index}, step {step}'
                )
            chunks[kind] = chunk
        return chunks

    def _absolute(
        self, chunks: dict[DataType, NDArray[np.float32]], inputs: Mapping[DataType, Array]
    ) -> dict[DataType, NDArray[np.float32]]:
        """Add what was measured to outputs of `mode: relative`."""
        for kind, chunk in chunks.items():
            if self.manifest.output[kind].mode == 'relative':
                if kind.measured not in inputs:
                    raise PolicyError(f'{kind} is relative to {kind.measured}, which is no input')
                measured = inputs[kind.measured][-1]
                shared = min(len(measured), chunk.shape[1])
                chunk[:, :shared] += measured[:shared]
        return chunks


def save(module: torch.nn.Module, manifest: Manifest, path: str | Path) -> None:
    """Write a policy file; an interrupted write leaves no file of this name.

    Args:
        module: Scripted already, or scripted here.
        manifest: Travels in the file.
        path: Such as ``policy.pt``; replaced if it exists.
    """
    path = Path(path)
    partial = path.with_name(f'.{path.name}.{os.getpid()}.partial')
    with _quiet():
        scripted = torch.jit.script(module.eval())
        torch.jit.save(scripted, str(partial), _extra_files={MANIFEST_FILE: manifest.to_json()})
    partial.replace(path)


def load(path: str | Path, device: str = 'cpu', threads: int = 0) -> Policy:
    """Read a policy file.

    Args:
        path: TorchScript with the manifest as an extra file.
        device: Such as 'cpu', 'cuda', 'cuda:1'.
        threads: Of this whole process for one operation; 0 leaves it to torch.

    Raises:
        PolicyError: No file, no TorchScript, no manifest, or a device that is not there.
    """
    path = Path(path)
    if not path.is_file():
        what = 'is a folder, not a policy file' if path.is_dir() else 'no such file'
        raise PolicyError(f'{path}: {what}')
    place = _device(device)
    extra = {MANIFEST_FILE: ''}
    try:
        with _quiet():
            module = torch.jit.load(  # type: ignore[no-untyped-call]
                str(path), map_location=place, _extra_files=extra
            )
    except Exception as error:  # torch raises several kinds, none of them documented.
        raise PolicyError(
            f'{path}: is not a TorchScript file, or is damaged ({_last_line(error)})'
        ) from error
    text = extra[MANIFEST_FILE]
    manifest = Manifest.from_json(text if isinstance(text, str) else text.decode(), str(path))
    if threads > 0:
        torch.set_num_threads(threads)
    return Policy(module.eval(), manifest, _sha256(path), place)


def _device(name: str) -> torch.device:
    there = ['cpu', *(f'cuda:{index}' for index in range(torch.cuda.device_count()))]
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    full = f'{device.type}:{device.index or 0}' if device and device.type != 'cpu' else 'cpu'
    if device is None or full not in there:
        raise PolicyError(
            f"device '{name}' is not available; this machine has: {', '.join(there)}"
        )
    return device


def _last_line(error: Exception) -> str:
    """What a TorchScript error says, without its stack of source lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _sha256(path: Path) -> str:
    with path.open('rb') as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _quiet() -> Iterator[None]:
    """Torch calls its own TorchScript deprecated; a robot's user can do nothing about it."""
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='.*torch.jit.*')
        yield
