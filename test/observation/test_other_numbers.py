"""Single numbers, arrays, wrenches, other fields of JointState, and language."""

import numpy as np
import pytest

pytest.importorskip('sensor_msgs', reason='needs the ROS 2 messages: pip install .[ros]')
from geometry_msgs.msg import Vector3, Wrench, WrenchStamped
from std_msgs.msg import Float32MultiArray, Float64, Float64MultiArray, String

from helpers.observer_examples import (
    CUSTOM,
    LANGUAGE,
    MS,
    T0,
    DataType,
    S,
    fault,
    header,
    observer,
    source,
    state,
    values,
)
from neuracore_ros.errors import ObservationError
from neuracore_ros.observation.texts import decode_text, encode_text

GRIP = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS


def custom(index, name, type_name, **changes):
    return source(index, name, CUSTOM, topic='/c', type=f'std_msgs/msg/{type_name}', **changes)


def language(**changes):
    return source(
        0, 'told', LANGUAGE, topic='/say', type='std_msgs/msg/String', max_age_s=None, **changes
    )


def text_of(seen):
    return decode_text(seen.inputs[LANGUAGE][0])


def test_each_field_of_a_joint_state_is_a_data_type():
    kinds = {
        DataType.JOINT_POSITIONS: 'position',
        DataType.VISUAL_JOINT_POSITIONS: 'position',
        DataType.JOINT_VELOCITIES: 'velocity',
        DataType.JOINT_TORQUES: 'effort',
    }
    eyes = observer(*(source(1, 'a', kind, field=field) for kind, field in kinds.items()))
    message = state(T0, b=0.0, a=1.0)
    message.velocity, message.effort = [0.0, 2.0], [0.0, 3.0]
    eyes.receive('/joint_states', message, T0)
    assert [values(eyes.observe(T0), kind) for kind in kinds] == [[0, 1], [0, 1], [0, 2], [0, 3]]


@pytest.mark.parametrize('kind', [Float64MultiArray, Float32MultiArray])
def test_an_array_is_read_by_position(kind):
    eyes = observer(
        *(custom(i, n, kind.__name__, order=('x', 'y')) for i, n in ((0, 'y'), (2, 'x')))
    )
    eyes.receive('/c', kind(data=[1.5, 2.5, 9.0]), T0)
    assert values(eyes.observe(T0), CUSTOM) == [2.5, 0.0, 1.5]
    eyes.receive('/c', kind(data=[1.5]), T0 + S)
    assert 'has 1 values for 2 names' in fault(eyes.observe(T0 + S))[1]


def test_a_single_number_needs_no_name():
    eyes = observer(
        custom(0, 'force', 'Float64', scale=2.0),
        source(0, 'g', GRIP, topic='/c', type='std_msgs/msg/Float64', scale=0.1),
    )
    eyes.receive('/c', Float64(data=4.0), T0)
    seen = eyes.observe(T0)
    assert (values(seen, CUSTOM), values(seen, GRIP)) == ([8.0], [0.4])
    eyes.receive('/c', Float64(data=float('nan')), T0 + S)
    assert fault(eyes.observe(T0 + S))[0] == 'not_finite'


def test_a_wrench_has_six_names():
    names = ('torque.z', 'force.x', 'force.z')
    eyes = observer(
        *(
            source(i, name, CUSTOM, topic='/w', type='geometry_msgs/msg/WrenchStamped')
            for i, name in enumerate(names)
        )
    )
    wrench = Wrench(force=Vector3(x=1.0, y=2.0, z=3.0), torque=Vector3(x=4.0, y=5.0, z=6.0))
    eyes.receive('/w', WrenchStamped(header=header(T0 - 50 * MS), wrench=wrench), T0)
    seen = eyes.observe(T0)
    assert values(seen, CUSTOM) == [6.0, 1.0, 3.0]
    assert seen.ages_s[CUSTOM, 'force.x'] == pytest.approx(0.05)


def test_what_was_said_holds_until_something_else_is():
    eyes = observer(language())
    assert fault(eyes.observe(T0))[0] == 'missing'
    eyes.receive('/say', String(data='pick the räd cube'), T0)
    seen = eyes.observe(T0 + 3600 * S)
    assert seen.inputs[LANGUAGE].shape == (1, 256) and seen.inputs[LANGUAGE].dtype == np.uint8
    assert text_of(seen) == 'pick the räd cube'
    eyes.receive('/say', String(data=''), T0 + 3601 * S)
    seen = eyes.observe(T0 + 3601 * S)
    assert text_of(seen) == '' and seen.valid[LANGUAGE].all(), 'an empty text is a text'


def test_a_text_that_is_too_long_stops_what_was_said_before():
    eyes = observer(language())
    eyes.receive('/say', String(data='go'), T0)
    eyes.receive('/say', String(data='ä' * 129), T0 + MS)
    kind, text = fault(eyes.observe(T0 + MS))
    assert kind == 'size' and '258 bytes; at most 256 fit' in text
    eyes.receive('/say', String(data='ä' * 128), T0 + 2 * MS)
    assert text_of(eyes.observe(T0 + 2 * MS)) == 'ä' * 128


def test_the_user_can_say_what_no_topic_does():
    eyes = observer(texts={0: 'stack'})
    assert eyes.is_complete(T0)
    seen = eyes.observe(T0)
    assert text_of(seen) == 'stack' and seen.valid[LANGUAGE].tolist() == [True]
    with pytest.raises(ObservationError, match='at most 256 fit'):
        observer(texts={0: 'x' * 257})


def test_texts_are_bytes_that_end_in_zeros():
    assert encode_text('aé', 5).tolist() == [97, 195, 169, 0, 0]
    assert decode_text(encode_text('aé', 5)) == 'aé'
