"""`export RUN`: what was trained, as every kind of file, or one line that says why not."""

import json
import shutil
from functools import cache

import numpy as np
import pytest
import torch

from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.policy.load import load_policy

for _library in ('onnx', 'onnxscript', 'onnxruntime', 'openvino'):
    pytest.importorskip(_library)

JOINTS, IMAGES = DataType.JOINT_POSITIONS, DataType.RGB_IMAGES
FILES = {'torchscript': 'out.pt', 'onnx': 'out.onnx', 'openvino': 'out.xml', 'pt2': 'out.pt2'}


def train(dataset, path, policy):
    # Relative, so that what is hardly trained differs by robot already.
    words = ['--policy', policy, '--steps', '12', '--batch', '8', '--horizon', '4', '--relative']
    words += ['--width', '64', '--layers', '1', '--flow-steps', '3']
    assert main(['train', str(dataset), '--out', str(path), *words]) == 0
    return path


@pytest.fixture(scope='module')
def trained(dataset, tmp_path_factory):
    """Makes a short run of a kind of policy, once."""
    folder = tmp_path_factory.mktemp('runs')
    return cache(lambda policy: train(dataset, folder / policy, policy))


@pytest.fixture(scope='module')
def run(trained):
    return trained('mlp')


@pytest.fixture(scope='module')
def converted(tmp_path_factory):
    """Has torch convert each kind of policy to ONNX once: it takes long, and OpenVINO reads it."""
    convert, folder = torch.onnx.export, tmp_path_factory.mktemp('onnx')

    def convert_once(policy):
        def export(module, inputs, path, **options):
            kept = folder / f'{policy}.onnx'
            if not kept.exists():
                convert(module, inputs, kept, **options)
            shutil.copy(kept, path)

        return export

    return convert_once


def masks(manifest):
    """All slots, those of each robot that was trained on, and a robot that nobody has seen."""
    widths = {JOINTS: 3, IMAGES: 2}
    robots = {
        name: {kind: list(robot.input[kind]) for kind in widths}
        for name, robot in manifest.robots.items()
    }
    robots |= {'all': {JOINTS: [0, 1, 2], IMAGES: [0, 1]}, 'blind': {JOINTS: [1], IMAGES: []}}
    return {
        name: {kind: np.isin(np.arange(width), has[kind]) for kind, width in widths.items()}
        for name, has in robots.items()
    }


@pytest.mark.parametrize('form', FILES)
@pytest.mark.parametrize('policy', ['mlp', 'act', 'diffusion'])
def test_every_kind_of_file_predicts_what_the_policy_of_the_run_predicts(
    trained, converted, tmp_path, monkeypatch, capsys, policy, form
):
    run, out = trained(policy), tmp_path / FILES[form]
    monkeypatch.setattr(torch.onnx, 'export', converted(policy))
    capsys.readouterr()
    # A policy file of a run is the run.
    source = run / 'policy.pt' if policy == 'mlp' else run
    words = ['--json'] if form != 'torchscript' else []
    assert main(['export', str(source), '--format', form, '--out', str(out), *words]) == 0
    said = capsys.readouterr().out
    if words:
        assert_figures(json.loads(said), form)
    else:
        assert f'{out}: equals the model on 6 masks (largest difference ' in said
    beside = {'out.bin', 'out.json'} if form == 'openvino' else set()
    assert {path.name for path in tmp_path.iterdir()} == {out.name, *beside}
    wanted, found = load_policy(run / 'policy.pt'), load_policy(out)
    assert found.manifest == wanted.manifest
    rng = np.random.default_rng(1)
    cases = masks(wanted.manifest)
    assert {'long', 'short'} < cases.keys()
    chunks = {}
    for name, valid in cases.items():
        inputs = {
            JOINTS: rng.normal(size=(1, 3)).astype(np.float32),
            IMAGES: rng.integers(0, 256, (1, 2, 32, 32, 3), np.uint8),
        }
        (chunk,) = wanted.predict(inputs, valid).values()
        (chunks[name],) = found.predict(inputs, valid).values()
        np.testing.assert_allclose(chunks[name], chunk, atol=1e-4, err_msg=name)
    assert np.ptp([chunk[0] for chunk in chunks.values()], axis=0).max() > 0.1


def assert_figures(said, form):
    assert said['format'] == form
    assert said['largest_difference'] < 1e-4
    assert {'all slots', "the slots of 'long'", "the slots of 'short'"} < set(said['masks'])
    assert said['latency_ms'].keys() == {'eager', 'torchscript', form}
    assert said['ratio'] > 0


@pytest.mark.parametrize(
    ('words', 'says'),
    [
        ('nowhere --out OUT/a.onnx', 'nowhere: no such run or policy file'),
        ('EMPTY --out OUT/a.onnx', 'holds no run (config.json is missing)'),
        ('UNFINISHED --out OUT/a.onnx', 'has no policy.pt yet; go on with neuracore_ros train'),
        ('OTHER --out OUT/a.onnx', "its weights are not those of an 'act' of this version"),
        ('MAGIC --out OUT/a.onnx', "policy: 'magic' is unknown. Known: act, diffusion, mlp"),
        ('RUN/config.json --out OUT/a.onnx', 'is neither the folder of a run nor a .pt file'),
        ('RUN --out OUT/a.pth', 'a.pth: --out must end in .pt, .onnx, .xml or .pt2'),
        ('RUN --format onnx --out OUT/a.xml', 'a.xml: --out must end in .onnx'),
        ('RUN --out OUT/missing/a.onnx', 'missing: no such folder'),
        ('RUN --out OUT/there.onnx', 'there.onnx: exists; choose another --out'),
        ('RUN --out OUT/there.xml', 'there.bin: exists; choose another --out'),
    ],
)
def test_a_mistake_gets_one_line_and_nothing_is_written(run, tmp_path, capsys, words, says):
    out = tmp_path / 'out'
    out.mkdir()
    for name in ('there.onnx', 'there.bin'):
        (out / name).touch()
    (tmp_path / 'EMPTY').mkdir()
    unfinished = tmp_path / 'UNFINISHED'
    unfinished.mkdir()
    shutil.copy(run / 'config.json', unfinished)
    for name in ('act', 'magic'):
        other = tmp_path / {'act': 'OTHER', 'magic': 'MAGIC'}[name]
        other.mkdir()
        shutil.copy(run / 'policy.pt', other)
        config = json.loads((run / 'config.json').read_text())
        (other / 'config.json').write_text(json.dumps({**config, 'policy': name}))
    capsys.readouterr()

    names = {'RUN': run, 'OUT': out} | {p.name: p for p in tmp_path.iterdir() if p.name.isupper()}
    parts = [word.partition('/') for word in words.split()]
    assert main(['export', *(f'{names.get(a, a)}{slash}{rest}' for a, slash, rest in parts)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert sorted(path.name for path in out.iterdir()) == ['there.bin', 'there.onnx']


@pytest.mark.parametrize(
    ('words', 'says'),
    [
        (['RUN', '--format', 'tflite'], "invalid choice: 'tflite'"),
        (['RUN', '--robot', 'ur5.yaml'], '--robot: a run knows it itself'),
        ([], 'one of the arguments RUN --from-torchscript --from-lerobot is required'),
    ],
)
def test_wrong_usage_ends_with_2(run, tmp_path, capsys, words, says):
    given = [str(run) if word == 'RUN' else word for word in words]
    with pytest.raises(SystemExit) as ended:
        main(['export', *given, '--out', str(tmp_path / 'a.onnx')])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err.splitlines()[-1]
