"""The policies of `alignment.py seen`, driven by the real node over real topics.

    python benchmarks/alignment_node.py FOLDER --trials 20

Each trial is a line of ``FOLDER/node.jsonl``; trials that are there are not done again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from alignment import FIRST_SEED, STUDIES, place, run_folder

from neuracore_ros.demo.station import KINEMATIC
from neuracore_ros.demo.trials import Trial, run_trials


def main() -> None:
    """Drive every policy that is there."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('--trials', type=int, default=20)
    parser.add_argument('--seeds', type=int, default=1)
    arguments = parser.parse_args()
    results = arguments.folder / 'node.jsonl'
    lines = results.read_text().splitlines() if results.exists() else []
    done = [(line['key'], line['robot']) for line in map(json.loads, lines)]
    studies = [study for seed in range(arguments.seeds) for study in STUDIES['seen'](seed)]
    for study in studies:
        policy = run_folder(arguments.folder, study) / 'policy.pt'
        if not policy.exists():
            print(f'{study.key}: not trained yet')
            continue
        for robot in study.tried:
            first = FIRST_SEED + done.count((study.key, robot))
            seeds = range(first, FIRST_SEED + arguments.trials)
            ended: list[Trial] = []

            def report(trial: Trial, key: str = study.key, ended: list[Trial] = ended) -> None:
                ended.append(trial)
                with results.open('a') as file:
                    file.write(json.dumps({'key': key, **trial.as_json()}) + '\n')

            file = place(arguments.folder, study) / f'{robot}.yaml'
            folder = arguments.folder / 'node'
            run_trials(KINEMATIC, robot, 'trained', policy, seeds, 1.0, folder, report, file)
            successes = sum(trial.success for trial in ended)
            print(study.key, robot, f'{successes} of {len(ended)}', flush=True)


if __name__ == '__main__':
    main()
