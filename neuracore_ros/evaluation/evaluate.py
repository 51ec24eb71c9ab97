"""The evaluation of policies over recordings, policy by policy and robot by robot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from neuracore_ros.bags.bag import open_bag
from neuracore_ros.command.settings import Settings
from neuracore_ros.dataset import identity
from neuracore_ros.dataset.metadata import METADATA_PATH, Metadata, load_metadata
from neuracore_ros.description import DataType, Descriptions, Robot
from neuracore_ros.description.recorded_checks import doubts
from neuracore_ros.description.recorded_values import RecordedValues
from neuracore_ros.description.robot_checks import suspect_limits
from neuracore_ros.description.vocabulary import recorded_vocabulary
from neuracore_ros.errors import DatasetError, PolicyError, TrainingError, UserError
from neuracore_ros.evaluation.bag_track import BagTrack
from neuracore_ros.evaluation.compared_slots import ComparedSlots
from neuracore_ros.evaluation.episode_track import EpisodeTrack
from neuracore_ros.evaluation.figures import Figures, FigureSums
from neuracore_ros.evaluation.recording_traces import RecordingTraces, worst_pictured
from neuracore_ros.evaluation.replay import Replay, replay
from neuracore_ros.evaluation.synthetic_robot import synthetic_robot
from neuracore_ros.loading.batches import episodes_of
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import Embodiment
from neuracore_ros.policy.model_thread import ModelThread
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.remote.server_options import ServerOptions
from neuracore_ros.policy.trained_treatments import (
    other_recorded_senses,
    other_senses,
    treatment_warnings,
)
from neuracore_ros.policy.vocabularies import vocabulary_notes, vocabulary_warnings
from neuracore_ros.progress import ProgressCallback, StepProgressCallback
from neuracore_ros.records import read_record
from neuracore_ros.runner import Runner
from neuracore_ros.training.splitting import split
from neuracore_ros.wording import counted


@dataclass(frozen=True, slots=True)
class Case:
    """One policy on one robot.

    Attributes:
        policy: Its name, unlike those of the others.
        robot: The robot's name.
        rate_hz: Steps a second.
        figures: Over all recordings.
        recordings: Its recordings, in their order, with their traces.
        warnings: What does not fit quite, one line each.
    """

    policy: str
    robot: str
    rate_hz: float
    figures: Figures
    recordings: tuple[RecordingTraces, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcome of an evaluation.

    Attributes:
        cases: Policy by policy, robot by robot.
        descriptions: Of the robots.
        note: Which recordings were replayed, one line.
    """

    cases: tuple[Case, ...]
    descriptions: Descriptions
    note: str

    @property
    def worst(self) -> Case:
        """The case with the largest mean error; one that has none before all others."""
        errors = [case.figures.mean for case in self.cases]
        return self.cases[int(np.argmax(np.nan_to_num(errors, nan=np.inf)))]


def is_dataset(path: Path) -> bool:
    """True if a folder is a dataset of this package."""
    return (path / METADATA_PATH).is_file()


def evaluate_bags(
    policies: Sequence[Path | str],
    robot: Robot,
    bags: Sequence[Path],
    settings: Settings,
    namespace: str,
    progress: StepProgressCallback,
    use_sim_time: bool = False,
    with_pictures: bool = False,
) -> Evaluation:
    """Replay bags of one robot; ``with_pictures`` keeps what the first policy saw.

    Raises:
        UserError: A file is wrong, policy and robot do not fit, a bag lacks a topic, or none of
            its ticks is usable.
    """
    settings = replace(settings, dry_run=True)
    parts = _Parts(progress, len(policies) * len(bags))
    loaded = _load(policies)
    for policy in loaded.values():
        Runner(robot, policy.manifest, settings)
    cases: list[Case] = []
    for name, policy in loaded.items():
        outputs = ComparedSlots(robot, policy.manifest.output_layout, vocabulary=robot.vocabulary)
        replays = _Replays(outputs, policy, robot)
        notes: list[str] = []
        values: RecordedValues | None = None
        for path in bags:
            part = parts.next(f'{name}: {path.name}')
            runner = Runner(robot, policy.manifest, settings)
            with open_bag(path, namespace, use_sim_time) as bag:
                topics = {topic: kind for topic, (kind, _) in runner.topics.items()}
                track = BagTrack(bag, robot, policy.manifest, topics, part)
                wanted = with_pictures and not cases
                replays.add(replay(track, runner, policy.on(robot.name), outputs, wanted))
                notes += track.notes
            if values is None:
                values = track.values
            else:
                values.merge(track.values)
        doubted = tuple(doubt.text for doubt in doubts(values)) if values is not None else ()
        warnings = (*runner.warnings, *notes, *doubted)
        cases.append(replays.case(name, warnings))
    described = Descriptions(
        {robot.name: robot.input},
        {robot.name: robot.output},
        vocabulary=robot.vocabulary.id if robot.vocabulary else None,
    )
    count = f'{len(bags)} bags' if bags[1:] else str(bags[0])
    return Evaluation(tuple(cases), described, f'{count} of {robot.name}')


