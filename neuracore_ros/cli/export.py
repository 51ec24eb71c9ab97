"""``neuracore_ros export``: a trained model in, a policy file of any runtime out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from neuracore_ros.cli.arguments import OR_SHIPPED, count, image_size, rate
from neuracore_ros.cli.terminal import print_warnings
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.errors import PolicyError, unreadable
from neuracore_ros.files import require_new_file
from neuracore_ros.regular_file import read_bytes
from neuracore_ros.training.config import GRAPHS

if TYPE_CHECKING:
    from torch import nn

    from neuracore_ros.policy.manifest import Manifest
    from neuracore_ros.training.external_model import ModelOrigin

SUMMARY = 'Write a policy file for another runtime, or of a model that was trained elsewhere.'
EXAMPLES = """  neuracore_ros export runs/reach --format openvino --out reach.xml
  neuracore_ros export --from-lerobot outputs/train/act/checkpoints/last --robot so100.yaml \\
      --rate-hz 30 --out act.xml
  neuracore_ros export --from-lerobot outputs/train/act/checkpoints/last --dataset reach \\
      --out act.onnx
  neuracore_ros export --from-torchscript mine.pt --robot ur5.yaml --rate-hz 20 --out policy.pt

The file is compared with the model on random inputs, and timed."""

# Options that a training run determines itself, with defaults; the first four give the slots.
SOURCES = ('robot', 'description', 'dataset', 'manifest')
WORDS: dict[str, object] = {
    **dict.fromkeys(SOURCES),
    **dict.fromkeys(('rate_hz', 'horizon', 'image_size')),
    'observation_steps': 1,
    'mode': 'absolute',
}

ENDINGS = {'torchscript': '.pt', **GRAPHS}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        'trained', nargs='?', type=Path, metavar='RUN', help='folder of a training run'
    )
    source.add_argument(
        '--from-torchscript',
        type=Path,
        metavar='FILE',
        help='a TorchScript that was trained elsewhere',
    )
    source.add_argument(
        '--from-lerobot', type=Path, metavar='DIR', help='ACT checkpoint of LeRobot'
    )
    parser.add_argument(
        '--format',
        choices=tuple(ENDINGS),
        help='format of the file (default: by the ending of --out)',
    )
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        metavar='FILE',
        help='new file to write: .pt, .onnx, .xml or .pt2',
    )
    foreign = parser.add_argument_group('models that were trained elsewhere')
    numbers = foreign.add_mutually_exclusive_group()
    numbers.add_argument(
        '--robot',
        type=robot_file,
        help=f'robot file{OR_SHIPPED}: what the model reads and commands',
    )
    numbers.add_argument(
        '--description',
        type=robot_file,
        action='append',
        metavar='FILE',
        help=f'robot files or a cross-embodiment file{OR_SHIPPED}: all robots that it was '
        'trained on (may be repeated)',
    )
    numbers.add_argument(
        '--dataset',
        type=Path,
        metavar='DIR',
        help='dataset of this package that it was trained on: its robots, rate and image size',
    )
    numbers.add_argument(
        '--manifest', type=Path, metavar='FILE', help='manifest of the policy, as JSON'
    )
    foreign.add_argument('--rate-hz', type=rate, metavar='HZ', help='steps per second in training')
    foreign.add_argument(
        '--horizon', type=count, metavar='N', help='steps of a prediction (default: by the model)'
    )
    foreign.add_argument(
        '--observation-steps',
        type=count,
        default=1,
        metavar='N',
        help='newest steps of an observation (default: 1)',
    )
    foreign.add_argument(
        '--image-size', type=image_size, metavar='N|WIDTHxHEIGHT', help='size of images, in pixels'
    )
    foreign.add_argument(
        '--mode',
        choices=('absolute', 'relative'),
        default='absolute',
        help='outputs are positions, or relative to the measured ones (default: absolute)',
    )
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(arguments: argparse.Namespace) -> int:
    """Export, and print what was proven."""
    _require_numbers(arguments)
    kind = _format(arguments)
    for path in _written(arguments.out):
        if path.exists():
            raise PolicyError(f'{path}: exists; choose another --out')
    require_new_file(arguments.out)

    from neuracore_ros.training.export import write

    module, manifest, warnings = _model(arguments)
    result = write(module, manifest, kind, arguments.out)
    if arguments.json:
        record = {
            'file': str(arguments.out),
            'format': kind,
            'largest_difference': result.largest_difference,
            'masks': list(result.masks),
            'latency_ms': result.latency_ms,
            'ratio': result.ratio,
            'warnings': warnings,
        }
        print(json.dumps(record, indent=2))
        return 0
    print_warnings(warnings)
    for line in result.lines(arguments.out):
        print(line)
    return 0


def _require_numbers(arguments: argparse.Namespace) -> None:
    """End with wrong usage unless the meaning of the model's numbers is given once."""
    given = [name for name in WORDS if getattr(arguments, name) not in (None, WORDS[name])]
    sources = [name for name in given if name in SOURCES]

    def refuse(names: Collection[str], why: str) -> None:
        if wrong := [name for name in given if name in names]:
            arguments.wrong_usage(f'--{wrong[0].replace("_", "-")}: {why}')

    if arguments.trained is not None:
        refuse(WORDS, 'a run knows it itself')
    elif not sources:
        arguments.wrong_usage(
            'give --robot, --description or --dataset: what the model reads and commands'
        )
    elif arguments.manifest is not None:
        refuse(WORDS.keys() - {'manifest'}, 'the manifest says it')
    elif arguments.dataset is not None:
        refuse(['rate_hz'], 'the dataset says it')
    elif arguments.rate_hz is None:
        arguments.wrong_usage('give --rate-hz: how many steps a second had in training')
    if arguments.from_lerobot is not None:
        refuse(['manifest', 'horizon', 'observation_steps', 'mode'], 'the checkpoint says it')


