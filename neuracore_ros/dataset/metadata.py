"""``meta/neuracore_ros.json``: what LeRobot's own metadata has no place for.

The episodes that it lists are the dataset.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from neuracore_ros.bounds import MAX_RATE_HZ, MAX_SIDE_PX, MAX_STEPS, MIN_RATE_HZ
from neuracore_ros.dataset.unfinished import unfinished_edit
from neuracore_ros.description import (
    DescriptionError,
    Descriptions,
    EmbodimentDescription,
    Layout,
    embodiment,
    plain,
)
from neuracore_ros.description.treatment_records import plain_treatments, read_treatments
from neuracore_ros.description.vocabulary import read_vocabulary_id
from neuracore_ros.errors import DatasetError, quoted
from neuracore_ros.files import require_utf8
from neuracore_ros.given_path import in_shell
from neuracore_ros.records import Record, RecordOrigin, parse_record
from neuracore_ros.regular_file import read_bytes
from neuracore_ros.similar_names import similar_file

METADATA_PATH = Path('meta/neuracore_ros.json')
FORMAT = 1
# Times of 64 bits, which is all that a message has room for [ns].
_FOREVER_NS = 2**63 - 1
SUCCESS = 'success'
"""The outcome of an episode that its marker calls one."""
AFRESH = 'copy the dataset again, or convert its recordings into a new one'
"""What to do about one that is damaged."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode; its number is its place in :attr:`Metadata.episodes`.

    Attributes:
        robot: Whose it is.
        bag: The recording it comes from, as it was given.
        start_ns: Log time of its first tick, [ns].
        steps: Number of rows.
        fingerprint: The recording's, however it is called.
        dropped: Reason -> unusable ticks of the bag since the episode before.
        outcome: ``success``, as its marker says; '' if unknown.
        cutting: How the recording was cut, in options of ``convert``; '' not at all.
        policy: The policy that commanded in it; several are joined by commas; '' none.
        interventions: Stretches in which a human commanded in place of the policy.
        pair: Label that it has in common with episodes of other robots; '' none.
        attempt_ns: Log time at which its attempt begins, [ns]; pieces of one, between which nobody
            commanded or a stream was silent, have it in common; 0 unknown.
    """

    robot: str
    bag: str
    start_ns: int
    steps: int
    fingerprint: str = ''
    dropped: Mapping[str, int] = field(default_factory=dict)
    outcome: str = ''
    cutting: str = ''
    policy: str = ''
    interventions: int = 0
    pair: str = ''
    attempt_ns: int = 0

    @property
    def is_success(self) -> bool:
        """True if it was marked as a success."""
        return self.outcome == SUCCESS


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """Figures of a declared stream: what it brought, and what it cost.

    Attributes:
        topic: As declared.
        role: ``input`` or ``output``.
        names: The names that it serves.
        samples: Messages that brought something new.
        rate_hz: Samples per second of the name that came least often.
        age_s_p50: Median age at ticks, [s]; None where there was no tick.
        age_s_p95: Age that 95 % of the ticks stay below, [s]; likewise.
        age_s_max: Largest age at a tick, [s]; likewise.
        longest_gap_s: Between two samples, [s].
        slowest: That name, where others came more often; else ''.
        drops: Reason -> messages that were refused for it, wholly or in part.
        ticks_dropped: Reason -> ticks at which some name had no usable value.
    """

    topic: str
    role: str
    names: tuple[str, ...]
    samples: int = 0
    rate_hz: float = 0.0
    age_s_p50: float | None = None
    age_s_p95: float | None = None
    age_s_max: float | None = None
    longest_gap_s: float | None = None
    slowest: str = ''
    drops: Mapping[str, int] = field(default_factory=dict)
    ticks_dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConvertedBag:
    """A recording of which every episode is in the dataset.

    Attributes:
        robot: Whose streams were read.
        bag: Its path, as it was given.
        fingerprint: What it is known by, however it is called.
        ticks: Ticks between the start of the last stream and the end of the bag.
        dropped: Reason -> unusable ticks, and ticks outside of episodes.
        short_pieces: Pieces that were dropped because they had too few steps.
        short_steps: Steps of these pieces.
        cutting: How it was cut, in options of ``convert``; '' not at all.
        losses: What of it could not be read, a line each.
        streams: Every declared stream: samples, rate, ages, and what was refused.
        files: Digest of the names, sizes and times of its files; '' unknown. While they are the
            same at the same path, it need not be read again to be known.
    """

    robot: str
    bag: str
    fingerprint: str
    ticks: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    short_pieces: int = 0
    short_steps: int = 0
    cutting: str = ''
    losses: Sequence[str] = ()
    streams: Sequence[StreamSummary] = ()
    files: str = ''


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of a dataset: what is fixed for it, its episodes and recordings.

    Attributes:
        rate_hz: Steps per second, [Hz].
        image_size: (height, width) of every image, [px].
        descriptions: Every robot that the layouts were made for, or that was added later.
        episodes: In the order of their numbers.
        bags: Recordings that were converted wholly.
        has_control: Whether its rows say who commanded; those of datasets made before do not.
        removed: Episodes that ``edit`` has left out; ``convert`` does not bring them back.
    """

    rate_hz: float
    image_size: tuple[int, int]
    descriptions: Descriptions
    episodes: tuple[Episode, ...] = ()
    bags: tuple[ConvertedBag, ...] = ()
    has_control: bool = True
    removed: tuple[Episode, ...] = ()

    @property
    def input_layout(self) -> Layout:
        """Widths of the inputs."""
        return self.descriptions.input_layout

    @property
    def output_layout(self) -> Layout:
        """Widths of the outputs."""
        return self.descriptions.output_layout

    def to_json(self) -> str:
        """Write format 1."""
        return ''.join(document(self, map(line, self.episodes), map(line, self.bags)))

    @classmethod
    def from_json(cls, text: str | bytes, where: str) -> Metadata:
        """Read format 1, which errors call ``where``; unknown keys are ignored.

        Raises:
            DatasetError: No JSON, another format, or a key that is missing or wrong.
        """
        record = parse_record(text, RecordOrigin(where, DatasetError, AFRESH))
        if (number := record.value('format')) != FORMAT or isinstance(number, bool):
            raise DatasetError(
                f'{where}: format {quoted(number)} is unknown; this version reads {FORMAT}: '
                'take the version of neuracore_ros that made it'
            )
        height, width = record.sizes('image_size', ('height', 'width'), MAX_SIDE_PX)
        robots = record.record('descriptions')
        found = cls(
            rate_hz=record.number('rate_hz', MIN_RATE_HZ, MAX_RATE_HZ),
            image_size=(height, width),
            descriptions=Descriptions(
                {name: _described(robot, 'input') for name, robot in robots.records()},
                {name: _described(robot, 'output') for name, robot in robots.records()},
                treatments={
                    name: read_treatments(robot.record('treatments'))
                    for name, robot in robots.records()
                    if robot.has('treatments')
                },
                vocabulary=read_vocabulary_id(record),
            ),
            episodes=_episodes(record.record('episodes')),
            bags=tuple(_bag(each) for each in record.listed('bags', default=[])),
            has_control=record.flag('has_control'),
            removed=tuple(_episode(each) for each in record.listed('removed', default=[])),
        )
        for number, episode in enumerate(found.episodes):
            if episode.robot not in robots:
                known = ', '.join(robots) or 'none'
                raise record.error(
                    f'episode {number} is of {quoted(episode.robot)}; described are: {known}'
                )
        return found


