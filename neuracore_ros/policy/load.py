"""The loading of a policy file of any kind, by the runtime that its ending names."""

from __future__ import annotations

from pathlib import Path

from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.file import PolicyFile, RuntimeOptions
from neuracore_ros.policy.policy import Policy, Runtime

PRECISIONS = ('float32', 'bfloat16', 'float16')

# Ending -> the endings of the files that stand beside it.
KINDS: dict[str, tuple[str, ...]] = {'.pt': (), '.onnx': (), '.xml': ('.bin', '.json')}

# What has to be installed, and what installs it.
_CURES = {
    'torch': 'pip install torch',
    'onnxruntime': "pip install 'neuracore_ros[onnx]'",
    'openvino': "pip install 'neuracore_ros[openvino]'",
}


def load_policy(
    path: str | Path,
    device: str = 'cpu',
    threads: int = 0,
    precision: str = 'float32',
    sha256: str = '',
    robot: str = '',
) -> Policy:
    """Load a policy file.

    Args:
        path: TorchScript (.pt), ONNX (.onnx) or OpenVINO (.xml, with .bin and .json beside it).
        device: Such as 'cpu', 'cuda', 'cuda:1'; Intel's with OpenVINO, such as 'gpu'.
        threads: For one operation; 0 leaves it to the runtime. TorchScript sets it for the
            whole process.
        precision: 'float32', 'bfloat16' or 'float16': of what is computed inside; inputs and
            outputs stay as they are.
        sha256: The file must have it, or nothing of it is run; '' takes any. Of an OpenVINO
            model it is that of `cat NAME.xml NAME.bin NAME.json`.
        robot: The robot's name, for a policy that was trained to know its robots; any other
            policy does not care.

    Raises:
        PolicyError: No such file, no model, no manifest, another sha256, a runtime that is not
            installed, or a device or precision that it does not have.
    """
    path = Path(path)
    if precision not in PRECISIONS:
        raise PolicyError(f"precision '{precision}' is unknown; it is {_or(PRECISIONS)}")
    if path.suffix not in KINDS and not path.is_dir():
        raise PolicyError(
            f'{path}: a policy file ends in {_or(tuple(KINDS))}; neuracore_ros export writes one'
        )
    file = PolicyFile.read(path, KINDS.get(path.suffix, ()))
    if sha256:
        file.require(sha256)
    try:
        return Policy(
            _runtime(file, RuntimeOptions(device, threads, precision)), file.sha256, robot
        )
    except ModuleNotFoundError as error:
        cure = _CURES.get(error.name or '')
        if cure is None:
            raise
        raise PolicyError(f'{path}: needs {error.name}, which is not installed: {cure}') from error


def _runtime(file: PolicyFile, options: RuntimeOptions) -> Runtime:
    # Imported here: a robot's computer needs no runtime but that of its own policy.
    if file.path.suffix == '.onnx':
        from neuracore_ros.policy.onnx import Onnx

        return Onnx(file, options)
    if file.path.suffix == '.xml':
        from neuracore_ros.policy.openvino import OpenVino

        return OpenVino(file, options)
    from neuracore_ros.policy.torchscript import TorchScript

    return TorchScript(file, options)


def _or(words: tuple[str, ...]) -> str:
    return f'{", ".join(words[:-1])} or {words[-1]}'
