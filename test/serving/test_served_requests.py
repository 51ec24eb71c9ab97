"""Requests to a server: what is taken, and what is refused in one line while all goes on."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from helpers.served import client, packed, serving
from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.policy import Policy

JOINTS = np.linspace(0.1, 0.3, 3).astype(np.float32)
IMAGES = (np.arange(2 * 8 * 16 * 3) % 256).astype(np.uint8).reshape(2, 8, 16, 3)
HAND = np.array([[0.1, 0.2, 0.3, 0.0, 0.0, 0.0, 1.0]], np.float32)
GOOD = {'JOINT_POSITIONS': JOINTS}


class Recorder:
    """A runtime that keeps what it is given, and repeats the joints."""

    def __init__(self, manifest):
        self.manifest, self.fail, self.seen = manifest, '', []

    def run(self, inputs, valid):
        self.seen.append((inputs, valid))
        if self.fail:
            raise RuntimeError(self.fail)
        newest = inputs['JOINT_POSITIONS'][:, -1:]
        return {'JOINT_TARGET_POSITIONS': np.repeat(newest, self.manifest.horizon, axis=1)}


MANIFEST = Manifest(
    input={
        DataType.JOINT_POSITIONS: InputSlots(3, (0, 1, 2)),
        DataType.END_EFFECTOR_POSES: InputSlots(1, (0,)),
        DataType.RGB_IMAGES: InputSlots(2, (0, 1), image_size=(8, 16)),
        DataType.DEPTH_IMAGES: InputSlots(1, (0,), image_size=(8, 16)),
        DataType.LANGUAGE: InputSlots(1, (0,), length=32),
    },
    output={DataType.JOINT_TARGET_POSITIONS: OutputSlots(3, (0, 1, 2))},
    rate_hz=20.0,
    horizon=4,
    robot_index={'franka': 0, 'ur5': 3},
)


@pytest.fixture
def runtime():
    return Recorder(MANIFEST)


@pytest.fixture
def stranger(runtime):
    with serving(Policy(runtime, 'f' * 64)) as server, client(server.address) as found:
        yield found


def test_the_first_frame_holds_the_manifest(stranger):
    about = stranger.metadata['neuracore_ros']
    assert Manifest.from_json(about['manifest']) == MANIFEST
    assert about['policy_sha256'] == 'f' * 64
    assert about['format'] == 1


def test_an_observation_of_one_step_needs_no_axis_for_it(stranger, runtime):
    answer = stranger.ask({'JOINT_POSITIONS': JOINTS, 'RGB_IMAGES': IMAGES})
    assert np.array_equal(answer['actions']['JOINT_TARGET_POSITIONS'], np.tile(JOINTS, (4, 1)))
    inputs, valid = runtime.seen[-1]
    assert np.array_equal(inputs['RGB_IMAGES'][0, 0], IMAGES)
    assert valid['JOINT_POSITIONS'].tolist() == [[True, True, True]]
    assert valid['LANGUAGE'].tolist() == [[False]]
    stranger.ask({'JOINT_POSITIONS': JOINTS[None]})
    assert np.array_equal(runtime.seen[-1][0]['JOINT_POSITIONS'][0, 0], JOINTS)


def test_a_mask_says_which_slots_a_robot_has(stranger, runtime):
    for mask in ([True, False, True], np.array([True, False, True])):
        stranger.ask(GOOD | {'valid': {'JOINT_POSITIONS': mask, 'LANGUAGE': [False]}})
        assert runtime.seen[-1][1]['JOINT_POSITIONS'].tolist() == [[True, False, True]]


def test_an_answer_says_how_long_it_took_and_which_request_it_is_of(stranger):
    first = stranger.ask(GOOD | {'request_id': 7})
    assert first['request_id'] == 7
    assert 0.0 <= first['policy_timing']['infer_ms'] <= first['server_timing']['infer_ms']
    assert 'prev_total_ms' not in first['server_timing']
    second = stranger.ask(GOOD | {'request_id': 'two'})
    assert second['request_id'] == 'two'
    assert second['server_timing']['prev_total_ms'] >= first['server_timing']['infer_ms']


def test_numbers_of_other_types_that_mean_the_same_are_taken(stranger, runtime):
    for joints in (JOINTS.astype(float), JOINTS.astype(np.float16), [0.1, 0.2, 0.3], [[0, 1, 2]]):
        assert isinstance(stranger.ask({'JOINT_POSITIONS': joints}), dict)
        given = runtime.seen[-1][0]['JOINT_POSITIONS']
        assert given.dtype == np.float32
        assert np.allclose(given, np.asarray(joints, float), atol=1e-3)


@pytest.mark.parametrize(
    ('key', 'words'), [('prompt', 'Gr\u00fc\u00dfe'), ('LANGUAGE', 'lift'), ('LANGUAGE', ['lift'])]
)
def test_a_prompt_is_the_language_that_openpi_sends(stranger, runtime, key, words):
    stranger.ask(GOOD | {key: words})
    text = runtime.seen[-1][0]['LANGUAGE']
    assert text.shape == (1, 1, 1, 32)
    assert bytes(text.ravel()).rstrip(b'\0').decode() == ''.join(words)


@pytest.mark.parametrize(
    ('about', 'number'),
    [
        ({}, -1),
        ({'robot': 'ur5'}, 3),
        ({'robot': 'so100'}, -1),
        ({'ROBOT': 3}, 3),
        ({'ROBOT': np.array(0)}, 0),
        ({'ROBOT': -1}, -1),
    ],
)
def test_a_robot_is_known_by_its_name_or_its_number(stranger, runtime, about, number):
    stranger.ask(GOOD | about)
    assert runtime.seen[-1][0]['ROBOT'].tolist() == [number]


def test_a_rotation_may_come_with_either_sign(stranger, runtime):
    stranger.ask(GOOD | {'END_EFFECTOR_POSES': HAND})
    one = runtime.seen[-1][0]['END_EFFECTOR_POSES']
    stranger.ask(GOOD | {'END_EFFECTOR_POSES': HAND * np.float32([1, 1, 1, -1, -1, -1, -1])})
    assert np.array_equal(one, runtime.seen[-1][0]['END_EFFECTOR_POSES'])
    assert np.array_equal(one[0, 0], HAND)


def jpeg(image):
    return cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


def test_images_may_come_as_jpeg(stranger, runtime):
    smooth = np.full((2, 8, 16, 3), (200, 100, 20), np.uint8)
    answer = stranger.ask(GOOD | {'RGB_IMAGES': {'jpeg': [jpeg(image) for image in smooth]}})
    assert isinstance(answer, dict)
    assert np.abs(runtime.seen[-1][0]['RGB_IMAGES'][0, 0].astype(int) - smooth).max() <= 3


def wrong():
    large = jpeg(np.zeros((4096, 4096, 3), np.uint8))
    array = 'it must be an array of shape (1, 3)'
    yield {}, 'holds nothing that the policy reads: JOINT_POSITIONS, END_EFFECTOR_POSES'
    yield {'JOINT_POSITION': JOINTS}, "reads no 'JOINT_POSITION'; did you mean 'JOINT_POSITIONS'?"
    yield {'JOINT_VELOCITIES': JOINTS}, "reads no 'JOINT_VELOCITIES'"
    yield {3: JOINTS}, "reads no '3'"
    yield {b'JOINT_POSITIONS': JOINTS}, 'reads no'
    yield {'JOINT_POSITIONS': JOINTS[:2]}, 'has shape (2,); the policy reads (1, 3), or (3,)'
    yield {'JOINT_POSITIONS': JOINTS[None, None]}, 'or (3,): send it without a batch'
    yield {'JOINT_POSITIONS': 'abc'}, f"JOINT_POSITIONS is 'abc'; {array}"
    yield {'JOINT_POSITIONS': ['a', 'b', 'c']}, 'the policy reads float32'
    yield (
        {'JOINT_POSITIONS': [[1], [2, 3]]},
        'JOINT_POSITIONS is a list of 2; it must be an array of shape (1, 3)',
    )
    yield {'JOINT_POSITIONS': None}, f'JOINT_POSITIONS is null; {array}'
    yield {'JOINT_POSITIONS': 0.5}, f'JOINT_POSITIONS is 0.5; {array}'
    yield {'JOINT_POSITIONS': {}}, f'JOINT_POSITIONS is {{}}; {array}'
    yield {'JOINT_POSITIONS': JOINTS > 0}, 'JOINT_POSITIONS is bool; the policy reads float32'
    yield {'JOINT_POSITIONS': JOINTS * np.nan}, 'JOINT_POSITIONS has nan at [0, 0]'
    yield {'JOINT_POSITIONS': np.array([0.0, 1e300, 0.0])}, 'JOINT_POSITIONS has inf at [0, 1]'
    yield {'RGB_IMAGES': IMAGES / 255}, 'RGB_IMAGES is float64; the policy reads uint8'
    yield {'RGB_IMAGES': IMAGES.astype(int)}, 'RGB_IMAGES is int64; the policy reads uint8'
    yield {'RGB_IMAGES': IMAGES.transpose(0, 3, 1, 2)}, 'send images as height, width, 3'
    yield {'RGB_IMAGES': {'jpeg': [b'\xff\xd8', b'no']}}, 'RGB_IMAGES: jpeg 0 is no JPEG'
    yield (
        {'RGB_IMAGES': {'jpeg': [large, large]}},
        'RGB_IMAGES: jpeg 0 is an image of 4096 x 4096; the policy reads 16 x 8',
    )
    yield {'RGB_IMAGES': {'jpeg': b''}}, 'RGB_IMAGES: jpeg has '
    yield {'DEPTH_IMAGES': np.full((1, 8, 16), np.inf)}, 'DEPTH_IMAGES has inf at [0, 0, 0, 0]'
    yield {'END_EFFECTOR_POSES': HAND * 2}, 'has a quaternion of length 2 at index 0, step 0'
    yield {'END_EFFECTOR_POSES': HAND * [1, 1, 1, 0, 0, 0, 0]}, 'has a quaternion of length 0'
    yield {'prompt': 'x' * 33}, 'has 33 bytes; at most 32 fit'
    yield {'prompt': 3}, 'LANGUAGE is 3'
    yield {'LANGUAGE': ['a', 'b']}, 'LANGUAGE has 2 texts; the policy reads 1'
    yield {'LANGUAGE': 'a', 'prompt': 'b'}, 'prompt and LANGUAGE are the same'
    yield GOOD | {'valid': [True]}, 'valid is [true]; it must be a map'
    yield (
        GOOD | {'valid': {'JOINTS': [True]}},
        "valid has 'JOINTS', which the policy does not read",
    )
    yield GOOD | {'valid': {'JOINT_POSITIONS': [True]}}, 'valid JOINT_POSITIONS is (1,) bool'
    yield GOOD | {'valid': {'JOINT_POSITIONS': [1, 1, 1]}}, 'it must be (3,) bool'
    yield GOOD | {'valid': {'JOINT_POSITIONS': [[True], True]}}, 'is a list of 2; it must be (3,)'
    yield GOOD | {'robot': 3}, 'robot is 3; it must be a name'
    yield (
        GOOD | {'ROBOT': 2},
        'ROBOT is 2; the policy knows 0 (franka), 3 (ur5), and -1 for others',
    )
    yield GOOD | {'ROBOT': 'ur5'}, "ROBOT is 'ur5'; it must be an integer"
    yield GOOD | {'ROBOT': 3, 'robot': 'ur5'}, 'robot and ROBOT are the same'
    yield GOOD | {'as_model': 1}, 'as_model is 1; it must be true or false'
    yield GOOD | {'request_id': 'x' * 65}, 'it must be an integer or a short text'
    yield GOOD | {'request_id': 1.5}, 'request_id is 1.5'
    yield GOOD | {'FROZEN': np.zeros(4)}, "reads no 'FROZEN'"


@pytest.mark.parametrize(('message', 'says'), list(wrong()))
def test_what_is_wrong_with_a_request_is_said_in_one_line_and_the_next_is_answered(
    stranger, runtime, message, says
):
    answer = stranger.ask(message)
    assert isinstance(answer, str)
    assert says in answer
    assert '\n' not in answer
    assert not runtime.seen
    assert 'actions' in stranger.ask(GOOD)


def frames():
    array = {b'__ndarray__': True, b'data': b'abc', b'dtype': '<f4', b'shape': [1]}
    joints = b'\x81\xafJOINT_POSITIONS'
    yield b''
    yield b'\xc1'
    yield packed([1, 2])
    yield packed(GOOD)[:-1]
    yield packed(GOOD) + b'\x00'
    yield packed({'JOINT_POSITIONS': array})
    yield packed({'JOINT_POSITIONS': array | {b'shape': [2**40, 2**40]}})
    yield packed({'JOINT_POSITIONS': array | {b'shape': [-1]}})
    yield packed({'JOINT_POSITIONS': array | {b'dtype': '|O'}})
    yield packed({'JOINT_POSITIONS': array | {b'dtype': 'f4,(9999999)i8'}})
    yield joints + b'\x91' * 200_000
    yield joints + b'\xdd\xff\xff\xff\xff'  # A list of four thousand million.
    yield joints + b'\xc7\x03\x05abc'  # An ext type.
    yield joints + b'\xd7\xff' + bytes(8)  # A timestamp.
    yield b'\x82\xa1a\x01\xa1a\x02'  # A key twice.
    yield b'\x81\x91\x01\x02'  # A list as a key.
    yield 'a text'


@pytest.mark.parametrize('frame', list(frames()), ids=range(17))
def test_a_frame_that_is_no_request_is_answered_by_one_line(stranger, runtime, frame):
    stranger.socket.send(frame)
    answer = stranger.socket.recv(30)
    assert isinstance(answer, str)
    assert '\n' not in answer
    assert len(answer) < 1300
    assert not runtime.seen
    assert 'actions' in stranger.ask(GOOD)


def test_a_model_that_fails_is_an_answer_without_folders(runtime, stranger):
    runtime.fail = 'Traceback (most recent call last):\n  x\nno kernel in /home/me/policies/a.so'
    assert stranger.ask(GOOD) == 'the model failed: no kernel in a.so'
    runtime.fail = ''
    assert 'actions' in stranger.ask(GOOD)


def test_a_bug_of_ours_is_an_answer_too_and_is_told_to_who_runs_the_server(
    runtime, stranger, monkeypatch, capsys
):
    def fail(*_, **__):
        raise KeyError('/home/me/secret')

    monkeypatch.setattr('neuracore_ros.policy.policy.Policy.predict', fail)
    assert stranger.ask(GOOD) == 'the server failed (KeyError)'
    assert 'a request failed: KeyError' in capsys.readouterr().err
    monkeypatch.undo()
    assert 'actions' in stranger.ask(GOOD)


@pytest.mark.parametrize(
    ('chunk', 'says'),
    [
        (np.zeros((1, 3, 3)), 'gives JOINT_TARGET_POSITIONS of shape (1, 3, 3)'),
        (np.full((1, 4, 3), np.nan), 'with nan at index 0, step 0'),
    ],
)
def test_a_model_that_gives_a_wrong_shape_or_nan_is_an_answer(runtime, stranger, chunk, says):
    runtime.run = lambda inputs, valid: {'JOINT_TARGET_POSITIONS': chunk}
    assert says in stranger.ask(GOOD)


def test_what_a_policy_without_masks_needs_is_never_left_out():
    inputs = MANIFEST.input | {DataType.JOINT_POSITIONS: InputSlots(3, (0, 1, 2), required=(0, 2))}
    runtime = Recorder(replace(MANIFEST, input=inputs))
    lacking = GOOD | {'valid': {'JOINT_POSITIONS': [True, True, False]}}
    with serving(Policy(runtime, '')) as server, client(server.address) as stranger:
        says = 'lacks JOINT_POSITIONS index {}, which the policy cannot do without'
        assert stranger.ask({'prompt': 'lift'}) == says.format(0)
        assert stranger.ask(lacking) == says.format(2)
        assert not runtime.seen
        assert 'actions' in stranger.ask(
            GOOD | {'valid': {'JOINT_POSITIONS': [True, False, True]}}
        )


def test_several_steps_are_never_left_out():
    manifest = json.loads(MANIFEST.to_json()) | {'observation_steps': 2}
    runtime = Recorder(Manifest.from_json(json.dumps(manifest)))
    two = {'JOINT_POSITIONS': np.stack([JOINTS, JOINTS])}
    with serving(Policy(runtime, '')) as server, client(server.address) as stranger:
        assert 'has shape (3,); the policy reads (2, 3)' in stranger.ask(GOOD)
        assert 'actions' in stranger.ask(two | {'prompt': 'go'})
        assert runtime.seen[-1][0]['LANGUAGE'].shape == (1, 2, 1, 32)