def line(value: Episode | ConvertedBag) -> str:
    """Write one entry of the document."""
    return json.dumps(asdict(value))


def document(metadata: Metadata, episodes: Iterable[str], bags: Iterable[str]) -> Iterator[str]:
    """Format 1, one line for each episode and recording, in pieces: the whole grows large.

    Args:
        metadata: What is fixed, and what was removed.
        episodes: Its episodes, and
        bags: its recordings, as :func:`line` writes them: a writer keeps these, so that the
            thousandth commit costs no more than the first.
    """
    described = metadata.descriptions
    head = {
        'format': FORMAT,
        'rate_hz': metadata.rate_hz,
        'image_size': list(metadata.image_size),
        **({'has_control': True} if metadata.has_control else {}),
        **({} if described.vocabulary is None else described.vocabulary.plain()),
        'descriptions': {
            robot: {
                'input': plain(described.input[robot]),
                'output': plain(described.output[robot]),
                **(
                    {}
                    if (treated := described.treated(robot)) is None
                    else {'treatments': plain_treatments(treated)}
                ),
            }
            for robot in described.input
        },
    }
    yield '{'
    for key, value in head.items():
        yield f'"{key}": {json.dumps(value)},\n '
    yield '"episodes": {'
    yield from _lines(f'"{number}": {text}' for number, text in enumerate(episodes))
    yield '},\n "bags": ['
    yield from _lines(bags)
    if metadata.removed:
        yield '],\n "removed": ['
        yield from _lines(map(line, metadata.removed))
    yield ']}\n'


