"""Control of a robot as columns of a dataset: commands of a policy or of a human, and success.

A demonstration, which a human gives without the node, is no intervention.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from neuracore_ros.arrays import BoolArray
from neuracore_ros.control import INTERVENTION, Commander, Control

POLICY, SUCCESS = 'policy', 'success'
NAMES = (INTERVENTION, POLICY, SUCCESS)


@dataclass(frozen=True, slots=True)
class ControlColumns:
    """Control of each of the N rows of one episode.

    Attributes:
        intervention: bool, shape (N,): a human commanded in place of the policy.
        policies: N names of the policy that commanded; '' for a human, or a demonstration.
        success: Whether the episode was marked as one.
    """

    intervention: BoolArray
    policies: Sequence[str]
    success: bool = False

    @classmethod
    def of(cls, controls: Iterable[Control | None], success: bool) -> ControlColumns:
        """Columns of the control at each row, which is None in a demonstration."""
        said = list(controls)
        human = [each is not None and each.commander is Commander.HUMAN for each in said]
        policies = [
            each.policy if each is not None and each.commander is Commander.POLICY else ''
            for each in said
        ]
        return cls(np.array(human, bool), policies, success)

    @property
    def policy(self) -> str:
        """The policy that commanded in the episode; several are joined by commas; '' none."""
        return ', '.join(dict.fromkeys(filter(None, self.policies)))

    @property
    def interventions(self) -> int:
        """Number of stretches of rows in which a human commanded."""
        return sum(is_human for is_human, _ in groupby(self.intervention.tolist()))

    def arrays(self) -> dict[str, pa.Array]:
        """The columns of the table, by name."""
        return {
            INTERVENTION: pa.array(self.intervention, pa.bool_()),
            POLICY: pa.array(self.policies, pa.string()),
            SUCCESS: pa.array(np.full(len(self.policies), self.success)),
        }


def features() -> dict[str, Any]:
    """The entries of ``meta/info.json``, where LeRobot's rollouts have ``intervention``, too."""
    return {
        name: {'dtype': 'string' if name == POLICY else 'bool', 'shape': [1], 'names': None}
        for name in NAMES
    }
