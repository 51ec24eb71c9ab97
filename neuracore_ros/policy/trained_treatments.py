"""Treatments of a robot's slots beside those that it had when a policy was trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from neuracore_ros.description.robot import Robot
from neuracore_ros.description.treatment import (
    TreatmentChange,
    changes_between,
    treatment_changes,
)
from neuracore_ros.policy.manifest import Embodiment, Manifest
from neuracore_ros.wording import counted

_SINCE = 'than when the policy was trained'


def other_frames(robot: Robot, manifest: Manifest) -> Iterator[str]:
    """Find chains between other frames than in training: every pose means another place."""
    for change in _changes(robot, manifest):
        if change.now.frames is not None:
            yield (
                f"'{robot.name}' has other frames {_SINCE}, "
                f'{change.text}: its poses would be elsewhere. Write those of the training in '
                f'{robot.path}'
            )


def other_senses(robot: Robot, manifest: Manifest) -> str:
    """The numbers that had another sign or zero in training, in a sentence; '' of none."""
    text = _turned(_changes(robot, manifest))
    return text and (
        f"'{robot.name}' has another sign or zero {_SINCE}, {text}: it would move elsewhere. "
        f'Write those of the training in {robot.path}, unless its driver has changed likewise'
    )


def treatment_warnings(robot: Robot, manifest: Manifest) -> tuple[str, ...]:
    """Say which crops, units, and commands that openings follow, are not those of training."""
    return tuple(
        f"'{robot.name}' has other options {_SINCE}, {change.text}: the "
        f'policy reads something else, unless the robot has changed likewise. See {robot.path}'
        for change in _changes(robot, manifest)
        if change.now.frames is None and not (change.is_turned or change.is_of_recording)
    )


def other_recorded_senses(name: str, own: Embodiment, manifest: Manifest, where: object) -> str:
    """The same as :func:`other_senses`, for a robot of a dataset.

    Args:
        name: Of the robot.
        own: The robot as the dataset has it.
        manifest: Of the policy.
        where: The dataset, for the message.
    """
    trained = manifest.robots.get(name)
    if trained is None or trained.treatments is None or own.treatments is None:
        return ''
    slots = own.input, own.output
    text = _turned(changes_between(own.treatments, trained.treatments, slots))
    return text and (
        f"{where}: '{name}' has another sign or zero there {_SINCE}, {text}: the same number is "
        'elsewhere, unless its driver has changed likewise'
    )


def _turned(changes: Iterable[TreatmentChange]) -> str:
    turned = [change.text for change in changes if change.is_turned]
    more = f' (and {counted(len(turned) - 1, "more slot")})' if turned[1:] else ''
    return f'{turned[0]}{more}' if turned else ''


def _changes(robot: Robot, manifest: Manifest) -> tuple[TreatmentChange, ...]:
    """Treatments of this robot that are other ones than in training, as far as is known."""
    trained = manifest.robots.get(robot.name)
    return treatment_changes(robot, trained.treatments if trained else None)
