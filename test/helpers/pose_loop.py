"""Hands that are commanded by their poses: robots of several shapes, and policies for them."""

from dataclasses import dataclass

import numpy as np

from helpers.chain_arms import FIVE, READY, SEVEN, SIX, arm
from helpers.runner_rig import RATE_HZ
from helpers.small_chain import URDF as PLANAR
from neuracore_ros.description import DataType, Robot, load_robot
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.runner import Runner, Settings

POSES = DataType.END_EFFECTOR_POSES
TARGET = DataType.JOINT_TARGET_POSITIONS
OPENING = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
HORIZON = 16
_LIMITS = {
    'shoulder': (-3.0, 3.0, 2.0),
    'elbow': (-3.0, 3.0, 2.0),
    'turn': (-3.0, 3.0, 4.0),
    'finger': (0.0, 0.04, 0.1),
    'head': (-1.0, 1.0, 1.0),
}
_ARM = (-2.0, 2.0, 1.5)
_MORE = """
 <link name="finger"/><link name="head"/>
 <joint name="finger" type="prismatic"><parent link="{tip}"/><child link="finger"/>
  <axis xyz="0 1 0"/><limit lower="0" upper="0.04" velocity="0.1" effort="1"/></joint>
 <joint name="head" type="revolute"><parent link="base"/><child link="head"/>
  <axis xyz="0 0 1"/><limit lower="-1" upper="1" velocity="1" effort="1"/></joint>
</robot>"""


@dataclass
class Hand:
    """One chain, where the hand begins, and the corners of its workspace (2, 3)."""

    name: str
    joints: tuple
    start: np.ndarray
    kinematics: ChainKinematics
    index: int = 0
    workspace: np.ndarray | None = None


@dataclass
class Body:
    """A robot of J joints, described in a file, and what it is made of.

    Attributes:
        robot: As its file describes it.
        hands: Its chains.
        others: Joints that are commanded beside hands.
        names: Of all J, in the runner's order.
        start: Where they begin (J,).
        limits: Least and largest position, and speed, (3, J).
    """

    robot: Robot
    hands: list
    others: tuple
    names: tuple
    start: np.ndarray
    limits: np.ndarray

    @property
    def velocity(self):
        return self.limits[2]

    def manifest(self):
        hands = tuple(hand.index for hand in self.hands)
        width = 1 + max(hands)
        outputs = {POSES: OutputSlots(width, hands)}
        if 'head' in self.others:
            outputs[TARGET] = OutputSlots(1, (0,))
        if 'finger' in self.others:
            outputs[OPENING] = OutputSlots(1, (0,))
        inputs = {POSES: InputSlots(width, hands)}
        return Manifest(inputs, outputs, rate_hz=RATE_HZ, horizon=HORIZON)


def _write(folder, shape):
    """URDF text, links base and tip of each hand, joints of each hand, start of all."""
    if shape == 'planar':
        names = ('shoulder', 'elbow', 'turn')
        return PLANAR, [('base', 'tool', names)], {'shoulder': 0.5, 'elbow': 0.9, 'turn': -0.4}
    joints = {'five': FIVE, 'six': SIX, 'seven': SEVEN}[shape]
    chain = arm(folder, joints)
    start = {name: READY.get(name, 0.1) for name in chain.joints}
    return chain.urdf.read_text(), [('base', chain.tip, chain.joints)], start


def _doubled(text, hands, start):
    """Two of it on one table."""
    ((base, tip, names),) = hands
    inner = text[text.index('>', text.index('<robot')) + 1 : text.rindex('</robot>')]
    links = [part.split('"')[0] for part in inner.split('<link name="')[1:]]
    words = {*links, *names}

    def named(prefix):
        out = inner
        for word in sorted(words, key=len, reverse=True):
            out = out.replace(f'"{word}"', f'"{prefix}{word}"')
        return out

    mounts = ''.join(
        f'<joint name="{side}mount_" type="fixed"><parent link="table"/>'
        f'<child link="{side}{links[0]}"/><origin xyz="0 {y} 0"/></joint>'
        for side, y in (('l_', 0.5), ('r_', -0.5))
    )
    both = f'<robot name="two"><link name="table"/>{named("l_")}{named("r_")}{mounts}</robot>'
    two = [
        (f'{side}{base}', f'{side}{tip}', tuple(f'{side}{name}' for name in names))
        for side in ('l_', 'r_')
    ]
    starts = {f'{side}{name}': at for side in ('l_', 'r_') for name, at in start.items()}
    return both, two, starts


