"""Robots that slot values move, against pinocchio and against positions that are known."""

import math

import numpy as np
import pinocchio
import pytest

from helpers.drawn_arms import joint, urdf
from helpers.known_urdfs import FILES, known_urdf
from helpers.three_arms import CONFIG
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.description.urdf import read_urdf
from neuracore_ros.viewer import robot_model
from neuracore_ros.viewer.link_meshes import LinkMeshes
from neuracore_ros.viewer.robot_model import RobotModel

JOINTS, HANDS = DataType.JOINT_POSITIONS, DataType.END_EFFECTOR_POSES
GRIPS = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
OWN_URDFS = sorted(CONFIG.rglob('*.urdf'))


def shipped_model(name):
    return RobotModel.of(load_robot(shipped(name)))


def model(folder, text, drawn=None):
    if drawn is not None:
        (folder / 'arm.urdf').write_text(drawn)
    (folder / 'arm.yaml').write_text(f'robot: arm\nurdf: arm.urdf\noutput: {{}}\n{text}')
    return RobotModel.of(load_robot(folder / 'arm.yaml'))


def senses(number):
    """A scale and an offset that differ from joint to joint."""
    return (1.0, -1.0)[number % 2], 0.1 * number


def with_every_joint(folder, path):
    """A robot file of all joints of a URDF, each with its own sign and offset."""
    known = read_urdf(path)
    names = [name for name in known.limits if name not in known.mimics]
    slots = ', '.join(f'{number}: "{name}"' for number, name in enumerate(names))
    options = ''.join(
        f'    "{name}": {{scale: {senses(number)[0]}, offset: {senses(number)[1]}}}\n'
        for number, name in enumerate(names)
    )
    file = folder / 'all.yaml'
    file.write_text(
        f'robot: all\noutput: {{}}\ninput: {{JOINT_POSITIONS: {{{slots}}}}}\n'
        f'sources:\n  JOINT_POSITIONS:\n    topic: /joint_states\n{options}'
    )
    return RobotModel.of(load_robot(file), path), names


@pytest.mark.parametrize(
    'path', [*OWN_URDFS, *FILES], ids=lambda each: each if each in FILES else each.stem
)
def test_links_are_where_pinocchio_has_them_whatever_signs_and_offsets_are(
    tmp_path, path, monkeypatch
):
    path = known_urdf(path) if path in FILES else path
    # Meshes take seconds, and are of no interest here.
    monkeypatch.setattr(robot_model, 'link_meshes', lambda urdf: LinkMeshes((), (), 0))
    robot, names = with_every_joint(tmp_path, path)
    reference = pinocchio.buildModelFromUrdf(str(path), mimic=True)
    data, mimics = reference.createData(), read_urdf(path).mimics
    drawn = np.random.default_rng(1).uniform(-0.5, 0.5, len(names))
    own = dict(zip(names, drawn, strict=True))
    configuration = pinocchio.neutral(reference)
    for name, position in own.items():
        place = reference.joints[reference.getJointId(name)]
        is_endless = place.nq == 2
        turned = [math.cos(position), math.sin(position)] if is_endless else [position]
        configuration[place.idx_q : place.idx_q + place.nq] = turned
    pinocchio.framesForwardKinematics(reference, data, configuration)
    values = {
        (JOINTS, number): senses(number)[0] * own[name] + senses(number)[1]
        for number, name in enumerate(names)
    }
    poses, compared = robot.link_poses(values), 0
    for frame, placement in zip(reference.frames, data.oMf, strict=True):
        if frame.type == pinocchio.FrameType.BODY and frame.name in poses:
            np.testing.assert_allclose(poses[frame.name], placement.homogeneous, atol=1e-9)
            compared += 1
    assert compared > 3 and set(names) | set(mimics) >= set(read_urdf(path).limits)


def test_a_slot_value_of_zero_is_where_the_offset_says():
    assert shipped_model('ur5').joints({(JOINTS, 3): 0.0})['elbow_joint'] == pytest.approx(-0.467)


