"""The observer on a few hand-made messages."""

import numpy as np
import pytest
from std_msgs.msg import Float64MultiArray

from helpers.observer_examples import (
    MS,
    RGB,
    T0,
    TARGET,
    J,
    S,
    fault,
    image,
    observer,
    only_status,
    source,
    state,
    values,
)
from neuracore_ros.description import DataType, DescriptionError, Layout
from neuracore_ros.observation import Observation, ObservationError, Observer, Unusable

ARRAY = {'topic': '/cmd', 'type': 'std_msgs/msg/Float64MultiArray', 'order': ('lift', 'pan')}


def test_a_gap_in_the_indices_stays_a_gap():
    eyes = observer(source(0, 'base'), source(1, 'elbow'), source(6, 'wrist'))
    eyes.receive('/joint_states', state(T0, wrist=3.0, base=1.0, elbow=2.0), T0)
    seen = eyes.observe(T0)
    assert values(seen) == [1, 2, 0, 0, 0, 0, 3]
    assert seen.valid[J].tolist() == [True, True, False, False, False, False, True]
    assert seen.inputs[J].dtype == np.float32


def test_what_the_robot_lacks_is_zero_and_not_valid():
    layout = Layout.of([{J: {1: 'b'}, DataType.JOINT_TORQUES: {0: 'a'}, RGB: {0: 'top'}}])
    eyes = Observer([source(1, 'b')], layout, (2, 3))
    eyes.receive('/joint_states', state(T0, b=1.0), T0)
    seen = eyes.observe(T0)
    assert {kind: array.tolist() for kind, array in seen.valid.items()} == {
        J: [False, True],
        DataType.JOINT_TORQUES: [False],
        RGB: [False],
    }
    assert values(seen, DataType.JOINT_TORQUES) == [0]
    assert seen.inputs[RGB].shape == (1, 2, 3, 3)
    assert not seen.inputs[RGB].any()


def test_nothing_is_observed_before_every_name_has_a_sample():
    eyes = observer(source(0, 'arm'), source(1, 'grip'))
    assert fault(eyes.observe(T0))[0] == 'missing'
    eyes.receive('/joint_states', state(T0, arm=1.0), T0)
    assert not eyes.is_complete(T0)
    eyes.receive('/joint_states', state(T0, grip=2.0), T0 + 5)
    assert not eyes.is_complete(T0)
    assert eyes.is_complete(T0 + 5)
    assert values(eyes.observe(T0 + 5)) == [1, 2]


def test_a_lacking_name_is_told_with_the_nearest_and_what_is_there():
    eyes = observer(source(6, 'wrist'))
    eyes.receive('/joint_states', state(T0, base=1.0, wrist_1=2.0), T0)
    assert fault(eyes.observe(T0)) == (
        'missing',
        "/joint_states lacks 'wrist' (JOINT_POSITIONS index 6; did you mean 'wrist_1'?). "
        'It has: wrist_1, base',
    )


def test_a_stale_sample_is_told_with_its_age():
    eyes = observer(source(0, 'a'))
    eyes.receive('/joint_states', state(T0, a=1.0), T0)
    assert isinstance(eyes.observe(T0 + 200 * MS), Observation)
    assert fault(eyes.observe(T0 + 310 * MS)) == (
        'stale',
        "/joint_states: 'a' (JOINT_POSITIONS index 0) is 0.31 s old; max_age_s is 0.2",
    )


def test_scale_offset_field_and_name_in_the_message_lead_to_the_slot():
    eyes = observer(
        source(0, 'lift', scale=-2.0, offset=0.5, message_name='joint_7'),
        source(0, 'lift', DataType.JOINT_VELOCITIES, field='velocity', message_name='joint_7'),
    )
    message = state(T0, joint_7=1.0)
    message.velocity = [4.0]
    eyes.receive('/joint_states', message, T0)
    seen = eyes.observe(T0)
    assert values(seen) == [-1.5]
    assert values(seen, DataType.JOINT_VELOCITIES) == [4]


def test_every_fault_of_a_tick_is_told():
    eyes = observer(source(0, 'a'), source(1, 'b'), source(0, 'top', RGB))
    seen = eyes.observe(T0)
    assert isinstance(seen, Unusable)
    assert [reason.source.name for reason in seen.reasons] == ['a', 'b', 'top']


def test_a_camera_fills_its_slot_and_leaves_the_others_black():
    eyes = observer(source(1, 'top', RGB))
    eyes.receive('/top', image(T0, 200), T0 + 5 * MS)
    seen = eyes.observe(T0 + 50 * MS)
    assert seen.inputs[RGB].shape == (2, 4, 4, 3)
    assert seen.inputs[RGB].mean(axis=(1, 2, 3)).tolist() == [0, 200]
    assert seen.ages_s == {(RGB, 'top'): 0.05}


