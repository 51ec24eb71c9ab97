"""A loaded policy, and the checks of all that a model could get wrong, for every runtime."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from neuracore_ros.arrays import Array, BoolArray, Float32Array
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.kinematics.poses import moved
from neuracore_ros.kinematics.rotations import NORM_TOLERANCE
from neuracore_ros.policy.manifest import InputSlots, Manifest
from neuracore_ros.policy.remote.server_link import ServerLink
from neuracore_ros.policy.signature import ROBOT, UNKNOWN_ROBOT, ActionPrefix, extra_inputs


class Runtime(Protocol):
    """The interface of what executes a model; one for each kind of file."""

    @property
    def manifest(self) -> Manifest:
        """The manifest of the model."""

    def run(
        self, inputs: Mapping[str, Array], valid: Mapping[str, BoolArray]
    ) -> Mapping[str, Array]:
        """Execute the model once (docs/policy_files.md); arrays begin with a batch of 1."""


class Policy:
    """A loaded policy.

    Attributes:
        manifest: What it reads and predicts.
        sha256: Of the file, by which a log names a policy.
        robot: The robot that it is on, for a policy that asks; '': none that it knows.
        link: To the server that executes it; None: this process does.
        name: Of its file, or the address of its server; '' of neither.
    """

    def __init__(
        self,
        runtime: Runtime,
        sha256: str,
        robot: str = '',
        link: ServerLink | None = None,
        name: str = '',
    ) -> None:
        self.manifest = runtime.manifest
        self.sha256 = sha256
        self.robot = robot
        self.link = link
        self.name = name
        self._runtime = runtime

    @property
    def is_remote(self) -> bool:
        """True if a server executes it, which may fail and come back."""
        return self.link is not None

    def close(self) -> None:
        """Give the connection to a server back; a prediction under way fails at once."""
        if self.link is not None:
            self.link.close()

    def on(self, robot: str) -> Policy:
        """The same model on a robot of this name."""
        return Policy(self._runtime, self.sha256, robot, self.link, self.name)

    def run_by(self, wrap: Callable[[Runtime], Runtime]) -> Policy:
        """The same policy, executed by another runtime around its own."""
        return Policy(wrap(self._runtime), self.sha256, self.robot, self.link, self.name)

    def predict(
        self,
        inputs: Mapping[DataType, Array],
        valid: Mapping[DataType, BoolArray],
        output_valid: Mapping[DataType, BoolArray] | None = None,
        plan: ActionPrefix | None = None,
    ) -> dict[DataType, Float32Array]:
        """Predict one chunk of actions.

        Args:
            inputs: Raw values, oldest step first: (T, W) numbers, (T, W, 7) poses, (T, K, height,
                width, 3) uint8 images, (T, K, height, width) depths, (T, W, N) uint8 texts. A
                DataType that is missing counts as absent: zeros, not valid.
            valid: Which slots the robot has, (W,).
            output_valid: Which outputs the robot has, (W,): those must be finite. Without it, all
                that the policy was trained on must be.
            plan: What is followed already, for a policy that inpaints; others ignore it.

        Returns:
            Absolute values, float32, (H, W), poses (H, W, 7).

        Raises:
            PolicyError: An input of a wrong shape, or a model that fails, leaves out a DataType,
                or gives a wrong shape or a number that is not finite.
        """
        chunks = self.predict_as_model(inputs, valid, plan)
        for kind, chunk in chunks.items():
            self._require_usable(kind, chunk, output_valid)
        self._make_absolute(chunks, inputs)
        return chunks

    def predict_as_model(
        self,
        inputs: Mapping[DataType, Array],
        valid: Mapping[DataType, BoolArray],
        plan: ActionPrefix | None = None,
    ) -> dict[DataType, Float32Array]:
        """Predict one chunk as the module gives it, for a client that is a `Runtime` itself.

        Args:
            inputs: As for `predict`.
            valid: Likewise.
            plan: Likewise.

        Returns:
            As from `predict`, but outputs of ``mode: relative`` are relative still, and no number
            has been examined.

        Raises:
            PolicyError: An input of a wrong shape, or a model that fails, leaves out a DataType,
                or gives a wrong shape.
        """
        arrays, masks = {}, {}
        for kind, slots in self.manifest.input.items():
            values, mask = self._input(kind, slots, inputs, valid)
            arrays[kind.value], masks[kind.value] = values[None], mask[None]
        arrays |= self._extra(plan)
        try:
            result = self._runtime.run(arrays, masks)
        except PolicyError:
            raise
        except Exception as error:  # A model from elsewhere may raise anything.
            raise PolicyError(f'the model failed: {last_line(error)}') from error
        return {kind: self._output(kind, result) for kind in self.manifest.output}

    def warm_up(self, runs: int = 3) -> float:
        """Run on empty inputs, since runtimes compile and allocate during their first runs.

        Returns:
            How long the last run took, [s].
        """
        zeros = {
            kind: np.zeros(self.manifest.input_shape(kind), kind.dtype)
            for kind in self.manifest.input
        }
        for kind, values in zeros.items():
            if kind.is_pose:
                values[..., -1] = 1.0  # A rotation, which a model may give back.
        valid = {kind: np.ones(slots.width, bool) for kind, slots in self.manifest.input.items()}
        taken_s = 0.0
        for _ in range(runs):
            start = time.perf_counter()
            self.predict(zeros, valid)
            taken_s = time.perf_counter() - start
        return taken_s

    def _extra(self, plan: ActionPrefix | None) -> dict[str, Array]:
        known = plan.arrays() if plan else {}
        known[ROBOT] = np.array(
            [self.manifest.robot_index.get(self.robot, UNKNOWN_ROBOT)], np.int64
        )
        arrays = {}
        for wanted in extra_inputs(self.manifest):
            array = known.get(wanted.name, wanted.unknown_array())
            if array.shape[1:] != wanted.shape:
                raise PolicyError(
                    f'input {wanted.name} has shape {array.shape[1:]}; the policy reads '
                    f'{wanted.shape}'
                )
            arrays[wanted.name] = array
        return arrays

    def _input(
        self,
        kind: DataType,
        slots: InputSlots,
        inputs: Mapping[DataType, Array],
        valid: Mapping[DataType, BoolArray],
    ) -> tuple[Array, BoolArray]:
        shape = self.manifest.input_shape(kind)
        if kind not in inputs:
            return np.zeros(shape, kind.dtype), np.zeros(slots.width, bool)
        values, mask = np.asarray(inputs[kind]), np.asarray(valid.get(kind, np.empty(0, bool)))
        if values.shape != shape:
            raise PolicyError(f'input {kind} has shape {values.shape}; the policy reads {shape}')
        if mask.shape != (slots.width,):
            raise PolicyError(f'valid {kind} has shape {mask.shape}; it must be ({slots.width},)')
        if kind.is_image:
            # Without a copy, unless it is a view of something that nobody may write to.
            return np.require(values, kind.dtype, ['C', 'W']), mask.astype(bool)
        # A copy, since a model may normalise in place, and what is relative is added to these.
        return np.array(values, kind.dtype, order='C'), mask.astype(bool)

    def _output(self, kind: DataType, result: Mapping[str, Array]) -> Float32Array:
        if kind.value not in result:
            raise PolicyError(
                f'the model gives no {kind}. It gives: {", ".join(result) or "nothing"}'
            )
        array = np.asarray(result[kind.value])
        shape = (1, *self.manifest.output_shape(kind))
        if array.shape != shape:
            raise PolicyError(
                f'the model gives {kind} of shape {array.shape}; the manifest says {shape}'
            )
        if not np.issubdtype(array.dtype, np.floating):
            raise PolicyError(f'the model gives {kind} as {array.dtype}; it must be float32')
        # Of a double that is beyond float32, infinity: it is refused as such.
        with np.errstate(over='ignore'):
            # A copy, since a runtime may reuse its memory for the next prediction.
            return np.array(array[0], np.float32)

    def _require_usable(
        self,
        kind: DataType,
        chunk: Float32Array,
        output_valid: Mapping[DataType, BoolArray] | None,
    ) -> None:
        """Refuse numbers that are not finite and poses that are none, of slots that are used."""
        slots = self.manifest.output[kind]
        used = np.zeros(slots.width, bool)
        used[list(slots.trained)] = True
        if output_valid is not None:
            used = np.asarray(output_valid.get(kind, np.zeros(slots.width, bool)))
        wrong = np.argwhere(~np.isfinite(chunk) & used.reshape(-1, *(1,) * (chunk.ndim - 2)))
        if len(wrong):
            step, index = wrong[0][:2]
            raise PolicyError(
                f'the model gives {kind} of shape {(1, *chunk.shape)} with '
                f'{chunk[tuple(wrong[0])]} at index {index}, step {step}'
            )
        if kind.is_pose:
            _require_rotations(kind, chunk, used)

    def _make_absolute(
        self, chunks: Mapping[DataType, Float32Array], inputs: Mapping[DataType, Array]
    ) -> None:
        """Add what was measured to outputs of `mode: relative`; poses are moved by them."""
        for kind, chunk in chunks.items():
            if self.manifest.output[kind].mode == 'relative':
                if kind.measured not in inputs:
                    raise PolicyError(f'{kind} is relative to {kind.measured}, which is no input')
                measured = inputs[kind.measured][-1]
                shared = min(len(measured), chunk.shape[1])
                here, ahead = measured[:shared], chunk[:, :shared]
                ahead[:] = moved(here, ahead) if kind.is_pose else ahead + here


def _require_rotations(kind: DataType, chunk: Float32Array, used: BoolArray) -> None:
    """Refuse poses (H, W, 7) of used slots (W,) whose quaternions are no rotations."""
    lengths = np.linalg.norm(chunk[..., 3:], axis=-1)
    wrong = np.argwhere((np.abs(lengths - 1) > NORM_TOLERANCE) & used)
    if len(wrong):
        step, index = wrong[0]
        raise PolicyError(
            f'the model gives {kind} with a quaternion of length {lengths[step, index]:g} at '
            f'index {index}, step {step}; it must be 1'
        )


def last_line(error: Exception) -> str:
    """The message of a runtime's error, without its stack of source lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
