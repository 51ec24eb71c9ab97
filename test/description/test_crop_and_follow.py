"""``crop`` and ``follow_s`` in a robot file."""

import pytest

from neuracore_ros.description import load_robot
from neuracore_ros.description.crop import Crop
from neuracore_ros.errors import DescriptionError

EYES = """robot: eyes
input: {{RGB_IMAGES: {{0: whole, 1: table}}, DEPTH_IMAGES: {{0: table}}}}
output: {{}}
sources:
  RGB_IMAGES: {{topic: /top/image_raw, table: {{crop: {crop}}}}}
  DEPTH_IMAGES: {{topic: /top/depth, crop: [1, 2, 3, 4]}}
"""
HAND = """robot: hand
limits: {{g: {{position: [0.0, 0.04], velocity: 0.1}}}}
input: {{PARALLEL_GRIPPER_OPEN_AMOUNTS: {{0: g}}, JOINT_POSITIONS: {{0: a}}}}
output: {{}}
sources:
  JOINT_POSITIONS: {{topic: /joint_states{joint}}}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {{topic: /hand/joint_trajectory, follow_s: {follow}}}
"""


def load(tmp_path, text):
    path = tmp_path / 'robot.yaml'
    path.write_text(text)
    return load_robot(path)


def test_one_camera_serves_a_whole_slot_and_a_cropped_one(tmp_path):
    whole, table, depth = load(tmp_path, EYES.format(crop='[80, 40, 320, 240]')).input_sources()
    assert (whole.crop, table.crop, depth.crop) == (
        None,
        Crop(80, 40, 320, 240),
        Crop(1, 2, 3, 4),
    )


@pytest.mark.parametrize(
    ('crop', 'says'),
    [
        ('[0, 0, 0, 240]', "width of crop of sources of RGB_IMAGES 'table' must be at least 1"),
        ('[0, 0, 10, -1]', "height of crop of sources of RGB_IMAGES 'table' must be at least 1"),
        ('[-1, 0, 10, 10]', "x of crop of sources of RGB_IMAGES 'table' must be at least 0"),
        ('[0, 0, 10]', '[x, y, width, height] in pixels, not 3 values'),
        ('[]', '[x, y, width, height] in pixels, not 0 values'),
        ('320', 'must be a list'),
        ('{x: 1}', 'must be a list'),
        ('[0, 0, 10.0, 10]', "must be an integer, not '10.0'"),
        ('[0, 0, true, 10]', "must be an integer, not 'true'"),
        ('[0, 0, ten, 10]', "must be an integer, not 'ten'"),
        ('[0, [1], 10, 10]', 'must be an integer, not a list'),
        ('[0, 0, 99999, 10]', "is '99999': beyond 65535 px"),
        (f'[0, 0, {"9" * 5000}, 10]', 'beyond 65535 px'),
    ],
)
def test_a_crop_that_can_never_be_is_refused_with_its_line(tmp_path, crop, says):
    with pytest.raises(DescriptionError) as refused:
        load(tmp_path, EYES.format(crop=crop))
    assert str(refused.value).startswith(f'{tmp_path}/robot.yaml:5: ')
    assert says in str(refused.value) and '\n' not in str(refused.value)


def test_only_images_have_a_crop(tmp_path):
    text = EYES.format(crop='[0, 0, 1, 1]').replace('RGB_IMAGES', 'JOINT_POSITIONS')
    with pytest.raises(DescriptionError, match="'crop' means nothing to sensor_msgs/msg/Joint"):
        load(tmp_path, text)


def test_an_opening_that_follows_reads_a_trajectory_and_never_ages(tmp_path):
    _, grip = load(tmp_path, HAND.format(joint='', follow=0.4)).input_sources()
    assert (grip.follow_s, grip.type) == (0.4, 'trajectory_msgs/msg/JointTrajectory')
    assert grip.max_age_s is None
    # The scale is that of any opening: closed and open are the joint's limits.
    assert (grip.value(0.0), grip.value(0.04)) == (0.0, 1.0)


def test_its_command_may_be_of_any_type(tmp_path):
    text = HAND.format(joint='', follow='0.4, type: Float64MultiArray, order: [g]')
    assert load(tmp_path, text).input_sources()[1].type == 'std_msgs/msg/Float64MultiArray'


@pytest.mark.parametrize(
    ('joint', 'follow', 'says'),
    [
        ('', '0', 'must be above 0'),
        ('', '-0.4', 'must be above 0'),
        ('', 'nan', 'must be a finite number'),
        ('', 'true', 'must be a finite number'),
        ('', '400', "is in seconds, at most 60, not '400'"),
        ('', '0.4, max_age_s: 1.0', 'a command (follow_s) holds until it is replaced'),
        (', follow_s: 0.4', '0.4', 'follow_s is for PARALLEL_GRIPPER_OPEN_AMOUNTS'),
    ],
)
def test_what_cannot_follow_is_refused(tmp_path, joint, follow, says):
    with pytest.raises(DescriptionError) as refused:
        load(tmp_path, HAND.format(joint=joint, follow=follow))
    assert says in str(refused.value)


@pytest.mark.filterwarnings('ignore')
def test_what_follows_needs_a_known_range_since_it_begins_open(tmp_path):
    text = HAND.format(joint='', follow=0.4).replace('[0.0, 0.04]', 'none')
    with pytest.raises(DescriptionError, match=r"'g' \(.* index 0\) follows its command, but its"):
        load(tmp_path, text).input_sources()