def test_the_same_values_bend_two_aligned_arms_the_same_way():
    arms = (shipped_model('franka'), 'panda_link7'), (shipped_model('ur5'), 'wrist_3_link')
    values = {(JOINTS, index): 0.0 for index in range(7)}
    for index in (1, 3, 5):
        turns = []
        for robot, tip in arms:
            before = robot.link_poses(values)[tip]
            after = robot.link_poses({**values, (JOINTS, index): 0.4})[tip]
            turns.append(after[:3, :3] @ before[:3, :3].T)
        np.testing.assert_allclose(turns[0], turns[1], atol=0.02)


def test_aligned_arms_rest_at_nearly_the_same_slot_values():
    franka, ur5 = shipped_model('franka').slots(), shipped_model('ur5').slots()
    assert [franka[slot].rest for slot in ur5] == pytest.approx(
        [each.rest for each in ur5.values()], abs=0.01
    )


def test_the_range_of_a_slot_is_that_of_the_joint_in_its_sense():
    found = shipped_model('ur5').slots()[JOINTS, 3]
    assert (found.name, found.unit) == ('elbow_joint', 'rad')
    assert (found.lower, found.upper) == pytest.approx((-math.pi - 0.467, math.pi - 0.467))


def test_a_driver_that_reports_degrees_moves_the_joint_in_radians(tmp_path):
    robot = model(
        tmp_path,
        'input: {JOINT_POSITIONS: {0: pan}}\n'
        'sources: {JOINT_POSITIONS: {topic: /s, scale: -0.0174533, offset: 0.5}}\n',
        urdf(joint('pan')),
    )
    assert robot.joints({(JOINTS, 0): 0.2})['pan'] == pytest.approx(0.3)


def test_a_slot_whose_driver_has_another_name_moves_the_joint_of_that_name(tmp_path):
    robot = model(
        tmp_path,
        'input: {JOINT_POSITIONS: {0: waist}}\n'
        'sources: {JOINT_POSITIONS: {topic: /s, names: {waist: pan}}}\n',
        urdf(joint('pan')),
    )
    assert robot.joints({(JOINTS, 0): 0.4})['pan'] == pytest.approx(0.4)


def test_slots_that_are_no_joints_of_the_urdf_are_told_in_one_line(tmp_path):
    robot = model(
        tmp_path,
        'input: {JOINT_POSITIONS: {0: pan, 1: tail}}\nsources: {JOINT_POSITIONS: {topic: /s}}\n',
        urdf(joint('pan')),
    )
    assert list(robot.slots()) == [(JOINTS, 0)]
    assert any('no joint for tail' in note for note in robot.notes)


def test_values_that_are_not_finite_move_nothing(tmp_path):
    robot = shipped_model('franka')
    rest = robot.joints({})
    assert robot.joints({(JOINTS, 0): math.nan, (JOINTS, 1): math.inf}) == rest


def test_a_robot_without_urdf_takes_the_one_beside_it_that_has_its_joints(tmp_path):
    file = tmp_path / 'arm.yaml'
    file.write_text(
        'robot: arm\ninput: {JOINT_POSITIONS: {0: a}}\noutput: {}\n'
        'sources: {JOINT_POSITIONS: {topic: /s}}\n'
    )
    for drawn, wanted in (
        (None, None),
        (urdf(joint('other')), None),
        ('no XML', None),
        (urdf(joint('a')), tmp_path / 'arm.urdf'),
    ):
        if drawn is not None:
            (tmp_path / 'arm.urdf').write_text(drawn)
        assert RobotModel.of(load_robot(file)).urdf == wanted


