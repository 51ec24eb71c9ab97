"""The runtime of .pt2 policy files, which torch.export writes; nothing but ATen runs of them."""

from __future__ import annotations

import io
import zipfile

import torch
from torch import Tensor, nn

from neuracore_ros.errors import PolicyError, quoted
from neuracore_ros.policy.archive import MALFORMED, is_bomb
from neuracore_ros.policy.export_graph import ExportGraph
from neuracore_ros.policy.export_schema import dtype_of, integers
from neuracore_ros.policy.file import PolicyFile, RuntimeOptions
from neuracore_ros.policy.manifest import MANIFEST_FILE, Manifest
from neuracore_ros.policy.policy import last_line
from neuracore_ros.policy.signature import INPUTS, VALID, empty_inputs, feed, graph_inputs
from neuracore_ros.policy.torchscript import ModuleRuntime, torch_device, torch_precision
from neuracore_ros.records import Record, RecordOrigin, parse_record

FORMAT = 'archive_format'
PROGRAM = 'models/model.json'
MANIFEST = f'extra/{MANIFEST_FILE}'
# Where a weight is described -> where its bytes are.
_TENSORS = {
    'data/weights/model_weights_config.json': 'data/weights/',
    'data/constants/model_constants_config.json': 'data/constants/',
}
_MACHINE_CODE = 'data/aotinductor/'
# What a torch before 2.8 called the program.
_OLD_PROGRAM = 'serialized_exported_program.json'


class TorchExport(ModuleRuntime):
    """The runtime of a .pt2 file with the inputs of :mod:`neuracore_ros.policy.signature`.

    They are by position, and so are the outputs, in the order of the manifest.

    Raises:
        PolicyError: No such file, more than numbers and operators in it, no manifest, other
            inputs, or a device or precision that is not there.
    """

    def __init__(self, file: PolicyFile, options: RuntimeOptions) -> None:
        device = torch_device(options.device)
        precision = torch_precision(options.precision, device)
        archive = ExportArchive(file)
        manifest = Manifest.from_json(archive.manifest, str(file.path))
        super().__init__(_Unflattened(archive, manifest, device), manifest, device, precision)
        if options.threads > 0:
            torch.set_num_threads(options.threads)


class ExportArchive:
    """The entries of a .pt2 file, of which the pickles are never read.

    Attributes:
        manifest: The text; empty if it has none.
        program: The graph.
    """

    def __init__(self, file: PolicyFile) -> None:
        """Open the archive.

        Raises:
            PolicyError: It is none, or none of torch.export.
        """
        self._file = file
        if is_bomb(file.parts[0]):
            raise self.not_one('its entries unpack to very much more than it holds')
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(file.parts[0]))
        except MALFORMED as error:
            raise self.not_one(last_line(error)) from error
        names = self._archive.namelist()
        self._root = names[0].partition('/')[0] + '/' if names else ''
        self._names = {
            name.removeprefix(self._root) for name in names if name.startswith(self._root)
        }
        if any(name.startswith(_MACHINE_CODE) for name in self._names):
            raise PolicyError(
                f'{file.path}: holds machine code of AOTInductor, which would run when it is '
                'loaded; neuracore_ros export --format pt2 writes a graph'
            )
        if _OLD_PROGRAM in names:
            raise PolicyError(f'{file.path}: is of a torch before 2.8; export it again')
        if self._entry(FORMAT) != b'pt2' or self._entry('byteorder') != b'little':
            raise self.not_one('it is no archive of torch.export')
        self.manifest = self._entry(MANIFEST) if MANIFEST in self._names else b''
        self.program = self._record(PROGRAM)

    def tensors(self, device: torch.device) -> dict[str, Tensor]:
        """All weights and constants by name.

        Raises:
            PolicyError: One is a pickle, or its numbers are not there.
        """
        return {
            name: self._tensor(described, folder).to(device)
            for config, folder in _TENSORS.items()
            for name, described in self._record(config).record('config').records()
        }

    def not_one(self, why: str) -> PolicyError:
        """The error of a file that is not what it should be."""
        return PolicyError(
            f'{self._file.path}: is not a .pt2 file of torch.export, or is damaged ({why}): copy '
            'or export it again'
        )

    def _tensor(self, described: Record, folder: str) -> Tensor:
        name = described.text('path_name')
        shape = described.value('tensor_meta')
        if described.flag('use_pickle') or shape is None:
            raise described.error('is a pickle, which would run code: none of it was run')
        shape = described.record('tensor_meta')
        size, stride = integers(shape, 'sizes'), integers(shape, 'strides')
        start = shape.record('storage_offset').integer('as_int')
        data = bytearray(self._entry(folder + name))
        try:
            flat = torch.frombuffer(data, dtype=dtype_of(shape)) if data else torch.empty(0)
            return flat.to(dtype_of(shape)).as_strided(size, stride, start)
        except (RuntimeError, ValueError, TypeError) as error:
            raise described.error(f'its numbers are not there ({last_line(error)})') from error

    def _record(self, name: str) -> Record:
        return parse_record(
            self._entry(name), RecordOrigin(f'{self._file.path}: {name}', PolicyError)
        )

    def _entry(self, name: str) -> bytes:
        try:
            return self._archive.read(self._root + name)
        except KeyError as error:
            raise self.not_one(f'it lacks {name}') from error
        except (RuntimeError, *MALFORMED) as error:
            raise self.not_one(last_line(error)) from error


class _Unflattened(nn.Module):
    """A graph with the dictionaries of docs/policy_files.md in place of positions."""

    def __init__(self, archive: ExportArchive, manifest: Manifest, device: torch.device) -> None:
        super().__init__()
        self._graph = ExportGraph(archive.program, device)
        self._names = graph_inputs(manifest)
        self._outputs = [kind.value for kind in manifest.output]
        self._require_inputs(archive, manifest)
        tensors = archive.tensors(device)
        if lost := [name for name in self._graph.weights.values() if name not in tensors]:
            raise archive.not_one(f'it lacks the weights of {quoted(lost[0])}')
        self._weights = {name: tensors[of] for name, of in self._graph.weights.items()}

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> dict[str, Tensor]:
        """Run the graph once."""
        given = {f'{INPUTS}{name}': each for name, each in inputs.items()}
        given |= {f'{VALID}{name}': each for name, each in valid.items()}
        results = self._graph.run([given[name] for name in self._names], self._weights)
        return dict(zip(self._outputs, results, strict=True))

    def _require_inputs(self, archive: ExportArchive, manifest: Manifest) -> None:
        wanted = [
            f'{name} {array.dtype} {array.shape}'
            for name, array in feed(self._names, *empty_inputs(manifest)).items()
        ]
        found = [
            f'{name} {str(each.dtype).removeprefix("torch.")} {each.shape}'
            for name, each in zip(self._names, self._graph.inputs, strict=False)
        ]
        if len(self._graph.inputs) != len(wanted):
            raise archive.program.error(
                f'has {len(self._graph.inputs)} inputs; its manifest names {len(wanted)}: '
                f'{", ".join(self._names)}'
            )
        for one, other in zip(found, wanted, strict=True):
            if one != other:
                raise archive.program.error(f'has the input {one}; its manifest says {other}')
        if self._graph.gives != len(self._outputs):
            raise archive.program.error(
                f'gives {self._graph.gives} tensors; its manifest names {len(self._outputs)}: '
                f'{", ".join(self._outputs)}'
            )
