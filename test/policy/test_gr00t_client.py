"""Policies behind GR00T's servers: held against their server file, asked, and noticed if changed."""

import numpy as np
import pytest

from helpers.gr00t_servers import (
    Gr00tServer,
    So100Policy,
    action_config,
    flat_get_action,
    flat_so100_config,
    modality,
    so100_config,
    to_bytes,
)
from helpers.waiting import wait_until
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError, WireError
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.remote.foreign_server import ForeignServer
from neuracore_ros.policy.remote.gr00t_client import Gr00tClient
from neuracore_ros.policy.remote.gr00t_modalities import Modalities
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.policy.remote.server_options import ServerOptions
from neuracore_ros.wire.npy_packing import unpack_npy

PATIENCE_S = 20.0
DEGREE = 0.0174532925
NESTED = """\
server: gr00t
version: 1.7
rate_hz: 30
horizon: 16
send:
  video:
    front: {RGB_IMAGES: 0, size: [48, 64]}
    wrist: {RGB_IMAGES: 1, size: [48, 64]}
  state:
    single_arm: [{JOINT_POSITIONS: [0, 1, 2, 3, 4], scale: 0.0174532925}]
    gripper: [{PARALLEL_GRIPPER_OPEN_AMOUNTS: 0, scale: 0.01}]
  language: {annotation.human.task_description: LANGUAGE}
receive:
  single_arm: [{JOINT_TARGET_POSITIONS: [0, 1, 2, 3, 4], scale: 0.0174532925}]
  gripper: [{PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: 0, scale: 0.01}]
"""
FLAT = """\
server: gr00t
version: 1.5
rate_hz: 30
horizon: 16
send:
  video.front: {RGB_IMAGES: 0, size: [480, 640]}
  video.wrist: {RGB_IMAGES: 1, size: [480, 640]}
  state.single_arm: [{JOINT_POSITIONS: [0, 1, 2, 3, 4], scale: 0.0174532925}]
  state.gripper: [{PARALLEL_GRIPPER_OPEN_AMOUNTS: 0, scale: 0.01}]
  annotation.human.task_description: LANGUAGE
receive:
  action.single_arm: [{JOINT_TARGET_POSITIONS: [0, 1, 2, 3, 4], scale: 0.0174532925}]
  action.gripper: [{PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: 0, scale: 0.01}]
"""


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / 'so100.server.yaml'
        path.write_text(text)
        return ServerFile.read(path)

    return read


def policy_of(file, server):
    client = Gr00tClient(file, server.address, deadline_s=PATIENCE_S)
    return Policy(ForeignServer(file, client.ask), file.sha256)


def predict(policy):
    """What a policy makes of joints at 0.1 rad, and of an open gripper."""
    steps = policy.manifest.observation_steps
    inputs = {
        kind: np.zeros(policy.manifest.input_shape(kind), kind.dtype)
        for kind in policy.manifest.input
    }
    inputs[DataType.JOINT_POSITIONS][:] = 0.1
    inputs[DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS][:] = 1.0
    inputs[DataType.RGB_IMAGES][:] = np.arange(steps)[:, None, None, None, None]
    text = np.frombuffer(b'pick up the cube', np.uint8)
    inputs[DataType.LANGUAGE][:, 0, : len(text)] = text
    valid = {kind: np.ones(each.width, bool) for kind, each in policy.manifest.input.items()}
    return policy.predict(inputs, valid)


def refusal(read, text, config):
    """Why a policy that is described so is refused."""
    answer = unpack_npy(to_bytes(config))
    with pytest.raises(PolicyError) as error:
        Modalities.read(answer, 'tcp://gpu:5555').require_described_by(read(text))
    assert '\n' not in str(error.value)
    return str(error.value).removeprefix('so100.server.yaml: ')


def test_a_server_of_n1_7_moves_the_arm_as_the_file_says(read):
    with Gr00tServer() as server:
        chunk = predict(policy_of(read(NESTED), So100Policy().served_by(server)))
    wanted = 0.1 + DEGREE * np.arange(16)[:, None] * np.ones(5)
    assert np.allclose(chunk[DataType.JOINT_TARGET_POSITIONS], wanted, atol=1e-6)
    assert np.allclose(chunk[DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS], 1.0)
    assert server.asked == ['get_modality_config', 'get_action']


