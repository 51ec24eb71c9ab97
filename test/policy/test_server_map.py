"""Requests and answers of somebody else's server, through the map of a server file."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.remote.foreign_server import ForeignServer
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.policy.remote.server_map import ServerMap

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
    with pytest.raises(
        PolicyError, match=r'no LANGUAGE index 0, which small\.server\.yaml cannot do'
    ):
        mapped.request(inputs, valid)


def test_an_optional_text_that_is_empty_is_not_sent_so_that_the_server_has_its_own():
    mapped = server_map('p: {LANGUAGE: 0, optional: true}, q: LANGUAGE')
    assert request(mapped) == {'q': ''}
    said = list(b'go'.ljust(256, b'\0'))
    assert request(mapped, LANGUAGE=[[said]]) == {'p': 'go', 'q': 'go'}
    mapped = server_map(
        'p: {LANGUAGE: 0, optional: true}, q: LANGUAGE', more='steps: {numbers: [-1, 0]}'
    )
    assert request(mapped, LANGUAGE=[[said], [[0] * 256]]) == {'q': ''}


def test_nothing_is_asked_where_what_a_motion_begins_at_is_not_measured():
    mapped = server_map(
        receive='actions: [{PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: 0, mode: velocity}]'
    )
    inputs, valid = inputs_of(mapped)
    valid[OPENING.value][:] = False
    with pytest.raises(PolicyError, match='no PARALLEL_GRIPPER_OPEN_AMOUNTS index 0'):
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
        ({'actions': np.zeros((2, 5))}, 'shape (2, 5); the file says horizon 3 and 1 column'),
        ({'actions': np.zeros((0, 1))}, 'shape (0, 1); the file says horizon 3 and 1 column'),
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
    mapped = server_map(
        receive='a: [unused, {JOINT_TARGET_POSITIONS: 0, mode: velocity, within: 1}, null]'
    )
    found = outputs(mapped, {'a': rows([np.nan, 1, np.inf], [0, 2, 0], [9, 3, 9])})
    assert found[TARGETS].ravel().tolist() == [1, 2, 3]


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
    policy = Policy(ForeignServer(file, ask), file.sha256)
    for _ in range(2):
        chunk = policy.predict({JOINTS: np.float32([[0.5]])}, {JOINTS: np.array([True])})
    assert chunk[TARGETS].ravel().tolist() == [1, 2, 3]
    assert mapped == [([0.5], 120.0), ([0.5], 1.35)]


VELOCITIES = '{JOINT_TARGET_POSITIONS: [0, 1], mode: velocity, scale: 0.2'


def test_velocities_within_a_bound_are_scaled_down_together():
    """`joint_velocity_to_delta` of DROID: all joints are divided by the fastest, if beyond 1."""
    mapped = server_map(receive=f'actions: [{VELOCITIES}, within: 1}}]')
    found = outputs(mapped, {'actions': rows([2, -1], [0.5, 0.5], [1, -4])})
    steps = np.diff(found[TARGETS][0], axis=0, prepend=0)
    assert steps == pytest.approx(0.2 * np.array([[1, -0.5], [0.5, 0.5], [0.25, -1]]))


def test_columns_without_a_bound_are_not_scaled_down_with_those_that_have_one():
    mapped = server_map(
        receive=f'a: [{VELOCITIES}, within: 1}}, {{JOINT_TARGET_POSITIONS: 2}}, '
        f'{{{OPEN.value}: 0, scale: -1, offset: 1, threshold: 0.5}}, '
        '{JOINT_TARGET_POSITIONS: 3, mode: velocity}]'
    )
    found = outputs(mapped, {'a': rows([4, 0, 1.2, 0.9, 3], [0, 0, 1.2, 0, 0], [0, -2, 1, 1, 1])})
    assert found[TARGETS][0, :, 0] == pytest.approx([0.2, 0.2, 0.2])
    assert found[TARGETS][0, :, 2] == pytest.approx([1.2, 1.2, 1.0])
    assert found[TARGETS][0, :, 3] == pytest.approx([3, 3, 4])
    assert found[OPEN].ravel().tolist() == [0, 1, 0]


def test_velocities_that_are_clipped_are_clipped_each_alone():
    mapped = server_map(receive=f'actions: [{VELOCITIES}, clip: [-1, 1]}}]')
    found = outputs(mapped, {'actions': rows([2, -1], [0.5, 0.5], [1, -4])})
    steps = np.diff(found[TARGETS][0], axis=0, prepend=0)
    assert steps == pytest.approx(0.2 * np.array([[1, -1], [0.5, 0.5], [1, -1]]))


def test_values_are_clipped_before_they_are_scaled_down():
    mapped = server_map(receive=f'actions: [{VELOCITIES}, clip: [-2, 2], within: 1}}]')
    found = outputs(mapped, {'actions': rows([4, -1], [0, 0], [0, 0])})
    assert found[TARGETS][0, 0] == pytest.approx([0.2, -0.1])


@pytest.mark.parametrize(
    ('scale', 'values', 'wanted'),
    [
        ('scale: 1', [0.4, 0.5, 0.6], [0, 0, 1]),  # above the threshold: open
        ('scale: -1, offset: 1', [0.4, 0.5, 0.6], [1, 1, 0]),  # above the server's own: closed
    ],
)
def test_an_opening_at_its_threshold_is_what_the_servers_authors_make_of_it(scale, values, wanted):
    mapped = server_map(
        receive=f'a: [{{PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: 0, {scale}, threshold: 0.5}}]'
    )
    found = outputs(mapped, {'a': np.array(values)[:, None]})
    assert found[OPEN].ravel().tolist() == wanted


def test_images_of_one_size_are_not_copied_and_others_are_made_smaller():
    mapped = server_map('a: {RGB_IMAGES: 0, size: [40, 60]}, b: {RGB_IMAGES: 1, size: [20, 20]}')
    assert mapped.manifest().image_size == (40, 60)
    inputs, valid = inputs_of(mapped)
    inputs['RGB_IMAGES'][:] = 200
    sent = mapped.request(inputs, valid)
    assert np.shares_memory(sent['a'], inputs['RGB_IMAGES'])
    assert sent['b'].shape == (20, 20, 3)
    # 40 x 60 fits into 20 x 20 as 13 x 20, on black.
    assert (sent['b'][:, 0, 0] == [0] * 3 + [200] * 13 + [0] * 4).all()
    mapped = server_map('a: {RGB_IMAGES: 0, size: [40, 60]}, b: {RGB_IMAGES: 0, size: [10, 60]}')
    sent = request(mapped, RGB_IMAGES=200)
    assert (sent['b'][0, :, 0] == [0] * 22 + [200] * 15 + [0] * 23).all()


def test_the_largest_height_and_width_of_all_images_count():
    mapped = server_map('a: {RGB_IMAGES: 0, size: [40, 20]}, b: {RGB_IMAGES: 1, size: [20, 60]}')
    assert mapped.manifest().image_size == (40, 60)
    sent = request(mapped)
    assert sent['a'].shape == (40, 20, 3) and sent['b'].shape == (20, 60, 3)


def test_an_image_is_turned_and_its_channels_put_first():
    send = 'a: {RGB_IMAGES: 0, size: [2, 3], turn: 180}, b: {RGB_IMAGES: 0, size: [2, 3], layout: chw}'
    mapped = server_map(send)
    image = np.arange(18).reshape(2, 3, 3)
    sent = request(mapped, RGB_IMAGES=image)
    assert np.array_equal(sent['a'], image[::-1, ::-1])
    assert np.array_equal(sent['b'], np.moveaxis(image, -1, 0))
    assert all(each.flags.c_contiguous and each.dtype == np.uint8 for each in sent.values())


def test_several_steps_are_sent_oldest_first():
    mapped = server_map(
        'a: {RGB_IMAGES: 0, size: [2, 2]}, state: [{JOINT_POSITIONS: 0}, 7], p: LANGUAGE',
        more='steps: {images: [-2, 0], numbers: [-1, 0]}',
    )
    assert mapped.manifest().observation_steps == 3
    sent = request(
        mapped,
        RGB_IMAGES=np.arange(3)[:, None, None, None, None],
        JOINT_POSITIONS=[[1], [2], [3]],
        LANGUAGE=[[list(text.ljust(256, b'\0'))] for text in (b'old', b'older', b'new')],
    )
    assert sent['a'][:, 0, 0, 0].tolist() == [0, 2]
    assert sent['state'].tolist() == [[2, 7], [3, 7]]
    assert sent['p'] == 'new'


def gr00t_map(version, steps='{images: [-1, 0], numbers: [0]}'):
    text = (
        f'server: gr00t\nversion: {version}\nrate_hz: 10\nhorizon: 2\nsteps: {steps}\n'
        'send: {v: {RGB_IMAGES: 0, size: [2, 2]}, s: [{JOINT_POSITIONS: 0}], p: LANGUAGE}\n'
        'receive: {a: [{JOINT_TARGET_POSITIONS: 0}]}\n'
    )
    return ServerMap(ServerFile.parse(text, Path('small.server.yaml')))


def test_gr00ts_axes_are_those_of_its_version():
    flat = request(gr00t_map(1.5))
    assert flat['v'].shape == (2, 2, 2, 3) and flat['s'].shape == (1, 1) and flat['p'] == ['']
    nested = request(gr00t_map(1.7))
    assert list(nested) == ['observation', 'options'] and nested['options'] is None
    assert nested['observation']['v'].shape == (1, 2, 2, 2, 3)
    assert nested['observation']['s'].shape == (1, 1, 1)
    assert nested['observation']['p'] == [['']]


@pytest.mark.parametrize(
    ('version', 'answer'),
    [
        (1.5, {'a': rows([1], [2])}),
        (1.5, {'a': rows(1, 2)}),
        (1.6, [{'a': rows([[1], [2]])}, {}]),
        (1.7, ({'a': rows([[1], [2]])}, {'error': None})),
        (1.7, {'a': rows([1], [2])}),
    ],
)
def test_gr00ts_answers_are_read_with_and_without_a_batch(version, answer):
    mapped = gr00t_map(version)
    assert outputs(mapped, answer)[TARGETS].ravel().tolist() == [1, 2]


@pytest.mark.parametrize(
    'answer',
    [
        rows([1], [2], [3]),
        rows([[1], [2], [3]]),
        {'actions': np.array([[1], [2], [3]])},
        {'actions': np.array([[1], [2], [3]], '>f8'), 'state': 'x', 'policy_timing': {}},
    ],
)
def test_an_answer_may_be_one_bare_array_and_of_any_numbers(answer):
    found = outputs(server_map(), answer)[TARGETS]
    assert found.ravel().tolist() == [1, 2, 3] and found.dtype == np.float32


def test_an_answer_is_nested_as_the_file_has_it():
    mapped = server_map(receive='a: {b.c: [{JOINT_TARGET_POSITIONS: 0}]}')
    assert outputs(mapped, {'a': {'b.c': rows([1], [2], [3])}})[TARGETS].ravel().tolist() == [
        1,
        2,
        3,
    ]
    assert "gave no 'b.c' in a; did you mean 'b_c'? Known: b_c" in refusal(
        mapped, {'a': {'b_c': 1}}
    )
    assert "an array of shape (1,) as a; the file says that 'b.c' is in it" in refusal(
        mapped, {'a': rows(1)}
    )


def test_an_answer_in_which_a_number_overflows_is_refused_by_the_policy():
    receive = 'actions: [{JOINT_TARGET_POSITIONS: 0, scale: 1.0e+300}]'
    text = f'server: openpi\nrate_hz: 1\nhorizon: 1\nsend: {{s: [{{JOINT_POSITIONS: 0}}]}}\nreceive: {{{receive}}}'
    file = ServerFile.parse(text, Path('a.server.yaml'))
    policy = Policy(ForeignServer(file, lambda *_: {'actions': np.array([[1e300]])}), '')
    with pytest.raises(
        PolicyError, match='JOINT_TARGET_POSITIONS of shape .* with inf at index 0'
    ):
        policy.predict({JOINTS: np.zeros((1, 1))}, {JOINTS: np.ones(1, bool)})


def test_a_request_that_would_not_be_finite_is_not_sent():
    mapped = server_map('state: [{JOINT_POSITIONS: 0, scale: 1.0e-300}]')
    with pytest.raises(PolicyError, match='state would not be finite'):
        request(mapped, JOINT_POSITIONS=[[1e30]])


def hand(mode='absolute', part='xyzw', scale=''):
    return (
        f'actions: [{{END_EFFECTOR_POSES: 0, part: xyz, mode: {mode}{scale}}}, '
        f'{{END_EFFECTOR_POSES: 0, part: {part}, mode: {mode}}}]'
    )


DOWN = [0.1, 0.2, 0.3, 1, 0, 0, 0]
SEND_HAND = 'state: [{END_EFFECTOR_POSES: 0, part: xyz}]'


def test_a_pose_may_be_spread_over_arrays():
    mapped = server_map(
        receive='p: {x: [{POSES_: 0, part: x}], yz: [{POSES_: 0, part: z}, {POSES_: 0, part: y, '
        'offset: 1}]}, r: [{POSES_: 0, part: wxyz}]'.replace('POSES_', HAND.value)
    )
    found = outputs(mapped, {
        'p': {'x': rows([1], [2], [3]), 'yz': rows([6, 5], [6, 5], [6, 5])},
        'r': rows([0, 2, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]),
    })  # fmt: skip
    assert found[HAND][0, 0].tolist() == [[1, 6, 6, 1, 0, 0, 0]]
    assert found[HAND][0, 2].tolist() == [[3, 6, 6, 0, 1, 0, 0]]


def test_a_motion_of_the_hand_is_seen_in_the_frame_of_its_base():
    """`set_goal` of robosuite's OSC: positions are added, the delta turns what is turned."""
    mapped = server_map(SEND_HAND, hand('velocity', 'axis_angle', ', scale: 0.5'))
    answer = rows([0.2, 0, 0, 0, 0, np.pi / 2], [0, 0.2, 0, 0, 0, np.pi / 2], [0] * 6)
    found = outputs(mapped, {'actions': answer}, END_EFFECTOR_POSES=DOWN)[HAND][0, :, 0]
    assert found[:, :3] == pytest.approx(np.array([[0.2, 0.2, 0.3], *[[0.2, 0.3, 0.3]] * 2]))
    half = np.sqrt(0.5)
    assert found[0, 3:] == pytest.approx([half, half, 0, 0], abs=1e-6)
    assert found[1, 3:] == pytest.approx([0, 1, 0, 0], abs=1e-6)
    assert found[2] == pytest.approx(found[1])


