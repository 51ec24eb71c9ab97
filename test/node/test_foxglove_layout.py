"""The shipped layout for Foxglove shows topics, fields and services that the node has."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy')

from diagnostic_msgs.msg import DiagnosticArray

from neuracore_ros.description import load_robot
from neuracore_ros.description.commanded_joints import commanded_joints, joint_names
from neuracore_ros.description.shipped import shipped
from neuracore_ros.node.diagnostics import inference_status
from neuracore_ros.node.plan_publisher import PlanPublisher
from neuracore_ros.node.rate_statistics import RateStatistics
from neuracore_ros.node.status import Status
from neuracore_ros.node.subscriptions import message_class
from neuracore_ros.runner import Counters, State
from neuracore_ros.sim.arms import ARMS

LAYOUT = Path(__file__).resolve().parents[2] / 'config' / 'foxglove' / 'neuracore_ros.json'
# Panels that exported layouts have, of Foxglove 2.
PANELS = {
    '3D',
    'Image',
    'Plot',
    'StateTransitions',
    'DiagnosticStatusPanel',
    'DiagnosticSummary',
    'CallService',
}
PART = re.compile(r'\.(\w+)((?:\[[^]]*\])*)((?:\{[^}]*\})*)')


@pytest.fixture(scope='module')
def panels():
    return json.loads(LAYOUT.read_text())['configById']


@pytest.fixture(scope='module')
def robot():
    return load_robot(shipped('ur5_hand'))


@pytest.fixture(scope='module')
def topics(robot):
    """Topic -> message class, of what the node of that robot reads and writes."""
    found = {'/diagnostics': DiagnosticArray}
    for source in robot.input_sources():
        found[f'/{source.topic.strip("/")}'] = message_class(source.type)

    def create_publisher(kind, name, qos, event_callbacks):
        found[name.replace('~', '/infer')] = kind

    node = SimpleNamespace(create_publisher=create_publisher)
    PlanPublisher(node, robot, SimpleNamespace(rate_hz=20.0, commands=robot.all_commands()))
    return found


@pytest.fixture(scope='module')
def keys():
    status = inference_status(
        '/infer',
        'ur5_hand',
        Status(State.RUNNING, '', ''),
        Counters(),
        RateStatistics(20.0),
        0,
        [],
        {},
        'nobody',
    )
    return status.name, {pair.key for pair in status.values}


def paths(panels):
    return [path for panel in panels.values() for path in panel.get('paths', ())]


def test_every_panel_has_a_place_and_every_place_a_panel():
    layout = json.loads(LAYOUT.read_text())

    def placed(node):
        if isinstance(node, str):
            return [node]
        assert node['direction'] in ('row', 'column') and 0 < node['splitPercentage'] < 100
        return placed(node['first']) + placed(node['second'])

    assert sorted(placed(layout['layout'])) == sorted(layout['configById'])
    assert {name.split('!')[0] for name in layout['configById']} <= PANELS


def test_every_path_leads_to_a_field_of_a_topic_of_the_node(panels, topics, keys):
    name, known = keys
    for path in paths(panels):
        value = path['value']
        topic, parts = re.fullmatch(r'(/[\w/]+)(\..*)', value).groups()
        assert topic in topics, value
        assert ''.join(m[0] for m in PART.finditer(parts)) == parts, value
        kind = topics[topic]
        for field, indices, filters in PART.findall(parts):
            text = kind.get_fields_and_field_types()[field]
            is_array = text.startswith('sequence<')
            assert is_array == bool(indices), value
            text = text.removeprefix('sequence<').removesuffix('>')
            if filters == f'{{name=="{name}"}}':
                pass
            elif filters:
                assert re.fullmatch(r'\{key=="(\w+)"\}', filters)[1] in known, value
            package, _, message = text.partition('/')
            kind = message_class(f'{package}/msg/{message}') if message else text
        assert isinstance(kind, str), f'{value} is no number or text'


def test_the_labels_of_joints_are_those_at_their_place(panels, robot):
    planned = joint_names(commanded_joints(robot.all_commands()))
    measured = list(ARMS['ur5'].joint_names)
    checked = 0
    for path in paths(panels):
        joint = path['label'].split()[0]
        if found := re.fullmatch(r'/infer/plan\.points\[\S+\]\.positions\[(\d)\]', path['value']):
            assert planned[int(found[1])] == joint
        elif found := re.fullmatch(r'/joint_states\.position\[(\d)\]', path['value']):
            assert measured[int(found[1])] == joint
        else:
            continue
        checked += 1
    assert checked == 12


def test_topics_of_panels_are_those_of_the_node(panels, topics, keys):
    assert panels['3D!robot']['topics'].keys() == {'/infer/path'} <= topics.keys()
    assert panels['Image!overhead']['imageMode']['imageTopic'] in topics
    for name in ('DiagnosticStatusPanel!node', 'DiagnosticSummary!all'):
        assert panels[name]['topicToRender'] == '/diagnostics'
    assert panels['DiagnosticStatusPanel!node']['selectedName'] == keys[0]


def test_the_only_button_stops_the_robot(panels):
    calls = [panel for panel in panels.values() if 'serviceName' in panel]
    assert [(c['serviceName'], json.loads(c['requestPayload'])) for c in calls] == [
        ('/infer/enable', {'data': False})
    ]
