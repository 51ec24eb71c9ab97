"""A chunk has the rows that LeRobot's own loop executes, for each policy that builds offline."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from helpers.lerobot_files import FILE, NAMES, SO101, write_dataset
from helpers.lerobot_processes import run_script, served
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.policy.load import load_policy

KINDS = ('act', 'diffusion', 'vqbet', 'multi_task_dit', 'smolvla', 'xvla')
KINDS += ('diffusion_now', 'vqbet_now')  # without a memory
SEED, TASK = 7, 'put the cube into the bowl'
DEGREE = np.pi / 180


@pytest.fixture(scope='module')
def folder(tmp_path_factory, lerobot_server_python):
    """Checkpoints of every kind, a dataset's names, and a robot."""
    folder = tmp_path_factory.mktemp('lerobot')
    words = [word for kind in KINDS for word in (kind, folder / kind)]
    run_script(lerobot_server_python, 'lerobot_policy_writer', *words)
    (folder / 'so101.yaml').write_text(SO101)
    write_dataset(folder / 'data', *2 * ([f'{name}.pos' for name in NAMES],))
    return folder


@pytest.fixture(scope='module')
def compared(folder, lerobot_server_python):
    lines = run_script(
        lerobot_server_python, 'lerobot_chunk_check', *(folder / kind for kind in KINDS)
    )
    found = [json.loads(line) for line in lines.splitlines() if line.startswith('{')]
    return {each['name']: each for each in found}


@pytest.mark.parametrize('kind', KINDS)
def test_a_chunk_is_what_lerobot_executes(compared, kind):
    found = compared[kind]
    assert found['difference'] == 0.0
    assert found['moved'] > 1.0  # Rows differ, so that another one would be noticed.
    assert found['rows'] <= found['horizon']


@pytest.mark.parametrize('kind', KINDS)
def test_nothing_is_left_of_a_request_in_the_next(compared, kind):
    assert compared[kind]['repeated'] == 0.0


def test_policies_read_as_many_steps_as_they_were_trained_on(compared):
    steps = {kind: compared[kind]['steps'] for kind in KINDS}
    several = {'diffusion': 2, 'vqbet': 5, 'multi_task_dit': 2}
    assert steps == dict.fromkeys(KINDS, 1) | several


@pytest.mark.parametrize('kind', ['act', 'diffusion', 'smolvla'])
def test_a_served_chunk_is_the_same(compared, folder, lerobot_server_python, kind):
    words = ['--lerobot', folder / kind, '--robot', folder / 'so101.yaml', '--units', 'degrees']
    words += ['--dataset', folder / 'data', '--seed', SEED, '--task', TASK]
    known = np.load(folder / kind / 'executed.npz')
    with served(lerobot_server_python, *words) as ready:
        policy = load_policy(ready['address'])
        assert policy.sha256 == ready['sha256']
        chunks = policy.predict(*observed(known))
    wanted = known['actions']
    joints = chunks[DataType.JOINT_TARGET_POSITIONS][: len(wanted)]
    opening = chunks[DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS][: len(wanted)]
    # float32 of degrees up to a hundred, and what a slot's rounding makes of an input.
    assert np.abs(joints - wanted[:, :5] * DEGREE).max() < 2e-6
    assert np.abs(opening - wanted[:, 5:] / 100).max() < 1e-6


def test_the_robots_own_task_is_what_the_policy_reads(compared, folder, lerobot_server_python):
    told = SO101.replace('  RGB_IMAGES: [', '  LANGUAGE: [task]\n  RGB_IMAGES: [')
    (folder / 'told.yaml').write_text(told)
    words = ['--lerobot', folder / 'smolvla', '--robot', folder / 'told.yaml', '--seed', SEED]
    words += ['--units', 'degrees', '--dataset', folder / 'data']
    known = np.load(folder / 'smolvla' / 'executed.npz')
    inputs, valid = observed(known)
    valid[DataType.LANGUAGE] = np.ones(1, bool)
    with served(lerobot_server_python, *words) as ready:
        policy = load_policy(ready['address'])
        actions = []
        for task in (TASK, 'cube cube cube cube'):
            text = np.zeros((1, 1, policy.manifest.text_bytes), np.uint8)
            text[0, 0, : len(task)] = list(task.encode())
            inputs[DataType.LANGUAGE] = text
            actions.append(policy.predict(inputs, valid)[DataType.JOINT_TARGET_POSITIONS][:4])
    difference = np.abs(np.stack(actions) - known['actions'][:, :5] * DEGREE).max(axis=(1, 2))
    assert difference[0] < 2e-6 < difference[1]


