"""Policy files: real TorchScript, also written by hand as an outsider would."""

import json
import sys
import warnings

import numpy as np
import pytest
import torch

from helpers.small_policies import StandStill
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy import torchscript
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import Manifest

JOINTS = DataType.JOINT_POSITIONS
IMAGES = DataType.RGB_IMAGES
TARGETS = DataType.JOINT_TARGET_POSITIONS

MANIFEST = {
    'format': 1,
    'input': {
        'JOINT_POSITIONS': {'width': 3},
        'RGB_IMAGES': {'width': 2, 'image_size': [4, 6]},
    },
    'output': {'JOINT_TARGET_POSITIONS': {'width': 3, 'trained': [0, 1]}},
    'rate_hz': 20.0,
    'horizon': 5,
}


class Silent(torch.nn.Module):
    """Fails on the last slot only, or everywhere."""

    def __init__(self, everywhere: bool):
        super().__init__()
        self.everywhere = everywhere

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        chunk = torch.zeros(1, 5, 3)
        chunk[:, :, 2] = float('nan')
        if self.everywhere:
            chunk[:, 3, 1] = float('inf')
        return {'JOINT_TARGET_POSITIONS': chunk}


class Without:
    """Finds everything but one module."""

    def __init__(self, name: str):
        self.name = name

    def find_spec(self, name, path, target=None):
        if name == self.name:
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)


class InPlace(StandStill):
    """Normalises its inputs in place, and says: stay."""

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        inputs['JOINT_POSITIONS'].sub_(100.0)
        return {'JOINT_TARGET_POSITIONS': torch.zeros(1, self.horizon, 3)}


class Whole(StandStill):
    """Predicts whole numbers, such as ticks of a servo."""

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        chunk = inputs['JOINT_POSITIONS'][:, -1:].repeat(1, self.horizon, 1)
        return {'JOINT_TARGET_POSITIONS': (1000.0 * chunk).long()}


class Wordless(torch.nn.Module):
    """Gives its answer without a name."""

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        return inputs['JOINT_POSITIONS']


