"""URDFs of well-known robots, with their meshes: those of the package `example-robot-data`."""

import importlib.metadata
from pathlib import Path

import pytest

FILES = {
    'panda': 'panda_description/urdf/panda.urdf',
    'ur5': 'ur_description/urdf/ur5_robot.urdf',
    'ur5_gripper': 'ur_description/urdf/ur5_gripper.urdf',
    'so101': 'so_arm_description/urdf/so101.urdf',
    'xarm7': 'xarm_description/urdf/xarm7.urdf',
    'kinova': 'kinova_description/robots/kinova.urdf',
    'baxter': 'baxter_description/urdf/baxter.urdf',
    'tiago_dual': 'tiago_description/robots/tiago_dual.urdf',
    'pr2': 'pr2_description/urdf/pr2.urdf',
    'icub': 'icub_description/robots/icub.urdf',
}


def known_urdf(name):
    """The file of a robot; the test is skipped where the package is not installed."""
    try:
        files = importlib.metadata.files('example-robot-data') or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip('example-robot-data is not installed')
    path = next(Path(each.locate()) for each in files if str(each).endswith(FILES[name]))
    return path.resolve()
