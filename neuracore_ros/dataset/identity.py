"""The fingerprint of a dataset, wherever it lies."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from neuracore_ros.dataset.lerobot import STATS_PATH
from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.dataset.reading_errors import reading_errors
from neuracore_ros.description import plain
from neuracore_ros.regular_file import read_bytes


def fingerprint(dataset: Path, metadata: Metadata) -> str:
    """The digest of episodes, layout, and the statistics of all numbers.

    Two datasets of the same recordings, but with another sign or unit, are two.

    Raises:
        DatasetError: Its statistics cannot be read.
    """
    described = metadata.descriptions
    digest = hashlib.sha256(repr((metadata.rate_hz, metadata.image_size)).encode())
    for robot in described.input:
        slots = plain(described.input[robot]), plain(described.output[robot])
        digest.update(json.dumps([robot, *slots]).encode())
    for each in metadata.episodes:
        digest.update(repr((each.robot, each.fingerprint, each.start_ns, each.steps)).encode())
    statistics = dataset / STATS_PATH
    if statistics.exists():
        with reading_errors(statistics):
            digest.update(read_bytes(statistics))
    return digest.hexdigest()[:32]
