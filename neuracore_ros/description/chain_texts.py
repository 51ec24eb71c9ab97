"""Chains in words, for ``check``."""

from __future__ import annotations

import math
from collections.abc import Iterator

from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.robot import Robot


def chain_lines(robot: Robot) -> Iterator[str]:
    """The chains of a robot that fill slots, one line each."""
    said: set[str] = set()
    for role, description in (('input', robot.input), ('output', robot.output)):
        for kind, slots in description.items():
            for index, name in slots.items() if kind.is_pose else ():
                if name not in robot.chains or name in said:
                    continue
                said.add(name)
                chain = robot.chains[name]
                scale = robot.pose_scale(kind, name)
                both = name in robot.output.get(kind, {}).values()
                used = f'{role} and output' if role == 'input' and both else role
                yield (
                    f"chain '{name}' ({used} {kind} index {index}): {_ends(robot, kind, chain)}; "
                    f'base_offset {_offset(chain.base_offset)}; tip_offset '
                    f'{_offset(chain.tip_offset)}'
                    + (f'; scale {scale:g}' if scale != 1.0 else '')
                    + _bounds(chain)
                )


def _ends(robot: Robot, kind: DataType, chain: Chain) -> str:
    """The links of a chain, and its joints with their limits, as far as it is commanded."""
    joints = []
    for joint in chain.joints:
        limit = robot.limits.get((kind, joint))
        ends = f' {limit.lower:.3g} to {limit.upper:.3g}' if limit else ''
        joints.append(f'{joint}{" endless" if limit and math.isinf(limit.upper) else ends}')
    return f'{chain.base} to {chain.tip} by {", ".join(joints)}'


def _offset(placement: Placement) -> str:
    if placement == Placement():
        return 'none'
    xyz, rpy = (
        ', '.join(f'{value:.3g}' for value in each) for each in (placement.xyz, placement.rpy)
    )
    return f'[{xyz}] rpy [{rpy}]'


def _bounds(chain: Chain) -> str:
    space = ', '.join(
        f'{axis} {low:g} to {high:g}' for axis, (low, high) in chain.workspace.items()
    )
    return (
        f'; reached within {chain.max_error_m:g} m and {chain.max_error_rad:g} rad, or refused; '
        f'workspace {space or "not bounded"}'
    )