def evaluate_dataset(
    policies: Sequence[Path | str],
    dataset: Path,
    robots: Mapping[str, Robot],
    numbers: Sequence[int] | None,
    settings: Settings,
    progress: StepProgressCallback,
    with_pictures: bool = False,
) -> Evaluation:
    """Replay episodes of a dataset.

    Args:
        policies: Their files.
        dataset: The folder.
        robots: Robot files by name, for limits; those that are missing limit nothing.
        numbers: Episodes; None: those that training held back, else all.
        settings: Of the runner.
        progress: Called as recordings are replayed.
        with_pictures: Whether to keep what the first policy saw.

    Raises:
        UserError: A file is wrong, a policy and a robot of the dataset do not fit, there is no
            such episode, or none of its steps is usable.
    """
    settings = replace(settings, dry_run=True)
    metadata = load_metadata(dataset)
    chosen, note = _choose(policies, dataset, metadata, numbers)
    by_robot: dict[str, list[int]] = {}
    for number in chosen:
        by_robot.setdefault(metadata.episodes[number].robot, []).append(number)
    described = metadata.descriptions
    synthetic = {
        name: synthetic_robot(
            name, described.input[name], described.output[name], robots.get(name)
        )
        for name in by_robot
    }
    loaded = _load(policies)
    for name, policy in loaded.items():
        if abs(policy.manifest.rate_hz - metadata.rate_hz) > 1e-6:
            raise PolicyError(
                f'{name} runs at {policy.manifest.rate_hz:g} Hz; {dataset} has steps at '
                f'{metadata.rate_hz:g} Hz: replay its bags'
            )
        for robot in synthetic.values():
            Runner(robot, policy.manifest, settings)
    parts = _Parts(progress, len(policies) * len(chosen))
    cases: list[Case] = []
    for name, policy in loaded.items():
        for robot_name, own in by_robot.items():
            robot = synthetic[robot_name]
            layout, known = policy.manifest.output_layout, robots.get(robot_name)
            own_vocabulary = known.vocabulary if known is not None else None
            vocabulary = recorded_vocabulary(described.vocabulary, own_vocabulary)
            outputs = ComparedSlots(robot, layout, known, vocabulary)
            replays = _Replays(outputs, policy, robot)
            for number in own:
                part = parts.next(f'{name}: episode {number} of {robot_name}')
                runner = Runner(robot, policy.manifest, settings)
                topics = set(runner.topics)
                track = EpisodeTrack(dataset, metadata, number, robot, topics, part)
                wanted = with_pictures and name == next(iter(loaded))
                replays.add(replay(track, runner, policy.on(robot_name), outputs, wanted))
            # Limits that are made up are in no unit.
            made_up = set() if robot_name in robots else {*suspect_limits(robot)}
            # What a dataset holds is treated already.
            made_up |= {*treatment_warnings(robot, policy.manifest)}
            made_up |= {other_senses(robot, policy.manifest)}
            made_up |= {*vocabulary_warnings(None, policy.manifest, str(robot.path))}
            warnings = tuple(text for text in runner.warnings if text not in made_up)
            warnings += vocabulary_notes(described.vocabulary, policy.manifest, str(dataset))
            there = Embodiment(
                described.input[robot_name],
                described.output[robot_name],
                described.treated(robot_name),
            )
            text = other_recorded_senses(robot_name, there, policy.manifest, dataset)
            warnings += (text,) if text else ()
            cases.append(replays.case(name, warnings))
    only = Descriptions(
        {name: described.input[name] for name in by_robot},
        {name: described.output[name] for name in by_robot},
        vocabulary=described.vocabulary,
    )
    return Evaluation(tuple(cases), only, note)


