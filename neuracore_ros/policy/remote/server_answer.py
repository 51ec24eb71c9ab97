"""The answers of somebody else's server, checked, as a robot's slots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuracore_ros.arrays import Array, BoolArray, Float32Array, FloatArray
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError, quoted
from neuracore_ros.kinematics.poses import moved
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.remote.pose_numbers import integrated, poses_of
from neuracore_ros.policy.remote.server_columns import ReceivedColumn, ReceivedColumns
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.policy.remote.server_requests import Keys, shown
from neuracore_ros.similar_names import known_names

_IDENTITY = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


class ServerAnswer:
    """The meaning of answers, by a server file.

    Args:
        file: The server file.
        manifest: Of its policy.
    """

    def __init__(self, file: ServerFile, manifest: Manifest) -> None:
        self._file = file
        self._manifest = manifest
        self._arrays = {
            keys: _ReceivedArray(f'{file.path.name}: {shown(keys)}', columns, file.horizon)
            for keys, columns in file.receive.items()
        }

    def outputs(self, answer: Any, inputs: Mapping[str, Array]) -> dict[str, Float32Array]:
        """Read an answer: see :meth:`neuracore_ros.policy.remote.server_map.ServerMap.outputs`."""
        # What is too large for a number is refused by the policy, as infinite.
        with np.errstate(over='ignore', invalid='ignore'):
            return self._outputs(answer, inputs)

    def _outputs(self, answer: Any, inputs: Mapping[str, Array]) -> dict[str, Float32Array]:
        found: dict[DataType, FloatArray] = {}
        for kind in self._manifest.output:
            shape = self._manifest.output_shape(kind)
            found[kind] = np.zeros(shape) if not kind.is_pose else np.full(shape, _IDENTITY)
        poses: dict[tuple[DataType, int, str], dict[str, FloatArray]] = {}
        for keys, array in self._arrays.items():
            values = array.values(self._array(answer, keys))
            for place, column in array.used:
                rows = values[:, place]
                if column.kind.is_pose:
                    key = column.kind, column.index, column.mode
                    poses.setdefault(key, {})[column.number] = rows
                else:
                    found[column.kind][:, column.index] = _absolute(column, rows, inputs)
        for (kind, index, mode), numbers in poses.items():
            found[kind][:, index] = self._pose(kind, index, mode, numbers, inputs)
        return {kind.value: values[None].astype(np.float32) for kind, values in found.items()}

    def _array(self, answer: Any, keys: Keys) -> Any:
        """The array at these keys of an answer."""
        name = self._file.path.name
        if self._file.is_nested and isinstance(answer, list | tuple) and len(answer) == 2:
            answer = answer[0]  # The second is for people.
        if isinstance(answer, np.ndarray) and len(self._arrays) == 1:
            return answer  # Servers with one array may give it without a name.
        _require_no_error(answer, name)
        for depth, key in enumerate(keys):
            if not isinstance(answer, Mapping):
                raise PolicyError(
                    f'{name}: the server gave {_kind(answer)} as '
                    f"{shown(keys[:depth]) or 'its answer'}; the file says that '{key}' is in it"
                )
            if key not in answer:
                within = f' in {shown(keys[:depth])}' if depth else ''
                raise PolicyError(
                    f"{name}: the server gave no '{key}'{within}"
                    f'{known_names(key, map(str, answer))}'
                )
            answer = answer[key]
        return answer

    def _pose(
        self,
        kind: DataType,
        index: int,
        mode: str,
        numbers: Mapping[str, FloatArray],
        inputs: Mapping[str, Array],
    ) -> FloatArray:
        """Absolute poses (H, 7) of the numbers of a pose, each (H,)."""
        poses = poses_of(numbers)
        if len(wrong := np.flatnonzero(~np.isfinite(poses).all(axis=1))):
            row = int(wrong[0])
            given = ', '.join(f'{name} {values[row]:g}' for name, values in numbers.items())
            raise PolicyError(
                f'{self._file.path.name}: {kind} {index}: row {row} of the answer is no rotation '
                f'({given})'
            )
        if mode == 'absolute':
            return poses
        start = inputs[kind.measured.value][0, -1, index].astype(float)
        return moved(start, poses) if mode == 'relative' else integrated(start, poses)


class _ReceivedArray:
    """One array of an answer: its columns, side by side."""

    def __init__(self, where: str, columns: ReceivedColumns, horizon: int) -> None:
        self._where = where
        self._shape = horizon, len(columns)
        self.used = [(place, column) for place, column in enumerate(columns) if column is not None]
        each = [column or ReceivedColumn(DataType.CUSTOM_1D, 0) for column in columns]
        self._scale = np.array([column.scale for column in each])
        self._offset = np.array([column.offset for column in each])
        clips = [column.clip or (-np.inf, np.inf) for column in each]
        self._low, self._high = np.array(clips).T
        self._within = np.array([column.within or np.inf for column in each])
        self._threshold = np.array(
            [np.nan if column.threshold is None else column.threshold for column in each]
        )
        self._is_binary: BoolArray = np.isfinite(self._threshold)

    def values(self, given: Any) -> FloatArray:
        """Values in the slots' sense, (H, D), of an array as the server gave it."""
        rows = np.clip(self._checked(given), self._low, self._high)
        factor = np.maximum(1.0, np.max(np.abs(rows) / self._within, axis=1, keepdims=True))
        # Positions and openings of the same array are no part of the direction.
        np.divide(rows, factor, out=rows, where=np.isfinite(self._within))
        return self._binary(self._scale * rows + self._offset)

    def _binary(self, rows: FloatArray) -> FloatArray:
        if not self._is_binary.any():
            return rows
        # A value at the threshold is below it in the server's own sense, as its authors have it.
        above = np.where(self._scale > 0.0, rows > self._threshold, rows >= self._threshold)
        return np.where(self._is_binary, above, rows)

    def _checked(self, given: Any) -> FloatArray:
        where, (horizon, width) = self._where, self._shape
        if not isinstance(given, np.ndarray):
            raise PolicyError(f'{where}: the server gave {_kind(given)}; the file says an array')
        if given.dtype.kind not in 'fiu':
            raise PolicyError(
                f'{where}: the server gave values of type {given.dtype}; the file says numbers'
            )
        array = given[0] if given.ndim == 3 and given.shape[0] == 1 else given
        if array.ndim == 1 and width == 1:
            array = array[:, None]  # GR00T N1.5 takes away every axis of length 1.
        if array.shape != self._shape:
            raise PolicyError(
                f'{where}: the server gave shape {given.shape}; the file says horizon {horizon} '
                f'and {width} column{"s" if width > 1 else ""}{_advice(array, self._shape)}'
            )
        rows = array.astype(float)
        unfit = ~np.isfinite(rows)
        for place, column in self.used:
            if unfit[:, place].any():
                row = int(np.flatnonzero(unfit[:, place])[0])
                raise PolicyError(
                    f'{where}: the server gave {rows[row, place]} in row {row}, column {place} '
                    f'({column})'
                )
        # What nobody reads may be anything, but must not spread.
        rows[unfit] = 0.0
        return rows


