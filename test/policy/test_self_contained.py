"""The bytes that were hashed are all that runs: no policy file takes values from elsewhere."""

import json
import shutil

import numpy as np
import pytest
from test_torchscript import MANIFEST

from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import MANIFEST_FILE, Manifest
from neuracore_ros.training.graph import write_onnx, write_openvino
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.policies import build

for _library in ('onnxscript', 'onnxruntime', 'openvino'):
    pytest.importorskip(_library)
onnx = pytest.importorskip('onnx')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A policy with weights, as graphs."""
    path = tmp_path_factory.mktemp('policies')
    manifest = Manifest.from_json(json.dumps(MANIFEST))
    module = build('mlp', manifest, Normalisation.none(manifest)).eval()
    write_onnx(module, manifest, path / 'policy.onnx')
    write_openvino(module, manifest, path / 'policy.xml')
    return path


def refusal(path):
    with pytest.raises(PolicyError) as refused:
        load_policy(path)
    assert '\n' not in str(refused.value)
    return str(refused.value)


def test_an_onnx_file_with_weights_in_another_file_is_refused(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load_policy(folder / 'policy.onnx')
    model = onnx.load(folder / 'policy.onnx')
    onnx.save(
        model, 'model.onnx', save_as_external_data=True, location='weights', size_threshold=0
    )
    assert refusal(tmp_path / 'model.onnx') == (
        f'{tmp_path}/model.onnx: keeps values in other files, which its sha256 does not cover: '
        'write it as one file (onnx.save without external data)'
    )


def tensor(location):
    made = onnx.numpy_helper.from_array(np.ones(2, np.float32), 'w')
    made.ClearField('raw_data')
    made.data_location = onnx.TensorProto.EXTERNAL
    made.external_data.add(key='location', value=location)
    return made


def in_constant(model, value):
    model.graph.node.add(op_type='Constant', output=['w']).attribute.add(
        name='value', type=onnx.AttributeProto.TENSOR, t=value
    )


def in_branch(model, value):
    branch = onnx.helper.make_graph([], 'branch', [], [], [value])
    model.graph.node.add(op_type='If', output=['w']).attribute.add(
        name='then_branch', type=onnx.AttributeProto.GRAPH, g=branch
    )


def in_function(model, value):
    function = model.functions.add(name='f', domain='d')
    function.node.add(op_type='Constant', output=['w']).attribute.add(name='value', t=value)


def in_sparse_initializer(model, value):
    model.graph.sparse_initializer.add(values=value)


def in_list_of_tensors(model, value):
    model.graph.node.add(op_type='Any').attribute.add(name='values').tensors.append(value)


PLACES = [in_constant, in_branch, in_function, in_sparse_initializer, in_list_of_tensors]


@pytest.mark.parametrize('location', ['weights', '../weights', '/etc/passwd'])
@pytest.mark.parametrize('put', PLACES)
def test_wherever_a_tensor_of_another_file_is_it_is_found(folder, tmp_path, put, location):
    model = onnx.load(folder / 'policy.onnx')
    put(model, tensor(location))
    (tmp_path / 'model.onnx').write_bytes(model.SerializeToString())
    assert 'keeps values in other files' in refusal(tmp_path / 'model.onnx')


def test_an_onnx_file_under_the_name_of_an_openvino_model_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    shutil.copy(tmp_path / 'policy.onnx', tmp_path / 'policy.xml')
    assert 'is not an OpenVINO model' in refusal(tmp_path / 'policy.xml')
    for text in ('<model/>', '<?xml version="1.0"?><a><net/></a>', ''):
        (tmp_path / 'policy.xml').write_text(text)
        assert 'is not an OpenVINO model' in refusal(tmp_path / 'policy.xml')


@pytest.mark.parametrize('count', [-1, 1, 4, 64])
def test_bytes_that_move_between_the_files_of_a_model_do_not_go_unnoticed(folder, tmp_path, count):
    # Their digest, that of one file after the other, stays the same; every weight is another.
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    xml, weights = tmp_path / 'policy.xml', tmp_path / 'policy.bin'
    both = xml.read_bytes() + weights.read_bytes()
    end = xml.stat().st_size + count
    xml.write_bytes(both[:end])
    weights.write_bytes(both[end:])
    assert 'is not an OpenVINO model, ' in refusal(xml)


def test_a_model_of_onnx_runtime_alone_and_damaged_ones_are_refused(folder, tmp_path):
    whole = (folder / 'policy.onnx').read_bytes()
    for data in (b'\x18\0\0\0ORTM' + bytes(64), whole[:-3], b'\x0b' + whole, b'\xff' * 20):
        (tmp_path / 'model.onnx').write_bytes(data)
        assert 'is not an ONNX file, or is damaged' in refusal(tmp_path / 'model.onnx')


def test_a_manifest_stays_readable(folder):
    model = onnx.load(folder / 'policy.onnx')
    assert [each.key for each in model.metadata_props] == [MANIFEST_FILE]
