"""A server file: what the arrays of somebody else's policy server mean (docs/server_file.md)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from neuracore_ros.bounds import (
    MAX_HORIZON,
    MAX_OBSERVATION_STEPS,
    MAX_RATE_HZ,
    MIN_RATE_HZ,
)
from neuracore_ros.description import DataType
from neuracore_ros.errors import DescriptionError, PolicyError, quoted, unreadable
from neuracore_ros.policy.remote.pose_numbers import ROTATIONS, rotation_of
from neuracore_ros.policy.remote.server_columns import (
    ReceivedColumn,
    ReceivedColumns,
    SentColumn,
    parse_received,
)
from neuracore_ros.policy.remote.server_requests import (
    Keys,
    SentImage,
    SentPart,
    SentText,
    parse_send,
)
from neuracore_ros.regular_file import read_text
from neuracore_ros.yaml_value import ENDINGS, MOST_BYTES, YamlValue, parse_yaml

OPENPI, GROOT = 'openpi', 'gr00t'
VERSIONS = ('1.5', '1.6', '1.7')
"""Of GR00T N; the keys of 1.5 are flat, those of later ones nested."""
KEYS = (
    'server', 'version', 'address', 'rate_hz', 'horizon', 'execute', 'steps', 'send', 'receive'
)  # fmt: skip
"""Of a server file."""
STEPS = ('images', 'numbers')
"""What several steps are sent of."""

_SCHEMES = {OPENPI: ('ws://', 'wss://'), GROOT: ('tcp://',)}
_COUNT = re.compile(r'[1-9][0-9]{0,8}')
_STEP = re.compile(r'0|-[1-9][0-9]{0,8}')


@dataclass(frozen=True, slots=True)
class ServerFile:
    """One server file, checked as a whole.

    Attributes:
        path: The file.
        sha256: Of its text.
        server: 'openpi' or 'gr00t': whose protocol it speaks.
        version: Of GR00T N; '' of openpi.
        address: Where it answers; '' where the file does not say.
        rate_hz: Rows of an answer per second, [Hz].
        horizon: Rows of an answer, H.
        execute: Rows that its authors execute before they ask again; None: not known.
        image_steps: The steps of each image that are sent, 0 the newest, [steps]; None: the
            newest, without an axis of steps where the protocol can do without.
        number_steps: Those of numbers, likewise.
        send: Keys -> what stands there in a request.
        receive: Keys -> the columns of an array in an answer.
    """

    path: Path
    sha256: str
    server: str
    version: str
    address: str
    rate_hz: float
    horizon: int
    execute: int | None
    image_steps: tuple[int, ...] | None
    number_steps: tuple[int, ...] | None
    send: Mapping[Keys, SentPart]
    receive: Mapping[Keys, ReceivedColumns]

    @classmethod
    def read(cls, path: str | Path) -> ServerFile:
        """Read a server file.

        Raises:
            PolicyError: It is missing or no such file, or a key or a value of it is wrong.
        """
        path = Path(path)
        try:
            return cls.parse(read_text(path, MOST_BYTES), path)
        except OSError as error:
            raise PolicyError(unreadable(path, error, ENDINGS)) from error
        except UnicodeDecodeError as error:
            raise PolicyError(f'{path}: is not text in UTF-8: is it the right file?') from error

    @classmethod
    def parse(cls, text: str, path: Path) -> ServerFile:
        """Read the text of a server file; the path is for messages.

        Raises:
            PolicyError: A key or a value of it is wrong.
        """
        try:
            return _parse(parse_yaml(text, path), path, hashlib.sha256(text.encode()).hexdigest())
        except DescriptionError as error:
            raise PolicyError(str(error)) from error

    def answering_at(self, address: str) -> ServerFile:
        """The same file of a server at another address.

        Raises:
            PolicyError: The address is none of this protocol.
        """
        if not address.startswith(_SCHEMES[self.server]):
            raise PolicyError(
                f'{self.path}: address of {self.server} begins with '
                f'{" or ".join(_SCHEMES[self.server])}, unlike {quoted(address)}'
            )
        return replace(self, address=address)

    @property
    def is_nested(self) -> bool:
        """True for GR00T N1.6 and later, whose arrays begin with axes of a batch and of steps."""
        return self.server == GROOT and self.version != VERSIONS[0]

    @property
    def observation_steps(self) -> int:
        """Newest steps that a request is made of, T."""
        return 1 - min((0, *(self.image_steps or ()), *(self.number_steps or ())))

    def images(self) -> Iterator[SentImage]:
        """The images of a request."""
        return (part for part in self.send.values() if isinstance(part, SentImage))

    def texts(self) -> Iterator[SentText]:
        """The texts of a request."""
        return (part for part in self.send.values() if isinstance(part, SentText))

    def sent_columns(self) -> Iterator[SentColumn]:
        """The columns of a request that are numbers of slots."""
        for part in self.send.values():
            if isinstance(part, tuple):
                yield from (column for column in part if isinstance(column, SentColumn))

    def received_columns(self) -> Iterator[ReceivedColumn]:
        """The columns of an answer that are used."""
        for columns in self.receive.values():
            yield from filter(None, columns)


def _parse(root: YamlValue, path: Path, sha256: str) -> ServerFile:
    values = root.fields('a server file', KEYS)
    for key in ('server', 'rate_hz', 'horizon', 'send', 'receive'):
        if key not in values:
            raise root.error(f'lacks {key}')
    server = values['server'].choice('server', _SCHEMES)
    horizon = _count(values['horizon'], 'horizon', MAX_HORIZON)
    execute = _count(values['execute'], 'execute', horizon) if 'execute' in values else None
    steps = values['steps'].fields('steps', STEPS) if 'steps' in values else {}
    images, numbers = (_steps(steps[key], key) if key in steps else None for key in STEPS)
    return ServerFile(
        path=path,
        sha256=sha256,
        server=server,
        version=_version(values.get('version'), server, root),
        address=_address(values.get('address'), server),
        rate_hz=_rate(values['rate_hz']),
        horizon=horizon,
        execute=execute,
        image_steps=images,
        number_steps=numbers,
        send=dict(parse_send(values['send'])),
        receive=_receive(values['receive']),
    )


def _version(value: YamlValue | None, server: str, root: YamlValue) -> str:
    if server != GROOT:
        if value is not None:
            raise value.error(f'version is of {GROOT}: remove it')
        return ''
    if value is None:
        raise root.error(f'lacks version, of GR00T N. Known: {", ".join(VERSIONS)}')
    return value.choice('version', VERSIONS)


def _address(value: YamlValue | None, server: str) -> str:
    if value is None:
        return ''
    address, schemes = value.string('address'), _SCHEMES[server]
    if not address.startswith(schemes):
        raise value.error(
            f'address of {server} begins with {" or ".join(schemes)}, unlike {value}'
        )
    return address


def _rate(value: YamlValue) -> float:
    rate_hz = value.number('rate_hz')
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise value.error(f'rate_hz must be in {MIN_RATE_HZ:g}..{MAX_RATE_HZ:g}, not {value}')
    return rate_hz


def _count(value: YamlValue, what: str, most: int) -> int:
    text = str(value.content)
    if not _COUNT.fullmatch(text) or int(text) > most:
        raise value.error(f'{what} must be an integer from 1 to {most}, not {value}')
    return int(text)


def _steps(value: YamlValue, key: str) -> tuple[int, ...]:
    what = f'steps: {key}'
    texts = [str(each.content) for each in value.elements(f'{what}, such as [-15, 0],')]
    steps = [int(text) for text in texts if _STEP.fullmatch(text)]
    if not steps or len(steps) != len(texts) or steps != sorted(set(steps)):
        raise value.error(f'{what} must be ascending integers up to 0, such as [-15, 0]')
    if -steps[0] >= MAX_OBSERVATION_STEPS:
        raise value.error(f'{what}: {steps[0]} is beyond {1 - MAX_OBSERVATION_STEPS}')
    return tuple(steps)


def _receive(value: YamlValue) -> dict[Keys, ReceivedColumns]:
    found = dict(_arrays(value, (), 'receive'))
    seen: dict[tuple[DataType, int, str], Keys] = {}
    poses: dict[tuple[DataType, int], list[ReceivedColumn]] = {}
    for keys, columns in found.items():
        for column in filter(None, columns):
            place = column.kind, column.index, column.number
            if place in seen:
                raise value.error(
                    f'receive: {column} is in {": ".join(seen[place])} and in {": ".join(keys)}'
                )
            seen[place] = keys
            if column.kind.is_pose:
                poses.setdefault((column.kind, column.index), []).append(column)
    for (kind, index), numbers in poses.items():
        _require_pose(kind, index, numbers, value)
    return found


def _require_pose(
    kind: DataType, index: int, columns: list[ReceivedColumn], value: YamlValue
) -> None:
    what, numbers = f'receive: {kind} {index}', [column.number for column in columns]
    if not rotation_of(numbers):
        raise value.error(
            f'{what} needs xyz and one of {", ".join(ROTATIONS)}. It has: {", ".join(numbers)}'
        )
    if len({column.mode for column in columns}) > 1:
        raise value.error(f'{what}: all numbers of a pose must have one mode')


def _arrays(value: YamlValue, keys: Keys, what: str) -> Iterator[tuple[Keys, ReceivedColumns]]:
    pairs = value.mapping(what)
    if not pairs:
        raise value.error(f'{what}: is empty')
    for text, (key, inner) in pairs.items():
        here = f'{what}: {key.string(what)}'
        if inner.is_mapping() and not any(k in DataType.__members__ for k in inner.mapping(here)):
            yield from _arrays(inner, (*keys, text), here)
        else:
            yield (*keys, text), parse_received(inner, here)
