"""Nodes are found by the services that they serve, under whatever name, and by nothing else."""

import pytest

pytest.importorskip('rclpy')

from lifecycle_msgs.srv import ChangeState
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from helpers.spinning import Spinning
from helpers.waiting import wait_until
from neuracore_ros.watch.graph_search import running_nodes

SERVICES = {'enable': SetBool, 'reset': Trigger, 'takeover': SetBool, 'change_state': ChangeState}


@pytest.fixture(scope='module')
def graph(domain):
    spinning = Spinning()
    yield spinning
    spinning.close()


def serving(graph, name, namespace, but=()):
    """A node with the services of an ``infer_node``."""
    node = graph.create(name, namespace=namespace)
    for word, kind in SERVICES.items():
        if word not in but:
            node.create_service(kind, f'~/{word}', lambda request, response: response)
    graph.add(node)
    return node


def test_servers_are_found_with_what_they_send_and_clients_are_not(graph):
    asking = graph.create('asking')
    for word, kind in SERVICES.items():
        asking.create_client(kind, f'/asking/{word}')
    graph.add(asking)
    serving(graph, 'half', '/left', but=('reset',))
    arm = serving(graph, 'arm', '/left')
    arm.create_publisher(String, '~/control', 1)
    arm.create_publisher(String, 'controller/joint_trajectory', 1)
    wait_until(lambda: '/left/arm' in running_nodes(asking), message='the node')
    found = running_nodes(asking)
    assert [*found] == ['/left/arm']
    assert found['/left/arm'].configured and found['/left/arm'].twins == 1
    assert found['/left/arm'].commands == ('/left/controller/joint_trajectory',)


def test_nodes_of_one_name_are_counted(graph):
    first, _ = (serving(graph, 'infer', '/') for _ in range(2))
    wait_until(lambda: '/infer' in running_nodes(first), message='the node')
    wait_until(lambda: running_nodes(first)['/infer'].twins == 2, message='its twin')
    assert not running_nodes(first)['/infer'].configured
