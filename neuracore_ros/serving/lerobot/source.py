"""A LeRobot checkpoint as a policy of ours: its inference, and the map to slots around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.policy.file import require_digest
from neuracore_ros.policy.manifest import Embodiment, Manifest
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.remote.foreign_server import ForeignServer
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.policy.remote.server_notes import slot_notes
from neuracore_ros.policy.remote.server_requests import Keys
from neuracore_ros.serving.lerobot.checkpoint import (
    ACTION,
    STATE,
    LerobotCheckpoint,
    read_lerobot_checkpoint,
)
from neuracore_ros.serving.lerobot.drafted_map import LerobotWiring, server_file_of
from neuracore_ros.serving.lerobot.fit import require_fit
from neuracore_ros.serving.lerobot.inference import LerobotPolicy
from neuracore_ros.serving.lerobot.loading import LerobotOptions
from neuracore_ros.serving.lerobot.ranges import with_ranges


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
        require_fit(given, checkpoint, horizon)
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


def _manifest(
    manifest: Manifest, model: LerobotPolicy, file: ServerFile, wiring: LerobotWiring
) -> Manifest:
    """The manifest of a server file, with all that a checkpoint knows beyond it."""
    checkpoint, robot = model.checkpoint, wiring.robot
    names: dict[Keys, Sequence[str]] = {
        (STATE,): wiring.names.state,
        (ACTION,): wiring.action_names(checkpoint),
    }
    trained_on = checkpoint.dataset and f', trained on {checkpoint.dataset}'
    settings = ', '.join(f'{key}={value}' for key, value in model.settings.items())
    return replace(
        with_ranges(manifest, checkpoint, file),
        robots={robot.name: Embodiment(robot.input, robot.output)} if robot else {},
        versions={'lerobot': model.version} | ({'settings': settings} if settings else {}),
        dataset=f'LeRobot {checkpoint.type}{trained_on}',
        notes=slot_notes(file, names),
        vocabulary=robot.vocabulary.id if robot and robot.vocabulary else None,
    )