def _lines(entries: Iterable[str]) -> Iterator[str]:
    between = ''
    for entry in entries:
        yield between + entry
        between = ',\n  '


def load_metadata(dataset: Path | str) -> Metadata:
    """Read the metadata of a dataset.

    Raises:
        DatasetError: There is no dataset of this package in that folder, or it is damaged.
    """
    require_utf8(Path(dataset), DatasetError)
    path = Path(dataset) / METADATA_PATH
    try:
        text = read_bytes(path)
    except OSError as error:
        if begun := unfinished_edit(Path(dataset)):
            raise DatasetError(begun) from error
        if path.with_name('info.json').is_file():
            raise DatasetError(
                f'{dataset}: is a dataset of LeRobot, not of neuracore_ros; convert it first: '
                f'neuracore_ros convert NEW --description ROBOT.yaml {in_shell(dataset)}'
            ) from error
        raise DatasetError(
            f'{dataset}: not a dataset of neuracore_ros ({METADATA_PATH} cannot be read)'
            f'{similar_file(Path(dataset)) or "; make one with: neuracore_ros convert"}'
        ) from error
    return Metadata.from_json(text, str(path))


def _described(robot: Record, role: str) -> EmbodimentDescription:
    try:
        return embodiment(robot.value(role), f'{robot.where}: {role}')
    except DescriptionError as error:
        raise DatasetError(f'{error}; {AFRESH}') from error


def _episodes(record: Record) -> tuple[Episode, ...]:
    """The episodes, which are numbered without a gap."""
    count = len(list(record))
    return tuple(_episode(record.record(str(number))) for number in range(count))


def _episode(record: Record) -> Episode:
    return Episode(
        robot=record.name('robot'),
        bag=record.text('bag'),
        start_ns=record.integer('start_ns', -_FOREVER_NS, _FOREVER_NS),
        steps=record.count('steps', MAX_STEPS),
        fingerprint=record.text('fingerprint', default=''),
        dropped=record.counts('dropped'),
        outcome=record.text('outcome', default=''),
        cutting=record.text('cutting', default=''),
        policy=record.text('policy', default=''),
        interventions=record.integer('interventions', 0, MAX_STEPS, default=0),
        pair=record.text('pair', default=''),
        attempt_ns=record.integer('attempt_ns', -_FOREVER_NS, _FOREVER_NS, default=0),
    )


def _bag(record: Record) -> ConvertedBag:
    return ConvertedBag(
        robot=record.name('robot'),
        bag=record.text('bag'),
        fingerprint=record.text('fingerprint'),
        ticks=record.integer('ticks', default=0),
        dropped=record.counts('dropped'),
        short_pieces=record.integer('short_pieces', default=0),
        short_steps=record.integer('short_steps', default=0),
        cutting=record.text('cutting', default=''),
        losses=record.texts('losses'),
        streams=tuple(map(_stream, record.listed('streams', default=[]))),
        files=record.text('files', default=''),
    )


def _stream(record: Record) -> StreamSummary:
    return StreamSummary(
        topic=record.text('topic'),
        role=record.text('role'),
        names=record.texts('names'),
        samples=record.integer('samples', default=0),
        rate_hz=record.measured('rate_hz') or 0.0,
        age_s_p50=record.measured('age_s_p50'),
        age_s_p95=record.measured('age_s_p95'),
        age_s_max=record.measured('age_s_max'),
        longest_gap_s=record.measured('longest_gap_s'),
        slowest=record.text('slowest', default=''),
        drops=record.counts('drops'),
        ticks_dropped=record.counts('ticks_dropped'),
    )
