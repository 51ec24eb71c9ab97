"""A robot file before it is written: its entries, each with a note that says how it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuracore_ros.description.data_type import DataType


@dataclass(frozen=True, slots=True)
class Note:
    """A comment on an entry.

    Attributes:
        text: Where the entry comes from, or what is to be done.
        guessed: Whether the entry may be wrong, so that a person has to check it.
    """

    text: str
    guessed: bool = True

    def __str__(self) -> str:
        return f'guessed: {self.text}' if self.guessed else self.text


@dataclass(frozen=True, slots=True)
class SlotEntry:
    """One slot of ``input`` or ``output``.

    Attributes:
        index: Its index, and
        name: the joint, camera or chain that has it.
        note: A comment.
        active: False for a line in comments.
        slot: What the vocabulary calls the index; '' where it has no name.
    """

    index: int
    name: str
    note: Note | None = None
    active: bool = True
    slot: str = ''


@dataclass(frozen=True, slots=True)
class SlotSection:
    """The slots of one DataType."""

    kind: DataType
    entries: Sequence[SlotEntry]
    note: Note | None = None

    @property
    def active(self) -> bool:
        """True if any slot is more than a comment."""
        return any(entry.active for entry in self.entries)


@dataclass(frozen=True, slots=True)
class LimitEntry:
    """The limits of one joint, in the unit of its commands; a speed has none of position."""

    name: str
    position: tuple[float, float] | str | None
    velocity: float
    note: Note


@dataclass(frozen=True, slots=True)
class Route:
    """The topic and options of one name.

    Attributes:
        name: Name in the robot file.
        options: Options as they are written, without ``names``.
        message_name: Name in messages; may be empty where it is the same.
        notes: Comments.
    """

    name: str
    options: Mapping[str, object]
    message_name: str = ''
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class RouteSection:
    """The routes of one DataType under ``sources`` or ``commands``.

    One that is not active is written in comments, below an active one of the same DataType.
    ``question`` stands above options in comments, which a person has to choose from.
    """

    kind: DataType
    routes: Sequence[Route]
    active: bool = True
    question: str = ''


@dataclass(frozen=True, slots=True)
class ChainEntry:
    """One chain: each key with what is written, and a note on it."""

    name: str
    lines: Sequence[tuple[str, object, Note | None]]


@dataclass(frozen=True, slots=True)
class RobotDraft:
    """A whole robot file; a bare `Note` is a comment of its own."""

    head: Sequence[Note]
    robot: str
    urdf: str
    limits: Sequence[LimitEntry]
    inputs: Sequence[SlotSection | Note]
    outputs: Sequence[SlotSection]
    sources: Sequence[RouteSection | Note]
    commands: Sequence[RouteSection]
    foot: Sequence[Note]
    chains: Sequence[ChainEntry] = ()
    targets: Sequence[RouteSection | Note] = ()
    vocabulary: str = ''
