"""Features of LeRobot datasets: what their names say of joints, and what they are not."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from neuracore_ros.alignment.name_heuristics import parts
from neuracore_ros.scaffold.facts import Facts, NumberTopic
from neuracore_ros.wording import counted

# What LeRobot's drivers write behind, and their older ones before, the name of a motor.
_SUFFIX, _PREFIX = '.pos', 'main_'
_UNCLEAR = re.compile(r'(motor|dim|state|action|value)_?[0-9]*')
_AXES = {'x', 'y', 'z'}
_OF_POSES = {
    *_AXES, 'roll', 'pitch', 'yaw', 'rx', 'ry', 'rz', 'qx', 'qy', 'qz', 'qw', 'w', 'pad',
}  # fmt: skip
POSE_NUMBER = 'a number of the pose of a hand, by its name, and not of a joint'


def name_features(facts: Facts, joints: Collection[str]) -> Facts:
    """Call the numbers of features as the joints of the robot are called.

    Args:
        facts: The facts of all topics; those of ROS stay as they are.
        joints: The joints of the URDF; empty without.

    Returns:
        The facts in which ``shoulder_pan.pos`` is ``shoulder_pan``, and numbers of poses are
        among what is of no use.
    """
    return replace(
        facts,
        numbers=tuple(_named(t, joints) if t.is_feature else t for t in facts.numbers),
    )


def plain_camera(key: str) -> str:
    """The name of a camera as a topic would have it: ``front`` of ``observation.images.front``."""
    for before in ('observation.images.', 'observation.'):
        if key.startswith(before):
            return key.removeprefix(before).replace('.', '_')
    return key.replace('.', '_')


def unclear_features(facts: Facts) -> list[str]:
    """A line for each feature whose names do not say that its numbers are joints."""
    found = []
    for topic in facts.numbers:
        is_unclear = all(map(_UNCLEAR.fullmatch, topic.joints))
        if topic.is_feature and topic.width and is_unclear:
            numbered = f' ({", ".join(topic.joints[:2])}, ...)' if topic.joints else ''
            found.append(
                f'{topic.name}: nothing says that its {counted(topic.width, "number")}{numbered} '
                'are joints: those of the pose of a hand are read as CUSTOM_1D'
            )
    return found


def _named(topic: NumberTopic, joints: Collection[str]) -> NumberTopic:
    poses = [] if set(topic.joints) & set(joints) else _numbers_of_poses(topic.joints)
    useless = {**topic.useless, **dict.fromkeys(poses, POSE_NUMBER)}
    kept = tuple(name for name in topic.joints if name not in poses)
    width = topic.width if kept or not poses else 0
    topic = replace(topic, joints=kept, useless=useless, width=width)
    called = {name: _plain(name, joints) for name in kept}
    return topic.renamed(called) if len({*called.values()}) == len(called) else topic


def _plain(name: str, joints: Collection[str]) -> str:
    """The name of a joint, without what a driver of LeRobot adds."""
    plain = name.removesuffix(_SUFFIX)
    shorter = plain.removeprefix(_PREFIX)
    return shorter if plain not in joints and shorter in joints else plain


def _numbers_of_poses(names: Collection[str]) -> list[str]:
    """The names of positions and turns in space, where x, y and z are among them."""
    last = {name: (parts(name.removesuffix(_SUFFIX)) or [''])[-1] for name in names}
    if not {*last.values()} >= _AXES:
        return []
    return [name for name, word in last.items() if word in _OF_POSES]
