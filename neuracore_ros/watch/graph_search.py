"""Search of the graph for running nodes of this package, by the services that only they have."""

from __future__ import annotations

from collections import Counter
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
    # A client of a service, such as ours, makes the graph name it, too: its server must be there.
    named = {name for name, _ in node.get_service_names_and_types()}
    counted = Counter(
        f'{space.rstrip("/")}/{name}' for name, space in node.get_node_names_and_namespaces()
    )
    return {
        name: OnGraph(
            configured=node.count_publishers(f'{name}/{CONTROL_TOPIC}') > 0,
            twins=twins,
            commands=tuple(sorted(_commands(node, name))),
        )
        for name, twins in sorted(counted.items())
        if _own(name) <= named
        and _own(name) <= _names(node.get_service_names_and_types_by_node, name)
    }


def _own(full_name: str) -> set[str]:
    return {f'{full_name}/{each}' for each in _OWN_SERVICES}


def _commands(node: Node, full_name: str) -> Iterator[str]:
    """The topics and actions to which a node sends."""
    own = f'{full_name}/'
    published = _names(node.get_publisher_names_and_types_by_node, full_name)
    called = _names(node.get_client_names_and_types_by_node, full_name)
    yield from (t for t in published if t not in _COMMON and not t.startswith(own))
    yield from (s.removesuffix(_SEND_GOAL) for s in called if s.endswith(_SEND_GOAL))


def _names(ask: Callable[[str, str], list[Any]], full_name: str) -> set[str]:
    """Names of what a node has; none of one that has gone meanwhile."""
    space, _, name = full_name.rpartition('/')
    try:
        return {found for found, _ in ask(name, space or '/')}
    except NodeNameNonExistentError:
        return set()
