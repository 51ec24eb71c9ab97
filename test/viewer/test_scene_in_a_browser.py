"""The scene as a browser draws it: robots side by side, in the picture, and moving."""

import cv2
import numpy as np
import pytest

from helpers.browser import lacks
from helpers.known_urdfs import known_urdf
from helpers.waiting import wait_until
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.viewer.page_server import PageServer
from neuracore_ros.viewer.robot_model import RobotModel
from neuracore_ros.viewer.scene import RobotScene

pytestmark = pytest.mark.skipif(bool(lacks()), reason=lacks())

JOINTS = DataType.JOINT_POSITIONS
SIZE = {'width': 640, 'height': 480}
ENOUGH_PX = 120
PANELS = '[class*="mantine-Paper"], [class*="mantine-Notifications"]'


@pytest.fixture(scope='module')
def shown(chromium):
    """A Panda, drawn by its meshes, and a UR5 by rods, in a scene and in a browser's page."""
    models = [
        RobotModel.of(load_robot(shipped('franka')), known_urdf('panda')),
        RobotModel.of(load_robot(shipped('ur5_hand'))),
    ]
    server = PageServer(0, 'test')
    try:
        scene = RobotScene(server, models)
        page = chromium.new_page(viewport=SIZE)
        page.goto(server.url)
        # Panels and notices have colours of their own.
        page.add_style_tag(content=f'{PANELS} {{display: none}}')
        wait_until(lambda: all(map(seen, (BLUE, TAN), [picture(page)] * 2)), 60.0)
        yield scene, page
    finally:
        server.stop()


def picture(page):
    """The page as an array (height, width, 3) of hue, saturation and brightness."""
    pixels = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2HSV).astype(int)


def coloured(low, high):
    """Where a picture has hues in between; grey is none."""

    def mask(image):
        hue, saturation, brightness = np.moveaxis(image, -1, 0)
        return (hue >= low) & (hue <= high) & (saturation > 50) & (brightness > 60)

    return mask


# In half degrees. The buttons of viser are of a stronger blue.
def BLUE(image):
    return coloured(98, 118)(image) & (image[..., 1] < 130)


def BLUE_AXIS(image):
    # Those of the corner show how the camera is turned.
    mask = coloured(115, 125)(image) & (image[..., 1] > 200)
    mask[-80:, :80] = False
    return mask


TAN = coloured(10, 25)


def ORANGE(image):
    return coloured(3, 15)(image) & (image[..., 1] > 180)


def seen(mask, image):
    return mask(image).sum() > ENOUGH_PX


def place(mask, image):
    """The least and largest column and row of what is seen."""
    rows, columns = np.nonzero(mask(image))
    return np.percentile(columns, [2, 98]), np.percentile(rows, [2, 98])


def test_all_robots_are_in_the_first_picture_side_by_side_in_their_order(shown):
    _, page = shown
    image = picture(page)
    blue, tan = place(BLUE, image), place(TAN, image)
    assert blue[0][1] < tan[0][0]
    for (left, right), (top, bottom) in (blue, tan):
        assert left > 2 and right < SIZE['width'] - 3
        assert top > 2 and bottom < SIZE['height'] - 3
        assert bottom - top > SIZE['height'] / 8


def test_a_slot_moves_what_is_seen_of_its_robot_and_of_no_other_one(shown):
    scene, page = shown
    scene.show({})
    before = place(BLUE, picture(page))[1][0]
    tan = place(TAN, picture(page))
    scene.show({(JOINTS, 3): -0.3, (JOINTS, 1): 0.0})
    wait_until(lambda: place(BLUE, picture(page))[1][0] < before - 20, message='a raised forearm')
    assert np.abs(np.subtract(place(TAN, picture(page)), tan)).max() < 4
    scene.show({})
    wait_until(lambda: abs(place(BLUE, picture(page))[1][0] - before) < 4, message='its rest')


def test_the_link_that_a_slot_moves_is_coloured_until_another_one_is_chosen(shown):
    scene, page = shown
    assert not seen(ORANGE, picture(page))
    scene.highlight((JOINTS, 3))
    wait_until(lambda: seen(ORANGE, picture(page)), message='a coloured forearm')
    scene.highlight(None)
    wait_until(lambda: not seen(ORANGE, picture(page)), message='no coloured link')


def test_the_frames_of_a_chain_are_seen_and_can_be_hidden(shown):
    scene, page = shown
    wait_until(lambda: BLUE_AXIS(picture(page)).any(), message='axes')
    scene.show_frames(False)
    wait_until(lambda: not BLUE_AXIS(picture(page)).any(), message='no axes')
    scene.show_frames(True)
    wait_until(lambda: BLUE_AXIS(picture(page)).any(), message='axes')


def test_an_edited_robot_file_turns_the_joint_of_its_robot_at_once(shown, tmp_path):
    scene, page = shown
    text = shipped('franka').read_text()
    line = '  JOINT_POSITIONS: {topic: joint_states}\n'
    assert line in text
    for old, new in (
        (line, '  JOINT_POSITIONS: {topic: joint_states, panda_joint4: {scale: -1.0}}\n'),
        (
            'commands:\n  JOINT_TARGET_POSITIONS: {topic: arm_controller/joint_trajectory}',
            'commands:\n  JOINT_TARGET_POSITIONS: {topic: a, panda_joint4: {scale: -1.0}}',
        ),
    ):
        text = text.replace(old, new)
    (tmp_path / 'franka.yaml').write_text(text)
    edited = RobotModel.of(load_robot(tmp_path / 'franka.yaml'), known_urdf('panda'))
    scene.show({(JOINTS, 3): 0.5})
    before = place(BLUE, picture(page))
    kept = scene._robots['franka'].model
    scene.replace('franka', edited)
    moved = wait_until(
        lambda: np.abs(np.subtract(place(BLUE, picture(page)), before)).max() > 15,
        message='a joint that bends the other way',
    )
    assert moved
    scene.replace('franka', kept)
    scene.show({})
