"""Policies of `transfer.py`, driven by the real node over real topics, with arms they never met.

    python experiments/transfer_node.py FOLDER [--place crop] [--arms lift_ur5e lift_xarm7]

Each trial is a line of ``FOLDER/node.jsonl``; trials that are there are not done again. A policy
that is told where the cube is reads it from ``sim/goal``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import yaml
from lift import FIRST_SEED, SIMULATOR
from lockstep import GOAL
from transfer import EXECUTED, MANY, NEW, PANDA, Cell, seen_many, write_files

from neuracore_ros.demo.trials import TrialResult, run_trials

TRAININGS = {
    'told': Cell('', 'hand', 'told', {PANDA: MANY}, ()),
    'crop': next(seen_many()),
}

# A hand that was closed in the trial before opens first.
UNHURRIED = replace(SIMULATOR, ready_s=2.5)


def main() -> None:
    """Drive each arm."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('--place', choices=TRAININGS, default='crop')
    parser.add_argument('--arms', nargs='+', default=list(NEW))
    parser.add_argument('--trials', type=int, default=20)
    parser.add_argument('--speed', type=float, default=1.0, help='of the simulation (default 1)')
    arguments = parser.parse_args()
    cell = TRAININGS[arguments.place]
    policy = arguments.folder / 'runs' / f'{cell.training}_seed=0' / 'last.pt'
    results = arguments.folder / 'node.jsonl'
    files = write_files(arguments.folder / 'node' / cell.files, cell)
    for arm in arguments.arms:
        text = files[arm].read_text()
        content = yaml.safe_load(text)
        if arguments.place == 'told':
            content['sources']['CUSTOM_1D']['topic'] = f'sim/{GOAL}'
            files[arm].write_text(yaml.safe_dump(content, sort_keys=False))
        lines = results.read_text().splitlines() if results.exists() else []
        done = sum(
            (line['key'], line['robot'], line['speed']) == (cell.key, arm, arguments.speed)
            for line in map(json.loads, lines)
        )

        def report(trial: TrialResult) -> None:
            line = {'key': cell.key, 'speed': arguments.speed, **trial.as_json()}
            with results.open('a') as file:
                file.write(json.dumps(line) + '\n')
            print(cell.key, trial.robot, trial.seed, trial.success, flush=True)

        run_trials(
            UNHURRIED,
            arm,
            cell.key,
            policy,
            range(FIRST_SEED + done, FIRST_SEED + arguments.trials),
            arguments.speed,
            arguments.folder / 'node',
            report,
            files[arm],
            {'execute_steps': EXECUTED},
        )


if __name__ == '__main__':
    main()
