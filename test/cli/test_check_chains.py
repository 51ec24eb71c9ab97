"""`neuracore_ros check` on chains: what they are, and whether a recording says that they are right."""

import json

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from helpers.arms_with_hands import JOINTS, arm
from helpers.drawn_arms import record, state, trajectory
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

POSES = DataType.END_EFFECTOR_POSES
ROBOT = """
robot: upright
urdf: upright.urdf
chains:
  hand:
    base: base
    tip: palm
    tip_offset: {xyz: [0, 0, 0.1]}
    max_ik_error: [0.01, 0.1]
input: {END_EFFECTOR_POSES: {0: hand}}
output: {END_EFFECTOR_POSES: {0: hand}}
sources: {END_EFFECTOR_POSES: {topic: /joint_states}}
targets: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory}}
commands: {END_EFFECTOR_POSES: {topic: /arm/joint_trajectory}}
"""


class Repeat(torch.nn.Module):
    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        return {'END_EFFECTOR_POSES': inputs['END_EFFECTOR_POSES'].repeat(1, 4, 1, 1)}


def ready(seconds):
    return [0.2 * np.sin(seconds), 0.1, 1.3 + 0.1 * np.sin(2 * seconds), 1.5, 0.2]


@pytest.fixture
def policy(tmp_path):
    def write(low=(), high=()):
        slots = {'min_xyz': low, 'max_xyz': high}
        manifest = Manifest(
            input={POSES: InputSlots(1, (0,), **slots)},
            output={POSES: OutputSlots(1, (0,), **slots)},
            rate_hz=20.0,
            horizon=4,
        )
        save(Repeat(), manifest, tmp_path / 'policy.pt')
        return tmp_path / 'policy.pt'

    return write


@pytest.fixture
def robot(tmp_path):
    def write(*changes):
        (tmp_path / 'upright.urdf').write_text(arm())
        text = ROBOT
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / 'upright.yaml'
        path.write_text(text)
        return path

    return write


@pytest.fixture
def bag(tmp_path):
    def make(measured=ready, commanded=lambda s: ready(s + 0.1)):
        return record(
            tmp_path / 'bag',
            joint_states=lambda s: state(s, JOINTS, measured(s)),
            arm__joint_trajectory=lambda s: trajectory(s, JOINTS, commanded(s)),
        )

    return make


@pytest.fixture
def check(capsys):
    def run(*words):
        capsys.readouterr()
        status = main(['check', *map(str, words), '--json'])
        return status, json.loads(capsys.readouterr().out)

    return run


def of(found, words):
    return [text for text in found if words in text]


def test_a_chain_is_listed_with_joints_offsets_and_errors(check, policy, robot):
    status, found = check(policy(), robot())
    assert (status, found['errors']) == (0, [])
    (line,) = of(found['facts'], "chain 'hand'")
    assert line == (
        "chain 'hand' (input and output END_EFFECTOR_POSES index 0): base to palm by pan -2.9 to "
        '2.9, lift -2.9 to 2.9, elbow -0.3 to 2.9, wrist -2.9 to 2.9, roll -2.9 to 2.9; '
        'base_offset none; tip_offset [0, 0, 0.1] rpy [0, 0, 0]; '
        'reached within 0.01 m and 0.1 rad, or refused; workspace not bounded'
    )


def test_a_recording_says_where_the_hand_went_and_that_it_can_be_followed(
    check, policy, robot, bag
):
    status, found = check(policy(), robot(), '--bag', bag())
    assert (status, found['errors'], found['warnings']) == (0, [], [])
    (line,) = of(found['facts'], 'inverse kinematics follows its commanded poses')
    assert ' 0 of ' in line
    assert line.endswith('refused')


def test_poses_within_those_of_training_are_no_doubt(check, policy, robot, bag):
    file = robot()
    kinematics = ChainKinematics(load_robot(file).chains['hand'])
    poses = kinematics.poses([ready(s) for s in np.linspace(0, 2, 50)])[:, :3]
    inside = policy(tuple(poses.min(0).tolist()), tuple(poses.max(0).tolist()))
    assert check(inside, file, '--bag', bag())[1]['warnings'] == []


def test_a_base_frame_that_faces_away_is_beside_training(check, policy, robot, bag):
    file = robot()
    kinematics = ChainKinematics(load_robot(file).chains['hand'])
    poses = kinematics.poses([ready(s) for s in np.linspace(0, 2, 50)])[:, :3]
    trained = policy(tuple(poses.min(0).tolist()), tuple(poses.max(0).tolist()))
    turned = robot(('tip: palm', 'tip: palm\n    base_offset: {rpy: [0, 0, 3.1416]}'))
    found = check(trained, turned, '--bag', bag())[1]['warnings']
    (line,) = of(found, 'in its slot, training from')
    assert "'hand' goes from x -0." in line
    assert 'its frames are others' in line


def test_a_workspace_that_keeps_the_hand_from_where_it_was_taught(check, policy, robot, bag):
    file = robot(('tip: palm', 'tip: palm\n    workspace: {z: [0.0, 0.05]}'))
    found = check(policy(), file, '--bag', bag())[1]['warnings']
    (line,) = of(found, 'is outside of its workspace z: [0, 0.05] in 100% of the recording')
    assert 'correct workspace, or base_offset' in line


def test_commands_of_another_arm_are_far_from_what_is_measured(check, policy, robot, bag):
    recorded = bag(commanded=lambda s: [-1.5, 0.8, 0.2, 0.5, 0.2])
    found = check(policy(), robot(), '--bag', recorded)[1]['warnings']
    assert of(found, 'degrees away from where it is commanded')


def test_commands_faster_than_joints_are_refused_by_inverse_kinematics(check, policy, robot, bag):
    def jumping(seconds):
        return [1.5 * np.sign(np.sin(20 * seconds)), *ready(seconds)[1:]]

    found = check(policy(), robot(), '--bag', bag(commanded=jumping))[1]['warnings']
    (line,) = of(found, 'inverse kinematics refuses ')
    assert "the node would hold there: 'hand' cannot reach" in line


def test_without_pinocchio_check_says_what_stops_the_node(check, policy, robot, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'pinocchio', None)
    status, found = check(policy(), robot())
    assert status == 1
    assert found['errors'] == [
        "pinocchio is not installed: pip install 'neuracore_ros[kinematics]', or apt install "
        'ros-$ROS_DISTRO-pinocchio'
    ]


def test_a_recording_without_the_joints_says_so_in_one_line(check, policy, robot, tmp_path):
    other = record(tmp_path / 'other', joint_states=lambda s: state(s, ['q'], [0.0]))
    status, found = check(policy(), robot(), '--bag', other)
    assert status == 1
    assert all('\n' not in text for text in found['errors'])
    assert of(found['errors'], "lacks 'pan'")


def test_joints_of_a_chain_in_degrees_are_refused(check, policy, robot, bag):
    def degrees(seconds):
        return np.degrees(ready(seconds)).tolist()

    status, found = check(policy(), robot(), '--bag', bag(measured=degrees, commanded=degrees))
    assert status == 1
    assert of(found['errors'], 'degrees')


def test_joints_of_a_chain_that_jump_are_told_beside_their_speed_limit(check, policy, robot, bag):
    def jumping(seconds):
        return [1.2 * np.sign(np.sin(20 * seconds)), *ready(seconds)[1:]]

    found = check(policy(), robot(), '--bag', bag(measured=jumping))[1]['warnings']
    assert of(found, "'pan' (JOINT_POSITIONS index 0) moves at up to")
