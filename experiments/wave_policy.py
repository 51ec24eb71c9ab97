"""A small flow policy that learns to follow what moves on a path, by where that is and how fast.

What it is told of where it is is noisy, and so its predictions disagree; what its plan was tells
it more. It does not learn the path by its own joints: such a policy, once it is off, stays off,
and how far it is then says nothing of how predictions are joined.
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
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.export import export
from neuracore_ros.training.normalise import Normalisation, Scale, bases, scale_of
from neuracore_ros.training.policies import build

Array = NDArray[np.float64]

POSITIONS, SEEN = DataType.JOINT_POSITIONS, DataType.CUSTOM_1D
TARGETS = DataType.JOINT_TARGET_POSITIONS
SIZE = NetworkOptions(width=64, layers=2)
BATCH = 128
AWAY = 0.1
"""Distance of the joints from the path in training [rad]."""
LEARNING_RATE = 2e-3


def learn(
    path: Callable[[Array], Array], rate_hz: float, horizon: int, noise: float, steps: int
) -> Policy:
    """Train a policy on a path, and load it as the node would.

    Args:
        path: Positions (n, J) at times in steps (n,), [rad].
        rate_hz: Of the steps.
        horizon: H.
        noise: Of what it sees of the path [rad].
        steps: Of training.
    """
    random = np.random.default_rng(0)
    times = random.uniform(2 * rate_hz, 60 * rate_hz, 4000)
    chunks = np.stack([path(times + i) for i in range(1, horizon + 1)], axis=1)
    now = path(times)
    speeds = (path(times + 0.1) - path(times - 0.1)) / 0.2 * rate_hz
    measured = now + random.normal(0.0, AWAY, now.shape)
    seen = np.concatenate([now + random.normal(0.0, noise, now.shape), speeds], axis=1)

    slots, pairs = tuple(range(now.shape[1])), tuple(range(2 * now.shape[1]))
    manifest = Manifest(
        {POSITIONS: InputSlots(len(slots), slots), SEEN: InputSlots(len(pairs), pairs)},
        {TARGETS: OutputSlots(len(slots), slots)},
        rate_hz=rate_hz,
        horizon=horizon,
        inpaint=True,
    )

    def scale(kind: DataType, values: Array) -> Scale:
        return scale_of(kind, values, np.ones(values.shape, bool))

    read = {POSITIONS: measured, SEEN: seen}
    statistics = Normalisation(
        {kind: scale(kind, values) for kind, values in read.items()},
        {TARGETS: scale(TARGETS, chunks - measured[:, None])},
        bases(manifest),
    )
    torch.manual_seed(0)
    policy = build('diffusion', manifest, statistics, SIZE).train()
    optimizer = torch.optim.AdamW(policy.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps)
    every = {
        kind.value: torch.ones(BATCH, values.shape[1], dtype=torch.bool)
        for kind, values in read.items()
    }
    for _ in range(steps):
        rows = random.integers(len(times), size=BATCH)
        away, error = random.normal(0.0, 1.0, (2, BATCH, len(slots)))
        noisy = np.concatenate([now[rows] + noise * error, speeds[rows]], axis=1)
        joints = now[rows] + AWAY * away
        given = {POSITIONS.value: joints[:, None], SEEN.value: noisy[:, None]}
        example = Example(
            {name: torch.from_numpy(values).float() for name, values in given.items()},
            every,
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
