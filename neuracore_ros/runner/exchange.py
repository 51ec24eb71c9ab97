"""What the runner and its owner give each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from neuracore_ros.arrays import BoolArray
from neuracore_ros.command.message import JointCommand
from neuracore_ros.description import DataType
from neuracore_ros.policy.signature import ActionPrefix

Chunk = Mapping[DataType, NDArray[Any]]
"""DataType -> (H, W), in the slots' sense."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the model is to predict from.

    Attributes:
        tick: The step of the observation.
        inputs: DataType -> (T, W), images (T, K, height, width, 3); oldest step first.
        valid: DataType -> bool, shape (W,).
        generation: Which run it belongs to; after a stop, its prediction is not used.
        made_ns: When it was made.
        plan: What the prediction has to continue; None: nothing, or the policy cannot.
    """

    tick: int
    inputs: Mapping[DataType, NDArray[Any]]
    valid: Mapping[DataType, BoolArray]
    generation: int
    made_ns: int
    plan: ActionPrefix | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model made of a request.

    Attributes:
        request: What it answers.
        chunk: The prediction; None where the model failed.
        failure: Why it failed, one line.
    """

    request: Request
    chunk: Chunk | None
    failure: str = ''


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the owner has to do now.

    Attributes:
        commands: To send, at once.
        request: To predict; None where nothing is to be predicted.
    """

    commands: tuple[JointCommand, ...] = ()
    request: Request | None = None
