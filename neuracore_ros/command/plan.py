"""Plan: the setpoints ahead, and how a new prediction is blended into them without a seam.

How often a new prediction comes, the receding horizon, is ``execute_steps``; a blend says how it
takes over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import FloatArray, IntArray

BLEND_STEPS = 4
"""Steps over which a new prediction takes over from the plan before."""

ENSEMBLE_DECAY = 0.01
"""m of temporal ensembling, as published with ACT; the smaller, the faster new ones count."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Setpoints one step apart, in the robot's own units.

    Attributes:
        origin_ns: When the newest prediction arrived; setpoint i is due i + 1 steps later.
        step_ns: The length of a step.
        positions: Shape (1 + n, J); row 0 is where the plan stood at the origin.
        chunks: The predictions that it came from, each as it was predicted, oldest first; those
            that have ended are left out.
    """

    origin_ns: int
    step_ns: int
    positions: FloatArray
    chunks: tuple[Plan, ...] = ()

    @property
    def end_ns(self) -> int:
        """Time at which the last setpoint is due."""
        return self.origin_ns + (len(self.positions) - 1) * self.step_ns

    def at(self, times_ns: IntArray) -> FloatArray:
        """Positions at n times, shape (n, J): straight between setpoints, the last one after."""
        steps = np.clip((times_ns - self.origin_ns) / self.step_ns, 0, len(self.positions) - 1)
        before = np.minimum(steps.astype(int), max(len(self.positions) - 2, 0))
        after = np.minimum(before + 1, len(self.positions) - 1)
        share = (steps - before)[:, None]
        return np.asarray((1.0 - share) * self.positions[before] + share * self.positions[after])


Blend = Callable[[Plan, Plan], FloatArray]
"""(what is followed, the new prediction (1 + n, J)) -> what to follow from now on, (n, J)."""


def merged(plan: Plan, outputs: FloatArray, now_ns: int, blend: Blend) -> Plan:
    """Blend a new prediction into a plan.

    Args:
        plan: What is followed.
        outputs: Shape (n, J), those not yet due; the first is due one step from now.
        now_ns: Its arrival.
        blend: What to follow where several predictions have setpoints.
    """
    here = plan.at(np.array([now_ns], np.int64))
    new = Plan(now_ns, plan.step_ns, np.concatenate([here, outputs]))
    going_on = tuple(chunk for chunk in plan.chunks if chunk.end_ns > now_ns)
    followed = blend(plan, new)
    return Plan(now_ns, plan.step_ns, np.concatenate([here, followed]), (*going_on, new))


def seam(before: Plan, after: Plan) -> float | None:
    """Measure how far a new prediction moved the plan at the first step that both cover [rad].

    Returns:
        The largest over the joints; None where they share no step.
    """
    first_ns = after.origin_ns + after.step_ns
    if before.end_ns < first_ns:
        return None
    then = before.at(np.array([first_ns], np.int64))[0]
    return float(np.max(np.abs(after.positions[1] - then)))


def replace_at_once(plan: Plan, new: Plan) -> FloatArray:
    """Follow the new prediction as it is."""
    return new.positions[1:]


def fade_linearly(plan: Plan, new: Plan) -> FloatArray:
    """Go from the plan to the new prediction in equal shares over the first steps."""
    return _fade(plan, new, lambda t: t)


def fade_with_minimum_jerk(plan: Plan, new: Plan) -> FloatArray:
    """Go from the plan to the new prediction as a hand moves: ``10 t^3 - 15 t^4 + 6 t^5``.

    The polynomial of least jerk from rest to rest (Flash and Hogan, "The coordination of arm
    movements", Journal of Neuroscience 5, 1985): the crossover adds neither velocity nor
    acceleration at its ends.
    """
    return _fade(plan, new, lambda t: t * t * t * (10.0 - 15.0 * t + 6.0 * t * t))


def ensemble(plan: Plan, new: Plan) -> FloatArray:
    """Follow at each step the mean of all predictions that cover it, weighted ``exp(-m i)``.

    i counts from 0, the oldest: temporal ensembling of ACT (Zhao et al., "Learning Fine-Grained
    Bimanual Manipulation with Low-Cost Hardware", RSS 2023). The more predictions overlap (the
    fewer the ``execute_steps``), the smoother.
    """
    times_ns = new.origin_ns + new.step_ns * np.arange(1, len(new.positions), dtype=np.int64)
    total = np.zeros_like(new.positions[1:])
    weights, older = np.zeros((2, len(times_ns), 1))
    for chunk in (*plan.chunks, new):
        covers = (times_ns <= chunk.end_ns)[:, None]
        weight = covers * np.exp(-ENSEMBLE_DECAY * older)
        total += weight * chunk.at(times_ns)
        weights += weight
        older += covers
    return np.asarray(total / weights)


def _fade(plan: Plan, new: Plan, share_at: Callable[[FloatArray], FloatArray]) -> FloatArray:
    followed = new.positions[1:].copy()
    overlap = (plan.end_ns - new.origin_ns) // new.step_ns
    n = min(max(overlap, 0), len(followed), BLEND_STEPS)
    times_ns = new.origin_ns + new.step_ns * np.arange(1, n + 1, dtype=np.int64)
    share = share_at(np.arange(1, n + 1) / (n + 1.0))[:, None]
    followed[:n] = (1.0 - share) * plan.at(times_ns) + share * followed[:n]
    return np.asarray(followed)


BLENDS: Mapping[str, Blend] = {
    'none': replace_at_once,
    'linear': fade_linearly,
    'minimum_jerk': fade_with_minimum_jerk,
    'ensemble': ensemble,
}
