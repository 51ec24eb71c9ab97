"""Checks of receivers of velocities, torques and poses: their time-outs, interfaces and frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from neuracore_ros.description import Command, DataType, DirectCommand
from neuracore_ros.description.named_numbers import TWIST_STAMPED
from neuracore_ros.node.live.facts import CheckResult, error, ok, warning

TIMEOUTS = (
    'cmd_vel_timeout',
    'reference_timeout',
    'moveit_servo.incoming_command_timeout',
    'incoming_command_timeout',
    'velocity_timeout',
    'command_timeout',
    'cmd_timeout',
)
"""Parameters of receivers that stop by themselves: those of diff_drive_controller, of mecanum and
Ackermann controllers, of MoveIt Servo, of Nav2's velocity smoother, and others."""

FRAMES = ('robot_base_link', 'end_effector_link')
"""Parameters of Cartesian controllers that say which link they move, and seen from where."""

_INTERFACES = {DataType.JOINT_VELOCITIES: 'velocity', DataType.JOINT_TORQUES: 'effort'}


def names_joints(command: Command | DirectCommand) -> bool:
    """True for a command whose numbers are those of joints."""
    return not isinstance(command, DirectCommand) or command.output in _INTERFACES


def check_end(
    topic: str, command: DirectCommand, node: str, params: Mapping[str, object] | None
) -> Iterator[CheckResult]:
    """Check that a receiver stops by itself where what it receives is not renewed.

    Args:
        topic: Its full name.
        command: What is sent.
        node: The receiver.
        params: Its parameters; None where it told none.
    """
    if command.is_pose and command.type != TWIST_STAMPED:
        return
    if command.output is DataType.JOINT_TORQUES:
        what = 'the last torque'
    else:
        what = 'the last velocity' if _is_velocity(command) else 'what was sent last'
    for name in TIMEOUTS:
        value = (params or {}).get(name)
        if isinstance(value, (int, float)) and value > 0:
            yield ok(f'{topic}: {node} stops by itself where nothing comes ({name}: {value:g})')
            return
    yield warning(
        f'{topic}: {node} shows no time-out of its own (such as {TIMEOUTS[0]}): if the node is '
        f'killed, or its computer or network fails, {what} goes on for ever. Set one, or put '
        'something with one between'
    )


def _is_velocity(command: DirectCommand) -> bool:
    return command.output is not DataType.CUSTOM_1D or 'Twist' in command.type


def check_interface(
    topic: str, command: DirectCommand, node: str, params: Mapping[str, object]
) -> Iterator[CheckResult]:
    """Check that numbers go to the right interface, and poses to the right links."""
    wanted, name = _INTERFACES.get(command.output), params.get('interface_name')
    if wanted and isinstance(name, str) and name not in {'', wanted}:
        yield error(
            f"{topic}: {node} forwards numbers to '{name}', but we send {command.output}: command "
            f'a controller with interface_name: {wanted}'
        )
    base, tip = (params.get(key) for key in FRAMES)
    if command.is_pose and isinstance(base, str) and base.strip('/') not in {'', command.frame}:
        yield error(
            f"{topic}: {node} takes poses in '{base}', and refuses those in '{command.frame}': "
            f'write under commands: {command.output}: {{frame: {base}}}, if they are given there'
        )
    chain = command.slots[0].chain
    if chain is not None and isinstance(tip, str) and tip not in {'', chain.tip}:
        yield error(
            f"{topic}: {node} moves '{tip}', but we send poses of '{chain.tip}': write tip: {tip} "
            f"in chain '{chain.name}', and its tip_offset from there"
        )
