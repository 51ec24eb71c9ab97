"""Policies of poses are judged in centimetres and degrees, and by the joints that follow them."""

import json
import math
import re

import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('pinocchio')

from helpers.pose_reaching import write as write_dataset
from helpers.small_bags import Messages, at, write_bag
from helpers.small_chain import JOINTS, ROBOT, describe
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType, embodiment, load_robot
from neuracore_ros.evaluation.commanded_spread import CommandedSpread
from neuracore_ros.evaluation.compared_slots import ComparedSlots
from neuracore_ros.evaluation.synthetic_robot import synthetic_robot
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

POSES = DataType.END_EFFECTOR_POSES
RATE_HZ = 10.0
HORIZON = 6
SECONDS = 2.0
STILL = (0.4, 0.9, -0.3)


class Off(torch.nn.Module):
    """Gives the measured pose, moved by so many metres along x and turned about z."""

    def __init__(self, metres: float, turn: float):
        super().__init__()
        self.metres = metres
        self.register_buffer(
            'turn', torch.tensor([0.0, 0.0, math.sin(turn / 2), math.cos(turn / 2)])
        )

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        now = inputs['END_EFFECTOR_POSES'][:, -1:]
        z, w = now[..., 5], now[..., 6]
        chunk = now.clone()
        chunk[..., 0] = now[..., 0] + self.metres
        chunk[..., 5] = w * self.turn[2] + z * self.turn[3]
        chunk[..., 6] = w * self.turn[3] - z * self.turn[2]
        # Of either sign, as a model from elsewhere may give it.
        chunk[..., 3:] = -chunk[..., 3:]
        return {'END_EFFECTOR_POSES': chunk.repeat(1, 6, 1, 1)}


def write(path, metres=0.0, turn=0.0):
    described = {POSES: InputSlots(1, (0,))}, {POSES: OutputSlots(1, (0,))}
    save(Off(metres, turn), Manifest(*described, rate_hz=RATE_HZ, horizon=HORIZON), path)
    return path


def record(path):
    """The arm stands, and is told to."""
    messages = Messages()
    line = [(t, STILL) for t in np.arange(0.05, SECONDS + 1.0, 0.05)]
    states = [
        ('/joint_states', messages.joints(at(t), **dict(zip(JOINTS, STILL, strict=True))), at(t))
        for t in np.arange(1, round(50 * SECONDS)) / 50
    ]
    told = ('/arm/joint_trajectory', messages.trajectory(at(0.0), line, JOINTS), at(0.0))
    return write_bag(path, [told, *states])


@pytest.fixture
def evaluated(tmp_path, capsys):
    """The only case of one policy, with a robot file."""

    def run(metres=0.0, turn=0.0, text=ROBOT):
        policy = write(tmp_path / 'policy.pt', metres, turn)
        bag = tmp_path / 'bag'
        files = [policy, describe(tmp_path, text), bag if bag.exists() else record(bag)]
        code = main(['evaluate', *map(str, files), '--json'])
        said = capsys.readouterr()
        assert code == 0, said.err
        (case,) = json.loads(said.out)['cases']
        return case

    return run


def test_errors_of_a_pose_are_a_distance_and_an_angle(evaluated):
    case = evaluated(metres=0.02, turn=math.radians(3))
    position, rotation = case['joints']
    assert (position['name'], position['unit']) == ('hand', 'cm')
    assert (rotation['name'], rotation['unit']) == ('hand', 'deg')
    assert position['error'] == pytest.approx(2.0, abs=1e-3)
    assert rotation['error'] == pytest.approx(3.0, abs=1e-3)
    assert case['poses'] == pytest.approx({'cm': 2.0, 'deg': 3.0}, abs=1e-3)
    assert (case['unit'], case['error']) == ('cm', pytest.approx(2.0, abs=1e-3))
    assert len(position['error_by_step']) == HORIZON


def test_what_the_node_would_have_sent_is_the_pose_of_the_joints_that_follow(evaluated):
    case = evaluated(metres=0.02, turn=math.radians(3))
    position, rotation = case['joints']
    assert case['running_steps'] > 10
    # By inverse kinematics and within limits: most of the time it is where it was predicted.
    assert 1.0 < position['executed_error'] < 2.1
    assert 1.5 < rotation['executed_error'] < 3.1
    assert evaluated()['executed_error'] == pytest.approx(0.0, abs=0.05)


def test_centimetres_are_the_robots_own_whatever_the_scale_of_its_slot(
    evaluated, tmp_path, capsys
):
    text = re.sub(r'topic: ([^}]+)}', r'topic: \1, scale: 2.5}', ROBOT)
    case = evaluated(metres=0.05, text=text)
    assert case['poses']['cm'] == pytest.approx(2.0, abs=1e-3)
    # Of a dataset, if the robot file is given.
    words = ['--description', str(tmp_path / 'planar.yaml'), '--rate-hz', '10']
    data = str(tmp_path / 'data')
    assert main(['convert', data, str(tmp_path / 'bag'), *words]) == 0
    for files, wanted in (([], 5.0), ([str(tmp_path / 'planar.yaml')], 2.0)):
        capsys.readouterr()
        assert main(['evaluate', str(tmp_path / 'policy.pt'), *files, data, '--json']) == 0
        (case,) = json.loads(capsys.readouterr().out)['cases']
        assert case['poses']['cm'] == pytest.approx(wanted, abs=1e-2)


