"""``neuracore_ros serve``: a policy for clients on this computer, or on the network."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from neuracore_ros.cli.arguments import POLICY, natural, not_empty, port
from neuracore_ros.cli.lerobot_arguments import (
    add_lerobot_arguments,
    lerobot_source,
    refuse_lerobot_arguments,
)
from neuracore_ros.policy.address import path_or_address
from neuracore_ros.policy.load import PRECISIONS, load_policy

if TYPE_CHECKING:
    from neuracore_ros.policy.policy import Policy
    from neuracore_ros.serving.run import ReadyServer

SUMMARY = "Serve a policy to a node on another computer, by openpi's protocol."
EXAMPLES = """  neuracore_ros serve policy.pt                         # for this computer alone
  NEURACORE_ROS_API_KEY=... neuracore_ros serve policy.pt --host 0.0.0.0 --device cuda
  neuracore_ros serve --lerobot outputs/train/act/checkpoints/last --robot so101.yaml \\
      --dataset data/cubes --units degrees              # in a Python that has lerobot

On the robot: model:=ws://gpu-box:8000, with the same NEURACORE_ROS_API_KEY in its environment."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    served = parser.add_mutually_exclusive_group(required=True)
    served.add_argument('policy', nargs='?', type=path_or_address, help=POLICY)
    served.add_argument(
        '--lerobot', type=Path, metavar='DIR', help='checkpoint of a LeRobot policy of any type'
    )
    parser.add_argument(
        '--host',
        type=not_empty(str),
        default='127.0.0.1',
        help='address of this computer at which it is served; 0.0.0.0: all of them '
        '(default: 127.0.0.1, which only this computer reaches)',
    )
    parser.add_argument(
        '--port', type=port, default=8000, metavar='N', help='0: any free one (default: 8000)'
    )
    model = parser.add_argument_group('the model')
    model.add_argument('--device', default='cpu', help='such as cpu, cuda, cuda:1 (default: cpu)')
    model.add_argument(
        '--threads',
        type=natural,
        default=0,
        metavar='N',
        help='threads for one operation; 0 leaves it to the runtime (default: 0)',
    )
    model.add_argument(
        '--precision', choices=PRECISIONS, default='float32', help='default: float32'
    )
    model.add_argument('--sha256', default='', help='the file must have it, or it is not run')
    add_lerobot_arguments(parser)
    parser.add_argument('--json', action='store_true', help='print JSON, one line when ready')


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    from neuracore_ros.policy.model_thread import end_interrupted
    from neuracore_ros.serving.listen_address import ListenAddress
    from neuracore_ros.serving.run import run_server

    load, name = _policy(arguments)
    announce = partial(_announce, name=name, as_json=arguments.json)
    place = ListenAddress(arguments.host, arguments.port)
    return end_interrupted(run_server(load, place, announce))


def _policy(arguments: argparse.Namespace) -> tuple[Callable[[], Policy], str]:
    """What loads the policy, on the model's thread, and how to call it."""
    if arguments.lerobot:
        return lerobot_source(arguments).load, str(arguments.lerobot)
    refuse_lerobot_arguments(arguments)
    load = partial(
        load_policy,
        arguments.policy,
        device=arguments.device,
        threads=arguments.threads,
        precision=arguments.precision,
        sha256=arguments.sha256,
    )
    return load, str(arguments.policy)


def _announce(ready: ReadyServer, name: str, as_json: bool) -> None:
    if not as_json:
        print(ready.line(name), flush=True)
        return
    about = {'address': ready.address, 'policy': name, 'sha256': ready.policy.sha256}
    print(json.dumps(about | {'prediction_ms': round(1e3 * ready.prediction_s, 3)}), flush=True)
