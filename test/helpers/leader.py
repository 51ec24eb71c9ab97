"""A person at a leader arm, in wall time: what a human publishes, and how it goes wrong."""

import time

import numpy as np
from sensor_msgs.msg import JointState

from helpers.faulty_relays import NAMES, at, sound

LEADER = '/leader/joint_states'
LEADER_HZ = 100.0
# Of joint 0, and of the others [rad/s].
SPEED, OTHERS = 0.4, 0.2


class Leader:
    """A leader arm that sways about a place, as the policy of these tests does.

    Attributes:
        change: From one message to those that are published instead.
        sound_ns: Stamp of the newest message that was sent as it is.
        place: Where joint values sway about, in the order of `NAMES`.
        sways: Whether it moves.
    """

    def __init__(self, relays):
        self.relays = relays
        self.change, self.sound_ns = sound, 0
        self.place, self.sways = np.zeros(len(NAMES)), False
        self._publisher = None
        self._way, self._swayed = 1.0, 0.0
        self.revive()
        relays.node.create_timer(1.0 / LEADER_HZ, self._lead)

    @property
    def positions(self):
        """Where the leader's joints are."""
        speeds = np.full(len(NAMES), OTHERS)
        speeds[0] = SPEED
        return self.place + speeds / SPEED * self._swayed

    def grasp(self, positions):
        """Bring the leader to where the robot is, and begin to sway there."""
        self._swayed, self.sways = 0.0, True
        self.place = np.array(positions, float)

    def revive(self):
        if self._publisher is None:
            self._publisher = self.relays.node.create_publisher(JointState, LEADER, 50)

    def kill(self):
        """The driver is gone."""
        self.relays.node.destroy_publisher(self._publisher)
        self._publisher = None

    def heal(self):
        self.change = sound
        self.revive()

    def _lead(self):
        if self.sways:
            if abs(self._swayed) > 0.4:
                self._way = -np.sign(self._swayed)
            self._swayed += self._way * SPEED / LEADER_HZ
        message = JointState(name=list(NAMES), position=self.positions.tolist())
        message.header.stamp = at(time.time_ns() + self.relays.offset_ns)
        change = self.change
        for changed in change(message):
            if self._publisher is not None:
                self._publisher.publish(changed)
        if change is sound and self._publisher is not None:
            stamp = message.header.stamp
            self.sound_ns = stamp.sec * 10**9 + stamp.nanosec


def led(path):
    """Add to a robot file of the relays where a human commands."""
    text = path.read_text()
    commands = text[text.index('commands:') :]
    teleop = commands.replace('commands:', 'teleop:').replace('/spoiled/joint_trajectory', LEADER)
    path = path.with_name('led.yaml')
    path.write_text(text + teleop)
    return path
