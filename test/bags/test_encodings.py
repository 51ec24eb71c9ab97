"""Message types and encodings, as recorders of all kinds write them."""

import json
import sqlite3

import pytest
from mcap.writer import Writer

from helpers.small_bags import ROS1, ROS2, Messages, at, write_bag
from helpers.two_arms import NUMBERS, describe, joint_states
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.bags.storage import ros_type
from neuracore_ros.cli.main import main
from neuracore_ros.errors import BagError

JOINT_STATE = 'sensor_msgs/msg/JointState'
SPELLINGS = (
    'sensor_msgs/JointState',
    'sensor_msgs::msg::JointState',
    'sensor_msgs::msg::dds_::JointState_',
)
ROS2_DEFINITION = ROS2.generate_msgdef(JOINT_STATE, ros_version=2)[0].encode()
ROS1_DEFINITION = ROS1.generate_msgdef(JOINT_STATE)[0].encode()


def cdr(message):
    return bytes(ROS2.serialize_cdr(message, JOINT_STATE))


def ros1(message):
    return bytes(ROS1.serialize_ros1(message, JOINT_STATE))


def as_json(message):
    return json.dumps({'name': message.name, 'position': list(message.position)}).encode()


def write_channels(path, *channels):
    """An MCAP of several channels: topic, type, schema, message encoding, messages."""
    with path.open('wb') as file:
        writer = Writer(file)
        writer.start()
        for topic, kind, (schema_encoding, definition), encoding, messages in channels:
            schema = writer.register_schema(kind, schema_encoding, definition) if kind else 0
            channel = writer.register_channel(topic, encoding, schema)
            for log_ns, data in messages:
                writer.add_message(channel, log_ns, data, log_ns)
        writer.finish()
    return path


def joint_channel(kind=JOINT_STATE, encoding='cdr', encode=cdr, topic='/joint_states', ros='mcap'):
    schemas = {'cdr': ('ros2msg', ROS2_DEFINITION), 'ros1': ('ros1msg', ROS1_DEFINITION)}
    schema = schemas.get(encoding, ('', b''))
    messages = [(log_ns, encode(message)) for _, message, log_ns in joint_states(2.0, kind=ros)]
    return topic, kind, schema, encoding, messages


def picture_channel(encoding):
    return '/camera', 'sensor_msgs/msg/Image', ('', b''), encoding, [(at(0), b'\x08\x01')]


@pytest.fixture
def run(tmp_path, capsys):
    """Runs a verb; gives exit code, standard output and standard error."""
    description = describe(tmp_path, numbers=NUMBERS)

    def verb(name, bag):
        capsys.readouterr()
        arguments = {
            'convert': ['convert', tmp_path / 'data', bag, '--description', description],
            'describe': ['describe', '--bag', bag, '--out', tmp_path / 'draft.yaml', '--force'],
        }[name]
        return main([*map(str, arguments)]), *capsys.readouterr()

    return verb


def test_a_type_may_be_spelt_in_many_ways():
    assert {ros_type(name) for name in (*SPELLINGS, JOINT_STATE)} == {JOINT_STATE}


@pytest.mark.parametrize('kind', SPELLINGS)
def test_an_mcap_of_another_maker_is_read(tmp_path, run, kind):
    bag = write_channels(tmp_path / 'bag.mcap', joint_channel(kind))
    assert run('describe', bag)[0] == 0
    code, out, _ = run('convert', bag)
    assert code == 0 and '1 episode, 40 steps; 0 of 40 ticks unusable\n' in out


def test_the_case_of_an_encoding_does_not_count(tmp_path, run):
    channel = joint_channel()
    bag = write_channels(tmp_path / 'bag.mcap', (*channel[:3], 'CDR', channel[4]))
    assert '1 episode, 40 steps' in run('convert', bag)[1]


def test_a_topic_without_a_type_is_told(tmp_path, run):
    bag = write_channels(tmp_path / 'bag.mcap', joint_channel(kind=''))
    code, _, error = run('convert', bag)
    assert code == 1
    assert '/joint_states holds messages of a type that the file does not name, but' in error


def test_a_sqlite3_bag_with_short_type_names_is_read(tmp_path, run):
    bag = write_bag(tmp_path / 'bag', joint_states(2.0), 'sqlite3')
    with sqlite3.connect(bag / 'bag.db3') as database:
        database.execute("UPDATE topics SET type = 'sensor_msgs/JointState'")
    assert '1 episode, 40 steps' in run('convert', bag)[1]