def test_a_relative_pose_is_moved_from_where_the_hand_is():
    mapped = server_map(SEND_HAND, hand('relative', 'rpy'))
    answer = rows([0.1, 0, 0, 0, 0, np.pi], [0.2, 0, 0, 0, 0, 0], [0] * 6)
    found = outputs(mapped, {'actions': answer}, END_EFFECTOR_POSES=DOWN)[HAND][0, :, 0]
    assert found[:, 0] == pytest.approx([0.2, 0.3, 0.1])
    assert np.abs(found[0, 3:]) == pytest.approx([0, 1, 0, 0], abs=1e-6)
    assert found[1, 3:] == pytest.approx([1, 0, 0, 0], abs=1e-6)


def test_a_row_that_is_no_rotation_is_refused_with_its_numbers():
    mapped = server_map(receive=hand())
    answer = rows([0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0.25], [0] * 7)
    assert refusal(mapped, {'actions': answer}) == (
        'small.server.yaml: END_EFFECTOR_POSES 0: row 1 of the answer is no rotation '
        '(x 0, y 0, z 0, qx 0, qy 0, qz 0, qw 0.25)'
    )


def test_poses_that_are_sent_have_the_numbers_that_the_file_asks_for():
    mapped = server_map(
        'a: [{P: 1, part: rpy, scale: 0.5}, {JOINT_POSITIONS: 0}, {P: 1, part: x, offset: 1}, '
        '{P: 0, part: six_columns}]'.replace('P:', f'{HAND}:')
    )
    sent = request(mapped, END_EFFECTOR_POSES=[[DOWN, DOWN]], JOINT_POSITIONS=7)
    assert np.abs(sent['a']) == pytest.approx(
        [2 * np.pi, 0, 0, 7, 0.9, 1, 0, 0, 0, 1, 0], abs=1e-5
    )


