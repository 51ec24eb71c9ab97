"""Observe, predict, command, on a given clock; the node and ``evaluate`` both drive this."""

from neuracore_ros.command.message import JointCommand
from neuracore_ros.command.settings import Settings, State
from neuracore_ros.runner.counters import Counters
from neuracore_ros.runner.exchange import Outcome, Request
from neuracore_ros.runner.runner import Runner

__all__ = ['Counters', 'JointCommand', 'Outcome', 'Request', 'Runner', 'Settings', 'State']
