"""Recordings held against a robot file, for ``check --bag``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neuracore_ros.cli.check_summary import CheckSummary
from neuracore_ros.description import Robot, Source
from neuracore_ros.description.recorded_checks import Severity, doubts
from neuracore_ros.errors import UserError
from neuracore_ros.policy.compatibility import trained_positions
from neuracore_ros.policy.hazards import HazardKind
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.wording import counted

if TYPE_CHECKING:
    from neuracore_ros.bags.bag import Bag

# The rate of a recording, unless a policy determines it.
_DEFAULT_RATE_HZ = 20.0
# Of a LeRobot dataset, whose episodes are of one robot; convert says it of all.
_MOST_EPISODES = 3


def some_recordings(path: Path, result: CheckSummary) -> Iterator[Path]:
    """Give the recordings to check: of a dataset, its first episodes, until one is wrong."""
    from neuracore_ros.bags.expansion import expanded

    found = expanded([path])
    if found[_MOST_EPISODES:]:
        result.facts.append(f'{path}: its first {_MOST_EPISODES} of {len(found)} episodes follow')
    for bag in found[:_MOST_EPISODES]:
        if not result.errors:
            yield bag


def check_recording(
    robot: Robot,
    path: Path,
    manifest: Manifest | None,
    result: CheckSummary,
    namespace: str = '',
    by_clock: bool = False,
) -> None:
    """Hold a recording against a robot file, and try what ``convert`` would make of it.

    Args:
        robot: The robot.
        path: The recording.
        manifest: Of the policy, which determines the rate; None where it could not be loaded.
        result: Where the lines go.
        namespace: In which the topics were recorded.
        by_clock: Whether times are those of ``/clock``.

    Raises:
        UserError: It cannot be opened.
    """
    from neuracore_ros.bags.bag import open_bag
    from neuracore_ros.convert.observed_values import observed_values
    from neuracore_ros.convert.recording import survey
    from neuracore_ros.convert.topic_checks import require_name, require_topics

    rate_hz = manifest.rate_hz if manifest else _DEFAULT_RATE_HZ
    topics: dict[str, dict[str, Source]] = {}
    declared = (*robot.input_sources(), *robot.all_measured())
    for source in declared:
        topics.setdefault(source.topic, {})[source.message_name] = source
    with open_bag(path, namespace, by_clock) as bag:
        messages, kinds = counted(bag.count, 'message'), counted(len(bag.topics), 'topic')
        result.facts.append(f'{path}: {messages} on {kinds}')
        for named in topics.values():
            with result.noting():
                require_topics(bag, list(named.values())[:1], robot.path, declared)
                for source in named.values():
                    require_name(bag, source)
        if result.errors:
            return
        commanded = robot.output_sources()
        try:
            require_topics(bag, commanded, robot.path, declared)
        except UserError as error:
            result.warnings.append(f'convert cannot use it: {error}')
            commanded = ()
        values = observed_values(bag, robot, commanded, rate_hz)
        for doubt in doubts(values):
            if doubt.severity is Severity.DOUBTED:
                result.warnings.append(f'{path}: {doubt.text}')
            else:
                result.suspect(HazardKind.UNITS, f'{path}: {doubt.text}')
        _check_recorded_chains(bag, robot, commanded, manifest, rate_hz, result)
    if not commanded:
        return
    found = survey(robot, path, rate_hz, namespace, use_sim_time=by_clock)
    if found.error:
        result.errors.append(found.error)
    else:
        result.facts.append(found.line())
    result.warnings += [f'{path}: lost: {loss}' for loss in found.losses]


def _check_recorded_chains(
    bag: Bag,
    robot: Robot,
    commanded: Sequence[Source],
    manifest: Manifest | None,
    rate_hz: float,
    result: CheckSummary,
) -> None:
    """Tell where each hand was and was sent, and whether inverse kinematics follows."""
    from neuracore_ros.convert.chain_values import chain_doubts, chain_facts, chain_values, follow

    for values in chain_values(bag, robot, rate_hz, commanded):
        if not values.joints:
            continue
        followed, slot = follow(values, robot, rate_hz), values.output
        trained = None
        if manifest is not None:
            trained = trained_positions(manifest, slot.data_type, slot.index)
        result.facts.append(f'{bag.path}: {chain_facts(values, followed)}')
        for text in chain_doubts(values, followed, trained):
            result.add('warning', f'{bag.path}: {text}')
