"""Every fault of a running robot that is provoked in one world, one after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers import message_faults
from helpers.faulty_relays import COMMANDS
from helpers.live_robot import SPEED
from helpers.misbehaving_policy import ORDERS
from helpers.swaying import STEP_S

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
        provoke: Done to the relays, between two messages.
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


def with_change(stream, change):
    """Begin a new change of a stream's messages."""
    return lambda relays: setattr(getattr(relays, stream), 'change', change())


def stale(stream, what, change, says='', **more):
    """Messages that do not come, or do not count: stale after max_age_s and a step."""
    says = says or f'max_age_s is {MAX_AGE_S[stream]}'
    within_s = MAX_AGE_S[stream] + STEP_S
    return Fault(f'{stream}: {what}', with_change(stream, change), says, within_s, **more)


def killed(stream):
    """A publisher that goes away without a word."""
    within_s = MAX_AGE_S[stream] + STEP_S
    says = f'max_age_s is {MAX_AGE_S[stream]}'
    return Fault(f'{stream}: killed', lambda s: getattr(s, stream).kill(), says, within_s)


def undecodable(stream, what, change, says):
    """Pictures that come in time and cannot be read: known when the model is asked next."""
    within_s = FRAME_S + ASKED_S + STEP_S
    return Fault(f'{stream}: {what}', with_change(stream, change), says, within_s)


def ordered(order, says, within_s, rearms=ENABLE):
    """The model obeys a picture; it is asked every half second."""
    change = with_change('overhead', lambda: message_faults.painted(1 + ORDERS.index(order)))
    return Fault(f'model: {order}', change, says, within_s, rearms)


