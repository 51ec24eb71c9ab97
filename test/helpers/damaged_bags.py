"""Recordings of every storage, small enough to be damaged at any byte."""

from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter

from helpers.small_bags import ROS1, ROS2, START, Messages, Ros1Writer, at, write_bag

JOINT_STATE = 'sensor_msgs/msg/JointState'
COUNT = 200
STEP_S = 0.01
MCAP = {
    'chunks': {'compression': CompressionType.NONE},
    'zstd': {'compression': CompressionType.ZSTD},
    'lz4': {'compression': CompressionType.LZ4},
    'no_crc': {'compression': CompressionType.ZSTD, 'enable_crcs': False},
    'unchunked': {'use_chunking': False},
    'no_summary': {
        'use_statistics': False,
        'use_summary_offsets': False,
        'repeat_channels': False,
        'repeat_schemas': False,
    },
}
KINDS = (*(f'mcap_{name}' for name in MCAP), 'sqlite3', 'ros1', 'ros1_bz2', 'ros1_lz4')
# Nothing tells of a flipped bit within a message of the other ones.
CHECKED = {'mcap_chunks', 'mcap_zstd', 'mcap_lz4', 'mcap_no_summary'}


def joint_states(count=COUNT, kind='mcap', topic='/joint_states'):
    """Joint a is the number of the message."""
    messages = Messages(kind)
    return [
        (topic, messages.joints(at(k * STEP_S), a=float(k)), at(k * STEP_S)) for k in range(count)
    ]


def write_mcap(path, messages, chunk_size=2000, unknown=None, **options):
    """Write (topic, message, log time) in the order given.

    ``unknown`` is a topic, and its type that nothing defines, of one message.
    """
    with path.open('wb') as file:
        writer = McapWriter(file, chunk_size=chunk_size, **options)
        writer.start(profile='ros2', library='test')
        channels = {}
        if unknown:
            schema = writer.register_schema(unknown[1], '', b'')
            channel = writer.register_channel(unknown[0], 'cdr', schema)
            writer.add_message(channel, START, b'\x00\x01\x00\x00', START)
        for topic, message, log_ns in messages:
            name = message.__msgtype__
            if topic not in channels:
                definition = ROS2.generate_msgdef(name, ros_version=2)[0].encode()
                schema = writer.register_schema(name, 'ros2msg', definition)
                channels[topic] = writer.register_channel(topic, 'cdr', schema)
            data = bytes(ROS2.serialize_cdr(message, name))
            writer.add_message(channels[topic], log_ns, data, log_ns)
        writer.finish()
    return path


def storage_file(folder, kind, messages=None):
    """One storage file of a kind, with joint states every 10 ms."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind.startswith('mcap'):
        options = MCAP[kind.removeprefix('mcap_')]
        return write_mcap(folder / 'bag.mcap', messages or joint_states(), **options)
    if kind == 'sqlite3':
        made = write_bag(folder / 'bag', messages or joint_states(), 'sqlite3')
        (made / 'metadata.yaml').unlink()
        return made / 'bag.db3'
    path = folder / 'bag.bag'
    writer = Ros1Writer(path)
    writer.chunk_threshold = 2000
    if kind != 'ros1':
        writer.set_compression(writer.CompressionFormat[kind.removeprefix('ros1_').upper()])
    with writer:
        connections = {}
        for topic, message, log_ns in messages or joint_states(kind='ros1'):
            name = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, name, typestore=ROS1)
            writer.write(connections[topic], log_ns, ROS1.serialize_ros1(message, name))
    return path