def test_the_request_is_that_of_gr00t_key_by_key(read):
    with Gr00tServer() as server:
        predict(policy_of(read(NESTED), So100Policy().served_by(server)))
    request = server.requests[-1]
    assert set(request) == {'endpoint', 'data'}
    assert set(request['data']) == {'observation', 'options'}
    observation = request['data']['observation']
    assert observation['video']['front'].shape == (1, 1, 48, 64, 3)
    assert np.allclose(observation['state']['single_arm'], 0.1 / DEGREE)
    assert observation['state']['gripper'].tolist() == [[[100.0]]]
    assert observation['language'] == {'annotation.human.task_description': [['pick up the cube']]}


def test_a_server_of_n1_5_moves_the_arm_as_the_file_says(read):
    with Gr00tServer(is_flat=True) as server:
        server.endpoints['get_modality_config'] = flat_so100_config
        server.endpoints['get_action'] = flat_get_action
        chunk = predict(policy_of(read(FLAT), server))
    wanted = 0.1 + DEGREE * np.arange(16)[:, None] * np.ones(5)
    assert np.allclose(chunk[DataType.JOINT_TARGET_POSITIONS], wanted, atol=1e-6)
    assert chunk[DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS].shape == (16, 1)


def test_two_frames_a_second_apart_are_steps_of_the_observation(read):
    config = so100_config(video=modality(['front', 'wrist'], [-30, 0]))
    text = NESTED + 'steps: {images: [-30, 0]}\n'
    with Gr00tServer() as server:
        policy = policy_of(read(text), So100Policy(config).served_by(server))
        assert policy.manifest.observation_steps == 31
        predict(policy)
    video = server.requests[-1]['data']['observation']['video']['front']
    assert video[0, :, 0, 0, 0].tolist() == [0, 30]


def test_all_texts_of_a_policy_with_several_are_sent(read):
    """As of DROID, whose paraphrases are read in training, and required in every request."""
    keys = ['annotation.a', 'annotation.b']
    text = NESTED.replace(
        '{annotation.human.task_description: LANGUAGE}',
        '{annotation.a: LANGUAGE, annotation.b: LANGUAGE}',
    )
    with Gr00tServer() as server:
        config = so100_config(language=modality(keys, [0]))
        predict(policy_of(read(text), So100Policy(config).served_by(server)))
    texts = server.requests[-1]['data']['observation']['language']
    assert texts == {key: [['pick up the cube']] for key in keys}


def test_a_text_that_never_changes_may_stand_in_the_file(read):
    text = NESTED.replace('LANGUAGE}', "{constant: 'fold the towel'}}")
    with Gr00tServer() as server:
        policy = policy_of(read(text), So100Policy().served_by(server))
        policy.warm_up(1)
    texts = server.requests[-1]['data']['observation']['language']
    assert texts == {'annotation.human.task_description': [['fold the towel']]}


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        (
            {'video': modality(['front', 'wrist', 'top'], [0])},
            "the server reads video 'top', which send lacks. It has: front, wrist",
        ),
        (
            {'video': modality(['front'], [0])},
            "the server reads no 'video: wrist'",
        ),
        (
            {'state': modality(['single_arms', 'gripper'], [0])},
            "the server reads state 'single_arms', which send lacks; did you mean 'single_arm'?",
        ),
        (
            {'video': modality(['front', 'wrist'], [-15, 0])},
            'the server reads video at the steps [-15, 0]; [0] are sent: write steps: '
            '{images: [-15, 0]}',
        ),
        (
            {'state': modality(['single_arm', 'gripper'], [-1, 0])},
            'the server reads state at the steps [-1, 0]; [0] are sent: write steps: '
            '{numbers: [-1, 0]}',
        ),
        (
            {'video': modality(['front', 'wrist'], [0, 1])},
            'the server reads video at the steps [0, 1], which no robot can give it',
        ),
        (
            {'language': modality(['annotation.human.task_description'], [-1, 0])},
            'the server reads language at the steps [-1, 0], which no robot can give it',
        ),
        (
            {'action': modality(['single_arm', 'gripper'], list(range(40)))},
            'horizon is 16, but the server gives 40 rows: write horizon: 40',
        ),
        (
            {'action': modality(['single_arm', 'gripper'], list(range(0, 32, 2)))},
            'the server gives actions for the steps [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, '
            '24, 26, 28, 30]; only steps that follow one another, from now on, can be executed',
        ),
        (
            {'action': modality(['single_arm', 'gripper'], list(range(-1, 15)))},
            'only steps that follow one another, from now on, can be executed',
        ),
        (
            {'action': modality(['single_arm', 'hand'], list(range(16)))},
            "the server gives no 'gripper'. Known: hand, single_arm",
        ),
        (
            {'touch': modality(['fingers'], [0])},
            "the server reads touch 'fingers', which send lacks",
        ),
    ],
)
def test_a_file_that_differs_from_the_server_is_refused_in_one_line(read, changes, said):
    assert said in refusal(read, NESTED, so100_config(**changes))


