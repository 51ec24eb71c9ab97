"""The names most like one that is not there: of options, joints, files and topics."""

import difflib
from collections.abc import Collection, Iterable
from pathlib import Path

from neuracore_ros.wording import few

_LONGEST = 60
"""Characters; longer words take long to compare, and are no misspelt names."""
_LISTED = 8

# Parts of topics that all cameras share.
_ANY_CAMERA = {
    'camera', 'color', 'compressed', 'compressedDepth', 'depth', 'image', 'image_color',
    'image_raw', 'image_rect', 'image_rect_color', 'raw', 'rgb',
}  # fmt: skip


def most_alike(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that is most like another one; None if all are below the cutoff, 0 to 1."""
    if len(word) > _LONGEST:
        return None
    return next(iter(difflib.get_close_matches(word, list(known), 1, cutoff)), None)


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6, mark: str = "'") -> str:
    """``; did you mean 'x'?`` for the end of a message; '' if no known word is alike."""
    found = most_alike(word, known, cutoff)
    return f'; did you mean {mark}{found}{mark}?' if found is not None else ''


def known_names(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'? Known: a, b`` for the end of a message about an unknown word."""
    known = sorted(set(known))
    return f'{did_you_mean(word, known) or "."} Known: {", ".join(known) or "none"}'


def list_alike(word: str, known: Collection[str]) -> str:
    """``a, b and 3 more``: some of the known words, the most alike first.

    Those that are equally alike keep their order.
    """
    return few(sorted(known, key=lambda each: _ratio(each, word), reverse=True), _LISTED)


def similar_file(path: Path, endings: Iterable[str] = ()) -> str:
    """``; did you mean folder/name?``, of the files beside a path at which there is none.

    A file that lacks nothing but one of the endings is meant before all others.
    """
    folder = path.parent
    if path.exists():
        return ''
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    complete = next((f'{path.name}{end}' for end in endings if f'{path.name}{end}' in names), None)
    found = complete or most_alike(path.name, names, cutoff=0.75)
    return f'; did you mean {folder / found}?' if found is not None else ''


def topic_likeness(wanted: str, name: str) -> float:
    """The similarity of two topics' names: 0 to about 2.

    The device counts, not the usual endings of cameras' topics. A name that is the other one in
    a namespace, or with an ending, is most like it.
    """
    wanted, name = wanted.strip('/'), name.strip('/')
    longer, shorter = sorted((wanted, name), key=len, reverse=True)
    is_part = longer.endswith(f'/{shorter}') or longer.startswith(f'{shorter}/')
    own = _ratio(_device(wanted), _device(name))
    return is_part + 0.9 * own + 0.1 * _ratio(wanted, name)


def alike_topics(wanted: str, names: Iterable[str], least: float = 0.0) -> list[str]:
    """Names of topics of at least some likeness to another one, the most alike first."""
    found = {name: topic_likeness(wanted, name) for name in names}
    alike = [name for name, likeness in found.items() if likeness >= least]
    return sorted(alike, key=found.__getitem__, reverse=True)


def namespace_of(topic: str, name: str) -> str | None:
    """The namespace in which a relative topic has a full name; None if there is none."""
    if topic.startswith('/') or not name.endswith(f'/{topic}'):
        return None
    return name.removesuffix(topic).rstrip('/')


def _device(name: str) -> str:
    words = [word for word in name.split('/') if word not in _ANY_CAMERA]
    return '/'.join(words) or name


def _ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()
