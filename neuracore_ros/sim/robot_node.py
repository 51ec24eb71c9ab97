"""``sim_robot``: a kinematic arm that reaches for a ball, on real topics. See `bridge`."""

import sys
from collections.abc import Callable
from functools import partial

from neuracore_ros.sim.arms import ARMS
from neuracore_ros.sim.expert import ReachExpert
from neuracore_ros.sim.robot import ReachRobot
from neuracore_ros.sim.serve import serve


def make(name: str) -> tuple[ReachRobot, Callable[[], ReachExpert]]:
    """The robot of a name, and what makes its expert."""
    robot = ReachRobot(ARMS[name])
    return robot, partial(ReachExpert, robot)


main = partial(serve, 'sim_robot', 'A simulated robot on real ROS 2 topics.', tuple(ARMS), make)
"""Entry point of ``sim_robot``; returns the exit code."""

if __name__ == '__main__':
    sys.exit(main())
