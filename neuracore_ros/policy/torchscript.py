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

CPU = torch.device('cpu')


class ModuleRuntime:
    """The runtime of a module in memory, eager or TorchScript."""

    def __init__(
        self,
        module: torch.nn.Module,
        manifest: Manifest,
        device: torch.device = CPU,
        precision: torch.dtype = torch.float32,
    ) -> None:
        self.manifest = manifest
        self._module, self._device, self._precision = module.eval(), device, precision

    def run(
        self, inputs: Mapping[str, Array], valid: Mapping[str, BoolArray]
    ) -> Mapping[str, Array]:
        """Execute the module once."""
        tensors = {name: torch.from_numpy(a).to(self._device) for name, a in inputs.items()}
        masks = {name: torch.from_numpy(a).to(self._device) for name, a in valid.items()}
        lower = self._precision is not torch.float32
        autocast = torch.autocast(
            self._device.type, self._precision if lower else None, enabled=lower
        )
        with torch.inference_mode(), autocast:
            result = self._module(tensors, masks)
        if not isinstance(result, dict):
            raise PolicyError(
                f'the model gives a {type(result).__name__}, not a Dict[str, Tensor]'
            )
        # NumPy has no bfloat16.
        return {
            name: tensor.to('cpu', torch.float32 if tensor.is_floating_point() else None).numpy()
            for name, tensor in result.items()
        }


class TorchScript(ModuleRuntime):
    """The runtime of a TorchScript file, whose threads are those of this whole process.

    Raises:
        PolicyError: No TorchScript, no manifest, or a device or precision that is not there.
    """

    def __init__(self, file: PolicyFile, options: RuntimeOptions) -> None:
        device = torch_device(options.device)
        precision = torch_precision(options.precision, device)
        super().__init__(*read(file, device), device, precision)
        if options.threads > 0:
            torch.set_num_threads(options.threads)


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
        raise _not_one(file, 'it is empty')
    if is_bomb(file.parts[0]):
        raise _not_one(file, 'its entries unpack to very much more than it holds')
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
        raise _not_one(file, reason) from error
    return module.eval(), extra[MANIFEST_FILE]


def _not_one(file: PolicyFile, why: str) -> PolicyError:
    return PolicyError(
        f'{file.path}: is not a TorchScript file, or is damaged ({why}): copy or export it again'
    )


def save(module: torch.nn.Module, manifest: Manifest, path: str | Path) -> None:
    """Write a policy file, whole or not at all.

    Args:
        module: Scripted already, or scripted here.
        manifest: Travels in the file.
        path: Such as ``policy.pt``; replaced if it exists.

    Raises:
        WriteError: It cannot be written there.
    """
    # In memory: torch's own writer of files aborts the process where the disk is full.
    buffer = io.BytesIO()
    with quiet():
        scripted = torch.jit.script(module.eval())
        torch.jit.save(scripted, buffer, _extra_files={MANIFEST_FILE: manifest.to_json()})
    write_whole(Path(path), buffer.getvalue())


@contextmanager
def quiet() -> Iterator[None]:
    """Silence torch's warnings about TorchScript, but that it may break (on Python 3.14)."""
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message=r'(?!.*may break).*torch\.jit')
        yield


def available_devices() -> list[str]:
    """Names of the devices of this machine that torch can use: cpu, cuda:0, ..."""
    return ['cpu', *(f'cuda:{index}' for index in range(torch.cuda.device_count()))]


def torch_device(name: str) -> torch.device:
    """The device of a name.

    Raises:
        PolicyError: This machine has none of that name.
    """
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


def torch_precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype of a precision.

    Raises:
        PolicyError: The device would only emulate it.
    """
    if name == 'float16' and device.type == 'cpu':
        raise PolicyError(
            "precision 'float16' is emulated on a CPU: use bfloat16 or float32, or device cuda"
        )
    return {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}[name]
