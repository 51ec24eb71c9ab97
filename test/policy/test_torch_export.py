"""Files of torch.export: what they hold is computed, and nothing else of them ever runs."""

import contextlib
import io
import json
import os
import random
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from test_torchscript import JOINTS, MANIFEST, TARGETS, observation

from helpers.mutations import budget, changed
from helpers.small_policies import StandStill
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy import torchscript
from neuracore_ros.policy.archive import is_bomb
from neuracore_ros.policy.export_graph import ExportGraph
from neuracore_ros.policy.file import PolicyFile
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.signature import empty_inputs, feed, graph_inputs
from neuracore_ros.policy.torch_export import PROGRAM, ExportArchive
from neuracore_ros.policy.torchscript import ModuleRuntime
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.export import compare
from neuracore_ros.training.graph import write_pt2
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.policies import build

WEIGHTS = 'data/weights/model_weights_config.json'
CONSTANTS = 'data/constants/model_constants_config.json'
SAMPLES = 'data/sample_inputs/model.pt'


def manifest_of(**changes):
    return Manifest.from_json(json.dumps(MANIFEST | changes))


@pytest.fixture(scope='module')
def small(tmp_path_factory):
    """A file whose graph is a few operators and one constant."""
    path = tmp_path_factory.mktemp('small') / 'policy.pt2'
    write_pt2(StandStill(add=0.5), manifest_of(), path)
    return path


@pytest.fixture(scope='module')
def networks(tmp_path_factory):
    """Kind of policy -> the module and its file."""
    folder = tmp_path_factory.mktemp('networks')
    found = {}
    for kind in ('mlp', 'act', 'diffusion'):
        torch.manual_seed(0)
        manifest = manifest_of(inpaint=kind == 'diffusion', robot_index={'ur5': 0})
        options = NetworkOptions(width=32, layers=1, flow_steps=2)
        module = build(kind, manifest, Normalisation.none(manifest), options).eval()
        path = folder / f'{kind}.pt2'
        write_pt2(module, manifest, path)
        found[kind] = module, manifest, path
    return found


def entries(path):
    """Name, without the folder that all are in -> bytes."""
    with zipfile.ZipFile(path) as archive:
        return {name.partition('/')[2]: archive.read(name) for name in archive.namelist()}


def written(path, held):
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in held.items():
            archive.writestr(f'policy/{name}', data)
    return path


def edited(small, tmp_path, entry, change):
    """The file with one JSON entry changed."""
    held = entries(small)
    record = json.loads(held[entry])
    change(record)
    return written(tmp_path / 'edited.pt2', held | {entry: json.dumps(record)})


def refusal(path):
    with pytest.raises(PolicyError) as refused:
        load_policy(path)
    assert '\n' not in str(refused.value)
    assert str(refused.value).startswith(str(path))
    return str(refused.value)


def node(record, number=0):
    return record['graph_module']['graph']['nodes'][number]


@pytest.mark.parametrize('kind', ['mlp', 'act', 'diffusion'])
def test_a_graph_computes_what_the_module_and_torch_itself_do(networks, kind):
    module, manifest, path = networks[kind]
    policy = load_policy(path)
    assert policy.manifest == manifest
    assert compare(Policy(ModuleRuntime(module, manifest), ''), policy)[1] < 1e-5
    inputs = feed(graph_inputs(manifest), *empty_inputs(manifest)).values()
    (theirs,) = torch.export.load(path).module()(*map(torch.from_numpy, inputs))
    zeros = {each: np.zeros(manifest.input_shape(each), each.dtype) for each in manifest.input}
    valid = {each: np.ones(slots.width, bool) for each, slots in manifest.input.items()}
    (ours,) = policy.predict(zeros, valid).values()
    assert np.allclose(theirs[0].detach(), ours, atol=1e-5)


def test_a_prediction_leaves_nothing_behind(networks):
    policy = load_policy(networks['diffusion'][2])
    inputs, valid = observation()
    first = policy.predict(inputs, valid)[TARGETS]
    policy.predict({JOINTS: inputs[JOINTS] + 1}, valid)
    assert np.array_equal(policy.predict(inputs, valid)[TARGETS], first)


