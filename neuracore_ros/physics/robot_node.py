"""``mujoco_robot``: an arm that lifts a cube in MuJoCo, on real topics. See `sim.bridge`."""

import sys
from collections.abc import Callable, Sequence
from functools import partial

from neuracore_ros.errors import UserError
from neuracore_ros.physics.arms import ARMS, find_arm
from neuracore_ros.sim.serve import serve
from neuracore_ros.sim.simulation import Expert, SimulatedRobot


def make(name: str) -> tuple[SimulatedRobot, Callable[[], Expert]]:
    """The robot of a name, and what makes its expert.

    Raises:
        UserError: There is none, or its simulator is not installed.
    """
    arm = find_arm(name)
    try:
        from neuracore_ros.physics.expert import LiftExpert
        from neuracore_ros.physics.lift import LiftRobot
    except ImportError as error:
        raise UserError(
            f"{error.name} is not installed: pip install 'neuracore_ros[mujoco]'"
        ) from error
    robot = LiftRobot(arm)
    return robot, partial(LiftExpert, robot)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of ``mujoco_robot``; returns the exit code."""
    return serve(
        'mujoco_robot',
        'An arm that lifts a cube, simulated in MuJoCo, on real ROS 2 topics.',
        tuple(ARMS),
        make,
        arguments,
    )


if __name__ == '__main__':
    sys.exit(main())
