"""``neuracore_ros train``: a dataset in, a policy file out."""

import argparse
from pathlib import Path

from neuracore_ros.cli.arguments import count, natural, positive

SUMMARY = 'Train one policy on all robots of a dataset; writes RUN/policy.pt.'
EXAMPLES = """  neuracore_ros train reach --out runs/reach --steps 3000
  neuracore_ros train reach --out runs/reach --policy act --minutes 30
  neuracore_ros train --resume runs/reach
  neuracore_ros train --resume runs/reach --steps 6000"""

STEPS = 3000

# What a resumed run keeps.
FIXED = (
    *('dataset', 'out', 'policy', 'batch', 'horizon', 'observation_steps'),
    *('learning_rate', 'shift', 'seed'),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument('dataset', nargs='?', type=Path, metavar='DATASET', help='its folder')
    parser.add_argument('--out', type=Path, metavar='RUN', help='a new folder for the run')
    parser.add_argument('--resume', type=Path, metavar='RUN', help='go on with an older run')
    parser.add_argument('--policy', choices=('mlp', 'act'), help='kind of policy (mlp)')
    parser.add_argument(
        '--steps', type=natural, help=f'when to end ({STEPS}); 0 exports the untrained policy'
    )
    parser.add_argument(
        '--minutes', type=positive, help='when to end, whichever of the two comes first'
    )
    parser.add_argument('--batch', type=count, help='rows of a step (64)')
    parser.add_argument(
        '--horizon', type=count, help='steps that the policy predicts (as many as a second has)'
    )
    parser.add_argument(
        '--observation-steps', type=count, help='newest steps that the policy reads (1)'
    )
    parser.add_argument('--learning-rate', type=positive, help='at its highest (0.001)')
    parser.add_argument('--shift', type=natural, help='pixels by which images are moved about (0)')
    parser.add_argument('--seed', type=natural, help='of weights, split and batches (0)')
    parser.add_argument(
        '--threads', type=count, help='processor threads; another number, other rounding'
    )
    parser.set_defaults(wrong_usage=parser.error)


def run(arguments: argparse.Namespace) -> int:
    """Begin or resume a run."""
    if arguments.resume is None and (arguments.dataset is None or arguments.out is None):
        arguments.wrong_usage('give DATASET and --out RUN, or --resume RUN')
    given = [name for name in FIXED if getattr(arguments, name) is not None]
    if arguments.resume is not None and given:
        arguments.wrong_usage(
            f'{given[0].replace("_", "-")}: a resumed run keeps its own; '
            'only --steps, --minutes and --threads may be given'
        )

    import torch

    from neuracore_ros.training.loop import train
    from neuracore_ros.training.run import Config, Run

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if arguments.resume is not None:
        folder = Run(arguments.resume)
        config = folder.resume(arguments.steps, arguments.minutes)
    else:
        folder = Run(arguments.out)
        folder.require_new()
        config = Config(
            dataset=str(arguments.dataset.absolute()),
            policy=arguments.policy or 'mlp',
            steps=STEPS if arguments.steps is arguments.minutes is None else arguments.steps,
            minutes=arguments.minutes,
            batch=arguments.batch or 64,
            horizon=arguments.horizon or 0,
            observation_steps=arguments.observation_steps or 1,
            learning_rate=arguments.learning_rate or 1e-3,
            shift=arguments.shift or 0,
            seed=arguments.seed or 0,
        )
    train(config, folder)
    return 0
