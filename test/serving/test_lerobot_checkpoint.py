"""What a LeRobot checkpoint's files say, and what is refused before LeRobot reads them."""

import json
import subprocess

import pytest

from helpers.lerobot_files import write_checkpoint
from neuracore_ros.errors import PolicyError
from neuracore_ros.serving.lerobot.checkpoint import read_lerobot_checkpoint

HUGE = {'type': 'VISUAL', 'shape': [3, 4096, 4096]}


def refusal(folder, **options):
    with pytest.raises(PolicyError) as caught:
        read_lerobot_checkpoint(folder, **options)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_a_checkpoint_tells_what_it_reads_and_predicts(tmp_path):
    found = read_lerobot_checkpoint(write_checkpoint(tmp_path / 'act'))
    assert (found.type, found.observation_steps, found.actions) == ('act', 1, 6)
    assert found.vectors == {'observation.state': 6}
    assert found.cameras == {
        'observation.images.front': (48, 64),
        'observation.images.wrist': (48, 64),
    }
    assert not found.reads_task and found.action_names == ()


@pytest.mark.parametrize('inside', ['.', 'pretrained_model', 'checkpoints/last/pretrained_model'])
def test_the_folder_of_a_run_will_do(tmp_path, inside):
    write_checkpoint(tmp_path / inside)
    assert read_lerobot_checkpoint(tmp_path).folder == tmp_path / inside


def test_the_digest_is_what_the_shell_computes(tmp_path):
    folder = write_checkpoint(tmp_path / 'act')
    (folder / 'policy_preprocessor_step_3.safetensors').write_bytes(b'statistics')
    command = 'LC_ALL=C; sha256sum config.json model.safetensors policy_* | sha256sum'
    shown = subprocess.check_output(command, cwd=folder, shell=True, text=True)
    assert read_lerobot_checkpoint(folder).sha256 == shown.split()[0]


@pytest.mark.parametrize(
    'name',
    ['config.json', 'model.safetensors', 'policy_preprocessor.json', 'policy_x.safetensors'],
)
def test_the_digest_changes_with_every_file_that_decides(tmp_path, name):
    folder = write_checkpoint(tmp_path / 'act')
    (folder / 'policy_x.safetensors').write_bytes(b'a')
    before = read_lerobot_checkpoint(folder).sha256
    is_json = name.endswith('.json')
    other = (folder / name).read_bytes() + b' ' if is_json else (3).to_bytes(8, 'little') + b'{} '
    (folder / name).write_bytes(other)
    changed = read_lerobot_checkpoint(folder).sha256
    (folder / 'README.md').write_text('a card')
    assert before != changed == read_lerobot_checkpoint(folder).sha256


def test_a_step_without_a_registered_name_is_refused_and_not_run(tmp_path):
    mark = tmp_path / 'ran'
    step = {'class': 'subprocess.Popen', 'config': {'args': ['touch', str(mark)]}}
    for side in ('before', 'after'):
        folder = write_checkpoint(tmp_path / side, **{side: [step]})
        assert "names the class 'subprocess.Popen' and no registry_name" in refusal(folder)
    assert not mark.exists()


@pytest.mark.parametrize('name', ['../other.safetensors', '/etc/passwd', 'a/b', 'x' * 300])
def test_a_state_file_lies_in_the_folder(tmp_path, name):
    step = {'registry_name': 'normalizer_processor', 'state_file': name}
    folder = write_checkpoint(tmp_path / 'act', before=[step])
    assert 'state_file must be the name of a file beside it' in refusal(folder)


def test_a_missing_state_file_is_told(tmp_path):
    step = {'registry_name': 'normalizer_processor', 'state_file': 'gone.safetensors'}
    assert 'gone.safetensors is missing' in refusal(write_checkpoint(tmp_path, before=[step]))