@pytest.mark.parametrize('kind', ['mlp', 'act', 'diffusion'])
def test_all_of_a_graph_is_on_the_device_that_was_asked_for(networks, kind):
    # The device `meta` has shapes only, and refuses tensors of any other.
    _, manifest, path = networks[kind]
    archive, meta = ExportArchive(PolicyFile.read(path)), torch.device('meta')
    graph = ExportGraph(archive.program, meta)
    tensors = archive.tensors(meta)
    weights = {name: tensors[of] for name, of in graph.weights.items()}
    inputs = feed(graph_inputs(manifest), *empty_inputs(manifest)).values()
    (found,) = graph.run([torch.from_numpy(each).to(meta) for each in inputs], weights)
    assert found.device == meta and found.shape == (1, 5, 3)


class Tied(torch.nn.Module):
    """Weights that share memory: one transposed, one a part, one repeated."""

    def __init__(self):
        super().__init__()
        whole = torch.arange(9.0).reshape(3, 3)
        self.register_buffer('whole', whole)
        self.register_buffer('turned', whole.t())
        self.register_buffer('part', whole[1:, 1:].sum().expand(3))
        self.register_buffer('row', whole[2])

    def forward(self, inputs, valid):
        newest = inputs['JOINT_POSITIONS'][:, -1] @ self.whole @ self.turned + self.part + self.row
        return {'JOINT_TARGET_POSITIONS': newest[:, None].repeat(1, 5, 1)}


def test_weights_that_share_memory_are_read_as_they_are(tmp_path):
    write_pt2(Tied(), manifest_of(), tmp_path / 'tied.pt2')
    inputs, valid = observation()
    wanted = Policy(ModuleRuntime(Tied(), manifest_of()), '').predict(inputs, valid)[TARGETS]
    assert np.allclose(load_policy(tmp_path / 'tied.pt2').predict(inputs, valid)[TARGETS], wanted)


class ByPosition(torch.nn.Module):
    """What docs/policy_files.md says of a graph, written by a stranger."""

    def forward(self, joints, images, has_joint, has_image):
        return (
            joints[:, -1:]
            .repeat(1, 5, 1)
            .masked_fill(~has_joint[:, None], -float('inf'))
            .clamp(-1, 1),
        )


def test_a_file_that_a_stranger_wrote_by_torch_export_runs(tmp_path):
    examples = (
        torch.zeros(1, 1, 3),
        torch.zeros(1, 1, 2, 4, 6, 3, dtype=torch.uint8),
        torch.ones(1, 3, dtype=torch.bool),
        torch.ones(1, 2, dtype=torch.bool),
    )
    program = torch.export.export(ByPosition(), examples)
    path = tmp_path / 'theirs.pt2'
    torch.export.save(program, path, extra_files={'neuracore_ros.json': json.dumps(MANIFEST)})
    assert np.allclose(load_policy(path).predict(*observation())[TARGETS], [0.1, 0.2, -1.0])
    torch.export.save(program, path)
    assert 'has no manifest' in refusal(path)


# What would run code


