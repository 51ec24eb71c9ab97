"""The answer to each frame of a client: actions, or one line about what is wrong with it."""

from __future__ import annotations

import re
import time
from typing import Any

from neuracore_ros.errors import UserError, WireError, one_line
from neuracore_ros.policy.policy import Policy, last_line
from neuracore_ros.serving.log import print_line
from neuracore_ros.serving.request import PredictionRequest, RequestReader
from neuracore_ros.wire.packing import pack, unpack_map

_PATH = re.compile(r'(?<![\w/.])/(?:[^\s/:\'"]+/)+')
"""The folders of a path, which are none of a client's business."""


class PolicyAnswers:
    """A policy that answers frames; all of it runs on the thread of the model.

    Args:
        policy: Of any kind.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._reader = RequestReader(policy.manifest)

    @property
    def most_bytes(self) -> int:
        """The largest frame that a request can need."""
        return self._reader.most_bytes

    def answer(
        self, frame: bytes | str, received_s: float, previous_ms: float | None
    ) -> bytes | str:
        """Answer a frame.

        Args:
            frame: As it came; a text is none that is understood.
            received_s: When, by ``time.perf_counter``.
            previous_ms: How long the request before took, to the end of sending its answer.

        Returns:
            MessagePack; or, if there are no actions, a text of one line that says why.
        """
        try:
            return pack(self._answered(frame, received_s, previous_ms))
        except UserError as error:
            return without_folders(str(error))
        except Exception as error:  # The server outlives whatever one request does to it.
            said = f'{type(error).__name__}: {last_line(error)}'
            print_line(f'a request failed: {one_line(said)}')
            return f'the server failed ({type(error).__name__})'

    def _answered(
        self, frame: bytes | str, received_s: float, previous_ms: float | None
    ) -> dict[str, Any]:
        if isinstance(frame, str):
            raise WireError('a text frame: a request is a binary frame of MessagePack')
        try:
            message = unpack_map(frame)
        except WireError as error:
            raise WireError(f'the request {error}') from error
        request = self._reader.read(message)
        start_s = time.perf_counter()
        actions = self._predict(request)
        end_s = time.perf_counter()
        answer: dict[str, Any] = {
            'actions': actions,
            'policy_timing': {'infer_ms': 1e3 * (end_s - start_s)},
            'server_timing': {'infer_ms': 1e3 * (end_s - received_s)},
        }
        if previous_ms is not None:
            answer['server_timing']['prev_total_ms'] = previous_ms
        if request.request_id is not None:
            answer['request_id'] = request.request_id
        return answer

    def _predict(self, request: PredictionRequest) -> dict[str, Any]:
        policy = self._policy.on(request.robot) if request.robot else self._policy
        if request.as_model:
            chunks = policy.predict_as_model(request.inputs, request.valid, request.plan)
        else:
            chunks = policy.predict(request.inputs, request.valid, plan=request.plan)
        return {kind.value: chunk for kind, chunk in chunks.items()}


def without_folders(text: str) -> str:
    """The text with the name alone of each file in it."""
    return _PATH.sub('', text)
