"""The arguments of ``serve`` that are of LeRobot's checkpoints."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuracore_ros.cli.arguments import OR_SHIPPED, natural, rate, reasoned, words
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.parsers import as_number

if TYPE_CHECKING:
    from neuracore_ros.serving.lerobot.drafted_map import LerobotWiring
    from neuracore_ros.serving.lerobot.source import LerobotSource

UNITS = ('degrees', 'radians', 'normalized', 'slots')
_GRIPPER = {'degrees': (0.0, 100.0), 'normalized': (0.0, 100.0)}
# In the place of a server file.
_WIRING = (
    'robot', 'dataset', 'state', 'action', 'rate_hz', 'units', 'gripper', 'calibration', 'camera'
)  # fmt: skip


def names(text: str) -> tuple[str, ...]:
    """Names between commas."""
    found = tuple(name.strip() for name in text.split(','))
    if not all(found):
        raise argparse.ArgumentTypeError(f"'{text}': write NAME,NAME without gaps")
    return found


def pair(text: str) -> tuple[str, str]:
    """``KEY=VALUE``."""
    key, mark, value = text.partition('=')
    if not (key.strip() and mark and value.strip()):
        raise argparse.ArgumentTypeError(f"'{text}' is not KEY=VALUE")
    return key.strip(), value.strip()


def _ends(text: str) -> tuple[float, float]:
    parts = text.split(',')
    if len(parts) != 2 or (ends := (as_number(parts[0]), as_number(parts[1])))[0] == ends[1]:
        raise ValueError(f"'{text}' is not CLOSED,OPEN, two numbers that differ")
    return ends


def add_lerobot_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of a checkpoint, without the checkpoint itself."""
    meaning = parser.add_argument_group(
        'what the numbers of a LeRobot checkpoint are',
        'a server file that says it, or the names and units of both sides',
    )
    meaning.add_argument('--map', metavar='FILE', help='server file, or the name of a shipped one')
    meaning.add_argument(
        '--robot', type=robot_file, metavar='FILE', help=f'robot file{OR_SHIPPED}'
    )
    meaning.add_argument(
        '--dataset',
        type=Path,
        metavar='DIR',
        help='dataset that it was trained on: names and rate, of its meta/info.json',
    )
    meaning.add_argument(
        '--state', type=names, metavar='NAME,...', help='names of its state, in its order'
    )
    meaning.add_argument(
        '--action', type=names, metavar='NAME,...', help='names of its action, in its order'
    )
    meaning.add_argument('--rate-hz', type=rate, metavar='HZ', help='steps per second in training')
    meaning.add_argument(
        '--units',
        choices=UNITS,
        help='of joints: degrees, radians, normalized (-100 to 100 of the calibrated range), or '
        'slots (as the robot file has them); there is no default',
    )
    meaning.add_argument(
        '--gripper',
        type=reasoned(_ends),
        metavar='CLOSED,OPEN',
        help="numbers of a closed and of an open gripper (with degrees and normalized: LeRobot's "
        '0,100)',
    )
    meaning.add_argument(
        '--calibration',
        type=Path,
        metavar='FILE',
        help="the arm's calibration by LeRobot, for --units normalized",
    )
    meaning.add_argument(
        '--camera',
        type=pair,
        action='append',
        metavar='IMAGE=NAME',
        help='which camera of the robot file an image of the checkpoint is, where their names '
        'differ (may be repeated)',
    )
    inference = parser.add_argument_group('inference of a LeRobot checkpoint')
    inference.add_argument(
        '--task', type=words, metavar='TEXT', help='what is to be done, for who does not say it'
    )
    inference.add_argument(
        '--seed', type=natural, metavar='N', help='the same noise in every prediction'
    )
    inference.add_argument(
        '--set',
        type=pair,
        action='append',
        metavar='KEY=VALUE',
        help='in place of a value of config.json, such as num_inference_steps=10 (may be '
        'repeated)',
    )
    inference.add_argument(
        '--tokenizer',
        type=Path,
        metavar='DIR',
        help='folder of the tokenizer, where it is no '
        'part of the checkpoint and not in the cache of Hugging Face',
    )
    inference.add_argument(
        '--trust-remote-code',
        action='store_true',
        help='run code that lies beside a base model or its tokenizer, which some policies need',
    )


def lerobot_source(arguments: argparse.Namespace) -> LerobotSource:
    """The checkpoint of ``--lerobot``, and all that the other arguments say of it.

    Raises:
        UserError: The robot file, the dataset or the calibration is wrong.
    """
    if arguments.map and (wiring := _given(arguments, _WIRING)):
        arguments.wrong_usage(f'--map says all: leave out {wiring}')
    if arguments.precision != 'float32':
        arguments.wrong_usage('--precision is not of --lerobot: its config.json says it')
    from neuracore_ros.description.shipped import server_file
    from neuracore_ros.serving.lerobot.loading import LerobotOptions
    from neuracore_ros.serving.lerobot.source import LerobotSource

    return LerobotSource(
        path=arguments.lerobot,
        wiring=None if arguments.map else _wiring(arguments),
        map=server_file(arguments.map) if arguments.map else None,
        options=LerobotOptions(
            device=arguments.device,
            threads=arguments.threads,
            task=arguments.task or '',
            seed=arguments.seed,
            settings=dict(arguments.set or ()),
            tokenizer=str(arguments.tokenizer or ''),
        ),
        sha256=arguments.sha256,
        trust_code=arguments.trust_remote_code,
    )


def refuse_lerobot_arguments(arguments: argparse.Namespace) -> None:
    """End where an argument of checkpoints is given, and no checkpoint."""
    others = ('map', *_WIRING, 'task', 'seed', 'set', 'tokenizer', 'trust_remote_code')
    if found := _given(arguments, others):
        arguments.wrong_usage(f'{found} belongs to --lerobot DIR')


def _given(arguments: argparse.Namespace, options: tuple[str, ...]) -> str:
    """The first of these options that is given."""
    values: dict[str, Any] = vars(arguments)
    found = (name for name in options if values[name] is not None and values[name] is not False)
    return next((f'--{name.replace("_", "-")}' for name in found), '')


def _wiring(arguments: argparse.Namespace) -> LerobotWiring:
    from neuracore_ros.description import load_robot
    from neuracore_ros.serving.lerobot.drafted_map import LerobotWiring
    from neuracore_ros.serving.lerobot.names import (
        LerobotNames,
        read_calibration,
        read_dataset_names,
    )
    from neuracore_ros.serving.lerobot.units import JointUnits, LerobotUnits

    known = read_dataset_names(arguments.dataset) if arguments.dataset else LerobotNames()
    units = None
    if arguments.units:
        units = JointUnits(
            LerobotUnits(arguments.units),
            arguments.gripper or _GRIPPER.get(arguments.units),
            read_calibration(arguments.calibration) if arguments.calibration else {},
        )
    return LerobotWiring(
        names=LerobotNames(
            state=arguments.state or known.state,
            action=arguments.action or known.action,
            rate_hz=arguments.rate_hz or known.rate_hz,
        ),
        robot=load_robot(arguments.robot) if arguments.robot else None,
        units=units,
        cameras=dict(arguments.camera or ()),
        has_task=bool(arguments.task),
    )
