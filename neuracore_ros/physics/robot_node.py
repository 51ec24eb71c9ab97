"""``mujoco_robot``: an arm that lifts a cube in MuJoCo, on real topics. See `sim.bridge`."""

import sys
from collections.abc import Callable
from functools import partial

from neuracore_ros.errors import UserError
from neuracore_ros.physics.arms import ARMS
from neuracore_ros.sim.serve import serve
from neuracore_ros.sim.simulation import Expert, SimulatedRobot

_SUMMARY = 'An arm that lifts a cube, simulated in MuJoCo, on real ROS 2 topics.'


def make(name: str) -> tuple[SimulatedRobot, Callable[[], Expert]]:
    """The robot of a name, and what makes its expert.

    Raises:
        UserError: Its simulator is not installed.
    """
    try:
        from neuracore_ros.physics.expert import LiftExpert
        from neuracore_ros.physics.lift import LiftRobot
    except ImportError as error:
        raise UserError(
            f"{error.name} is not installed: pip install 'neuracore_ros[mujoco]'"
        ) from error
    robot = LiftRobot(ARMS[name])
    return robot, partial(LiftExpert, robot)


main = partial(serve, 'mujoco_robot', _SUMMARY, tuple(ARMS), make)
"""Entry point of ``mujoco_robot``; returns the exit code."""

if __name__ == '__main__':
    sys.exit(main())