def test_a_ros1_bag_that_was_rewritten_as_mcap_is_read(tmp_path, run):
    channel = joint_channel('sensor_msgs/JointState', 'ros1', ros1, ros='ros1')
    bag = write_channels(tmp_path / 'bag.mcap', channel)
    assert run('describe', bag)[0] == 0
    assert '1 episode, 40 steps; 0 of 40 ticks unusable\n' in run('convert', bag)[1]


@pytest.mark.parametrize('encoding', ['json', 'protobuf', 'cbor', 'flatbuffer'])
@pytest.mark.parametrize('kind', ['sensor_msgs/JointState', 'foxglove.JointStates', ''])
@pytest.mark.parametrize('verb', ['convert', 'describe'])
def test_an_encoding_that_cannot_be_read_is_named(tmp_path, run, verb, encoding, kind):
    bag = write_channels(tmp_path / 'bag.mcap', joint_channel(kind, encoding, as_json))
    code, _, error = run(verb, bag)
    assert code == 1 and error.count('\n') == 1
    assert (
        f'{bag}: messages on /joint_states are encoded as {encoding!r}; only cdr (ROS 2) and '
        'ros1 can be read'
    ) in error


def test_an_encoding_that_nobody_asks_for_does_no_harm(tmp_path, run):
    bag = write_channels(tmp_path / 'bag.mcap', joint_channel(), picture_channel('protobuf'))
    code, _, error = run('describe', bag)
    assert code == 0
    assert '/camera (sensor_msgs/msg/Image, 1 message) is left out: it is protobuf' in error
    assert '1 episode, 40 steps; 0 of 40 ticks unusable\n' in run('convert', bag)[1]


def test_a_topic_in_two_encodings_is_read_in_the_one_that_can_be(tmp_path, run):
    others = joint_channel(encoding='json', encode=as_json)
    bag = write_channels(tmp_path / 'bag.mcap', joint_channel(), others)
    assert "lost: /joint_states: 100 messages encoded as 'json'\n" in run('convert', bag)[1]


@pytest.fixture
def two_types(tmp_path):
    """Joint states at 50 Hz, and one text on the same topic."""
    messages = joint_states(2.0)
    text = ('/joint_states', ROS2.types['std_msgs/msg/String']('hello'), at(1.001))

    def write(kind, many_texts=False):
        texts = [(*text[:2], at(1.001 + n / 1e6)) for n in range(200 if many_texts else 1)]
        return write_two_types(
            tmp_path / 'bag', sorted(messages + texts, key=lambda m: m[2]), kind
        )

    return write


def write_two_types(path, messages, kind):
    from rosbags.rosbag2 import StoragePlugin

    from helpers.small_bags import Ros2Writer

    plugin = StoragePlugin.MCAP if kind == 'mcap' else StoragePlugin.SQLITE3
    with Ros2Writer(path, version=9, storage_plugin=plugin) as writer:
        connections = {}
        for topic, message, log_ns in messages:
            name = message.__msgtype__
            if name not in connections:
                connections[name] = writer.add_connection(topic, name, typestore=ROS2)
            writer.write(connections[name], log_ns, ROS2.serialize_cdr(message, name))
    return path


@pytest.mark.parametrize('kind', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('many_texts', [False, True])
def test_a_topic_of_two_types_is_read_in_the_declared_one(run, two_types, kind, many_texts):
    bag = two_types(kind, many_texts)
    assert run('describe', bag)[0] == 0
    code, out, _ = run('convert', bag)
    text = '200 messages' if many_texts else '1 message'
    assert code == 0 and '1 episode, 40 steps; 0 of 40 ticks unusable' in out
    assert f'lost: /joint_states: {text} of type std_msgs/msg/String, not {JOINT_STATE}\n' in out


def test_a_topic_that_lacks_the_declared_type_is_refused(tmp_path, run, two_types):
    bag = write_bag(tmp_path / 'bag', [('/joint_states', Messages().string('hello'), at(0))])
    code, _, error = run('convert', bag)
    assert code == 1 and '/joint_states holds std_msgs/msg/String, but' in error


def test_reading_an_unknown_encoding_names_it(tmp_path):
    bag = write_channels(tmp_path / 'bag.mcap', joint_channel(encoding='cbor', encode=as_json))
    with open_bag(bag) as opened, pytest.raises(BagError, match="encoded as 'cbor'"):
        next(opened.read(['/joint_states']))
