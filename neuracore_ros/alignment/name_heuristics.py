"""Guesses from the names of joints, topics and cameras; drafts mark them as guessed."""

import re
from collections.abc import Iterable, Sequence

_GRIPPERS = {'gripper', 'finger', 'fingers', 'jaw', 'knuckle', 'claw', 'hand', 'thumb', 'driver'}
_OF_FINGERS = _GRIPPERS - {'gripper', 'hand'}
_SURELY_GRIPPERS = {'gripper', 'finger', 'fingers', 'jaw'}
_SIDES = {'left', 'right', 'l', 'r'}
_OF_A_FINGER = {*_GRIPPERS, 'inner', 'outer', 'tip', 'joint'}
# Two links that are numbered downwards may be so by chance.
_FEW = 2
_NOT_OF_ARMS = {'wheel', 'caster', 'castor', 'head', 'bellows', 'camera', 'steering', 'rotor'}
_COMMANDS = {
    'action', 'cmd', 'command', 'commands', 'desired', 'goal', 'in', 'leader', 'master', 'ref',
    'reference', 'setpoint', 'target', 'targets', 'teleop',
}  # fmt: skip
# From base to wrist, without a URDF.
_PLACES = (
    {'base', 'rail', 'torso', 'waist'},
    {'shoulder', 'spine'},
    {'upperarm', 'upper'},
    {'elbow'},
    {'forearm', 'lower'},
    {'wrist'},
)
# What carries an arm, if nothing else is said of its place.
_MASTS = {'lift', 'mast', 'column', 'elevator'}
_SLIDES = {'slide', 'slider', 'prismatic', 'linear', 'rail', 'telescope', 'extension', *_MASTS}
_TURNS = ({'pan', 'yaw', 'rotation'}, {'lift', 'pitch', 'flex'}, {'roll', 'rotate'})
# No camera is told apart by these.
_GENERIC = {
    'aligned', 'bgr', 'camera', 'color', 'colour', 'compressed', 'compresseddepth', 'depth',
    'image', 'mono', 'raw', 'rect', 'rgb', 'sensors', 'stream', 'to',
}  # fmt: skip
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
    return re.findall(r'[a-z]+|[0-9]+', ' '.join(tokens(name)))


def tokens(name: str) -> list[str]:
    """The words of a name with their numbers: ``/Arm_l3/stateLeft`` has arm, l3, state, left."""
    split = re.sub(r'([a-z])([A-Z])', r'\1 \2', name)
    return re.findall(r'[a-z0-9]+', split.lower())


def is_gripper(joint: str) -> bool:
    """Tell by its name whether a joint is one of a gripper."""
    words = set(parts(joint))
    if words & {'wrist', 'shoulder', 'elbow'}:
        return False
    if words & {'yaw', 'pitch', 'roll'} and not words & _OF_FINGERS:
        return False  # It turns the hand as a whole.
    return bool(words & _SURELY_GRIPPERS) or (bool(words & _GRIPPERS) and 'arm' not in words)


def may_slide(joint: str) -> bool:
    """Tell by its name whether a joint may be prismatic."""
    words = set(parts(joint))
    of_arm = words & {'shoulder', 'elbow', 'wrist'}
    return is_gripper(joint) or bool(words & _SLIDES and not of_arm)


def is_of_arm(joint: str) -> bool:
    """Tell by its name whether a joint may be one of an arm: no wheel, no head."""
    return not set(parts(joint)) & _NOT_OF_ARMS


def is_command(topic: str) -> bool:
    """Tell by its name whether a topic of joint states carries commands, not measurements."""
    return bool(set(parts(topic)) & _COMMANDS)


def one_of_each(grippers: Iterable[str], has_sides: bool) -> list[str]:
    """One joint of each gripper: fingers of one hand differ in a number or a side.

    Args:
        grippers: Joints of grippers, the better ones first.
        has_sides: Whether the arms have sides, so that grippers may, too.
    """
    kept: dict[tuple[str, ...], str] = {}
    for name in grippers:
        words = [word for word in parts(name) if not word.isdigit() and word not in _OF_A_FINGER]
        sides = [word for word in words if word in _SIDES]
        # The first side is the arm's, the next one the finger's.
        whose = side(name) if has_sides and sides else ''
        kept.setdefault((whose, *(word for word in words if word not in _SIDES)), name)
    return list(kept.values())