def _absolute(column: ReceivedColumn, rows: FloatArray, inputs: Mapping[str, Array]) -> FloatArray:
    """Absolute values (H,) of a column in its slot's sense."""
    if column.mode == 'absolute':
        return rows
    start = float(inputs[column.kind.measured.value][0, -1, column.index])
    return start + (rows if column.mode == 'relative' else np.cumsum(rows))


def _require_no_error(answer: Any, name: str) -> None:
    """Refuse an answer that is an error."""
    if not isinstance(answer, Mapping):
        return
    kind, text = answer.get('type'), None
    if isinstance(kind, str) and kind == 'error':
        text = answer.get('message')
    elif len(answer) == 1:
        text = answer.get('error')
    if isinstance(text, str):
        last = text.strip().splitlines()[-1:] or ['']
        raise PolicyError(f'{name}: the server answered with an error: {last[0]}')


def _kind(value: Any) -> str:
    """What a value is, for people."""
    if isinstance(value, str):
        return f'a text ({quoted(value)})'
    if isinstance(value, Mapping):
        return quoted(value)
    if isinstance(value, np.ndarray):
        return f'an array of shape {value.shape}'
    return 'nothing' if value is None else f'a value of type {type(value).__name__}'


def _advice(array: Array, shape: tuple[int, int]) -> str:
    """What to write where only the horizon, or only the number of columns, is another one."""
    if array.ndim != 2 or not all(array.shape):
        return ''
    if array.shape[1] == shape[1]:
        return f': write horizon: {array.shape[0]}'
    if array.shape[0] == shape[0]:
        return f': list {array.shape[1]} columns, those that nobody reads as unused'
    return ''