@pytest.mark.parametrize(
    ('old', 'new', 'said'),
    [
        (
            'annotation.human.task_description: LANGUAGE',
            'annotation.human.task_description: [0.0]',
            'the server reads texts as language, and only there',
        ),
        (
            'gripper: [{PARALLEL_GRIPPER_OPEN_AMOUNTS: 0, scale: 0.01}]',
            'gripper: LANGUAGE',
            'the server reads texts as language, and only there',
        ),
        (
            'gripper: [{PARALLEL_GRIPPER_OPEN_AMOUNTS: 0, scale: 0.01}]',
            'gripper: {constant: [0.0]}',
            'write a constant as a list of columns',
        ),
        (
            'wrist: {RGB_IMAGES: 1, size: [48, 64]}',
            'wrist: [0.0]',
            'the server reads images as video, and only there',
        ),
        (
            'wrist: {RGB_IMAGES: 1, size: [48, 64]}',
            'wrist: {RGB_IMAGES: 1, size: [48, 64], optional: true}',
            'send: video: wrist: the server needs it in every request: remove optional',
        ),
        (
            '{JOINT_TARGET_POSITIONS: [0, 1, 2, 3, 4], scale: 0.0174532925}',
            '{JOINT_TARGET_POSITIONS: [0, 1, 2, 3, 4], scale: 0.0174532925, mode: relative}',
            'receive: single_arm: the server itself adds the state to it: remove mode: relative',
        ),
    ],
)
def test_a_part_of_another_kind_than_the_server_reads_is_refused(read, old, new, said):
    assert old in NESTED
    assert said in refusal(read, NESTED.replace(old, new), so100_config())


def test_a_file_of_another_version_is_refused_with_the_right_one(read):
    assert 'write version: 1.5' in refusal(read, NESTED, flat_so100_config())
    assert 'write version: 1.7' in refusal(read, FLAT, so100_config())


def test_a_difference_to_the_state_that_the_data_hold_is_the_files_to_say(read):
    """With ABSOLUTE, the model gives what the dataset's actions were, differences or not."""
    absolute = [action_config('ABSOLUTE'), action_config('ABSOLUTE')]
    config = so100_config(
        action=modality(['single_arm', 'gripper'], list(range(16)), action_configs=absolute)
    )
    text = NESTED.replace('0.0174532925}]\n  gripper: [{PARALLEL_GRIPPER_T', '0.0174532925, mode: relative}]\n  gripper: [{PARALLEL_GRIPPER_T')  # fmt: skip
    assert 'relative' in text
    Modalities.read(unpack_npy(to_bytes(config)), 'tcp://a:1').require_described_by(read(text))


@pytest.mark.parametrize(
    ('answer', 'said'),
    [
        ({}, "lacks 'action'. It has: nothing"),
        ([], 'must be a JSON object'),
        (None, 'must be a JSON object'),
        ({'action': 1}, 'action: must be a JSON object'),
        ({'action': {}}, 'delta_indices'),
        ({'action': modality([], [])}, 'delta_indices must be a list of at most 10000 steps'),
        ({'action': modality(['arm'], ['0'])}, 'delta_indices must be a list'),
        ({'action': modality(['arm'], [True])}, 'delta_indices must be a list'),
        ({'action': modality(['arm'], [10**6])}, 'delta_indices must be a list'),
        ({'action': modality([1], [0])}, 'modality_keys must be a list of texts'),
        ({'action': modality(['arm'], [0], action_configs=7)}, 'action_configs must be a list'),
        ({'action': modality(['arm'], [0], action_configs=[{}])}, "lacks 'rep'"),
        ({'action': np.zeros(3)}, 'action: must be a JSON object'),
    ],
)
def test_a_description_that_is_none_is_refused_in_one_line(answer, said):
    with pytest.raises(WireError) as error:
        Modalities.read(unpack_npy(to_bytes(answer)), 'tcp://gpu:5555')
    assert str(error.value).startswith('tcp://gpu:5555: the modality config')
    assert said in str(error.value)
    assert '\n' not in str(error.value)


