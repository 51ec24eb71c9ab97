"""Whatever the wire brings, receive() never raises, and observe() never invents."""

import math
from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.observer_examples import RGB, T0, TARGET, DataType, Observation, observer, source

ARRAY = {'topic': '/array', 'type': 'std_msgs/msg/Float64MultiArray', 'order': ('a', 'b')}
TOPICS = ('/joint_states', '/cmd', '/array', '/top', '/other')

numbers = st.floats() | st.integers(-(2**70), 2**70)
junk = st.none() | st.booleans() | numbers | st.text(max_size=3) | st.binary(max_size=3)
junk |= st.lists(junk, max_size=3)
names = st.lists(st.sampled_from(['a', 'b', 'c', '']), max_size=4) | junk
arrays = st.lists(numbers, max_size=4) | junk
arrays |= st.lists(st.floats(), max_size=4).map(np.array)
times = st.builds(
    SimpleNamespace,
    sec=st.sampled_from([0, 1, T0 // 10**9, -1]) | junk,
    nanosec=st.sampled_from([0, 5, 999_999_999]) | junk,
)
points = st.builds(
    SimpleNamespace, positions=arrays, velocities=arrays, time_from_start=times | junk
)


@st.composite
def messages(draw):
    """Some fields of any message, some of them nonsense, some of them absent."""
    fields = {
        'header': st.builds(SimpleNamespace, stamp=times) | junk,
        'name': names,
        'joint_names': names,
        'position': arrays,
        'points': st.lists(points | junk, max_size=3) | junk,
        'data': arrays | st.binary(max_size=48),
        'encoding': st.sampled_from(['rgb8', 'mono8', 'nonsense']) | junk,
        'height': st.integers(0, 4) | junk,
        'width': st.integers(0, 4) | junk,
        'step': st.integers(0, 12) | junk,
        'is_bigendian': st.booleans() | junk,
    }
    chosen = draw(st.sets(st.sampled_from(sorted(fields)), min_size=6))
    return SimpleNamespace(**{name: draw(fields[name]) for name in sorted(chosen)})


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(TOPICS), messages()), max_size=8))
def test_malformed_messages_neither_raise_nor_reach_the_model(stream):
    sources = [
        source(0, 'a'),
        source(0, 'b', DataType.JOINT_TORQUES),
        source(0, 'a', TARGET),
        source(1, 'b', TARGET, **ARRAY),
        source(0, 'top', RGB),
    ]
    # One observer a source: what reaches the model must not hide behind what is missing.
    every = [observer(one, frozen_after_s=0.1) for one in sources]
    for number, (topic, message) in enumerate(stream):
        for eyes in every:
            eyes.receive(topic, message, T0 + number)
    for eyes in every:
        seen = eyes.observe(T0 + len(stream))
        if isinstance(seen, Observation):
            for kind, array in seen.inputs.items():
                assert np.isfinite(array).all(), kind
        else:
            assert all('\n' not in reason.text for reason in seen.reasons)
        eyes.status(T0 + len(stream))


def test_a_nonsense_message_is_counted_as_malformed():
    eyes = observer(source(0, 'a'))
    for nonsense in (None, 7, 'text', SimpleNamespace(), math, [], {}):
        eyes.receive('/joint_states', nonsense, T0)
    (status,) = eyes.status(T0)
    assert status.drops == {'malformed': 7}
