"""``infer_node``: one learned policy on one robot, as a lifecycle node named ``infer``."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn, TypeVar

from neuracore_ros.errors import UserError
from neuracore_ros.node.ros_arguments import first_line, refusal, unused_parameter_files
from neuracore_ros.node.stop_signal import StopSignal
from neuracore_ros.processors import let_threads_sleep
from neuracore_ros.ros_environment import require_ros

if TYPE_CHECKING:
    from rclpy.executors import Executor

    from neuracore_ros.node.lifecycle import InferNode

_Result = TypeVar('_Result')

USAGE = """usage: infer_node --ros-args -p model:=policy.pt -p robot:=ur5.yaml [-p NAME:=VALUE ...]

Run one learned policy on one robot.

parameters:
"""
# Signals are checked between two callbacks, and at this period when there are none [s].
POLL_S = 0.05
# Real time that closing may take; on a busy machine it takes many seconds.
LONGEST_END_S = 30


def process() -> NoReturn:
    """Run the executable, and end the process.

    The process ends as soon as everything is closed: what Python and the libraries do after that
    took two minutes on a busy machine, and the watchdog in `run` ended it with code 1.
    """
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> int:
    """Run until asked to end; returns the exit code."""
    stop = StopSignal()
    let_threads_sleep()
    try:
        require_ros()
    except UserError as error:
        return _refuse(str(error))
    # Only now, since the wrong rclpy crashes while it is imported.
    import rclpy
    from rclpy.signals import SignalHandlerOptions
    from rclpy.utilities import remove_ros_args

    try:
        others = remove_ros_args(sys.argv)[1:]
    except Exception as error:  # rclpy has several kinds for wrong ROS arguments.
        return _refuse(refusal(error), code=2)
    if {'-h', '--help'} & set(others):
        print(_help())
        return 0
    if others:
        return _refuse(
            f"'{others[0]}' is no ROS argument: write --ros-args -p model:=policy.pt "
            '-p robot:=robot.yaml; see infer_node --help',
            code=2,
        )
    try:
        rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:
        return _refuse(refusal(error), code=2)
    try:
        return run(stop, sys.argv)
    finally:
        # Objects of rclpy hold the node in circles. Until they are freed, it stays in the graph,
        # and there for 20 s after a process that ended without.
        gc.collect()
        rclpy.try_shutdown()
        stop.ignore()


def run(stop: StopSignal, words: Sequence[str]) -> int:
    """Run the node until it is asked to end; the robot is stopped first.

    Args:
        stop: Tells it to end.
        words: Of the command line.

    Returns:
        The exit code: 0 ended as asked; 1 could not start, or a bug, after its traceback.
    """
    from neuracore_ros.node.executor import make_executor, spin
    from neuracore_ros.node.lifecycle import InferNode

    try:
        node = InferNode(lambda: bool(stop.requested))
    except (ValueError, RuntimeError) as error:  # Names and values that rclpy itself refuses.
        return _refuse(first_line(error))
    for line in unused_parameter_files(words, node.get_fully_qualified_name()):
        node.get_logger().warning(line)
    stop.with_parent = node.ends_with_parent
    executor = make_executor()
    executor.add_node(node)
    failures: list[Exception] = []
    started = _attempt(lambda: _spin(node, executor, stop), failures)
    # Each of these is done, whatever became of the one before.
    _attempt(node.stop_robot, failures)
    _attempt(lambda: _settle(node, executor), failures)
    # The robot is safe; a middleware that hangs while it is taken down must not keep the process.
    faulthandler.dump_traceback_later(LONGEST_END_S, exit=True)
    # That watchdog needs a thread; the alarm of the kernel does not.
    signal.alarm(2 * LONGEST_END_S)
    # Let the answer to a transition go out before the node does.
    _attempt(lambda: spin(executor, POLL_S), failures)
    _attempt(node.close, failures)
    _attempt(node.destroy_node, failures)
    for failure in filter(None, (node.failure, *failures)):
        traceback.print_exception(failure)
    code = 0 if started and not (failures or node.failure) else 1
    if node.model_runs_on:
        # It cannot be interrupted, and Python would wait for its thread.
        print('infer_node: the model is still running; ending without it', file=sys.stderr)
        sys.stderr.flush()
        os._exit(code)
    return code


def _attempt(work: Callable[[], _Result], failures: list[Exception]) -> _Result | None:
    try:
        return work()
    except Exception as failure:
        failures.append(failure)
        return None


def _spin(node: InferNode, executor: Executor, stop: StopSignal) -> bool:
    """Serve callbacks until something ends it; returns whether the node could start."""
    from rclpy.lifecycle import TransitionCallbackReturn

    done = TransitionCallbackReturn.SUCCESS
    if node.autostart:
        for transition in (node.trigger_configure, node.trigger_activate):
            if not stop.requested and transition() != done and not stop.requested:
                return False
    while not (stop.requested or node.ended or node.failure):
        executor.spin_once(timeout_sec=POLL_S)
    if stop.requested:
        node.get_logger().info(f'{stop.requested}: stopping the robot, then ending')
    return True


def _settle(node: InferNode, executor: Executor) -> None:
    """Serve callbacks until the robot is known to rest, also where it was caught on the way."""
    while not node.settled:
        executor.spin_once(timeout_sec=POLL_S)


def _help() -> str:
    from neuracore_ros.node.parameters import SPECS

    lines = (
        f'  {spec.name:20}{spec.text} ({spec.allowed}; default {spec.shown_default})'
        for spec in SPECS
    )
    return USAGE + '\n'.join(lines)


def _refuse(text: str, code: int = 1) -> int:
    print(f'infer_node: {text}', file=sys.stderr)
    return code


if __name__ == '__main__':
    process()
