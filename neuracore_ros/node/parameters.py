"""Every parameter of the node: what it means, its type, what it may be."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from neuracore_ros.errors import UserError
from neuracore_ros.runner import Settings

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Spec:
    """One parameter.

    Attributes:
        default: Its type is the parameter's.
        text: What it does, with its unit.
        low: Smallest value of a number.
        high: Largest value of a number.
        words: All values that a string may have; empty if any will do.
    """

    name: str
    default: Value
    text: str
    low: float = 0.0
    high: float = 0.0
    words: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What the value may be, for a person."""
        if self.words:
            return ' or '.join(self.words)
        if isinstance(self.default, bool):
            return 'true or false'
        if isinstance(self.default, str):
            return 'a string'
        kind = 'an integer' if isinstance(self.default, int) else 'a number'
        return f'{kind} from {self.low:g} to {self.high:g}'

    @property
    def shown_default(self) -> str:
        """The default as ROS writes it."""
        return str(self.default).lower() or 'none'

    def descriptor(self) -> ParameterDescriptor:
        """What `ros2 param describe` shows, and rclpy enforces from then on."""
        described = ParameterDescriptor(description=self.text, additional_constraints=self.allowed)
        if isinstance(self.default, bool | str):
            return described
        if isinstance(self.default, int):
            low, high = int(self.low), int(self.high)
            described.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
        else:
            described.floating_point_range = [
                FloatingPointRange(from_value=self.low, to_value=self.high)
            ]
        return described

    def read(self, value: object) -> Value:
        """The value in the parameter's own type; an integer will do for a number.

        Raises:
            UserError: Of a wrong type or out of range.
        """
        if isinstance(self.default, float) and type(value) is int:
            value = float(value)
        right = type(value) is type(self.default)
        if right and isinstance(value, int | float) and not isinstance(value, bool):
            right = self.low <= value <= self.high
        if right and self.words:
            right = value in self.words
        if not right:
            shown = f"'{value}'" if isinstance(value, str) else str(value).lower()
            raise UserError(
                f'parameter {self.name} is {shown}; it must be {self.allowed} '
                f'(default {self.shown_default}): {self.text}'
            )
        return value  # type: ignore[return-value]


SPECS = (
    Spec('model', '', 'The policy file, such as policy.pt.'),
    Spec('robot', '', 'The robot file, such as ur5.yaml.'),
    Spec(
        'sha256',
        '',
        'The sha256 that the policy file must have, in full; empty takes any file.',
    ),
    Spec('device', 'cpu', 'Where the model runs: cpu, cuda, cuda:1.'),
    Spec(
        'precision',
        'float32',
        'In which numbers the model computes inside.',
        words=('float32', 'bfloat16', 'float16'),
    ),
    Spec('threads', 0, "Threads of the model; 0 leaves it to the model's runtime.", 0, 256),
    Spec('dry_run', False, 'Do everything but publish commands.'),
    Spec('enabled', True, 'Start enabled; otherwise wait for ~/enable.'),
    Spec('autostart', True, 'Configure and activate at once, without a lifecycle manager.'),
    Spec(
        'end_with_parent',
        False,
        'Stop the robot and end when the process that started this one is gone, as the launch '
        'file asks: nobody else would end it.',
    ),
    Spec(
        'rearm',
        'auto',
        'After an input fault, go on by itself (auto) or wait for ~/enable (manual).',
        words=('auto', 'manual'),
    ),
    Spec(
        'start_tolerance',
        0.1,
        'A first action as near to the measured joints as this starts at once [rad].',
        0.0,
        3.2,
    ),
    Spec(
        'start_max',
        0.5,
        'A first action farther from the measured joints than this is refused [rad].',
        0.0,
        3.2,
    ),
    Spec(
        'start_speed',
        0.25,
        'Speed of the way to a first action in between, as a share of the velocity limits.',
        0.01,
        1.0,
    ),
    Spec(
        'execute_steps',
        0,
        'Steps between two predictions; 0 is half the horizon, at most 0.5 s.',
        0,
        10_000,
    ),
    Spec(
        'max_ahead_s',
        0.5,
        'Farthest that a command reaches ahead, and so the longest that a killed node can keep '
        'the robot moving [s]; a stop may take 0.1 s, and 0.5 s where the robot lags.',
        0.05,
        2.0,
    ),
    Spec(
        'max_tracking_error',
        0.3,
        'Commanded and measured joints may differ by this much [rad].',
        0.01,
        3.2,
    ),
    Spec(
        'blend',
        'linear',
        'How a new prediction takes over from the one that is running.',
        words=('none', 'linear', 'minimum_jerk', 'ensemble'),
    ),
    Spec(
        'inpaint',
        True,
        'Let a policy that can, such as diffusion, continue the plan that the robot follows while '
        'it predicts (real-time chunking).',
    ),
    Spec(
        'delay_steps',
        0,
        'Steps from an observation to its prediction, always exactly so many, so that equal '
        'recordings give equal commands; 0 uses a prediction as soon as it comes.',
        0,
        1000,
    ),
    Spec(
        'profile',
        'spline',
        'How setpoints are joined: cubic splines, or (ruckig) limited in jerk where the robot '
        'file gives accelerations.',
        words=('spline', 'ruckig'),
    ),
    Spec(
        'command_rate_hz',
        0.0,
        'Commands a second where a command is streamed by points; 0 is the rate of the policy '
        '[Hz].',
        0.0,
        1000.0,
    ),
    Spec(
        'frozen_after_s',
        0.0,
        'Identical images under new stamps count as stale after this time; 0 is never, 1.0 is '
        'advised on real cameras [s].',
        0.0,
        60.0,
    ),
    Spec(
        'debug',
        False,
        'Publish every prediction, with what the model was given, on ~/debug as JSON.',
    ),
    Spec('task', '', 'What to do, in words, for a policy that reads LANGUAGE.'),
)
# Declared by rclpy, which only complains and goes on with the system's time.
SIM_TIME = Spec('use_sim_time', False, 'Live by /clock.')
_NAMES = {spec.name: spec for spec in SPECS}

