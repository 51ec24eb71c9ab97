"""The fit of a robot to a policy: missing slots can be padded, further ones cannot be added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.description import DataType, EmbodimentDescription, Robot, Slots
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.manifest import Embodiment, Manifest, TrainedSlots
from neuracore_ros.wording import counted

_MASKED = 'what it lacks is masked.'


class SlotCompatibility(str, Enum):
    """The use of a robot's slot by a policy: an unfit input is spared, an unfit output refused."""

    FITS = 'fits'
    MASKED = 'masked'
    IGNORED = 'ignored'
    REFUSED = 'refused'

    __str__ = str.__str__


@dataclass(frozen=True, slots=True)
class Described:
    """A robot's name and slots, which decide whether it fits."""

    name: str
    input: EmbodimentDescription
    output: EmbodimentDescription


@dataclass(frozen=True, slots=True)
class Fit:
    """The result of a robot that fits a policy.

    Attributes:
        warnings: One line each.
        input: The robot's inputs that the policy reads and was trained on.
        exchanged: Those warnings that are of names that had another index in training, which
            is a hazard, too: see :mod:`neuracore_ros.policy.hazards`.
    """

    warnings: tuple[str, ...]
    input: EmbodimentDescription
    exchanged: tuple[str, ...] = ()


def fit(robot: Robot | Described, manifest: Manifest) -> Fit:
    """Compare a robot with a policy.

    Raises:
        PolicyError: An index beyond the trained width, an output that the policy does not produce
            or was not trained on, no input that the two share, or an input that the policy cannot
            do without.
    """
    _check_outputs(robot, manifest)
    warnings: list[str] = []
    used: dict[DataType, Slots] = {}
    for kind, slots in robot.input.items():
        if kind not in manifest.input:
            warnings.append(f"'{robot.name}' has {kind}, which the policy does not read: ignored.")
            continue
        _check_width(robot.name, kind, slots, manifest.input[kind])
        for index in _untrained(slots, manifest.input[kind]):
            warnings.append(
                f"'{robot.name}' has '{slots[index]}' at {kind} index {index}, which no training "
                'episode had: masked.'
            )
        if known := {i: name for i, name in slots.items() if i in manifest.input[kind].trained}:
            used[kind] = known
    if not used:
        raise PolicyError(
            f"'{robot.name}' shares no input with the policy. It has {_names(robot.input)}; "
            f'the policy reads {_names(manifest.input)}.'
        )
    _check_required(robot, manifest)
    for kind in manifest.input:
        if kind not in robot.input:
            warnings.append(f"'{robot.name}' has no {kind}, which the policy reads: masked.")
    if manifest.robot_index and robot.name not in manifest.robot_index:
        warnings.append(
            f"'{robot.name}' is none of the robots that the policy tells apart "
            f'({_names(manifest.robot_index)}): it is driven by what they have in common.'
        )
    warnings += _stranger(robot, manifest)
    warnings += _renamed(robot, manifest, is_exchanged=False)
    exchanged = tuple(_renamed(robot, manifest, is_exchanged=True))
    return Fit((*warnings, *exchanged), used, exchanged)


def _check_outputs(robot: Robot | Described, manifest: Manifest) -> None:
    if not robot.output:
        raise PolicyError(
            f"'{robot.name}' describes no output; the policy produces {_names(manifest.output)}."
        )
    for kind, slots in robot.output.items():
        if kind not in manifest.output:
            raise PolicyError(
                f"'{robot.name}' wants {kind}, which the policy does not produce. "
                f'It produces: {_names(manifest.output)}.'
            )
        trained = manifest.output[kind]
        _check_width(robot.name, kind, slots, trained)
        if absent := _untrained(slots, trained):
            index = absent[0]
            raise PolicyError(
                f"'{robot.name}' commands '{slots[index]}' at {kind} index {index}, which no "
                f'training episode had. Trained: {_ranges(trained.trained)}. Leave it out of the '
                'output, or retrain.'
            )
        measured = robot.input.get(kind.measured, {})
        if trained.mode == 'relative' and (blind := [i for i in slots if i not in measured]):
            raise PolicyError(
                f"'{robot.name}' commands '{slots[blind[0]]}' at {kind} index {blind[0]} relative "
                f'to {kind.measured}, where it has no input at that index.'
            )


def _check_required(robot: Robot | Described, manifest: Manifest) -> None:
    """Refuse a robot that lacks what a policy without masks reads; all of it is told at once."""
    lacks = [
        (kind, index)
        for kind, slots in manifest.input.items()
        for index in slots.required
        if index not in robot.input.get(kind, {})
    ]
    if not lacks:
        return
    kind, index = lacks[0]
    has = _ranges(tuple(sorted(robot.input.get(kind, {}))))
    # One of each DataType: more would be the whole policy, for another robot.
    others = dict(reversed([each for each in lacks if each[0] is not kind]))
    too = [f'{other} index {others[other]}' for other in manifest.input if other in others]
    raise PolicyError(
        f"'{robot.name}' lacks {kind} index {index}, which the policy cannot do without: it knows "
        f'no masks, and needs {_ranges(manifest.input[kind].required)}. The robot has {has}.'
        + (f' It lacks {" and ".join(too)}, too.' if too else '')
    )


