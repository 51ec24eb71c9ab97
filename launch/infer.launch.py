"""Start one policy on one robot.

ros2 launch neuracore_ros infer.launch.py model:=policy.pt robot:=ur5.yaml
"""

import sys
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from neuracore_ros.description.shipped import robot_file as shipped_file
from neuracore_ros.description.shipped import server_file, shipped_robots
from neuracore_ros.errors import UserError
from neuracore_ros.given_path import given_path
from neuracore_ros.policy.address import is_address, is_server_file
from neuracore_ros.similar_names import most_alike
from neuracore_ros.yaml_value import ENDINGS

HOW_TO_GET = {
    'model': 'a policy: RUN/policy.pt, as written by `neuracore_ros train DATASET --out RUN`, or '
    'the address of a server, ws://host:8000',
    'robot': 'a robot file such as ur5.yaml, or the name of one that comes with this package: {}',
}
# Name -> description, and the words that are allowed, the default first. An empty string means as
# in params_file, so that the default of an argument can never override the file.
ARGUMENTS = {
    'model': ('Policy file, the address of a server (ws://host:8000), or a server file.', ()),
    'robot': ('Robot file, or the name of one that comes with this package.', ()),
    'address': ('Address of the server, in the place of that in a server file.', ()),
    'task': ('Task in words, for a policy that reads LANGUAGE.', ()),
    'params_file': ('ROS 2 parameter file; the other arguments override it.', ()),
    'namespace': ('Namespace of the node, and so of topics without a leading slash.', ()),
    'dry_run': (
        'Publish no command, but do all else (default: as params_file, or false).',
        ('', 'true', 'false'),
    ),
    'autostart': (
        'Configure and activate at once; false leaves both to a lifecycle manager (default: as '
        'params_file, or true).',
        ('', 'true', 'false'),
    ),
    'use_sim_time': ('Use /clock (default: as params_file, or false).', ('', 'true', 'false')),
    'log_level': ('Lowest level that is logged.', ('info', 'debug', 'warn', 'error', 'fatal')),
}


def generate_launch_description():
    arguments = (
        DeclareLaunchArgument(
            name,
            default_value=words[0] if words else '',
            description=description,
            choices=words or None,
        )
        for name, (description, words) in ARGUMENTS.items()
    )
    return LaunchDescription([*arguments, OpaqueFunction(function=start)])


def start(context: LaunchContext):
    refuse_misspelt(sys.argv)
    given = {name: context.launch_configurations[name] for name in ARGUMENTS}
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
        own['model'] = ParameterValue(model(given['model']), value_type=str)
    if given['robot']:
        own['robot'] = ParameterValue(robot_file(given['robot']), value_type=str)
    for name in ('address', 'task'):
        if given[name]:
            own[name] = ParameterValue(given[name], value_type=str)
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
    """Refuse arguments that `ros2 launch` would silently ignore.

    If another launch file includes this one, the command line is meant for that.
    """
    if not any(Path(word).name == Path(__file__).name for word in words):
        return
    for name, found, _ in (word.partition(':=') for word in words):
        if found and name not in ARGUMENTS:
            near = most_alike(name, ARGUMENTS)
            meant = f'; did you mean {near}:=?' if near else '.'
            raise RuntimeError(
                f'there is no argument {name}:={meant} There are: {", ".join(ARGUMENTS)}'
            )


def end(event, _: LaunchContext):
    """End the launch with its node; only an exception makes `ros2 launch` return 1."""
    if event.returncode != 0:
        raise RuntimeError(f'infer_node ended with {event.returncode}; its last lines say why')
    return [Shutdown(reason='infer_node has ended')]


def require(given):
    """Refuse to start without a model and a robot, with all that is missing."""
    missing = [name for name in HOW_TO_GET if not given[name]]
    if missing:
        shipped = ', '.join(shipped_robots())
        hints = '; '.join(f'{name}:= {HOW_TO_GET[name].format(shipped)}' for name in missing)
        raise RuntimeError(f'missing: {" and ".join(missing)}. Give {hints}')


def robot_file(robot):
    """Path of a robot file, or of the one that comes with this package under that name."""
    path = shipped_file(robot)
    if path.suffix not in ENDINGS:
        raise RuntimeError(
            f'robot:={robot} is neither a .yaml file nor one of {", ".join(shipped_robots())}'
        )
    return existing(path, 'robot')


def model(given):
    """Absolute path of a file, also of a server file that is shipped; an address as it is."""
    if is_server_file(given):
        try:
            return absolute(server_file(given))
        except UserError as error:
            raise RuntimeError(f'model:={error}') from error
    return given if is_address(given) else absolute(given)


def existing(path, argument):
    if not given_path(path).is_file():
        raise RuntimeError(f'{argument}:={path}: there is no such file below {Path.cwd()}')
    return absolute(path)


def absolute(path):
    return str(given_path(path).absolute())
