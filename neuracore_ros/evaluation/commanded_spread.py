"""The spread of commands about their mean, of recordings that are added one by one."""

from __future__ import annotations

import math

import numpy as np

from neuracore_ros.arrays import Float32Array, FloatArray
from neuracore_ros.description.data_type import POSE_COMPONENTS
from neuracore_ros.evaluation.compared_slots import ComparedSlots
from neuracore_ros.kinematics.rotations import angles_between


class CommandedSpread:
    """The standard deviation of commands in the units of errors, C numbers of V.

    Of a pose, the root of the mean square of distances and of angles to the mean pose. Of numbers
    and positions only sums are kept; of rotations every one, since all of them make their mean.
    """

    def __init__(self, outputs: ComparedSlots) -> None:
        """Begin without a command."""
        self._outputs = outputs
        self._singles = len(outputs.columns) - len(POSE_COMPONENTS) * len(outputs.cm)
        self._numbers = Moments(self._singles)
        self._positions = [Moments(3) for _ in outputs.cm]
        self._rotations: list[list[Float32Array]] = [[] for _ in outputs.cm]

    def add(self, values: FloatArray) -> None:
        """Add commands (N, V), NaN where one is not known."""
        self._numbers.add(values[:, : self._singles])
        poses = self._outputs.poses(values)
        for own, moments, kept in zip(poses, self._positions, self._rotations, strict=True):
            known = own[np.isfinite(own).all(axis=-1)]
            moments.add(known[:, :3])
            kept.append(known[:, 3:].astype(np.float32))

    def told(self) -> FloatArray:
        """The standard deviations, (C,); 0 where no command is known."""
        found = [np.sqrt(self._numbers.variance)]
        for cm, positions, kept in zip(
            self._outputs.cm, self._positions, self._rotations, strict=True
        ):
            rotations = np.concatenate([np.zeros((0, 4), np.float32), *kept]).astype(np.float64)
            distance = cm * math.sqrt(positions.variance.sum())
            found.append(np.array((distance, _spread_of_rotations(rotations))))
        return np.concatenate(found)


class Moments:
    """Mean and variance of numbers (W,) as rows of them come, whatever their offset.

    After Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances, 1979.
    """

    def __init__(self, width: int) -> None:
        """Begin without a row of W numbers."""
        self._count, self._mean, self._squares = (np.zeros(width) for _ in range(3))

    def add(self, rows: FloatArray) -> None:
        """Add rows (N, W), without what is not finite in them."""
        known = np.isfinite(rows)
        count = known.sum(axis=0)
        mean = np.where(known, rows, 0.0).sum(axis=0) / np.maximum(count, 1)
        squares = (np.where(known, rows - mean, 0.0) ** 2).sum(axis=0)
        total = np.maximum(self._count + count, 1)
        apart = mean - self._mean
        self._squares += squares + apart**2 * self._count * count / total
        self._mean += apart * count / total
        self._count += count

    @property
    def variance(self) -> FloatArray:
        """Mean square of the distances to the mean, (W,); 0 without a number."""
        found: FloatArray = self._squares / np.maximum(self._count, 1)
        return found


def _spread_of_rotations(quaternions: FloatArray) -> float:
    """Root of the mean square of the angles to their mean [degrees], of quaternions (N, 4)."""
    if not len(quaternions):
        return 0.0
    # Rounded to float32, equal rotations would be some 1e-5 degrees apart.
    norms = np.linalg.norm(quaternions, axis=1, keepdims=True)
    quaternions = quaternions / np.where(norms > 0.0, norms, 1.0)
    # The mean of rotations, whatever their signs (Markley et al., 2007).
    mean = np.linalg.eigh(quaternions.T @ quaternions)[1][:, -1]
    return math.degrees(math.sqrt((angles_between(quaternions, mean) ** 2).mean()))
