"""Requests for predictions: what the runner and its owner exchange, and when to ask again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.command.direct_values import DirectMessage
from neuracore_ros.command.message import JointCommand
from neuracore_ros.description import DataType
from neuracore_ros.policy.signature import ActionPrefix

ActionChunk = Mapping[DataType, Array]
"""DataType -> (H, W), poses (H, W, 7), in the slots' sense."""

Commands = tuple[JointCommand | DirectMessage, ...]
"""Messages to command topics, in the order in which they are sent."""


@dataclass(frozen=True, slots=True)
class Request:
    """Observation from which the model is to predict.

    Attributes:
        tick: The step of the observation.
        inputs: DataType -> (T, W), images (T, K, height, width, 3); oldest step first.
        valid: DataType -> bool, shape (W,).
        generation: Which run it belongs to; after a stop, its prediction is not used.
        made_ns: When it was made.
        plan: What the prediction has to continue; None: nothing, or the policy cannot.
    """

    tick: int
    inputs: Mapping[DataType, Array]
    valid: Mapping[DataType, BoolArray]
    generation: int
    made_ns: int
    plan: ActionPrefix | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """Answer of the model to a request.

    Attributes:
        request: What it answers.
        chunk: What the model predicts; None where it failed.
        failure: Why it failed, one line.
        is_passing: Whether the failure may pass, as that of a server; else a person decides.
    """

    request: Request
    chunk: ActionChunk | None
    failure: str = ''
    is_passing: bool = False


@dataclass(frozen=True, slots=True)
class TickResult:
    """Work that a call of the runner leaves to its owner.

    Attributes:
        commands: To send, at once.
        request: To predict; None where nothing is to be predicted.
    """

    commands: Commands = ()
    request: Request | None = None


class RequestScheduler:
    """Times of requests, and which predictions still count; at most one request is under way.

    Everything is counted in steps, so that no jump of the clock makes a difference.

    Attributes:
        generation: The run that requests now belong to.
        waited_steps: Steps since the request that is under way.
    """

    def __init__(self, execute_steps: int, delay_steps: int, patience_steps: int) -> None:
        """Start without a request.

        Args:
            execute_steps: From one request to the next.
            delay_steps: A prediction is used so many steps after its observation, however early
                it came; 0: as soon as it comes.
            patience_steps: From here on a request without a prediction is overdue.
        """
        self._execute_steps = execute_steps
        self._delay_steps = delay_steps
        self._patience_steps = patience_steps
        self.generation = self.waited_steps = 0
        self._step = self._next_step = 0
        self._request: Request | None = None
        self._prediction: Prediction | None = None

    @property
    def is_delayed(self) -> bool:
        """Whether predictions wait for their step."""
        return self._delay_steps > 0

    def may_ask(self, step: int) -> bool:
        """Whether it is time for a request, and none is under way."""
        return self._request is None and step >= self._next_step

    def ask(self, request: Request) -> None:
        """Note that a request is under way."""
        self._request, self._prediction, self.waited_steps = request, None, 0
        self._next_step = request.tick + self._execute_steps

    def postpone(self, step: int) -> None:
        """Ask again as if a request had been made now; at 0, as soon as possible."""
        self._next_step = step and step + self._execute_steps

    def drop(self) -> None:
        """Let no prediction be used that was asked for so far."""
        self.generation += 1
        self._next_step = 0

    def step(self, step: int) -> None:
        """Count on to a step; steps start anew where the clock went back."""
        passed = step - self._step
        self.waited_steps += passed if passed >= 0 else 1
        self._step = step

    def take(self, prediction: Prediction) -> bool:
        """Keep a prediction; False if it is not that of the request under way."""
        if self._request is not prediction.request:
            return False
        self._prediction = prediction
        return True

    def due(self) -> Prediction | None:
        """End the request whose prediction is to be used now, and return that, if any."""
        if self._prediction is None or self.waited_steps < self._delay_steps:
            return None
        due, self._prediction, self._request = self._prediction, None, None
        return due if due.request.generation == self.generation else None

    def is_late(self) -> bool:
        """Whether a prediction of this run has to be used now and is not there."""
        return (
            self._request is not None
            and self._prediction is None
            and self._request.generation == self.generation
            and self.waited_steps >= (self._delay_steps or self._patience_steps)
        )

    def is_stuck(self) -> bool:
        """Whether the model owes any prediction for too long, be it still of use or not."""
        return self._request is not None and self.waited_steps > self._patience_steps
