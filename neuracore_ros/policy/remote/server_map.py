"""The map between a robot's slots and the arrays of somebody else's server, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from neuracore_ros.arrays import Array, BoolArray, ByteArray, Float32Array, FloatArray
from neuracore_ros.description import DataType
from neuracore_ros.description.data_type import TEXT_BYTES
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.remote.pose_numbers import numbers_of
from neuracore_ros.policy.remote.server_answer import ServerAnswer
from neuracore_ros.policy.remote.server_columns import SentColumn, SentColumns
from neuracore_ros.policy.remote.server_file import GROOT, ServerFile
from neuracore_ros.policy.remote.server_notes import slot_notes
from neuracore_ros.policy.remote.server_requests import Keys, SentImage, SentPart, SentText, shown

_RGB = DataType.RGB_IMAGES.value


class ServerMap:
    """A server file as requests and outputs.

    Args:
        file: The server file.
    """

    def __init__(self, file: ServerFile) -> None:
        self._file = file
        # What is read again has been checked as every manifest is.
        self._manifest = Manifest.from_json(_manifest(file).to_json(), str(file.path))
        self._answer = ServerAnswer(file, self._manifest)
        newest = file.observation_steps - 1
        self._image_steps = _rows(file.image_steps, newest)
        self._number_steps = _rows(file.number_steps, newest)
        self._arrays = {
            keys: _SentArray(part) for keys, part in file.send.items() if isinstance(part, tuple)
        }

    def manifest(self) -> Manifest:
        """The manifest of a policy that reads and predicts what the file says."""
        return self._manifest

    def request(
        self, inputs: Mapping[str, Array], valid: Mapping[str, BoolArray]
    ) -> dict[str, Any]:
        """Make a request, nested as the server's keys are.

        Args:
            inputs: DataType -> raw values as the manifest says, in a batch of 1.
            valid: DataType -> which slots the robot has, in a batch of 1.

        Returns:
            Images uint8, (height, width, 3) or (3, height, width); numbers float32, (D,); with
            an axis of steps before where the file gives ``steps``, and GR00T's axes as its
            version has them. What is optional and absent is left out.

        Raises:
            PolicyError: The robot lacks a slot that the server needs.
        """
        # All of them: what is measured counts for what is received, too.
        for kind, slots in self._manifest.input.items():
            for index in slots.required:
                if not _has(valid, kind, index):
                    raise PolicyError(
                        f'the robot has no {kind} index {index}, which {self._file.path.name} '
                        'cannot do without'
                    )
        message: dict[str, Any] = {}
        for keys, part in self._file.send.items():
            if _is_absent(part, inputs, valid):
                continue
            inner = message
            for key in keys[:-1]:
                inner = inner.setdefault(key, {})
            inner[keys[-1]] = self._value(keys, part, inputs)
        return {'observation': message, 'options': None} if self._file.is_nested else message

    def outputs(self, answer: Any, inputs: Mapping[str, Array]) -> dict[str, Float32Array]:
        """Read an answer.

        Args:
            answer: As the server gave it.
            inputs: Those of the request: relative values and velocities begin at their newest
                step.

        Returns:
            DataType -> absolute values, (1, H, W), poses (1, H, W, 7); zeros, and poses at the
            origin, in slots that the file does not receive.

        Raises:
            PolicyError: An array is missing, or has another shape or kind of values than the
                file says, or a number that is not finite.
        """
        return self._answer.outputs(answer, inputs)

    def _value(self, keys: Keys, part: SentPart, inputs: Mapping[str, Array]) -> Any:
        """What stands at these keys."""
        if isinstance(part, SentImage):
            return self._image(part, inputs[_RGB][0, :, part.index])
        if isinstance(part, SentText):
            data: ByteArray = inputs[DataType.LANGUAGE.value][0, -1, part.index]
            return self._text(data.tobytes().rstrip(b'\0').decode('utf-8', 'replace'))
        if isinstance(part, tuple):
            rows = self._arrays[keys].rows(inputs, self._number_steps)
            if not np.isfinite(rows).all():
                raise PolicyError(f'{self._file.path.name}: {shown(keys)} would not be finite')
            return self._with_axes(rows, self._file.number_steps is not None)
        constant = part.value
        if isinstance(constant, str):
            return self._text(constant)
        return np.array(constant, np.float32) if isinstance(constant, tuple) else constant

    def _image(self, part: SentImage, steps: Array) -> Array:
        """An image of all steps (T, height, width, 3) as the server wants it."""
        chosen = [_resized(steps[step], part.size) for step in self._image_steps]
        if part.is_turned:
            chosen = [image[::-1, ::-1] for image in chosen]
        if part.layout == 'chw':
            chosen = [np.moveaxis(image, -1, 0) for image in chosen]
        images = chosen[0][None] if len(chosen) == 1 else np.stack(chosen)
        return self._with_axes(images, self._file.image_steps is not None)

    def _text(self, text: str) -> Any:
        """A text with the leading axes of the protocol."""
        if self._file.is_nested:
            return [[text]]
        return [text] if self._file.server == GROOT else text

    def _with_axes(self, array: Array, has_steps: bool) -> Array:
        """An array (T, ...) with the leading axes of the protocol, in one piece of memory."""
        if self._file.is_nested:
            array = array[None]
        elif self._file.server != GROOT and not has_steps:
            array = array[0]
        return np.ascontiguousarray(array)


class _SentArray:
    """The columns of one array, sorted by DataType."""

    def __init__(self, columns: SentColumns) -> None:
        self._blank = np.array([0.0 if isinstance(c, SentColumn) else c for c in columns])
        by_kind: dict[DataType, list[tuple[int, SentColumn]]] = {}
        # Poses by their `around` too, by which they are made numbers together.
        poses: dict[tuple[DataType, int, Any], list[tuple[int, SentColumn]]] = {}
        for place, column in enumerate(columns):
            if not isinstance(column, SentColumn):
                continue
            if column.kind.is_pose:
                key = column.kind, column.index, column.around
                poses.setdefault(key, []).append((place, column))
            else:
                by_kind.setdefault(column.kind, []).append((place, column))
        self._numbers = {kind: _Group(found) for kind, found in by_kind.items()}
        self._poses = {key: _Group(found) for key, found in poses.items()}

    def rows(self, inputs: Mapping[str, Array], steps: list[int]) -> Float32Array:
        """The array at these steps, (T, D)."""
        rows = np.tile(self._blank, (len(steps), 1))
        for kind, group in self._numbers.items():
            group.put(inputs[kind.value][0][steps][:, group.indices], rows)
        for (kind, index, around), group in self._poses.items():
            poses = inputs[kind.value][0][steps, index].astype(float)
            group.put(numbers_of(poses, group.names, around), rows)
        with np.errstate(over='ignore'):
            return rows.astype(np.float32)


class _Group:
    """Columns that come from one input."""

    def __init__(self, columns: list[tuple[int, SentColumn]]) -> None:
        self.indices = [column.index for _, column in columns]
        self.names = [column.number for _, column in columns]
        self._places = [place for place, _ in columns]
        self._scale = np.array([column.scale for _, column in columns])
        self._offset = np.array([column.offset for _, column in columns])

    def put(self, slots: Array, rows: FloatArray) -> None:
        """Write the slots' values (T, N) to their places of rows (T, D), in the server's sense."""
        with np.errstate(over='ignore'):
            rows[:, self._places] = (slots - self._offset) / self._scale


def _has(valid: Mapping[str, BoolArray], kind: DataType, index: int) -> bool:
    """True if the robot has a slot."""
    mask = valid.get(kind.value)
    return mask is not None and bool(mask[0, index])


def _is_absent(
    part: SentPart, inputs: Mapping[str, Array], valid: Mapping[str, BoolArray]
) -> bool:
    """True for what is optional, and the robot has not, or was not told."""
    if isinstance(part, SentImage):
        return part.optional and not _has(valid, DataType.RGB_IMAGES, part.index)
    if isinstance(part, SentText):
        kind, index = DataType.LANGUAGE, part.index
        return part.optional and not (
            _has(valid, kind, index) and inputs[kind.value][0, -1, index].any()
        )
    return False


def _rows(steps: tuple[int, ...] | None, newest: int) -> list[int]:
    """Rows of the observation steps, 0 the oldest."""
    return [newest + step for step in steps or (0,)]


def _resized(image: Array, size: tuple[int, int]) -> Array:
    """An image at most as large as it is, aspect kept, centred on black."""
    if image.shape[:2] == size:
        return image
    # Loaded for the files that need it: no other policy does.
    import cv2

    height, width = size
    scale = min(height / image.shape[0], width / image.shape[1])
    inner = (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)))
    inner = min(height, inner[0]), min(width, inner[1])
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    padded = np.zeros((height, width, image.shape[2]), image.dtype)
    padded[top : top + inner[0], left : left + inner[1]] = cv2.resize(
        image, inner[::-1], interpolation=cv2.INTER_AREA
    )
    return padded


def _manifest(file: ServerFile) -> Manifest:
    sent: dict[DataType, set[int]] = {}
    required: dict[DataType, set[int]] = {}

    def reads(kind: DataType, index: int, is_required: bool = True) -> None:
        sent.setdefault(kind, set()).add(index)
        if is_required:
            required.setdefault(kind, set()).add(index)

    for column in file.sent_columns():
        reads(column.kind, column.index)
    for image in file.images():
        reads(DataType.RGB_IMAGES, image.index, not image.optional)
    for text in file.texts():
        reads(DataType.LANGUAGE, text.index, not text.optional)
    outputs: dict[DataType, set[int]] = {}
    for received in file.received_columns():
        outputs.setdefault(received.kind, set()).add(received.index)
        if received.mode != 'absolute':
            reads(received.kind.measured, received.index)
    if not sent:
        raise PolicyError(f'{file.path}: sends nothing that a robot has')
    sizes = [image.size for image in file.images()]
    largest = (max(size[0] for size in sizes), max(size[1] for size in sizes)) if sizes else None
    return Manifest(
        input={
            kind: InputSlots(
                width=1 + max(indices),
                trained=tuple(sorted(indices)),
                image_size=largest if kind.is_image else None,
                length=TEXT_BYTES if kind is DataType.LANGUAGE else None,
                required=tuple(sorted(required.get(kind, ()))),
            )
            for kind, indices in _in_order(sent)
        },
        output={
            kind: OutputSlots(width=1 + max(indices), trained=tuple(sorted(indices)))
            for kind, indices in _in_order(outputs)
        },
        rate_hz=file.rate_hz,
        horizon=file.horizon,
        observation_steps=file.observation_steps,
        versions={'server': f'{file.server} {file.version}'.strip()},
        dataset=file.path.name,
        notes=slot_notes(file),
    )


def _in_order(found: Mapping[DataType, set[int]]) -> Iterable[tuple[DataType, set[int]]]:
    return ((kind, found[kind]) for kind in DataType if kind in found)