def test_a_robot_without_any_urdf_is_a_dial_for_each_slot_with_a_note_on_what_to_write():
    robot = shipped_model('so101')
    assert [each.name for each in robot.slots().values()] == [
        *('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper')
    ]
    assert list(robot.captions) == [each.name for each in robot.slots().values()]
    (note,) = robot.notes
    assert 'so101.yaml names no URDF' in note and '--urdf so101=FILE' in note
    hands = [robot.moved_links(slot) for slot in robot.slots()]
    rest = robot.link_poses({})
    for slot, (hand,) in zip(robot.slots(), hands, strict=True):
        turned = robot.link_poses({slot: 1.0})
        assert [each for each in rest if not np.allclose(rest[each], turned[each])] == [hand]
    # Seen from before, the hand of an opening goes from 12 to 3 o'clock.
    np.testing.assert_allclose(turned[hand][:3, 2], [0, 1, 0], atol=1e-9)
    assert {mesh.link for mesh in robot.meshes} == {'column', *(hand for (hand,) in hands)}


def test_names_of_slots_that_xml_would_take_for_its_own_are_shown_on_dials(tmp_path):
    file = tmp_path / 'arm.yaml'
    file.write_text(
        'robot: arm\ninput: {JOINT_POSITIONS: {0: "<a & \'b\'>"}}\noutput: {}\n'
        'sources: {JOINT_POSITIONS: {topic: /s}}\n'
    )
    assert [each.name for each in RobotModel.of(load_robot(file)).slots().values()] == [
        "<a & 'b'>"
    ]


def test_two_robot_files_that_share_a_urdf_each_move_their_own_arm(tmp_path):
    drawn = urdf(
        *(
            joint(f'{side}_{name}', '0 1 0', xyz=xyz, after=f'{side}_{after}' if after else '')
            for side, y in (('left', 0.2), ('right', -0.2))
            for name, xyz, after in (('lift', f'0 {y} 0.3', ''), ('elbow', '0 0 0.3', 'lift'))
        )
    )
    (tmp_path / 'both.urdf').write_text(drawn)
    for side in ('left', 'right'):
        (tmp_path / f'{side}.yaml').write_text(
            f'robot: {side}\nurdf: both.urdf\noutput: {{}}\n'
            f'input: {{JOINT_POSITIONS: {{0: {side}_lift, 1: {side}_elbow}}}}\n'
            'sources: {JOINT_POSITIONS: {topic: /s}}\n'
        )
        robot = RobotModel.of(load_robot(tmp_path / f'{side}.yaml'))
        rest, moved = robot.link_poses({}), robot.link_poses({(JOINTS, 0): 1.3})
        changed = {link for link in moved if not np.allclose(rest[link], moved[link])}
        assert changed == {f'{side}_lift', f'{side}_elbow'}


def test_the_pose_of_a_slot_is_that_of_the_two_frames():
    robot = shipped_model('franka_hand')
    slot, scale = (HANDS, 0), 1.169591
    rest = robot.pose_slots()[slot].rest
    moved = (rest[0] + 0.1, rest[1] - 0.05, rest[2], *rest[3:])
    for wanted in (rest, moved):
        frames = robot.frames({slot: wanted})
        seen = np.linalg.inv(frames['hand', 'base']) @ frames['hand', 'tip']
        np.testing.assert_allclose(scale * seen[:3, 3], wanted[:3], atol=2e-3)
        assert robot.unreached == {}


def test_a_pose_out_of_reach_is_approached_as_far_as_the_arm_gets_and_told_in_one_line():
    robot = shipped_model('franka_hand')
    x, y, z, *turn = robot.pose_slots()[HANDS, 0].rest

    def height(lift):
        return robot.frames({(HANDS, 0): (x, y, z + lift, *turn)})['hand', 'tip'][2, 3]

    rest = height(0.0)
    assert robot.unreached == {}
    # The workspace ends at 0.8 m, where the arm cannot hold its hand so.
    assert height(0.9) > rest + 0.2
    (told,) = robot.unreached.values()
    assert 'cannot reach' in told and '\n' not in told and 'step' not in told
    assert height(0.0) == pytest.approx(rest, abs=2e-3) and robot.unreached == {}


