"""The parameters of the node: meaning, type, allowed values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from neuracore_ros.command.plan import BLENDS
from neuracore_ros.command.settings import PROFILES, REARMS, STAMPS
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.errors import UserError
from neuracore_ros.given_path import in_shell
from neuracore_ros.node.spec import Spec
from neuracore_ros.node.speed_scaling import LEAST
from neuracore_ros.policy.address import is_server_file, path_or_address
from neuracore_ros.policy.load import KINDS, PRECISIONS
from neuracore_ros.policy.remote.server_options import ServerOptions
from neuracore_ros.runner import Settings
from neuracore_ros.similar_names import did_you_mean
from neuracore_ros.yaml_value import ENDINGS

_DEFAULTS = Settings()


def _setting(
    name: str, text: str, low: float = 0.0, high: float = 0.0, words: tuple[str, ...] = ()
) -> Spec:
    """A parameter that becomes the setting of that name, which has its default."""
    return Spec(name, getattr(_DEFAULTS, name), text, low, high, words)


SPECS = (
    Spec(
        'model',
        '',
        'The policy: a file such as policy.pt; the address of a server, such as '
        'ws://gpu-box:8000; or a server file, such as droid.server.yaml.',
    ),
    Spec('robot', '', 'The robot file, such as ur5.yaml.'),
    Spec('sha256', '', 'Full sha256 that the policy file must have; empty accepts any file.'),
    Spec('device', 'cpu', 'Device that the model runs on: cpu, cuda, cuda:1.'),
    Spec('precision', 'float32', 'Numbers that the model computes with inside.', words=PRECISIONS),
    Spec('address', '', 'Address of the server, in the place of that in a server file.'),
    Spec(
        'timeout_s',
        0.0,
        'Longest time that a server may take for a prediction; 0 is 90 % of the time that one '
        'covers, and at least 0.9 s [s].',
        0.0,
        600.0,
    ),
    Spec(
        'jpeg_quality',
        0,
        'Send images to a `neuracore_ros serve` as JPEG of this quality, for a slow network; 0 '
        'sends them as they are.',
        0,
        100,
    ),
    Spec('threads', 0, "Threads of the model; 0 leaves it to the model's runtime.", 0, 256),
    _setting('dry_run', 'Do everything but publish commands.'),
    _setting('enabled', 'Start enabled; otherwise wait for ~/enable.'),
    Spec('autostart', True, 'Configure and activate at once, without a lifecycle manager.'),
    Spec(
        'end_with_parent',
        False,
        'Stop the robot and end when the parent process is gone, as the launch file asks.',
    ),
    _setting(
        'rearm',
        'After an input fault, go on by itself (auto) or wait for ~/enable (manual).',
        words=REARMS,
    ),
    _setting(
        'start_tolerance',
        'Largest distance of a first action from the measured joints that starts at once [rad].',
        0.0,
        3.2,
    ),
    _setting(
        'start_max',
        'Largest distance of a first action from the measured joints that is not refused [rad].',
        0.0,
        3.2,
    ),
    _setting(
        'start_speed',
        'Speed of the motion to a first action in between, as a share of the velocity limits.',
        0.01,
        1.0,
    ),
    _setting(
        'execute_steps',
        'Steps between two predictions; 0 is half the horizon, at most 0.5 s.',
        0,
        10_000,
    ),
    _setting(
        'max_ahead_s',
        'Farthest that a command reaches ahead, and so the longest that a killed node can keep '
        'the robot moving [s]; a stop may take 0.1 s, and 0.5 s where the robot lags.',
        0.05,
        2.0,
    ),
    _setting(
        'max_tracking_error',
        'Largest allowed difference of commanded and measured joints [rad].',
        0.01,
        3.2,
    ),
    _setting(
        'blend', 'Blending of a new prediction with the one that is executed.', words=tuple(BLENDS)
    ),
    _setting(
        'inpaint',
        'Let a policy that can, such as diffusion, continue the plan that is executed while it '
        'predicts (real-time chunking).',
    ),
    _setting(
        'delay_steps',
        'Fixed number of steps from an observation to its prediction, so that equal recordings '
        'give equal commands; 0 uses a prediction as soon as it comes.',
        0,
        1000,
    ),
    _setting(
        'profile',
        'Motion between setpoints: cubic splines, or (ruckig) limited in jerk where the robot '
        'file gives accelerations.',
        words=PROFILES,
    ),
    _setting(
        'stamp',
        'Stamp of trajectories: zero, so that they begin on arrival, or now, the time at which '
        'they are made, for a controller with the same clock that gets them late.',
        words=STAMPS,
    ),
    _setting(
        'command_rate_hz',
        'Rate of commands that are streamed by points; 0 is the rate of the policy [Hz].',
        0.0,
        1000.0,
    ),
    Spec(
        'min_speed_scaling',
        LEAST,
        'Hold the robot while its controller scales speeds down to less than this share, as the '
        'slider of a UR does; 0 never does.',
        0.0,
        1.0,
    ),
    _setting(
        'frozen_after_s',
        'Identical images under new stamps count as stale after this time; 0 is never, 1.0 is '
        'advised on real cameras [s].',
        0.0,
        60.0,
    ),
    Spec('debug', False, 'Publish every prediction and its inputs on ~/debug, as JSON.'),
    _setting(
        'allow',
        'Hazards that are accepted, of units, sense, missing, exchanged, vocabulary, separated by '
        'commas: see neuracore_ros check.',
    ),
    _setting('task', 'Task in words, for a policy that reads LANGUAGE.'),
)
# Declared by rclpy, which only complains and goes on with the system's time.
SIM_TIME = Spec('use_sim_time', False, 'Use /clock.')
_NAMES = {spec.name: spec for spec in SPECS}

# Declared by rclpy itself, or read by it when a publisher or subscription is made.
_OTHERS = ('use_sim_time', 'start_type_description_service', 'qos_overrides.')


@dataclass(frozen=True, slots=True)
class Parameters:
    """The node's parameters, checked.

    Attributes:
        settings: Those that the runner obeys.
    """

    model: Path | str
    robot: Path
    sha256: str
    device: str
    precision: str
    threads: int
    server: ServerOptions
    min_speed_scaling: float
    debug: bool
    settings: Settings


def declare(node: Node) -> None:
    """Declare all parameters; a wrong value stays until `read` names it.

    Args:
        node: Made with ``automatically_declare_parameters_from_overrides``, so that what the
            user gave can be checked, misspelt names included.
    """
    for spec in SPECS:
        value: Any = spec.default
        if node.has_parameter(spec.name):
            value = node.get_parameter(spec.name).value
            node.undeclare_parameter(spec.name)
        descriptor = spec.descriptor()
        try:
            value = spec.read(value)
        except UserError:
            # rclpy would throw here; configure is the place to say what is wrong.
            descriptor = ParameterDescriptor(description=spec.text, dynamic_typing=True)
        node.declare_parameter(spec.name, value, descriptor, ignore_override=True)


def read(node: Node) -> Parameters:
    """Read what `declare` declared.

    Raises:
        UserError: A value or a name is wrong; the first such.
    """
    _refuse_misspelt(node)
    SIM_TIME.read(node.get_parameter(SIM_TIME.name).value)
    values: dict[str, Any] = {
        name: spec.read(node.get_parameter(name).value) for name, spec in _NAMES.items()
    }
    for name, example in (('model', 'policy.pt'), ('robot', 'ur5.yaml')):
        if not values[name]:
            raise UserError(f'parameter {name} is not set: --ros-args -p {name}:={example}')
    if values['start_max'] < values['start_tolerance']:
        raise UserError(
            f'parameter start_max is {values["start_max"]:g}; it must not be below '
            f'start_tolerance, which is {values["start_tolerance"]:g}'
        )
    values['model'] = path_or_address(values['model'])
    values['server'] = ServerOptions(
        *(values[name] for name in ('address', 'timeout_s', 'jpeg_quality'))
    )
    values['robot'] = robot_file(values['robot'])
    _refuse_exchanged(values['model'], values['robot'])
    values['settings'] = Settings(**{each.name: values[each.name] for each in fields(Settings)})
    return Parameters(**{each.name: values[each.name] for each in fields(Parameters)})


def _refuse_exchanged(model: Path | str, robot: Path) -> None:
    is_robot = Path(model).suffix in ENDINGS and not is_server_file(model)
    if is_robot and robot.suffix in KINDS:
        raise UserError(
            f'parameters model and robot are exchanged: -p model:={in_shell(robot)} '
            f'-p robot:={in_shell(model)}'
        )


def refuse_change(parameters: list[RosParameter]) -> SetParametersResult:
    """For a configured node: its parameters are read by configure only."""
    for parameter in parameters:
        # With another clock, all stamps so far are wrong, those of a stop included.
        if parameter.name in _NAMES or parameter.name == SIM_TIME.name:
            return SetParametersResult(
                successful=False,
                reason=f'{parameter.name} is read by configure: clean up the node, then set it',
            )
    return SetParametersResult(successful=True)


def _refuse_misspelt(node: Node) -> None:
    for name in node.get_parameters_by_prefix(''):
        if name in _NAMES or name.startswith(_OTHERS):
            continue
        if hint := did_you_mean(name, _NAMES, cutoff=0.75, mark=''):
            raise UserError(f'there is no parameter {name}{hint}')
        # A file for several nodes may hold what is not meant for this one.
        node.get_logger().warning(f'there is no parameter {name}: ignored')
