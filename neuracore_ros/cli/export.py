"""``neuracore_ros export``: a trained model in, a policy file of any runtime out."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from neuracore_ros.cli.arguments import count, image_size, rate
from neuracore_ros.errors import PolicyError

if TYPE_CHECKING:
    from neuracore_ros.training.export import Model

SUMMARY = 'Write a policy for another runtime, or one that was trained elsewhere.'
EXAMPLES = """  neuracore_ros export runs/reach --format openvino --out reach.xml
  neuracore_ros export --from-lerobot outputs/train/act/checkpoints/last --robot so100.yaml \\
      --rate-hz 30 --out act.xml
  neuracore_ros export --from-torchscript mine.pt --robot ur5.yaml --rate-hz 20 --out policy.pt

What is written is first compared with the model on random inputs, then timed beside it."""

ENDINGS = {'torchscript': '.pt', 'onnx': '.onnx', 'openvino': '.xml'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        'trained', nargs='?', type=Path, metavar='RUN', help='folder of a training run'
    )
    source.add_argument(
        '--from-torchscript', type=Path, metavar='FILE', help="somebody else's TorchScript"
    )
    source.add_argument(
        '--from-lerobot', type=Path, metavar='DIR', help='a trained ACT checkpoint of LeRobot'
    )
    parser.add_argument(
        '--format', choices=tuple(ENDINGS), help="of the file (default: by --out's ending)"
    )
    parser.add_argument(
        '--out', type=Path, required=True, metavar='FILE', help='.pt, .onnx or .xml; a new file'
    )
    foreign = parser.add_argument_group('of a model that was trained elsewhere')
    foreign.add_argument(
        '--robot', type=Path, help='robot file: what the model reads and commands'
    )
    foreign.add_argument('--manifest', type=Path, help='its manifest as JSON, in place of --robot')
    foreign.add_argument('--rate-hz', type=rate, help='steps per second in training')
    foreign.add_argument(
        '--horizon', type=count, help='steps that it predicts (default: as many as it gives)'
    )
    foreign.add_argument(
        '--observation-steps', type=count, default=1, help='newest steps that it reads (1)'
    )
    foreign.add_argument(
        '--image-size', type=image_size, metavar='N|WIDTHxHEIGHT', help='of images, in pixels'
    )
    foreign.add_argument(
        '--mode',
        choices=('absolute', 'relative'),
        default='absolute',
        help='whether outputs are positions, or differences to what is measured',
    )
    parser.add_argument('--json', action='store_true', help='print JSON')
    parser.set_defaults(wrong_usage=parser.error)


def run(arguments: argparse.Namespace) -> int:
    """Export, and print what was proven."""
    kind = _format(arguments)
    if arguments.trained is None and arguments.robot is None and arguments.manifest is None:
        arguments.wrong_usage('give --robot: what the model reads and commands')
    if arguments.trained is None and arguments.rate_hz is None and arguments.manifest is None:
        arguments.wrong_usage('give --rate-hz: how many steps a second had in training')
    if arguments.from_lerobot is not None and arguments.robot is None:
        arguments.wrong_usage('give --robot: a checkpoint of LeRobot does not name its numbers')
    for path in _written(arguments.out):
        if path.exists():
            raise PolicyError(f'{path}: exists; choose another --out')

    from neuracore_ros.training.export import write

    model, warnings = _model(arguments)
    result = write(model, kind, arguments.out)
    if arguments.json:
        record = {
            'file': str(arguments.out),
            'format': kind,
            'largest_difference': result.proof.largest_difference,
            'masks': list(result.proof.masks),
            'latency_ms': result.latency_ms,
            'ratio': result.ratio,
            'warnings': warnings,
        }
        print(json.dumps(record, indent=2))
        return 0
    for line in warnings:
        print(f'warning: {line}', file=sys.stderr)
    print(
        f'{arguments.out}: equals the model on {len(result.proof.masks)} masks '
        f'(largest difference {result.proof.largest_difference:.1e})'
    )
    times = ', '.join(f'{name} {ms:.1f} ms' for name, ms in result.latency_ms.items())
    print(f'latency (p50): {times}; {kind} / torchscript = {result.ratio:.2f}')
    return 0


def _model(arguments: argparse.Namespace) -> tuple[Model, list[str]]:
    from neuracore_ros.training.export import Model

    if arguments.trained is not None:
        from neuracore_ros.training.trained import read_run

        return Model(*read_run(arguments.trained)), []
    from neuracore_ros.description import load_robot
    from neuracore_ros.policy.manifest import Manifest
    from neuracore_ros.training.foreign import adopt, describe

    if arguments.from_lerobot is not None:
        from neuracore_ros.training.lerobot import read_checkpoint

        robot = load_robot(arguments.robot)
        found = read_checkpoint(arguments.from_lerobot, robot, arguments.rate_hz)
        return Model(found.module, found.manifest), list(found.warnings)
    if arguments.manifest is not None:
        try:
            text = arguments.manifest.read_text()
        except OSError as error:
            raise PolicyError(f'{arguments.manifest}: cannot be read: {error.strerror}') from error
        manifest, find_horizon = Manifest.from_json(text, str(arguments.manifest)), False
    else:
        find_horizon = arguments.horizon is None
        manifest = describe(
            load_robot(arguments.robot),
            arguments.rate_hz,
            arguments.horizon or 1,
            arguments.observation_steps,
            arguments.image_size,
            arguments.mode,
        )
    return Model(*adopt(arguments.from_torchscript, manifest, find_horizon)), []


def _format(arguments: argparse.Namespace) -> str:
    by_ending = {ending: name for name, ending in ENDINGS.items()}
    found = by_ending.get(arguments.out.suffix)
    if found is None or arguments.format not in (None, found):
        wanted = ENDINGS[arguments.format] if arguments.format else ', '.join(ENDINGS.values())
        arguments.wrong_usage(f'--out {arguments.out} must end in {wanted}')
    return str(found)


def _written(out: Path) -> list[Path]:
    return [out, *(out.with_suffix(e) for e in ('.bin', '.json') if out.suffix == '.xml')]