def body(folder, shape, two=False, others=(), box=None, error=None, acceleration=12, apart=False):
    """Describe a robot of a shape: planar, five, six or seven joints.

    Args:
        folder: Where its files go.
        shape: Of each arm.
        two: Two of them.
        others: Of ``finger`` and ``head``, which are commanded beside the hand.
        box: Half the length of a workspace around where the hand starts [m]; None: no bounds.
        error: ``max_ik_error``.
        acceleration: Limit of each joint; None: it has none.
        apart: Each hand has topics of its own: ``hand0/joint_states``, ``hand0/command``.
    """
    text, hands, start = _write(folder, shape)
    if two:
        text, hands, start = _doubled(text, hands, start)
    if others:
        text = text.replace('</robot>', _MORE.format(tip=hands[0][1]))
    (folder / 'body.urdf').write_text(text)

    def describe(boxes):
        chains = ''
        for number, (base, tip, _) in enumerate(hands):
            chains += f'  hand{number}:\n    base: {base}\n    tip: {tip}\n'
            chains += '    tip_offset: {xyz: [0.1, 0, 0], rpy: [0, 1.5708, 0]}\n'
            if error is not None:
                chains += f'    max_ik_error: [{error[0]}, {error[1]}]\n'
            if boxes:
                axes = ', '.join(
                    f'{axis}: [{low}, {high}]'
                    for axis, low, high in zip('xyz', *boxes[number], strict=True)
                )
                chains += f'    workspace: {{{axes}}}\n'
        slots = ', '.join(f'{number}: hand{number}' for number in range(len(hands)))
        kinds = {'head': TARGET, 'finger': OPENING}
        more = ''.join(f'  {kinds[name]}: [{name}]\n' for name in others)
        sources = '  END_EFFECTOR_POSES: {topic: joint_states}\n'
        commands = '  END_EFFECTOR_POSES: {topic: arm}\n'
        if apart:
            sources, commands = (
                '  END_EFFECTOR_POSES: {'
                + ', '.join(f'hand{n}: {{topic: hand{n}/{word}}}' for n in range(len(hands)))
                + '}\n'
                for word in ('joint_states', 'command')
            )
        for name in others:
            commands += f'  {kinds[name]}: {{topic: arm}}\n'
            sources += f'  {kinds[name].measured}: {{topic: joint_states}}\n'
        every = (*(name for _, _, joints in hands for name in joints), *others)
        limits = ''
        if acceleration is not None:
            rows = ''.join(f'  {name}: {{acceleration: {acceleration}}}\n' for name in every)
            limits = f'limits:\n{rows}'
        path = folder / 'body.yaml'
        path.write_text(
            f'robot: body\nurdf: body.urdf\n{limits}chains:\n{chains}'
            f'input:\n  END_EFFECTOR_POSES: {{{slots}}}\n'
            f'output:\n  END_EFFECTOR_POSES: {{{slots}}}\n{more}'
            f'sources:\n{sources}commands:\n{commands}'
        )
        return load_robot(path)

    robot = describe(None)
    made = []
    for number, (_, _, names) in enumerate(hands):
        kinematics = ChainKinematics(robot.chains[f'hand{number}'])
        place = np.array([start[name] for name in names])
        made.append(Hand(f'hand{number}', names, place, kinematics, number))
    if box is not None:
        for hand in made:
            centre = hand.kinematics.pose(hand.start)[:3]
            hand.workspace = np.array([centre - box, centre + box]).round(4)
        robot = describe([hand.workspace for hand in made])
    names = tuple(joint.name for command in robot.commands() for joint in command.joints)
    limits = np.array(
        [_LIMITS.get(name.removeprefix('l_').removeprefix('r_'), _ARM) for name in names]
    )
    place = np.array([start.get(name, 0.0) for name in names])
    return Body(robot, made, tuple(others), names, place, limits.T)


def pose_runner(made, **settings):
    return Runner(made.robot, made.manifest(), Settings(**settings))