def _check_width(robot: str, kind: DataType, slots: Slots, trained: TrainedSlots) -> None:
    beyond = [index for index in slots if index >= trained.width]
    if beyond:
        if kind.is_image:
            way_out = f'Choose {counted(trained.width, "camera")}, or retrain.'
        else:
            way_out = 'Choose a trained index, or retrain.'
        raise PolicyError(
            f"'{robot}' uses {kind} index {beyond[-1]}; the model was trained with width "
            f'{trained.width} (0..{trained.width - 1}). {way_out}'
        )


def _renamed(robot: Robot | Described, manifest: Manifest, is_exchanged: bool) -> list[str]:
    """Warnings of a trained robot's names that had another index then, or else are new."""
    known = manifest.robots.get(robot.name)
    if known is None:
        return []
    return [
        f"'{robot.name}' has '{name}' at {kind} index {index}; "
        f"in training it had '{then[kind][index]}' there."
        for now, then in ((robot.input, known.input), (robot.output, known.output))
        for kind, slots in now.items()
        for index, name in slots.items()
        if then.get(kind, {}).get(index, name) != name
        and (name in then[kind].values()) is is_exchanged
    ]


def _stranger(robot: Robot | Described, manifest: Manifest) -> list[str]:
    """Warnings of a robot that was not trained on, but may be one of those under another name."""
    if robot.name in manifest.robots or not manifest.robots or manifest.robot_index:
        return []
    alike = [
        name for name, other in manifest.robots.items() if _same_slots(robot, other, manifest)
    ]
    found = [
        f"'{robot.name}' is none of the robots that the policy was trained on "
        f'({_names(manifest.robots)}): '
        + (f"to the policy, its slots are those of '{alike[0]}'." if alike else _MASKED)
    ]
    for other, then in manifest.robots.items():
        for kind, slots in robot.output.items():
            before = then.output.get(kind, {})
            if slots != before and sorted(slots.values()) == sorted(before.values()):
                found.append(
                    f"'{robot.name}' has the {kind} of '{other}' at other indices than that one: "
                    f'{_listed(slots)}; in training: {_listed(before)}.'
                )
    return found


def _same_slots(robot: Robot | Described, other: Embodiment, manifest: Manifest) -> bool:
    """True if the policy cannot tell two robots apart by their slots."""
    return all(
        mine.get(kind, {}).keys() == theirs.get(kind, {}).keys()
        for mine, theirs, kinds in (
            (robot.input, other.input, manifest.input),
            (robot.output, other.output, manifest.output),
        )
        for kind in kinds
    )


def _listed(slots: Slots) -> str:
    return ', '.join(f'{index} {name}' for index, name in slots.items())


def _untrained(slots: Slots, trained: TrainedSlots) -> list[int]:
    return [index for index in slots if index not in trained.trained]


def _names(kinds: Mapping[DataType, object] | Mapping[str, object]) -> str:
    return ', '.join(kinds) or 'nothing'


def _ranges(indices: tuple[int, ...]) -> str:
    """Indices for people: ``0..4, 6``."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ', '.join(f'{r[0]}..{r[-1]}' if len(r) > 1 else str(r[0]) for r in runs) or 'none'


def compatibility(
    manifest: Manifest, is_input: bool, kind: DataType, index: int
) -> SlotCompatibility:
    """The use that a policy makes of a robot's slot."""
    slots = trained_slots(manifest, is_input, kind)
    if slots is None:
        return SlotCompatibility.IGNORED if is_input else SlotCompatibility.REFUSED
    if index in slots.trained:
        return SlotCompatibility.FITS
    return (
        SlotCompatibility.MASKED if is_input and index < slots.width else SlotCompatibility.REFUSED
    )


def trained_slots(manifest: Manifest, is_input: bool, kind: DataType) -> TrainedSlots | None:
    """The slots of a DataType in a manifest; None where it has none."""
    return manifest.input.get(kind) if is_input else manifest.output.get(kind)


def trained_range(
    manifest: Manifest, is_input: bool, kind: DataType, index: int
) -> tuple[float, float] | None:
    """The least and largest value of a slot in training, [rad] or [m]; None if unknown."""
    slots = trained_slots(manifest, is_input, kind)
    if slots is None or index not in slots.trained or not slots.minimum or not slots.maximum:
        return None
    low, high = slots.minimum[index], slots.maximum[index]
    return (low, high) if low <= high else None


def trained_positions(
    manifest: Manifest, kind: DataType, index: int
) -> tuple[FloatArray, FloatArray] | None:
    """The least and largest position of a pose in training, (3,) each; None if unknown.

    Of what was read, if that is known, else of what was predicted.
    """
    for is_input in (True, False):
        slots = trained_slots(manifest, is_input, kind)
        if slots is None or index not in slots.trained or not (slots.min_xyz and slots.max_xyz):
            continue
        ends = np.array([slots.min_xyz, slots.max_xyz]).reshape(2, -1, 3)[:, index]
        if np.isfinite(ends).all():
            return ends[0], ends[1]
    return None
