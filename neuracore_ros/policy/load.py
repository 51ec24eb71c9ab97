"""The loading of a policy of any kind: a file, or a server that executes it elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from neuracore_ros.description.shipped import server_file, shipped_servers
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.address import SERVER_FILE_ENDINGS, is_address, is_server_file
from neuracore_ros.policy.file import PolicyFile, RuntimeOptions, require_digest
from neuracore_ros.policy.policy import Policy, Runtime
from neuracore_ros.policy.remote.server_link import Askable, ServerLink
from neuracore_ros.policy.remote.server_options import ServerOptions

if TYPE_CHECKING:
    from neuracore_ros.policy.manifest import Manifest
    from neuracore_ros.policy.remote.own_server import OwnServer
    from neuracore_ros.policy.remote.server_file import ServerFile

PRECISIONS = ('float32', 'bfloat16', 'float16')

# Ending -> the endings of the files that stand beside it.
KINDS: dict[str, tuple[str, ...]] = {
    '.pt': (),
    '.onnx': (),
    '.xml': ('.bin', '.json'),
    '.pt2': (),
}

# What has to be installed, and what installs it.
_CURES = {
    'torch': 'pip install torch',
    'onnxruntime': "pip install 'neuracore_ros[onnx]'",
    'openvino': "pip install 'neuracore_ros[openvino]'",
    'websockets': "pip install 'neuracore_ros[remote]'",
    'msgpack': "pip install 'neuracore_ros[remote]'",
    'zmq': "pip install 'neuracore_ros[remote]'",
}


def load_policy(
    path: str | Path,
    device: str = 'cpu',
    threads: int = 0,
    precision: str = 'float32',
    sha256: str = '',
    robot: str = '',
    server: ServerOptions | None = None,
) -> Policy:
    """Load a policy file, or connect to a server that executes one.

    Args:
        path: TorchScript (.pt), ONNX (.onnx), OpenVINO (.xml, with .bin and .json beside it) or
            torch.export (.pt2); the address of a server of ours (ws://host:8000); or a server
            file (.server.yaml).
        device: Such as 'cpu', 'cuda', 'cuda:1'; Intel's with OpenVINO, such as 'gpu'.
        threads: For one operation; 0 leaves it to the runtime. torch sets it for the whole
            process.
        precision: 'float32', 'bfloat16' or 'float16': of what is computed inside; inputs and
            outputs stay as they are.
        sha256: The file must have it, or nothing of it is run; '' takes any. Of an OpenVINO
            model it is that of `cat NAME.xml NAME.bin NAME.json`.
        robot: The robot's name, for a policy that was trained to know its robots; any other
            policy does not care.
        server: Options of the connection, for a policy that a server executes; that has the
            device, threads and precision.

    Raises:
        PolicyError: No such file, no model, no manifest, another sha256, a runtime that is not
            installed, or a device or precision that it does not have; no such server.
    """
    if precision not in PRECISIONS:
        raise PolicyError(f"precision '{precision}' is unknown; it is {_or(PRECISIONS)}")
    _require_used(path, server)
    if is_address(path) or is_server_file(path):
        policy = _load_remote(str(path), server or ServerOptions(), robot)
        if sha256:
            require_digest(str(path), policy.sha256, sha256)
        return policy
    path = Path(path)
    if path.suffix not in KINDS and not path.is_dir():
        raise PolicyError(
            f'{path}: a policy file ends in {_or(tuple(KINDS))}; neuracore_ros export writes one'
            f'{_meant(str(path))}'
        )
    file = PolicyFile.read(path, KINDS.get(path.suffix, ()))
    if sha256:
        file.require(sha256)
    try:
        runtime = _runtime(file, RuntimeOptions(device, threads, precision))
        return Policy(runtime, file.sha256, robot, name=path.name)
    except ModuleNotFoundError as error:
        raise _lacking(path, error) from error


def _meant(name: str) -> str:
    """The policy on a server that a name without scheme or ending was meant to be."""
    # A path has one slash where an address has two.
    if at := re.fullmatch(r'(?:wss?:/)?([\w.-]+:\d{1,5})/?', name):
        return f'; did you mean ws://{at[1]}?'
    found = f'{name.removesuffix(".yaml")}{SERVER_FILE_ENDINGS[0]}'
    if found in shipped_servers():
        return f'; did you mean {found}?'
    return '; a server file, in .server.yaml' if name.endswith(('.yaml', '.yml')) else ''


def described_policy(name: str | Path) -> Manifest | None:
    """The manifest that a server file alone gives, whether or not its server answers.

    Returns:
        None for any other policy, which has to be loaded for it.

    Raises:
        PolicyError: No such file, or a key or a value of it is wrong.
    """
    if not is_server_file(name):
        return None
    from neuracore_ros.policy.remote.server_file import ServerFile
    from neuracore_ros.policy.remote.server_map import ServerMap

    return ServerMap(ServerFile.read(server_file(name))).manifest()


def names_policy(name: str | Path) -> bool:
    """True for a name under which `load_policy` would look for a policy."""
    return is_address(name) or is_server_file(name) or Path(name).suffix in KINDS


def _require_used(path: str | Path, options: ServerOptions | None) -> None:
    """Refuse options that would mean nothing for this policy."""
    if options is None:
        return
    if options.address and not is_server_file(path):
        raise PolicyError(
            f'{path}: is no server file, whose address could be {options.address}: remove address'
            + (', or give it as the model' if is_address(options.address) else '')
        )
    if options.jpeg_quality and not is_address(path):
        raise PolicyError(
            f'{path}: only a `neuracore_ros serve`, at its own address, takes images as JPEG: '
            'remove jpeg_quality'
        )


def _load_remote(name: str, options: ServerOptions, robot: str) -> Policy:
    try:
        if not is_address(name):
            return _foreign(name, options, robot)
        server = _own_server(name, options)
        return Policy(server, server.sha256, robot, server.link, name)
    except ModuleNotFoundError as error:
        raise _lacking(name, error) from error


def _own_server(address: str, options: ServerOptions) -> OwnServer:
    from neuracore_ros.policy.remote.own_server import OwnServer

    if not address.startswith(('ws://', 'wss://')):
        is_gr00t = address.startswith('tcp://')
        raise PolicyError(
            f'{address}: is no address of a policy server; one is ws://host:8000, or wss:// '
            'through TLS'
            + ('; give a server file for GR00T (docs/server_file.md)' if is_gr00t else '')
        )
    return OwnServer(address, options)


def _foreign(name: str, options: ServerOptions, robot: str) -> Policy:
    from neuracore_ros.policy.remote.foreign_server import ForeignServer
    from neuracore_ros.policy.remote.server_file import ServerFile

    file = ServerFile.read(server_file(name))
    if options.address:
        file = file.answering_at(options.address)
    if not file.address:
        raise PolicyError(f"{name}: has no 'address', and none is given beside it")
    link = ServerLink(_client(file, options))
    server = ForeignServer(file, link.ask, options)
    return Policy(server, file.sha256, robot, link, file.address)


def _client(file: ServerFile, options: ServerOptions) -> Askable:
    from neuracore_ros.policy.remote.server_file import GROOT

    if file.server == GROOT:
        from neuracore_ros.policy.remote.gr00t_client import Gr00tClient

        return Gr00tClient(file, file.address, options.api_key)
    from neuracore_ros.policy.remote.openpi_client import OpenpiClient

    return OpenpiClient(file.address, options.api_key)


def _lacking(path: str | Path, error: ModuleNotFoundError) -> PolicyError:
    """What to install for a policy; any other module that lacks is a fault of ours."""
    cure = _CURES.get(error.name or '')
    if cure is None:
        raise error
    return PolicyError(f'{path}: needs {error.name}, which is not installed: {cure}')


def _runtime(file: PolicyFile, options: RuntimeOptions) -> Runtime:
    # Imported here: a robot's computer needs no runtime but that of its own policy.
    if file.path.suffix == '.onnx':
        from neuracore_ros.policy.onnx import Onnx

        return Onnx(file, options)
    if file.path.suffix == '.xml':
        from neuracore_ros.policy.openvino import OpenVino

        return OpenVino(file, options)
    if file.path.suffix == '.pt2':
        from neuracore_ros.policy.torch_export import TorchExport

        return TorchExport(file, options)
    from neuracore_ros.policy.torchscript import TorchScript

    return TorchScript(file, options)


def _or(words: tuple[str, ...]) -> str:
    return f'{", ".join(words[:-1])} or {words[-1]}'
