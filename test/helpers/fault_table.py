"""Every fault of a running robot that is provoked in one world, one after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers import message_faults as spoil
from helpers.faulty_relay import COMMANDS
from helpers.live_robot import SPEED
from helpers.misbehaving_policy import ORDERS, STEP_S

MAX_AGE_S = {'joints': 0.2, 'overhead': 0.5, 'wrist': 0.5}
FROZEN_AFTER_S = 0.6
FRAME_S = 1.0 / 30.0
ASKED_S = 0.5
VELOCITY_LIMIT = 3.15
ITSELF, ENABLE = 'by itself', '`~/enable`'


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong while the robot moves.

    Attributes:
        name: Where, and what.
        provoke: Done to the saboteur, between two messages.
        says: Part of the reason on /diagnostics.
        within_s: From the stamp of the last sound message, or from the fault, to HOLDING.
        rearms: What lets the robot go on, with ``rearm: auto``, once the fault is over.
        still: Whether nothing moves from the stop until the fault is over.
        speed: That somebody asks joint 0 for [rad/s].
    """

    name: str
    provoke: Callable[[Any], object]
    says: str
    within_s: float
    rearms: str = ITSELF
    still: bool = True
    speed: float = SPEED

    @property
    def stream(self):
        """The stream whose messages are spoiled, if there is one."""
        word = self.name.split(':')[0]
        return word if word in MAX_AGE_S else None


@dataclass(frozen=True)
class Oddity:
    """What is unusual and must simply work; see `Fault`."""

    name: str
    provoke: Callable[[Any], object]
    speed: float = SPEED


def spoil_with(stream, change):
    """Begin a new change of a stream's messages."""
    return lambda saboteur: setattr(getattr(saboteur, stream), 'change', change())


def stale(stream, what, change, says='', **more):
    """Messages that do not come, or do not count: stale after max_age_s and a step."""
    says = says or f'max_age_s is {MAX_AGE_S[stream]}'
    within_s = MAX_AGE_S[stream] + STEP_S
    return Fault(f'{stream}: {what}', spoil_with(stream, change), says, within_s, **more)


def killed(stream):
    """A publisher that goes away without a word."""
    within_s = MAX_AGE_S[stream] + STEP_S
    says = f'max_age_s is {MAX_AGE_S[stream]}'
    return Fault(f'{stream}: killed', lambda s: getattr(s, stream).kill(), says, within_s)


def undecodable(stream, what, change, says):
    """Pictures that come in time and cannot be read: known when the model is asked next."""
    within_s = FRAME_S + ASKED_S + STEP_S
    return Fault(f'{stream}: {what}', spoil_with(stream, change), says, within_s)


def ordered(order, says, within_s, rearms=ENABLE):
    """The model obeys a picture; it is asked every half second."""
    change = spoil_with('overhead', lambda: spoil.painted(1 + ORDERS.index(order)))
    return Fault(f'model: {order}', change, says, within_s, rearms)


