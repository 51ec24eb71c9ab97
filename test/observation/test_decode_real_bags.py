"""Real recordings: every image in them is decoded, every joint stream observed."""

import numpy as np
import pytest

from helpers.observer_examples import RGB, TARGET, Observation, observer, source
from neuracore_ros.observation import decode_image

highlevel = pytest.importorskip('rosbags.highlevel')
rosbags_image = pytest.importorskip('rosbags.image')

BAGS = (
    'aerial_servo_mcap_20251202',
    'fetch_calibration_poses.bag',
    'rerun_ros2_all_types_mcap/rosbag2_2025_09_10-13_03_56_0.mcap',
    'ros_numpy_image_compressed.bag',
)
SERVO, FETCH, ALL_TYPES, PICTURES = BAGS


def messages(path, *topics):
    """(topic, message, log time) in log order."""
    with highlevel.AnyReader([path]) as reader:
        chosen = [c for c in reader.connections if c.topic in topics]
        for connection, log_ns, data in reader.messages(chosen):
            yield connection.topic, reader.deserialize(data, connection.msgtype), log_ns


def image_topics(path):
    with highlevel.AnyReader([path]) as reader:
        return [c.topic for c in reader.connections if c.msgtype.endswith('Image')]


@pytest.mark.parametrize(('bag', 'count'), [*zip(BAGS, (0, 0, 2, 2), strict=True)])
def test_every_image_is_decoded_as_by_rosbags_image(bags, bag, count):
    path = bags / bag
    topics = image_topics(path)
    seen = 0
    for _, message, _ in messages(path, *topics) if topics else ():
        theirs = rosbags_image.message_to_cvimage(message, 'rgb8')
        assert np.array_equal(decode_image(message), theirs)
        seen += 1
    assert seen == count


def test_servo_commands_start_later_than_the_state_and_carry_other_names(bags):
    names = {'base': 'q0', 'elbow': 'q1', 'wrist': 'q2'}
    commanded = {'base': 'q1', 'elbow': 'q2', 'wrist': 'q3'}
    state = {'topic': '/servo/out/state', 'max_age_s': 0.5}
    command = {'topic': '/servo/in/state', 'type': 'sensor_msgs/msg/JointState'}
    measured = observer(
        *(source(i, n, message_name=names[n], **state) for i, n in enumerate(names))
    )
    wanted = observer(
        *(source(i, n, TARGET, message_name=commanded[n], **command) for i, n in enumerate(names))
    )
    complete = {}
    for topic, message, log_ns in messages(bags / SERVO, '/servo/out/state', '/servo/in/state'):
        for eyes in (measured, wanted):
            eyes.receive(topic, message, log_ns)
            if eyes.is_complete(log_ns):
                complete.setdefault(eyes, log_ns)
        if measured in complete:
            assert isinstance(measured.observe(log_ns), Observation)
    assert 2.0 < (complete[wanted] - complete[measured]) / 1e9 < 3.0
    assert isinstance(wanted.observe(log_ns), Observation)
    for eyes, count in ((measured, 124), (wanted, 55)):
        (status,) = eyes.status(log_ns)
        assert (status.samples, status.drops) == (count, {})


def test_a_wrong_name_of_the_servo_is_told_with_the_names_that_are_there(bags):
    eyes = observer(source(0, 'q3', topic='/servo/out/state'))
    for topic, message, log_ns in messages(bags / SERVO, '/servo/out/state'):
        eyes.receive(topic, message, log_ns)
    (reason,) = eyes.observe(log_ns).reasons
    assert reason.text.startswith("/servo/out/state lacks 'q3' (JOINT_POSITIONS index 0).")
    assert reason.text.endswith('It has: q0, q1, q2')


def test_fetch_poses_are_read_though_their_topic_has_no_slash(bags):
    names = ('elbow_flex_joint', 'torso_lift_joint')
    way = {'topic': '/calibration_joint_states', 'max_age_s': 60.0}
    eyes = observer(*(source(index, name, **way) for index, name in enumerate(names)))
    for topic, message, log_ns in messages(bags / FETCH, 'calibration_joint_states'):
        eyes.receive(topic, message, log_ns)
        seen = eyes.observe(log_ns)
        wanted = [message.position[message.name.index(name)] for name in names]
        assert seen.inputs['JOINT_POSITIONS'].tolist() == np.float32(wanted).tolist()
    (status,) = eyes.status(log_ns)
    assert (status.samples, status.drops) == (61, {})


def test_joints_of_the_all_types_bag_are_read(bags):
    eyes = observer(source(0, 'wrist_joint', topic='/joint_state'))
    for topic, message, log_ns in messages(bags / ALL_TYPES, '/joint_state'):
        eyes.receive(topic, message, log_ns)
        assert isinstance(eyes.observe(log_ns), Observation)


def test_an_image_with_a_zero_stamp_counts_from_its_arrival(bags):
    eyes = observer(source(0, 'top', RGB, topic='/image'))
    for topic, message, log_ns in messages(bags / PICTURES, '/image'):
        eyes.receive(topic, message, log_ns)
        seen = eyes.observe(log_ns + 100_000_000)
        assert seen.ages_s == {(RGB, 'top'): 0.1}
        assert seen.inputs[RGB].any()
