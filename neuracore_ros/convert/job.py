"""The job of a run of convert, fixed before the first recording is opened."""

from __future__ import annotations

import copyreg
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from neuracore_ros.bags.simulated_clock import OPTION
from neuracore_ros.convert.cutting import WHOLE, Cutting
from neuracore_ros.dataset.metadata import Episode, Metadata
from neuracore_ros.description import Descriptions, Robot
from neuracore_ros.description.treatment import treatments
from neuracore_ros.errors import DatasetError, DescriptionError

RATE_HZ = 20.0
IMAGE_SIZE = (224, 224)
MIN_STEPS = 10


@dataclass(frozen=True, slots=True)
class ConvertSettings:
    """The options of ``convert``.

    Attributes:
        rate_hz: Steps per second, [Hz]; None: the dataset's, or 20 Hz for a new one.
        image_size: (height, width), [px]; None: the dataset's, or 224x224 for a new one.
        min_steps: Shorter pieces are dropped.
        task: What is done in these recordings; None: what each of them says itself.
        namespace: Where topics without a leading slash were recorded.
        use_sim_time: What /clock said counts, not when a message was recorded.
        cutting: Which parts of a recording are episodes.
        workers: Recordings that are converted side by side, each in a process.
        scheduler: Address of a Dask scheduler whose workers convert instead; '' none.
        pairs: Recording -> its pair label; others have the one that they say themselves.
    """

    rate_hz: float | None = None
    image_size: tuple[int, int] | None = None
    min_steps: int = MIN_STEPS
    task: str | None = None
    namespace: str = ''
    use_sim_time: bool = False
    cutting: Cutting = WHOLE
    workers: int = 1
    scheduler: str = ''
    pairs: Mapping[Path, str] = field(default_factory=dict)

    @property
    def options(self) -> str:
        """The options of ``convert`` that say where its episodes lie in time; '' for none."""
        time = [OPTION] if self.use_sim_time else []
        return ' '.join([*time, *filter(None, [str(self.cutting)])])


@dataclass(frozen=True, slots=True)
class Job:
    """The job of a run, as every recording needs it; it can be sent to a process.

    Attributes:
        dataset: Its folder.
        staging: The folder for episodes that are not in the dataset yet.
        robot: Whose recordings these are.
        metadata: Layouts, rate and image size; without episodes.
        settings: The rest.
        finished: Fingerprints of recordings that need no work.
        cuttings: Fingerprint -> how a recording that is in the dataset was cut.
        starts_ns: Fingerprint -> first ticks of the episodes that a recording has in the dataset,
            [ns].
        removed_ns: Fingerprint -> first ticks of episodes that ``edit`` has left out, [ns].
        pairs: Fingerprint -> pair label of the episodes that a recording has in the dataset.
        paths: Fingerprint -> where each recording that is in the dataset lay.
        unread: Path and digest of the files -> fingerprint, of finished recordings.
    """

    dataset: Path
    staging: Path
    robot: Robot
    metadata: Metadata
    settings: ConvertSettings
    finished: frozenset[str] = frozenset()
    cuttings: Mapping[str, str] = field(default_factory=dict)
    starts_ns: Mapping[str, AbstractSet[int]] = field(default_factory=dict)
    removed_ns: Mapping[str, AbstractSet[int]] = field(default_factory=dict)
    pairs: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[tuple[str, str], str] = field(default_factory=dict)


def plan(
    dataset: Path, staging: Path, robot: Robot, metadata: Metadata, settings: ConvertSettings
) -> Job:
    """Make the job of a run, given what the dataset has already."""
    bags = [bag for bag in metadata.bags if bag.robot == robot.name]
    episodes = [episode for episode in metadata.episodes if episode.robot == robot.name]
    removed = [episode for episode in metadata.removed if episode.robot == robot.name]
    known = *episodes, *removed
    return Job(
        dataset=dataset,
        staging=staging,
        robot=robot,
        metadata=replace(metadata, episodes=(), bags=(), removed=()),
        settings=settings,
        finished=frozenset(bag.fingerprint for bag in bags),
        cuttings={b.fingerprint: b.cutting for b in bags}
        | {e.fingerprint: e.cutting for e in known},
        starts_ns=_starts_ns(episodes),
        removed_ns=_starts_ns(removed),
        pairs={episode.fingerprint: episode.pair for episode in episodes},
        paths={e.fingerprint: e.bag for e in known} | {b.fingerprint: b.bag for b in bags},
        unread={(bag.bag, bag.files): bag.fingerprint for bag in bags if bag.files},
    )


def _starts_ns(episodes: Iterable[Episode]) -> dict[str, set[int]]:
    """The first ticks of each recording's episodes."""
    found: dict[str, set[int]] = {}
    for episode in episodes:
        found.setdefault(episode.fingerprint, set()).add(episode.start_ns)
    return found


def new_metadata(descriptions: Descriptions, settings: ConvertSettings) -> Metadata:
    """The metadata that a new dataset begins with."""
    return Metadata(
        settings.rate_hz or RATE_HZ,
        settings.image_size or IMAGE_SIZE,
        Descriptions(
            descriptions.input,
            descriptions.output,
            treatments={name: treatments(robot) for name, robot in descriptions.robots.items()},
            vocabulary=descriptions.vocabulary,
        ),
    )


def require_output(robot: Robot) -> None:
    """Check that there is something to learn.

    Raises:
        DescriptionError: There is not.
    """
    for kind in robot.output:
        if not kind.is_commandable:
            raise DescriptionError(f'{robot.path}: output {kind} is not supported: no command')
    if not robot.output:
        raise DescriptionError(f'{robot.path}: the robot has no output: nothing to learn')


def require_same(dataset: Path, metadata: Metadata, settings: ConvertSettings) -> None:
    """Refuse what would change a dataset that has episodes.

    Raises:
        DatasetError: The rate or the image size differ.
    """
    if settings.rate_hz not in {None, metadata.rate_hz}:
        raise DatasetError(
            f'{dataset}: was made with --rate-hz {metadata.rate_hz:g}, which cannot become '
            f'{settings.rate_hz:g}; leave the option out, or convert into another dataset'
        )
    if settings.image_size not in {None, metadata.image_size}:
        raise DatasetError(
            f'{dataset}: was made with --image-size {_size(metadata.image_size)}, which cannot '
            f'become {_size(settings.image_size)}; leave the option out, or convert into '
            'another dataset'
        )


def _size(size: tuple[int, int] | None) -> str:
    height, width = size or IMAGE_SIZE
    return f'{width}x{height}'


def _read_only(values: dict[object, object]) -> MappingProxyType[object, object]:
    return MappingProxyType(values)


# Descriptions hold read-only mappings, which Python alone cannot send to another process.
copyreg.pickle(MappingProxyType, lambda mapping: (_read_only, (dict(mapping),)))
