"""Units that a person has to choose: the lines of each, in comments below a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.description.data_type import DataType
from neuracore_ros.scaffold.draft_entries import Route, RouteSection
from neuracore_ros.scaffold.options import scaled, sense
from neuracore_ros.scaffold.units import GuessedAmount, GuessedUnit

_CHOOSE = ' A dataset does not say; without a scale these values are refused.'


def unit_questions(
    kind: DataType, placed: Sequence[SlotProposal], asked: Mapping[str, GuessedUnit]
) -> list[RouteSection]:
    """The options of joints in each unit that they may be in, in comments.

    Args:
        kind: The DataType of the source.
        placed: The joints.
        asked: Joint -> units that it may be in.
    """
    sections: list[RouteSection] = []
    told: list[GuessedUnit] = []
    for guess in asked.values():
        if guess in told:
            continue
        told.append(guess)
        own = [place for place in placed if asked.get(place.name) == guess]
        for number, reading in enumerate(guess.readings):
            routes = [
                Route(place.name, sense(place, reading[place.name]))
                for place in own
                if place.name in reading
            ]
            question = choice(guess, number)
            if any(place.scale != 1.0 or place.offset != 0.0 for place in own):
                question += ' These lines replace those above.'
            sections.append(RouteSection(kind, routes, active=False, question=question))
    return [section for section in sections if section.routes]


def choice(guess: GuessedUnit, number: int) -> str:
    """The question above the options of one of the units that joints may be in."""
    unit = guess.units[number]
    question = f'or in {unit.name}?' if number else f'in {unit.name}?{_CHOOSE}'
    if unit.of_limits:
        question += ' These are right if its ends are the limits; check it on the robot.'
    if not guess.is_bounded and not number:
        question += ' (For percent of a range, give --urdf: its limits make the scale.)'
    return question


def amount_questions(
    kind: DataType, placed: Sequence[SlotProposal], asked: Mapping[str, GuessedAmount]
) -> list[RouteSection]:
    """The options of grippers for each meaning that their values may have, in comments."""
    return [
        RouteSection(
            kind,
            [Route(place.name, scaled(scaling))],
            active=False,
            question=f'or {name}?' if number else f'{name}?{_CHOOSE}',
        )
        for place in placed
        if place.name in asked
        for number, (name, scaling) in enumerate(asked[place.name].readings)
    ]
