"""Definitions of message types that are no definitions: refused soon, and the stock one is read."""

import contextlib
import time

import pytest

from helpers.damaged_bags import JOINT_STATE, joint_states
from helpers.forged_bags import channel, chunk, message, schema, whole_mcap
from helpers.small_bags import ROS1, ROS2, at
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.bags.definitions import deserialiser
from neuracore_ros.bags.storage import Connection, DamageError

STRUCT = 'module a {{ module msg {{ {} struct B {{ {} }}; }}; }};'
SHORT_S = 20


def idl(fields, before=''):
    return 'ros2idl', STRUCT.format(before, fields)


def msg(text):
    return 'ros2msg', text


def refuse(encoding, definition, kind='a/msg/B', serialization='cdr'):
    """Why the definition of a type that is not stock is not used."""
    began = time.monotonic()
    with pytest.raises(DamageError) as refused:
        deserialiser(Connection('/x', kind, serialization, encoding, definition))
    assert time.monotonic() - began < SHORT_S
    assert '\n' not in str(refused.value) and len(str(refused.value)) < 300
    return str(refused.value)


@pytest.mark.parametrize(
    ('forged', 'words'),
    [
        (msg('string[2000000000] name'), 'has 2000000000 elements in arrays, more than 1000'),
        (msg('string[2000000] a\nstring[-2000000] b'), 'elements in arrays'),
        (msg('C[900] a\n' + '=' * 80 + '\nMSG: a/C\nstring[900] b\n'), ''),
        (msg('std_msgs/Header[2000000] a'), 'elements in arrays'),
        (msg(''.join(f'int8 a{k}\n' for k in range(50_000))), 'has 50000 lines, more than 4000'),
        (msg('#' * (1 << 20) + '#'), 'has more than 1048576 characters'),
        (msg('string a "' + 'b' * 300_000 + '"'), 'characters, more than 262144'),
        (msg('int8[] a [' + '1,' * 100_000 + '1]'), 'has 100000 commas, more than 10000'),
        (msg('uint8[' + '9' * 5000 + '] a'), ''),
        (msg('int8 class\nint8 a\nint8 a'), ''),
        (msg('B b'), ''),
        (msg('nowhere/Type a'), ''),
        (idl('double x[((((((((1))))))))];'), 'it calculates'),
        (idl('double x[1 << 40000000000];'), 'it calculates'),
        (idl('double x[A];', 'const long A = (((((((1)))))));'), 'it calculates'),
        (idl('string x[2000000000];'), 'elements in arrays'),
        (idl(''.join(f'double x{k}[1];' for k in range(2000))), 'expressions, more than 1000'),
        (idl(''.join(f'double x{k};' for k in range(9000))), 'statements, more than 4000'),
        (idl('@verbatim (language="x", text=' + '"a" ' * 20_000 + ') double x;'), 'quotes'),
        (idl('double x;', '/* ' * 80_000), ''),
        (idl('double x;', '"' + '\\"' * 100_000), ''),
        (idl('sequence<' * 900 + 'double' + '>' * 900 + ' x;'), ''),
        (idl('double x' + '[2]' * 900 + ';'), ''),
        (('ros2idl', ' ' * 200_000), ''),
    ],
)
def test_a_definition_that_is_none_is_refused_soon(forged, words):
    kind = 'a/msg/Other' if words == '' else 'a/msg/B'
    assert words in refuse(*forged, kind=kind)


def test_types_that_lie_deeply_within_each_other_are_refused_soon():
    parts = [f'C{k + 1} a' for k in range(3000)]
    text = parts[0] + ''.join(
        f'\n{"=" * 80}\nMSG: a/C{k}\n{part}' for k, part in enumerate(parts[1:1300], 1)
    )
    assert 'cannot be used' in refuse('ros2msg', text)


def test_a_list_of_messages_without_bytes_is_refused():
    text = f'std_msgs/Empty[] a\n{"=" * 80}\nMSG: std_msgs/Empty\n'
    assert 'a list of std_msgs/msg/Empty, which has no field' in refuse(
        'ros1msg', text, serialization='ros1'
    )


@pytest.mark.parametrize('definition', ['string[2000000000] name', '\x00\xff', '#' * 2_000_000])
def test_the_stock_definition_is_read_in_place_of_one_that_is_refused(tmp_path, definition):
    rows = joint_states(20)
    stored = b''.join(
        message(bytes(ROS2.serialize_cdr(row, JOINT_STATE)), log_ns) for _, row, log_ns in rows
    )
    path = tmp_path / 'a.mcap'
    before = schema(definition=definition) + channel()
    path.write_bytes(
        whole_mcap(before, chunk(stored, len(stored), '', (at(0), at(1))), count=len(rows))
    )
    with open_bag(path) as bag:
        found = [item.message.position[0] for item in bag.read(['/joint_states'])]
        assert (found, bag.losses) == (list(range(20)), ())


def test_a_message_of_very_many_small_parts_is_refused():
    decode = deserialiser(Connection('/x', 'a/msg/B', 'cdr', 'ros2msg', 'string[] a'))
    with pytest.raises(DamageError, match='has 5000000 bytes, more than 4194304'):
        decode(memoryview(bytes(5_000_000)))


@pytest.mark.parametrize('store', [ROS1, ROS2])
def test_every_common_definition_is_read(store):
    version = 1 if store is ROS1 else 2
    serialization, encoding = ('ros1', 'ros1msg') if version == 1 else ('cdr', 'ros2msg')
    for kind in store.types:
        text, _ = store.generate_msgdef(kind, ros_version=version)
        own = kind.replace('/msg/', '_own/msg/')
        deserialiser(Connection('/x', own, serialization, encoding, text))


@pytest.mark.parametrize(
    ('kind', 'definition'),
    [
        ('a/msg/B:\n CODE\nclass C', 'int8 a'),
        ('a/msg/B"); CODE #', 'int8 a'),
        ('a/msg/B', 'int8 a=CODE'),
        ('a/msg/B', "string A='''+str(CODE)+'''"),
        ('a/msg/B', 'string A="\\"+str(CODE)+\\""'),
        ('a/msg/B', 'int8 a\nCODE'),
        ('a/msg/B', 'int8[CODE] a'),
        ('a/msg/B', 'int8 a CODE'),
    ],
)
@pytest.mark.parametrize('encoding', ['ros2msg', 'ros2idl'])
def test_code_in_a_definition_is_not_run(tmp_path, kind, definition, encoding):
    # rosbags makes Python of a definition; only names and numbers of it come there.
    trace = tmp_path / 'trace'
    code = f"__import__('os').mkdir({str(trace)!r})"
    kind, text = kind.replace('CODE', code), definition.replace('CODE', code)
    if encoding == 'ros2idl':
        text = STRUCT.format('', f'{text};')
    with contextlib.suppress(Exception):  # Also of a message of another length.
        deserialiser(Connection('/x', kind, 'cdr', encoding, text))(memoryview(bytes(64)))
    assert not trace.exists()
