"""``neuracore_ros train``: a dataset in, a policy file out."""

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from neuracore_ros.cli.arguments import reasoned
from neuracore_ros.given_path import given_path
from neuracore_ros.training.config import SETTINGS, STEPS, Config
from neuracore_ros.training.settings import Setting, counts, read_settings

SUMMARY = 'Train one policy on all robots of a dataset, RUN/policy.pt.'
EXAMPLES = """  neuracore_ros train reach --out runs/reach --steps 3000
  neuracore_ros train reach --out runs/reach --policy act --minutes 30
  neuracore_ros train reach --out runs/few --max-episodes ur5=5 --statistics per-robot
  neuracore_ros train reach --out runs/reach --also onnx,openvino
  neuracore_ros train reach --out runs/second --init runs/reach --weight intervention=3
  neuracore_ros train --config runs/reach/config.json --out runs/again --seed 1
  neuracore_ros train --resume runs/reach
  neuracore_ros train --resume runs/reach --steps 6000"""

# Facts about the dataset in the configuration of a run; a new run finds its own.
_NOTED = ('rows', 'contents', 'number-format')
# Further keys of a configuration file.
_PLACES = {name: Setting(name, Path) for name in ('dataset', 'out', *_NOTED)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument(
        'dataset', nargs='?', type=Path, metavar='DATASET', help='folder of the dataset'
    )
    parser.add_argument('--out', type=Path, metavar='RUN', help='new folder for the run')
    parser.add_argument('--resume', type=Path, metavar='RUN', help='continue this run')
    parser.add_argument(
        '--config',
        type=Path,
        metavar='FILE',
        help='YAML whose keys are these options without dashes; options of the command line win',
    )
    groups: dict[str, Any] = {}
    for name, each in SETTINGS.items():
        if each.group not in groups:
            groups[each.group] = parser.add_argument_group(each.group)
        _add(groups[each.group], name, each)


def run(arguments: argparse.Namespace) -> int:
    """Begin or resume a run."""
    given = _given(arguments)
    if arguments.resume is not None:
        _refuse_fixed(arguments, given)
    elif arguments.config is not None:
        given = read_settings(arguments.config, SETTINGS | _PLACES) | given
    if arguments.resume is None and not {'dataset', 'out'} <= given.keys():
        lacking = 'DATASET and --out RUN'
        if 'dataset' in given or 'out' in given:
            lacking = '--out RUN' if 'dataset' in given else 'DATASET'
        arguments.wrong_usage(f'give {lacking}, or --resume RUN')

    from neuracore_ros.training.ending import require_writers
    from neuracore_ros.training.finetune import inherit_settings
    from neuracore_ros.training.loop import train
    from neuracore_ros.training.processes import is_first
    from neuracore_ros.training.run import Run

    is_new = arguments.resume is None
    folder = Run(given.pop('out') if is_new else arguments.resume)
    with folder.claimed(is_new) if is_first() else nullcontext():
        if is_new:
            for name in _NOTED:
                given.pop(name, None)
            if given.get('init'):
                given = inherit_settings(given_path(given['init']), given)
            if given.keys().isdisjoint({'steps', 'minutes'}):
                given['steps'] = STEPS
            config = Config(**given | {'dataset': str(given['dataset'].absolute())})
        else:
            config = folder.resume(given)
        require_writers(config.also)
        train(config, folder)
    return 0


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The given arguments by the names of the fields of a `Config`."""
    names = ('dataset', 'out', *SETTINGS)
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    if 'max_episodes' in given:
        parts = given['max_episodes']
        given['max_episodes'] = {robot: n for part in parts for robot, n in part.items()}
    return given


def _refuse_fixed(arguments: argparse.Namespace, given: dict[str, Any]) -> None:
    fixed = [name for name in given if name not in SETTINGS or not SETTINGS[name].changeable]
    if arguments.config is not None:
        fixed.insert(0, 'config')
    if fixed:
        may = ', '.join(f'--{each.name}' for each in SETTINGS.values() if each.changeable)
        wrong = 'DATASET' if fixed[0] == 'dataset' else f'--{fixed[0].replace("_", "-")}'
        arguments.wrong_usage(f'{wrong}: a resumed run keeps its own; only {may} may be given')


class _Switch(argparse.Action):
    """``--relative`` and ``--absolute``: one setting, two flags."""

    def __init__(self, option_strings: Sequence[str], dest: str, **more: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **more)

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, option_string == self.option_strings[0])


def _add(group: Any, name: str, each: Setting) -> None:
    flag = f'--{each.name}'
    if each.opposite:
        group.add_argument(flag, f'--{each.opposite}', dest=name, action=_Switch, help=each.help)
    elif each.choices:
        group.add_argument(flag, dest=name, choices=each.choices, help=each.help)
    else:
        group.add_argument(
            flag,
            dest=name,
            type=reasoned(each.parse),
            action='append' if each.parse is counts else 'store',
            metavar=each.metavar,
            help=each.help,
        )
