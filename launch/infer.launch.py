"""Start one policy on one robot.

ros2 launch neuracore_ros infer.launch.py model:=policy.pt robot:=ur5.yaml
"""

import difflib
import sys
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from neuracore_ros.description.shipped import robot_file as shipped_file
from neuracore_ros.description.shipped import shipped_robots
from neuracore_ros.yaml_value import ENDINGS

HOW_TO_GET = {
    'model': 'a policy file: RUN/policy.pt, as written by `neuracore_ros train DATASET --out RUN`',
    'robot': 'a robot file such as ur5.yaml, or the name of one that comes with this package: {}',
}
# Not given means: as params_file says. So an argument's default can never overrule the file.
NOT_GIVEN = ''

ARGUMENTS = [
    DeclareLaunchArgument('model', default_value=NOT_GIVEN, description='The policy file.'),
    DeclareLaunchArgument(
        'robot',
        default_value=NOT_GIVEN,
        description='The robot file, or the name of one that comes with this package.',
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=NOT_GIVEN,
        description='A ROS 2 parameter file for the node; the arguments here go before it.',
    ),
    DeclareLaunchArgument(
        'namespace',
        default_value=NOT_GIVEN,
        description='Of the node, and so of every topic without a leading slash.',
    ),
    DeclareLaunchArgument(
        'dry_run',
        default_value=NOT_GIVEN,
        choices=[NOT_GIVEN, 'true', 'false'],
        description='Do everything but publish commands (false unless params_file says so).',
    ),
    DeclareLaunchArgument(
        'autostart',
        default_value=NOT_GIVEN,
        choices=[NOT_GIVEN, 'true', 'false'],
        description='Configure and activate at once (true unless params_file says otherwise); '
        'false leaves both to a lifecycle manager.',
    ),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value=NOT_GIVEN,
        choices=[NOT_GIVEN, 'true', 'false'],
        description='Live by /clock (false unless params_file says so).',
    ),
    DeclareLaunchArgument(
        'log_level',
        default_value='info',
        choices=['debug', 'info', 'warn', 'error', 'fatal'],
        description='What the node logs.',
    ),
]


def generate_launch_description():
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start)])


def start(context: LaunchContext):
    refuse_misspelt(sys.argv)
    given = {argument.name: context.launch_configurations[argument.name] for argument in ARGUMENTS}
    if not given['params_file']:
        require(given)
    # A launch that was killed can no longer stop what it started.
    parameters: list = [{'end_with_parent': True}]
    if given['params_file']:
        parameters.append(existing(given['params_file'], 'params_file'))
    own: dict = {
        name: given[name] == 'true'
        for name in ('dry_run', 'autostart', 'use_sim_time')
        if given[name]
    }
    # Typed, since launch_ros would read a name such as "a #2.pt" as YAML.
    if given['model']:
        own['model'] = ParameterValue(absolute(given['model']), value_type=str)
    if given['robot']:
        own['robot'] = ParameterValue(robot_file(given['robot']), value_type=str)
    parameters.append(own)
    return [
        Node(
            package='neuracore_ros',
            executable='infer_node',
            name='infer',
            namespace=given['namespace'],
            parameters=parameters,
            arguments=['--ros-args', '--log-level', given['log_level']],
            output='screen',
            emulate_tty=True,
            on_exit=end,
        )
    ]


def refuse_misspelt(words):
    """Name what `ros2 launch` would silently ignore.

    Where another launch file includes this one, what is on the command line is meant for that.
    """
    if not any(Path(word).name == Path(__file__).name for word in words):
        return
    known = [argument.name for argument in ARGUMENTS]
    for name, found, _ in (word.partition(':=') for word in words):
        if found and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            meant = f'; did you mean {near[0]}:=?' if near else '.'
            raise RuntimeError(
                f'there is no argument {name}:={meant} There are: {", ".join(known)}'
            )


def end(event, _: LaunchContext):
    """End the launch with its node; only an exception makes `ros2 launch` return 1."""
    if event.returncode != 0:
        raise RuntimeError(f'infer_node ended with {event.returncode}; its last lines say why')
    return [Shutdown(reason='infer_node has ended')]


def require(given):
    """Say all that is missing, and where it comes from."""
    missing = [name for name in HOW_TO_GET if not given[name]]
    if missing:
        shipped = ', '.join(shipped_robots())
        hints = '; '.join(f'{name}:= {HOW_TO_GET[name].format(shipped)}' for name in missing)
        raise RuntimeError(f'missing: {" and ".join(missing)}. Give {hints}')


def robot_file(robot):
    """The file itself, or the one that comes with this package under that name."""
    path = shipped_file(robot)
    if path.suffix not in ENDINGS:
        raise RuntimeError(
            f'robot:={robot} is neither a .yaml file nor one of {", ".join(shipped_robots())}'
        )
    return existing(path, 'robot')


def existing(path, argument):
    if not Path(path).is_file():
        raise RuntimeError(f'{argument}:={path}: there is no such file below {Path.cwd()}')
    return absolute(path)


def absolute(path):
    return str(Path(path).expanduser().absolute())