def held_out(policy: Path, dataset: Path, metadata: Metadata) -> tuple[set[int] | None, str]:
    """The episodes that training held back, where the run beside a policy says so.

    Returns:
        Numbers of episodes, None where it is not known; and how they came about, one line.
    """
    run = policy.parent
    try:
        config = read_record(run / 'config.json', TrainingError)
        seed, rows = config.integer('seed'), config.integer('rows')
        learnt, known = config.text('dataset'), config.text('contents', default='')
    except (OSError, TrainingError):
        return None, f'no training run beside {policy} tells what it learnt from'
    steps, name = sum(episode.steps for episode in metadata.episodes), dataset.resolve().name
    if Path(learnt).name != name or rows != steps:
        return None, (
            f'{run} learnt from {rows} steps of {Path(learnt).name}, not from these {steps} of '
            f'{name}'
        )
    if known and known != identity.fingerprint(dataset, metadata):
        return None, f'{run} learnt from other episodes, or other numbers, than {name} has now'
    kept = {episode.number for episode in split(episodes_of(metadata), seed).validation}
    if not kept:
        return None, f'{run} held none back'
    return kept, f'{counted(len(kept), "episode")} that {run} held back'


class _Parts:
    """The progress of each recording, as that of all of them."""

    def __init__(self, progress: StepProgressCallback, count: int) -> None:
        self._progress, self._count, self._done = progress, count, -1

    def next(self, what: str) -> ProgressCallback:
        """Begin another recording; it has a callback of its own."""
        self._done += 1
        return lambda part: self._progress(what, (self._done + part) / self._count)


def _choose(
    policies: Sequence[Path | str],
    dataset: Path,
    metadata: Metadata,
    numbers: Sequence[int] | None,
) -> tuple[list[int], str]:
    """Choose episodes, and say why these."""
    count = len(metadata.episodes)
    if not count:
        raise DatasetError(f'{dataset}: has no episodes; add some with: neuracore_ros convert')
    if numbers is not None:
        wrong = [number for number in numbers if number >= count]
        if wrong:
            raise DatasetError(f'{dataset}: has no episode {wrong[0]}; it has 0 to {count - 1}')
        return sorted(set(numbers)), 'episodes as chosen'
    found = [held_out(Path(policy), dataset, metadata) for policy in policies]
    known = [kept for kept, _ in found if kept is not None]
    shared = set.intersection(*known) if known else set(range(count))
    if not shared:
        raise UserError(
            'these policies held no episode back in common; choose some with --episodes'
        )
    why = '; '.join(dict.fromkeys(note for _, note in found))
    everything = f'all {count} episodes' if count > 1 else 'the only episode'
    return sorted(shared), why if known else f'{everything}: {why}'


def _load(paths: Sequence[Path | str]) -> dict[str, Policy]:
    """Policies by names that tell them apart, warmed up."""
    for path, times in Counter(paths).items():
        if times > 1:
            raise UserError(f'{path}: is given {times} times; give each policy once')
    parts = 1
    while len({_name(path, parts) for path in paths}) < len(paths):
        parts += 1
    thread, load = ModelThread(), partial(load_policy, server=ServerOptions.patient())
    loaded = {_name(path, parts): thread.load(partial(load, path)) for path in paths}
    for policy in loaded.values():
        policy.warm_up()
    return loaded


def _name(path: Path | str, parts: int) -> str:
    if isinstance(path, str):
        return path
    return str(Path(*path.resolve().parts[-parts:]))


class _Replays:
    """The replays of one policy on one robot, added up as they come; none of them is kept."""

    def __init__(self, outputs: ComparedSlots, policy: Policy, robot: Robot) -> None:
        self._outputs, self._policy, self._robot = outputs, policy, robot
        self._sums = FigureSums(outputs, policy.manifest.horizon)
        self._traces: list[RecordingTraces] = []
        self._waiting = ''

    def add(self, one: Replay) -> None:
        """Take another; of all pictures only those of the worst are kept."""
        cameras = self._robot.input.get(DataType.RGB_IMAGES, {})
        horizon = self._policy.manifest.horizon
        self._traces.append(RecordingTraces.of(one, self._outputs, horizon, cameras))
        self._traces = worst_pictured(self._traces)
        self._waiting = self._waiting or one.waiting
        self._sums.add(one)

    def case(self, name: str, warnings: tuple[str, ...]) -> Case:
        """The figures of all."""
        robot, manifest, traces = self._robot.name, self._policy.manifest, self._traces
        found = self._sums.figures()
        if not found.entries.any():
            why = self._waiting or 'nothing was predicted'
            where = traces[0].name if len(traces) == 1 else f'{len(traces)} recordings'
            raise UserError(
                f"{where}: no step can be compared for '{robot}' with {name} "
                f'({found.observed} of {found.ticks} steps have a usable observation): {why}'
            )
        return Case(name, robot, manifest.rate_hz, found, tuple(traces), warnings)