def side(name: str) -> str:
    """``l`` or ``r``, where a name says left or right; else empty.

    A letter counts where it stands alone: ``arm_l3`` is a link.
    """
    for token in tokens(name):
        word = token.rstrip('0123456789')
        if word in {'left', 'right'} or token in {'l', 'r'}:
            return word[0]
    return ''


def from_base_to_tip(joints: Sequence[str]) -> list[str]:
    """Order joints from base to tip by their names.

    Args:
        joints: In the order of messages; links that are numbered downwards there stay so.
    """
    words = {joint: set(parts(joint)) for joint in joints}
    # A lift beside a pan is the shoulder's.
    masts = _MASTS - ({'lift'} if any('pan' in own for own in words.values()) else set())

    def place(joint: str) -> int:
        otherwise = 0 if masts & words[joint] else len(_PLACES) // 2
        if words[joint] & {'pan', 'lift'} and not masts & words[joint]:
            otherwise = 1
        return _first(_PLACES, words[joint], otherwise)

    of_arm = [joint for joint in joints if not is_gripper(joint)]
    falling = _falling(of_arm, [place(joint) for joint in of_arm])

    def key(joint: str) -> tuple[object, ...]:
        numbers = _numbers(joint)
        turn = _first(_TURNS, words[joint], 1) if not numbers else 0
        order = tuple(-number for number in numbers) if _stem(joint) in falling else numbers
        return side(joint), place(joint), turn, order

    return sorted(joints, key=key)


def _falling(joints: Sequence[str], places: Sequence[int]) -> set[tuple[str, ...]]:
    """Names whose numbers fall from base to tip, in messages that are ordered so."""
    if list(places) != sorted(places) or len(set(places)) == 1:
        return set()
    sequences: dict[tuple[str, ...], list[tuple[int, ...]]] = {}
    for joint in joints:
        sequences.setdefault(_stem(joint), []).append(_numbers(joint))
    return {
        stem
        for stem, found in sequences.items()
        if len(found) > _FEW and found == sorted(found, reverse=True)
    }


def _stem(joint: str) -> tuple[str, ...]:
    return tuple(word for word in parts(joint) if not word.isdigit())


def _numbers(joint: str) -> tuple[int, ...]:
    return tuple(int(word) for word in parts(joint) if word.isdigit())


def part_of_arm(joint: str) -> str:
    """``shoulder``, ``elbow``, ``forearm`` or ``wrist``, where a name says so; else empty."""
    words = set(parts(joint))
    return next((part for part in ('shoulder', 'elbow', 'forearm', 'wrist') if part in words), '')


def alike(first: str, second: str) -> bool:
    """Tell whether two joints have the same name, without words such as ``joint``."""
    mean_nothing = {'joint', 'link', 'arm', 'position', 'motor', 'servo'}
    cores = [
        [word for word in parts(name) if word not in mean_nothing] for name in (first, second)
    ]
    return cores[0] == cores[1] != []


def camera(topic: str) -> str:
    """A name for the camera of a topic, such as ``wrist`` of ``/wrist/image_raw``."""
    segments = [part for part in topic.split('/') if set(parts(part)) - _GENERIC]
    if segments:
        words = [w for w in re.split(r'_+', segments[-1]) if set(parts(w)) - _GENERIC or w == '']
        return '_'.join(words) or segments[-1]
    return 'camera'


def view(name: str) -> int:
    """Number of the usual place that a camera has; equal numbers look alike. -1: none is known."""
    return _first(_VIEWS, parts(name), -1)


def _first(groups: tuple[set[str], ...], words: Iterable[str], otherwise: int) -> int:
    known = set(words)
    return next((number for number, group in enumerate(groups) if group & known), otherwise)
