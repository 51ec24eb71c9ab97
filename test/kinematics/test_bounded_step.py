"""A step of least squares between bounds, beside the best of all ways to hold joints at them."""

import itertools

import numpy as np
import pytest

from neuracore_ros.kinematics.bounded_step import bounded_step


def cost(matrix, vector, step):
    return step @ matrix @ step / 2 - vector @ step


def best(matrix, vector, low, high):
    """The least cost of any set of joints at their bounds, the others free."""
    costs = []
    for held in itertools.product((None, low, high), repeat=len(vector)):
        free = np.array([bound is None for bound in held])
        step = np.array(
            [0.0 if b is None else b[joint] for joint, b in enumerate(held)], dtype=float
        )
        rest = vector[free] - matrix[np.ix_(free, ~free)] @ step[~free]
        step[free] = np.linalg.solve(matrix[np.ix_(free, free)], rest)
        if np.all(step >= low - 1e-9) and np.all(step <= high + 1e-9):
            costs.append(cost(matrix, vector, step))
    return min(costs)


@pytest.mark.parametrize('seed', range(150))
def test_no_other_step_between_the_bounds_is_better(seed):
    random = np.random.default_rng(seed)
    count = random.integers(1, 6)
    jacobian = random.normal(size=(random.integers(1, 7), count)) * 10.0 ** random.uniform(-1, 2)
    matrix = jacobian.T @ jacobian + 0.01 * np.eye(count)
    vector = random.normal(size=count) * 10.0 ** random.uniform(-1, 3)
    low, high = -random.uniform(0, 0.3, count), random.uniform(0, 0.3, count)
    # Joints that stand at a limit, or may not move at all.
    low[random.random(count) < 0.2] = 0.0
    high[random.random(count) < 0.2] = 0.0
    step = bounded_step(matrix, vector, low, high)
    assert np.all(step >= low) and np.all(step <= high)
    least = best(matrix, vector, low, high)
    assert cost(matrix, vector, step) <= least + 1e-9 * (1 + abs(least))
