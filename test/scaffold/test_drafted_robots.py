"""Robot files that describe drafts of well-known URDFs, against the table of the documentation."""

import sys
from pathlib import Path

import pytest
import yaml

from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType, load_robot

ROOT = Path(__file__).resolve().parents[2]
ROBOTS = yaml.safe_load((ROOT / 'docs' / 'vocabulary_robots.yaml').read_text())['robots']
FOLDERS = [
    Path(path) / 'cmeel.prefix' / 'share' / 'example-robot-data' / 'robots' for path in sys.path
]
FOLDER = next((folder for folder in FOLDERS if folder.is_dir()), None)
POSITIONS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
pytestmark = pytest.mark.skipif(FOLDER is None, reason='needs the PyPI package example-robot-data')


@pytest.mark.parametrize(
    'name',
    ['Franka Panda', 'UR3, UR5, UR10', 'SO-101', 'Unitree Z1; on a B1', 'Baxter', 'TALOS',
     'Alex (Sake grippers)', 'Unitree G1'],
)  # fmt: skip
def test_a_draft_has_the_slots_signs_and_zeros_of_the_table(name, tmp_path, capsys):
    robot, out = ROBOTS[name], tmp_path / 'drafted.yaml'
    # A joint that its name says is of a head is left out of drafts.
    joints = {s: e for s, e in robot['joints'].items() if not e[0].startswith('head')}
    assert main(['describe', '--urdf', str(FOLDER / robot['urdf'][0]), '--out', str(out)]) == 0
    drafted = load_robot(out)
    assert drafted.vocabulary.name == 'arm/1'
    assert f'{len(joints)} joints commanded' in capsys.readouterr().out
    for kind in (POSITIONS, TARGETS):
        slots = drafted.input[POSITIONS] if kind is POSITIONS else drafted.output[TARGETS]
        named = {
            drafted.vocabulary.slot(kind, index).name: joint for index, joint in slots.items()
        }
        assert named == {slot: entry[0] for slot, entry in joints.items()}
        for joint, scale, offset in joints.values():
            source = drafted.source(kind, joint)
            assert source.scale == scale
            assert source.offset == pytest.approx(offset, abs=2e-3), joint
    grippers = drafted.input.get(DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS, {})
    wanted = robot.get('grippers', {})
    for index, slot in enumerate(('right.gripper', 'left.gripper')):
        assert grippers.get(index, '') == wanted.get(slot, '')
