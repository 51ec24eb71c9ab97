"""A small dataset of an arm that a policy and a human drove, written by the real writer."""

from pathlib import Path

import numpy as np

from neuracore_ros.control import Commander, Control
from neuracore_ros.dataset.metadata import Episode, Metadata
from neuracore_ros.dataset.row import Row
from neuracore_ros.dataset.staging import EpisodeWriter
from neuracore_ros.dataset.writer import open_dataset
from neuracore_ros.description import DataType, Descriptions, embodiment

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
RATE_HZ = 10.0
DRIVERS = {
    'p': Control(Commander.POLICY, 'lift.pt'),
    'h': Control(Commander.HUMAN),
    'n': Control(Commander.NOBODY),
    'd': None,
}
"""Policy, human, nobody; a demonstration."""
ARM = embodiment({'JOINT_POSITIONS': {0: 'base', 1: 'elbow'}})
TOLD = embodiment({'JOINT_TARGET_POSITIONS': {0: 'base', 1: 'elbow'}})


def driven(
    path: Path, *episodes: str, has_control=True, apart_s=0.0, outcomes=(), is_one_attempt=False
) -> Path:
    """Episodes of one recording: a letter of :data:`DRIVERS` for each step.

    Targets of a human are negative, so that it shows who is learnt from. As one attempt, they are
    pieces of what lay between two markers.
    """
    rng = np.random.default_rng(0)
    described = Descriptions({'arm': ARM}, {'arm': TOLD})
    metadata = Metadata(RATE_HZ, (16, 16), described, has_control=has_control)
    start_ns = 1_700_000_000_000_000_000
    with open_dataset(path, metadata) as writer:
        for number, drivers in enumerate(episodes):
            outcome = outcomes[number] if outcomes else ''
            written = EpisodeWriter(writer.staging / 'episode', writer.metadata, 'lift')
            for driver in drivers:
                values = rng.uniform(0.1, 1.0, 2).astype(np.float32)
                targets = -values if driver == 'h' else values
                has = np.ones(2, bool)
                row = Row(
                    0,
                    0,
                    {JOINTS: values},
                    {JOINTS: has},
                    {TARGETS: targets},
                    {TARGETS: has},
                    {},
                    outcome,
                    DRIVERS[driver],
                )
                written.add(row)
            staged = written.finish()
            control = staged.columns.control
            episode = Episode(
                'arm',
                'bags/run',
                start_ns,
                len(drivers),
                'mark',
                outcome=outcome,
                policy=control.policy if control else '',
                interventions=control.interventions if control else 0,
                attempt_ns=1_700_000_000_000_000_000 if is_one_attempt else 0,
            )
            writer.commit(staged, episode)
            start_ns += round((len(drivers) / RATE_HZ + apart_s) * 1e9)
    return path
