"""Robots that fit a policy, and would probably move wrongly: `check` stops them, and the node."""

import warnings
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip('torch')

from helpers.small_policies import StandStill
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.hazards import hazards
from neuracore_ros.policy.manifest import Embodiment, InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save
from neuracore_ros.runner import Runner, Settings

ARM = """robot: arm
limits:
  lift: {position: [-1.9, 1.9], velocity: 2.0}
  bend: {position: [-0.35, 2.72], velocity: 1.75}
input:
  JOINT_POSITIONS: {0: lift, 1: bend}
  RGB_IMAGES: {0: hand, 1: side}
output:
  JOINT_TARGET_POSITIONS: {0: lift, 1: bend}
sources:
  JOINT_POSITIONS: {topic: /joint_states}
  RGB_IMAGES: {hand: {topic: /hand}, side: {topic: /side}}
  JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}
commands:
  JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}
"""
DEGREES = ', scale: 0.0174533}'


def file(tmp_path, *changes):
    """The arm's file with some texts replaced, all of them but for the last where there are two."""
    text = ARM
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / 'arm.yaml').write_text(text)
    return tmp_path / 'arm.yaml'


@pytest.fixture
def manifest(tmp_path):
    """Of a policy that was trained on the arm."""
    arm = load_robot(file(tmp_path))
    return Manifest(
        input={
            DataType.JOINT_POSITIONS: InputSlots(2, (0, 1)),
            DataType.RGB_IMAGES: InputSlots(2, (0, 1), image_size=(48, 64)),
        },
        output={DataType.JOINT_TARGET_POSITIONS: OutputSlots(2, (0, 1))},
        rate_hz=20.0,
        horizon=4,
        robots={'arm': Embodiment(arm.input, arm.output)},
    )


MISTAKES = {
    'limits in degrees': ('units', [('[-0.35, 2.72]', '[-20, 156]')], '[-0.3491, 2.723]'),
    'limits in rad of what is commanded in degrees': (
        'units',
        [('trajectory}', f'trajectory{DEGREES}')],
        'lift: {position: [-108.9, 108.9]',
    ),
    'a sign under commands only': (
        'sense',
        [('commands:\n  JOINT_TARGET_POSITIONS: {', 'commands:\n  JOINT_TARGET_POSITIONS: {scale: -1, ')],
        'another sign',
    ),
    'a sign under sources only': (
        'sense',
        [('{topic: /joint_states}', '{topic: /joint_states, bend: {scale: -1}}')],
        "'bend' is measured with scale -1",
    ),
    'a zero under sources only': (
        'sense',
        [('{topic: /joint_states}', '{topic: /joint_states, bend: {offset: 0.5}}')],
        'another zero',
    ),
    'a command that is read in another sense than it is sent': (
        'sense',
        [
            ('sources:\n  JOINT_POSITIONS: {', 'sources:\n  JOINT_POSITIONS: {scale: -1, '),
            ('commands:\n  JOINT_TARGET_POSITIONS: {', 'commands:\n  JOINT_TARGET_POSITIONS: {scale: -1, '),
        ],
        'is recorded from /arm/joint_trajectory with scale 1',
    ),
    'a camera that is gone': (
        'missing',
        [('{0: hand, 1: side}', '{1: side}'), ('{hand: {topic: /hand}, ', '{')],
        "had RGB_IMAGES 'hand' (index 0) in training, and now lacks it",
    ),
    'two joints exchanged': (
        'exchanged',
        [('{0: lift, 1: bend}', '{1: lift, 0: bend}')],
        "'bend' 0 (then 1), 'lift' 1 (then 0)",
    ),
    'two cameras exchanged': (
        'exchanged',
        [('{0: hand, 1: side}', '{1: hand, 0: side}')],
        "RGB_IMAGES at other indices than in training: 'side' 0 (then 1)",
    ),
    'a joint that is measured at another index than it is commanded': (
        'exchanged',
        [('{0: lift, 1: bend}\n  RGB', '{1: lift, 0: bend}\n  RGB'), ('robot: arm', 'robot: new')],
        'measured at JOINT_POSITIONS index 1, but commanded at JOINT_TARGET_POSITIONS index 0',
    ),
    'names that are exchanged in messages': (
        'exchanged',
        [
            (
                '{topic: /joint_states}',
                '{topic: /joint_states, names: {lift: bend, bend: lift}}',
            )
        ],
        "'lift' is measured as 'bend', but commanded as 'lift'",
    ),
    'two cameras whose topics are exchanged': (
        'exchanged',
        [('{hand: {topic: /hand}, side: {topic: /side}}', '{hand: {topic: /side}, side: {topic: /hand}}')],
        "the camera 'hand' reads /side, and 'side' reads /hand",
    ),
    'two cameras that read one topic': (
        'exchanged',
        [('side: {topic: /side}}', 'side: {topic: /hand}}')],
        "the cameras 'hand' and 'side' both read /hand: give each its own topic",
    ),
    'two arms whose controllers are exchanged': (
        'exchanged',
        [
            (
                '{topic: /joint_states}',
                '{lift: {topic: /left/joint_states}, bend: {topic: /right/joint_states}}',
            ),
            (
                'commands:\n  JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}',
                'commands:\n  JOINT_TARGET_POSITIONS: {lift: {topic: /right/trajectory}, '
                'bend: {topic: /left/trajectory}}',
            ),
        ],
        "'lift' is measured on a topic of /left, but commanded on one of /right",
    ),
}  # fmt: skip


