"""``~/debug``: what the model was given, and what it answered, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from rclpy.node import Node
from std_msgs.msg import String

from neuracore_ros.arrays import Array
from neuracore_ros.description import DataType
from neuracore_ros.node.executor import PUBLISHES_QUIETLY
from neuracore_ros.runner import Request

_PLACES = 6


class DebugPublisher:
    """One message for each prediction.

    Keys: ``tick``, ``stamp_ns`` and ``latency_ms`` of the request; ``inputs`` and ``prediction``
    by DataType, padded, images as shape and mean colours; ``valid`` masks; ``error`` of a model
    that failed; ``merged_at_step``: how many outputs were already due, and so were skipped; null
    if none was used.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._publisher = node.create_publisher(
            String, '~/debug', 10, event_callbacks=PUBLISHES_QUIETLY
        )

    def prediction(
        self,
        request: Request,
        answer: Mapping[DataType, Array] | str,
        now_ns: int,
        merged_at_step: int | None,
    ) -> None:
        """Publish one prediction, which came now; its answer may be why there is none."""
        shown: dict[str, Any] = {
            'tick': request.tick,
            'stamp_ns': request.made_ns,
            'latency_ms': round((now_ns - request.made_ns) / 1e6, 3),
            'inputs': {kind.value: _shown(kind, x) for kind, x in request.inputs.items()},
            'valid': {kind.value: mask.tolist() for kind, mask in request.valid.items()},
            'merged_at_step': merged_at_step,
        }
        if isinstance(answer, str):
            shown['error'] = answer
        else:
            shown['prediction'] = {kind.value: _numbers(x) for kind, x in answer.items()}
        self._publisher.publish(String(data=json.dumps(shown)))

    def close(self) -> None:
        """Stop publishing."""
        self._node.destroy_publisher(self._publisher)


def _shown(kind: DataType, values: Array) -> Any:
    if kind.is_image:
        # (T, K, height, width) and a channel, where there is colour.
        return {'shape': list(values.shape), 'mean': _numbers(values.mean(axis=(2, 3)))}
    if kind is DataType.LANGUAGE:
        return [[bytes(text).rstrip(b'\0').decode(errors='replace') for text in t] for t in values]
    return _numbers(values)


def _numbers(values: Array) -> Any:
    """Nested lists, rounded; what JSON has no number for is null."""
    rounded = np.round(values.astype(np.float64), _PLACES).astype(object)
    rounded[~np.isfinite(values)] = None
    return rounded.tolist()
