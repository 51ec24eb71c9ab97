"""A viewer that hangs, is gone or cannot be opened costs no key."""

import threading

import pytest

from neuracore_ros.errors import UserError
from neuracore_ros.watch import rerun_feed
from neuracore_ros.watch.rerun_feed import RerunFeed, open_viewer


class Recording:
    """A recording whose viewer reads nothing until it may."""

    def __init__(self):
        self.may = threading.Event()
        self.got = []

    def log(self, path, component):
        self.may.wait(60.0)
        if component is None:
            raise ValueError('a bug')
        self.got.append(component)

    def disconnect(self):
        self.got.append('end')


@pytest.fixture
def recording():
    recording = Recording()
    yield recording
    recording.may.set()


def test_whoever_logs_to_a_viewer_that_hangs_does_not_wait(recording, monkeypatch):
    monkeypatch.setattr(rerun_feed, '_MOST_WAITING', 10)
    told = []
    feed = RerunFeed(recording, lambda name, text: told.append(text))
    for number in range(100):
        feed.log('a', number)
    assert told == ['the viewer hangs, has ended or is too slow: it lacks a part']
    assert not feed.close(0.1)


def test_all_that_waits_is_in_the_recording_at_its_end(recording):
    feed = RerunFeed(recording, lambda name, text: None)
    for number in range(100):
        feed.log('a', number)
    recording.may.set()
    assert feed.close()
    assert recording.got == [*range(100), 'end']


def test_a_bug_in_the_thread_is_seen(recording):
    feed = RerunFeed(recording, lambda name, text: None)
    recording.may.set()
    feed.log('a', None)
    with pytest.raises(ValueError, match='a bug'):
        feed.close()
    with pytest.raises(ValueError, match='a bug'):
        feed.log('a', 0)


def test_without_a_display_the_way_without_one_is_told(monkeypatch):
    monkeypatch.setattr(rerun_feed, 'PORT', 1)
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match='give --rerun a file'):
        open_viewer()