@pytest.mark.parametrize('mistake', MISTAKES)
def test_check_and_the_node_stop_for_it_unless_it_is_meant(tmp_path, manifest, capsys, mistake):
    word, changes, told = MISTAKES[mistake]
    save(StandStill(4), manifest, tmp_path / 'policy.pt')
    path = file(tmp_path, *changes)
    arguments = ['check', str(tmp_path / 'policy.pt'), str(path)]
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert told in said.err and f'(if that is meant: --allow {word})' in said.err
    assert 'Traceback' not in said.err
    assert main([*arguments, '--allow', word]) == 0
    assert 'warning: ' in capsys.readouterr().out
    robot = load_robot(path)
    with pytest.raises(PolicyError) as refused:
        Runner(robot, manifest, Settings())
    assert told in str(refused.value) or 'and 1 more' in str(refused.value)
    assert any(told in text for text in Runner(robot, manifest, Settings(allow=word)).warnings)
    Runner(robot, manifest, Settings(dry_run=True))


def test_the_robot_of_the_training_is_no_hazard(tmp_path, manifest):
    assert hazards(load_robot(file(tmp_path)), manifest) == []


def test_two_slots_may_show_different_parts_of_one_camera(tmp_path, manifest):
    topics = '{hand: {topic: /hand}, side: {topic: /side}}'
    crops = '{topic: /hand, side: {crop: [0, 0, 9, 9]}}'
    assert hazards(load_robot(file(tmp_path, (topics, crops))), manifest) == []


def test_a_robot_in_degrees_that_says_so_everywhere_is_no_hazard(tmp_path, manifest):
    degrees = file(
        tmp_path,
        ('{topic: /joint_states}', '{topic: /joint_states' + DEGREES),
        ('trajectory}', 'trajectory' + DEGREES),
        ('[-1.9, 1.9], velocity: 2.0', '[-109, 109], velocity: 115'),
        ('[-0.35, 2.72], velocity: 1.75', '[-20, 156], velocity: 100'),
    )
    assert hazards(load_robot(degrees), manifest) == []


def test_a_renamed_robot_and_a_renamed_joint_are_driven_with_a_word(tmp_path, manifest):
    renamed = Runner(
        load_robot(file(tmp_path, ('robot: arm', 'robot: arm2'))), manifest, Settings()
    )
    assert renamed.warnings[0].startswith(
        "'arm2' is none of the robots that the policy was trained"
    )
    joint = Runner(load_robot(file(tmp_path, ('bend', 'elbow'))), manifest, Settings())
    assert "'arm' has 'elbow' at JOINT_POSITIONS index 1; in training it had 'bend' there." in (
        joint.warnings
    )


def test_a_word_that_is_none_is_refused_with_the_nearest(tmp_path, manifest, capsys):
    robot = load_robot(file(tmp_path))
    with pytest.raises(Exception, match="allow: 'mising' is unknown; did you mean 'missing'"):
        Runner(robot, manifest, Settings(allow='mising'))
    with pytest.raises(SystemExit):
        main(['check', 'a.pt', 'arm.yaml', '--allow', 'mising'])
    assert "'mising'" in capsys.readouterr().err


def test_no_shipped_robot_is_a_hazard():
    shipped = Path(__file__).resolve().parents[2] / 'config'
    manifest = Manifest(input={}, output={}, rate_hz=20.0, horizon=4)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        for path in shipped.rglob('*.yaml'):
            if path.read_text().find('\nrobot:') >= 0 or path.read_text().startswith('robot:'):
                assert hazards(load_robot(path), manifest) == [], path


def test_a_policy_that_learnt_degrees_is_told_from_limits_in_rad(tmp_path, manifest):
    trained = {DataType.JOINT_TARGET_POSITIONS: OutputSlots(2, (0, 1), (-60, -10), (60, 99))}
    (found,) = hazards(load_robot(file(tmp_path)), replace(manifest, output=trained))
    assert found.kind == 'units'
    assert "learnt 'lift' at JOINT_TARGET_POSITIONS index 0 from -60 to 60 (and 1 more)" in (
        found.text
    )


def test_layout_says_that_limits_look_like_degrees(tmp_path, capsys):
    path = file(tmp_path, ('[-0.35, 2.72]', '[-20, 156]'))
    assert main(['layout', str(path)]) == 0
    assert "limits of 'bend' look like degrees; rad are meant" in capsys.readouterr().err


def test_a_scale_that_makes_degrees_of_rad_is_told_as_such(tmp_path, capsys):
    """Limits that are right are not told to be wrong."""
    scaled = ('/arm/joint_trajectory}', '/arm/joint_trajectory, scale: -57.3}')
    path = file(tmp_path, scaled, ('/joint_states}', '/joint_states, scale: -57.3}'))
    assert main(['layout', str(path)]) == 0
    said = capsys.readouterr().err
    assert (
        "scale -57.3 of 'lift' makes degrees of rad, but slots are in rad: write scale: -1" in said
    )
    assert '(likewise bend)' in said and 'look like degrees' not in said
    assert 'in degrees, it is' not in said
