"""The URDFs of the simulated arms: joints and limits, without shapes.

``python -m neuracore_ros.sim.urdf FOLDER`` writes those that the package ships.
"""

import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from neuracore_ros.files import write_whole
from neuracore_ros.sim.arms import ARMS, ReachArm

_ORIGIN = '<!-- Made from neuracore_ros/sim/arms.py, which says where its numbers come from. -->'


def urdf_text(arm: ReachArm) -> str:
    """The URDF of an arm, from its base link to its last link."""
    lines = ['<?xml version="1.0"?>', _ORIGIN, f'<robot name="{arm.name}">']
    lines += [f'  <link name="{link}"/>' for link in arm.links]
    for joint, (parent, child) in zip(arm.joints, pairwise(arm.links), strict=True):
        # Nothing is known of efforts, but the format demands a number.
        limit = {'lower': joint.lower, 'upper': joint.upper, 'velocity': joint.velocity}
        bounds = ' '.join(f'{key}="{value:.12g}"' for key, value in limit.items())
        lines += [
            f'  <joint name="{joint.name}" type="revolute">',
            f'    <parent link="{parent}"/>',
            f'    <child link="{child}"/>',
            f'    <origin xyz="{_numbers(joint.xyz)}" rpy="{_numbers(joint.rpy)}"/>',
            f'    <axis xyz="{_numbers(joint.axis)}"/>',
            f'    <limit {bounds} effort="0"/>',
            '  </joint>',
        ]
    return '\n'.join([*lines, '</robot>', ''])


def _numbers(values: Iterable[float]) -> str:
    return ' '.join(f'{value:.12g}' for value in values)


if __name__ == '__main__':
    for each in ARMS.values():
        write_whole(Path(sys.argv[1]) / f'{each.name}.urdf', urdf_text(each))
