"""A step of least squares whose every joint stays between two bounds."""

import numpy as np

from neuracore_ros.arrays import FloatArray


def bounded_step(
    matrix: FloatArray, vector: FloatArray, low: FloatArray, high: FloatArray
) -> FloatArray:
    """The step s (n,) of least s' A s / 2 - b' s between bounds, by an active set.

    Joints that would leave their bounds stay there, and the others finish the job; one that is
    drawn back inside is let go.

    Args:
        matrix: A, symmetric and positive definite (n, n).
        vector: b (n,).
        low: Least steps (n,), at most 0.
        high: Largest steps (n,), at least 0.
    """
    step = np.linalg.solve(matrix, vector).astype(np.float64, copy=False)
    if (step >= low).all() and (step <= high).all():
        return step
    free = np.ones(len(step), dtype=bool)
    for _ in range(4 * len(step)):
        outside = free & ((step < low) | (step > high))
        if outside.any():
            free &= ~outside
            step = np.minimum(np.maximum(step, low), high)
        else:
            pull = vector - matrix @ step
            inwards = np.where(step <= low, pull, -pull)
            inwards[free] = -np.inf
            # Bounds that meet hold a joint from both sides.
            inwards[low >= high] = -np.inf
            back = int(inwards.argmax())
            if inwards[back] <= 1e-9:
                return step
            free[back] = True
        rest = vector[free] - matrix[np.ix_(free, ~free)] @ step[~free]
        step[free] = np.linalg.solve(matrix[np.ix_(free, free)], rest)
    clipped: FloatArray = np.minimum(np.maximum(step, low), high)
    return clipped
