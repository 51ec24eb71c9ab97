"""Controllers of several arms, each of which takes the messages of its own topic alone."""

from types import SimpleNamespace

import numpy as np

from neuracore_ros.sim.controller import TrajectoryController


class ControllersApart:
    """One `TrajectoryController` for each arm, used like one of all J joints.

    Args:
        names: Of the J joints.
        positions: Where they are (J,).
        arms: Topic of commands -> names of the joints that its controller has.
    """

    def __init__(self, names, positions, arms):
        self.arms = {
            topic: SimpleNamespace(
                columns=[names.index(name) for name in own],
                controller=TrajectoryController(
                    own, np.array([positions[names.index(name)] for name in own])
                ),
                accepted=0,
            )
            for topic, own in arms.items()
        }

    def accept(self, topic, message, now_ns, positions, velocities):
        """Give a message to the controller that listens to its topic."""
        arm = self.arms[topic]
        arm.accepted += 1
        own = positions[arm.columns], velocities[arm.columns]
        return arm.controller.accept(message, now_ns, *own)

    def reference(self, now_ns):
        """The commanded positions of all joints now (J,)."""
        found = np.zeros(sum(len(arm.columns) for arm in self.arms.values()))
        for arm in self.arms.values():
            found[arm.columns] = arm.controller.reference(now_ns)
        return found
