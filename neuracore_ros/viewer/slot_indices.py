"""Indices given anew: which are taken, and which messages go by them."""

from __future__ import annotations

from collections.abc import Mapping

from neuracore_ros.description import DataType
from neuracore_ros.errors import UserError
from neuracore_ros.viewer.file_meaning import FileMeaning, Route


def moved_names(
    robot: str, kind: DataType, slots: Mapping[int, str], indices: Mapping[str, int]
) -> Mapping[int, str]:
    """The slots of one DataType after some names have got other indices, ascending.

    Args:
        robot: Name of the robot, for messages.
        kind: The DataType.
        slots: Index -> name.
        indices: Name -> its new index.

    Raises:
        UserError: An index is taken; names who has it, and the way out.
    """
    found: dict[int, str] = {}
    for index, name in slots.items():
        new = indices.get(name, index)
        if new in found:
            there, comes = sorted((found[new], name), key=lambda each: each in indices)
            raise UserError(
                f"{robot}: {kind} index {new} has '{there}': swap '{comes}' with it, or choose a "
                'free index'
            )
        found[new] = name
    return dict(sorted(found.items()))


def orders_to_keep(
    meaning: FileMeaning, output: Mapping[DataType, Mapping[int, str]]
) -> dict[Route, tuple[str, ...]]:
    """The options ``order`` to write out, where numbers without names would change places.

    A Float64MultiArray carries its numbers by index, unless the file gives their order: other
    indices would send each number to another joint.

    Args:
        meaning: Of the file before.
        output: The outputs afterwards.
    """
    found: dict[Route, tuple[str, ...]] = {}
    for topic, order in meaning.sent.items():
        routes: list[Route] = [
            ('commands', kind, name)
            for kind in DataType
            for _, name in sorted(output.get(kind, {}).items())
            if meaning.options['commands', kind, name].topic == topic
        ]
        options = [meaning.options[route] for route in routes]
        after = tuple(
            own.message_name(name) for own, (_, _, name) in zip(options, routes, strict=True)
        )
        if after != order and not any(own.order for own in options):
            found |= dict.fromkeys(routes, order)
    return found
