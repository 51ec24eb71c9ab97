"""Checks of the topics that a robot file declares against those of a recording."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from neuracore_ros.bags.bag import Bag
from neuracore_ros.bags.topics import Topic
from neuracore_ros.description import Source
from neuracore_ros.description.named_numbers import NAMED_NUMBERS, example_name, misnamed
from neuracore_ros.description.source import (
    CHAIN_TYPES,
    JOINT_STATE,
    JOINT_TRAJECTORY,
    MULTI_ARRAYS,
    TF_MESSAGE,
    types_of,
)
from neuracore_ros.errors import BagError
from neuracore_ros.similar_names import did_you_mean, namespace_of, topic_likeness
from neuracore_ros.wording import counted

NAMED = 8
# A topic of another type whose name is less like the one that is looked for is not meant.
_UNLIKE = 0.6


def require_topics(
    bag: Bag, sources: Iterable[Source], robot_file: Path, others: Iterable[Source] = ()
) -> None:
    """Check that the recording has every declared topic, of the declared type.

    ``others`` is declared besides, and so not meant by a topic that is missing.

    Raises:
        BagError: A topic is missing or empty, or of another type; with the line to write.
    """
    sources = tuple(sources)
    declared = (*sources, *others)
    for source in sources:
        found = bag.find(source.topic, source.type)
        if found is None or not found.count:
            state = 'is empty' if found else 'is not in the bag'
            lost = next((loss for loss in bag.losses if found and source.topic in loss), '')
            state += f' (lost: {lost})' if lost else ''
            raise BagError(
                f"{bag.path}: {source.topic} ({source.data_type} '{source.name}' of "
                f'{robot_file}) {state}; {_alternatives(bag, source, declared)}'
            )
        found.require_readable(bag.path)
        if not found.holds(source.type):
            raise BagError(_other_type(bag, source, found, robot_file, declared))


def require_name(bag: Bag, source: Source) -> None:
    """Check that the messages of a source have its name.

    Raises:
        BagError: They name others, or nothing.
    """
    if source.order or source.type not in (JOINT_STATE, JOINT_TRAJECTORY):
        return
    found = bag.find(source.topic, source.type)
    wanted = source.joint_names if source.is_kinematic else (source.message_name,)
    names = bag.names(found) if found else []
    if not names:
        raise BagError(
            f'{bag.path}: {source.topic} names nothing: add order: [names by position] to its '
            'source'
        )
    for name in wanted:
        if name not in names:
            whose = f" of chain '{source.name}'" if source.is_kinematic else ''
            raise BagError(
                f"{bag.path}: {source.topic} lacks '{name}'{whose} ({source.data_type} index "
                f'{source.index}{did_you_mean(name, names)}). It has: {", ".join(names)}'
            )


def describe(bag: Bag, topic: Topic) -> str:
    """A topic with its type, count and the names in its messages."""
    is_named = (topic.holds(JOINT_STATE) or topic.holds(JOINT_TRAJECTORY)) and topic.is_readable
    names = bag.names(topic) if is_named else []
    more = f', and {len(names) - NAMED} more' if len(names) > NAMED else ''
    named = f'; names {", ".join(names[:NAMED])}{more}' if names else ''
    return f'{topic.name} ({topic.type}, {counted(topic.count, "message")}{named})'


def _alternatives(bag: Bag, source: Source, declared: Iterable[Source]) -> str:
    """The recorded topics that may be meant: those of a readable type first.

    Another camera's topic is not meant, and a command is none of the measured topics: it would
    be what is measured in the same step.
    """
    types, kind = types_of(source.data_type, source.chain is not None), source.data_type
    nearest = sorted(bag.nearest(source.topic), key=lambda topic: topic.type not in types)
    if not nearest:
        return 'no topic of the bag has a message'
    taken = [
        found.name
        for other in declared
        if (kind.is_image or (source.reads_commands and not other.reads_commands))
        and (found := bag.find(other.topic)) is not None
    ]
    nearest = [topic for topic in nearest if topic.name not in taken]
    if source.reads_commands and not any(topic.type in types for topic in nearest):
        return f'no command was recorded: {_without_commands(source)}'
    if not nearest:
        return 'every other topic of the bag is read as something else'
    if nearest[0].type not in types and topic_likeness(source.topic, nearest[0].name) < _UNLIKE:
        rest = ', '.join(topic.name for topic in nearest[:NAMED])
        return f'the bag has no other topic that could be {kind}; it has: {rest}'
    name = nearest[0].name
    if (namespace := namespace_of(source.topic, name)) is not None:
        return f'did you mean --namespace {namespace}?' if namespace else 'leave --namespace out'
    rest = ', '.join(topic.name for topic in nearest[1 : 1 + NAMED])
    return f'did you mean {describe(bag, nearest[0])}?' + (f' It also has: {rest}' if rest else '')


def _without_commands(source: Source) -> str:
    """What to write for a recording without the commands that a source reads."""
    kind = source.data_type
    if source.follow_s is not None:
        return 'without follow_s, the measured opening can be read'
    cure = f"leave '{source.name}' out of targets"
    if kind.is_target:
        cure = f'write {kind.measured} in place of {kind} under output and commands'
    return f'{cure}, and a policy learns the measurement of the next step'


def _other_type(
    bag: Bag, source: Source, found: Topic, robot_file: Path, declared: Iterable[Source]
) -> str:
    holds = found.type or 'messages of a type that the file does not name'
    what = f'{bag.path}: {found.name} holds {holds}, but {robot_file} declares {source.type}'
    types = types_of(source.data_type, source.chain is not None)
    measured = {other.topic for other in declared if not other.reads_commands}
    if source.is_target and source.topic in measured:
        return f'{what}, and it is what is measured; {_alternatives(bag, source, declared)}'
    if found.type not in types:
        advice = f'{what}; {source.data_type} can be read from {", ".join(types)}'
        if source.data_type.is_pose and found.type in CHAIN_TYPES:
            advice += ', or computed from joints, if its name is one of chains'
        return advice
    options = f'topic: {source.topic}, type: {found.type}'
    if found.type in MULTI_ARRAYS:
        options += ', order: [names by position]'
    if found.type == TF_MESSAGE:
        options += ', parent: the frame in which it is given'
    if found.type in NAMED_NUMBERS and misnamed(found.type, source.message_name):
        names = f'{source.name}: {example_name(found.type, source.message_name)}'
        options += f', names: {{{names}}}'
    line = f'{source.data_type}: {{{source.name}: {{{options}}}}}'
    section = 'targets' if source.is_target and not source.data_type.is_target else 'sources'
    return f'{what}; write under {section}: {line}'