NUMBER = st.floats(-1e6, 1e6, width=32)
SCALE = st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3)


@given(
    st.lists(st.tuples(st.integers(0, 20), SCALE, NUMBER), min_size=1, max_size=8),
    st.data(),
)
def test_what_is_sent_comes_back_through_the_same_columns(columns, data):
    columns = list({index: (index, scale, offset) for index, scale, offset in columns}.values())

    def listed(kind):
        return ', '.join(
            f'{{{kind}: {index}, scale: {scale!r}, offset: {offset!r}}}'
            for index, scale, offset in columns
        )

    mapped = server_map(f'a: [{listed(JOINTS)}]', f'b: [{listed(TARGETS)}]', horizon=1)
    width = mapped.manifest().input[JOINTS].width
    values = np.array(data.draw(st.lists(NUMBER, min_size=width, max_size=width)), np.float32)
    sent = request(mapped, JOINT_POSITIONS=values)['a'].astype(float)
    found = outputs(mapped, {'b': sent[None]})[TARGETS][0, 0]
    for index, scale, offset in columns:
        # Of what is rounded to float32 on the way, in the units of both sides.
        rounding = 1e-6 * (abs(float(values[index])) + abs(offset) + abs(scale))
        assert found[index] == pytest.approx(values[index], abs=rounding)


