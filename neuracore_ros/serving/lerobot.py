"""A LeRobot checkpoint as a policy of ours: its inference, and the map to slots around it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.file import require_digest
from neuracore_ros.policy.foreign_server import ForeignServer
from neuracore_ros.policy.manifest import Embodiment, Manifest
from neuracore_ros.policy.policy import Policy, last_line
from neuracore_ros.policy.server_columns import ReceivedColumn, SlotColumn
from neuracore_ros.policy.server_file import ServerFile
from neuracore_ros.policy.server_notes import slot_notes
from neuracore_ros.policy.server_requests import Keys
from neuracore_ros.serving.lerobot_checkpoint import (
    ACTION,
    STATE,
    LerobotCheckpoint,
    read_lerobot_checkpoint,
)
from neuracore_ros.serving.lerobot_map import LerobotWiring, server_file_of
from neuracore_ros.serving.lerobot_policy import LerobotOptions, LerobotPolicy

# It makes differences of what is predicted, and so of what the statistics are of.
_RELATIVE = 'relative_actions_processor'


@dataclass(frozen=True, slots=True)
class LerobotSource:
    """A checkpoint to be served, and what its numbers are.

    Attributes:
        path: Its folder.
        wiring: Names and units, if no server file says what they are.
        map: The server file that does.
        options: Of inference.
        sha256: That the checkpoint must have; '' takes any.
        trust_code: Whether code of its base model may run.
    """

    path: Path
    wiring: LerobotWiring | None = None
    map: Path | None = None
    options: LerobotOptions = field(default_factory=LerobotOptions)
    sha256: str = ''
    trust_code: bool = False

    def load(self) -> Policy:
        """Load the policy.

        Raises:
            PolicyError: It cannot be loaded or served, or what its numbers are is not known.
        """
        checkpoint = read_lerobot_checkpoint(self.path, self.trust_code)
        if self.sha256:
            require_digest(str(checkpoint.folder), checkpoint.sha256, self.sha256)
        # All that the user has to say is told before the weights are loaded.
        given = self._server_file(checkpoint, 1, None)
        model = LerobotPolicy(checkpoint, self.options)
        horizon = model.horizon()
        if self.map is None:
            given = self._server_file(checkpoint, horizon, model.executed_steps)
        _require_fit(given, checkpoint, horizon)
        return Policy(ServedLerobot(model, given, self.wiring), checkpoint.sha256)

    def _server_file(
        self, checkpoint: LerobotCheckpoint, horizon: int, execute: int | None
    ) -> ServerFile:
        if self.map is not None:
            return ServerFile.read(self.map)
        wiring = self.wiring or LerobotWiring()
        text = server_file_of(checkpoint, wiring, horizon, execute)
        return ServerFile.parse(text, checkpoint.folder)


class ServedLerobot:
    """The runtime of a LeRobot policy in this process, behind a server file.

    Args:
        model: Its inference.
        file: Which slots its arrays are.
        wiring: Whose names and numbers these are, where no server file says it.

    Attributes:
        manifest: With the ranges of the checkpoint's statistics.
    """

    def __init__(
        self, model: LerobotPolicy, file: ServerFile, wiring: LerobotWiring | None
    ) -> None:
        self._server = ForeignServer(file, self._ask)
        self._model = model
        self.manifest = _manifest(self._server.manifest, model, file, wiring or LerobotWiring())

    def run(
        self, inputs: Mapping[str, Array], valid: Mapping[str, BoolArray]
    ) -> Mapping[str, Array]:
        """Execute the model once.

        Raises:
            PolicyError: An input is not as the policy was trained, or the robot lacks it.
        """
        return self._server.run(inputs, valid)

    def _ask(self, message: Mapping[str, Any], deadline_s: float, /) -> Array:
        # It runs here: whoever waits for it has a deadline of their own.
        return self._model.ask(message)


def _require_fit(file: ServerFile, checkpoint: LerobotCheckpoint, horizon: int) -> None:
    """Require that a server file is one of this checkpoint, as far as that can be told."""
    if file.horizon != horizon:
        raise PolicyError(
            f'{file.path}: horizon is {file.horizon}; {checkpoint.folder} gives {horizon} rows: '
            f'write horizon: {horizon}'
        )
    steps = checkpoint.observation_steps
    if file.observation_steps != steps:
        wanted = f'[{", ".join(map(str, range(1 - steps, 1)))}]'
        raise PolicyError(
            f'{file.path}: sends {file.observation_steps} observation steps; {checkpoint.folder} '
            f'reads {steps}: write steps: {{images: {wanted}, numbers: {wanted}}}'
        )


def _manifest(
    manifest: Manifest, model: LerobotPolicy, file: ServerFile, wiring: LerobotWiring
) -> Manifest:
    """The manifest of a server file, with all that a checkpoint knows beyond it."""
    checkpoint, robot = model.checkpoint, wiring.robot
    names: dict[Keys, Sequence[str]] = {
        (STATE,): wiring.names.state,
        (ACTION,): wiring.action_names(checkpoint),
    }
    statistics = _statistics(checkpoint)
    sent = _sent(file, statistics)
    received = [] if _RELATIVE in checkpoint.steps else _received(file, statistics)
    trained_on = checkpoint.dataset and f', trained on {checkpoint.dataset}'
    settings = ', '.join(f'{key}={value}' for key, value in model.settings.items())
    return replace(
        manifest,
        input={kind: _ranged(kind, slots, sent) for kind, slots in manifest.input.items()},
        output={kind: _ranged(kind, slots, received) for kind, slots in manifest.output.items()},
        robots={robot.name: Embodiment(robot.input, robot.output)} if robot else {},
        versions={'lerobot': model.version} | ({'settings': settings} if settings else {}),
        dataset=f'LeRobot {checkpoint.type}{trained_on}',
        notes=slot_notes(file, names),
    )


_Range = tuple[SlotColumn, float, float]
"""A column, and its least and largest value in training, in LeRobot's sense."""