# Declared by rclpy itself, or read by it when a publisher or subscription is made.
_OTHERS = ('use_sim_time', 'start_type_description_service', 'qos_overrides.')


@dataclass(frozen=True, slots=True)
class Parameters:
    """The node's parameters, checked.

    Attributes:
        settings: Those that the runner obeys.
    """

    model: Path
    robot: Path
    sha256: str
    device: str
    precision: str
    threads: int
    debug: bool
    settings: Settings


def declare(node: Node) -> None:
    """Declare all parameters; a wrong value stays until `read` names it.

    Args:
        node: Made with ``automatically_declare_parameters_from_overrides``, so that what the
            user gave is there to be looked at, misspelt names included.
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
    return Parameters(
        model=Path(values['model']).expanduser(),
        robot=Path(values['robot']).expanduser(),
        sha256=values['sha256'],
        device=values['device'],
        precision=values['precision'],
        threads=values['threads'],
        debug=values['debug'],
        settings=Settings(
            enabled=values['enabled'],
            rearm=values['rearm'],
            start_tolerance=values['start_tolerance'],
            start_max=values['start_max'],
            start_speed=values['start_speed'],
            execute_steps=values['execute_steps'],
            max_ahead_s=values['max_ahead_s'],
            max_tracking_error=values['max_tracking_error'],
            blend=values['blend'],
            inpaint=values['inpaint'],
            delay_steps=values['delay_steps'],
            profile=values['profile'],
            command_rate_hz=values['command_rate_hz'],
            frozen_after_s=values['frozen_after_s'],
            task=values['task'],
            dry_run=values['dry_run'],
        ),
    )


def refuse_change(parameters: list[RosParameter]) -> SetParametersResult:
    """For a configured node: its parameters are read by configure only."""
    for parameter in parameters:
        if parameter.name in _NAMES:
            return SetParametersResult(
                successful=False,
                reason=f'{parameter.name} is read by configure: clean up the node, then set it',
            )
    return SetParametersResult(successful=True)


def _refuse_misspelt(node: Node) -> None:
    for name in node.get_parameters_by_prefix(''):
        if name in _NAMES or name.startswith(_OTHERS):
            continue
        if near := difflib.get_close_matches(name, _NAMES, n=1, cutoff=0.75):
            raise UserError(f'there is no parameter {name}; did you mean {near[0]}?')
        # A file for several nodes may hold what is not meant for this one.
        node.get_logger().warning(f'there is no parameter {name}: ignored')
