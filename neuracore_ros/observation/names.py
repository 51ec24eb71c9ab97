"""Lookup of a stream's names in its messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from neuracore_ros.observation.streams import Channel

AnyChannel = TypeVar('AnyChannel', bound=Channel)

# A publisher has one order of names, a shared topic a few. The bounds only keep a topic that
# invents names from filling the memory.
_LOOKUPS = 64
_MOST_NAMES = 512
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Lookup(Generic[AnyChannel]):
    """Positions of a stream's names in messages with certain names.

    Attributes:
        places: Channel, and its position in the message.
        ambiguous: Channels whose name occurs more than once.
    """

    places: tuple[tuple[AnyChannel, int], ...]
    ambiguous: tuple[AnyChannel, ...]


def given_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a message; none where its publisher leaves all of them blank."""
    return tuple(names) if any(names) else ()


def names_of(message: Any, names: Sequence[str], order: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of a message, or the declared order where it names nothing.

    The numbers of a dataset may be called by their places, for which the order has names.
    """
    if order and getattr(message, 'is_numbered', False):
        return order
    return given_names(names) or order


class Lookups(Generic[AnyChannel]):
    """Lookups of a stream's names, made once for each list of names that messages have."""

    def __init__(self, channels: Sequence[AnyChannel], received: dict[str, None]):
        self._channels = channels
        self._received = received
        self._found: dict[tuple[str, ...], Lookup[AnyChannel]] = {}

    def of(self, names: tuple[str, ...]) -> Lookup[AnyChannel]:
        """Return where messages with these names have ours."""
        return self._found.get(names) or self._find(names)

    def _find(self, names: tuple[str, ...]) -> Lookup[AnyChannel]:
        self._note(names)
        ours = [c for c in self._channels if c.source.message_name in names]
        self._received.update(dict.fromkeys(c.source.message_name for c in ours))
        count = {c.source.message_name: names.count(c.source.message_name) for c in ours}
        found = Lookup(
            tuple(
                (c, names.index(c.source.message_name))
                for c in ours
                if count[c.source.message_name] == 1
            ),
            tuple(c for c in ours if count[c.source.message_name] > 1),
        )
        if len(names) <= _MOST_NAMES:
            if len(self._found) >= _LOOKUPS:
                self._found.clear()
            self._found[names] = found
        return found

    def _note(self, names: tuple[str, ...]) -> None:
        """Remember names for messages to people; what no robot would be called is left out."""
        for name in names[: max(0, _MOST_NAMES - len(self._received))]:
            if isinstance(name, str) and len(name) <= _LONGEST and name.isprintable():
                self._received[name] = None
