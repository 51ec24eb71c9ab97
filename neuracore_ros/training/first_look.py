"""What an untrained network makes of a dataset's images, before a policy learns from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from neuracore_ros.loading.batches import Batches, Episode
from neuracore_ros.training.cameras import Cameras
from neuracore_ros.training.chunk_policy import ChunkPolicy
from neuracore_ros.training.sampling import rows_by_robot

ROWS = 32
"""Of each robot: enough to tell how features vary, and soon looked at."""


def first_look(policy: ChunkPolicy, data: Batches, episodes: Sequence[Episode]) -> None:
    """Measure the features of every network of images, as statistics measure numbers.

    Args:
        policy: With the weights that it begins with.
        data: The dataset.
        episodes: Those that are learnt from.
    """
    views = [each for each in policy.modules() if isinstance(each, Cameras)]
    if not views:
        return
    own = rows_by_robot(episodes).values()
    some = [rows[np.linspace(0, len(rows) - 1, ROWS).astype(np.int64)] for rows in own]
    batch = data.take(np.unique(np.concatenate(some)), 1, 1)
    inputs = {kind.value: torch.from_numpy(each) for kind, each in batch.inputs.items()}
    valid = {kind.value: torch.from_numpy(each) for kind, each in batch.valid.items()}
    for view in views:
        view.measure(inputs, valid)
