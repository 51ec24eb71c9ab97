"""Pair labels of recordings: of one, and of all that a folder has of a robot."""

from __future__ import annotations

from pathlib import Path

from neuracore_ros.bags.bag import Bag, open_bag
from neuracore_ros.bags.metadata_yaml import FILE, read_metadata
from neuracore_ros.errors import BagError, DescriptionError
from neuracore_ros.pairs import PAIR_TOPIC, pair_label

STRING = 'std_msgs/msg/String'
_RECORDED = f'/record/{PAIR_TOPIC}'


def recorded_pair(bag: Bag) -> tuple[str, str]:
    """The pair label that a recording says, and why it has none though it says something.

    It is in the custom data of its metadata.yaml, or on a topic that ends in ``/record/pair``.
    Either text is '' where there is nothing to say.
    """
    said = {bag.pair} if bag.pair else _said(bag)
    if len(said) > 1:
        return '', f'it says {len(said)} pair labels, so it has none; give one: --pair LABEL'
    for text in said:
        try:
            return pair_label(text), ''
        except ValueError as error:
            return '', f'its pair label is left out: {error}'
    return '', ''


def pairs_in(folder: Path, robot: str) -> dict[str, Path]:
    """Pair labels that a robot's recordings in a folder have -> one of that label.

    A recording that does not say whose it is counts; one that cannot be read does not.
    """
    found: dict[str, Path] = {}
    bags = sorted(folder.iterdir()) if folder.is_dir() else []
    for bag in bags:
        if not bag.name.startswith('.') and bag.is_dir():
            label = _pair_of(bag, robot)
            if label:
                found.setdefault(label, bag)
    return found


def _pair_of(path: Path, robot: str) -> str:
    """The label of one recording; '' none, or of another robot."""
    try:
        if (path / FILE).is_file():
            noted = read_metadata(path)
            # Thousands of episodes are not opened where this is enough.
            return pair_label(noted.pair) if noted.pair and noted.robot in {'', robot} else ''
    except (DescriptionError, ValueError):
        pass
    try:
        with open_bag(path) as bag:
            return recorded_pair(bag)[0]
    except BagError:
        return ''


def _said(bag: Bag) -> set[str]:
    """Different texts on the recorder's topic."""
    said: set[str] = set()
    for topic in (kind for each in bag.topics.values() for kind in each.kinds):
        if topic.name.endswith(_RECORDED) and topic.type == STRING and topic.is_readable:
            said |= {str(each.message.data) for each in bag.read({topic.name: STRING})}
    # A recorder that has nothing left to record says so.
    return said - {''}
