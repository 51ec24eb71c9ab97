"""One model as every kind of policy file: equal, checked alike, and graphs run without torch."""

import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from test_torchscript import IMAGES, MANIFEST, TARGETS, observation

from helpers.small_policies import StandStill
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy import torchscript
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.graph import write_onnx, write_openvino, write_pt2
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.policies import build

for _library in ('onnxscript', 'onnxruntime', 'openvino'):
    pytest.importorskip(_library)
onnx = pytest.importorskip('onnx')

FILES = ('policy.pt', 'policy.onnx', 'policy.xml', 'policy.pt2')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('policies')
    manifest = Manifest.from_json(json.dumps(MANIFEST))
    torchscript.save(StandStill(), manifest, path / 'policy.pt')
    write_onnx(StandStill(), manifest, path / 'policy.onnx')
    write_openvino(StandStill(), manifest, path / 'policy.xml')
    write_pt2(StandStill(), manifest, path / 'policy.pt2')
    return path


@pytest.mark.parametrize('file', FILES)
def test_every_runtime_predicts_the_same(folder, file):
    policy = load_policy(folder / file, threads=1)
    assert np.allclose(policy.predict(*observation())[TARGETS], [0.1, 0.2, 0.0])
    assert policy.manifest == load_policy(folder / 'policy.pt').manifest


@pytest.mark.parametrize('file', ['policy.onnx', 'policy.xml'])
def test_a_graph_runs_without_torch(folder, file):
    code = (
        'import sys; from neuracore_ros.policy.load import load_policy; '
        f'load_policy({str(folder / file)!r}).warm_up(); assert "torch" not in sys.modules'
    )
    subprocess.run([sys.executable, '-c', code], check=True, timeout=120)


