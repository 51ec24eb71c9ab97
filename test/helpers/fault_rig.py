"""A simulated robot whose messages pass faulty relays, and what must hold whatever they do."""

import signal
import time

import numpy as np

from helpers import message_faults
from helpers.fault_table import ENABLE, FROZEN_AFTER_S
from helpers.faulty_relays import FaultyRelays, sound
from helpers.live_robot import (
    DEFAULTS,
    INFER_NODE,
    SIM_ROBOT,
    SPEED,
    Running,
    World,
    ros_arguments,
)
from helpers.misbehaving_policy import ORDERS
from helpers.swaying import OTHERS

SETTINGS = {
    **DEFAULTS,
    'max_tracking_error': 0.15,
    'frozen_after_s': FROZEN_AFTER_S,
    'max_ahead_s': 0.5,
}
# From the stop to rest: the longest that a stop lasts, and the controller's period.
BRAKING_S = 0.5 + 0.05
# What a machine with other things to do may add; who is late once is asked again.
SLACK_S = 0.15


class FaultRig:
    """A simulated UR5 in wall time, relays, a witness, and at most one node.

    Attributes:
        world: Sees the robot as it is.
        relays: Decides what the node sees.
        robot: The robot file.
    """

    def __init__(self, robot, **relays):
        self.robot = robot
        self.sim = Running(SIM_ROBOT, '--robot', 'ur5', '--seed', 1, '--no-clock')
        self.world = World()
        self.relays = FaultyRelays(**relays)
        self.node = None
        self.world.until(lambda: len(self.world.motion) > 12, 'joint states')

    def start_node(self, **parameters):
        """A node process, without a policy unless one is given."""
        values = {**SETTINGS, 'robot': self.robot, **parameters}
        self.node = Running(INFER_NODE, *ros_arguments(values))
        return self.node

    def close(self):
        """End everything, whatever a failed test has left."""
        try:
            ends = [self.sim.end(), 0 if self.node is None else self.node.end()]
        finally:
            # Relays that went on would relay beside those of the next rig, and heal its faults.
            self.relays.close()
            self.world.close()
        assert ends[0] == 0, self.sim.output
        assert ends[1] in (0, -signal.SIGKILL), self.node.output

    # What is done

    def configure(self, **parameters):
        """Have the node run something else, or in another way."""
        world = self.world
        if world.lifecycle() == 'active':
            assert world.change('deactivate')
        if world.lifecycle() == 'inactive':
            assert world.change('cleanup')
        results = world.set('infer', **{**SETTINGS, 'robot': str(self.robot), **parameters})
        assert all(result.successful for result in results), results
        assert world.change('configure'), self.node.output
        assert world.change('activate')

    def recover(self):
        """Everything is as it should be again, whatever was before."""
        self.relays.heal()
        world = self.world
        if world.state in ('HOLDING', 'DISABLED'):
            world.enable(True)
        world.until_state('RUNNING')
        world.until(self.moves_as_usual, 'the usual motion')
        self.begin()

    def moves_as_usual(self):
        """Whether joint 0 moves, and has not been fast for a while."""
        motion = self.world.motion[-40:]
        if len(motion) < 40:
            return False
        times, positions = zip(*motion[::5], strict=True)
        speeds = np.abs(np.diff(np.array(positions)[:, 0])) / np.diff(times)
        return speeds[-1] > 0.2 and speeds.max() < 0.6

    def begin(self):
        """Judge from now on."""
        self.world.motion.clear()
        self.world.states.clear()
        self.relays.sent.clear()

    def provoke(self, fault, rearm):
        """Let a fault happen and end, in the middle of a motion.

        Args:
            fault: From the table.
            rearm: ``auto`` or ``manual``.

        Returns:
            How long it took to be held, and to stand [s], by the stamps of messages.
        """
        world, relays = self.world, self.relays
        stream = getattr(relays, fault.stream) if fault.stream else None
        for _ in range(3):
            self.recover()
            began_s = time.time()
            relays.do(lambda: fault.provoke(relays))
            world.until_state('HOLDING')
            # A busy machine may be a fault of its own and come first; then that one stays.
            if rearm == 'auto' or fault.says in world.reason:
                break
        world.until_state('HOLDING', fault.says)
        held_s = next(stamp for stamp, state, _ in world.states if state == 'HOLDING')
        if stream is not None:
            began_s = stream.sound_ns / 1e9
        world.until_still(5.0)
        rested_s = self.last_moved_s()
        if fault.still:
            self.stays('HOLDING')
        relays.heal()
        if fault.rearms == ENABLE or rearm == 'manual':
            self.stays('HOLDING')
            assert world.enable(True).success
        world.until_state('RUNNING')
        world.until_moving()
        self.check(fault.speed)
        return held_s - began_s, rested_s - began_s

    def stays(self, state, seconds=0.4):
        """Nothing moves, nothing is sent, and the state stays as it is, for a while."""
        world = self.world
        sent, moved, seen = len(self.relays.sent), len(world.motion), len(world.states)
        world.let_pass(seconds)
        assert len(self.relays.sent) == sent
        positions = np.array([position for _, position in world.motion[moved:]])
        assert np.ptp(positions, axis=0).max() < 1e-6, np.ptp(positions, axis=0)
        assert {s for _, s, _ in world.states[seen:]} <= {state}, world.states[seen:]
        assert world.state == state, world.reason

    def does(self, order):
        """Have the policy do something, or nothing; returns when it has been told."""
        change = message_faults.painted(1 + ORDERS.index(order)) if order else sound
        relay = self.relays.overhead
        self.relays.do(lambda: setattr(relay, 'change', change))
        before = relay.published
        self.world.until(lambda: relay.published > before + 5, 'pictures')

    def last_moved_s(self):
        """The stamp of the last joint state that differs from the newest [s]."""
        newest = self.world.positions
        for stamp_s, positions in reversed(list(self.world.motion)):
            if np.abs(positions - newest).max() > 1e-6:
                return stamp_s
        return 0.0

    def check(self, speed=SPEED):
        """What must hold always: see `World.check`; and the node sent nothing wrong."""
        self.world.check(speed, others=OTHERS)
        assert self.relays.refused == []


def bounds_s(fault):
    """How long a fault may take to be held, and the robot to stand [s]."""
    return fault.within_s + SLACK_S, fault.within_s + BRAKING_S + SLACK_S


def stops_in_time_and_goes_on(rig, fault):
    """A fault brakes the robot within its bounds, and the robot goes on when it is over."""
    held_s, rested_s = bounds_s(fault)
    seen = []
    # A busy machine may be late once, but not every time.
    while not seen or (len(seen) < 3 and not (seen[-1][0] <= held_s and seen[-1][1] <= rested_s)):
        seen.append(rig.provoke(fault))
    assert min(held for held, _ in seen) <= held_s
    assert min(rested for _, rested in seen) <= rested_s
