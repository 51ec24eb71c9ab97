import shutil

import pytest
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from helpers.small_bags import FORMATS, ROS2, START, Messages, Ros2Writer, at, write_bag
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.errors import BagError


def joints(kind, *times, topic='/joint_states'):
    messages = Messages(kind)
    return [(topic, messages.joints(at(t), a=t), at(t)) for t in times]


@pytest.mark.parametrize('kind', FORMATS)
def test_messages_come_in_log_order_from_every_format(tmp_path, kind):
    messages = joints(kind, 0.0, 0.2) + joints(kind, 0.1, 0.3, topic='/other')
    path = write_bag(tmp_path / 'a.bag', messages, kind)
    with open_bag(path) as bag:
        found = list(bag.read(['/joint_states', '/other']))
        assert [m.log_time_ns for m in found] == [at(0.0), at(0.1), at(0.2), at(0.3)]
        assert [m.topic for m in found] == ['/joint_states', '/other'] * 2
        assert [float(m.message.position[0]) for m in found] == [0.0, 0.1, 0.2, 0.3]
        assert bag.topics['/other'].type == 'sensor_msgs/msg/JointState'
        assert (bag.topics['/other'].count, bag.count, bag.start_ns) == (2, 4, START)


@pytest.mark.parametrize('kind', ['mcap', 'sqlite3'])
def test_a_folder_without_metadata_and_a_lone_storage_file_open(tmp_path, kind):
    path = write_bag(tmp_path / 'a', joints(kind, 0.0, 0.1), kind)
    (path / 'metadata.yaml').unlink()
    (storage,) = path.iterdir()
    for opened in (path, storage):
        with open_bag(opened) as bag:
            assert len(list(bag.read(['/joint_states']))) == 2


def test_parts_of_a_split_bag_without_metadata_are_one_recording(tmp_path):
    first = write_bag(tmp_path / 'x_0', joints('mcap', 0.0, 0.1))
    second = write_bag(tmp_path / 'x_1', joints('mcap', 0.2, 0.3))
    (tmp_path / 'x').mkdir()
    for part in (first, second):
        shutil.copy(part / f'{part.name}.mcap', tmp_path / 'x')
    with open_bag(tmp_path / 'x') as bag:
        found = list(bag.read(['/joint_states']))
    assert [m.log_time_ns for m in found] == [at(t) for t in (0.0, 0.1, 0.2, 0.3)]


@pytest.mark.parametrize('recorded', ['joint_states', '/joint_states'])
@pytest.mark.parametrize('wanted', ['joint_states', '/joint_states'])
def test_a_leading_slash_never_counts(tmp_path, recorded, wanted):
    path = write_bag(tmp_path / 'a.bag', joints('ros1', 0.0, topic=recorded), 'ros1')
    with open_bag(path) as bag:
        assert [m.topic for m in bag.read([wanted])] == [wanted]


def test_relative_topics_are_looked_up_in_the_namespace(tmp_path):
    path = write_bag(tmp_path / 'a', joints('mcap', 0.0, topic='/left/joint_states'))
    with open_bag(path, namespace='/left') as bag:
        assert len(list(bag.read(['joint_states']))) == 1
        assert len(list(bag.read(['/joint_states']))) == 0


def test_types_that_nobody_knows_beside_the_wanted_ones_do_no_harm(tmp_path):
    odd = get_typestore(Stores.EMPTY)
    odd.register(get_types_from_msg('float64 x', 'odd_msgs/msg/Odd'))
    joint = Messages().joints(START, a=1.0)
    with Ros2Writer(tmp_path / 'a', version=9) as writer:
        good = writer.add_connection('/j', 'sensor_msgs/msg/JointState', typestore=ROS2)
        strange = writer.add_connection('/odd', 'odd_msgs/msg/Odd', typestore=odd)
        worse = writer.add_connection(
            '/worse',
            'odd_msgs/msg/Worse',
            msgdef='this is { no definition',
            rihs01='RIHS01_' + 64 * '0',
        )
        for connection in (strange, worse, good):
            data = ROS2.serialize_cdr(joint, 'sensor_msgs/msg/JointState')
            writer.write(connection, START, data)
    with open_bag(tmp_path / 'a') as bag:
        assert [m.message.name for m in bag.read(['/j'])] == [['a']]


def test_no_such_bag_names_the_nearest(tmp_path):
    write_bag(tmp_path / 'episode_01', joints('mcap', 0.0))
    with pytest.raises(BagError, match=r'episode_0: no such bag; did you mean .*episode_01\?'):
        open_bag(tmp_path / 'episode_0').__enter__()


def test_a_folder_of_bags_is_no_bag_and_names_those_inside(tmp_path):
    write_bag(tmp_path / 'bags' / 'one', joints('mcap', 0.0))
    with pytest.raises(BagError, match=r'no metadata.yaml.*give the bags inside it: .*one'):
        open_bag(tmp_path / 'bags').__enter__()


@pytest.mark.parametrize('kind', FORMATS)
def test_an_empty_bag_is_refused(tmp_path, kind):
    path = write_bag(tmp_path / 'a.bag', [], kind)
    with pytest.raises(BagError, match='holds no message|cannot be read'):
        open_bag(path).__enter__()


@pytest.mark.parametrize('kind', FORMATS)
@pytest.mark.parametrize('rest', [0, 7, 100])
def test_a_bag_of_which_nothing_is_left_is_one_line(tmp_path, kind, rest):
    path = write_bag(tmp_path / 'a.bag', joints(kind, *(k / 100 for k in range(200))), kind)
    if path.is_dir():
        (path / 'metadata.yaml').unlink()
    storage = path if path.is_file() else next(path.iterdir())
    storage.write_bytes(storage.read_bytes()[:rest])
    with pytest.raises(BagError) as caught, open_bag(path) as bag:
        list(bag.read(['/joint_states']))
    assert '\n' not in str(caught.value)


def test_a_message_that_does_not_fit_its_type_is_left_out_and_told(tmp_path):
    path = tmp_path / 'a'
    with Ros2Writer(path, version=9) as writer:
        connection = writer.add_connection('/j', 'sensor_msgs/msg/JointState', typestore=ROS2)
        writer.write(connection, START, b'\x00\x01\x00\x00\x01')
    with open_bag(path) as bag:
        assert list(bag.read(['/j'])) == []
        assert '/j: 1 messages are not of their type sensor_msgs/msg/JointState' in bag.losses[0]


def test_something_that_is_no_bag_is_named_so(tmp_path):
    (tmp_path / 'notes.txt').write_text('hello')
    with pytest.raises(BagError, match='not a bag'):
        open_bag(tmp_path / 'notes.txt').__enter__()


def test_both_spellings_of_a_topic_are_given_its_messages(tmp_path):
    path = write_bag(tmp_path / 'bag', joints('mcap', 0.0, 0.1))
    with open_bag(path) as bag:
        read = [(m.topic, m.log_time_ns) for m in bag.read(['joint_states', '/joint_states'])]
        assert len(list(bag.times_ns(['joint_states', '/joint_states']))) == 2
    assert [topic for topic, _ in read] == ['joint_states', '/joint_states'] * 2
    assert read[0][1] == read[1][1] < read[2][1]
