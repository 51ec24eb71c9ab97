"""Server files: what they may say, and the one line that tells a mistake."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.remote.server_columns import ReceivedColumn, SentColumn
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.policy.remote.server_map import ServerMap
from neuracore_ros.policy.remote.server_requests import SentConstant, SentImage, SentText

SMALL = {
    'server': 'openpi',
    'rate_hz': '15',
    'horizon': '3',
    'send': '{state: [{JOINT_POSITIONS: 0}]}',
    'receive': '{actions: [{JOINT_TARGET_POSITIONS: 0}]}',
}


def text(**values):
    """The text of a small file; a value of None leaves its key out."""
    record = SMALL | values
    return '\n'.join(f'{key}: {value}' for key, value in record.items() if value is not None)


def parsed(**values):
    return ServerFile.parse(text(**values), Path('arm.server.yaml'))


def refusal(**values):
    with pytest.raises(PolicyError) as refused:
        ServerMap(parsed(**values))
    assert '\n' not in str(refused.value)
    assert str(refused.value).startswith('arm.server.yaml')
    return str(refused.value)


def test_a_file_says_what_stands_where():
    file = parsed(
        execute=2,
        send='{a/b: [{JOINT_POSITIONS: [2, 0], scale: 2}, 0.5], c: {image.x: {RGB_IMAGES: 1, size: '
        '[2, 3], layout: chw, turn: 180, optional: true}, d: LANGUAGE, e: {LANGUAGE: 1, optional: '
        'true}}, f: {constant: x}, g: {constant: "7"}, h: {constant: 7}, i: {constant: 7.5}, '
        'j: {constant: true}, k: {constant: [1, 2]}}',
        receive='{a: {b: [null, {JOINT_TARGET_POSITIONS: 0, mode: velocity, within: 1}, unused]}}',
    )
    constants = {'f': 'x', 'g': '7', 'h': 7, 'i': 7.5, 'j': True, 'k': (1.0, 2.0)}
    kinds = [column.kind.value for column in file.sent_columns()]
    assert kinds == ['JOINT_POSITIONS'] * 2
    assert file.send == {
        ('a/b',): (
            *(SentColumn(column.kind, column.index, scale=2.0) for column in file.sent_columns()),
            0.5,
        ),
        ('c', 'image.x'): SentImage(1, (2, 3), 'chw', is_turned=True, optional=True),
        ('c', 'd'): SentText(),
        ('c', 'e'): SentText(1, optional=True),
        **{(key,): SentConstant(value) for key, value in constants.items()},
    }
    assert [column.index for column in file.sent_columns()] == [2, 0]
    (column,) = file.received_columns()
    assert column == ReceivedColumn(column.kind, 0, mode='velocity', within=1.0)
    assert file.receive == {('a', 'b'): (None, column, None)}
    assert file.execute == 2 and file.address == '' and len(file.sha256) == 64


@pytest.mark.parametrize(
    ('values', 'reason'),
    [
        ({'server': None}, 'lacks server'),
        ({'horizon': None}, 'lacks horizon'),
        ({'server': 'openpie'}, ":1: server 'openpie' is not one of openpi, gr00t; did you mean 'openpi'?"),
        ({'rate': 3}, ":6: unknown key 'rate' in a server file; did you mean 'rate_hz'?"),
        ({'rate_hz': 0}, "rate_hz must be in 0.1..1000, not '0'"),
        ({'rate_hz': '.nan'}, "rate_hz must be a finite number, not '.nan'"),
        ({'horizon': 0}, "horizon must be an integer from 1 to 10000, not '0'"),
        ({'horizon': '3.0'}, "horizon must be an integer from 1 to 10000, not '3.0'"),
        ({'horizon': 10001}, "horizon must be an integer from 1 to 10000, not '10001'"),
        ({'execute': 4}, "execute must be an integer from 1 to 3, not '4'"),
        ({'version': 1.5}, ':6: version is of gr00t: remove it'),
        ({'server': 'gr00t'}, 'lacks version, of GR00T N. Known: 1.5, 1.6, 1.7'),
        ({'server': 'gr00t', 'version': 2}, "version '2' is not one of 1.5, 1.6, 1.7"),
        ({'address': 'gpu:8000'}, "address of openpi begins with ws:// or wss://, unlike 'gpu:8000'"),
        ({'server': 'gr00t', 'version': 1.5, 'address': 'ws://gpu'}, "address of gr00t begins with tcp://, unlike 'ws://gpu'"),
        ({'steps': '{image: [0]}'}, "unknown key 'image' in steps; did you mean 'images'?"),
        ({'steps': '{images: [1]}'}, 'steps: images must be ascending integers up to 0'),
        ({'steps': '{images: [0, -1]}'}, 'must be ascending integers up to 0'),
        ({'steps': '{numbers: [0, 0]}'}, 'must be ascending integers up to 0'),
        ({'steps': '{numbers: []}'}, 'must be ascending integers up to 0'),
        ({'steps': '{numbers: [-1000, 0]}'}, 'steps: numbers: -1000 is beyond -999'),
        ({'send': '{}'}, 'send: is empty'),
        ({'send': '{a: {}}'}, 'send: a: is empty'),
        ({'send': '{a: []}'}, 'send: a: has no columns'),
        ({'send': '{a: [{}]}'}, 'send: a: a column names one DataType, not none. Known: CUSTOM_1D'),
        ({'send': '{a: [x]}'}, "send: a: a number that is always sent must be a finite number, not 'x'"),
        ({'send': '{a: [[{JOINT_POSITIONS: 0}]]}'}, 'a column is {DataType: index, ...} or a number, not a list'),
        ({'send': '{a: {constant: 1}}'}, 'sends nothing that a robot has'),
        ({'send': '{1: LANGUAGE}'}, "send must be a name; YAML does not read '1' as text: quote it"),
        ({'send': '{a: JOINT_POSITIONS}'}, "not 'JOINT_POSITIONS': write [{JOINT_POSITIONS: 0}]"),
        ({'send': '{a: LANGUAG}'}, "send: a must be a list of columns, {RGB_IMAGES: 0, size: [...]}, LANGUAGE or {constant: ...}, not 'LANGUAG'; did you mean 'LANGUAGE'?"),
        ({'send': '{a: {RGB_IMAGE: 0, size: [2, 2]}}'}, "did you mean 'RGB_IMAGES'?"),
        ({'send': '{a: {RGB_IMAGES: 0}}'}, 'send: a: add size: [height, width] in pixels'),
        ({'send': '{a: {RGB_IMAGES: 0, sise: [2, 2]}}'}, "unknown key 'sise' in send: a; did you mean 'size'?"),
        ({'send': '{a: {RGB_IMAGES: 0, size: [2, 0]}}'}, 'size must be [height, width], two integers'),
        ({'send': '{a: {RGB_IMAGES: 0, size: 224}}'}, "size, [height, width], must be a list, not '224'"),
        ({'send': '{a: {RGB_IMAGES: 0, size: [5000, 2]}}'}, 'size [5000, 2] is beyond 4096 px'),
        ({'send': '{a: {RGB_IMAGES: 0, size: [2, 2], layout: wch}}'}, "layout 'wch' is not one of hwc, chw"),
        ({'send': '{a: {RGB_IMAGES: 0, size: [2, 2], turn: 90}}'}, "turn '90' is not one of 0, 180"),
        ({'send': '{a: {RGB_IMAGES: 0, size: [2, 2], optional: 1}}'}, "optional '1' is not one of true, false"),
        ({'send': '{a: {RGB_IMAGES: [0], size: [2, 2]}}'}, 'an index must be an integer >= 0'),
        ({'send': '{a: {DEPTH_IMAGES: 0, size: [2, 2]}}'}, 'DEPTH_IMAGES cannot be sent'),
        ({'send': '{a: {JOINT_POSITIONS: 0}}'}, 'columns stand in a list: write [{JOINT_POSITIONS: ...}]'),
        ({'send': '{a: [{RGB_IMAGES: 0}]}'}, 'RGB_IMAGES is no number, and no column of an array'),
        ({'send': '{a: [{JOINT_POSITION: 0}]}'}, "a column names one DataType, not none; did you mean 'JOINT_POSITIONS'?"),
        ({'send': '{a: [{joint_positions: 0}]}'}, "did you mean 'JOINT_POSITIONS'?"),
        ({'send': '{a: [{JOINT_POSITIONS: 0, JOINT_TORQUES: 0}]}'}, 'names one DataType, not JOINT_POSITIONS and JOINT_TORQUES'),
        ({'send': '{a: [{JOINT_POSITIONS: 0, scal: 2}]}'}, "unknown key 'scal' in send: a: a column; did you mean 'scale'?"),
        ({'send': '{a: [{JOINT_POSITIONS: 0, mode: velocity}]}'}, "unknown key 'mode'"),
        ({'send': '{a: [{JOINT_POSITIONS: 0, scale: 0}]}'}, 'send: a: scale must not be zero'),
        ({'send': '{a: [{JOINT_POSITIONS: 0, scale: -0.0}]}'}, 'send: a: scale must not be zero'),
        ({'send': '{a: [{JOINT_POSITIONS: 0, scale: .nan}]}'}, "scale must be a finite number, not '.nan'"),
        ({'send': '{a: [{JOINT_POSITIONS: 0, offset: .inf}]}'}, "offset must be a finite number, not '.inf'"),
        ({'send': '{a: [{JOINT_POSITIONS: 0, scale: 1e999}]}'}, 'scale must be a finite number'),
        ({'send': '{a: [{JOINT_POSITIONS: -1}]}'}, 'an index must be an integer >= 0'),
        ({'send': '{a: [{JOINT_POSITIONS: 10000}]}'}, 'index 10000 is beyond 9999'),
        ({'send': '{a: [{JOINT_POSITIONS: []}]}'}, 'JOINT_POSITIONS names no index'),
        ({'send': '{a: [{JOINT_POSITIONS: 0}, {JOINT_POSITIONS: 0}]}'}, 'send: a: JOINT_POSITIONS 0 stands there twice (first on line 4)'),
        ({'send': '{a: [{JOINT_POSITIONS: [1, 1]}]}'}, 'JOINT_POSITIONS 1 stands there twice'),
        ({'send': '{a: [{JOINT_POSITIONS: 0, part: x}]}'}, 'JOINT_POSITIONS is one number, and has no part: remove part'),
        ({'send': '{a: [{JOINT_POSITIONS: 0, around: [1, 0, 0]}]}'}, 'around is of part axis_angle: remove it'),
        ({'send': '{a: [{END_EFFECTOR_POSES: 0}]}'}, 'END_EFFECTOR_POSES has several numbers: add part. Known: x, y, z'),
        ({'send': '{a: [{END_EFFECTOR_POSES: 0, part: xzy}]}'}, "part 'xzy' is not one of"),
        ({'send': '{a: [{END_EFFECTOR_POSES: 0, part: xyzw, scale: 2}]}'}, 'has no unit: remove scale'),
        ({'send': '{a: [{END_EFFECTOR_POSES: 0, part: rpy, offset: 2}]}'}, 'a rotation has none: turn the frames of its chain'),
        ({'send': '{a: [{END_EFFECTOR_POSES: 0, part: xyz, offset: 2}]}'}, 'one offset is of one number'),
        ({'send': '{a: [{END_EFFECTOR_POSES: 0, part: axis_angle, around: [1, 2]}]}'}, 'around has 2 numbers; it needs 3'),
        ({'send': '{a: {constant: []}}'}, 'constant is empty'),
        ({'send': '{a: {constant: {b: 1}}}'}, 'constant must be one value, or a list of numbers'),
        ({'send': '{a: {constant: [x]}}'}, "constant must be a finite number, not 'x'"),
        ({'send': '{a: {constant: null}}'}, 'constant, if it is not quoted, must be a finite number'),
        ({'send': '{a: LANGUAGE, a: LANGUAGE}'}, "send: 'a' is given twice (first on line 4)"),
        ({'receive': '{}'}, 'receive: is empty'),
        ({'receive': '{a: {}}'}, 'receive: a: is empty'),
        ({'receive': '{a: []}'}, 'receive: a: has no columns'),
        ({'receive': '{a: [unused, null]}'}, 'receive: a: has no column that is used: leave the array out'),
        ({'receive': '{a: [unusd]}'}, "a column is {DataType: index, ...}, null or unused, not 'unusd'; did you mean 'unused'?"),
        ({'receive': '{a: 3}'}, "must be a list, not '3'"),
        ({'receive': '{a: [3, {JOINT_TARGET_POSITIONS: 0}]}'}, "null or unused, not '3'"),
        ({'receive': '{a: ["null", {JOINT_TARGET_POSITIONS: 0}]}'}, "null or unused, not 'null'"),
        ({'receive': '{a: {JOINT_TARGET_POSITIONS: 0}}'}, 'must be a list, not a mapping'),
        ({'receive': '{a: [{RGB_IMAGES: 0}]}'}, 'RGB_IMAGES is no number'),
        ({'receive': '{a: [{POSES: 0, part: xyz}]}'}, 'POSES cannot be commanded. Known: JOINT_POSITIONS'),
        ({'receive': '{a: [{JOINT_TARGET_POSITIONS: 0}, {JOINT_TARGET_POSITIONS: 0, scale: 2}]}'}, 'JOINT_TARGET_POSITIONS 0 stands there twice'),
        ({'receive': '{a: [{JOINT_TARGET_POSITIONS: 0}], b: {c: [{JOINT_TARGET_POSITIONS: 0}]}}'}, 'receive: JOINT_TARGET_POSITIONS 0 is in a and in b: c'),
        ({'receive': '{a: [{JOINT_TARGET_POSITIONS: 0, mode: delta}]}'}, "mode 'delta' is not one of absolute, relative, velocity"),
        ({'receive': '{a: [{JOINT_VELOCITIES: 0, mode: velocity}]}'}, 'mode velocity is of positions and poses; JOINT_VELOCITIES has none'),
        ({'receive': '{a: [{JOINT_TARGET_POSITIONS: 0, threshold: 0.5}]}'}, 'threshold is of an opening'),
        ({'receive': '{a: [{PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: 0, threshold: 1}]}'}, "between 0 and 1, not '1'"),
        ({'receive': '{a: [{PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: 0, threshold: 0}]}'}, "between 0 and 1, not '0'"),
        ({'receive': '{a: [{PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: 0, mode: velocity, threshold: 0.5}]}'}, 'not opened by mode velocity and a threshold'),
        ({'receive': '{a: [{JOINT_TARGET_POSITIONS: 0, within: 1}]}'}, 'absolute positions are not scaled down'),
        ({'receive': '{a: [{JOINT_TARGET_POSITIONS: 0, mode: velocity, within: 0}]}'}, 'within must be above 0'),
        ({'receive': '{a: [{JOINT_TARGET_POSITIONS: 0, clip: [1, -1]}]}'}, 'clip must be [least, most]'),
        ({'receive': '{a: [{JOINT_TARGET_POSITIONS: 0, clip: [1]}]}'}, 'clip must be [least, most]'),
        ({'receive': '{a: [{JOINT_TARGET_POSITIONS: 0, clip: [1, 1]}]}'}, 'clip must be [least, most]'),
        ({'receive': '{a: [{JOINT_TARGET_POSITIONS: 0, around: [1, 0, 0]}]}'}, "unknown key 'around'"),
        ({'receive': '{a: [{END_EFFECTOR_POSES: 0, part: xyz}]}'}, 'receive: END_EFFECTOR_POSES 0 needs xyz and one of axis_angle, rpy, xyzw, wxyz, six_columns, six_rows. It has: x, y, z'),
        ({'receive': '{a: [{END_EFFECTOR_POSES: 0, part: xyz}, {END_EFFECTOR_POSES: 0, part: roll}]}'}, 'It has: x, y, z, roll'),
        ({'receive': '{a: [{END_EFFECTOR_POSES: 0, part: xyz}, {END_EFFECTOR_POSES: 0, part: rpy, mode: velocity}]}'}, 'all numbers of a pose must have one mode'),
        ({'send': '{a: {RGB_IMAGES: 99, size: [4096, 4096]}}', 'steps': '{images: [-9, 0]}'}, 'one prediction reads and gives 50 GB'),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_line(values, reason):
    assert reason in refusal(**values)


def test_bounds_are_part_of_what_is_taken():
    assert [parsed(rate_hz=rate).rate_hz for rate in (0.1, 1000)] == [0.1, 1000]
    assert parsed(horizon=10000, execute=10000).horizon == 10000
    assert parsed(steps='{numbers: [-999, 0]}').observation_steps == 1000
    assert next(parsed(send='{a: {RGB_IMAGES: 0, size: [4096, 1]}}').images()).size == (4096, 1)


def test_a_line_is_that_of_the_mistake():
    text = (
        'server: openpi\nrate_hz: 15\nhorizon: 3\nsend:\n  state:\n    - {JOINT_POSITIONS: 0}\n'
        '    - {JOINT_POSITIONS: 1, scale: 0}\nreceive: {a: [{JOINT_TARGET_POSITIONS: 0}]}\n'
    )
    with pytest.raises(PolicyError, match=r'^arm\.server\.yaml:7: send: state: scale must not'):
        ServerFile.parse(text, Path('arm.server.yaml'))


@pytest.mark.parametrize('text', ['', '[]', 'a', '{', 'server: &a {b: *a}', '\x00', '---\n---\n'])
def test_what_is_no_server_file_is_refused(text):
    with pytest.raises(PolicyError) as refused:
        ServerFile.parse(text, Path('arm.server.yaml'))
    assert '\n' not in str(refused.value)


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path):
    with pytest.raises(PolicyError, match='no such file'):
        ServerFile.read(tmp_path / 'arm.server.yaml')
    with pytest.raises(PolicyError, match='is a folder'):
        ServerFile.read(tmp_path)
    path = tmp_path / 'image.server.yaml'
    path.write_bytes(b'\x89PNG\xff')
    with pytest.raises(PolicyError, match='is not text in UTF-8'):
        ServerFile.read(path)


def test_endless_lists_are_refused():
    many = ', '.join(map(str, range(5000)))
    assert 'more than 4096 columns' in refusal(send=f'{{a: [{{JOINT_POSITIONS: [{many}]}}]}}')
    entries = ', '.join(f'{{JOINT_POSITIONS: {index}}}' for index in range(5000))
    assert 'more than 4096 columns' in refusal(send=f'{{a: [{entries}]}}')
    entries = ', '.join(['{JOINT_TARGET_POSITIONS: 0}', *['unused'] * 5000])
    assert 'more than 4096 columns' in refusal(receive=f'{{a: [{entries}]}}')
    deep = '{a: ' * 3000 + 'LANGUAGE' + '}' * 3000
    assert 'nested too deeply' in refusal(send=deep)


def test_the_same_slot_may_be_sent_in_two_ways():
    mapped = ServerMap(parsed(send='{a: [{JOINT_POSITIONS: 0}, {JOINT_POSITIONS: 0, scale: -1}]}'))
    assert mapped.manifest().input_layout.widths == {next(iter(mapped.manifest().input)): 1}


@given(st.text(alphabet='ab:{}[]&*!|>\'"%#,\n- 01.eJ_', max_size=60))
def test_any_text_is_a_file_or_is_refused_in_one_line(text):
    try:
        ServerFile.parse(text, Path('arm.server.yaml'))
    except PolicyError as error:
        assert '\n' not in str(error)
