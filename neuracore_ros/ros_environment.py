"""Checks of the ROS 2 environment, made before rclpy is imported."""

import importlib.util
import os
import re
from pathlib import Path

from neuracore_ros.errors import UserError, quoted

_MOST_DOMAIN = 232
# Where apt installs distributions; a shell has one only after its setup.bash was sourced.
_INSTALLED = Path('/opt/ros')
_NAMESPACE = re.compile(r'/?([A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*)?')


def require_ros(namespace: str = '') -> None:
    """Refuse to start without rclpy, with another workspace's, in no domain or no namespace.

    Two ROS distributions in one process crash or cannot talk to each other, in ways that
    are hard to trace back to a `pip install`.

    Raises:
        UserError: rclpy is missing, or comes from a Python package while a sourced ROS 2
            has its own; ROS_DOMAIN_ID is none; or the namespace holds a character that none may
            hold.
    """
    spec = importlib.util.find_spec('rclpy')
    if spec is None or spec.origin is None:
        raise UserError(_without_ros())
    origin = Path(spec.origin).resolve()
    prefixes = [Path(p) for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    # An overlay without an rclpy of its own, such as this package's, contradicts nothing.
    sourced = [p for p in prefixes if (p / 'share' / 'rclpy').is_dir()]
    if sourced and not any(origin.is_relative_to(p.resolve()) for p in sourced):
        raise UserError(
            f'rclpy comes from {origin.parent}, but the sourced ROS 2 at {sourced[0]} has its '
            'own: pip uninstall ros-rclpy in this Python environment, or use a shell without ROS 2'
        )
    # rclpy ends the process, or leaves a traceback.
    domain = os.environ.get('ROS_DOMAIN_ID', '').strip()
    if domain and not (domain.isdecimal() and int(domain) <= _MOST_DOMAIN):
        raise UserError(
            f'ROS_DOMAIN_ID {quoted(domain)} is none: it is a number from 0 to {_MOST_DOMAIN}'
        )
    if namespace and not _NAMESPACE.fullmatch(namespace):
        raise UserError(
            f"--namespace '{namespace}' is none: it has letters, digits, '_' and '/' only, and no "
            'part of it begins with a digit'
        )


def _without_ros() -> str:
    there = sorted(_INSTALLED.glob('*/setup.bash'))
    if there:
        return f'rclpy is not found: this terminal has no ROS 2 yet: source {there[-1]}'
    return "rclpy is not installed: source a ROS 2 workspace, or pip install 'neuracore_ros[ros]'"
