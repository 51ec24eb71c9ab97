"""What names of joints, topics and cameras give away. All of it is guesswork, and marked so."""

import re
from collections.abc import Iterable

_GRIPPERS = {'gripper', 'finger', 'fingers', 'jaw', 'knuckle', 'claw', 'hand', 'thumb', 'driver'}
_NOT_OF_ARMS = {'wheel', 'caster', 'castor', 'head', 'bellows', 'camera', 'steering', 'rotor'}
_COMMANDS = {
    'action',
    'cmd',
    'command',
    'commands',
    'desired',
    'goal',
    'in',
    'leader',
    'master',
    'ref',
    'reference',
    'setpoint',
    'target',
    'targets',
    'teleop',
}
# From base to wrist, where no URDF tells.
_PLACES = (
    {'base', 'rail', 'torso', 'waist', 'lift0'},
    {'shoulder', 'spine'},
    {'upperarm', 'upper'},
    {'elbow'},
    {'forearm', 'lower'},
    {'wrist'},
)
_TURNS = ({'pan', 'yaw', 'rotation'}, {'lift', 'pitch', 'flex'}, {'roll', 'rotate'})
_GENERIC = {
    'bgr',
    'camera',
    'color',
    'colour',
    'compressed',
    'compresseddepth',
    'depth',
    'image',
    'mono',
    'raw',
    'rect',
    'rgb',
    'stream',
    'aligned',
    'to',
    'sensors',
}
_VIEWS = (
    {'wrist', 'hand', 'eef', 'tool', 'gripper', 'arm'},
    {'overhead', 'top', 'above', 'ceiling', 'bird'},
    {'front', 'scene', 'external', 'third', 'workspace', 'world', 'base', 'exo', 'agentview'},
    {'left'},
    {'right'},
    {'side'},
)


def parts(name: str) -> list[str]:
    """The words of a name, in lower case: ``l_wristFlex_joint2`` has l, wrist, flex, joint, 2."""
    split = re.sub(r'([a-z])([A-Z])', r'\1 \2', name)
    return re.findall(r'[a-z]+|[0-9]+', split.lower())


def is_gripper(joint: str) -> bool:
    """Whether a joint is one of a gripper."""
    words = set(parts(joint))
    return bool(words & _GRIPPERS) and not words & {'wrist', 'arm', 'shoulder', 'elbow'}


def is_of_arm(joint: str) -> bool:
    """Whether a joint may be one of an arm: no wheel, no head."""
    return not set(parts(joint)) & _NOT_OF_ARMS


def is_command(topic: str) -> bool:
    """Whether a topic of joint states tells what a robot shall do, not where it is."""
    return bool(set(parts(topic)) & _COMMANDS)


def one_of_each(grippers: Iterable[str], has_sides: bool) -> list[str]:
    """One joint of each gripper: fingers of one hand differ in a number or a side.

    Args:
        grippers: Joints of grippers.
        has_sides: Whether the arms have sides, so that grippers may, too.
    """
    sides = set() if has_sides else {'left', 'right', 'l', 'r', 'inner', 'outer'}
    kept: dict[tuple[str, ...], str] = {}
    for name in grippers:
        stem = tuple(word for word in parts(name) if not word.isdigit() and word not in sides)
        kept.setdefault(stem, name)
    return list(kept.values())


def side(name: str) -> str:
    """``l`` or ``r``, where a name says left or right; else empty."""
    words = set(parts(name))
    return 'r' if words & {'right', 'r'} else 'l' if words & {'left', 'l'} else ''


def along_the_arm(joint: str) -> tuple[object, ...]:
    """Sorts names of joints from base to wrist, as well as names tell."""
    words = parts(joint)
    numbers = tuple(int(word) for word in words if word.isdigit())
    place = _first(_PLACES, words, len(_PLACES) // 2)
    return side(joint), place, _first(_TURNS, words, 1) if not numbers else 0, numbers


def part_of_arm(joint: str) -> str:
    """``shoulder``, ``elbow``, ``forearm`` or ``wrist``, where a name says so; else empty."""
    words = set(parts(joint))
    return next((part for part in ('shoulder', 'elbow', 'forearm', 'wrist') if part in words), '')


def alike(first: str, second: str) -> bool:
    """Whether two joints have the same name but for words that say nothing."""
    mean_nothing = {'joint', 'link', 'arm', 'position', 'motor', 'servo'}
    return _core(first, mean_nothing) == _core(second, mean_nothing) != ()


def camera(topic: str) -> str:
    """A name for the camera of a topic, such as ``wrist`` of ``/wrist/image_raw``."""
    segments = [part for part in topic.split('/') if set(parts(part)) - _GENERIC]
    if segments:
        words = [w for w in re.split(r'_+', segments[-1]) if set(parts(w)) - _GENERIC or w == '']
        return '_'.join(words) or segments[-1]
    return 'camera'


def view(name: str) -> int:
    """Which of the usual places a camera has; equal numbers look alike. -1: none is known."""
    return _first(_VIEWS, parts(name), -1)


def _first(groups: tuple[set[str], ...], words: Iterable[str], otherwise: int) -> int:
    known = set(words)
    return next((number for number, group in enumerate(groups) if group & known), otherwise)


def _core(name: str, ignored: set[str]) -> tuple[str, ...]:
    return tuple(word for word in parts(name) if word not in ignored)
