"""The specification of one parameter of a node."""

from __future__ import annotations

from dataclasses import dataclass

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

from neuracore_ros.errors import UserError

ParameterValue = bool | int | float | str


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
    default: ParameterValue
    text: str
    low: float = 0.0
    high: float = 0.0
    words: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
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
        """The descriptor that `ros2 param describe` shows and rclpy enforces."""
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

    def read(self, value: object) -> ParameterValue:
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