def test_a_server_that_does_not_describe_its_policy_is_refused_at_once(read):
    with Gr00tServer() as server, pytest.raises(WireError, match='get_modality_config'):
        Gr00tClient(read(NESTED), server.address, deadline_s=PATIENCE_S)


def test_a_restarted_server_goes_on_with_the_same_policy_and_never_with_another(read):
    with Gr00tServer() as server:
        client = Gr00tClient(
            read(NESTED), So100Policy().served_by(server).address, deadline_s=PATIENCE_S
        )
        policy = Policy(ForeignServer(read(NESTED), client.ask), '')
        predict(policy)
    wait_until(lambda: not client._connection._link.is_usable())
    with pytest.raises(WireError, match='nothing listens there'):
        predict(policy)
    with Gr00tServer(port=server.port) as other:
        config = so100_config(language=modality(['annotation.human.task_description'], [0, 0]))
        So100Policy(config).served_by(other)
        for _ in range(2):
            with pytest.raises(WireError, match='serves another policy now'):
                predict(policy)
        assert 'get_action' not in other.asked
    with Gr00tServer(port=server.port) as same:
        So100Policy().served_by(same)
        wait_until(lambda: predicts(policy))
        assert same.asked[:2] == ['get_modality_config', 'get_action']


def predicts(policy):
    try:
        return predict(policy)
    except WireError:
        return False


@pytest.mark.parametrize(
    ('spoil', 'said'),
    [
        (lambda action: action | {'single_arm': action['single_arm'][:, :5]}, 'horizon: 5'),
        (lambda action: action | {'single_arm': action['single_arm'][..., :3]}, 'shape'),
        (lambda action: action | {'single_arm': action['single_arm'] * np.nan}, 'nan in row 0'),
        (lambda action: {'gripper': action['gripper']}, "gave no 'single_arm'"),
        (lambda action: 'done', "a text ('done')"),
        (lambda action: action | {'single_arm': [[0.0] * 5] * 16}, 'the file says an array'),
    ],
)
def test_an_answer_that_lies_is_an_error_and_no_motion(read, spoil, said):
    with Gr00tServer() as server:
        policy = policy_of(read(NESTED), So100Policy().served_by(server))
        good = server.endpoints['get_action']
        server.endpoints['get_action'] = lambda **data: [spoil(good(**data)[0]), {}]
        with pytest.raises(PolicyError) as error:
            predict(policy)
        assert said in str(error.value)
        server.endpoints['get_action'] = good
        predict(policy)


def test_an_error_of_the_model_is_told_and_the_next_prediction_is_good(read):
    with Gr00tServer() as server:
        policy = policy_of(read(NESTED), So100Policy().served_by(server))
        good = server.endpoints['get_action']

        def fail(**data):
            raise RuntimeError('CUDA out of memory. Tried to allocate 2.00 GiB\nhint: ...')

        server.endpoints['get_action'] = fail
        with pytest.raises(WireError, match='the server failed: CUDA out of memory'):
            predict(policy)
        server.endpoints['get_action'] = good
        predict(policy)


def test_no_request_ever_ends_the_server(read):
    with Gr00tServer() as server:
        predict(policy_of(read(NESTED), So100Policy().served_by(server)))
        assert 'kill' not in server.asked


def test_a_shipped_server_file_is_a_policy_at_the_address_that_is_given():
    with Gr00tServer(token='secret') as server:
        So100Policy().served_by(server)
        given = ServerOptions(server.address, api_key='secret')
        policy = load_policy('gr00t_n17_so100.server.yaml', server=given)
        policy.warm_up()
        assert policy.is_remote
        assert server.asked == ['get_modality_config', *['get_action'] * 3]
        with pytest.raises(WireError, match='Invalid API token'):
            load_policy('gr00t_n17_so100.server.yaml', server=ServerOptions(server.address))


def test_an_address_of_gr00t_alone_does_not_say_what_its_arrays_mean():
    with pytest.raises(PolicyError, match='give a server file for GR00T'):
        load_policy('tcp://127.0.0.1:5555')
