"""A robot that a policy on a server moves, and what must hold whatever that server does."""

import time

import numpy as np

from helpers.fault_rig import FaultRig
from helpers.fault_table import VELOCITY_LIMIT
from helpers.faulty_server import OWN, FaultyServer

# Joint states without motion that make a rest.
STILL_FOR = 10
# A stop may have begun, and ended, before its state was published.
FRESH_S = 0.5


class ServerFaultRig(FaultRig):
    """A `FaultRig` whose node runs a policy that a server executes.

    Attributes:
        server: Of the protocol that is run now.
        measured: (name, time to HOLDING, time to rest [s], way of joint 0 until then [rad]).
    """

    def __init__(self, robot, folder):
        super().__init__(robot)
        self.folder = folder
        self.server = None
        self.measured = []

    def run(self, protocol=OWN, **where):
        """Have the node run the policy of a new server."""
        if self.server is not None:
            self.server.close()
        self.server = FaultyServer(protocol, **where)
        if self.node is None:
            self.start_node(autostart=False)
        self.configure(model=self.server.model(self.folder))

    def close(self):
        self.server.close()
        super().close()

    def recover(self):
        self.server.heal()
        super().recover()

    def heal(self):
        """The end of a fault."""
        self.server.heal()

    def provoke(self, fault, rearm='auto'):
        """Let a fault happen and end, in the middle of a motion.

        Returns:
            How long it took to be held, and to stand [s], by the stamps of messages.
        """
        world = self.world
        self.recover()
        began_s = time.time()
        fault.provoke(self if fault.is_of_network else self.server)
        # It may be over before this is reached.
        self.until_said('')
        held_s = next(stamp for stamp, state, _ in world.states if state == 'HOLDING')
        rested_s = held_s
        if fault.still:
            world.until(lambda: self.rest_since(held_s), 'rest')
            rested_s, there = self.rest_since(held_s)
            way = abs(there - self.position_at(began_s))
            self.measured.append((fault.name, held_s - began_s, rested_s - began_s, way))
        self.until_said(fault.says)
        if fault.still and not fault.passes:
            self.stays('HOLDING')
        if not fault.passes:
            self.heal()
        world.until_state('RUNNING')
        world.until_moving()
        if fault.still:
            self.check()
        else:
            self.check_limits()
        return held_s - began_s, rested_s - began_s

    def goes_on(self, seconds):
        """Nothing holds the robot for a while, and it moves on."""
        start_s = time.time()
        self.world.let_pass(seconds)
        assert {state for _, state, _ in self.world.states} <= {'RUNNING'}, self.world.states
        positions = [p[0] for t, p in self.world.motion if t > start_s + 0.3]
        assert max(positions) - min(positions) > 0.1
        self.check_limits()

    def check_limits(self):
        """What must hold of answers that come late.

        Where the policy turns back, the one before has led on meanwhile: the robot catches up.
        """
        self.world.check(VELOCITY_LIMIT, others=VELOCITY_LIMIT)
        assert self.relays.refused == []

    def lines(self):
        """What was measured, a line for each fault."""
        for name, held_s, rested_s, way in self.measured:
            yield f'{name}: held after {held_s:.2f} s, rests after {rested_s:.2f} s, {way:.3f} rad'

    def until_said(self, words):
        """Wait until a reason for holding has had such words."""
        states = self.world.states
        self.world.until(
            lambda: any(state == 'HOLDING' and words in reason for _, state, reason in states),
            f'{words} in {[reason for _, _, reason in states]}',
        )

    def position_at(self, time_s):
        """Where joint 0 was then [rad]."""
        return next(position[0] for stamp, position in self.world.motion if stamp >= time_s)

    def rest_since(self, time_s):
        """When all joints came to rest, at that time or later, and where joint 0 did; or None."""
        motion = [each for each in list(self.world.motion) if each[0] >= time_s - FRESH_S]
        for number in range(len(motion) - STILL_FOR):
            positions = np.array([each[1] for each in motion[number : number + STILL_FOR]])
            if np.ptp(positions, axis=0).max() < 1e-6:
                return motion[number][0], positions[0, 0]
        return None
