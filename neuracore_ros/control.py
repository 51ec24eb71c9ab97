"""Control of a robot, in words: whether a policy, a human or nobody commands it now.

The node says it on ``~/control``, recordings keep it, and datasets have it row by row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum

from neuracore_ros.errors import UserError
from neuracore_ros.records import RecordOrigin, parse_record

CONTROL_TOPIC = 'control'
"""The last part of the topic's name; its type is std_msgs/String."""

REPEATED_S = 1.0
"""It is said again after this time, and at every change [s]."""

INTERVENTION = 'intervention'
"""The column of steps that a human commanded in place of a policy, as LeRobot calls it."""

FORGOTTEN_S = 3.0
"""A node that has not said it for so long commands no more [s]."""


class Commander(str, Enum):
    """Commander of a robot."""

    POLICY = 'policy'
    HUMAN = 'human'
    NOBODY = 'nobody'


@dataclass(frozen=True, slots=True)
class Control:
    """Control of a robot at one time.

    Attributes:
        commander: Whoever commands it.
        policy: Name of the policy's file, or its address; '' unless the policy commands.
        policy_sha256: Digest of its file, in hexadecimal digits; '' unknown.
    """

    commander: Commander
    policy: str = ''
    policy_sha256: str = ''

    def to_text(self) -> str:
        """Write the text of a message on ``~/control``: JSON."""
        record = {'commander': self.commander.value}
        if self.commander is Commander.POLICY:
            record |= {'policy': self.policy, 'policy_sha256': self.policy_sha256}
        return json.dumps(record)

    @classmethod
    def from_text(cls, text: str) -> Control:
        """Read the text of a message on ``~/control``; a bare word such as ``human`` is read, too.

        Raises:
            UserError: It is neither, or names another commander; in one line.
        """
        known = ', '.join(Commander)
        word = text.strip()
        if word in set(Commander):
            return cls(Commander(word))
        record = parse_record(text, RecordOrigin(CONTROL_TOPIC, UserError))
        commander = record.text('commander')
        if commander not in set(Commander):
            raise record.error(f"commander '{commander}' is unknown; known are: {known}")
        if commander != Commander.POLICY:
            return cls(Commander(commander))
        return cls(
            Commander.POLICY,
            record.text('policy', default=''),
            record.text('policy_sha256', default=''),
        )