FAULTS = (
    killed('joints'),
    stale('joints', 'silent', message_faults.silent),
    stale(
        'joints', 'same stamp', message_faults.repeated, 'Since then: messages repeat its stamp'
    ),
    stale('joints', 'slowed to 2 Hz', lambda: message_faults.slowed(50)),
    stale('joints', 'NaN', lambda: message_faults.values(np.nan), 'Since then: the value is nan'),
    stale(
        'joints',
        'one NaN',
        lambda: message_faults.value(2, np.nan),
        'Since then: the value is nan',
    ),
    stale(
        'joints',
        'infinite',
        lambda: message_faults.value(0, np.inf),
        'Since then: the value is inf',
    ),
    stale('joints', 'beyond float32', lambda: message_faults.value(0, 1e39), 'the value is 1e+39'),
    stale('joints', 'one joint missing', lambda: message_faults.without(3), "'wrist_1_joint'"),
    stale('joints', 'one joint renamed', lambda: message_faults.renamed(3), "'wrist_1_joint'"),
    stale('joints', 'empty messages', message_faults.emptied, 'name[] is empty'),
    stale('joints', 'names without values', message_faults.valueless, '0 values for 6 names'),
    stale('joints', 'too few values', message_faults.shortened, '5 values for 6 names'),
    stale('joints', 'one joint twice', message_faults.doubled, 'messages have it twice'),
    stale(
        'joints',
        'stamped 10 s ahead',
        lambda: message_faults.shifted(10.0),
        '10 s after the arrival',
    ),
    stale('joints', 'stamped 10 s ago', lambda: message_faults.shifted(-10.0), 'older stamps'),
    stale(
        'joints', 'stamped by uptime', lambda: message_faults.stamped(123), 'before the arrival'
    ),
    stale('joints', 'jumping stamps', lambda: message_faults.jumping(30.0), 'after the arrival'),
    Fault(
        'joints: one joint leaps',
        with_change('joints', lambda: message_faults.added(0, 0.9)),
        "'shoulder_pan_joint' is reported to have jumped",
        2 * STEP_S,
        ENABLE,
    ),
    Fault(
        'joints: two publishers that disagree',
        lambda relays: relays.joints.contradict(message_faults.elsewhere(0, 0.9)),
        "'shoulder_pan_joint' is reported to have jumped",
        2.0,
        ENABLE,
    ),
    Fault(
        'joints: dead encoder',
        with_change('joints', lambda: message_faults.stuck(0)),
        "'shoulder_pan_joint' does not follow",
        2.0,
        ENABLE,
    ),
    killed('overhead'),
    stale('overhead', 'silent', message_faults.silent),
    stale(
        'overhead', 'same stamp', message_faults.repeated, 'Since then: messages repeat its stamp'
    ),
    stale('overhead', 'slowed to 1 Hz', lambda: message_faults.slowed(30), still=False),
    Fault(
        'overhead: same pixels under new stamps',
        with_change('overhead', message_faults.frozen),
        'identical bytes under new stamps',
        FROZEN_AFTER_S + FRAME_S + STEP_S,
    ),
    undecodable('overhead', 'unknown encoding', lambda: message_faults.encoded('rgb9'), "'rgb9'"),
    undecodable(
        'overhead', 'wrong encoding', lambda: message_faults.encoded('rgba8'), 'step is 480'
    ),
    undecodable('overhead', 'half the data', message_faults.truncated, 'data has 28800 bytes'),
    undecodable('overhead', 'no data', lambda: message_faults.truncated(0.0), 'data has 0 bytes'),
    undecodable(
        'overhead', 'wrong size', message_faults.wrongly_sized, 'step x height is 480 x 121'
    ),
    undecodable('overhead', 'size zero', message_faults.sizeless, 'it is empty'),
    undecodable(
        'overhead', 'smaller than its crop', message_faults.halved, 'the image is 80 x 60 px'
    ),
    stale(
        'overhead',
        'stamped 10 s ahead',
        lambda: message_faults.shifted(10.0),
        '10 s after the arrival',
    ),
    stale('overhead', 'stamped 10 s ago', lambda: message_faults.shifted(-10.0), 'older stamps'),
    Fault(
        'overhead: large pictures come 0.7 s late',
        lambda relays: relays.overhead.delay(0.7, message_faults.enlarged()),
        'max_age_s is 0.5',
        0.5 + STEP_S,
    ),
    killed('wrist'),
    undecodable('wrist', 'broken JPEG', message_faults.garbled, 'is damaged'),
    undecodable(
        'wrist', 'immense JPEG', message_faults.immense, 'cannot hold the 30000 x 30000 pixels'
    ),
    undecodable('wrist', 'truncated JPEG', message_faults.truncated, 'is truncated'),
    undecodable('wrist', 'empty JPEG', lambda: message_faults.truncated(0.0), 'without data'),
    ordered('raise', 'raised on purpose', 1.0),
    ordered('nan', 'with nan at index 1, step 3', 1.0),
    ordered('inf', 'with inf at index 1, step 3', 1.0),
    ordered('narrow', 'shape (1, 20, 5)', 1.0),
    ordered('short', 'shape (1, 5, 7)', 1.0),
    ordered('slow', 'prediction late', 2.0, ITSELF),
    Fault(
        'robot: emergency stop',
        lambda relays: relays.stop_robot(),
        "'shoulder_pan_joint' does not follow",
        2.0,
        ENABLE,
    ),
    Fault(
        'robot: commands are lost',
        with_change('commands', message_faults.silent),
        "'shoulder_pan_joint' does not follow",
        2.0,
        ENABLE,
    ),
    # Discovery has to notice it. The stop reaches nobody, but what was sent ends by itself.
    Fault(
        'robot: controller gone',
        lambda relays: relays.commands.go_deaf(),
        f'nobody listens to {COMMANDS}',
        1.0,
    ),
    Fault(
        'robot: another node commands on its topic',
        lambda relays: relays.rival(),
        f'commands {COMMANDS}, too',
        2 * STEP_S,
        ENABLE,
    ),
    Fault(
        'robot: somebody else commands its controller',
        lambda relays: relays.interfere(),
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
    return Oddity(f'{stream}: {what}', with_change(stream, change), **more)


ODDITIES = (
    odd('joints', 'another order in every message', message_faults.shuffled),
    odd('joints', 'more joints', message_faults.extended),
    odd('joints', 'split into two messages', message_faults.split),
    odd('joints', 'without stamps', lambda: message_faults.stamped(0)),
    odd('joints', 'without velocities', message_faults.positions_only),
    odd('joints', 'out of order', message_faults.swapped),
    odd('joints', 'at 2 kHz', lambda: message_faults.multiplied(20, 10_000_000)),
    odd(
        'joints',
        'one NaN in four',
        lambda: message_faults.sometimes(4, message_faults.value(0, np.nan)),
    ),
    Oddity(
        'joints: two publishers that agree',
        lambda s: s.joints.contradict(message_faults.elsewhere(0, 0)),
    ),
    odd('overhead', 'at 200 Hz', lambda: message_faults.multiplied(7, 33_000_000)),
    odd('overhead', 'large pictures', message_faults.enlarged),
    odd('overhead', 'without stamps', lambda: message_faults.stamped(0)),
    odd('wrist', 'PNG', message_faults.as_png),
    Oddity('robot: commands come 0.1 s late', lambda s: s.commands.delay(0.1)),
    Oddity(
        'model: predictions leap by radians',
        with_change('overhead', lambda: message_faults.painted(1 + ORDERS.index('leap'))),
        speed=VELOCITY_LIMIT,
    ),
)
