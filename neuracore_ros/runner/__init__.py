"""Observe, predict, command, on a given clock; the node and ``evaluate`` both drive this."""

from neuracore_ros.command.direct_values import DirectMessage
from neuracore_ros.command.message import JointCommand
from neuracore_ros.command.settings import Settings
from neuracore_ros.runner.requests import Request, TickResult
from neuracore_ros.runner.runner import Runner
from neuracore_ros.runner.state import Counters, State

__all__ = [
    'Counters',
    'DirectMessage',
    'JointCommand',
    'Request',
    'Runner',
    'Settings',
    'State',
    'TickResult',
]
