"""``neuracore_ros demo``: the whole way once, on simulated robots."""

import argparse
import json
import signal
from pathlib import Path

from neuracore_ros.cli.arguments import between, count
from neuracore_ros.files import require_folder_or_new

SUMMARY = 'Record, convert, train and drive simulated arms, one of them never trained on.'
EXAMPLES = """  neuracore_ros demo --out demo
  neuracore_ros demo --out quick --episodes 10 --steps 300 --trials 3"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('demo'),
        metavar='DIR',
        help='folder to write (default: demo)',
    )
    parser.add_argument(
        '--episodes',
        type=count,
        default=60,
        metavar='N',
        help='recorded episodes per robot (default: 60)',
    )
    parser.add_argument(
        '--steps',
        type=count,
        default=1000,
        metavar='N',
        help='steps of each of the two trainings (default: 1000)',
    )
    parser.add_argument(
        '--trials',
        type=count,
        default=10,
        metavar='N',
        help='trials per robot and driver (default: 10)',
    )
    parser.add_argument(
        '--speed',
        type=between(0.01, 100.0),
        default=2.0,
        metavar='FACTOR',
        help='simulated seconds per second (default: 2)',
    )
    parser.add_argument(
        '--policy', choices=['mlp', 'act'], default='mlp', help='policy to train (default: mlp)'
    )
    parser.add_argument('--json', action='store_true', help='print the trials as JSON')


def run(arguments: argparse.Namespace) -> int:
    """Run the demo and print its table."""
    require_folder_or_new(arguments.out, 'to write into')
    from neuracore_ros.ros_environment import require_ros

    require_ros()
    from neuracore_ros.demo.page import score_rows
    from neuracore_ros.demo.slots import DRIVERS, TRAINED_ON
    from neuracore_ros.demo.steps import DemoOptions, run_demo

    # Its robots and its training would outlive it otherwise.
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup the latter is to be ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    trials = run_demo(
        DemoOptions(
            out=arguments.out,
            episodes=arguments.episodes,
            steps=arguments.steps,
            trials=arguments.trials,
            speed=arguments.speed,
            policy=arguments.policy,
        )
    )
    print(f'\n{"":22}' + ''.join(f'{title:>24}' for title in DRIVERS.values()))
    for robot, scores in score_rows(trials):
        name = robot if robot in TRAINED_ON else f'{robot} (never trained)'
        cells = [
            f'{s.successes} of {s.trials}, {s.median_cm:.1f} cm' if s else '-' for s in scores
        ]
        print(f'{name:22}' + ''.join(f'{cell:>24}' for cell in cells))
    print('\nsuccesses of trials, median final distance from the target')
    if arguments.json:
        print(json.dumps([trial.as_json() for trial in trials]))
    return 0
