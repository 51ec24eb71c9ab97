"""What the recorder says of a topic that several drivers share, on a clock that a test moves."""

import pytest

pytest.importorskip('rclpy')

from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState

from neuracore_ros.description import load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.node.live.names import NameReader
from neuracore_ros.node.stream_monitor import StreamChange, topic_monitors
from neuracore_ros.node.stream_reports import together

ARM = ('shoulder_pan_joint', 'shoulder_lift_joint', 'elbow_joint', 'wrist_1_joint')
JAW = ('wrist_2_joint', 'wrist_3_joint')


def texts(changes):
    return [change.text for change in changes]


class Time:
    """A topic that is fed by drivers at rates of their own, and looked at four times a second."""

    def __init__(self):
        robot = load_robot(shipped('ur5'))
        names = {'joint_states': '/joint_states'}
        self.monitor = topic_monitors(robot, names, names.keys(), 20.0)['joint_states']
        self.now_s = 100.0

    def run(self, seconds, **rates_hz):
        """The lines that are said meanwhile, of drivers ``arm`` and ``jaw``."""
        lines, end_s = [], self.now_s + seconds
        due_s = dict.fromkeys(rates_hz, self.now_s)
        while self.now_s < end_s:
            self.now_s += 0.01
            for driver, rate_hz in rates_hz.items():
                if self.now_s >= due_s[driver]:
                    names = {'arm': ARM, 'jaw': JAW, 'all': ARM + JAW}[driver]
                    self.monitor.receive(self.now_s, self.now_s, names)
                    due_s[driver] += 1 / rate_hz
            if round(self.now_s * 100) % 25 == 0:
                lines += texts(self.monitor.update(self.now_s, self.now_s, ''))
        return lines


def test_two_healthy_drivers_need_no_word():
    time = Time()
    time.run(0.1, arm=50.0, jaw=25.0)
    assert time.run(6.0, arm=50.0, jaw=25.0) == []
    assert texts(time.monitor.problems()) == []


def test_a_slow_driver_beside_a_fast_one_is_told_by_its_names_with_what_to_write():
    (line,) = Time().run(6.0, arm=50.0, jaw=2.0)
    assert line.startswith(f' ({", ".join(JAW)}) is slow: 2.')
    assert 'episodes will be cut here: raise the rate of its driver, or ' in line
    assert line.endswith('{wrist_2_joint: {max_age_s: 1.5}, wrist_3_joint: {max_age_s: 1.5}}')


def test_names_that_are_all_slow_are_one_line_of_the_topic():
    time = Time()
    time.run(0.1, all=12.0)
    assert time.run(6.0, all=12.0) == [' is slow: 12.0 Hz; steps at 20 Hz will see a sample twice']


def test_a_driver_that_goes_and_comes_back_is_told_by_its_names():
    time = Time()
    time.run(4.0, arm=50.0, jaw=25.0)
    silent = f' ({", ".join(JAW)}) is silent: no message for more than 1 s'
    assert time.run(4.0, arm=50.0) == [silent]
    assert texts(time.monitor.problems()) == [silent]
    (back,) = time.run(4.0, arm=50.0, jaw=25.0)
    assert back.startswith(f' ({", ".join(JAW)}) is back: 2')


def test_a_topic_that_is_silent_as_a_whole_is_one_line():
    time = Time()
    time.run(4.0, arm=50.0, jaw=25.0)
    assert time.run(4.0) == [' is silent: no message for more than 1 s']
    (back,) = time.run(6.0, arm=50.0, jaw=25.0)
    assert back.startswith(' is back: ')


def test_names_that_never_came_are_known():
    time = Time()
    time.run(1.0, arm=50.0)
    assert not time.monitor.has_come
    assert texts(time.monitor.lacking()) == [f' ({", ".join(JAW)}) is silent: no message so far']
    assert (time.monitor.knows(ARM), time.monitor.knows(JAW)) == (True, False)


def test_names_are_read_from_the_wire_whatever_it_brings():
    reader = NameReader(load_robot(shipped('ur5')).input_sources())
    assert reader.topics == {'joint_states'}
    for stamp, names in ((1, ARM), (1, JAW), (1, ARM), (2, (*JAW, 'other'))):
        message = JointState(name=list(names), position=[0.1] * len(names))
        message.header.stamp.sec = stamp
        found = reader.names('joint_states', serialize_message(message), 2 * 10**9)
        assert set(found) == set(names) - {'other'}
    assert reader.names('joint_states', b'no message', 2 * 10**9) == ()


def test_topics_of_which_the_same_is_said_share_a_line():
    silent = StreamChange('silent', ' is silent: nobody publishes it')
    slow = StreamChange('slow', ' is slow: 2 Hz')
    assert texts(together([('/a', silent), ('/b', slow), ('/c', silent)])) == [
        '/a, /c are silent: nobody publishes it',
        '/b is slow: 2 Hz',
    ]