def test_a_server_file_says_the_same(compared, folder, lerobot_server_python, tmp_path):
    known = np.load(folder / 'act' / 'executed.npz')
    (tmp_path / 'act.server.yaml').write_text(FILE)
    words = ['--lerobot', folder / 'act', '--map', tmp_path / 'act.server.yaml']
    with served(lerobot_server_python, *words) as ready:
        chunks = load_policy(ready['address']).predict(*observed(known))
    joints = chunks[DataType.JOINT_TARGET_POSITIONS][:5]
    assert np.abs(joints - known['actions'][:, :5] * DEGREE).max() < 2e-6


def observed(known):
    """The same steps in the robot's slots."""
    state = known['observation.state']
    images = [known[name] for name in sorted(known) if name.startswith('observation.images')]
    inputs = {
        DataType.JOINT_POSITIONS: (state[:, :5] * DEGREE).astype(np.float32),
        DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS: (state[:, 5:] / 100).astype(np.float32),
        DataType.RGB_IMAGES: np.stack(images, axis=1),
    }
    return inputs, {kind: np.ones(array.shape[1], bool) for kind, array in inputs.items()}


def test_check_shows_which_number_is_which_slot(folder, lerobot_server_python, capsys):
    words = ['--lerobot', folder / 'act', '--robot', folder / 'so101.yaml', '--units', 'degrees']
    with served(lerobot_server_python, *words, '--dataset', folder / 'data') as ready:
        manifest = load_policy(ready['address']).manifest
        main(['check', ready['address'], str(folder / 'so101.yaml')])
    shown = capsys.readouterr().out
    gripper = "'gripper.pos' <- PARALLEL_GRIPPER_OPEN_AMOUNTS 0 'gripper'"
    assert f'observation.state[5] {gripper}, slot = 0.01 * server' in shown
    assert "action[0] 'shoulder_pan.pos' -> JOINT_TARGET_POSITIONS 0 'shoulder_pan'" in shown
    assert "observation.images.wrist <- RGB_IMAGES 1 'wrist', 64 x 48 px" in shown
    # What training saw, by the statistics, in radians.
    joints = manifest.input[DataType.JOINT_POSITIONS]
    assert joints.required == (0, 1, 2, 3, 4)
    assert all(
        -60 * DEGREE <= low < high
        for low, high in zip(joints.minimum, joints.maximum, strict=True)
    )
    assert list(manifest.robots) == ['so101']
    assert manifest.dataset == 'LeRobot act'


@pytest.fixture
def spoilt(folder, tmp_path):
    """Copies a checkpoint, and changes files of it."""

    def copy(kind='act', config=None, **changes):
        to = Path(
            shutil.copytree(folder / kind, tmp_path / f'{kind}{len(list(tmp_path.iterdir()))}')
        )
        if config:
            path = to / 'config.json'
            path.write_text(json.dumps(json.loads(path.read_text()) | config))
        for name, change in changes.items():
            path = to / name.replace('__', '.')
            path.write_bytes(change(path.read_bytes()))
        return to

    return copy


def test_what_cannot_be_loaded_is_told_in_one_line(spoilt, folder, lerobot_server_python):
    half = spoilt(model__safetensors=lambda data: data[: len(data) // 2])
    cases = [
        (half, {}, 'it was not copied whole'),
        (spoilt(config={'type': 'ackt'}), {}, "no policy of type 'ackt'; did you mean 'act'?"),
        (spoilt(config={'chunk_size': 'x'}), {}, "`chunk_size`: Couldn't parse 'x'"),
        (spoilt(config={'dim_model': 64}), {}, 'LeRobot cannot load the policy of type act'),
        (spoilt(config={'n_encoder_layers': 3}), {}, 'lacks model.encoder.layers.1'),
        (folder / 'act', {'device': 'cuda:77'}, "device 'cuda:77' is not available"),
        (folder / 'act', {'device': 'gpu'}, "device 'gpu' is not available"),
        (folder / 'act', {'settings': {'n_action_step': '3'}}, "did you mean 'n_action_steps'?"),
        (folder / 'act', {'settings': {'n_obs_steps': '2'}}, 'belongs to the weights'),
        (folder / 'act', {'settings': {'n_action_steps': 'many'}}, "Couldn't parse 'many'"),
        (folder / 'smolvla', {'tokenizer': '/nowhere'}, 'tokenizer_name=/nowhere'),
        (
            folder / 'smolvla',
            {'settings': {'vlm_model_name': 'no/such'}},
            'vlm_model_name=no/such',
        ),
    ]
    asked = [{'folder': str(path), 'options': options} for path, options, _ in cases]
    said = json.loads(
        run_script(lerobot_server_python, 'lerobot_refusals', json.dumps(asked)).splitlines()[-1]
    )
    for (path, options, wanted), text in zip(cases, said, strict=True):
        assert wanted in text, (path, options, text)
        assert '\n' not in text
