"""Chains in a recording: where the hand was and was sent, and whether its joints can be found.

They tell before the robot is on if a chain is right: if recorded joints give poses where training
had them, and if inverse kinematics follows what was commanded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.bags.bag import Bag
from neuracore_ros.convert.ticks import Tick, ticks
from neuracore_ros.description import DataType, Layout, Robot, Source
from neuracore_ros.description.command import ChainOutput
from neuracore_ros.errors import UnreachableError
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.kinematics.inverse import InverseKinematics
from neuracore_ros.kinematics.rotations import angles_between
from neuracore_ros.observation import Observation, Observer

# Poses between two samples; a gap is no motion.
_GAPS = 1.5
# Beside a share of steps that is refused, and distances that no lag explains.
_REFUSED, _FAR_M, _FAR_RAD = 0.02, 0.1, 0.5
_OUTSIDE = 0.05
# Training ends where it ends [m, in the slot]; more is another frame.
_BEYOND = 0.1
_ENOUGH = 10
# Five minutes tell; a day would be followed for minutes.
_MOST_FOLLOWED = 6000
XYZ = 'xyz'


@dataclass(slots=True)
class ChainValues:
    """One pose output of a robot in a recording.

    Attributes:
        output: The pose output.
        joints: Measured positions of its n joints, (n,) each.
        commanded: Commanded poses, (7,) each, in the robot's own metres; of no target: measured.
        has_targets: Whether commands were recorded.
        times_ns: Of each.
    """

    output: ChainOutput
    has_targets: bool
    joints: list[FloatArray] = field(default_factory=list)
    commanded: list[FloatArray] = field(default_factory=list)
    times_ns: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FollowedPoses:
    """The way of inverse kinematics along recorded poses.

    Attributes:
        steps: Poses.
        refused: Poses that were not reached.
        why: The first reason; '' where all were reached.
        error_m: Median and largest distance of those reached [m].
        error_rad: Likewise [rad].
    """

    steps: int
    refused: int
    why: str
    error_m: tuple[float, float]
    error_rad: tuple[float, float]


def chain_values(
    bag: Bag, robot: Robot, rate_hz: float, commanded: Sequence[Source]
) -> list[ChainValues]:
    """Read what the chains of a robot's outputs did in a recording, at ``rate_hz`` [Hz].

    Args:
        bag: The recording.
        robot: The robot.
        rate_hz: Of a policy.
        commanded: Sources of outputs that the recording has.

    Raises:
        BagError: The recording cannot be read.
        DescriptionError: A chain's URDF cannot be used, or pinocchio is not installed.
    """
    return [_values(bag, robot, output, rate_hz, commanded) for output in robot.chain_outputs()]


def follow(values: ChainValues, robot: Robot, rate_hz: float) -> FollowedPoses:
    """Follow the recorded poses by inverse kinematics, as the node would.

    It starts at the measured joints, and begins there anew after a pose that it cannot reach.
    """
    output = values.output
    chain, kinematics = output.chain, ChainKinematics(output.chain)
    limits = [robot.limits[output.data_type, joint] for joint in chain.joints]
    inverse = InverseKinematics(
        chain,
        [limit.lower for limit in limits],
        [limit.upper for limit in limits],
        [limit.velocity for limit in limits],
        1.0 / rate_hz,
    )
    now, why, refused = values.joints[0], '', 0
    # From where the arm is to what was commanded it may take a while.
    first: FloatArray | None = np.full(len(chain.joints), math.inf)
    reached: list[FloatArray] = []
    wanted: list[FloatArray] = []
    before_ns = values.times_ns[0]
    recorded = zip(values.times_ns, values.joints, values.commanded, strict=True)
    for time_ns, measured, pose in islice(recorded, _MOST_FOLLOWED):
        if time_ns - before_ns > _GAPS * 1e9 / rate_hz:
            now, first = measured, np.full(len(chain.joints), math.inf)
        before_ns = time_ns
        try:
            now = inverse.follow(pose[None], now, first)[0]
        except UnreachableError as error:
            refused += 1
            why = why or str(error)
            now, first = measured, np.full(len(chain.joints), math.inf)
            continue
        first = None
        reached.append(kinematics.pose(now))
        wanted.append(pose)
    errors = _distances(np.array(reached), np.array(wanted)) if reached else (np.zeros(1),) * 2
    spread = [(float(np.median(each)), float(each.max())) for each in errors]
    steps = min(len(values.commanded), _MOST_FOLLOWED)
    return FollowedPoses(steps, refused, why, spread[0], spread[1])


def chain_facts(values: ChainValues, followed: FollowedPoses) -> str:
    """One line on a chain in a recording without a problem."""
    chain = values.output.chain
    poses = ChainKinematics(chain).poses(np.array(values.joints))
    where = ', '.join(
        f'{axis} {low:.2f} to {high:.2f}'
        for axis, low, high in zip(XYZ, poses[:, :3].min(0), poses[:, :3].max(0), strict=True)
    )
    return (
        f"'{chain.name}' went {where} m; inverse kinematics follows its "
        f'{"commanded" if values.has_targets else "measured"} poses '
        f'within {100 * followed.error_m[1]:.2g} cm and '
        f'{math.degrees(followed.error_rad[1]):.2g} degrees, {followed.refused} of '
        f'{followed.steps} refused'
    )


def chain_doubts(
    values: ChainValues,
    followed: FollowedPoses,
    trained: tuple[FloatArray, FloatArray] | None = None,
) -> Iterator[str]:
    """Recorded poses that contradict the chain of a robot file, one line each.

    Args:
        values: Of the recording.
        followed: What inverse kinematics does with them.
        trained: Least and largest position of the slot in training, (3,) each; None if unknown.
    """
    chain, scale = values.output.chain, values.output.scale
    if len(values.joints) < _ENOUGH:
        return
    poses = ChainKinematics(chain).poses(np.array(values.joints))
    for axis, (low, high) in chain.workspace.items():
        along = poses[:, XYZ.index(axis)]
        outside = float(np.mean((along < low) | (along > high)))
        if outside > _OUTSIDE:
            yield (
                f"'{chain.name}' is outside of its workspace {axis}: [{low:g}, {high:g}] in "
                f'{outside:.0%} of the recording, at {along.min():.2f} to {along.max():.2f}: the '
                'node would keep it from where it was taught: correct workspace, or base_offset'
            )
    if trained is not None:
        yield from _beyond(chain.name, scale * poses[:, :3], *trained)
    if values.has_targets:
        far, turned = (float(np.median(e)) for e in _distances(poses, np.array(values.commanded)))
        if far > _FAR_M or turned > _FAR_RAD:
            yield (
                f"'{chain.name}' is measured {100 * far:.0f} cm and {math.degrees(turned):.0f} "
                'degrees away from where it is commanded, in the middle: check topic and names of '
                f'its targets and of its source'
            )
    if followed.refused > _REFUSED * followed.steps:
        yield (
            f'inverse kinematics refuses {followed.refused} of {followed.steps} recorded poses; '
            f'the node would hold there: {followed.why}'
        )


def _values(
    bag: Bag, robot: Robot, output: ChainOutput, rate_hz: float, commanded: Sequence[Source]
) -> ChainValues:
    chain = output.chain
    joints = [
        source
        for source in robot.measured_sources()
        if source.data_type is DataType.JOINT_POSITIONS
        and chain.joints[source.index : source.index + 1] == (source.name,)
    ]
    targets = [
        source
        for source in commanded
        if (source.data_type, source.index) == (output.data_type, output.index)
        and source.is_target
    ]
    places = [(source.data_type, source.index) for source in (*joints, *targets)]
    layout = Layout.holding(places)
    observers = [Observer(each, layout, None) for each in (joints, targets) if each]
    found = ChainValues(output, bool(targets))
    kinematics = ChainKinematics(chain)
    read = {topic: kind for observer in observers for topic, kind in observer.topics.items()}
    for tick in ticks(bag.read(read), observers, rate_hz, start_ns=bag.start_ns):
        if not isinstance(tick, Tick):
            continue
        seen = [observer.observe(tick.time_ns) for observer in observers]
        if not all(isinstance(each, Observation) for each in seen):
            continue
        inputs = [each.inputs for each in seen if isinstance(each, Observation)]
        positions = np.array(inputs[0][DataType.JOINT_POSITIONS][: len(joints)], float)
        pose = kinematics.pose(positions)
        if targets:
            pose = np.array(inputs[1][output.data_type][output.index], float)
            pose[:3] /= output.scale
        found.joints.append(positions)
        found.commanded.append(pose)
        found.times_ns.append(tick.time_ns)
    return found


def _distances(one: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distances [m] and angles [rad] between poses (N, 7)."""
    return (
        np.linalg.norm(one[:, :3] - other[:, :3], axis=1),
        angles_between(one[:, 3:], other[:, 3:]),
    )


def _beyond(name: str, positions: FloatArray, low: FloatArray, high: FloatArray) -> Iterator[str]:
    """Axes along which a recording lies beside training."""
    margin = np.maximum(_BEYOND * (high - low), _BEYOND)
    outside = np.mean((positions < low - margin) | (positions > high + margin), axis=0)
    for axis, share, own, least, most in zip(XYZ, outside, positions.T, low, high, strict=True):
        if share > 0.5:
            yield (
                f"'{name}' goes from {axis} {own.min():.2f} to {own.max():.2f} in its slot, "
                f'training from {least:.2f} to {most:.2f}: it works elsewhere, or its frames are '
                'others: see neuracore_ros layout'
            )
