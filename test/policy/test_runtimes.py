"""One model as TorchScript, ONNX and OpenVINO: equal, checked alike, and run without torch."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
from test_torchscript import MANIFEST, TARGETS, StandStill, observation

from neuracore_ros.errors import PolicyError
from neuracore_ros.policy import torchscript
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.graph import write_onnx, write_openvino

for _library in ('onnx', 'onnxscript', 'onnxruntime', 'openvino'):
    pytest.importorskip(_library)

FILES = ('policy.pt', 'policy.onnx', 'policy.xml')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('policies')
    manifest = Manifest.from_json(json.dumps(MANIFEST))
    torchscript.save(StandStill(), manifest, path / 'policy.pt')
    write_onnx(StandStill(), manifest, path / 'policy.onnx')
    write_openvino(StandStill(), manifest, path / 'policy.xml')
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


def test_damaged_and_incomplete_files_are_refused_in_one_line(folder, tmp_path):
    whole = (folder / 'policy.onnx').read_bytes()
    (tmp_path / 'half.onnx').write_bytes(whole[: len(whole) // 2])
    assert 'is not an ONNX file, or is damaged' in refusal(tmp_path / 'half.onnx')
    (tmp_path / 'policy.xml').write_bytes((folder / 'policy.xml').read_bytes())
    assert 'lacks policy.bin beside it' in refusal(tmp_path / 'policy.xml')
    assert 'ends in .pt, .onnx or .xml' in refusal(tmp_path / 'policy.pth')


def test_a_precision_or_device_that_is_not_there_is_refused(folder):
    assert 'is unknown' in refusal(folder / 'policy.pt', precision='int8')
    assert 'emulated on a CPU' in refusal(folder / 'policy.pt', precision='float16')
    assert 'in the precision that it holds' in refusal(
        folder / 'policy.onnx', precision='bfloat16'
    )
    for file in FILES:
        assert 'is not available' in refusal(folder / file, device='cuda:99')
