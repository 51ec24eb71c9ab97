"""Runs under an interpreter that has lerobot 0.6: our chunk beside LeRobot's own actions.

Usage: python lerobot_beside.py FOLDER [KEY=VALUE ...] ; prints JSON.

LeRobot's `predict_action` runs step by step, as on its robots, over two whole chunks of different
observations. At the first step of the second, ours is asked with the steps that it remembers.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from lerobot.common.control_utils import predict_action

from neuracore_ros.serving.lerobot.checkpoint import read_lerobot_checkpoint
from neuracore_ros.serving.lerobot.inference import LerobotPolicy
from neuracore_ros.serving.lerobot.loading import LerobotOptions

TASK = 'put the cube into the bowl'


SEED = 7


def main(*folders):
    for folder in folders:
        print(json.dumps(compare(Path(folder))))


def compare(folder):
    checkpoint = read_lerobot_checkpoint(folder)
    ours = LerobotPolicy(checkpoint, LerobotOptions(seed=SEED))
    rng = np.random.default_rng(1)

    def observed():
        numbers = {
            name: rng.uniform(-40, 40, width).astype(np.float32)
            for name, width in checkpoint.vectors.items()
        }
        images = {
            name: rng.integers(0, 256, (*size, 3), np.uint8)
            for name, size in checkpoint.cameras.items()
        }
        return numbers | images

    executed = ours.executed_steps or ours._config.action_chunk_size
    steps = [observed() for _ in range(2 * executed)]
    # The same objects: it is their use that is compared.
    policy, before, after = ours._policy, ours._before, ours._after
    policy.reset()
    actions = []
    for number, step in enumerate(steps):
        if number == executed:
            torch.manual_seed(SEED)
        action = predict_action(
            step, policy, torch.device('cpu'), before, after, use_amp=False, task=TASK
        )
        actions.append(action.numpy().ravel())
    theirs = np.stack(actions[executed:])

    seen = steps[executed - checkpoint.observation_steps + 1 : executed + 1]
    message = {name: np.stack([step[name] for step in seen]) for name in seen[0]}
    np.savez(folder / 'executed.npz', actions=theirs, **message)
    chunk = ours.ask(message | {'task': TASK})
    again = ours.ask(message | {'task': TASK})
    return {
        'name': folder.name,
        'steps': checkpoint.observation_steps,
        'rows': len(theirs),
        'horizon': len(chunk),
        'difference': float(np.abs(chunk[: len(theirs)] - theirs).max()),
        'repeated': float(np.abs(chunk - again).max()),
        'moved': float(np.abs(theirs - theirs[0]).max()),
    }


if __name__ == '__main__':
    main(*sys.argv[1:])
