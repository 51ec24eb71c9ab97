"""What the recorder says of a stream, and when."""

import pytest

pytest.importorskip('rclpy')

from neuracore_ros.node.stream_monitor import StreamMonitor


class Time:
    """A stream that is fed and looked at four times a second."""

    def __init__(self, max_age_s=0.2, steady=True):
        self.monitor = StreamMonitor(max_age_s, 20.0, steady)
        self.now_s = 100.0

    def run(self, seconds, rate_hz, fault=''):
        """The lines that are said meanwhile."""
        lines, end_s, due_s = [], self.now_s + seconds, self.now_s
        while self.now_s < end_s:
            self.now_s += 0.01
            if rate_hz and self.now_s >= due_s:
                self.monitor.receive(self.now_s, self.now_s)
                due_s += 1 / rate_hz
            if round(self.now_s * 100) % 25 == 0:
                lines.append(self.monitor.update(self.now_s, self.now_s, fault))
        return [change.text for change in lines if change]


def test_a_healthy_stream_needs_no_word():
    time = Time()
    time.monitor.receive(time.now_s, time.now_s)
    assert time.run(5.0, 50.0) == []


def test_silence_is_told_once_and_so_is_its_end():
    time = Time()
    time.run(3.0, 50.0)
    assert time.run(5.0, 0) == [' is silent: no message for more than 1 s']
    (back,) = time.run(5.0, 50.0)
    assert back.startswith(' is back: 5')


def test_a_stream_that_never_came_is_silent():
    assert Time().run(1.0, 0) == [' is silent: no message so far']
    assert Time().run(1.0, 0, 'nobody publishes it') == [' is silent: nobody publishes it']


@pytest.mark.parametrize(
    ('rate_hz', 'says'),
    [(3.0, 'episodes will be cut here'), (12.0, 'steps at 20 Hz will see a sample twice')],
)
def test_a_slow_stream_is_told_with_what_that_means(rate_hz, says):
    time = Time()
    time.monitor.receive(time.now_s, time.now_s)
    (line,) = time.run(6.0, rate_hz)
    assert line.startswith(' is slow')
    assert says in line


def test_a_message_now_and_then_is_no_return():
    time = Time()
    time.run(3.0, 50.0)
    assert time.run(12.0, 0.7) == [' is silent: no message for more than 1 s']


def test_commands_may_be_silent():
    time = Time(max_age_s=None, steady=False)
    assert time.run(3.0, 0) == []
    assert time.run(1.0, 0, 'nobody publishes it') == [' is silent: nobody publishes it']
    assert time.run(1.0, 10.0) == [' is back']