def test_a_pose_that_is_none_leaves_the_arm_where_it_is():
    robot = shipped_model('franka_hand')
    rest = robot.joints({})
    x, y, z, *turn = robot.pose_slots()[HANDS, 0].rest
    for pose in ((math.nan, y, z, *turn), (x, y, math.inf, *turn), (x, y, z, 0, 0, 0, 0)):
        assert robot.joints({(HANDS, 0): pose}) == rest
        assert 'no pose' in robot.unreached[HANDS, 0]


def test_frames_of_chains_are_right_handed_and_move_with_the_joints():
    robot = shipped_model('ur5_hand')
    for pose in robot.frames({}).values():
        assert np.linalg.det(pose[:3, :3]) == pytest.approx(1.0)
    x, y, z, *turn = robot.pose_slots()[HANDS, 0].rest
    before, after = robot.frames({}), robot.frames({(HANDS, 0): (x, y + 0.1, z, *turn)})
    assert np.allclose(before['hand', 'base'], after['hand', 'base'])
    assert not np.allclose(before['hand', 'tip'], after['hand', 'tip'])


def test_a_pose_that_a_topic_gives_is_a_frame_where_it_says(tmp_path):
    robot = model(
        tmp_path,
        'input: {END_EFFECTOR_POSES: {0: hand}}\n'
        'sources: {END_EFFECTOR_POSES: {topic: /hand, scale: 2.0}}\n',
        urdf(joint('pan')),
    )
    assert robot.pose_slots() == {} and robot.slots() == {}
    np.testing.assert_array_equal(robot.frames({})['hand', 'pose'], np.eye(4))
    half = math.sqrt(0.5)
    seen = robot.frames({(HANDS, 0): (0.2, 0.4, 0.6, 0.0, 0.0, half, half)})['hand', 'pose']
    np.testing.assert_allclose(seen[:3, 3], [0.1, 0.2, 0.3])
    np.testing.assert_allclose(seen[:3, 0], [0, 1, 0], atol=1e-12)
    for wrong in ((math.nan,) * 7, (0.0,) * 7):
        np.testing.assert_array_equal(robot.frames({(HANDS, 0): wrong})['hand', 'pose'], np.eye(4))


def test_the_links_that_a_slot_moves_are_those_up_to_the_next_joint():
    assert shipped_model('franka').moved_links((JOINTS, 3)) == ('panda_link4',)
    assert shipped_model('franka').moved_links((JOINTS, 9)) == ()


def test_where_a_link_has_no_shape_those_that_it_carries_are_the_ones_that_are_seen_to_move(
    tmp_path,
):
    box = '<visual><geometry><box size="1 1 1"/></geometry></visual>'
    drawn = urdf(joint('pan'), joint('lift', after='pan')).replace(
        '<joint', f'<link name="pan"/><link name="lift">{box}</link><joint', 1
    )
    robot = model(
        tmp_path,
        'input: {JOINT_POSITIONS: {0: pan, 1: lift}}\nsources: {JOINT_POSITIONS: {topic: /s}}\n',
        drawn,
    )
    assert robot.moved_links((JOINTS, 0)) == ('pan', 'lift')
    assert robot.moved_links((JOINTS, 1)) == ('lift',)


def test_limits_of_the_robot_file_make_those_of_the_urdf_narrower(tmp_path):
    text = (CONFIG / 'ur5.yaml').read_text()
    whole = '[-3.14159265359, 3.14159265359]'
    assert whole in text
    (tmp_path / 'ur5.urdf').write_bytes((CONFIG / 'ur5.urdf').read_bytes())
    path = tmp_path / 'ur5.yaml'
    for limits, ends in (('[0.5, 9.0]', (0.5, math.pi)), ('[4.0, 9.0]', (-math.pi, math.pi))):
        path.write_text(text.replace(whole, limits))
        elbow = RobotModel.of(load_robot(path)).slots()[JOINTS, 3]
        # Its sign is turned, and its zero is 0.467 rad away.
        wanted = [-0.467 - end for end in ends]
        assert [elbow.lower, elbow.upper] == pytest.approx(sorted(wanted), abs=1e-3)
        assert elbow.lower <= elbow.rest <= elbow.upper
