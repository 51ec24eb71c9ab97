"""Random pushes that move an arm off the commanded path."""

import numpy as np

from neuracore_ros.arrays import FloatArray

CORRELATION_S = 0.3


class Disturbances:
    """Random offsets of n joints from their path: a random speed, summed up over time.

    They act as noise in the executed action would (DART, Laskey et al. 2017), while the recorded
    command stays what the expert meant: so the recording shows how to come back.

    Args:
        count: n.
        seed: Of the trial.

    Attributes:
        offset: How far the joints are off their trajectory, shape (n,) [rad].
    """

    def __init__(self, count: int, seed: int) -> None:
        self._random = np.random.default_rng([seed, 1])
        self._speed = np.zeros(count)
        self.offset = np.zeros(count)
        self._has_begun = False

    def restart(self) -> None:
        """Begin at zero, as a new trajectory starts where the arm was pushed to."""
        self.offset = np.zeros_like(self.offset)
        self._has_begun = True

    def step(self, std: float, period_s: float) -> FloatArray:
        """Let time pass, with pushes of that standard deviation [rad/s].

        Returns:
            How far the joints are off their trajectory by now, shape (n,) [rad]; zero before the
            first trajectory, and without pushes.
        """
        if std <= 0.0 or not self._has_begun:
            return np.zeros_like(self.offset)
        keep = np.exp(-period_s / CORRELATION_S)
        noise = self._random.standard_normal(len(self._speed)) * np.sqrt(1.0 - keep**2)
        self._speed = keep * self._speed + noise
        offset: FloatArray = self.offset + std * period_s * self._speed
        self.offset = offset
        return offset
