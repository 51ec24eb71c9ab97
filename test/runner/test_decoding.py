"""Images are decoded for requests only; a damaged one stops the robot in time all the same."""

from types import SimpleNamespace

import numpy as np
import pytest

from helpers.runner_rig import (
    POSITION,
    RATE_HZ,
    ROBOT,
    SECOND,
    STEP_NS,
    TARGET,
    Rig,
    joint_state,
    make_runner,
)
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.observation import Observer, images
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots

RGB = DataType.RGB_IMAGES
SEEING = ROBOT.replace(
    'input: {JOINT_POSITIONS: {0: a, 2: b}}',
    'input: {JOINT_POSITIONS: {0: a, 2: b}, RGB_IMAGES: {0: top}}',
).replace('sources: {', 'sources: {RGB_IMAGES: {topic: top, max_age_s: 0.3}, ')


def policy(observation_steps):
    slots = (0, 1, 2)
    return Manifest(
        {POSITION: InputSlots(3, slots), RGB: InputSlots(1, (0,), image_size=(2, 2))},
        {TARGET: OutputSlots(3, slots)},
        rate_hz=RATE_HZ,
        horizon=16,
        observation_steps=observation_steps,
    )


def picture(level, stamp_ns, size=12):
    return SimpleNamespace(
        header=joint_state([], [], stamp_ns).header,
        **{'height': 2, 'width': 2, 'encoding': 'rgb8', 'step': 6, 'is_bigendian': 0},
        data=bytes([level] * size),
    )


class Seeing(Rig):
    """With a camera that sends an image just before each tick; its level counts them."""

    def __post_init__(self):
        super().__post_init__()
        self.frames, self.broken = 0, False

    def simulate(self, duration_ns, period_ns=5_000_000):
        super().simulate(duration_ns, period_ns)
        self.frames += 1
        message = picture(self.frames, self.now_ns, size=5 if self.broken else 12)
        self.runner.receive('top', message, self.now_ns)


@pytest.fixture
def seeing(tmp_path):
    def make(observation_steps=1, **settings):
        runner = make_runner(tmp_path, SEEING, policy(observation_steps), **settings)
        return Seeing(runner, latency_steps=0.4)

    return make


@pytest.fixture
def decoded(monkeypatch):
    levels = []
    real = images.decode_image
    monkeypatch.setattr(
        images, 'decode_image', lambda m, most: levels.append(m.data[0]) or real(m, most)
    )
    return levels


def levels(request):
    return request.inputs[RGB][:, 0, 0, 0, 0].tolist()


def test_between_requests_images_are_decoded_only_to_see_that_they_can_be(seeing, decoded):
    running = seeing(execute_steps=8).step(82)
    assert running.state == 'RUNNING'
    # Ten requests, and between two of them, which are 0.4 s apart, one look: max_age_s is 0.3.
    assert len(running.requests) == 11
    assert len(decoded) <= 2 * len(running.requests) + 1
    assert [levels(r) for r in running.requests] == [[2 + 8 * i] for i in range(11)]


@pytest.mark.parametrize(('steps', 'every'), [(2, 1), (3, 2), (3, 6)])
def test_earlier_ticks_are_those_that_the_policy_reads_and_decoded_once(
    seeing, decoded, steps, every
):
    running = seeing(observation_steps=steps, execute_steps=every).step(60)
    for request in running.requests[steps:]:
        newest = levels(request)[-1]
        assert levels(request) == list(range(newest - steps + 1, newest + 1))
    looks = 60 // 6
    assert len(decoded) <= len(set(decoded)) + looks
    assert len(set(decoded)) <= steps * len(running.requests) + looks


def test_what_a_request_holds_is_what_conversion_would_make_of_the_same_messages(seeing, tmp_path):
    """Parity: `convert` observes every tick, the runner looks and decodes later."""
    running = seeing(observation_steps=3, execute_steps=4)
    sources = load_robot(tmp_path / 'robot.yaml').input_sources()
    bag = Observer(sources, policy(3).input_layout, (2, 2))
    ticks, receive, tick = [], running.runner.receive, running.runner.tick

    def both(topic, message, now_ns):
        receive(topic, message, now_ns)
        bag.receive(topic, message, now_ns)

    def observed(now_ns, *graph):
        ticks.append(bag.observe(now_ns))
        return tick(now_ns, *graph)

    running.runner.receive, running.runner.tick = both, observed
    running.step(40)
    for request in running.requests[1:]:
        rows = ticks[request.tick - 2 : request.tick + 1]
        for kind, array in request.inputs.items():
            assert np.array_equal(array, np.stack([row.inputs[kind] for row in rows])), kind


@pytest.mark.parametrize('after', range(8))
def test_a_camera_that_sends_damaged_images_stops_the_robot_in_time(seeing, after):
    running = seeing(execute_steps=8).step(20 + after)
    last_good_ns = running.now_ns
    running.broken = True
    while running.state == 'RUNNING':
        running.step()
    assert running.now_ns - last_good_ns <= 0.3 * SECOND + STEP_NS
    assert "top: 'top' (RGB_IMAGES index 0)" in running.runner.reason
    running.step(20)
    assert running.state == 'HOLDING'
    running.broken = False
    assert running.step(20).state == 'RUNNING'


def test_a_camera_that_sent_nothing_else_is_waited_for(seeing):
    waiting = seeing()
    waiting.broken = True
    waiting.step(10)
    assert (waiting.state, waiting.requests) == ('WAITING', [])
    waiting.broken = False
    assert waiting.step(5).state == 'RUNNING'
