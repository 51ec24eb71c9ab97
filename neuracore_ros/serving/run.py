"""The life of a serving process: load, listen, tell, and end at once when a signal comes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neuracore_ros.policy.model_thread import ModelThread
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.remote.server_options import API_KEY
from neuracore_ros.serving.listen_address import ListenAddress, require_free
from neuracore_ros.serving.log import print_line
from neuracore_ros.serving.server import PolicyServer

_GOODBYES_S = 0.5


@dataclass(frozen=True, slots=True)
class ReadyServer:
    """A server that answers from now on.

    Attributes:
        address: For clients, such as ``ws://127.0.0.1:8000``.
        policy: That it serves.
        prediction_s: How long the model took for zeros, [s].
    """

    address: str
    policy: Policy
    prediction_s: float

    def line(self, name: str) -> str:
        """One line for people, who call the policy by a name."""
        return (
            f'{name} (sha256 {self.policy.sha256}) is served, {1e3 * self.prediction_s:.0f} ms a '
            f'prediction; on the robot: model:={self.address}'
        )


def print_ready(ready: ReadyServer) -> None:
    """Print on standard output where a policy is served, at once."""
    print(ready.line('the policy'), flush=True)


def run_server(
    load: Callable[[], Policy],
    place: ListenAddress,
    announce: Callable[[ReadyServer], None] = print_ready,
    say: Callable[[str], None] = print_line,
) -> int:
    """Load a policy and serve it until a signal comes; to be called on the main thread.

    Args:
        load: Gives the policy, on the thread on which it will run.
        place: Where.
        announce: Called when it is ready; prints it.
        say: Takes one line for each client that comes or goes; prints it.

    Returns:
        0 after SIGTERM, 130 after SIGINT. The model may still run on its thread.

    Raises:
        UserError: It cannot be loaded, fails on zeros, or cannot be served there.
    """
    return asyncio.run(_run(load, place, announce, say))


async def _run(
    load: Callable[[], Policy],
    place: ListenAddress,
    announce: Callable[[ReadyServer], None],
    say: Callable[[str], None],
) -> int:
    stopped = _stopped()
    # Before a model is loaded, which may take minutes.
    await require_free(place)
    thread = ModelThread()
    loaded = asyncio.ensure_future(_loaded(load, thread))
    first: tuple[asyncio.Future[Any], ...] = (loaded, stopped)
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    if stopped.done():
        return stopped.result()
    policy, taken_s = loaded.result()
    server = await PolicyServer(policy, thread, place.api_key, say).start(place)
    port = next(iter(server.sockets)).getsockname()[1]
    if place.is_open:
        say(
            f'warning: anybody who reaches {place.host} may use this policy, since {API_KEY} is '
            'not set'
        )
    announce(ReadyServer(place.address(port), policy, taken_s))
    status = await stopped
    server.close()
    # A client that says no goodbye keeps nobody, and neither does a model.
    await asyncio.wait({asyncio.ensure_future(server.wait_closed())}, timeout=_GOODBYES_S)
    return status


async def _loaded(load: Callable[[], Policy], thread: ModelThread) -> tuple[Policy, float]:
    policy = await asyncio.wrap_future(thread.submit(load))
    return policy, await asyncio.wrap_future(thread.submit(policy.warm_up))


def _stopped() -> asyncio.Future[int]:
    """The status of this process, once a signal has ended it."""
    loop = asyncio.get_running_loop()
    status: asyncio.Future[int] = loop.create_future()

    def stop(number: int) -> None:
        if not status.done():
            status.set_result(number)

    loop.add_signal_handler(signal.SIGINT, stop, 130)
    loop.add_signal_handler(signal.SIGTERM, stop, 0)
    return status