def test_an_array_without_names_is_read_by_its_declared_order():
    eyes = observer(source(0, 'pan', TARGET, **ARRAY), source(1, 'lift', TARGET, **ARRAY))
    eyes.receive('/cmd', Float64MultiArray(data=[1.0, 2.0]), T0)
    assert values(eyes.observe(T0 + 3600 * S), TARGET) == [2, 1]


def test_a_joint_state_used_as_target_never_ages():
    kind = 'sensor_msgs/msg/JointState'
    eyes = observer(source(0, 'a', TARGET, type=kind))
    eyes.receive('/cmd', state(T0, a=1.0), T0)
    assert values(eyes.observe(T0 + 3600 * S), TARGET) == [1]


def test_a_joint_state_without_names_is_read_by_its_declared_order():
    eyes = observer(source(0, 'a', order=('b', 'a')))
    nameless = state(T0)
    nameless.position = [1.0, 2.0]
    eyes.receive('/joint_states', nameless, T0)
    assert values(eyes.observe(T0)) == [2]
    eyes.receive('/joint_states', state(T0 + MS, a=7.0), T0 + MS)
    assert values(eyes.observe(T0 + MS)) == [7], 'names in the message go first'


def test_a_bag_that_recorded_no_leading_slash_is_read_too():
    eyes = observer(source(0, 'a'))
    eyes.receive('joint_states', state(T0, a=1.0), T0)
    assert values(eyes.observe(T0)) == [1]


def test_after_clear_old_samples_are_gone_and_older_stamps_are_welcome():
    eyes = observer(source(0, 'a'))
    eyes.receive('/joint_states', state(T0, a=1.0), T0)
    eyes.clear()
    assert fault(eyes.observe(T0))[0] == 'missing'
    eyes.receive('/joint_states', state(T0 - S, a=2.0), T0 - S)
    assert values(eyes.observe(T0 - S)) == [2]


def test_status_counts_what_came_and_what_was_dropped():
    eyes = observer(source(0, 'a'), source(1, 'b'))
    for number in range(5):
        stamp_ns = T0 + number * 10 * MS
        eyes.receive('/joint_states', state(stamp_ns, a=1.0, b=1.0), stamp_ns)
    eyes.receive('/joint_states', state(stamp_ns, a=1.0, b=1.0), stamp_ns + MS)
    status = only_status(eyes, stamp_ns + 100 * MS)
    assert (status.topic, status.names) == ('/joint_states', ('a', 'b'))
    assert (status.samples, status.rate_hz, status.age_s) == (5, 100.0, 0.1)
    assert status.drops == {'repeated': 1}
    assert 'repeat' in status.problem
    assert only_status(eyes, stamp_ns + 10 * S).rate_hz == 0.0


def test_topics_are_told_with_their_types():
    eyes = observer(source(0, 'a'), source(1, 'b'), source(0, 'top', RGB))
    assert eyes.topics == {
        '/joint_states': 'sensor_msgs/msg/JointState',
        '/top': 'sensor_msgs/msg/Image',
    }


def test_valid_is_shared_and_therefore_read_only():
    eyes = observer(source(0, 'a'))
    eyes.receive('/joint_states', state(T0, a=1.0), T0)
    with pytest.raises(ValueError, match='read-only'):
        eyes.observe(T0).valid[J][0] = False


@pytest.mark.parametrize(
    ('sources', 'words'),
    [
        ([source(0, 'a'), source(0, 'b')], "'a' fills that slot already"),
        ([source(0, 'd', DataType.POINT_CLOUDS)], 'no message type is known for POINT_CLOUDS'),
        ([source(0, 'top', RGB)], 'no image size'),
        ([source(0, 'a', type='geometry_msgs/msg/Pose')], 'does not hold it. Known: sensor_msgs'),
        ([source(0, 'a'), source(0, 'b', TARGET, topic='/joint_states')], 'a topic has one type'),
    ],
)
def test_sources_that_make_no_sense_are_refused(sources, words):
    slots = {one.data_type: {one.index: one.name} for one in sources}
    with pytest.raises(ObservationError, match=words):
        Observer(sources, Layout.of([slots]), None)


def test_a_source_beyond_the_layout_is_refused_by_name():
    with pytest.raises(DescriptionError, match=r"JOINT_POSITIONS index 3 \('a'\)"):
        Observer([source(3, 'a')], Layout.of([{J: {0: 'b'}}]), None)
