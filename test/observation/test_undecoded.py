"""What is wrong at a tick is known without decoding its images, except that they be damaged."""

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage

from helpers.observer_examples import MS, RGB, T0, Observation, fault, observer, source
from neuracore_ros.observation import Unusable, images
from neuracore_ros.observation.observer import Snapshot

cv2 = pytest.importorskip('cv2')
GOOD = cv2.imencode('.jpg', np.full((6, 8, 3), 200, np.uint8))[1].tobytes()
BROKEN = GOOD[:40]


@pytest.fixture
def decoded(monkeypatch):
    """Every message that is decoded."""
    messages = []
    real = images.decode_image
    monkeypatch.setattr(
        images, 'decode_image', lambda m, most: messages.append(m) or real(m, most)
    )
    return messages


def watching(max_age_s=0.2):
    kind = 'sensor_msgs/msg/CompressedImage'
    return observer(source(0, 'top', RGB, type=kind, max_age_s=max_age_s))


def send(eyes, at_ms, data=GOOD):
    message = CompressedImage(format='jpeg', data=data)
    now_ns = T0 + at_ms * MS
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(now_ns, 1_000_000_000)
    eyes.receive('/top', message, now_ns)


def test_a_look_decodes_once_in_max_age(decoded):
    eyes = watching()
    for at_ms in range(0, 1000, 50):
        send(eyes, at_ms)
        assert isinstance(eyes.snapshot(T0 + at_ms * MS), Snapshot)
    assert len(decoded) == 4


def test_a_snapshot_can_be_decoded_later_and_is_what_it_was(decoded):
    eyes = watching()
    send(eyes, 0)
    snapshot, at_once = eyes.snapshot(T0), eyes.observe(T0)
    for at_ms in (50, 100, 150):
        send(eyes, at_ms, cv2.imencode('.jpg', np.zeros((6, 8, 3), np.uint8))[1].tobytes())
    later = eyes.decode(snapshot)
    assert np.array_equal(later.inputs[RGB], at_once.inputs[RGB])
    assert later.ages_s == at_once.ages_s


@pytest.mark.parametrize('first_broken_ms', [50, 100, 150, 200, 250])
def test_damaged_images_are_found_within_max_age_and_one_period(first_broken_ms):
    eyes = watching()
    found_ms = None
    for at_ms in range(0, 1000, 50):
        send(eyes, at_ms, GOOD if at_ms < first_broken_ms else BROKEN)
        if found_ms is None and isinstance(eyes.snapshot(T0 + at_ms * MS), Unusable):
            found_ms = at_ms
    assert found_ms - (first_broken_ms - 50) <= 200 + 50


def test_the_first_image_is_looked_at_at_once():
    eyes = watching()
    send(eyes, 0, BROKEN)
    assert fault(eyes.snapshot(T0))[0] == 'undecodable'


def test_after_a_damaged_image_none_is_believed_before_a_good_one(decoded):
    eyes = watching()
    send(eyes, 0)
    assert isinstance(eyes.snapshot(T0), Snapshot)
    send(eyes, 50, BROKEN)
    assert isinstance(eyes.observe(T0 + 50 * MS), Unusable)
    send(eyes, 100, BROKEN)
    assert isinstance(eyes.snapshot(T0 + 100 * MS), Unusable)
    send(eyes, 150)
    assert isinstance(eyes.snapshot(T0 + 150 * MS), Snapshot)
    assert isinstance(eyes.observe(T0 + 150 * MS), Observation)


def test_after_clear_images_are_looked_at_again():
    eyes = watching()
    send(eyes, 0)
    assert isinstance(eyes.snapshot(T0), Snapshot)
    eyes.clear()
    send(eyes, 10, BROKEN)
    assert isinstance(eyes.snapshot(T0 + 10 * MS), Unusable)
