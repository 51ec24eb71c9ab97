"""Image streams: kept as they come, decoded when looked at."""

from helpers.observer_examples import MS, RGB, T0, J, Observation, image, observer, source, state
from neuracore_ros.observation import images


def test_only_the_images_that_are_looked_at_are_decoded_and_each_once(monkeypatch):
    decoded = []
    real = images.decode_image
    monkeypatch.setattr(images, 'decode_image', lambda m, most: decoded.append(m) or real(m, most))
    eyes = observer(source(0, 'top', RGB))
    frames = [image(T0 + number * MS, number) for number in range(10)]
    for number, frame in enumerate(frames):
        eyes.receive('/top', frame, T0 + number * MS)
    for _ in range(3):
        assert eyes.observe(T0 + 20 * MS).inputs[RGB].max() == 9
    assert decoded == [frames[-1]]


def test_nothing_is_decoded_while_something_else_is_missing(monkeypatch):
    monkeypatch.setattr(images, 'decode_image', None)
    eyes = observer(source(0, 'top', RGB), source(0, 'a', J))
    eyes.receive('/top', image(T0, 1), T0)
    assert not isinstance(eyes.observe(T0), Observation)


def test_an_image_that_came_just_after_the_tick_waits_for_the_next():
    eyes = observer(source(0, 'top', RGB))
    eyes.receive('/top', image(T0, 1), T0)
    eyes.receive('/top', image(T0 + 30 * MS, 2), T0 + 30 * MS)
    assert eyes.observe(T0 + 29 * MS).inputs[RGB].max() == 1
    assert eyes.observe(T0 + 30 * MS).inputs[RGB].max() == 2


def test_one_topic_may_fill_two_slots():
    eyes = observer(source(0, 'left', RGB), source(2, 'right', RGB))
    eyes.receive('/top', image(T0, 5), T0)
    assert eyes.observe(T0).inputs[RGB].max(axis=(1, 2, 3)).tolist() == [5, 0, 5]


def test_clear_forgets_images():
    eyes = observer(source(0, 'top', RGB), source(0, 'a'), frozen_after_s=0.1)
    eyes.receive('/top', image(T0, 5), T0)
    eyes.receive('/joint_states', state(T0, a=1.0), T0)
    eyes.clear()
    assert [reason.kind for reason in eyes.observe(T0).reasons] == ['missing', 'missing']
