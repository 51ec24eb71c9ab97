"""``neuracore_ros evaluate``: what policies would have done on recordings."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from neuracore_ros.cli.arguments import (
    BY_CLOCK,
    OR_SHIPPED,
    RECORDED_NAMESPACE,
    any_file,
    episode_numbers,
    natural,
    positive,
    words,
)
from neuracore_ros.cli.terminal import StatusLine, print_warnings
from neuracore_ros.errors import UserError
from neuracore_ros.files import require_new_file
from neuracore_ros.policy.load import KINDS, names_policy
from neuracore_ros.progress import StepProgressCallback
from neuracore_ros.yaml_value import ENDINGS

if TYPE_CHECKING:
    from neuracore_ros.description import Robot
    from neuracore_ros.evaluation.evaluate import Evaluation

SUMMARY = "Replay recordings through the node's runner, and measure the errors of policies."
EXAMPLES = """  neuracore_ros evaluate policy.pt ur5 bags/ur5/*
  neuracore_ros evaluate run/policy.pt dataset                  # its held-back episodes
  neuracore_ros evaluate run/policy.pt so101.yaml so101_dataset # a LeRobot dataset
  neuracore_ros evaluate old.pt new.pt dataset --out report.html
  neuracore_ros evaluate policy.onnx ur5.yaml bags/* --max-error 0.02     # for CI

The error is the mean absolute difference of predictions and recorded commands, over all joints
and steps of the horizon [rad]."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument(
        'files',
        nargs='+',
        type=any_file,
        metavar='FILE',
        help=f'policies (.pt, .onnx, .xml, .pt2); a robot file (.yaml{OR_SHIPPED}) and its bags '
        'or LeRobot dataset; or a dataset of this package',
    )
    parser.add_argument('--out', type=Path, metavar='PAGE', help='HTML page to write')
    parser.add_argument('--json', action='store_true', help='print JSON')
    parser.add_argument(
        '--max-error',
        type=positive,
        metavar='E',
        help='end with status 1 if the error of any policy on any robot is larger [rad]',
    )
    parser.add_argument(
        '--latency-steps',
        type=natural,
        default=0,
        metavar='N',
        help='steps from an observation to the use of its prediction, as delay_steps of the node '
        '(default: 0)',
    )
    parser.add_argument(
        '--execute-steps',
        type=natural,
        default=0,
        metavar='N',
        help='steps from one prediction to the next, as execute_steps of the node (default: half '
        'the horizon, at most 0.5 s)',
    )
    parser.add_argument(
        '--episodes',
        type=episode_numbers,
        metavar='N,N-N',
        help='episodes of a dataset (default: those that training held back, else all)',
    )
    parser.add_argument('--task', type=words, default='', help='task of the bags, in words')
    parser.add_argument('--namespace', default='', help=RECORDED_NAMESPACE)
    parser.add_argument('--use-sim-time', action='store_true', help=BY_CLOCK)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; 1 if an error is larger than it may be."""
    if arguments.out:
        require_new_file(arguments.out)
    line = StatusLine(sys.stderr)
    try:
        result = _evaluate(arguments, lambda what, part: line.update(f'{part:.0%} {what}'))
    finally:
        line.clear()
    from neuracore_ros.evaluation.page import write_evaluation_page
    from neuracore_ros.evaluation.summary import as_json, as_table

    print_warnings(f'{case.policy}: {text}' for case in result.cases for text in case.warnings)
    if arguments.out:
        write_evaluation_page(arguments.out, result)
    if arguments.json:
        print(json.dumps(as_json(result), indent=1))
    else:
        print(result.note)
        print(as_table(result))
        for case in result.cases:
            for reason, count in case.figures.holds.items():
                times = 'once' if count == 1 else f'{count} times, at first'
                first = case.figures.first_holds[reason]
                print(f'{case.policy} on {case.robot} held {times}: {first}')
        if arguments.out:
            print(f'{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB')
    worst = result.worst
    if arguments.max_error is not None and not worst.figures.mean <= arguments.max_error:
        raise UserError(
            f"{worst.policy} on '{worst.robot}': error {worst.figures.mean:.4g} "
            f'{worst.figures.unit} is above --max-error {arguments.max_error:g}'
        )
    return 0


def _evaluate(arguments: argparse.Namespace, progress: StepProgressCallback) -> Evaluation:
    policies = [file for file in arguments.files if names_policy(file)]
    others = [Path(file) for file in arguments.files if not names_policy(file)]
    robots = [path for path in others if path.suffix in ENDINGS]
    recordings = [path for path in others if path.suffix not in ENDINGS]
    if not policies:
        runs = [path / 'policy.pt' for path in recordings if (path / 'policy.pt').is_file()]
        hint = f'; did you mean {runs[0]}?' if runs else ''
        arguments.wrong_usage(f'no policy is given: a file that ends in {", ".join(KINDS)}{hint}')
    if not recordings:
        arguments.wrong_usage('nothing to replay: give a robot file and its bags, or a dataset')
    from neuracore_ros.bags.expansion import expanded
    from neuracore_ros.command.settings import Settings
    from neuracore_ros.evaluation.evaluate import evaluate_bags, evaluate_dataset, is_dataset

    settings = Settings(
        delay_steps=arguments.latency_steps,
        execute_steps=arguments.execute_steps,
        task=arguments.task,
        dry_run=True,
    )
    datasets = [path for path in recordings if is_dataset(path)]
    if not datasets:
        if arguments.episodes is not None:
            arguments.wrong_usage(f'--episodes are of a dataset; {recordings[0]} is none')
        robot = _robot(robots, recordings[0], arguments)
        where, by_clock = arguments.namespace, arguments.use_sim_time
        bags = expanded(recordings)
        return evaluate_bags(
            policies, robot, bags, settings, where, progress, by_clock, bool(arguments.out)
        )
    if arguments.use_sim_time:
        arguments.wrong_usage(f'--use-sim-time is of bags; {datasets[0]} is a dataset')
    if recordings[1:]:
        arguments.wrong_usage(f'{datasets[0]} is a dataset; give it alone, without bags')
    from neuracore_ros.description import load_descriptions

    known = dict(load_descriptions(robots).robots)
    return evaluate_dataset(
        *(policies, datasets[0], known, arguments.episodes, settings, progress),
        with_pictures=bool(arguments.out),
    )


def _robot(files: list[Path], recording: Path, arguments: argparse.Namespace) -> Robot:
    if not files:
        raise UserError(
            f'{recording}: is no dataset; to replay bags, give the file of their robot, too '
            '(robot.yaml)'
        )
    if files[1:]:
        arguments.wrong_usage('bags are of one robot: give one robot file')
    from neuracore_ros.description import load_robot

    return load_robot(files[0])