def _model(arguments: argparse.Namespace) -> tuple[nn.Module, Manifest, list[str]]:
    if arguments.trained is not None:
        from neuracore_ros.training.load_run import read_run

        return *read_run(arguments.trained), []
    if arguments.from_lerobot is not None:
        from neuracore_ros.training.lerobot import read_checkpoint

        found = read_checkpoint(arguments.from_lerobot, _origin(arguments))
        return found.module, found.manifest, list(found.warnings)
    from neuracore_ros.training.external_model import adopt, describe

    find_horizon = arguments.manifest is None and arguments.horizon is None
    if arguments.manifest is not None:
        manifest = _manifest(arguments.manifest)
    else:
        manifest = describe(
            _origin(arguments), arguments.horizon or 1, arguments.observation_steps, arguments.mode
        )
    return *adopt(arguments.from_torchscript, manifest, find_horizon), []


def _origin(arguments: argparse.Namespace) -> ModelOrigin:
    from neuracore_ros.description import load_descriptions
    from neuracore_ros.training.external_model import ModelOrigin

    if arguments.dataset is not None:
        origin = ModelOrigin.of_dataset(arguments.dataset)
        return replace(origin, image_size=arguments.image_size or origin.image_size)
    if arguments.description is not None:
        described = load_descriptions(arguments.description)
    else:
        described = load_descriptions([arguments.robot])
    return ModelOrigin(described, tuple(described.input), arguments.rate_hz, arguments.image_size)


def _manifest(path: Path) -> Manifest:
    from neuracore_ros.policy.manifest import Manifest

    try:
        text = read_bytes(path)
    except OSError as error:
        raise PolicyError(unreadable(path, error, ('.json',))) from error
    return Manifest.from_json(text, str(path))


def _format(arguments: argparse.Namespace) -> str:
    by_ending = {ending: name for name, ending in ENDINGS.items()}
    found = by_ending.get(arguments.out.suffix)
    if found is None or arguments.format not in (None, found):
        wanted = ENDINGS[arguments.format] if arguments.format else '.pt, .onnx, .xml or .pt2'
        raise PolicyError(f'{arguments.out}: --out must end in {wanted}')
    return found


def _written(out: Path) -> list[Path]:
    return [out, *(out.with_suffix(e) for e in ('.bin', '.json') if out.suffix == '.xml')]
