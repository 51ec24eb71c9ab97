"""``neuracore_ros check``: all that would stop ``configure``, before the robot is on."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from neuracore_ros.cli.arguments import BY_CLOCK, OR_SHIPPED, OWN_NAMESPACE, POLICY, between
from neuracore_ros.cli.check_summary import CheckSummary
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.errors import UserError, collect_warnings
from neuracore_ros.given_path import in_shell
from neuracore_ros.policy.address import is_server_file, path_or_address
from neuracore_ros.policy.hazards import HazardKind
from neuracore_ros.policy.remote.server_options import ServerOptions
from neuracore_ros.wording import counted
from neuracore_ros.yaml_value import ENDINGS

if TYPE_CHECKING:
    from neuracore_ros.description import Robot
    from neuracore_ros.policy.manifest import Manifest
    from neuracore_ros.policy.policy import Policy

SUMMARY = 'Find all problems of a policy on a robot before it runs.'
EXAMPLES = """  neuracore_ros check policy.pt ur5
  neuracore_ros check policy.pt ur5.yaml --bag bags/episode_000 --json
  neuracore_ros check policy.pt ur5.yaml --live                 # the running robot

--live listens, and reads the parameters of controllers."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument('policy', type=path_or_address, help=POLICY)
    parser.add_argument(
        '--address', default='', help='of the server, in the place of that in a server file'
    )
    parser.add_argument('robot', type=robot_file, help=f'robot file{OR_SHIPPED}')
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        '--bag',
        type=Path,
        help='check a recording of this robot, too; of a LeRobot dataset, its first episodes',
    )
    where.add_argument(
        '--live', action='store_true', help='check the running robot, too; sends and moves nothing'
    )
    parser.add_argument('--namespace', default='', help=OWN_NAMESPACE)
    parser.add_argument('--use-sim-time', action='store_true', help=BY_CLOCK)
    parser.add_argument(
        '--seconds',
        type=between(0.5, 3600.0),
        default=5.0,
        help='how long --live listens (default: 5)',
    )
    parser.add_argument(
        '--allow',
        action='extend',
        nargs='+',
        default=[],
        choices=[kind.value for kind in HazardKind],
        metavar='WORD',
        help='accept as intended: units (values or limits that look like degrees), sense (another '
        'sign or zero under commands than under sources, or than in training; other frames of a '
        'chain than in training), missing (an input that this robot had in training), exchanged '
        '(names at other indices than in training), vocabulary (slots that mean something else '
        'than in training)',
    )
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; 1 if anything stops the node."""
    policy, robot = arguments.policy, arguments.robot
    is_robot = Path(policy).suffix in ENDINGS and not is_server_file(policy)
    if is_robot and robot.suffix not in ENDINGS:
        arguments.wrong_usage(
            f'the policy comes first: neuracore_ros check {in_shell(robot, policy)}'
        )
    if arguments.use_sim_time and arguments.bag is None:
        arguments.wrong_usage('--use-sim-time belongs to --bag BAG')
    result = CheckSummary(means=frozenset(map(HazardKind, arguments.allow)))
    with collect_warnings() as spelling:
        _check(arguments, result)
    result.warnings[:0] = spelling
    if arguments.json:
        found = {'errors': result.errors, 'warnings': result.warnings}
        print(json.dumps(found | {'facts': result.facts}, indent=2))
    else:
        for kind, lines in (('ok', result.facts), ('warning', result.warnings)):
            for line in lines:
                print(f'{kind}: {line}')
        for line in result.errors:
            print(f'error: {line}', file=sys.stderr)
    return 1 if result.errors else 0


def _check(arguments: argparse.Namespace, result: CheckSummary) -> None:
    from neuracore_ros.policy.load import described_policy
    from neuracore_ros.policy.remote.server_notes import named_notes

    robot = manifest = needed = None
    with result.noting():
        robot = _robot(arguments.robot, result)
    with result.noting():
        # A server file says what fits before its server answers.
        manifest = described_policy(arguments.policy)
        name = robot.name if robot else ''
        manifest = _manifest(arguments.policy, name, arguments.address, result)
    if robot is not None and manifest is not None:
        result.facts += named_notes(manifest.notes, robot)
        needed = _check_fit(robot, manifest, result)
    if robot is not None and arguments.bag is not None:
        with result.noting():
            _check_recordings(robot, manifest, arguments, result)
    if robot is not None and arguments.live:
        rate_hz = manifest.rate_hz if manifest else None
        with result.noting():
            _check_live(robot, needed, rate_hz, arguments, result)


def _robot(path: Path, result: CheckSummary) -> Robot:
    from neuracore_ros.description import load_robot
    from neuracore_ros.description.robot_checks import suspect_speeds
    from neuracore_ros.description.teleop import teleop_lines

    robot = load_robot(path)
    parts: list[Callable[[], object]] = [robot.input_sources, robot.all_measured]
    for part in (*parts, robot.all_commands):
        with result.noting():
            part()
    with suppress(UserError):  # It has been reported above.
        for text in suspect_speeds(robot):
            result.add('warning', text)
    named = f", vocabulary '{robot.vocabulary.name}'" if robot.vocabulary else ''
    result.facts.append(f"{path}: robot '{robot.name}'{named}")
    with suppress(UserError):
        for source in robot.input_sources():
            if source.treatment:
                what = f"{source.data_type} index {source.index} '{source.name}'"
                result.facts.append(f'{what}: {source.treatment} ({source.topic})')
    result.facts += teleop_lines(robot)
    _check_chains(robot, result)
    _check_slots(robot, result)
    return robot


def _check_slots(robot: Robot, result: CheckSummary) -> None:
    """Hold joints against the rules of the vocabulary that the file names, by their URDF."""
    from neuracore_ros.alignment.arm import DescribedArm
    from neuracore_ros.alignment.differences import differences
    from neuracore_ros.description.urdf_beside import urdf_beside

    urdf = robot.urdf or urdf_beside(robot)
    if robot.vocabulary is None or urdf is None:
        return
    with suppress(UserError):  # Without pinocchio nothing tells, as in layout.
        for finding in differences([DescribedArm.of(robot, urdf)]):
            result.add('warning', finding.text)


def _check_chains(robot: Robot, result: CheckSummary) -> None:
    """List the chains, and what keeps their poses from being computed."""
    from neuracore_ros.description.chain_texts import chain_lines

    result.facts += chain_lines(robot)
    if not robot.chains:
        return
    from neuracore_ros.kinematics.chain import ChainKinematics

    for chain in robot.chains.values():
        with result.noting():
            ChainKinematics(chain)


def _manifest(path: Path | str, robot: str, address: str, result: CheckSummary) -> Manifest:
    """Load the policy, and tell how long it takes."""
    from neuracore_ros.policy.load import load_policy
    from neuracore_ros.policy.model_thread import ModelThread

    options = ServerOptions.patient(address)
    policy = ModelThread().load(lambda: load_policy(path, robot=robot, server=options))
    manifest = policy.manifest
    with result.noting():
        taken_s = policy.warm_up()
        result.facts.append(
            f'{path}: {manifest.rate_hz:g} Hz, {manifest.horizon} steps a prediction, '
            f'{_told(policy, taken_s)}'
        )
        ahead_s = manifest.horizon / manifest.rate_hz
        if taken_s > ahead_s / 2:
            result.warnings.append(
                f'{path}: a prediction takes {taken_s:.2f} s here and covers {ahead_s:.2f} s: '
                f'the node may be late; {_cure(policy)}'
            )
        waits_s = ServerOptions().deadline_s(manifest)
        if policy.is_remote and taken_s > waits_s:
            result.warnings.append(
                f'{path}: took {taken_s:.2f} s to answer, and the node waits no longer than '
                f'{waits_s:.2f} s, unless it is given a timeout_s'
            )
    return manifest


def _told(policy: Policy, taken_s: float) -> str:
    """The time of a prediction; of one by a server, how much of it the network takes."""
    if policy.link is None or policy.link.newest is None:
        return f'{1000 * taken_s:.0f} ms each on this machine'
    trip = policy.link.newest
    whole = f'{1000 * trip.taken_s:.1f} ms each there and back'
    if math.isnan(trip.network_s):
        return f'{whole}; the server does not tell its own share'
    return (
        f'{whole}: {1000 * trip.server_s:.1f} the server, {1000 * trip.network_s:.1f} the network'
    )


def _cure(policy: Policy) -> str:
    trip = policy.link.newest if policy.link is not None else None
    if trip is not None and trip.network_s > trip.taken_s / 2:
        return 'use a faster network, smaller images, or jpeg_quality if that is a server of ours'
    return 'use a faster device, or fewer threads for others'


def _check_fit(robot: Robot, manifest: Manifest, result: CheckSummary) -> Collection[str] | None:
    """The topics that the node would read; None if it would not start."""
    from neuracore_ros.command.settings import Settings
    from neuracore_ros.policy.compatibility import fit
    from neuracore_ros.policy.hazards import hazards
    from neuracore_ros.policy.trained_treatments import treatment_warnings
    from neuracore_ros.policy.training_range import beyond_training
    from neuracore_ros.policy.vocabularies import vocabulary_warnings
    from neuracore_ros.runner import Runner

    with result.noting():
        fitted = fit(robot, manifest)
        result.warnings += [text for text in fitted.warnings if text not in fitted.exchanged]
        result.warnings += treatment_warnings(robot, manifest)
        result.warnings += vocabulary_warnings(robot.vocabulary, manifest, str(robot.path))
        found = hazards(robot, manifest)
        for hazard in found:
            result.suspect(hazard.kind, hazard.text)
        beyond = [finding.text for finding in beyond_training(robot, manifest)]
        if beyond and not any(hazard.kind is HazardKind.UNITS for hazard in found):
            others = counted(len(beyond) - 1, 'more joint') if beyond[1:] else ''
            more = f' (and {others}: see neuracore_ros layout)' if others else ''
            result.add('warning', beyond[0] + more)
        # As configure does, to find all that it would refuse; hazards are listed above.
        runner = Runner(robot, manifest, Settings(allow=','.join(HazardKind)))
        result.facts.append(
            f'reads {", ".join(runner.topics)}; commands {", ".join(runner.command_topics)}'
        )
        return runner.topics.keys()
    return None


def _check_recordings(
    robot: Robot,
    manifest: Manifest | None,
    arguments: argparse.Namespace,
    result: CheckSummary,
) -> None:
    from neuracore_ros.cli.check_recording import check_recording, some_recordings

    for path in some_recordings(arguments.bag, result):
        check_recording(robot, path, manifest, result, arguments.namespace, arguments.use_sim_time)


def _check_live(
    robot: Robot,
    needed: Collection[str] | None,
    rate_hz: float | None,
    arguments: argparse.Namespace,
    result: CheckSummary,
) -> None:
    from neuracore_ros.ros_environment import require_ros

    require_ros(arguments.namespace)
    from neuracore_ros.command.settings import Settings
    from neuracore_ros.node.graph import beside_namespace
    from neuracore_ros.node.live.checks import check_graph
    from neuracore_ros.node.live.probe_graph import probe_graph

    sources = (*robot.input_sources(), *robot.all_measured(), *robot.teleop_sources())
    topics = [*(s.topic for s in sources), *(c.topic for c in robot.all_commands())]
    if beside := beside_namespace(topics, arguments.namespace):
        result.add('warning', beside)
    facts = probe_graph(robot, needed, arguments.seconds, arguments.namespace)
    for line in check_graph(facts, str(robot.path), rate_hz, Settings().max_tracking_error):
        result.add(line.level, line.text)