@pytest.mark.parametrize(
    ('config', 'said'),
    [
        ({'type': 'tdmpc'}, "a policy of type 'tdmpc' plans by its own value function"),
        ({'use_peft': True}, 'is an adapter (use_peft)'),
        ({'type': 'pi0_fast'}, '--trust-remote-code'),
        ({'type': 7}, 'type must be a text'),
        ({'n_obs_steps': 1000, 'input_features': {'observation.images.a': HUGE}}, 'reads 50 GB'),
        ({'n_obs_steps': 0}, 'n_obs_steps must be an integer of at least 1'),
        ({'output_features': {}}, "must be 'action' alone, is none"),
        (
            {'input_features': {'observation.images.d': {'type': 'VISUAL', 'shape': [1, 4, 4]}}},
            'has 1 channels',
        ),
        ({'input_features': {'a': {'type': 'REWARD', 'shape': [1]}}}, "is of type 'REWARD'"),
        ({'input_features': {'a': {'type': 'STATE', 'shape': ['x']}}}, 'shape must be [numbers]'),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(tmp_path, config, said):
    assert said in refusal(write_checkpoint(tmp_path, config))


def test_code_of_a_base_model_needs_the_users_trust(tmp_path):
    step = {'registry_name': 'any', 'config': {'trust_remote_code': True}}
    folder = write_checkpoint(tmp_path, before=[step])
    assert "the step 'any' runs code" in refusal(folder)
    assert read_lerobot_checkpoint(folder, trust_code=True).type == 'act'


def test_checkpoints_of_old_versions_are_told_how_to_be_moved(tmp_path):
    folder = write_checkpoint(tmp_path)
    (folder / 'policy_preprocessor.json').unlink()
    assert f'migrate_policy_normalization --pretrained-path {folder}' in refusal(folder)


def test_what_is_no_checkpoint_is_told(tmp_path):
    assert 'lacks config.json' in refusal(tmp_path)
    assert 'is not there; give the folder' in refusal(tmp_path / 'lerobot' / 'pi0_base')
    (tmp_path / 'file').write_text('')
    assert 'is a file' in refusal(tmp_path / 'file')
    folder = write_checkpoint(tmp_path / 'act')
    (folder / 'model.safetensors').unlink()
    assert 'lacks model.safetensors' in refusal(folder)


@pytest.mark.parametrize(
    'data',
    [
        b'',
        b'\x02',
        (3).to_bytes(8, 'little') + b'{}',
        (2**62).to_bytes(8, 'little') + b'{}',
        (2).to_bytes(8, 'little') + b'[]',
        (2).to_bytes(8, 'little') + b'{}\0',
        (34).to_bytes(8, 'little') + b'{"a": {"data_offsets": [0, 1000]}}' + b'0' * 999,
    ],
)
def test_weights_that_were_cut_off_are_told(tmp_path, data):
    folder = write_checkpoint(tmp_path / 'act')
    (folder / 'model.safetensors').write_bytes(data)
    assert 'model.safetensors: ' in refusal(folder)
    state = {'registry_name': 'normalizer_processor', 'state_file': 'statistics.safetensors'}
    (folder / 'statistics.safetensors').write_bytes(data)
    folder = write_checkpoint(folder, before=[state])
    assert 'statistics.safetensors: ' in refusal(folder)


def test_what_it_is_built_on_is_told(tmp_path):
    config = {'type': 'smolvla', 'vlm_model_name': 'a/vlm', 'scheduler_name': 'cosine'}
    step = {'registry_name': 'tokenizer_processor', 'config': {'tokenizer_name': 'a/words'}}
    found = read_lerobot_checkpoint(write_checkpoint(tmp_path, config, [step]))
    assert found.bases == {'vlm_model_name': 'a/vlm', 'tokenizer_name': 'a/words'}


@pytest.mark.parametrize('name', ['config.json', 'policy_postprocessor.json'])
@pytest.mark.parametrize('text', ['', '{', '[]', '{"type": "act", "type": "act"}', '\x00'])
def test_damaged_files_are_told(tmp_path, name, text):
    folder = write_checkpoint(tmp_path)
    (folder / name).write_text(text)
    assert name in refusal(folder)


def test_renamed_images_have_the_names_of_the_dataset(tmp_path):
    renamed = {'observation.images.top': 'observation.images.front'}
    step = {
        'registry_name': 'rename_observations_processor',
        'config': {'rename_map': renamed},
    }
    found = read_lerobot_checkpoint(write_checkpoint(tmp_path, before=[step]))
    assert list(found.cameras) == ['observation.images.top', 'observation.images.wrist']


def test_a_camera_that_stands_for_none_is_not_asked_for(tmp_path):
    config = json.loads((write_checkpoint(tmp_path) / 'config.json').read_text())
    inputs = config['input_features']
    inputs['observation.images.empty_camera_0'] = {'type': 'VISUAL', 'shape': [3, 48, 64]}
    found = read_lerobot_checkpoint(write_checkpoint(tmp_path, {'input_features': inputs}))
    assert len(found.cameras) == 2


def test_names_of_actions_are_found_where_a_policy_keeps_them(tmp_path):
    names = ['a', 'b']
    config = {'type': 'pi05', 'action_feature_names': names}
    assert read_lerobot_checkpoint(write_checkpoint(tmp_path, config)).action_names == ('a', 'b')
    step = {'registry_name': 'relative_actions_processor', 'config': {'action_names': names}}
    found = read_lerobot_checkpoint(write_checkpoint(tmp_path, before=[step]))
    assert found.action_names == ('a', 'b')


def test_the_dataset_of_the_training_run_is_told(tmp_path):
    folder = write_checkpoint(tmp_path)
    assert read_lerobot_checkpoint(folder).dataset == ''
    (folder / 'train_config.json').write_text(json.dumps({'dataset': {'repo_id': 'me/cubes'}}))
    assert read_lerobot_checkpoint(folder).dataset == 'me/cubes'


def test_a_language_policy_reads_a_task(tmp_path):
    assert read_lerobot_checkpoint(write_checkpoint(tmp_path, {'type': 'smolvla'})).reads_task
    step = {'registry_name': 'tokenizer_processor'}
    assert read_lerobot_checkpoint(write_checkpoint(tmp_path, before=[step])).reads_task
