"""The runtime and the writer of TorchScript policy files. Such a file is code: loading runs it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.errors import PolicyError
from neuracore_ros.files import write_whole
from neuracore_ros.policy.archive import is_bomb
from neuracore_ros.policy.file import PolicyFile, RuntimeOptions
from neuracore_ros.policy.manifest import MANIFEST_FILE, Manifest
from neuracore_ros.policy.policy import last_line


class TorchScript:
    """The runtime of a TorchScript module.

    Args:
        file: With the manifest as an extra file.
        options: Threads are those of this whole process.

    Raises:
        PolicyError: No TorchScript, no manifest, or a device or precision that is not there.
    """

    def __init__(self, file: PolicyFile, options: RuntimeOptions) -> None:
        self._device = _device(options.device)
        self._precision = _precision(options.precision, self._device)
        self._module, self.manifest = read(file, self._device)
        if options.threads > 0:
            torch.set_num_threads(options.threads)

    def run(
        self, inputs: Mapping[str, Array], valid: Mapping[str, BoolArray]
    ) -> Mapping[str, Array]:
        """Execute the module once."""
        tensors = {name: torch.from_numpy(a).to(self._device) for name, a in inputs.items()}
        masks = {name: torch.from_numpy(a).to(self._device) for name, a in valid.items()}
        with torch.inference_mode(), self._autocast():
            result = self._module(tensors, masks)
        if not isinstance(result, dict):
            raise PolicyError(
                f'the model gives a {type(result).__name__}, not a Dict[str, Tensor]'
            )
        return {name: _plain(tensor).numpy() for name, tensor in result.items()}

    def _autocast(self) -> torch.autocast:
        lower = self._precision is not torch.float32
        kind = self._precision if lower else None
        return torch.autocast(self._device.type, dtype=kind, enabled=lower)


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """A type that NumPy has: float32 of bfloat16; whole numbers stay what they are."""
    return tensor.to('cpu', torch.float32 if tensor.is_floating_point() else tensor.dtype)


def read(file: PolicyFile, device: torch.device) -> tuple[torch.jit.ScriptModule, Manifest]:
    """Read a policy file: its module, which torch builds by running its code, and its manifest.

    Raises:
        PolicyError: No TorchScript, or no manifest.
    """
    module, text = read_module(file, device)
    return module, Manifest.from_json(text, str(file.path))


def read_module(
    file: PolicyFile, device: torch.device
) -> tuple[torch.jit.ScriptModule, str | bytes]:
    """Read a TorchScript module, and the text of its manifest, empty if it has none.

    Raises:
        PolicyError: No TorchScript.
    """
    if not file.parts[0]:
        raise PolicyError(
            f'{file.path}: is not a TorchScript file, or is damaged (it is empty): copy or export '
            'it again'
        )
    if is_bomb(file.parts[0]):
        raise PolicyError(
            f'{file.path}: is not a TorchScript file: its entries unpack to very much more '
            'than it holds: copy or export it again'
        )
    extra = {MANIFEST_FILE: ''}
    try:
        with quiet():
            module = torch.jit.load(  # type: ignore[no-untyped-call]
                io.BytesIO(file.parts[0]), map_location=device, _extra_files=extra
            )
    except Exception as error:  # torch raises several kinds, none of them documented.
        reason = last_line(error).partition('. This is an internal')[0]
        if 'constants.pkl' in reason:
            raise PolicyError(
                f'{file.path}: was written by torch.save, which keeps no code: write it by '
                'torch.jit.script(model).save(...), then neuracore_ros export'
            ) from error
        raise PolicyError(
            f'{file.path}: is not a TorchScript file, or is damaged ({reason}): copy '
            'or export it again'
        ) from error
    return module.eval(), extra[MANIFEST_FILE]


def save(module: torch.nn.Module, manifest: Manifest, path: str | Path) -> None:
    """Write a policy file, whole or not at all.

    Args:
        module: Scripted already, or scripted here.
        manifest: Travels in the file.
        path: Such as ``policy.pt``; replaced if it exists.

    Raises:
        WriteError: It cannot be written there.
    """
    write_whole(Path(path), to_bytes(module, manifest))


def to_bytes(module: torch.nn.Module, manifest: Manifest) -> bytes:
    """The content of a policy file."""
    # In memory: torch's own writer of files aborts the process where the disk is full.
    buffer = io.BytesIO()
    with quiet():
        scripted = torch.jit.script(module.eval())
        torch.jit.save(scripted, buffer, _extra_files={MANIFEST_FILE: manifest.to_json()})
    return buffer.getvalue()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence torch's warning that TorchScript is deprecated."""
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='.*torch.jit.*')
        yield


def available_devices() -> list[str]:
    """Names of the devices of this machine that torch can use: cpu, cuda:0, ..."""
    return ['cpu', *(f'cuda:{index}' for index in range(torch.cuda.device_count()))]


def _device(name: str) -> torch.device:
    there = available_devices()
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


def _precision(name: str, device: torch.device) -> torch.dtype:
    if name == 'float16' and device.type == 'cpu':
        raise PolicyError(
            "precision 'float16' is emulated on a CPU: use bfloat16 or float32, or device cuda"
        )
    return {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}[name]
