"""What the node tells of itself: the debug topic and its last words."""

import json

import pytest
from std_msgs.msg import String

from helpers.live_robot import UR5
from neuracore_ros.description import DataType, load_robot

SWEEP = {'speed': 0.02}


def test_the_debug_topic_tells_what_the_model_was_given_and_what_it_answered(run):
    heard = []
    world = run(behaviour=SWEEP, debug=True)
    subscription = world.node.create_subscription(String, 'infer/debug', heard.append, 10)
    world.until_state('RUNNING')
    world.until(lambda: len(heard) > 2, 'predictions')
    world.node.destroy_subscription(subscription)
    told = json.loads(heard[-1].data)
    (given,) = told['inputs']['JOINT_POSITIONS']  # one step
    slots = load_robot(UR5).input[DataType.JOINT_POSITIONS]
    assert told['valid']['JOINT_POSITIONS'] == [slot in slots for slot in range(7)]
    assert [slot for slot in range(7) if given[slot] == 0.0] == sorted({*range(7)} - {*slots})
    prediction = told['prediction']['JOINT_TARGET_POSITIONS']
    assert len(prediction) == 20
    assert prediction[3][0] == pytest.approx(given[0] + 0.08, abs=1e-4)
    images = told['inputs']['RGB_IMAGES']
    assert images['shape'] == [1, 2, 48, 64, 3]
    assert images['mean'][0][0] == [0.0, 0.0, 0.0]  # a UR5 has no wrist camera
    assert min(images['mean'][0][1]) > 20.0
    assert told['merged_at_step'] in range(20)
    assert told['latency_ms'] > 0.0
    assert told['stamp_ns'] > 1_700_000_000_000_000_000
    assert world.set('infer', debug=False)


def test_the_debug_topic_tells_why_there_is_no_answer(run):
    heard = []
    world = run(behaviour={**SWEEP, 'fault': 'raise', 'at': 4}, debug=True)
    subscription = world.node.create_subscription(String, 'infer/debug', heard.append, 10)
    world.until_state('HOLDING', 'raised on purpose')
    world.until(lambda: heard and 'error' in heard[-1].data, 'the failure')
    world.node.destroy_subscription(subscription)
    told = json.loads(heard[-1].data)
    assert 'raised on purpose' in told['error']
    assert told['merged_at_step'] is None
    assert 'prediction' not in told


def test_without_debug_there_is_no_such_topic(run):
    world = run(debug=False)
    world.until_state('RUNNING')
    assert world.node.count_publishers('infer/debug') == 0


def test_the_last_words_tell_rate_predictions_and_holds(run, shared_node):
    world = run(behaviour=SWEEP)
    world.until_moving()
    world.set('sim', cameras_off=True)
    world.until_state('HOLDING', 'overhead/image_raw')
    world.set('sim', cameras_off=False)
    world.until_state('RUNNING')
    world.until(lambda: float(world.diagnostics['infer: inference']['rate_hz']) > 1.0, 'a rate')
    assert world.change('deactivate')
    before = len(shared_node.lines)
    assert world.change('cleanup')
    world.until(lambda: len(shared_node.lines) > before, 'the last words')
    (line,) = shared_node.lines[before:]
    for word in (' of 20 steps a second', ' predictions in ', 'held 1 times (1 x ', 'image_raw'):
        assert word in line
    assert 'oldest input while running: joint_states 0.' in line