@pytest.mark.parametrize('mode', ['absolute', 'relative', 'velocity'])
@given(
    rows=st.lists(st.lists(NUMBER, min_size=9, max_size=9), min_size=3, max_size=3),
    measured=NUMBER,
)
def test_every_row_is_finite_where_the_answer_is(mode, rows, measured):
    mapped = server_map(
        receive=(
            f'actions: [{{{TARGETS}: 0, mode: {mode}, clip: [-2, 3]}}, '
            f'{{{HAND}: 0, part: xyz, mode: {mode}, scale: -3}}, '
            f'{{{HAND}: 0, part: axis_angle, mode: {mode}}}, '
            f'{{{OPEN}: 1, threshold: 0.5}}, unused]'
        )
    )
    start = {} if mode == 'absolute' else {TARGETS.measured.value: measured, HAND.value: DOWN}
    found = outputs(mapped, {'actions': np.array(rows)}, **start)
    assert all(np.isfinite(values).all() for values in found.values())
    assert np.linalg.norm(found[HAND][..., 3:], axis=-1) == pytest.approx(1)
    assert set(found[OPEN].ravel()) <= {0, 1}


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | arrays(
        st.sampled_from(['<f4', '<f8', '<i4', 'u1', '?', 'S2', 'U2', '<c8', 'f2', 'M8[s]']),
        st.lists(st.integers(0, 3), max_size=4).map(tuple),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(['actions', 'type', 'error', 'message', 'x']), inner)
    ),
    max_leaves=5,
)


@given(ANYTHING)
def test_any_answer_is_read_or_refused_in_one_line(answer):
    for mapped in ANY_MAPS:
        try:
            found = mapped.outputs(answer, {})[TARGETS]
        except PolicyError as error:
            assert '\n' not in str(error)
        else:
            assert found.shape == (1, 3, 1) and np.isfinite(found).all()


ANY_MAPS = (server_map(), server_map(receive='actions: {x: [{JOINT_TARGET_POSITIONS: 0}]}'))
