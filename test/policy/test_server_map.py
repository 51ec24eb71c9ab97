"""Requests and answers of somebody else's server, through the map of a server file."""

from pathlib import Path

import numpy as np
import pytest

from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.foreign_server import ForeignServer
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.server_file import ServerFile
from neuracore_ros.policy.server_map import ServerMap

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
OPENING, OPEN = (
    DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS,
    DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS,
)
HAND, RGB, TEXT = DataType.END_EFFECTOR_POSES, DataType.RGB_IMAGES, DataType.LANGUAGE


def server_map(send='state: [{JOINT_POSITIONS: 0}]', receive='', more='', horizon=3):
    """The map of a small file of openpi."""
    receive = receive or 'actions: [{JOINT_TARGET_POSITIONS: 0}]'
    text = (
        f'server: openpi\nrate_hz: 10\nhorizon: {horizon}\n{more}\n'
        f'send: {{{send}}}\nreceive: {{{receive}}}\n'
    )
    return ServerMap(ServerFile.parse(text, Path('small.server.yaml')))


def inputs_of(mapped, **values):
    """Inputs and masks of a robot that has everything; those that are given in place of zeros."""
    manifest = mapped.manifest()
    inputs = {k.value: np.zeros((1, *manifest.input_shape(k)), k.dtype) for k in manifest.input}
    for name, value in values.items():
        inputs[name][:] = np.asarray(value)
    return inputs, {k.value: np.ones((1, each.width), bool) for k, each in manifest.input.items()}


def request(mapped, **values):
    return mapped.request(*inputs_of(mapped, **values))


def outputs(mapped, answer, **values):
    return mapped.outputs(answer, inputs_of(mapped, **values)[0])


def refusal(mapped, answer, **values):
    with pytest.raises(PolicyError) as refused:
        outputs(mapped, answer, **values)
    assert '\n' not in str(refused.value)
    return str(refused.value)


def rows(*values):
    return np.array(values, np.float32)


def test_a_slot_is_scale_times_server_plus_offset_both_ways():
    mapped = server_map(
        'state: [{JOINT_POSITIONS: 1, scale: 0.5, offset: 1}]',
        'actions: [{JOINT_TARGET_POSITIONS: 1, scale: 0.5, offset: 1}]',
    )
    sent = request(mapped, JOINT_POSITIONS=[[[9, 3]]])
    assert sent['state'].tolist() == [4] and sent['state'].dtype == np.float32
    found = outputs(mapped, {'actions': rows([4], [0], [-2])})
    assert found['JOINT_TARGET_POSITIONS'].tolist() == [[[0, 3], [0, 1], [0, 0]]]


def test_the_keys_of_a_request_are_nested_as_the_file_has_them():
    mapped = server_map('a/b: {c.d: [{JOINT_POSITIONS: 0}], e: {constant: 7}}, f: LANGUAGE')
    sent = request(mapped, LANGUAGE=[[list(b'go'.ljust(256, b'\0'))]])
    assert sent['a/b']['e'] == 7 and sent['a/b']['c.d'].shape == (1,) and sent['f'] == 'go'


def test_velocities_are_added_up_row_by_row_from_the_newest_measurement():
    mapped = server_map(
        'state: [{JOINT_POSITIONS: 0}]',
        'actions: [{JOINT_TARGET_POSITIONS: 0, mode: velocity, scale: 0.2}]',
        'steps: {numbers: [-1, 0]}',
    )
    found = outputs(mapped, {'actions': rows([1], [2], [-1])}, JOINT_POSITIONS=[[[9], [3]]])
    assert found[TARGETS].ravel() == pytest.approx([3.2, 3.6, 3.4])


def test_relative_values_are_all_added_to_the_newest_measurement():
    mapped = server_map(
        receive='actions: [{JOINT_TARGET_POSITIONS: 0, mode: relative, scale: 0.2, offset: 1}]'
    )
    found = outputs(mapped, {'actions': rows([1], [2], [-1])}, JOINT_POSITIONS=[[[3]]])
    assert found[TARGETS].ravel() == pytest.approx([4.2, 4.4, 3.8])