def of_hand(made, hand, positions):
    """Columns of one hand of positions (..., J)."""
    return positions[..., [made.names.index(name) for name in hand.joints]]


class PoseRig:
    """What a rig of such a robot has beside any other: its joints, and chunks of poses."""

    def __init__(self, made, model, latency_steps, runner, **options):
        self.made, self.names, self.unexplained = made, made.names, []
        super().__init__(runner, model, latency_steps, tuple(made.start), **options)

    def predict(self, request):
        return self.model(request)

    def answer(self):
        super().answer()
        if self.state != 'RUNNING' and not self.runner.reason:
            self.unexplained.append(self.state)


def stay(made, rig):
    """A policy that wants each hand to be where it is."""

    def model(request):
        chunk = {POSES: np.zeros((HORIZON, len(made.hands), 7))}
        for hand in made.hands:
            chunk[POSES][:, hand.index] = hand.kinematics.pose(of_hand(made, hand, rig.positions))
        return {**chunk, **_others(made, request, 0.0, rig.positions)}

    return model


def _others(made, request, reach, positions=None):
    due = request.tick + 1 + np.arange(HORIZON)[:, None]
    chunk = {}
    if 'head' in made.others:
        at = 0.0 if positions is None else positions[made.names.index('head')]
        chunk[TARGET] = at + reach * np.sin(0.1 * due)
    if 'finger' in made.others:
        at = 0.5 if positions is None else positions[made.names.index('finger')] / 0.04
        chunk[OPENING] = at + reach * np.sin(0.2 * due)
    return chunk


def _turned(poses, axis, angles):
    """Poses (N, 7) turned about an axis (3,) by angles (N,)."""
    x, y, z, w = poses[:, 3:].T
    s = np.sin(angles / 2)[:, None] * np.asarray(axis)
    a, b, c = s.T
    d = np.cos(angles / 2)
    quaternions = np.stack(
        [
            d * x + a * w + b * z - c * y,
            d * y - a * z + b * w + c * x,
            d * z + a * y - b * x + c * w,
            d * w - a * x - b * y - c * z,
        ],
        axis=-1,
    )
    return np.concatenate([poses[:, :3], quaternions], axis=1)


def wild(made, seed, smooth=False):
    """A policy between smooth and mad; now and then it predicts what is no pose.

    It follows joints on a smooth path, and from there may wander off: through singularities,
    spinning, leaping, noisy, or with the other sign of its quaternion.
    """
    random = np.random.default_rng(seed)
    reach, noise = random.choice([0.05, 0.3, 1.0]), random.choice([0.0, 0.0, 0.003, 0.3])
    mad, spin = random.choice([0.0, 0.0, 0.05]), random.choice([0.0, 0.0, 0.5, 6.0])
    far, pace = random.choice([0.0, 0.0, 0.5, 2.0]), random.choice([0.05, 0.15])
    if smooth:
        reach, noise, mad, spin, far = random.uniform(0.05, 0.4), 0.0, 0.0, 0.0, 0.0
    phases = {hand.name: random.uniform(0, 6, len(hand.joints)) for hand in made.hands}
    axis = random.standard_normal(3)
    axis /= np.linalg.norm(axis)
    way = random.standard_normal(3)
    way *= far / np.linalg.norm(way)

    def model(request):
        due = request.tick + 1 + np.arange(HORIZON)
        chunk = {POSES: np.full((HORIZON, len(made.hands), 7), np.nan)}
        for hand in made.hands:
            phase = phases[hand.name]
            path = hand.start + reach * (np.sin(pace * due[:, None] + phase) - np.sin(phase))
            poses = hand.kinematics.poses(path)
            poses[:, :3] += way * np.sin(pace * due)[:, None]
            poses[:, :3] += noise * random.standard_normal((HORIZON, 3))
            poses = _turned(poses, axis, spin * due / RATE_HZ)
            poses[:, 3:] *= random.choice([-1.0, 1.0], HORIZON)[:, None]
            if random.random() < mad:
                step = random.integers(HORIZON)
                poses[step, random.integers(7)] = random.choice([np.nan, np.inf, 1e12, 0.0])
            chunk[POSES][:, hand.index] = poses
        return {**chunk, **_others(made, request, reach)}

    return model
