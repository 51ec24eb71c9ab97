"""The command line of the executables of simulated robots, and the run of one robot."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

import cv2

from neuracore_ros.errors import UserError
from neuracore_ros.ros_environment import require_ros
from neuracore_ros.sim.simulation import Expert, SimulatedRobot
from neuracore_ros.similar_names import known_names

if TYPE_CHECKING:
    from rclpy.executors import SingleThreadedExecutor

Make: TypeAlias = Callable[[str], tuple[SimulatedRobot, Callable[[], Expert]]]


def serve(
    program: str,
    description: str,
    names: Sequence[str],
    make: Make,
    arguments: Sequence[str] | None = None,
) -> int:
    """Read the command line and run one robot until SIGINT or SIGTERM.

    Args:
        program: Its name.
        description: For ``--help``.
        names: Robots that there are.
        make: Gives the robot of a name, and what makes an expert for the trial that it is in.
        arguments: Of the command line, program first; None: this process's.

    Returns:
        The exit code.
    """
    try:
        require_ros()
    except UserError as error:
        return _refuse(program, error)
    # Only now, since it may be missing, and the wrong one crashes while it is imported.
    from rclpy.utilities import remove_ros_args

    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument('--robot', required=True, help=f'one of: {", ".join(names)}')
    parser.add_argument('--seed', type=int, default=0, help='seed of the first trial (default 0)')
    parser.add_argument(
        '--speed', type=float, default=1.0, help='simulated seconds a second (default 1.0)'
    )
    parser.add_argument(
        '--no-clock', action='store_true', help='live in wall time and publish no /clock'
    )
    options = parser.parse_args(remove_ros_args(sys.argv if arguments is None else arguments)[1:])
    try:
        if options.robot not in names:
            known = known_names(options.robot, names)
            raise UserError(f"no simulated robot '{options.robot}'{known}")
        _simulate(options, make)
    except UserError as error:
        return _refuse(program, error)
    return 0


def _refuse(program: str, error: UserError) -> int:
    print(f'{program}: {error}', file=sys.stderr)
    return 1


def _simulate(options: argparse.Namespace, make: Make) -> None:
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.signals import SignalHandlerOptions

    from neuracore_ros.sim.bridge import RobotNode

    robot, make_expert = make(options.robot)
    if not 0.01 <= options.speed <= 100.0:
        raise UserError(f'--speed {options.speed:g} is not within 0.01 and 100')
    if not 0 <= options.seed < 2**31 - 1:
        raise UserError(f'--seed {options.seed} is not within 0 and {2**31 - 2}')
    # Images are too small to gain from OpenCV's threads, which would take the other cores.
    cv2.setNumThreads(1)
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = RobotNode(robot, make_expert, options.seed, options.speed, not options.no_clock)
        for end in (signal.SIGINT, signal.SIGTERM):
            signal.signal(end, lambda *_: node.stop())
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        thread = threading.Thread(target=_spin, args=(executor,), daemon=True)
        thread.start()
        node.run()
        executor.shutdown()
        thread.join(timeout=2.0)
        node.destroy_node()
    finally:
        rclpy.try_shutdown()


def _spin(executor: SingleThreadedExecutor) -> None:
    from rclpy.executors import ExternalShutdownException

    with suppress(ExternalShutdownException):
        executor.spin()
