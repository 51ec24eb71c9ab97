"""A drawing of rectangles, lines and words, whatever it is written as."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# Of the font's size: every letter of a font of equal letters, an average one of another, and
# of a bold one, in the widest of the fonts that are asked for.
EQUAL_LETTER = 0.602
AVERAGE_LETTER = 0.56
BOLD_LETTER = 0.69


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour on light and on dark ground, each ``#rrggbb``."""

    light: str
    dark: str


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with round corners [px].

    Attributes:
        fill: None leaves it empty.
        stroke: Of its edge; None for none.
        dashed: Whether its edge is dashed.
        hint: Shown under the pointer, where the format can.
    """

    x: float
    y: float
    width: float
    height: float
    radius: float = 0.0
    fill: Colour | None = None
    stroke: Colour | None = None
    thickness: float = 1.0
    dashed: bool = False
    hint: str = ''


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text.

    Attributes:
        x: Of its beginning, or of its end or middle: see ``anchor``.
        y: Of its base line.
        equal: Whether all letters are of one width.
        anchor: ``start``, ``middle`` or ``end``.
    """

    x: float
    y: float
    text: str
    colour: Colour
    size: float = 12.0
    bold: bool = False
    equal: bool = False
    anchor: str = 'start'

    @property
    def width(self) -> float:
        """How wide it is, about [px]."""
        return width_of(self.text, self.size, self.equal, self.bold)


@dataclass(frozen=True, slots=True)
class Scene:
    """A drawing.

    Attributes:
        width: [px].
        height: [px].
        title: What it shows, for those who cannot see it.
        ground: Behind everything.
        shapes: The first is the lowest.
    """

    width: float
    height: float
    title: str
    ground: Colour
    shapes: Sequence[Box | Words]


def width_of(text: str, size: float, equal: bool = False, bold: bool = False) -> float:
    """How wide a text is, about [px]; a Chinese letter is as wide as two."""
    letters = sum(2 if unicodedata.east_asian_width(letter) in 'WF' else 1 for letter in text)
    letter = EQUAL_LETTER if equal else BOLD_LETTER if bold else AVERAGE_LETTER
    return letters * size * letter
