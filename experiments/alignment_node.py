"""Policies of `alignment.py`, driven by the real node over real topics.

    python experiments/alignment_node.py FOLDER --trials 20

The simulated robot tells its goal in metres on ``sim/goal``, where the study's recordings have it
in reaches on ``goal``; a scale in the robot file makes them one. Each trial is a line of
``FOLDER/node.jsonl``; trials that are there are not done again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import yaml
from alignment import EPISODES, FIRST_SEED, PER_ROBOT, Study, place, run_folder

from neuracore_ros.demo.station import KINEMATIC
from neuracore_ros.demo.trials import TrialResult, run_trials
from neuracore_ros.sim.arms import ARMS

FEW = {'franka': EPISODES, 'ur5': 5}
STUDIES = (
    Study('ur5 beside franka', 'meaning+sign', FEW, ('ur5',), 0, PER_ROBOT),
    Study('ur5 beside franka', 'scrambled', FEW, ('ur5',), 0, PER_ROBOT),
    Study('ur5 beside franka', 'order', {'ur5': 5}, ('ur5',), 0),
    Study('full', 'meaning+sign', dict.fromkeys(FEW, EPISODES), tuple(FEW), 0, PER_ROBOT),
)
"""The decisive ones, of one seed."""


def robot_file(folder: Path, study: Study, robot: str) -> Path:
    """The study's, but for where the goal is told."""
    path = place(folder, study) / f'{robot}.yaml'
    content = yaml.safe_load(path.read_text())
    goal = content['sources']['CUSTOM_1D']
    content['sources']['CUSTOM_1D'] = {
        **goal,
        'topic': 'sim/goal',
        'scale': 1.0 / ARMS[robot].reach,
    }
    path = path.with_name(f'{robot}_node.yaml')
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def main() -> None:
    """Drive every policy that is there."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('--trials', type=int, default=20)
    arguments = parser.parse_args()
    results = arguments.folder / 'node.jsonl'
    lines = results.read_text().splitlines() if results.exists() else []
    done = [(line['key'], line['robot']) for line in map(json.loads, lines)]
    for study in STUDIES:
        policy = run_folder(arguments.folder, study) / 'policy.pt'
        if not policy.exists():
            print(f'{study.key}: not trained yet')
            continue
        for robot in study.tried:
            first = FIRST_SEED + done.count((study.key, robot))
            seeds = range(first, FIRST_SEED + arguments.trials)
            ended: list[TrialResult] = []

            def report(
                trial: TrialResult, key: str = study.key, ended: list[TrialResult] = ended
            ) -> None:
                ended.append(trial)
                with results.open('a') as file:
                    file.write(json.dumps({'key': key, **trial.as_json()}) + '\n')

            file = robot_file(arguments.folder, study, robot)
            folder = arguments.folder / 'node'
            run_trials(KINEMATIC, robot, 'trained', policy, seeds, 1.0, folder, report, file)
            successes = sum(trial.success for trial in ended)
            print(study.key, robot, f'{successes} of {len(ended)}', flush=True)


if __name__ == '__main__':
    main()
