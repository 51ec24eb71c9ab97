"""The episodes of a dataset that a policy did not learn from."""

from __future__ import annotations

from pathlib import Path

from neuracore_ros.dataset import identity
from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.errors import TrainingError
from neuracore_ros.loading.batches import episodes_of
from neuracore_ros.records import read_record
from neuracore_ros.training.splitting import split
from neuracore_ros.wording import counted

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
        config = read_record(run / CONFIG, TrainingError)
        seed, rows = config.integer('seed'), config.integer('rows')
        learnt, known = config.text('dataset'), config.text('contents', default='')
    except (OSError, TrainingError):
        return None, f'no training run beside {policy} tells what it learnt from'
    steps, name = sum(episode.steps for episode in metadata.episodes), dataset.resolve().name
    if Path(learnt).name != name or rows != steps:
        return None, (
            f'{run} learnt from {rows} steps of {Path(learnt).name}, not from these {steps} of '
            f'{name}'
        )
    if known and known != identity.fingerprint(dataset, metadata):
        return None, f'{run} learnt from other episodes, or other numbers, than {name} has now'
    kept = {episode.number for episode in split(episodes_of(metadata), seed).validation}
    if not kept:
        return None, f'{run} held none back'
    return kept, f'{counted(len(kept), "episode")} that {run} held back'
