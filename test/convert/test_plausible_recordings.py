"""What `convert`, `check --bag` and `evaluate` say of values that cannot be right."""

import numpy as np
import pytest

from helpers.small_bags import Messages, at, write_bag
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.description import DataType
from neuracore_ros.loading.reading import read_columns

MAKE = Messages()
ARM = """robot: arm
limits: {lift: {position: [-1.9, 1.9], velocity: 2.0}, spin: {position: none, velocity: 3.0}}
input: {JOINT_POSITIONS: {0: lift, 1: spin}}
output: {JOINT_TARGET_POSITIONS: {0: lift, 1: spin}}
sources:
  JOINT_POSITIONS: {topic: /joint_states}
  JOINT_TARGET_POSITIONS: {topic: /leader, type: JointState}
commands: {JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}}
"""


@pytest.fixture
def convert(tmp_path, capsys):
    """Converts 3 s of a recording; gives the exit code, and what was said on stderr."""

    def run(lift=np.sin, spin=np.cos, lead=0.1, topic='/leader', robot=ARM):
        (tmp_path / 'arm.yaml').write_text(robot)
        bag = write_bag(
            tmp_path / 'bag',
            [
                (name, MAKE.joints(at(t), lift=lift(t) + ahead, spin=spin(t) + ahead), at(t))
                for t in np.arange(0, 3, 0.02)
                for name, ahead in (('/joint_states', 0.0), (topic, lead))
            ],
        )
        code = main(
            ['convert', str(tmp_path / 'data'), str(bag), '--description', f'{tmp_path}/arm.yaml']
        )
        return code, capsys.readouterr().err

    return run


def test_a_sound_recording_is_converted_without_a_word(convert):
    assert convert() == (0, '')


def test_joints_in_degrees_are_refused_with_the_scale_to_write(convert, tmp_path):
    code, said = convert(lift=lambda t: 60 * np.sin(t), lead=2.0)
    assert code == 1 and len(said.splitlines()) == 1
    assert 'far outside of its limits -1.9 to 1.9: in degrees, not rad?' in said
    assert 'Write under sources: JOINT_POSITIONS: {scale: 0.0174533}' in said
    assert not list(tmp_path.glob('data/**/*.parquet'))


def test_what_was_told_to_write_is_right(convert, tmp_path):
    lift = ', lift: {scale: 0.0174533}}'
    robot = ARM.replace('/joint_states}', f'/joint_states{lift}')
    robot = robot.replace('JointState}', f'JointState{lift}')
    assert convert(lift=lambda t: 60 * np.sin(t), robot=robot) == (0, '')
    columns = read_columns(tmp_path / 'data', load_metadata(tmp_path / 'data'), 0)
    assert columns.state[:, 0].max() == pytest.approx(np.radians(60), abs=1e-3)


def test_a_joint_beyond_its_limits_is_said(convert):
    code, said = convert(lift=lambda t: 2.2 * np.sin(t), lead=-0.1)
    assert code == 0 and 'outside its limits -1.9 to 1.9' in said


def test_a_joint_faster_than_its_limit_is_said(convert):
    code, said = convert(lift=lambda t: 1.5 * np.sin(4 * t))
    assert code == 0 and 'its limit is 2' in said


def test_a_continuous_joint_that_jumps_is_said_with_the_option_to_write(convert):
    code, said = convert(spin=_wrapped)
    assert code == 0 and 'jumps by a turn' in said
    assert 'JOINT_POSITIONS: {spin: {around: 3.2' in said


def test_a_middle_makes_one_value_of_one_place(convert, tmp_path):
    around = ', spin: {around: 3.14}}'
    robot = ARM.replace('/joint_states}', f'/joint_states{around}')
    robot = robot.replace('JointState}', f'JointState{around}')
    assert convert(spin=_wrapped, robot=robot) == (0, '')
    columns = read_columns(tmp_path / 'data', load_metadata(tmp_path / 'data'), 0)
    assert np.ptp(columns.state[:, 1]) == pytest.approx(1.2, abs=0.02)
    assert np.allclose(columns.action[:, 1] - columns.state[:, 1], 0.1, atol=1e-3)


def test_a_target_that_is_what_was_measured_is_said(convert):
    code, said = convert(lead=0.0)
    assert code == 0
    assert 'write JOINT_POSITIONS in place of JOINT_TARGET_POSITIONS under output' in said


def test_a_recording_without_commands_is_told_to_learn_what_was_measured(convert):
    robot = ARM.replace('/leader, type: JointState', '/arm/joint_trajectory')
    code, said = convert(topic='/joint_states', robot=robot)
    assert code == 1
    assert 'no command was recorded: write JOINT_POSITIONS in place of JOINT_TARGET' in said
    assert 'did you mean' not in said


def test_a_target_read_from_what_is_measured_is_told_where_commands_are(convert):
    robot = ARM.replace('/leader, type: JointState', '/joint_states, type: JointTrajectory')
    code, said = convert(robot=robot)
    assert code == 1 and 'holds sensor_msgs/msg/JointState, but' in said
    assert 'and it is what is measured; did you mean /leader (' in said


def test_a_stream_that_never_changes_is_said(convert):
    code, said = convert(lift=lambda t: 0.3, spin=lambda t: 0.3)
    assert code == 0
    assert 'JOINT_POSITIONS of /joint_states never changes: lift, spin' in said


def _wrapped(t):
    return (2 * np.pi + 0.6 * np.sin(3 * t)) % (2 * np.pi) - np.pi


@pytest.fixture
def policy(tmp_path):
    """A policy file that fits the arm."""
    torch = pytest.importorskip('torch')
    from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
    from neuracore_ros.policy.torchscript import save

    class Still(torch.nn.Module):
        def forward(
            self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
        ) -> dict[str, torch.Tensor]:
            return {'JOINT_TARGET_POSITIONS': inputs['JOINT_POSITIONS'][:, -1:].repeat(1, 4, 1)}

    manifest = Manifest(
        input={DataType.JOINT_POSITIONS: InputSlots(2, (0, 1))},
        output={DataType.JOINT_TARGET_POSITIONS: OutputSlots(2, (0, 1))},
        rate_hz=20.0,
        horizon=4,
    )
    save(Still(), manifest, tmp_path / 'policy.pt')
    return str(tmp_path / 'policy.pt')


@pytest.mark.parametrize('topic', ['/leader', '/elsewhere'])
def test_check_and_evaluate_say_it_of_a_recording_too(convert, policy, tmp_path, capsys, topic):
    convert(lift=lambda t: 105 * np.sin(t), lead=2.0, topic=topic)
    arm, bag = str(tmp_path / 'arm.yaml'), str(tmp_path / 'bag')
    assert main(['check', policy, arm, '--bag', bag]) == 1
    said = capsys.readouterr().err
    assert 'JOINT_POSITIONS: {scale: 0.0174533} (if that is meant: --allow units)' in said
    assert main(['check', policy, arm, '--bag', bag, '--allow', 'units']) == 0
    capsys.readouterr()
    main(['evaluate', policy, arm, bag])
    assert topic == '/elsewhere' or 'in degrees, not rad?' in capsys.readouterr().err


def test_a_robot_that_would_never_start_is_an_error_of_check(convert, policy, tmp_path, capsys):
    convert(lift=lambda t: 3.0 + 0.1 * np.sin(t), lead=-1.5)
    arguments = [policy, str(tmp_path / 'arm.yaml'), '--bag', str(tmp_path / 'bag')]
    assert main(['check', *arguments]) == 1
    assert 'the node would never start' in capsys.readouterr().err
