"""Search of the graph for running nodes of this package, by the services that only they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
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
    services = {name for name, _ in node.get_service_names_and_types()}
    last = f'/{_OWN_SERVICES[0]}'
    names = [
        name
        for service in services
        if service.endswith(last)
        and all(
            f'{(name := service.removesuffix(last))}/{each}' in services for each in _OWN_SERVICES
        )
    ]
    counted = Counter(
        f'{space.rstrip("/")}/{name}' for name, space in node.get_node_names_and_namespaces()
    )
    return {
        name: OnGraph(
            configured=node.count_publishers(f'{name}/{CONTROL_TOPIC}') > 0,
            twins=counted[name],
            commands=tuple(sorted(_commands(node, name))),
        )
        for name in sorted(names)
    }


def _commands(node: Node, full_name: str) -> Iterator[str]:
    """The topics and actions to which a node sends."""
    space, _, name = full_name.rpartition('/')
    try:
        published: list[Any] = node.get_publisher_names_and_types_by_node(name, space or '/')
        called: list[Any] = node.get_client_names_and_types_by_node(name, space or '/')
    except NodeNameNonExistentError:  # It has gone, or is not yet known by name.
        return
    own = f'{full_name}/'
    yield from (t for t, _ in published if t not in _COMMON and not t.startswith(own))
    yield from (s.removesuffix(_SEND_GOAL) for s, _ in called if s.endswith(_SEND_GOAL))