def test_the_table_and_the_page_tell_them(tmp_path, capsys):
    policy = write(tmp_path / 'policy.pt', 0.02, math.radians(3))
    files = [policy, describe(tmp_path), record(tmp_path / 'bag')]
    out = tmp_path / 'page.html'
    assert main(['evaluate', *map(str, files), '--out', str(out)]) == 0
    assert '2 cm 3 deg' in capsys.readouterr().out
    texts = re.sub(r'<[^>]+>', '|', out.read_text())
    for text in ('2 cm 3 deg', '0 hand position', '0 hand rotation', '0 hand x', '0 hand qw'):
        assert text in texts, text


def test_max_error_is_of_positions_where_there_are_no_joints(tmp_path, capsys):
    files = [write(tmp_path / 'policy.pt', 0.02), describe(tmp_path), record(tmp_path / 'bag')]
    assert main(['evaluate', *map(str, files), '--max-error', '2.1']) == 0
    assert main(['evaluate', *map(str, files), '--max-error', '1.9']) == 1
    assert 'error 2 cm is above --max-error 1.9' in capsys.readouterr().err


def test_the_spread_of_poses_is_their_distance_to_the_mean_whatever_their_signs(tmp_path):
    outputs = ComparedSlots(load_robot(describe(tmp_path)))
    turned = [0, 0, math.sin(0.1), math.cos(0.1)]
    back = [0, 0, -math.sin(0.1), math.cos(0.1)]
    poses = np.array([[0.1, 0, 0, *turned], [0.3, 0, 0, *np.negative(back)], [np.nan] * 7])
    spread, unknown = CommandedSpread(outputs), CommandedSpread(outputs)
    spread.add(poses)
    unknown.add(np.full((2, 7), np.nan))
    assert spread.told() == pytest.approx([10.0, math.degrees(0.2)])
    assert unknown.told().tolist() == CommandedSpread(outputs).told().tolist() == [0.0, 0.0]
    assert np.isnan(outputs.distance(poses[2], poses[0])).all()


def test_a_dataset_of_poses_is_replayed_without_a_robot_file(tmp_path, capsys):
    """Its errors are those of training's own validation, by another way."""
    dataset = write_dataset(tmp_path / 'reach', {'one': 10, 'both': 5})
    run = tmp_path / 'run'
    words = ['--steps', '60', '--horizon', '3', '--threads', '1', '--out', str(run)]
    assert main(['train', str(dataset), *words]) == 0
    lines = [json.loads(line) for line in (run / 'metrics.jsonl').read_text().splitlines()]
    (validated,) = [line for line in lines if 'val_cm' in line]
    capsys.readouterr()
    files = [str(run / 'policy.pt'), str(dataset)]
    assert main(['evaluate', *files, '--json', '--execute-steps', '1']) == 0
    cases = {case['robot']: case for case in json.loads(capsys.readouterr().out)['cases']}
    assert cases.keys() == {'one', 'both'}
    for robot, case in cases.items():
        assert case['predictions'] == case['steps']
        assert case['poses']['cm'] == pytest.approx(validated[f'val_cm/{robot}'], rel=1e-2)
        assert case['poses']['deg'] == pytest.approx(validated[f'val_deg/{robot}'], rel=1e-2)
    labels = [(each['name'], each['unit']) for each in cases['both']['joints']]
    units = ('cm', 'deg')
    assert labels == [('fingers', 'open'), *(('a', u) for u in units), *(('b', u) for u in units)]
    # There is no chain that could tell where joints would have gone.
    assert cases['one']['joints'][1]['executed_error'] is None


def test_an_output_that_is_no_input_is_taken_to_be_where_it_was_sent(tmp_path, capsys):
    dataset = write_dataset(tmp_path / 'reach', {'one': 6})
    run = tmp_path / 'run'
    words = ['--steps', '2', '--horizon', '3', '--inputs', 'POSES', '--out', str(run)]
    assert main(['train', str(dataset), *words]) == 0
    capsys.readouterr()
    assert main(['evaluate', str(run / 'policy.pt'), str(dataset), '--json']) == 0
    (case,) = json.loads(capsys.readouterr().out)['cases']
    assert case['poses']['cm'] > 0


def test_everything_that_can_be_commanded_is_replayed_from_a_dataset():
    """Each with its unit; a gripper and a chain may have one name."""
    wanted = embodiment(
        {
            'JOINT_VELOCITIES': {0: 'wheel'},
            'JOINT_TORQUES': {0: 'a'},
            'JOINT_TARGET_POSITIONS': {0: 'a'},
            'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS': {0: 'hand'},
            'END_EFFECTOR_POSES': {0: 'hand', 2: 'other hand'},
            'CUSTOM_1D': {1: 'heat'},
        }
    )
    robot = synthetic_robot('any', embodiment({'JOINT_POSITIONS': {0: 'a'}}), wanted)
    units = {(slot.kind.value, slot.index): slot.unit for slot in ComparedSlots(robot).slots}
    assert units == {
        ('JOINT_TARGET_POSITIONS', 0): 'rad',
        ('PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS', 0): 'open',
        ('JOINT_VELOCITIES', 0): 'rad/s',
        ('JOINT_TORQUES', 0): 'Nm',
        ('CUSTOM_1D', 1): '',
        ('END_EFFECTOR_POSES', 0): 'deg',
        ('END_EFFECTOR_POSES', 2): 'deg',
    }
    outputs = ComparedSlots(robot)
    assert len(outputs.slots) == 9
    assert len(outputs.columns) == 5 + 14
    assert np.isnan(outputs.of_joints(np.zeros(2))).sum() == 3 + 14
