"""Robots that reach little of where a policy went in training."""

from __future__ import annotations

import math
from collections.abc import Iterator

from neuracore_ros.description import Robot
from neuracore_ros.description.layout_checks import Finding, Place, overlap, range_advice
from neuracore_ros.policy.compatibility import trained_range
from neuracore_ros.policy.manifest import Manifest

# A robot should reach this share of the trained range; less means another sign or zero.
_ENOUGH = 0.5
# By so much a position may lie outside of a workspace unsaid [m].
_NEAR_M = 0.02
# Joints that hardly moved in training say little of what they mean [rad].
_STILL = 0.05


def beyond_training(robot: Robot, manifest: Manifest) -> Iterator[Finding]:
    """The joints of a robot that reach little of the range of their slots in training.

    Of chains, the workspaces that training left.
    """
    yield from _beyond_workspace(robot, manifest)
    said = set[str]()
    for is_input, description in ((True, robot.input), (False, robot.output)):
        for kind, slots in description.items():
            for index, name in slots.items():
                trained = trained_range(manifest, is_input, kind, index)
                ends = robot.reach(kind, name)
                if name in said or trained is None or ends is None:
                    continue
                share = max(0.0, overlap(ends, trained)) / max(trained[1] - trained[0], _STILL)
                if share >= _ENOUGH or trained[1] - trained[0] < _STILL:
                    continue
                said.add(name)
                yield Finding(
                    f"{'input' if is_input else 'output'} {kind} index {index}: '{name}' of "
                    f'{robot.name} reaches {ends[0]:.2f} to {ends[1]:.2f}, training saw '
                    f'{trained[0]:.2f} to {trained[1]:.2f}: {share:.0%} of it can be reached. '
                    f'{range_advice(ends, trained)}',
                    tuple(
                        Place(each is robot.input, other, at, robot.name)
                        for each in (robot.input, robot.output)
                        for other, own in each.items()
                        for at in own
                        if own[at] == name and other.measured is kind.measured
                    ),
                )


def _beyond_workspace(robot: Robot, manifest: Manifest) -> Iterator[Finding]:
    """The chains that may not go where their slots went in training."""
    for output in robot.chain_outputs():
        kind, index, chain = output.data_type, output.index, output.chain
        slots = manifest.output.get(kind)
        if slots is None or index not in slots.trained or not (slots.min_xyz and slots.max_xyz):
            continue
        for axis, place in zip('xyz', range(3 * index, 3 * index + 3), strict=True):
            # As the robot has it, whatever the scale of its slot.
            low, high = (each[place] / output.scale for each in (slots.min_xyz, slots.max_xyz))
            least, most = chain.workspace.get(axis, (-math.inf, math.inf))
            if low < least - _NEAR_M or high > most + _NEAR_M:
                yield Finding(
                    f"output {kind} index {index}: '{chain.name}' of {robot.name} may go to "
                    f'{axis} {least:.2f} to {most:.2f} (its workspace), training went to '
                    f'{low:.2f} to {high:.2f}: what is beyond is kept inside',
                    (Place(False, kind, index, robot.name),),
                )
