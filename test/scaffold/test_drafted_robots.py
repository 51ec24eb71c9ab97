"""Robot files that describe drafts of well-known URDFs, against the table of the documentation."""

import sys
from pathlib import Path

import pytest
import yaml

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.differences import differences
from neuracore_ros.alignment.roles import Role
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


def drafted(name, folder):
    out = folder / f'{name[:6]}.yaml'
    urdf = FOLDER / ROBOTS[name]['urdf'][0]
    assert main(['describe', '--urdf', str(urdf), '--out', str(out)]) == 0
    return out


@pytest.mark.parametrize(
    'name',
    ['UR3, UR5, UR10', 'SO-101', 'Unitree Z1; on a B1', 'Baxter', 'PR2', 'TIAGo', 'TIAGo Pro',
     'TALOS', 'Romeo', 'iCub', 'Unitree G1'],
)  # fmt: skip
def test_drafts_of_any_two_robots_agree_and_a_turned_sign_or_zero_is_named(name, tmp_path):
    panda, out = drafted('Franka Panda', tmp_path), drafted(name, tmp_path)
    arms = [DescribedArm.of(load_robot(path)) for path in (panda, out)]
    assert differences(arms) == []
    elbow, scale, offset = ROBOTS[name]['joints']['right.elbow_pitch']
    kept = [row for row in out.read_text().splitlines() if not row.startswith(f'    {elbow}: ')]
    for sense, words in (
        ((-scale, offset), 'turns the other way'),
        ((scale, offset + 1.0), 'has its zero 1.00 rad away'),
    ):
        wrong = f'    {elbow}: {{scale: {sense[0]}, offset: {sense[1]}}}'
        rows = [f'{row}\n{wrong}' if row.startswith('    topic: ') else row for row in kept]
        out.write_text('\n'.join(rows))
        (finding,) = differences([arms[0], DescribedArm.of(load_robot(out))])
        assert f"'{elbow}'" in finding.text
        assert words in finding.text


def test_a_draft_knows_the_roles_of_both_arms_and_of_the_body(tmp_path):
    arm = DescribedArm.of(load_robot(drafted('TALOS', tmp_path)))
    found = {name: meaning.role for name, meaning in arm.meanings().items()}
    assert found['arm_left_2_joint'] is found['arm_right_2_joint'] is Role.SHOULDER_PITCH
    assert found['arm_left_6_joint'] is Role.WRIST_YAW
    assert (found['torso_1_joint'], found['torso_2_joint']) == (Role.TORSO_YAW, Role.TORSO_PITCH)


def test_legs_that_no_name_tells_are_no_hands(tmp_path):
    out, urdf = tmp_path / 'drafted.yaml', FOLDER / ROBOTS['Romeo']['urdf'][0]
    assert main(['describe', '--urdf', str(urdf), '--out', str(out), '--poses']) == 0
    tips = [chain.tip for chain in load_robot(out).chains.values()]
    assert sorted(tips) == ['l_wrist', 'r_wrist']
