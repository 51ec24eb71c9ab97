"""OpenVINO policy files, run by OpenVINO; the fastest way on most CPUs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from xml.etree import ElementTree

import openvino

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.file import PolicyFile, RuntimeOptions
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.policy import last_line
from neuracore_ros.policy.signature import feed, graph_inputs

# OpenVINO's names: of a precision as a hint, and as a device lists it.
_PRECISIONS = {
    'float32': ('f32', 'FP32'),
    'bfloat16': ('bf16', 'BF16'),
    'float16': ('f16', 'FP16'),
}


class OpenVino:
    """The runtime of an OpenVINO model with the inputs of :mod:`neuracore_ros.policy.signature`.

    Args:
        file: NAME.xml, with NAME.bin and the manifest NAME.json beside it.
        options: Devices are OpenVINO's, such as 'cpu' or 'gpu'.

    Raises:
        PolicyError: No model, no manifest, or a device or precision that is not there.
    """

    def __init__(self, file: PolicyFile, options: RuntimeOptions) -> None:
        xml, weights, manifest = file.parts
        core = the_core()
        device = _device(core, options.device)
        settings: dict[str, Any] = {
            'PERFORMANCE_HINT': 'LATENCY',
            'NUM_STREAMS': 1,
            'INFERENCE_PRECISION_HINT': _precision(core, device, options),
        }
        if options.threads > 0:
            settings['INFERENCE_NUM_THREADS'] = options.threads
        self.manifest = Manifest.from_json(manifest, str(file.path.with_suffix('.json')))
        _require_pair(file)
        try:
            model = core.read_model(model=xml, weights=weights)
            compiled = core.compile_model(model, device, settings)
        except Exception as error:  # The binding raises several kinds, none of them documented.
            raise _not_one(file, last_line(error)) from error
        self._inputs = [_name(port, graph_inputs(self.manifest)) for port in compiled.inputs]
        self._outputs = [
            _name(port, [kind.value for kind in self.manifest.output]) for port in compiled.outputs
        ]
        self._request = compiled.create_infer_request()

    def run(
        self, inputs: Mapping[str, Array], valid: Mapping[str, BoolArray]
    ) -> Mapping[str, Array]:
        """Execute the model once."""
        arrays = feed(self._inputs, inputs, valid)
        result = self._request.infer(arrays, share_inputs=True, share_outputs=True)
        return {name: result[index] for index, name in enumerate(self._outputs)}


def _require_pair(file: PolicyFile) -> None:
    """Require OpenVINO's own .xml, and a .bin that begins and ends with its constants.

    OpenVINO reads ONNX under any name, with values in files that no digest covers. And the
    sha256 is that of both files, one after the other: a byte that moves from one to the other
    would not change it, but would shift every weight.
    """
    xml, weights, _ = file.parts
    try:
        net = ElementTree.fromstring(xml)
        places = [each.attrib for each in net.iter('data') if 'offset' in each.attrib]
        end = max((int(at['offset']) + int(at['size']) for at in places), default=0)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise _not_one(file, last_line(error)) from error
    if net.tag != 'net':
        raise _not_one(file, f'its root is <{net.tag}>, not <net>')
    if end != len(weights):
        raise _not_one(file, f'its .bin has {len(weights)} bytes, not {end}')


def _not_one(file: PolicyFile, why: str) -> PolicyError:
    return PolicyError(
        f'{file.path}: is not an OpenVINO model, is damaged, or its .bin is of another one ({why})'
    )


@cache
def the_core() -> openvino.Core:
    """The one OpenVINO core of this process.

    Each CPU plugin gives its thread a stack of its own for signal handlers. Of two that end in the
    order in which they began, the second gives back the first one's, which is no longer there:
    the next signal, such as Ctrl-C, would crash the process. This one never ends.
    """
    return openvino.Core()


def _name(port: Any, known: list[str]) -> str:
    """The known name of a port; converters add others."""
    return next((name for name in known if name in port.names), port.get_any_name())


def _device(core: openvino.Core, name: str) -> str:
    there = [device.lower() for device in core.available_devices]
    if name.lower() not in there:
        raise PolicyError(
            f"device '{name}' is not available to OpenVINO, which has: {', '.join(there)}"
        )
    return name.upper()


def _precision(core: openvino.Core, device: str, options: RuntimeOptions) -> str:
    hint, capability = _PRECISIONS[options.precision]
    there = core.get_property(device, 'OPTIMIZATION_CAPABILITIES')
    if capability not in there:
        can = [name for name, (_, listed) in _PRECISIONS.items() if listed in there]
        raise PolicyError(
            f"precision '{options.precision}' is not in this {device}'s hardware; it has: "
            f'{", ".join(can)}'
        )
    return hint
