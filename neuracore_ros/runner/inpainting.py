"""Real-time chunking: the part of the plan that a new prediction has to continue.

Black, Galliker and Levine, "Real-Time Execution of Action Chunking Flow Policies", NeurIPS 2025:
steps that are executed before the prediction arrives are given to the policy as they are, those
after with falling weight, and where the plan ends the policy is free.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import Float32Array, FloatArray, IntArray
from neuracore_ros.command.direct import DirectMotion
from neuracore_ros.command.joints import Joints
from neuracore_ros.command.settings import Settings
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.signature import ActionPrefix
from neuracore_ros.runner.state import Counters

HARDLY_EVER = 95.0
"""Percentile of the measured latencies that the next prediction hardly ever exceeds."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Delay from an observation to its prediction, in steps.

    Attributes:
        steps: Outputs that are due before the prediction arrives, at most.
        shift: How far an output goes out after it is due, or before: a prediction is followed
            from when it comes, which is between two steps.
    """

    steps: int
    shift: float = 0.0

    @classmethod
    def measured(cls, counters: Counters, rate_hz: float) -> Delay:
        """Estimate the delay from the latencies so far; none if there are none."""
        if not counters.latencies_ms:
            return cls(0)
        usual, most = (
            counters.latency_ms(percent) / 1e3 * rate_hz for percent in (50.0, HARDLY_EVER)
        )
        return cls(math.ceil(most), usual - round(usual))

    def due_ns(self, now_ns: int, step_ns: int, horizon: int) -> IntArray:
        """Return when the outputs of an observation made now go out, (H,)."""
        steps = np.arange(1, horizon + 1) + self.shift
        due: IntArray = now_ns + np.rint(step_ns * steps).astype(np.int64)
        return due


class Inpainting:
    """Real-time chunking of one policy on one robot, where the policy can and its user wants it.

    Args:
        joints: Of the robot.
        direct: Its outputs that are sent as they are.
        manifest: Of the policy.
        settings: What the user wants.
    """

    def __init__(
        self, joints: Joints, direct: DirectMotion, manifest: Manifest, settings: Settings
    ) -> None:
        self._joints, self._manifest, self._settings = joints, manifest, settings
        # In a dry run the robot does not follow the plan, and observations do not come of it;
        # and only a plan of positions is one that a policy predicts itself.
        positions = not any(joint.is_integrated for joint in joints.joints)
        positions &= not direct.commands
        self._is_used = manifest.inpaint and settings.inpaint and positions
        self._is_used &= not settings.dry_run

    def prefix(
        self,
        planned: Callable[[IntArray], FloatArray],
        measured: FloatArray,
        counters: Counters,
        now_ns: int,
    ) -> ActionPrefix | None:
        """The part of the plan that a prediction from an observation made now has to continue.

        Args:
            planned: Times [ns], (n,) -> the positions of the plan then, (m, J), m at most n.
            measured: Where the joints are, (J,).
            counters: With the latencies so far, where the settings give no delay.
            now_ns: Now.
        """
        if not self._is_used:
            return None
        manifest, rate_hz = self._manifest, self._manifest.rate_hz
        fixed = Delay(self._settings.delay_steps)
        delay = fixed if fixed.steps else Delay.measured(counters, rate_hz)
        due_ns = delay.due_ns(now_ns, round(1e9 / rate_hz), manifest.horizon)
        return action_prefix(planned(due_ns), measured, delay.steps, self._joints, manifest)


def action_prefix(
    planned: FloatArray, measured: FloatArray, delay: int, joints: Joints, manifest: Manifest
) -> ActionPrefix | None:
    """Convert the plan to a policy's input; None where there is none.

    Args:
        planned: Positions (m, J) when outputs 0 to m - 1 of the new prediction go out.
        measured: Where the joints are, (J,).
        delay: Outputs that are due before it arrives.
        joints: Of the robot.
        manifest: Of the policy.
    """
    reach = len(planned)
    if reach == 0:
        return None
    # A plan may have gone round a joint; policies think from where it is measured.
    planned = planned + (joints.nearest(planned[0], measured) - planned[0])
    rows = joints.to_slots(planned, manifest.output_layout)
    return ActionPrefix(
        {kind: _with_zeros(each, manifest.horizon) for kind, each in rows.items()},
        firmness(manifest.horizon, min(delay, reach), reach),
    )


def _with_zeros(rows: Float32Array, horizon: int) -> Float32Array:
    """Rows of a plan (m, ...), and zeros where the policy is free, (H, ...)."""
    free = np.zeros((horizon - len(rows), *rows.shape[1:]), rows.dtype)
    return np.concatenate([rows, free])


def firmness(horizon: int, delay: int, reach: int) -> FloatArray:
    """Weigh each output, (H,): 1 until the delay, then falling, 0 beyond the plan's reach.

    The soft mask of real-time chunking: ``c (e^c - 1) / (e - 1)``, c falling evenly.
    """
    steps = np.arange(horizon)
    falling = np.clip((reach - steps) / (reach - delay + 1), 0.0, 1.0)
    soft = falling * np.expm1(falling) / math.expm1(1.0)
    return np.where(steps < delay, 1.0, soft)
