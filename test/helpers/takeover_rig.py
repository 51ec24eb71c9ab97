"""A runner's rig with a human: a leader arm whose joint states come as the robot's own do."""

from dataclasses import dataclass, field

import numpy as np

from helpers.runner_rig import ROBOT, SECOND, Rig, joint_state, make_runner

LED = ROBOT + 'teleop: {JOINT_TARGET_POSITIONS: {topic: leader}}\n'


@dataclass
class TakeoverRig(Rig):
    """A rig beside which somebody leads.

    Attributes:
        leader: Where the leader's joints are; a function of the time since the start [s].
        names_led: What the leader calls its joints.
        stamped_by_s: How far its stamps are ahead.
    """

    leader: object = field(default=lambda t: (0.0, 0.0))
    leader_alive: bool = True
    names_led: tuple = ('a', 'b')
    stamped_by_s: float = 0.0
    every: int = 1

    def __post_init__(self):
        super().__post_init__()
        self.told = 0
        self.began_ns = self.true_ns

    def publish(self, positions=None, stamp_ns=None):
        super().publish(positions, stamp_ns)
        self.told += 1
        if self.leader_alive and self.told % self.every == 0:
            self.lead()

    def lead(self, stamp_ns=None):
        """One message of the leader."""
        values = self.leader((self.true_ns - self.began_ns) / SECOND)
        stamp_ns = stamp_ns or self.now_ns + round(self.stamped_by_s * SECOND)
        self.runner.receive('leader', joint_state(self.names_led, values, stamp_ns), self.now_ns)

    def take_over(self, on=True):
        """Call the service."""
        self.do(self.runner.take_over(on, self.now_ns))
        return self

    def human_moves(self):
        """Whether the human's commands go out."""
        return self.runner.commander.value == 'human'


def make_led(folder, robot=LED, leader=None, kind=TakeoverRig, **settings):
    """A rig with a leader; the leader stands at zero unless it is told otherwise."""
    rig_options = {
        k: settings.pop(k) for k in ('model', 'start', 'latency_steps', 'remote') if k in settings
    }
    rig = kind(make_runner(folder, robot=robot, **settings), **rig_options)
    if leader is not None:
        rig.leader = leader
    return rig


def speeds(rig, first=0):
    """Of all joints in each simulation step [rad/s]."""
    return np.abs(np.diff(rig.path[first:], axis=0)) / 0.005
