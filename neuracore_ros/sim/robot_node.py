"""``sim_robot``: a kinematic arm that reaches for a ball, on real topics. See `bridge`."""

import sys
from collections.abc import Sequence

from neuracore_ros.sim.arms import ARMS, find_arm
from neuracore_ros.sim.robot import SimulatedRobot
from neuracore_ros.sim.serve import serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of ``sim_robot``; returns the exit code."""
    return serve(
        'sim_robot',
        'A simulated robot on real ROS 2 topics.',
        tuple(ARMS),
        lambda name: SimulatedRobot(find_arm(name)),
        arguments,
    )


if __name__ == '__main__':
    sys.exit(main())