def test_ctrl_c_is_taken_well_after_policies_have_come_and_gone(folder):
    code = (
        'import signal; from neuracore_ros.policy.load import load_policy\n'
        f'policies = [load_policy({str(folder / "policy.xml")!r}) for _ in range(2)]\n'
        'del policies[0], policies[0]\n'
        'try: signal.raise_signal(signal.SIGINT)\n'
        'except KeyboardInterrupt: print("interrupted")'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == 'interrupted\n'


def refusal(path, **options):
    with pytest.raises(PolicyError) as refused:
        load_policy(path, **options)
    assert '\n' not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize('file', FILES)
def test_a_digest_that_was_demanded_is_compared_before_anything_runs(folder, file):
    parts = [folder / file]
    if file == 'policy.xml':
        parts += [folder / 'policy.bin', folder / 'policy.json']
    digest = hashlib.sha256(b''.join(part.read_bytes() for part in parts)).hexdigest()
    assert load_policy(folder / file, sha256=digest.upper()).sha256 == digest
    assert 'which was demanded' in refusal(folder / file, sha256='0' * 64)


@pytest.fixture(scope='module')
def trainable(tmp_path_factory):
    """A policy with weights, unlike the one above, as every kind of file."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('act')
    manifest = Manifest.from_json(json.dumps(MANIFEST))
    options = NetworkOptions(width=64, layers=1)
    module = build('act', manifest, Normalisation.none(manifest), options).eval()
    torchscript.save(module, manifest, path / 'policy.pt')
    write_onnx(module, manifest, path / 'policy.onnx')
    write_openvino(module, manifest, path / 'policy.xml')
    write_pt2(module, manifest, path / 'policy.pt2')
    return path


@pytest.mark.parametrize('share', [0.0, 0.01, 0.5, 0.999])
def test_a_file_that_was_cut_off_is_refused_in_one_line(trainable, tmp_path, share):
    shutil.copytree(trainable, tmp_path, dirs_exist_ok=True)
    for name, says in (
        ('policy.pt', 'is not a TorchScript file, or is damaged'),
        ('policy.onnx', 'is not an ONNX file, or is damaged'),
        ('policy.xml', 'is not an OpenVINO model, is damaged'),
        ('policy.bin', 'or its .bin is of another one'),
        ('policy.pt2', 'is not a .pt2 file of torch.export, or is damaged'),
    ):
        file = tmp_path / name
        whole = file.read_bytes()
        file.write_bytes(whole[: int(share * len(whole))])
        assert says in refusal(file.with_suffix('.xml') if name == 'policy.bin' else file)
        file.write_bytes(whole)
        load_policy(file.with_suffix('.xml') if name == 'policy.bin' else file)


def test_an_openvino_model_needs_the_files_that_were_written_with_it(folder, trainable, tmp_path):
    for name in ('policy.bin', 'policy.json'):
        shutil.copytree(trainable, tmp_path, dirs_exist_ok=True)
        (tmp_path / name).unlink()
        says = f'policy.xml: lacks {name} beside it; copy both together'
        assert says in refusal(tmp_path / 'policy.xml')
    shutil.copytree(trainable, tmp_path, dirs_exist_ok=True)
    shutil.copy(folder / 'policy.bin', tmp_path)
    assert 'or its .bin is of another one' in refusal(tmp_path / 'policy.xml')


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ('', "policy.json: has no manifest ('neuracore_ros.json', see docs/policy_files.md)"),
        ('{"rate_hz": 20}', "policy.json: lacks 'format'. It has: rate_hz"),
        ('{"format": 2}', 'policy.json: format 2 is unknown; this version reads 1'),
        ('{"format": 1', 'policy.json: the manifest is not JSON'),
    ],
)
def test_a_wrong_manifest_beside_a_model_is_refused_in_one_line(folder, tmp_path, text, says):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / 'policy.json').write_text(text)
    assert says in refusal(tmp_path / 'policy.xml')


def test_a_manifest_of_another_model_is_found_by_the_first_prediction(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    joints = {'JOINT_POSITIONS': {'width': 9}}
    wider = {**MANIFEST, 'input': {**MANIFEST['input'], **joints}}
    (tmp_path / 'policy.json').write_text(json.dumps(wider))
    policy = load_policy(tmp_path / 'policy.xml')
    with pytest.raises(PolicyError, match='the model failed: ') as refused:
        policy.warm_up()
    assert '\n' not in str(refused.value)


def test_an_onnx_file_without_a_manifest_and_other_files_are_refused(folder, tmp_path):
    model = onnx.load(folder / 'policy.onnx')
    del model.metadata_props[:]
    onnx.save(model, tmp_path / 'bare.onnx')
    assert 'bare.onnx: has no manifest' in refusal(tmp_path / 'bare.onnx')
    shutil.copy(folder / 'policy.pt', tmp_path / 'other.onnx')
    assert 'is not an ONNX file' in refusal(tmp_path / 'other.onnx')
    assert 'ends in .pt, .onnx, .xml or .pt2' in refusal(tmp_path / 'policy.pth')
    assert 'no such file' in refusal(tmp_path / 'nowhere.xml')


@pytest.mark.parametrize('file', ['policy.pt', 'policy.xml', 'policy.pt2'])
def test_bfloat16_predicts_nearly_the_same(trainable, file):
    if file == 'policy.xml' and 'BF16' not in capabilities():
        pytest.skip('this processor has no bfloat16')
    rng = np.random.default_rng(0)
    inputs, valid = observation()
    inputs = {**inputs, IMAGES: rng.integers(0, 256, inputs[IMAGES].shape, np.uint8)}
    exact = load_policy(trainable / file, threads=1).predict(inputs, valid)[TARGETS]
    rough = load_policy(trainable / file, threads=1, precision='bfloat16')
    difference = np.abs(rough.predict(inputs, valid)[TARGETS] - exact).max()
    # Eight bits: other numbers than float32's, but not by more than some of them.
    assert 0 < difference < 0.05 * max(1.0, np.abs(exact).max())


def test_float16_on_a_processor_without_it_is_refused(trainable):
    for file in ('policy.pt', 'policy.pt2'):
        assert refusal(trainable / file, precision='float16') == (
            "precision 'float16' is emulated on a CPU: use bfloat16 or float32, or device cuda"
        )
    if 'FP16' in capabilities():
        pytest.skip('this processor has float16')
    assert "precision 'float16' is not in this CPU's hardware; it has: float32" in refusal(
        trainable / 'policy.xml', precision='float16'
    )


def capabilities():
    from neuracore_ros.policy.openvino import the_core

    return the_core().get_property('CPU', 'OPTIMIZATION_CAPABILITIES')


@pytest.mark.filterwarnings('ignore:Specified provider')
def test_onnx_runtime_does_not_take_the_cpu_in_the_place_of_a_gpu(folder, monkeypatch):
    # As where it is built for CUDA, and CUDA's libraries are not there.
    import onnxruntime

    there = [*onnxruntime.get_available_providers(), 'CUDAExecutionProvider']
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: there)
    assert 'cannot load its CUDAExecutionProvider' in refusal(
        folder / 'policy.onnx', device='cuda'
    )


def test_a_precision_or_device_that_is_not_there_is_refused(folder):
    assert 'is unknown' in refusal(folder / 'policy.pt', precision='int8')
    assert 'in the precision that it holds' in refusal(
        folder / 'policy.onnx', precision='bfloat16'
    )
    for file in FILES:
        assert 'is not available' in refusal(folder / file, device='cuda:99')
