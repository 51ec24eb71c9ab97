"""The nodes of a scene: what is sent, and what is not."""

import numpy as np
import pytest

from helpers.three_arms import CONFIG
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.viewer.camera_view import ASPECT, FIELD_OF_VIEW_RAD, view_of
from neuracore_ros.viewer.page_server import PageServer
from neuracore_ros.viewer.robot_model import RobotModel
from neuracore_ros.viewer.scene import RobotScene

JOINTS, HANDS = DataType.JOINT_POSITIONS, DataType.END_EFFECTOR_POSES


def model(name):
    return RobotModel.of(load_robot(shipped(name)))


@pytest.fixture
def server():
    running = PageServer(0, 'test')
    yield running
    running.stop()


def sent(server):
    """The messages that are sent from now on, as they come."""
    found = []
    queue = server._websock_server.queue_message
    server._websock_server.queue_message = lambda message: (found.append(message), queue(message))
    return found


def kinds(messages):
    return {type(each).__name__ for each in messages}


def pose_messages(messages):
    return [each for each in messages if type(each).__name__ == 'SetOrientationMessage']


def test_only_what_moved_is_sent(server):
    scene = RobotScene(server, [model('franka'), model('ur5')])
    messages = sent(server)
    scene.show({})
    assert messages == []
    scene.show({(JOINTS, 6): 0.5})
    turned = pose_messages(messages)
    # The last link of each arm.
    assert len(turned) == 2 and len({each.name for each in turned}) == 2


def test_links_stand_in_the_scene_where_the_model_has_them(server):
    robot = model('franka')
    scene = RobotScene(server, [robot])
    values = {(JOINTS, index): 0.3 for index in range(7)}
    scene.show(values)
    drawn = scene._robots['franka']
    for link, pose in robot.link_poses(values).items():
        node = drawn._links[link]
        np.testing.assert_allclose(node.position, pose[:3, 3], atol=1e-6)
        w, x, y, z = node.wxyz
        turned = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )
        np.testing.assert_allclose(turned, pose[:3, :3], atol=1e-6)


def test_a_robot_that_plays_a_recording_moves_alone(server):
    scene = RobotScene(server, [model('franka'), model('ur5')])
    messages = sent(server)
    scene.show_each({'ur5': {(JOINTS, 6): 0.5}})
    assert {each.name.split('/')[2] for each in pose_messages(messages)} == {'1'}


def test_robots_stand_apart_on_the_ground_and_look_ahead(server):
    scene = RobotScene(server, [model(name) for name in ('franka', 'ur5', 'so100')])
    assert list(scene._robots) == ['franka', 'ur5', 'so100']
    roots = [server.scene.get_handle_by_name(f'/robots/{number}') for number in range(3)]
    apart = np.diff([root.position[1] for root in roots])
    assert (apart > 0.3).all()
    assert all(root.position[0] == 0.0 for root in roots)
    assert all(np.array_equal(root.wxyz, [1, 0, 0, 0]) for root in roots)


def test_a_frame_that_was_edited_moves_and_no_mesh_is_sent_again(server, tmp_path):
    for each in ('ur5.urdf', 'ur5_hand.yaml'):
        (tmp_path / each).write_text((CONFIG / each).read_text())
    file = tmp_path / 'ur5_hand.yaml'
    scene = RobotScene(server, [RobotModel.of(load_robot(file))])
    text = file.read_text()
    begin = text.index('tip_offset: {xyz: [')
    end = text.index(']', begin)
    file.write_text(text[:begin] + 'tip_offset: {xyz: [0.1, 0.0, 0.2' + text[end:])
    messages = sent(server)
    scene.replace('ur5_hand', RobotModel.of(load_robot(file)))
    assert 'MeshMessage' not in kinds(messages) and messages


def test_a_gripper_that_gets_another_index_and_a_chain_another_name_are_drawn_anew(
    server, tmp_path
):
    (tmp_path / 'ur5.urdf').write_text((CONFIG / 'ur5.urdf').read_text())
    file = tmp_path / 'arm.yaml'

    def drawn(index, hand):
        file.write_text(
            'robot: arm\nurdf: ur5.urdf\noutput: {}\n'
            f'input: {{PARALLEL_GRIPPER_OPEN_AMOUNTS: {{{index}: grip}}, '
            f'END_EFFECTOR_POSES: {{0: {hand}}}}}\n'
            f'chains: {{{hand}: {{base: base_link, tip: wrist_3_link}}}}\n'
            'sources:\n'
            '  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: /g, scale: 1.0, offset: 0.0}\n'
            '  END_EFFECTOR_POSES: {topic: /joint_states}\n'
        )
        return RobotModel.of(load_robot(file))

    scene = RobotScene(server, [drawn(0, 'hand')])
    before = len(server.scene._handle_from_node_name)
    grips = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
    for index, hand in ((3, 'tool'), (0, 'hand'), (1, 'hand')):
        scene.replace('arm', drawn(index, hand))
        scene.highlight((grips, index))
        scene.show({(grips, index): 1.0})
        assert len(server.scene._handle_from_node_name) == before


def test_a_scene_without_robots_is_empty(server):
    scene = RobotScene(server, [])
    scene.show({})
    scene.highlight((JOINTS, 0))


def test_a_view_has_all_points_in_the_picture_and_one_at_its_edge():
    points = np.random.default_rng(0).uniform(-1.0, 1.0, (50, 3)) * [1.0, 3.0, 1.0]
    view = view_of(points)
    forward = view.look_at - view.position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    away = points - view.position
    depth = away @ forward
    half = np.tan(FIELD_OF_VIEW_RAD / 2)
    across = np.abs(away @ right) / depth / half
    up = np.abs(away @ np.cross(right, forward)) / depth / half
    assert (depth > 0.0).all() and across.max() < ASPECT and up.max() < 1.0
    assert max(across.max() / ASPECT, up.max()) > 0.8


def test_a_robot_of_which_nothing_can_be_drawn_stands_as_a_name(server, tmp_path):
    file = tmp_path / 'arm.yaml'
    file.write_text(
        'robot: arm\noutput: {}\ninput: {END_EFFECTOR_POSES: {0: hand}, RGB_IMAGES: {0: eye}}\n'
        'sources: {END_EFFECTOR_POSES: {topic: /hand}, RGB_IMAGES: {topic: /eye}}\n'
    )
    scene = RobotScene(server, [RobotModel.of(load_robot(file)), model('ur5')])
    scene.show({(HANDS, 0): (0.1, 0.2, 0.3, 0.0, 0.0, 0.0, 1.0)})
    node = server.scene.get_handle_by_name('/robots/0/frame_1')
    np.testing.assert_allclose(node.position, [0.1, 0.2, 0.3])


def test_a_dial_whose_place_has_changed_takes_its_name_along(server, tmp_path):
    path = tmp_path / 'arm.yaml'
    path.write_text(
        'robot: arm\ninput:\n  JOINT_POSITIONS: {0: lower, 1: upper}\noutput: {}\n'
        'sources:\n  JOINT_POSITIONS: {topic: joint_states}\n'
    )
    before = RobotModel.of(load_robot(path))
    scene = RobotScene(server, [before])
    path.write_text(path.read_text().replace('0: lower, 1: upper', '0: upper, 1: lower'))
    after = RobotModel.of(load_robot(path))
    scene.replace('arm', after)
    captions = scene._robots['arm']._captions
    for name in ('lower', 'upper'):
        np.testing.assert_allclose(captions[name].position, after.captions[name])
        assert not np.allclose(captions[name].position, before.captions[name])
