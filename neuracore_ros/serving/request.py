"""The request of a client, checked before a model sees any of it (docs/serving.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.description import DataType
from neuracore_ros.errors import UserError, WireError, quoted
from neuracore_ros.kinematics.rotations import NORM_TOLERANCE, signed
from neuracore_ros.observation.texts import encode_text
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.signature import (
    FROZEN,
    PREVIOUS,
    ROBOT,
    UNKNOWN_ROBOT,
    ActionPrefix,
    extra_inputs,
)
from neuracore_ros.serving.jpeg_images import decode_jpegs
from neuracore_ros.similar_names import known_names
from neuracore_ros.wire.jpeg import is_jpeg

PROMPT = 'prompt'
"""openpi's word for LANGUAGE."""
_MOST_ID = 64
_ABOUT = ('valid', 'robot', 'request_id', 'as_model')


@dataclass(frozen=True, slots=True)
class PredictionRequest:
    """One observation of a client, in the shapes and types of :meth:`Policy.predict`.

    Attributes:
        inputs: DataType -> (T, W), images (T, K, height, width, 3) and so on.
        valid: DataType -> which slots the robot has, (W,).
        plan: What the robot follows already, for a policy that inpaints.
        robot: Its name; '' if the client does not say.
        as_model: True asks for outputs as the module gives them.
        request_id: Sent back with the answer; None if the client gave none.
    """

    inputs: Mapping[DataType, Array]
    valid: Mapping[DataType, BoolArray]
    plan: ActionPrefix | None = None
    robot: str = ''
    as_model: bool = False
    request_id: int | str | None = None


