"""The pages name the topics and services that a running node has."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip('rclpy')

from helpers.doc_blocks import blocks
from helpers.live_robot import INFER_NODE, SIM_ROBOT, UR5, World, ros_arguments
from helpers.small_policies import write_policy

DOCS = Path(__file__).resolve().parents[2] / 'docs'
# Needed at other times: simulated time, a debugging node, parameters that change.
SOMETIMES = {
    'subscribe': {'/clock', '/parameter_events'},
    'publish': {'/infer/path'},
    'reply': set(),
}


@pytest.fixture
def used(begin, tmp_path):
    """The graph of a running node: subscribe, publish, reply -> names with types."""
    begin(SIM_ROBOT, '--robot', 'ur5', '--no-clock')
    model = write_policy(tmp_path / 'policy.pt', speed=0.0)
    process = begin(INFER_NODE, *ros_arguments({'model': model, 'robot': UR5, 'debug': True}))
    world = World()
    try:
        # Two processes start, and one loads torch.
        world.until_state('RUNNING', patience_s=300.0)
        node = world.node
        yield {
            'subscribe': dict(node.get_subscriber_names_and_types_by_node('infer', '/')),
            'publish': dict(node.get_publisher_names_and_types_by_node('infer', '/')),
            'reply': dict(node.get_service_names_and_types_by_node('infer', '/')),
        }
        assert process.end() == 0, process.output
    finally:
        world.close()


def test_the_pages_name_all_that_the_node_is_on(used):
    (policy,) = (b.text for b in blocks(DOCS / 'deploying.md') if b.language == 'xml')
    profile = ElementTree.fromstring(policy.encode()).find('.//profile')
    for group in profile:
        ((way, _),) = group.attrib.items()
        allowed = {resolved(entry.text) for entry in group}
        assert used[way].keys() <= allowed, way
        assert allowed - used[way].keys() <= SOMETIMES[way], way
    page = (DOCS / 'node.md').read_text()
    rows = dict(re.findall(r'^\| `([\w/]+)` \| (\w+/\w+/\w+) \|', page, re.MULTILINE))
    there = {name.lstrip('/'): kinds for found in used.values() for name, kinds in found.items()}
    assert {name.lstrip('/'): [kind] for name, kind in rows.items()}.items() <= there.items()
    own = {name for name, (kind, *_) in used['reply'].items() if kind.startswith('std_srvs')}
    assert own == {
        f'/{name}' for name in rows if name in {'infer/enable', 'infer/reset', 'infer/takeover'}
    }


def resolved(name):
    return name.replace('~', '/infer') if name[0] in '~/' else f'/{name}'
