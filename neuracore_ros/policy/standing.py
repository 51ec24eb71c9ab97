"""Where a robot stands beside a policy, slot by slot; :mod:`fit` judges it as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from neuracore_ros.description import DataType, Robot
from neuracore_ros.description.alignment import Finding, Place, mend_range, overlap, reach
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots

# Of what was trained, a robot should reach as much; less tells of another sign or zero.
_ENOUGH = 0.5
# Joints that hardly moved in training say little of what they mean [rad].
_STILL = 0.05


class Standing(str, Enum):
    """What becomes of one slot of a robot."""

    FITS = 'fits'
    MASKED = 'masked'
    IGNORED = 'ignored'
    REFUSED = 'refused'

    __str__ = str.__str__


def standing(manifest: Manifest, is_input: bool, kind: DataType, index: int) -> Standing:
    """What becomes of a robot's slot: an input may be spared, an output may not."""
    slots = trained_slots(manifest, is_input, kind)
    if slots is None:
        return Standing.IGNORED if is_input else Standing.REFUSED
    if index in slots.trained:
        return Standing.FITS
    return Standing.MASKED if is_input and index < slots.width else Standing.REFUSED


def trained_slots(
    manifest: Manifest, is_input: bool, kind: DataType
) -> InputSlots | OutputSlots | None:
    """What the policy knows of a DataType; None where it has none."""
    return manifest.input.get(kind) if is_input else manifest.output.get(kind)


def trained_range(
    manifest: Manifest, is_input: bool, kind: DataType, index: int
) -> tuple[float, float] | None:
    """Least and largest value that training saw in a slot, [rad] or [m]; None if unknown."""
    slots = trained_slots(manifest, is_input, kind)
    if slots is None or index not in slots.trained or not slots.minimum or not slots.maximum:
        return None
    low, high = slots.minimum[index], slots.maximum[index]
    return (low, high) if low <= high else None


def beyond_training(robot: Robot, manifest: Manifest) -> Iterator[Finding]:
    """Joints of a robot that reach little of what training saw in their slots."""
    said = set[str]()
    for is_input, description in ((True, robot.input), (False, robot.output)):
        for kind, slots in description.items():
            for index, name in slots.items():
                trained = trained_range(manifest, is_input, kind, index)
                ends = reach(robot, kind, name)
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
                    f'{mend_range(ends, trained)}',
                    tuple(
                        Place(each is robot.input, other, at, robot.name)
                        for each in (robot.input, robot.output)
                        for other, own in each.items()
                        for at in own
                        if own[at] == name and other.measured is kind.measured
                    ),
                )
