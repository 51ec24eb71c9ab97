"""Hints: what the reason of a robot that stands means, and what to do about it, in plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hint:
    """One fault as people meet it.

    Attributes:
        says: Parts of the reason that tell it; ``...`` stands for anything.
        cause: What lies behind it.
        cure: What to do; Markdown, for the documentation.
    """

    says: tuple[str, ...]
    cause: str
    cure: str

    def matches(self, reason: str) -> bool:
        """True if a reason says this."""
        return any(_pattern(each).search(reason) for each in self.says)

    @property
    def text(self) -> str:
        """Cause and cure for a terminal, without the marks of Markdown."""
        plain = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', f'{self.cause}: {self.cure}')
        return plain.replace('`~/enable`', 'enable').replace('`', '')


def hints(reason: str) -> list[Hint]:
    """All hints that a reason calls for, the most telling first."""
    return [hint for hint in HINTS if hint.matches(reason)]


def _pattern(says: str) -> re.Pattern[str]:
    return re.compile('.*'.join(map(re.escape, says.split('...'))))


HINTS = (
    Hint(
        (
            'after the arrival',
            'before the arrival',
            'older stamps',
        ),
        'clocks differ between computers, or stamps are wrong',
        'synchronise the clocks, or write `stamp: receive` in the source',
    ),
    Hint(
        ('identical bytes under new stamps',),
        'the camera is frozen',
        'restart its driver',
    ),
    Hint(
        ("lacks '", 'name[] is empty', 'values for ... names', 'has it twice', 'have it twice'),
        'the message has other names',
        'write `names:` or `order:` in the source; the line to write is in the reason',
    ),
    Hint(
        ('the image is ... px, and its crop ... ends at',),
        'the camera sends smaller images than those that the `crop` was written for',
        "correct its driver's size, or `crop` in the source",
    ),
    Hint(
        ('the value is',),
        'the driver sends numbers that are not finite, or too large',
        'restart the driver, and repair it',
    ),
    Hint(
        ('does not follow',),
        'emergency stop, protective stop, or the controller gave up',
        "release it, read the controller's log, then `~/enable`. If it happens in normal motion, "
        'the robot lags: compare commanded and measured joints before you raise '
        '`max_tracking_error`',
    ),
    Hint(
        ('is reported to have jumped',),
        'two publishers of one joint or pose, or a faulty encoder or marker',
        '`ros2 topic info --verbose /joint_states` lists the publishers; end the wrong one, then '
        '`~/enable`',
    ),
    Hint(
        ('prediction late',),
        'the policy is slower than the steps it covers, or its server is far',
        '`latency_ms_p99` on `/diagnostics`, of which `network_ms_p99` is the network: in steps, '
        "and `execute_steps` with it, it must fit into the policy's `horizon`. Then fewer "
        '`execute_steps`, fewer `threads` of others, [OpenVINO](policies.md#export) or a GPU',
    ),
    Hint(
        ('no answer within',),
        'the server of the policy hangs, computes for longer than `timeout_s`, or the network '
        'lost it',
        '`latency_ms_p99` and `network_ms_p99` on `/diagnostics`; a faster server or network; '
        '`timeout_s`, if its answers are of use so late',
    ),
    Hint(
        ('nothing listens there',),
        "the policy's server has ended",
        'start it again: the node goes on by itself',
    ),
    Hint(
        ('serves another policy now',),
        'its server was started with another policy',
        'start it with the first one, or configure the node again',
    ),
    Hint(
        ('cannot reach x',),
        'a pose that the arm cannot reach, or not so fast',
        '[what the end of the line means](node.md#poses-by-inverse-kinematics)',
    ),
    Hint(
        ("the human's ... apart",),
        'the leader is elsewhere than the robot',
        'bring it near; the robot follows by itself ([taking over](takeover.md))',
    ),
    Hint(
        ('more than start_max',),
        'the first action is far from the robot',
        'move the robot near the start of the recordings. If it is near, `scale` and `offset` of '
        'the two robot files differ: `neuracore_ros layout`',
    ),
    Hint(
        ('commands ..., too',),
        'another node commands the same topic',
        'end it, then `~/enable`',
    ),
    Hint(
        ('nobody listens to', 'no action server'),
        'the controller is not active, or ended',
        'start it; `ros2 control list_controllers` shows its state',
    ),
    Hint(
        ('% of its speed',),
        'the speed slider is below `min_speed_scaling`',
        'turn it up',
    ),
    Hint(
        ('clock jumped',),
        'the time was set, or a simulation restarted',
        'nothing: it goes on by itself. In a simulation, [the controller may need a '
        'restart](deploying.md#in-simulation)',
    ),
    Hint(
        ('/clock',),
        '`use_sim_time` is true and nobody publishes `/clock`, or the other way round',
        'start the simulator, or change `use_sim_time`, as the reason says',
    ),
    Hint(
        (
            'unknown encoding',
            'is damaged',
            'is truncated',
            'without data',
            'data has',
            'step x height',
        ),
        'the camera sends images that cannot be read',
        "correct its driver's encoding, which the line names",
    ),
    Hint(
        ('the server gave', 'the server failed', 'answered with', 'answered another request'),
        'the policy server gives what does not fit, or failed',
        '[its terminal, and what the line means](#the-policy-server)',
    ),
    Hint(
        (
            'closed the connection',
            'a frame that',
            'is no MessagePack',
            'the API key',
            'cannot be reached',
        ),
        'the policy server, or the way to it',
        '[its terminal, and what the line means](#the-policy-server)',
    ),
    Hint(
        ('the model gives', 'the model failed', 'the prediction'),
        'the policy gives numbers that are not finite, or the wrong shape, or raised an exception',
        '`neuracore_ros evaluate POLICY ROBOT BAG`, then `~/enable`',
    ),
    Hint(
        ('rejects the goal', 'aborted', 'cancelled'),
        'the controller rejected or aborted a goal, in its own words',
        'its log, then `~/enable`',
    ),
    Hint(
        ('old; max_age_s is', 'repeat its stamp'),
        'the stream stopped, is slow, or its messages are refused (`Since then: ...`)',
        'look at its driver, and at its rate (`ros2 topic hz TOPIC`); a stream that is slow by '
        'nature needs a larger `max_age_s` in its source',
    ),
    Hint(
        ('no sample yet', 'nothing has arrived', 'no complete observation yet'),
        'nobody publishes the topic, or under another name',
        'start its driver; the reason names similar topics',
    ),
)
"""Of several that a reason calls for, the earlier one says more."""
