"""Search of the graph for running nodes of this package, by the services that only they have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rclpy.node import Node, NodeNameNonExistentError

from neuracore_ros.control import CONTROL_TOPIC
from neuracore_ros.watch.watched import OnGraph

_OWN_SERVICES = ('enable', 'reset', 'takeover', 'change_state')
_SEND_GOAL = '/_action/send_goal'
# Published by every node, and not to a robot.
_COMMON = ('/diagnostics', '/parameter_events', '/rosout')


def running_nodes(node: Node) -> Mapping[str, OnGraph]:
    """All running nodes of this package, under whatever name: full name -> what the graph has."""
    # A client of a service, such as ours, makes the graph name it, too: servers are counted.
    named = {name for name, _ in node.get_service_names_and_types()}
    last = f'/{_OWN_SERVICES[0]}'
    names = [name.removesuffix(last) for name in named if name.endswith(last)]
    servers = {
        name: min(_servers(node, name, each) for each in _OWN_SERVICES)
        for name in names
        if {f'{name}/{each}' for each in _OWN_SERVICES} <= named
    }
    return {
        name: OnGraph(
            configured=node.count_publishers(f'{name}/{CONTROL_TOPIC}') > 0,
            twins=count,
            commands=tuple(sorted(_commands(node, name))),
        )
        for name, count in sorted(servers.items())
        if count
    }


def _servers(node: Node, full_name: str, word: str) -> int:
    """Number of nodes that serve a node's service.

    The name of a node that has ended stays on the graph for up to twenty seconds, and hides a new
    one of the same name; its services go at once.
    """
    service = f'{full_name}/{word}'
    if hasattr(node, 'count_services'):
        return int(node.count_services(service))
    # Humble cannot count them.
    space, _, name = full_name.rpartition('/')
    twins = node.get_node_names_and_namespaces().count((name, space or '/'))
    return twins if service in names_of(node.get_service_names_and_types_by_node, full_name) else 0


def _commands(node: Node, full_name: str) -> Iterator[str]:
    """The topics and actions to which a node sends."""
    own = f'{full_name}/'
    published = names_of(node.get_publisher_names_and_types_by_node, full_name)
    called = names_of(node.get_client_names_and_types_by_node, full_name)
    yield from (t for t in published if t not in _COMMON and not t.startswith(own))
    yield from (s.removesuffix(_SEND_GOAL) for s in called if s.endswith(_SEND_GOAL))


def names_of(ask: Callable[[str, str], list[Any]], full_name: str) -> set[str]:
    """Names of what a node has; none of one that has gone meanwhile.

    Args:
        ask: Method of our node that takes a name and a namespace, such as
            `get_publisher_names_and_types_by_node`.
        full_name: Of the node that is asked about.
    """
    space, _, name = full_name.rpartition('/')
    try:
        return {found for found, _ in ask(name, space or '/')}
    except NodeNameNonExistentError:
        return set()
