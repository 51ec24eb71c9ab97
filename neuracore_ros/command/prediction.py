"""Slots of a prediction, checked before anything moves by them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.arrays import FloatArray
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError


def predicted_slot(
    chunk: Mapping[DataType, NDArray[np.floating]],
    kind: DataType,
    index: int,
    name: str,
    horizon: int,
) -> FloatArray:
    """One slot of a prediction, (H,), or a pose, (H, 7), in the slot's sense.

    Args:
        chunk: DataType -> (H, W), poses (H, W, 7); slots of other robots are ignored.
        kind: The slot's DataType.
        index: Its index.
        name: The robot's name for it.
        horizon: H of the policy.

    Raises:
        PolicyError: The DataType is missing, the shape is wrong, or a number is not finite.
    """
    where = f"{kind} index {index} ('{name}')"
    values = chunk.get(kind)
    if values is None:
        raise PolicyError(f'the prediction lacks {where}')
    values, size = np.asarray(values), kind.slot_shape()
    if (
        values.ndim != 2 + len(size)
        or values.shape[0] != horizon
        or values.shape[2:] != size
        or index >= values.shape[1]
    ):
        wanted = ', '.join(map(str, (horizon, 'W', *size)))
        raise PolicyError(f'the prediction has shape {values.shape}, wants ({wanted}) for {where}')
    column: FloatArray = values[:, index].astype(float)
    if not np.isfinite(column).all():
        raise PolicyError(f'the prediction is not finite at {where}')
    return column
