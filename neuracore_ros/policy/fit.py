"""Whether a robot fits a policy: missing slots can be padded, further ones cannot be added."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from neuracore_ros.description import DataType, EmbodimentDescription, Slots
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots


class Described(Protocol):
    """A robot, as far as fitting is concerned."""

    @property
    def name(self) -> str:
        """What the robot is called."""

    @property
    def input(self) -> EmbodimentDescription:
        """What it can give to a model."""

    @property
    def output(self) -> EmbodimentDescription:
        """What it takes from a model."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A robot beside a policy that it fits.

    Attributes:
        warnings: What the user should know, one line each.
        input: The robot's inputs without what the policy does not read or never saw.
        exchanged: Those warnings that tell of names that had another index in training, which
            is a hazard, too: see :mod:`neuracore_ros.policy.hazards`.
    """

    warnings: tuple[str, ...]
    input: EmbodimentDescription
    exchanged: tuple[str, ...] = ()


def fit(robot: Described, manifest: Manifest) -> Fit:
    """Hold a robot against a policy.

    Raises:
        PolicyError: An index beyond the trained width, an output that the policy does not produce
            or never saw, or no input that the two share.
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


def _check_outputs(robot: Described, manifest: Manifest) -> None:
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


def _check_width(
    robot: str, kind: DataType, slots: Slots, trained: InputSlots | OutputSlots
) -> None:
    beyond = [index for index in slots if index >= trained.width]
    if beyond:
        if kind.is_image:
            cameras = 'one camera' if trained.width == 1 else f'{_count(trained.width)} cameras'
            way_out = f'Choose {cameras}, or retrain.'
        else:
            way_out = 'Choose a trained index, or retrain.'
        raise PolicyError(
            f"'{robot}' uses {kind} index {beyond[-1]}; the model was trained with width "
            f'{trained.width} (0..{trained.width - 1}). {way_out}'
        )


def _renamed(robot: Described, manifest: Manifest, is_exchanged: bool) -> list[str]:
    """A robot that was trained on, but now has another name at some index.

    Args:
        robot: The robot.
        manifest: Of the policy.
        is_exchanged: Of names that had another index then; else of those that are new.
    """
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


def _stranger(robot: Described, manifest: Manifest) -> list[str]:
    """A robot that was not trained on, but may be one of those under another name."""
    if robot.name in manifest.robots or not manifest.robots or manifest.robot_index:
        return []
    found = [
        f"'{robot.name}' is none of the robots that the policy was trained on "
        f'({_names(manifest.robots)}): what it lacks is masked.'
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


def _listed(slots: Slots) -> str:
    return ', '.join(f'{index} {name}' for index, name in slots.items())


def _untrained(slots: Slots, trained: InputSlots | OutputSlots) -> list[int]:
    return [index for index in slots if index not in trained.trained]


def _names(kinds: Mapping[DataType, object] | Mapping[str, object]) -> str:
    return ', '.join(kinds) or 'nothing'


def _count(number: int) -> str:
    words = ('no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine')
    return words[number] if number < len(words) else str(number)


def _ranges(indices: tuple[int, ...]) -> str:
    """Indices for people: ``0..4, 6``."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ', '.join(f'{r[0]}..{r[-1]}' if len(r) > 1 else str(r[0]) for r in runs) or 'none'
