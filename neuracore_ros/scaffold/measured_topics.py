"""Topics that measure a robot, and topics of its cameras."""

from collections.abc import Collection, Sequence

from neuracore_ros.alignment.name_heuristics import camera, is_command, tokens
from neuracore_ros.description.source import COMPRESSED_IMAGE, JOINT_STATE
from neuracore_ros.scaffold.facts import Facts, ImageTopic, NumberTopic
from neuracore_ros.scaffold.joint_names import labels

# Ranges that differ by less are of the same numbers; one that is smaller is of noise.
_EQUAL, _NOISE = 1e-6, 1e-3


def measuring(facts: Facts, known: Collection[str]) -> tuple[list[NumberTopic], list[NumberTopic]]:
    """Topics that measure different joints, best first; and those that were passed over.

    ``known`` are the joints of the URDF.
    """
    states = [t for t in facts.numbers if t.type == JOINT_STATE and t.width]
    measured = [t for t in states if not is_command(t.name)] or states
    commands = [t for t in facts.numbers if t not in measured and t.joints]

    def merit(topic: NumberTopic) -> tuple[float, ...]:
        last = topic.name.rpartition('/')[2]
        named = last in {'joint_states', 'joint_state'}
        fits = sum(topic.names.get(name, name) in known for name in topic.joints)
        echoes = any(_is_echo(topic, command) for command in commands)
        says_state = 'state' in tokens(last)
        return fits, named, not echoes, says_state, not topic.order, topic.width, topic.count

    chosen: list[NumberTopic] = []
    for topic in sorted(measured, key=merit, reverse=True):
        taken = {name for other in chosen for name in other.joints}
        if not taken & set(topic.joints):
            chosen.append(topic)
    passed = [t for t in measured if t not in chosen]
    return chosen, passed


def _is_echo(topic: NumberTopic, command: NumberTopic) -> bool:
    """Tell whether a topic repeats the commands of another one, so that it measures nothing."""
    pairs = [(topic.motions.get(j), command.motions.get(j)) for j in topic.joints]
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    moved = any(one.upper - one.lower > _NOISE for one, _ in both)
    return moved and all(
        abs(one.lower - other.lower) < _EQUAL and abs(one.upper - other.upper) < _EQUAL
        for one, other in both
    )


def cameras(images: Sequence[ImageTopic]) -> dict[str, ImageTopic]:
    """Camera -> its topic; of one picture in two forms, the compressed one."""
    pictures: dict[str, ImageTopic] = {}
    for image in sorted(images, key=lambda image: (image.type == COMPRESSED_IMAGE, image.name)):
        plain = image.name.removesuffix('/compressedDepth').removesuffix('/compressed')
        pictures[plain] = image
    called: dict[str, list[str]] = {}
    for plain in sorted(pictures):
        called.setdefault(camera(plain), []).append(plain)
    named: dict[str, ImageTopic] = {}
    for name, topics in called.items():
        # Of cameras with one name, such as those of two arms, each has what tells it apart.
        apart = labels(topics) if len(topics) > 1 else {}
        for plain in topics:
            label = apart.get(plain, '')
            own = f'{label}_{name}' if label else name
            named[own if own not in named else plain.strip('/').replace('/', '_')] = pictures[
                plain
            ]
    return named