def _sent(file: ServerFile, statistics: Mapping[str, Array]) -> list[_Range]:
    return [
        each
        for keys, part in file.send.items()
        if isinstance(part, tuple) and len(keys) == 1
        for each in _ranges(part, keys[0], statistics)
    ]


def _received(file: ServerFile, statistics: Mapping[str, Array]) -> list[_Range]:
    # The answer is one array, whatever the file calls it.
    return [
        each
        for columns in file.receive.values()
        for each in _ranges(columns, ACTION, statistics)
        if isinstance(each[0], ReceivedColumn) and each[0].mode == 'absolute'
    ]


def _ranges(
    columns: Iterable[object], feature: str, statistics: Mapping[str, Array]
) -> Iterator[_Range]:
    least, most = (statistics.get(f'{feature}.{name}') for name in ('min', 'max'))
    columns = list(columns)
    if least is None or most is None or not (least.size == most.size == len(columns)):
        return
    ends = zip(columns, least.ravel().tolist(), most.ravel().tolist(), strict=True)
    for column, low, high in ends:
        if isinstance(column, SlotColumn) and math.isfinite(low) and math.isfinite(high):
            yield column, low, high


def _ranged(kind: DataType, slots: Any, ranges: Iterable[_Range]) -> Any:
    """Slots with the ranges of their columns, in the slots' sense."""
    if kind.is_pose or not kind.is_numeric:
        return slots
    low, high = np.full(slots.width, math.nan), np.full(slots.width, math.nan)
    for column, least, most in ranges:
        if column.kind is kind:
            ends = sorted(column.scale * end + column.offset for end in (least, most))
            low[column.index], high[column.index] = ends
    if np.isnan(low).all():
        return slots
    return replace(slots, minimum=tuple(low.tolist()), maximum=tuple(high.tolist()))


def _statistics(checkpoint: LerobotCheckpoint) -> Mapping[str, Array]:
    """Least and largest values of training, by feature and statistic."""
    if checkpoint.statistics is None:
        return {}
    from safetensors.numpy import load_file

    try:
        found: Mapping[str, Array] = load_file(checkpoint.statistics)
    except Exception as error:  # The binding's own kind, which is no documented one.
        raise PolicyError(f'{checkpoint.statistics}: is damaged ({last_line(error)})') from error
    return found
