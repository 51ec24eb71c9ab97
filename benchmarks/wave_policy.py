"""A small flow policy that learns a path from where the joints are and how fast they move.

What it is told of where they are is noisy, and so its predictions disagree; what its plan was
tells it more.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from neuracore_ros.description import DataType
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.policy import Policy
from neuracore_ros.training.chunk_policy import Example
from neuracore_ros.training.export import export
from neuracore_ros.training.options import Options
from neuracore_ros.training.policies import build
from neuracore_ros.training.scales import Scale, Statistics, bases, scale_of

Array = NDArray[np.float64]

POSITIONS, VELOCITIES = DataType.JOINT_POSITIONS, DataType.JOINT_VELOCITIES
TARGETS = DataType.JOINT_TARGET_POSITIONS
SIZE = Options(width=64, layers=2)
BATCH = 128
LEARNING_RATE = 2e-3


def learn(
    path: Callable[[Array], Array], rate_hz: float, horizon: int, noise: float, steps: int
) -> Policy:
    """Train a policy on a path, and load it as the node would.

    Args:
        path: Positions (n, J) at times in steps (n,), [rad].
        rate_hz: Of the steps.
        horizon: H.
        noise: Of the joints that it reads [rad].
        steps: Of training.
    """
    random = np.random.default_rng(0)
    times = random.uniform(2 * rate_hz, 60 * rate_hz, 4000)
    chunks = np.stack([path(times + i) for i in range(1, horizon + 1)], axis=1)
    now = path(times)
    speeds = (path(times + 0.1) - path(times - 0.1)) / 0.2 * rate_hz
    measured = now + random.normal(0.0, noise, now.shape)

    slots = tuple(range(now.shape[1]))
    manifest = Manifest(
        {POSITIONS: InputSlots(len(slots), slots), VELOCITIES: InputSlots(len(slots), slots)},
        {TARGETS: OutputSlots(len(slots), slots)},
        rate_hz=rate_hz,
        horizon=horizon,
        inpaint=True,
    )

    def scale(kind: DataType, values: Array) -> Scale:
        return scale_of(kind, values, np.ones(values.shape, bool))

    read = {POSITIONS: measured, VELOCITIES: speeds}
    statistics = Statistics(
        {kind: scale(kind, values) for kind, values in read.items()},
        {TARGETS: scale(TARGETS, chunks - measured[:, None])},
        bases(manifest),
    )
    torch.manual_seed(0)
    policy = build('diffusion', manifest, statistics, SIZE).train()
    optimizer = torch.optim.AdamW(policy.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps)
    every = torch.ones(BATCH, len(slots), dtype=torch.bool)
    for _ in range(steps):
        rows = random.integers(len(times), size=BATCH)
        noisy = now[rows] + random.normal(0.0, noise, (BATCH, len(slots)))
        given = {POSITIONS.value: noisy[:, None], VELOCITIES.value: speeds[rows][:, None]}
        example = Example(
            {name: torch.from_numpy(values).float() for name, values in given.items()},
            dict.fromkeys(given, every),
            {TARGETS.value: torch.from_numpy(chunks[rows]).float()},
            {TARGETS.value: torch.ones(BATCH, horizon, len(slots), dtype=torch.bool)},
        )
        terms = policy.loss(example)
        optimizer.zero_grad()
        terms['flow'].mean.backward()
        optimizer.step()
        schedule.step()
    with tempfile.TemporaryDirectory() as folder:
        export(policy, manifest, Path(folder) / 'policy.pt')
        return load_policy(Path(folder) / 'policy.pt', threads=1)
