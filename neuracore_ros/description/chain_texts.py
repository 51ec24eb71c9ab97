"""Chains in words, for ``check``."""

from __future__ import annotations

from collections.abc import Iterator

from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.description.robot import Robot
from neuracore_ros.wording import counted, few

_MOST_JOINTS = 7


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
                    f"chain '{name}' ({used} {kind} index {index}): {_ends(chain)}; "
                    f'base_offset {_offset(chain.base_offset)}; tip_offset '
                    f'{_offset(chain.tip_offset)}'
                    + (f'; scale {scale:g}' if scale != 1.0 else '')
                    + _bounds(chain)
                )


def _ends(chain: Chain) -> str:
    joints = counted(len(chain.joints), 'joint')
    return f'{chain.base} to {chain.tip}, {joints} ({few(chain.joints, _MOST_JOINTS)})'


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