def by_hand(path, module, manifest=MANIFEST):
    """A policy file that is written by docs/policy_files.md alone."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.jit.save(
            torch.jit.script(module),
            str(path),
            _extra_files={'neuracore_ros.json': json.dumps(manifest)} if manifest else {},
        )
    return path


def observation():
    inputs = {
        JOINTS: np.array([[0.1, 0.2, 0.3]], np.float32),
        IMAGES: np.zeros((1, 2, 4, 6, 3), np.uint8),
    }
    return inputs, {JOINTS: np.array([True, True, False]), IMAGES: np.array([False, True])}


def test_a_file_written_by_hand_runs(tmp_path):
    policy = load_policy(by_hand(tmp_path / 'policy.pt', StandStill()))
    chunk = policy.predict(*observation())[TARGETS]
    assert chunk.dtype == np.float32
    assert chunk.shape == (5, 3)
    assert np.allclose(chunk, [0.1, 0.2, 0.0])
    assert len(policy.sha256) == 64


def test_what_save_writes_load_reads(tmp_path):
    manifest = Manifest.from_json(json.dumps(MANIFEST))
    torchscript.save(StandStill(), manifest, tmp_path / 'policy.pt')
    policy = load_policy(tmp_path / 'policy.pt', threads=torch.get_num_threads())
    assert policy.manifest == manifest
    assert policy.warm_up() > 0
    assert [path.name for path in tmp_path.iterdir()] == ['policy.pt']


def test_an_input_that_is_left_out_counts_as_absent(tmp_path):
    policy = load_policy(by_hand(tmp_path / 'policy.pt', StandStill()))
    assert not policy.predict({}, {})[TARGETS].any()


def test_a_relative_output_leaves_absolute(tmp_path):
    manifest = json.loads(json.dumps(MANIFEST))
    manifest['output']['JOINT_TARGET_POSITIONS']['mode'] = 'relative'
    policy = load_policy(by_hand(tmp_path / 'policy.pt', StandStill(), manifest))
    assert np.allclose(policy.predict(*observation())[TARGETS][:, :2], [0.2, 0.4])


def test_a_model_that_writes_into_its_inputs_changes_only_its_own(tmp_path):
    manifest = json.loads(json.dumps(MANIFEST))
    manifest['output']['JOINT_TARGET_POSITIONS']['mode'] = 'relative'
    policy = load_policy(by_hand(tmp_path / 'policy.pt', InPlace(), manifest))
    inputs, valid = observation()
    before = inputs[JOINTS].copy()
    chunk = policy.predict(inputs, valid)[TARGETS]
    assert np.array_equal(inputs[JOINTS], before)
    assert np.allclose(chunk[:, :2], before[-1, :2])


def test_a_number_that_is_not_finite_stops_only_where_the_robot_has_the_slot(tmp_path):
    policy = load_policy(by_hand(tmp_path / 'one.pt', Silent(everywhere=False)))
    policy.predict(*observation())  # Index 2 was never trained.
    everywhere = {TARGETS: np.ones(3, bool)}
    with pytest.raises(PolicyError, match=r'JOINT_TARGET_POSITIONS of shape .* nan at index 2'):
        policy.predict(*observation(), output_valid=everywhere)
    policy = load_policy(by_hand(tmp_path / 'all.pt', Silent(everywhere=True)))
    with pytest.raises(PolicyError, match='inf at index 1, step 3'):
        policy.predict(*observation())
    policy.predict(*observation(), output_valid={TARGETS: np.array([True, False, False])})


@pytest.mark.parametrize(
    ('module', 'says'),
    [
        (StandStill(horizon=4), r'JOINT_TARGET_POSITIONS of shape \(1, 4, 3\)'),
        (StandStill(key='JOINTS'), r'gives no JOINT_TARGET_POSITIONS. It gives: JOINTS'),
        (Whole(), r'gives JOINT_TARGET_POSITIONS as int64; it must be float32'),
        (torch.nn.Identity(), 'the model failed: '),
        (Wordless(), r'gives a Tensor, not a Dict\[str, Tensor\]'),
    ],
)
def test_a_model_that_breaks_its_word_is_named(tmp_path, module, says):
    policy = load_policy(by_hand(tmp_path / 'policy.pt', module))
    with pytest.raises(PolicyError, match=says) as refused:
        policy.predict(*observation())
    assert '\n' not in str(refused.value)


def test_an_input_of_a_wrong_shape_is_named(tmp_path):
    policy = load_policy(by_hand(tmp_path / 'policy.pt', StandStill()))
    inputs, valid = observation()
    with pytest.raises(PolicyError, match=r'JOINT_POSITIONS has shape \(1, 2\); .* \(1, 3\)'):
        policy.predict({**inputs, JOINTS: np.zeros((1, 2))}, valid)
    with pytest.raises(PolicyError, match=r'valid JOINT_POSITIONS has shape \(4,\)'):
        policy.predict(inputs, {**valid, JOINTS: np.ones(4, bool)})


def test_a_relative_output_as_the_module_gives_it_is_relative_and_unexamined(tmp_path):
    manifest = json.loads(json.dumps(MANIFEST))
    manifest['output']['JOINT_TARGET_POSITIONS']['mode'] = 'relative'
    inputs, valid = observation()
    inputs[JOINTS][:] = 0.0
    policy = load_policy(by_hand(tmp_path / 'policy.pt', StandStill(add=0.5), manifest))
    assert np.all(policy.predict_as_model(inputs, valid)[TARGETS] == 0.5)
    policy = load_policy(by_hand(tmp_path / 'nan.pt', StandStill(add=float('nan')), manifest))
    assert np.isnan(policy.predict_as_model(inputs, valid)[TARGETS]).all()
    with pytest.raises(PolicyError, match='with nan at index 0, step 0'):
        policy.predict(inputs, valid)


class Watched:
    """Runs another runtime, and keeps what that was given."""

    def __init__(self, runtime):
        self.manifest, self.runtime = runtime.manifest, runtime

    def run(self, inputs, valid):
        self.inputs = inputs
        return self.runtime.run(inputs, valid)


@pytest.mark.parametrize('writeable', [True, False])
def test_a_model_may_write_into_images_that_others_may_only_read(tmp_path, writeable):
    seen = []
    policy = load_policy(by_hand(tmp_path / 'policy.pt', StandStill()))
    policy = policy.run_by(lambda runtime: seen.append(Watched(runtime)) or seen[0])
    inputs, valid = observation()
    inputs[IMAGES].flags.writeable = writeable
    policy.predict(inputs, valid)
    given = seen[0].inputs['RGB_IMAGES']
    assert given.flags.writeable
    # Without a copy where that can be.
    assert np.shares_memory(given, inputs[IMAGES]) == writeable


def test_an_output_relative_to_what_nobody_measures_is_refused(tmp_path):
    manifest = json.loads(json.dumps(MANIFEST))
    manifest['output']['JOINT_TARGET_POSITIONS']['mode'] = 'relative'
    policy = load_policy(by_hand(tmp_path / 'policy.pt', StandStill(), manifest))
    says = 'JOINT_TARGET_POSITIONS is relative to JOINT_POSITIONS, which is no input'
    with pytest.raises(PolicyError, match=says):
        policy.predict({}, {})


def test_a_runtime_that_is_not_installed_is_named_with_its_cure(tmp_path, monkeypatch):
    (tmp_path / 'policy.onnx').write_bytes(b'any')
    monkeypatch.delitem(sys.modules, 'neuracore_ros.policy.onnx', raising=False)
    monkeypatch.setattr('sys.meta_path', [Without('onnxruntime'), *sys.meta_path])
    monkeypatch.delitem(sys.modules, 'onnxruntime', raising=False)
    says = "needs onnxruntime, which is not installed: pip install 'neuracore_ros[onnx]'"
    assert says in refusal(tmp_path / 'policy.onnx')


def refusal(path, **options):
    with pytest.raises(PolicyError) as refused:
        load_policy(path, **options)
    assert '\n' not in str(refused.value)
    return str(refused.value)


def test_a_file_that_is_no_policy_is_refused_in_one_line(tmp_path):
    assert 'no such file' in refusal(tmp_path / 'policy.pt')
    assert 'is a folder' in refusal(tmp_path)
    (tmp_path / 'text.pt').write_text('hello')
    assert 'is not a TorchScript file' in refusal(tmp_path / 'text.pt')
    torch.save(StandStill().state_dict(), tmp_path / 'weights.pt')
    assert 'was written by torch.save, which keeps no code' in refusal(tmp_path / 'weights.pt')
    whole = by_hand(tmp_path / 'whole.pt', StandStill()).read_bytes()
    (tmp_path / 'half.pt').write_bytes(whole[: len(whole) // 2])
    assert 'is not a TorchScript file, or is damaged' in refusal(tmp_path / 'half.pt')


def test_an_absent_or_unknown_manifest_is_refused(tmp_path):
    assert 'has no manifest' in refusal(by_hand(tmp_path / 'bare.pt', StandStill(), None))
    newer = {**MANIFEST, 'format': 7}
    assert 'format 7 is unknown' in refusal(by_hand(tmp_path / 'new.pt', StandStill(), newer))


def test_a_device_that_is_not_there_is_refused(tmp_path):
    path = by_hand(tmp_path / 'policy.pt', StandStill())
    assert "device 'cuda:99' is not available; this machine has: cpu" in refusal(
        path, device='cuda:99'
    )
    assert "device 'gpu' is not available" in refusal(path, device='gpu')


def test_that_torchscript_may_break_is_not_silenced():
    with pytest.warns(DeprecationWarning, match='may break'), torchscript.quiet():
        warnings.warn('`torch.jit.load` is deprecated.', DeprecationWarning, stacklevel=1)
        text = '`torch.jit.load` is not supported in Python 3.14+ and may break.'
        warnings.warn(text, DeprecationWarning, stacklevel=1)
