"""`neuracore_ros check` and `layout` of robots beside server files, whose servers are not there."""

import pytest

from neuracore_ros.cli.main import main
from neuracore_ros.description.shipped import shipped

NOBODY = 'ws://127.0.0.1:1'
FRANKA_LACKS = (
    "'franka' lacks PARALLEL_GRIPPER_OPEN_AMOUNTS index 0, which the policy cannot do without: it "
    'knows no masks, and needs 0. The robot has none. It lacks LANGUAGE index 0, too.'
)


@pytest.mark.parametrize(
    ('server', 'robot'), [('pi05_droid', 'fr3_droid'), ('lerobot_so101', 'so101')]
)
def test_a_shipped_robot_fits_a_shipped_server_file_before_a_server_is_there(server, robot, check):
    code, found = check(f'{server}.server.yaml', robot, '--address', NOBODY)
    assert code == 1
    assert found['errors'] == [
        f'{NOBODY}: nothing listens there: start the server, or correct the address'
    ]
    assert any(fact.startswith('reads ') for fact in found['facts'])


def test_a_robot_that_does_not_fit_is_told_all_that_it_lacks_without_a_server(check):
    code, found = check('pi05_droid.server.yaml', 'franka', '--address', NOBODY)
    assert code == 1 and FRANKA_LACKS in found['errors']


def test_a_robot_with_a_second_camera_fits_gr00t(tmp_path, check):
    text = shipped('so101').read_text()
    _, found = check('gr00t_n17_so100.server.yaml', 'so101', '--address', 'tcp://127.0.0.1:1')
    assert any("'so101' lacks RGB_IMAGES index 1" in error for error in found['errors'])
    both = tmp_path / 'so101.yaml'
    both.write_text(text.replace('[front]', '[front, wrist]').replace('# wrist:', 'wrist:'))
    _, found = check('gr00t_n17_so100.server.yaml', both, '--address', 'tcp://127.0.0.1:1')
    assert len(found['errors']) == 1 and 'nothing listens there' in found['errors'][0]


def test_a_server_file_that_is_wrong_is_told_once(tmp_path, check):
    path = tmp_path / 'droid.server.yaml'
    path.write_text('server: openpi\n')
    code, found = check(path, 'fr3_droid')
    assert code == 1 and found['errors'] == [f'{path}:1: lacks rate_hz']


def test_a_layout_of_a_server_file_needs_no_server(capsys):
    assert main(['layout', 'pi05_droid.server.yaml', 'fr3_droid', 'franka']) == 0
    said = capsys.readouterr()
    assert 'exterior' in said.out and f'franka: refused. {FRANKA_LACKS}' in said.out


def test_exchanged_cameras_are_seen_by_their_names(tmp_path, check):
    text = shipped('fr3_droid').read_text()
    robot = tmp_path / 'fr3_droid.yaml'
    robot.write_text(text.replace('0: exterior\n    1: wrist', '0: wrist\n    1: exterior'))
    _, found = check('pi05_droid.server.yaml', robot, '--address', NOBODY)
    cameras = [fact for fact in found['facts'] if 'RGB_IMAGES' in fact and 'px' in fact]
    assert cameras == [
        "observation/exterior_image_1_left <- RGB_IMAGES 0 'wrist', 224 x 224 px",
        "observation/wrist_image_left <- RGB_IMAGES 1 'exterior', 224 x 224 px",
    ]


def test_how_much_of_an_answer_its_authors_execute_is_advice(check):
    _, found = check('pi05_droid.server.yaml', 'fr3_droid', '--address', NOBODY)
    told = 'its authors execute 8 of 15 rows before they ask again: execute_steps:=8'
    assert told in found['facts']
    # All of them: a robot that does so has nothing to do until the next prediction comes.
    _, found = check('lerobot_so101.server.yaml', 'so101', '--address', NOBODY)
    assert not any('its authors execute' in fact for fact in found['facts'])


def test_a_slot_that_the_robot_lacks_is_seen_at_its_line(check):
    _, found = check('pi05_droid.server.yaml', 'franka', '--address', NOBODY)
    assert 'prompt <- LANGUAGE 0 (the robot has none)' in found['facts']
    assert "actions[6] -> JOINT_TARGET_POSITIONS 6 'panda_joint7', " in '\n'.join(found['facts'])
