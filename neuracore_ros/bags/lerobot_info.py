"""Features, rate and files of a LeRobot dataset, as its ``meta/info.json`` has them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from neuracore_ros.bounds import MAX_CROP_PX, MAX_NAME, MAX_RATE_HZ, MIN_RATE_HZ
from neuracore_ros.errors import BagError, quoted
from neuracore_ros.records import Record, is_integer, read_record

INFO = 'meta/info.json'
OWN = 'meta/neuracore_ros.json'
"""The file by which a dataset of this package is known."""

NUMBERS = {'float16', 'float32', 'float64', 'bool'} | {
    f'{sign}int{bits}' for sign in ('', 'u') for bits in (8, 16, 32, 64)
}
"""The dtypes of features that are numbers."""

COUNTERS = ('timestamp', 'frame_index', 'episode_index', 'index', 'task_index')
"""Columns that every dataset has beside its features."""

MOST_FEATURES = 1000
MOST_WIDTH = 10_000
_VERSION = re.compile(r'v?([23])\.\d{1,3}(\.\d{1,3})?')
_FIELD = re.compile(r'\{(\w+)(?::0(\d)d)?\}')
_PATHS = {
    2: {
        'data_path': 'data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet',
        'video_path': 'videos/chunk-{episode_chunk:03d}/{video_key}/'
        'episode_{episode_index:06d}.mp4',
    },
    3: {
        'data_path': 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet',
        'video_path': 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4',
    },
}


@dataclass(frozen=True, slots=True)
class LerobotFeature:
    """One feature of a LeRobot dataset.

    Attributes:
        key: Its name, which is that of its topic.
        dtype: Of NumPy; or ``video``, ``image``, ``string``.
        shape: Of one row; of an image (height, width, channels).
        names: Of its numbers; empty where the dataset names none, or not as many as there are.
        is_depth: An image that holds depths.
        info: What the dataset says of its video.
    """

    key: str
    dtype: str
    shape: tuple[int, ...]
    names: tuple[str, ...] = ()
    is_depth: bool = False
    info: Mapping[str, object] | None = None

    @property
    def is_vector(self) -> bool:
        """True for numbers in a row, or a single one."""
        return self.dtype in NUMBERS and len(self.shape) <= 1

    @property
    def is_image(self) -> bool:
        """True for what a camera saw."""
        return self.dtype in {'video', 'image'}

    @property
    def width(self) -> int:
        """Numbers in a row of it, W."""
        return self.shape[0] if self.shape else 1

    @property
    def numbered(self) -> tuple[str, ...]:
        """Names of numbers that have none: ``KEY.0``, ``KEY.1``, ..."""
        return tuple(f'{self.key}.{place}' for place in range(self.width))


@dataclass(frozen=True, slots=True)
class LerobotInfo:
    """The content of ``meta/info.json``.

    Attributes:
        root: The dataset's folder.
        version: 2 (files of one episode) or 3 (files of many).
        fps: Rows per second, [Hz].
        features: By key, without the :data:`COUNTERS`.
        chunk_size: Episodes in one folder of version 2.
        data_path: The pattern of table files, below the root.
        video_path: That of videos.
    """

    root: Path
    version: int
    fps: float
    features: Mapping[str, LerobotFeature]
    chunk_size: int
    data_path: str
    video_path: str

    def file(self, pattern: str, values: Mapping[str, int | str]) -> Path:
        """A file of the dataset, by a pattern of its own.

        Raises:
            BagError: The pattern has a field of which nothing is known.
        """

        def filled(field: re.Match[str]) -> str:
            value = values.get(field[1])
            if value is None or (field[2] and not is_integer(value)):
                raise BagError(
                    f'{self.root / INFO}: the pattern {quoted(pattern)} has {field[0]}; known: '
                    f'{", ".join(values)}'
                )
            return f'{value:0{field[2]}d}' if field[2] else str(value)

        return self.root / _FIELD.sub(filled, pattern)


def read_info(root: Path) -> LerobotInfo:
    """Read ``meta/info.json``.

    Raises:
        OSError: There is none, or it cannot be read.
        BagError: It is damaged, of a version that is not known, or of a dataset of this package.
    """
    record = read_record(root / INFO, BagError)
    if (root / OWN).exists():
        raise BagError(
            f'{root}: is a dataset of this package already, padded for its layout: convert the '
            'recordings that it was made of; datasets are joined by neuracore_ros edit --merge'
        )
    said = record.text('codebase_version')
    known = _VERSION.fullmatch(said)
    if not known:
        raise record.wrong('codebase_version', 'v2.0, v2.1 or v3.0')
    version = int(known[1])
    features = record.record('features')
    if len(features.values()) > MOST_FEATURES:
        raise features.error(f'has more than {MOST_FEATURES} features')
    return LerobotInfo(
        root=root,
        version=version,
        fps=record.number('fps', MIN_RATE_HZ, MAX_RATE_HZ),
        features={
            key: _feature(key, each) for key, each in features.records() if key not in COUNTERS
        },
        chunk_size=record.count('chunks_size', default=1000),
        data_path=_pattern(record, 'data_path', version),
        video_path=_pattern(record, 'video_path', version),
    )


def _pattern(record: Record, key: str, version: int) -> str:
    # A dataset without videos has null.
    pattern = record.value(key, default=None)
    pattern = _PATHS[version][key] if pattern is None else record.text(key)
    path = PurePosixPath(pattern)
    if path.is_absolute() or '..' in path.parts or '\0' in pattern:
        raise record.wrong(key, 'a path below the dataset')
    return str(pattern)


def _feature(key: str, record: Record) -> LerobotFeature:
    if not key.strip() or len(key) > MAX_NAME or '/' in key or not key.isprintable():
        raise record.error(f'the name of a feature has 1 to {MAX_NAME} letters, and no /')
    dtype = record.text('dtype')
    if dtype in {'video', 'image'}:
        info = _info(record)
        return LerobotFeature(
            key,
            dtype,
            _image_shape(record),
            is_depth=any(info.get(k) is True for k in ('is_depth_map', 'video.is_depth_map')),
            info=info,
        )
    shape = record.value('shape', default=[1])
    if (
        not isinstance(shape, list)
        or not all(is_integer(each) and each >= 0 for each in shape)
        or math.prod(shape) > MOST_WIDTH
    ):
        raise record.wrong('shape', f'a list of sizes, at most {MOST_WIDTH} numbers in all')
    feature = LerobotFeature(key, dtype, tuple(shape))
    if not feature.is_vector:
        return feature
    names = _names(record.value('names', default=None))
    return LerobotFeature(key, dtype, tuple(shape), names if len(names) == feature.width else ())


def _info(record: Record) -> Mapping[str, object]:
    for key in ('info', 'video_info'):
        if isinstance(record.value(key, default=None), Mapping):
            return record.record(key).values()
    return {}


def _image_shape(record: Record) -> tuple[int, int, int]:
    """(height, width, channels), in whichever order the dataset has them."""
    given = record.value('shape')
    if isinstance(given, list) and len(given) == 2:
        height, width = record.sizes('shape', ('height', 'width'), MAX_CROP_PX)
        return height, width, 1
    shape = record.sizes('shape', ('height', 'width', 'channels'), MAX_CROP_PX)
    names = record.value('names', default=None)
    first = names[0] if isinstance(names, list) and names else ''
    is_first = first in {'channels', 'channel', 'c'} or (not first and shape[0] <= 4 < shape[2])
    height, width, channels = (*shape[1:], shape[0]) if is_first else shape
    return height, width, channels


def _names(value: object) -> tuple[str, ...]:
    """The names of numbers in any form: ``[a, b]``, ``{motors: [a, b]}``, ``{a: 0, b: 1}``."""
    if isinstance(value, Mapping) and value and all(map(is_integer, value.values())):
        ordered = sorted(value, key=lambda name: value[name])
        is_whole = [value[name] for name in ordered] == list(range(len(ordered)))
        return _names(ordered) if is_whole else ()
    if isinstance(value, Mapping):
        lists = [_names(each) for each in value.values()]
        return tuple(name for each in lists for name in each) if all(lists) else ()
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        return _names(value[0])
    if not isinstance(value, list) or not all(
        isinstance(each, str) and each.strip() and len(each) <= MAX_NAME for each in value
    ):
        return ()
    return tuple(value)