FAULTS = (
    killed('joints'),
    stale('joints', 'silent', spoil.silent),
    stale('joints', 'same stamp', spoil.repeated, 'Since then: messages repeat its stamp'),
    stale('joints', 'slowed to 2 Hz', lambda: spoil.slowed(50)),
    stale('joints', 'NaN', lambda: spoil.values(np.nan), 'Since then: the value is nan'),
    stale('joints', 'one NaN', lambda: spoil.value(2, np.nan), 'Since then: the value is nan'),
    stale('joints', 'infinite', lambda: spoil.value(0, np.inf), 'Since then: the value is inf'),
    stale('joints', 'beyond float32', lambda: spoil.value(0, 1e39), 'the value is 1e+39'),
    stale('joints', 'one joint missing', lambda: spoil.without(3), "'wrist_1_joint'"),
    stale('joints', 'one joint renamed', lambda: spoil.renamed(3), "'wrist_1_joint'"),
    stale('joints', 'empty messages', spoil.emptied, 'name[] is empty'),
    stale('joints', 'names without values', spoil.valueless, '0 values for 6 names'),
    stale('joints', 'too few values', spoil.shortened, '5 values for 6 names'),
    stale('joints', 'one joint twice', spoil.doubled, 'messages have it twice'),
    stale('joints', 'stamped 10 s ahead', lambda: spoil.shifted(10.0), '10 s after the arrival'),
    stale('joints', 'stamped 10 s ago', lambda: spoil.shifted(-10.0), 'older stamps'),
    stale('joints', 'stamped by uptime', lambda: spoil.stamped(123), 'before the arrival'),
    stale('joints', 'jumping stamps', lambda: spoil.jumping(30.0), 'after the arrival'),
    Fault(
        'joints: one joint leaps',
        spoil_with('joints', lambda: spoil.added(0, 0.9)),
        "'shoulder_pan_joint' is reported to have jumped",
        2 * STEP_S,
        ENABLE,
    ),
    Fault(
        'joints: two publishers that disagree',
        lambda saboteur: saboteur.joints.contradict(spoil.elsewhere(0, 0.9)),
        "'shoulder_pan_joint' is reported to have jumped",
        2.0,
        ENABLE,
    ),
    Fault(
        'joints: dead encoder',
        spoil_with('joints', lambda: spoil.stuck(0)),
        "'shoulder_pan_joint' does not follow",
        2.0,
        ENABLE,
    ),
    killed('overhead'),
    stale('overhead', 'silent', spoil.silent),
    stale('overhead', 'same stamp', spoil.repeated, 'Since then: messages repeat its stamp'),
    stale('overhead', 'slowed to 1 Hz', lambda: spoil.slowed(30), still=False),
    Fault(
        'overhead: same pixels under new stamps',
        spoil_with('overhead', spoil.frozen),
        'identical bytes under new stamps',
        FROZEN_AFTER_S + FRAME_S + STEP_S,
    ),
    undecodable('overhead', 'unknown encoding', lambda: spoil.encoded('rgb9'), "'rgb9'"),
    undecodable('overhead', 'wrong encoding', lambda: spoil.encoded('rgba8'), 'step is 480'),
    undecodable('overhead', 'half the data', spoil.truncated, 'data has 28800 bytes'),
    undecodable('overhead', 'no data', lambda: spoil.truncated(0.0), 'data has 0 bytes'),
    undecodable('overhead', 'wrong size', spoil.wrongly_sized, 'step x height is 480 x 121'),
    undecodable('overhead', 'size zero', spoil.sizeless, 'it is empty'),
    stale('overhead', 'stamped 10 s ahead', lambda: spoil.shifted(10.0), '10 s after the arrival'),
    stale('overhead', 'stamped 10 s ago', lambda: spoil.shifted(-10.0), 'older stamps'),
    Fault(
        'overhead: large pictures come 0.7 s late',
        lambda saboteur: saboteur.overhead.delay(0.7, spoil.enlarged()),
        'max_age_s is 0.5',
        0.5 + STEP_S,
    ),
    killed('wrist'),
    undecodable('wrist', 'broken JPEG', spoil.garbled, 'is damaged'),
    undecodable('wrist', 'immense JPEG', spoil.immense, 'cannot hold the 30000 x 30000 pixels'),
    undecodable('wrist', 'truncated JPEG', spoil.truncated, 'is truncated'),
    undecodable('wrist', 'empty JPEG', lambda: spoil.truncated(0.0), 'without data'),
    ordered('raise', 'raised on purpose', 1.0),
    ordered('nan', 'with nan at index 1, step 3', 1.0),
    ordered('inf', 'with inf at index 1, step 3', 1.0),
    ordered('narrow', 'shape (1, 20, 5)', 1.0),
    ordered('short', 'shape (1, 5, 7)', 1.0),
    ordered('slow', 'prediction late', 2.0, ITSELF),
    Fault(
        'robot: emergency stop',
        lambda saboteur: saboteur.stop_robot(),
        "'shoulder_pan_joint' does not follow",
        2.0,
        ENABLE,
    ),
    Fault(
        'robot: commands are lost',
        spoil_with('commands', spoil.silent),
        "'shoulder_pan_joint' does not follow",
        2.0,
        ENABLE,
    ),
    # Discovery has to notice it. The stop reaches nobody, but what was sent ends by itself.
    Fault(
        'robot: controller gone',
        lambda saboteur: saboteur.commands.go_deaf(),
        f'nobody listens to {COMMANDS}',
        1.0,
    ),
    Fault(
        'robot: another node commands on its topic',
        lambda saboteur: saboteur.rival(),
        f'commands {COMMANDS}, too',
        2 * STEP_S,
        ENABLE,
    ),
    Fault(
        'robot: somebody else commands its controller',
        lambda saboteur: saboteur.interfere(),
        "'shoulder_pan_joint' does not follow",
        2.0,
        ENABLE,
        still=False,
        # Both do.
        speed=2 * SPEED,
    ),
)


def odd(stream, what, change, **more):
    """Odd messages of one stream."""
    return Oddity(f'{stream}: {what}', spoil_with(stream, change), **more)


ODDITIES = (
    odd('joints', 'another order in every message', spoil.shuffled),
    odd('joints', 'more joints', spoil.extended),
    odd('joints', 'split into two messages', spoil.split),
    odd('joints', 'without stamps', lambda: spoil.stamped(0)),
    odd('joints', 'without velocities', spoil.positions_only),
    odd('joints', 'out of order', spoil.swapped),
    odd('joints', 'at 2 kHz', lambda: spoil.multiplied(20, 10_000_000)),
    odd('joints', 'one NaN in four', lambda: spoil.sometimes(4, spoil.value(0, np.nan))),
    Oddity(
        'joints: two publishers that agree', lambda s: s.joints.contradict(spoil.elsewhere(0, 0))
    ),
    odd('overhead', 'at 200 Hz', lambda: spoil.multiplied(7, 33_000_000)),
    odd('overhead', 'large pictures', spoil.enlarged),
    odd('overhead', 'without stamps', lambda: spoil.stamped(0)),
    odd('wrist', 'PNG', spoil.as_png),
    Oddity('robot: commands come 0.1 s late', lambda s: s.commands.delay(0.1)),
    Oddity(
        'model: predictions leap by radians',
        spoil_with('overhead', lambda: spoil.painted(1 + ORDERS.index('leap'))),
        speed=VELOCITY_LIMIT,
    ),
)