class Malice:
    """Makes a folder when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def evil(trace):
    data = io.BytesIO()
    torch.save((Malice(trace), {}), data)
    return data.getvalue()


def test_our_own_files_hold_no_pickle_and_no_path_of_this_computer(networks):
    for _, _, path in networks.values():
        held = entries(path)
        assert held[SAMPLES] == b''
        assert b'pickle": true' not in held[WEIGHTS] + held[CONSTANTS]
        assert not re.search(rb'\.py|/home|/work', b''.join(held.values()))


def test_the_pickle_of_the_examples_is_never_read(small, tmp_path):
    trace = tmp_path / 'trace'
    path = written(tmp_path / 'evil.pt2', entries(small) | {SAMPLES: evil(trace)})
    assert np.allclose(load_policy(path).predict(*observation())[TARGETS], [0.6, 0.7, 0.5])
    assert not trace.exists()
    with contextlib.suppress(TypeError):  # Of a log message of its own.
        torch.export.load(path)
    assert trace.exists(), 'torch itself reads it: the malice of this test works'


@pytest.mark.parametrize('entry', [WEIGHTS, CONSTANTS])
def test_a_weight_that_is_a_pickle_is_refused_and_not_read(networks, tmp_path, entry):
    _, _, path = networks['act']
    trace = tmp_path / 'trace'
    config = json.loads(entries(path)[entry])['config']
    name, described = next(iter(config.items()))
    described['use_pickle'] = True
    place = f'{Path(entry).parent}/{described["path_name"]}'
    held = {place: evil(trace), entry: json.dumps({'config': config})}
    says = refusal(written(tmp_path / 'evil.pt2', entries(path) | held))
    assert f'{entry}: config: {name}: is a pickle, which would run code: none of it was' in says
    assert not trace.exists()


@pytest.mark.parametrize(
    ('target', 'says'),
    [
        ('torch.os.system', 'is no operator of this ATen'),
        ('torch.hub.load', 'is no operator of this ATen'),
        ('torch.ops.higher_order.wrap_with_set_grad_enabled', 'is no operator of this ATen'),
        ('torch.ops.aten.repeat', 'is no operator of this ATen'),
        ('torch.ops.aten.__class__.mro', 'is no operator of this ATen'),
        ('torch.ops.prim.Print.default', 'is no operator of this ATen'),
        ('_operator.getitem', 'is no operator of this ATen'),
        ('#extension:anything', 'is no operator of this ATen'),
        ('torch.ops.aten._reshape_alias.default', 'is private to ATen'),
        ('torch.ops.aten._unsafe_index.Tensor', 'is private to ATen'),
        ('torch.ops.aten.save.default', 'does more than give tensors'),
        ('torch.ops.aten.add_.Tensor', 'does more than give tensors'),
        ('torch.ops.aten.item.default', 'does more than give tensors'),
        ('torch.ops.aten.from_file.default', 'has no argument'),
    ],
)
def test_a_target_that_is_no_operator_of_numbers_is_refused(small, tmp_path, target, says):
    path = edited(small, tmp_path, PROGRAM, lambda record: node(record).update(target=target))
    message = refusal(path)
    assert says in message and 'nodes[0]' in message


def test_an_operator_that_opens_a_file_is_refused(small, tmp_path):
    def change(record):
        first = node(record)
        first['target'] = 'torch.ops.aten.from_file.default'
        shared = {'name': 'shared', 'arg': {'as_bool': True}, 'kind': 1}
        size = {'name': 'size', 'arg': {'as_int': 3}, 'kind': 1}
        name = {'name': 'filename', 'arg': {'as_string': str(tmp_path / 'made')}, 'kind': 1}
        first['inputs'] = [name, shared, size]

    assert 'aten.from_file.default the text' in refusal(edited(small, tmp_path, PROGRAM, change))
    assert not (tmp_path / 'made').exists()


def code_in_guards(record, code):
    record['guards_code'] = [code]


def code_in_a_name(record, code):
    text = json.dumps(record).replace('"tensors_0"', json.dumps(f'x={code}'))
    record.update(json.loads(text))


def code_in_metadata(record, code):
    node(record)['metadata'] = {'source_fn_stack': f'a,{code}', 'custom': code}


@pytest.mark.parametrize('hide', [code_in_guards, code_in_a_name, code_in_metadata])
def test_code_in_places_that_torch_would_run_is_not_looked_at(small, tmp_path, hide):
    trace = tmp_path / 'trace'
    code = f"__import__('os').mkdir({str(trace)!r})"
    path = edited(small, tmp_path, PROGRAM, lambda record: hide(record, code))
    assert np.allclose(load_policy(path).predict(*observation())[TARGETS], [0.6, 0.7, 0.5])
    assert not trace.exists()


def test_an_expression_in_place_of_a_size_is_refused(small, tmp_path):
    def change(record):
        sizes = record['graph_module']['graph']['tensor_values']['tensors_0']['sizes']
        sizes[0] = {'as_expr': {'expr_str': "__import__('os').getcwd()", 'hint': None}}

    assert "sizes[0]: lacks 'as_int'" in refusal(edited(small, tmp_path, PROGRAM, change))


# What is something else, or damaged


def test_machine_code_of_aotinductor_is_refused_by_name(small, tmp_path):
    held = {'archive_format': b'pt2', 'data/aotinductor/model/a.so': b'\x7fELF'}
    says = refusal(written(tmp_path / 'aoti.pt2', held))
    assert 'holds machine code of AOTInductor, which would run when it is loaded' in says


def test_other_files_under_this_name_are_refused(tmp_path):
    torchscript.save(StandStill(), manifest_of(), tmp_path / 'script.pt2')
    assert 'is not a .pt2 file of torch.export' in refusal(tmp_path / 'script.pt2')
    torch.save(torch.zeros(3), tmp_path / 'saved.pt2')
    assert 'is not a .pt2 file of torch.export' in refusal(tmp_path / 'saved.pt2')
    for name, data in {'empty': b'', 'text': b'hello', 'zip': b'PK\x05\x06' + bytes(18)}.items():
        (tmp_path / f'{name}.pt2').write_bytes(data)
        assert 'is not a .pt2 file of torch.export' in refusal(tmp_path / f'{name}.pt2')
    with zipfile.ZipFile(tmp_path / 'old.pt2', 'w') as archive:
        archive.writestr('serialized_exported_program.json', '{}')
    assert 'is of a torch before 2.8; export it again' in refusal(tmp_path / 'old.pt2')


def test_an_archive_that_unpacks_to_very_much_is_refused(small, tmp_path):
    held = entries(small)
    with zipfile.ZipFile(tmp_path / 'bomb.pt2', 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, data in held.items():
            archive.writestr(f'policy/{name}', data)
        archive.writestr('policy/data/more', bytes(1 << 27))
    assert is_bomb(tmp_path / 'bomb.pt2')
    assert 'unpack to very much more' in refusal(tmp_path / 'bomb.pt2')


def test_any_byte_of_the_weights_that_was_changed_is_found(networks, tmp_path):
    whole = networks['act'][2].read_bytes()
    chance = random.Random(0)
    for _ in range(budget(20)):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole) // 2)] ^= 0x10
        (tmp_path / 'damaged.pt2').write_bytes(damaged)
        try:
            load_policy(tmp_path / 'damaged.pt2')  # What nobody reads may have any value.
        except PolicyError as error:
            assert '\n' not in str(error)
            continue
        with zipfile.ZipFile(io.BytesIO(damaged)) as archive:
            assert archive.testzip() in (None, f'archive/{SAMPLES}')


def test_a_manifest_of_another_model_is_refused_when_it_is_loaded(small, tmp_path):
    for manifest, says in (
        (
            {'input': MANIFEST['input'] | {'JOINT_POSITIONS': {'width': 9}}},
            '(1, 1, 3); its manifest',
        ),
        (
            {'robot_index': {'ur5': 0}},
            'has 4 inputs; its manifest names 5: inputs.JOINT_POSITIONS',
        ),
        ({'output': MANIFEST['output'] | {'VISUAL': {'width': 1}}}, 'VISUAL'),
        (
            {'output': MANIFEST['output'] | {'CUSTOM_1D': {'width': 1}}},
            'gives 1 tensors; its manifest names 2',
        ),
    ):
        held = entries(small) | {'extra/neuracore_ros.json': json.dumps(MANIFEST | manifest)}
        assert says in refusal(written(tmp_path / 'other.pt2', held))


def test_another_schema_is_refused(small, tmp_path):
    path = edited(
        small, tmp_path, PROGRAM, lambda record: record['schema_version'].update(major=9)
    )
    assert 'has schema 9; this version reads 8' in refusal(path)


@pytest.mark.parametrize('entry', [PROGRAM, WEIGHTS, CONSTANTS])
def test_whatever_the_json_says_the_file_is_loaded_or_refused_in_one_line(
    networks, tmp_path, entry
):
    held = entries(networks['mlp'][2])
    record, chance = json.loads(held[entry]), random.Random(0)
    if entry == PROGRAM:  # Its nodes are most of it.
        del record['graph_module']['graph']['nodes'][12:]
    refused = 0
    for _ in range(budget(60)):
        spoilt = json.dumps(changed(record, chance)).encode('utf-8', 'surrogatepass')
        path = written(tmp_path / 'spoilt.pt2', held | {entry: spoilt})
        try:
            load_policy(path)
        except PolicyError as error:
            assert '\n' not in str(error)
            refused += 1
    assert refused
