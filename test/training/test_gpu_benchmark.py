"""benchmarks/gpu.py, which is prepared for a machine with a GPU, in its small form on a CPU."""

import json
import subprocess
import sys

import pytest

from helpers.doc_workspace import ROOT

for _library in ('onnxscript', 'onnxruntime', 'websockets', 'msgpack'):
    pytest.importorskip(_library)


def measure(tmp_path, *words):
    """Run the script; its status, its figures by part, and its page."""
    command = [sys.executable, str(ROOT / 'benchmarks' / 'gpu.py'), '--tiny']
    command += ['--out', str(tmp_path / 'gpu'), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)
    assert 'Traceback' not in done.stdout, done.stderr[-2000:]
    return (
        done.returncode,
        json.loads((tmp_path / 'gpu.json').read_text()),
        (tmp_path / 'gpu.md').read_text(),
    )


def test_predictions_are_timed_and_compared_with_the_cpu(tmp_path):
    code, found, page = measure(tmp_path, '--device', 'cpu', '--only', 'mlp')
    assert code == 0 and found.keys() == {'predict mlp', 'train mlp'}, found
    rows = {(row['file'], row['precision']): row for row in found['predict mlp']['rows']}
    assert rows['.pt', 'float32']['difference'] == 0
    assert 0 < rows['.pt', 'bfloat16']['difference'] < 0.1
    assert rows['.pt2', 'float32']['difference'] < 1e-4
    assert rows['.pt', 'float16']['refused'] == 'float16 is emulated on a CPU'
    assert all(row['p50_ms'] <= row['p99_ms'] for row in rows.values() if 'p50_ms' in row)
    (row, _) = found['train mlp']['rows']
    assert row['steps_per_s'] > 0 and len(row['loss']) == 2
    assert '| mlp | .onnx | float32 |' in page and '**Training**' in page


def test_a_run_goes_on_across_devices(tmp_path):
    code, found, page = measure(tmp_path, '--device', 'cpu', '--only', 'resume')
    assert code == 0, found
    for row in found['resume']['rows']:
        assert row['steps'] == [2, 4, 6] and row['difference'] < 1e-4
    assert '| diffusion | 2, 4, 6 |' in page


def test_a_policy_is_served(tmp_path):
    code, found, page = measure(tmp_path, '--device', 'cpu', '--only', 'serve')
    assert code == 0, found
    (row,) = found['serve']['rows']
    assert row['difference'] < 1e-6 and row['served']['p50_ms'] > 0
    assert '| act |' in page


def test_what_fails_loses_nothing_of_the_others(tmp_path):
    code, found, page = measure(tmp_path, '--device', 'cuda:99', '--only', 'mlp')
    assert code == 1
    assert found.keys() == {'predict mlp', 'train mlp'}
    assert len(found['predict mlp']['rows']) == 7
    says = "PolicyError: device 'cuda:99' is not available"
    assert f'- predict mlp: {says}' in page and '- train mlp: ' in page


def test_when_the_time_is_up_no_part_begins(tmp_path):
    code, found, page = measure(tmp_path, '--device', 'cpu', '--minutes', '0')
    assert code == 0
    assert all(each == {'lost': 'the time was up'} for each in found.values())
    assert '- serve: the time was up' in page