def test_a_robot_must_have_what_is_sent_and_what_something_is_relative_to():
    mapped = server_map(
        'state: [{JOINT_POSITIONS: 1}], image: {RGB_IMAGES: 0, size: [4, 6], optional: true},'
        'prompt: LANGUAGE',
        'actions: [{PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: 2, mode: relative}]',
    )
    manifest = mapped.manifest()
    assert {kind: slots.required for kind, slots in manifest.input.items()} == {
        JOINTS: (1,), OPENING: (2,), RGB: (), TEXT: (0,)
    }  # fmt: skip
    assert manifest.input[JOINTS].trained == (1,) and manifest.input[JOINTS].width == 2
    assert manifest.output[OPEN].trained == (2,)


def test_what_is_optional_and_absent_is_not_sent():
    mapped = server_map('images: {a: {RGB_IMAGES: 0, size: [4, 6], optional: true}}, b: LANGUAGE')
    inputs, valid = inputs_of(mapped)
    assert mapped.request(inputs, valid)['images']['a'].shape == (4, 6, 3)
    valid['RGB_IMAGES'][:] = False
    assert mapped.request(inputs, valid) == {'b': ''}
    valid['LANGUAGE'][:] = False
    with pytest.raises(PolicyError, match='no LANGUAGE index 0, which the server needs for b'):
        mapped.request(inputs, valid)


@pytest.mark.parametrize(
    ('answer', 'reason'),
    [
        ({}, "the server gave no 'actions'. Known: none"),
        ({'action': rows([1])}, "no 'actions'; did you mean 'action'? Known: action"),
        ('busy', "the server gave a text ('busy') as its answer"),
        (None, 'the server gave nothing as its answer'),
        ({'actions': [[1], [2], [3]]}, 'gave a value of type list; the file says an array'),
        ({'actions': rows([1], [2])}, 'shape (2, 1); the file says horizon 3 and 1 column: write horizon: 2'),
        ({'actions': rows([1, 2], [2, 3], [4, 5])}, 'shape (3, 2); the file says horizon 3 and 1 column: list 2 columns, those that nobody reads as unused'),
        ({'actions': np.zeros((2, 3, 1))}, 'shape (2, 3, 1)'),
        ({'actions': np.array(['a', 'b', 'c'])}, 'values of type <U1; the file says numbers'),
        ({'actions': np.array([[True]] * 3)}, 'values of type bool; the file says numbers'),
        ({'actions': np.zeros((3, 1), complex)}, 'values of type complex128'),
        ({'actions': rows([1], [np.nan], [3])}, 'gave nan in row 1, column 0 (JOINT_TARGET_POSITIONS 0)'),
        ({'actions': rows([1], [2], [-np.inf])}, 'gave -inf in row 2, column 0'),
        ({'type': 'error', 'message': 'a trace\nno such key'}, 'answered with an error: no such key'),
        ({'error': 'out of memory'}, 'answered with an error: out of memory'),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_as_the_file_says_is_refused_in_one_line(answer, reason):
    assert reason in refusal(server_map(), answer)


def test_columns_that_nobody_reads_may_hold_anything():
    mapped = server_map(receive='a: [unused, {JOINT_TARGET_POSITIONS: 0, within: 1}, null]')
    found = outputs(mapped, {'a': rows([np.nan, 1, np.inf], [0, 2, 0], [9, 3, 9])})
    assert found[TARGETS].ravel().tolist() == [1, 1, 1]


def test_the_policy_around_it_predicts():
    mapped = []

    def ask(message, deadline_s):
        mapped.append((message['state'].tolist(), deadline_s))
        return {'actions': rows([1], [2], [3])}

    file = ServerFile.parse(
        'server: openpi\nrate_hz: 2\nhorizon: 3\nsend: {state: [{JOINT_POSITIONS: 0}]}\n'
        'receive: {actions: [{JOINT_TARGET_POSITIONS: 0}]}',
        Path('a.server.yaml'),
    )
    policy = Policy(ForeignServer(file, ask), file.sha256, is_remote=True)
    for _ in range(2):
        chunk = policy.predict({JOINTS: np.float32([[0.5]])}, {JOINTS: np.array([True])})
    assert chunk[TARGETS].ravel().tolist() == [1, 2, 3]
    assert mapped == [([0.5], 120.0), ([0.5], 1.5)]
