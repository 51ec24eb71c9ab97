"""Which episodes of a dataset a policy did not learn from."""

from __future__ import annotations

import json
from pathlib import Path

from neuracore_ros.dataset.batches import episodes_of
from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.errors import counted
from neuracore_ros.regular_file import read_text
from neuracore_ros.training.splitting import split

CONFIG = 'config.json'


def held_out(policy: Path, dataset: Path, metadata: Metadata) -> tuple[set[int] | None, str]:
    """The episodes that training held back, where the run beside a policy says so.

    Args:
        policy: Its file; a training run leaves its configuration beside it.
        dataset: The folder.
        metadata: Its own.

    Returns:
        Numbers of episodes, None where it is not known; and how they came about, one line.
    """
    run = policy.parent
    try:
        config = json.loads(read_text(run / CONFIG))
        seed, rows, learnt = int(config['seed']), int(config['rows']), str(config['dataset'])
    except (OSError, ValueError, KeyError, TypeError):
        return None, f'no training run beside {policy} tells what it learnt from'
    steps, name = sum(episode.steps for episode in metadata.episodes), dataset.resolve().name
    if Path(learnt).name != name or rows != steps:
        return None, (
            f'{run} learnt from {rows} steps of {Path(learnt).name}, not from these {steps} of '
            f'{name}'
        )
    kept = {episode.number for episode in split(episodes_of(metadata), seed).validation}
    if not kept:
        return None, f'{run} held none back'
    return kept, f'{counted(len(kept), "episode")} that {run} held back'
