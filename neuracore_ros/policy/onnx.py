"""ONNX policy files, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import onnxruntime

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.file import PolicyFile, RuntimeOptions
from neuracore_ros.policy.manifest import MANIFEST_FILE, Manifest
from neuracore_ros.policy.policy import last_line
from neuracore_ros.policy.signature import feed

_PROVIDERS = {'cpu': 'CPUExecutionProvider', 'cuda': 'CUDAExecutionProvider'}

# Message -> number of a field that holds messages -> of which kind. By onnx.proto.
_MESSAGES: dict[str, dict[int, str]] = {
    'model': {7: 'graph', 20: 'training', 25: 'function'},
    'graph': {1: 'node', 5: 'tensor', 15: 'sparse tensor'},
    'node': {5: 'attribute'},
    'attribute': {
        **{5: 'tensor', 10: 'tensor', 6: 'graph', 11: 'graph'},
        **{22: 'sparse tensor', 23: 'sparse tensor'},
    },
    'sparse tensor': {1: 'tensor', 2: 'tensor'},
    'function': {7: 'node', 11: 'attribute'},
    'training': {1: 'graph', 2: 'graph'},
    'tensor': {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


class Onnx:
    """The runtime of an ONNX model with the inputs of :mod:`neuracore_ros.policy.signature`.

    Args:
        file: With the manifest in `metadata_props`.
        options: The precision is that of the file: float32 is all that may be asked for.

    Raises:
        PolicyError: No ONNX, values in other files, no manifest, wrong inputs, or a device or
            precision that is not there.
    """

    def __init__(self, file: PolicyFile, options: RuntimeOptions) -> None:
        if options.precision != 'float32':
            raise PolicyError(
                f"{file.path}: precision '{options.precision}': an ONNX file is run in the "
                'precision that it holds; use float32, or a .pt or .xml file'
            )
        providers = _providers(options.device)
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 3
        settings.intra_op_num_threads = options.threads
        # Its threads would otherwise spin for the next run, on cores that the robot needs.
        settings.add_session_config_entry('session.intra_op.allow_spinning', '0')
        _require_self_contained(file)
        try:
            self._session = onnxruntime.InferenceSession(file.parts[0], settings, providers)
            metadata = self._session.get_modelmeta().custom_metadata_map
        except Exception as error:  # The binding raises several kinds, none of them documented.
            raise _not_one(file, last_line(error)) from error
        provider = _PROVIDERS[options.device.partition(':')[0]]
        if provider not in self._session.get_providers():
            # ONNX Runtime then takes the CPU, and says so on standard error only.
            raise PolicyError(
                f"{file.path}: device '{options.device}': ONNX Runtime cannot load its "
                f'{provider}: install what it needs (CUDA and cuDNN of its version)'
            )
        self.manifest = Manifest.from_json(metadata.get(MANIFEST_FILE, ''), str(file.path))
        self._inputs = [argument.name for argument in self._session.get_inputs()]
        self._outputs = [argument.name for argument in self._session.get_outputs()]

    def run(
        self, inputs: Mapping[str, Array], valid: Mapping[str, BoolArray]
    ) -> Mapping[str, Array]:
        """Execute the model once."""
        result = self._session.run(self._outputs, feed(self._inputs, inputs, valid))
        return dict(zip(self._outputs, result, strict=True))


def _require_self_contained(file: PolicyFile) -> None:
    """Require that what was read and hashed is all that will run.

    A tensor may name another file for its values, which the runtime would read from anywhere.
    """
    try:
        is_whole = _is_self_contained(file.parts[0])
    except ValueError as error:
        raise _not_one(file, str(error)) from error
    if not is_whole:
        raise PolicyError(
            f'{file.path}: keeps values in other files, which its sha256 does not cover: write it '
            'as one file (onnx.save without external data)'
        )


def _not_one(file: PolicyFile, why: str) -> PolicyError:
    return PolicyError(f'{file.path}: is not an ONNX file, or is damaged ({why})')


def _providers(device: str) -> list[Any]:
    name, _, index = device.partition(':')
    provider = _PROVIDERS.get(name)
    there = [n for n, p in _PROVIDERS.items() if p in onnxruntime.get_available_providers()]
    if name not in there or not (index.isdecimal() or device == name):
        raise PolicyError(
            f"device '{device}' is not available; this ONNX Runtime has: {', '.join(there)}"
        )
    return [(provider, {'device_id': index})] if index and name != 'cpu' else [provider]


def _is_self_contained(data: bytes) -> bool:
    if data[4:8] == b'ORTM':
        raise ValueError('it is of ONNX Runtime alone: export it as ONNX')
    waiting = [('model', memoryview(data))]
    while waiting:
        kind, message = waiting.pop()
        for number, value in _fields(message):
            if isinstance(value, memoryview) and number in _MESSAGES[kind]:
                waiting.append((_MESSAGES[kind][number], value))
            elif kind == 'tensor' and (
                number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
            ):
                return False
    return True


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a protobuf message: their number, and a number or bytes."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire == _BYTES:
            length, place = _varint(message, place)
        elif wire in {_FIXED_64, _FIXED_32}:
            length = 8 if wire == _FIXED_64 else 4
        else:
            raise ValueError(f'there is a field of kind {wire}')
        if place + length > len(message):
            raise ValueError('it is cut off')
        yield number, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = 0
    for count, byte in enumerate(message[place : place + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, place + count + 1
    raise ValueError('a number has no end')