class RequestReader:
    """The reader of the requests for one policy.

    Args:
        manifest: Of the policy.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._shapes = {kind.value: manifest.input_shape(kind) for kind in manifest.input}
        self._extras = {extra.name: extra.shape for extra in extra_inputs(manifest)}
        self._robots = {number: name for name, number in manifest.robot_index.items()}
        prompt = (PROMPT,) if DataType.LANGUAGE in manifest.input else ()
        self._known = {*self._shapes, *self._extras, *_ABOUT, *prompt}

    @property
    def most_bytes(self) -> int:
        """The largest frame that a request can need, each number of it in eight bytes."""
        inputs = sum(
            int(np.prod(shape)) * (1 if DataType(name).dtype == 'uint8' else 8)
            for name, shape in self._shapes.items()
        )
        extras = sum(8 * int(np.prod(shape)) for shape in self._extras.values())
        # JPEG of noise is larger than its pixels; lists of numbers take nine bytes for each.
        return 2**20 + (inputs + extras) * 5 // 4

    def read(self, message: Mapping[Any, Any]) -> PredictionRequest:
        """Check a request.

        Raises:
            UserError: A key that the policy does not read, a shape, a type or a number that it
                cannot take.
        """
        for key in message:
            if key not in self._known:
                told = key if isinstance(key, str) else quoted(key)
                raise WireError(
                    f'the policy reads no {quoted(told)}{known_names(told, self._known)}'
                )
        inputs = {
            DataType(name): self._input(name, message[name])
            for name in self._shapes
            if name in message
        }
        if PROMPT in message:
            if DataType.LANGUAGE in inputs:
                raise WireError(f'{PROMPT} and LANGUAGE are the same: send one of them')
            inputs[DataType.LANGUAGE] = self._input(DataType.LANGUAGE.value, message[PROMPT])
        if not inputs:
            raise WireError(f'holds nothing that the policy reads: {", ".join(self._shapes)}')
        valid = self._valid(message.get('valid', {}), inputs)
        self._require_what_it_needs(valid)
        return PredictionRequest(
            inputs,
            valid,
            self._plan(message),
            self._robot(message),
            _flag(message, 'as_model'),
            _request_id(message.get('request_id')),
        )

    def _input(self, name: str, value: Any) -> Array:
        kind, shape = DataType(name), self._shapes[name]
        if kind is DataType.LANGUAGE and _is_text(value):
            return _texts(value, shape)
        if kind is DataType.RGB_IMAGES and is_jpeg(value):
            try:
                return decode_jpegs(value, shape)
            except UserError as error:
                raise WireError(f'{name}: {error}') from error
        array = _array(name, value, shape, kind.dtype, self._manifest.observation_steps == 1)
        return _rotations(name, array) if kind.is_pose else array

    def _valid(self, masks: Any, inputs: Mapping[DataType, Array]) -> dict[DataType, BoolArray]:
        if not isinstance(masks, Mapping):
            raise WireError(f'valid is {quoted(masks)}; it must be a map of masks by DataType')
        for key in masks:
            if key not in self._shapes:
                told = key if isinstance(key, str) else quoted(key)
                raise WireError(
                    f'valid has {quoted(told)}, which the policy does not read'
                    f'{known_names(told, self._shapes)}'
                )
        return {
            kind: _mask(kind.value, masks[kind.value], self._manifest.input[kind].width)
            if kind.value in masks
            else np.ones(self._manifest.input[kind].width, bool)
            for kind in inputs
        }

    def _require_what_it_needs(self, valid: Mapping[DataType, BoolArray]) -> None:
        """Refuse what a policy without masks would take for measured, being zero."""
        for kind, slots in self._manifest.input.items():
            for index in slots.required:
                if kind not in valid or not valid[kind][index]:
                    raise WireError(
                        f'lacks {kind} index {index}, which the policy cannot do without'
                    )

    def _plan(self, message: Mapping[str, Any]) -> ActionPrefix | None:
        found = {
            name: _array(name, message[name], shape, 'float32', False)
            for name, shape in self._extras.items()
            if name in message and name != ROBOT
        }
        if not found:
            return None
        frozen = found.pop(FROZEN, np.zeros(self._manifest.horizon, np.float32))
        return ActionPrefix(
            {DataType(name.removeprefix(PREVIOUS)): rows for name, rows in found.items()}, frozen
        )

    def _robot(self, message: Mapping[str, Any]) -> str:
        name = message.get('robot', '')
        if not isinstance(name, str):
            raise WireError(f'robot is {quoted(name)}; it must be a name')
        if ROBOT not in message:
            return name
        if name:
            raise WireError(f'robot and {ROBOT} are the same: send one of them')
        number = _whole(message[ROBOT])
        if number is None:
            raise WireError(f'{ROBOT} is {quoted(message[ROBOT])}; it must be an integer')
        if number != UNKNOWN_ROBOT and number not in self._robots:
            known = ', '.join(f'{n} ({robot})' for n, robot in sorted(self._robots.items()))
            raise WireError(f'{ROBOT} is {number}; the policy knows {known}, and -1 for others')
        return self._robots.get(number, '')


def _array(name: str, value: Any, shape: tuple[int, ...], dtype: str, one_step: bool) -> Array:
    """Numbers as an array of this shape and type; without its first axis, if that is one step."""
    array = _listed(value)
    if array is None:
        raise WireError(f'{name} is {quoted(value)}; it must be an array of shape {shape}')
    if one_step and array.shape == shape[1:]:
        array = array[None]
    if array.shape != shape:
        shorter = f', or {shape[1:]}' if one_step else ''
        raise WireError(
            f'{name} has shape {array.shape}; the policy reads {shape}{shorter}'
            f'{_hint(array.shape, shape)}'
        )
    if array.dtype == dtype:
        array = np.array(array)
    elif dtype == 'uint8' or array.dtype.kind not in 'iuf':
        raise WireError(f'{name} is {array.dtype}; the policy reads {dtype}')
    else:
        with np.errstate(over='ignore'):
            array = array.astype(dtype)
    if dtype != 'uint8' and not np.isfinite(array).all():
        where = tuple(int(place) for place in np.argwhere(~np.isfinite(array))[0])
        raise WireError(f'{name} has {array[where]} at {list(where)}; numbers must be finite')
    return array


def _hint(found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """The reason of a wrong shape, where it is a usual one."""
    if found[:1] == (1,) and found[1:] in {wanted, wanted[1:]}:
        return ': send it without a batch'
    if len(wanted) == 5 and found[-3:] == (wanted[-1], *wanted[2:4]):
        return ': send images as height, width, 3'
    return ''


def _rotations(name: str, poses: Array) -> Array:
    """Poses (T, W, 7) whose quaternions, of length 1 or all zeros, have the sign that is taken."""
    quaternions = poses[..., 3:]
    lengths = np.linalg.norm(quaternions, axis=-1)
    wrong = np.argwhere((np.abs(lengths - 1) > NORM_TOLERANCE) & poses.any(-1))
    if len(wrong):
        step, index = wrong[0]
        raise WireError(
            f'{name} has a quaternion of length {lengths[step, index]:g} at index {index}, step '
            f'{step}; it must be 1 (x y z, qx qy qz qw)'
        )
    quaternions[:] = signed(quaternions)
    return poses


def _is_text(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(each, str) for each in value)
    return isinstance(value, str)


def _texts(value: str | list[str], shape: tuple[int, ...]) -> Array:
    """Texts as bytes (T, W, N): one for each slot, the same at all steps."""
    texts = [value] if isinstance(value, str) else value
    steps, width, length = shape
    if len(texts) != width:
        raise WireError(f'LANGUAGE has {len(texts)} texts; the policy reads {width}')
    rows = np.stack([encode_text(text, length) for text in texts])
    return np.repeat(rows[None], steps, axis=0)


def _mask(name: str, value: Any, width: int) -> BoolArray:
    mask = _listed(value)
    if mask is None or mask.shape != (width,) or mask.dtype != bool:
        told = quoted(value) if mask is None else f'{mask.shape} {mask.dtype}'
        raise WireError(f'valid {name} is {told}; it must be ({width},) bool')
    return mask


def _listed(value: Any) -> Array | None:
    """An array, or what a list of numbers is as one; None for anything else."""
    if isinstance(value, list):
        try:
            return np.array(value)
        # Rows of different lengths, or numbers beyond all types.
        except (ValueError, OverflowError):
            return None
    return value if isinstance(value, np.ndarray) else None


def _flag(message: Mapping[str, Any], key: str) -> bool:
    value = message.get(key, False)
    if not isinstance(value, bool | np.bool_):
        raise WireError(f'{key} is {quoted(value)}; it must be true or false')
    return bool(value)


def _request_id(value: Any) -> int | str | None:
    if value is None or (isinstance(value, str) and len(value) <= _MOST_ID):
        return value
    number = _whole(value)
    if number is None:
        raise WireError(f'request_id is {quoted(value)}; it must be an integer or a short text')
    return number


def _whole(value: Any) -> int | None:
    """An integer, also one that NumPy holds; None for anything else."""
    if isinstance(value, np.ndarray) and not value.shape:
        value = value[()]
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return int(value) if is_whole else None
