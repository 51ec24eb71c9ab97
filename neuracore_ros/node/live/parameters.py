"""Parameters of other nodes, read through their services."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.executors import Executor
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python

# A node without such services costs the first each time; one that has them answers at once,
# unless its computer is very busy.
FIND_S = 3.0
ANSWER_S = 8.0
# A node that has not discovered us yet answers to nobody.
AGAIN_S = 1.0
POLL_S = 0.02


def ask_parameters(
    node: Node, executor: Executor, wanted: Mapping[str, tuple[str, ...]]
) -> dict[str, Mapping[str, object] | None]:
    """Read parameters of several nodes at the same time.

    Args:
        node: Owner of the clients.
        executor: Runs it.
        wanted: Full node name -> the parameters asked for; those that it lacks are left out.

    Returns:
        Node -> its parameters by name; None if it does not answer.
    """
    lists = {
        name: node.create_client(ListParameters, f'{name}/list_parameters') for name in wanted
    }
    gets = {name: node.create_client(GetParameters, f'{name}/get_parameters') for name in wanted}

    def ready() -> bool:
        return all(c.service_is_ready() for c in (*lists.values(), *gets.values()))

    _wait(executor, ready, FIND_S)
    listed = _call(executor, lists, {name: ListParameters.Request() for name in wanted})
    requests = {}
    for name, answer in listed.items():
        has = set(answer.result.names)
        requests[name] = GetParameters.Request(names=[n for n in wanted[name] if n in has])
    got = _call(executor, gets, requests)
    told: dict[str, Mapping[str, object] | None] = dict.fromkeys(wanted)
    for name, answer in got.items():
        values = map(parameter_value_to_python, answer.values)
        told[name] = {
            key: list(value) if not isinstance(value, (str, bool, int, float)) else value
            for key, value in zip(requests[name].names, values, strict=False)
            if value is not None
        }
    for client in (*lists.values(), *gets.values()):
        node.destroy_client(client)
    return told


def _call(
    executor: Executor, clients: Mapping[str, Any], requests: Mapping[str, Any]
) -> dict[str, Any]:
    """Call what is there, again where no answer comes; returns the answers that came."""
    asked: dict[str, list[Any]] = {name: [] for name in requests}

    def waiting() -> list[str]:
        return [name for name, futures in asked.items() if not any(f.done() for f in futures)]

    def done() -> bool:
        return not any(asked[name] for name in waiting())

    end_s = time.monotonic() + ANSWER_S
    while time.monotonic() < end_s:
        for name in waiting():
            if clients[name].service_is_ready():
                asked[name].append(clients[name].call_async(requests[name]))
        _wait(executor, done, AGAIN_S)
        if done():
            break
    answers = {name: [f for f in futures if f.done()] for name, futures in asked.items()}
    return {
        name: futures[0].result()
        for name, futures in answers.items()
        if futures and futures[0].exception() is None
    }


def _wait(executor: Executor, done: Callable[[], bool], patience_s: float) -> None:
    end_s = time.monotonic() + patience_s
    while not done() and time.monotonic() < end_s:
        executor.spin_once(timeout_sec=POLL_S)
