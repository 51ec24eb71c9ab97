"""The kinds of policy by name; each is built from a manifest alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from neuracore_ros.errors import TrainingError
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.act import Act
from neuracore_ros.training.chunk_policy import ChunkPolicy
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.flow_matching import FlowMatching
from neuracore_ros.training.mlp import ChunkMlp
from neuracore_ros.training.normalise import Normalisation

POLICIES: Mapping[str, Callable[[Manifest, Normalisation, NetworkOptions], ChunkPolicy]] = {
    'mlp': ChunkMlp,
    'act': Act,
    'diffusion': FlowMatching,
}


def build(
    kind: str, manifest: Manifest, statistics: Normalisation, options: NetworkOptions | None = None
) -> ChunkPolicy:
    """Build an untrained policy.

    Raises:
        TrainingError: No policy is called so.
    """
    if kind not in POLICIES:
        raise TrainingError(f"no policy is called '{kind}'; there are: {', '.join(POLICIES)}")
    return POLICIES[kind](manifest, statistics, options or NetworkOptions())
