"""A page of `align` in a real browser, and robot files with faults that are seen there."""

from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from neuracore_ros.description import load_descriptions
from neuracore_ros.viewer.edited_robots import EditedRobots
from neuracore_ros.viewer.page import AlignPage
from neuracore_ros.viewer.page_server import PageServer
from neuracore_ros.viewer.recordings import OpenRecordings
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor
from neuracore_ros.viewer.robot_model import RobotModel

CONFIG = Path(__file__).parents[2] / 'config'
PATIENCE_MS = 25_000


def write_mine(folder, *changes, robot='mine'):
    """A copy of the shipped franka with another name, and texts replaced."""
    text = (CONFIG / 'franka.yaml').read_text()
    for before, after in (('robot: franka\n', f'robot: {robot}\nurdf: arm.urdf\n'), *changes):
        assert before in text
        text = text.replace(before, after)
    (folder / 'arm.urdf').write_bytes((CONFIG / 'franka.urdf').read_bytes())
    path = folder / f'{robot}.yaml'
    path.write_text(text)
    return path


def write_hand(folder, robot='mine_hand'):
    """A copy of the shipped franka that is told where its hand goes."""
    text = (CONFIG / 'franka_hand.yaml').read_text()
    (folder / 'franka.urdf').write_bytes((CONFIG / 'franka.urdf').read_bytes())
    path = folder / f'{robot}.yaml'
    path.write_text(text.replace('robot: franka_hand', f'robot: {robot}'))
    return path


@contextmanager
def aligned(paths, fixed=(), recordings=(), urdfs=None):
    """A server with the page of these robot files: the server, and the robots."""
    robots = load_descriptions(paths).robots.values()
    models = [RobotModel.of(robot, (urdfs or {}).get(robot.name)) for robot in robots]
    editors = {robot.name: RobotFileEditor.open(robot.path) for robot in robots}
    edited = EditedRobots(models, editors, fixed)
    opened = OpenRecordings(edited, recordings) if recordings else None
    server = PageServer(0, 'align')
    try:
        AlignPage(server, edited, opened)
        yield server, edited
    finally:
        server.stop()


class Seen:
    """What a user sees and does on the page."""

    def __init__(self, page):
        self.page = page
        page.set_default_timeout(PATIENCE_MS)

    def open(self, url):
        self.page.goto(url)
        self.page.get_by_text('All is saved.').wait_for(timeout=PATIENCE_MS)
        # Of software that draws, which a machine without a GPU has.
        if (notice := self.page.locator('#webgl-software-rendering button')).count():
            notice.click()
            notice.wait_for(state='hidden')
        return self

    def close(self):
        """Close the window."""
        self.page.context.close()

    def text(self, text):
        """Wait until a text is seen."""
        self.page.get_by_text(text).first.wait_for(timeout=PATIENCE_MS)

    def no_text(self, text):
        """Wait until a text is not seen any more."""
        self.page.get_by_text(text).first.wait_for(state='hidden', timeout=PATIENCE_MS)

    def press(self, name):
        self.page.get_by_role('button', name=name).first.click()

    def tab(self, name):
        self.page.get_by_role('tab', name=name).click()

    def control(self, label):
        """The control of a label."""
        found = self.page.locator('label', has_text=label).first
        return self.page.locator(f'[id="{found.get_attribute("for")}"]')

    def slider(self, label):
        return self.control(label).locator('[role=slider]')

    def value(self, label):
        return float(self.slider(label).get_attribute('aria-valuenow'))

    def move(self, label, value):
        """Type a value into the box beside a slider."""
        box = self.control(label).locator('xpath=..').locator('input:not([type=hidden])')
        box.fill(str(value))
        self.until_value(label, value)

    def until_value(self, label, value):
        """Wait until a slider has a value."""
        self.page.wait_for_function(
            '([id, value]) => Math.abs(document.getElementById(id).querySelector("[role=slider]")'
            '.getAttribute("aria-valuenow") - value) < 1e-6',
            arg=[self.control(label).get_attribute('id'), value],
        )

    def row(self, label):
        """A label with what stands beside it."""
        return self.page.locator('label', has_text=label).locator('xpath=../../..')

    def press_beside(self, label, name):
        """Press one of the buttons that have a label together."""
        self.row(label).get_by_role('button', name=name).click()

    def tab_to(self, control):
        """Press Tab until a control has the focus."""
        for _ in range(120):
            self.page.keyboard.press('Tab')
            if control.first.evaluate('each => each === document.activeElement'):
                return
        raise AssertionError('Tab does not lead there')

    def focus_is_visible(self):
        """Whether what has the focus looks otherwise than without it."""
        return self.page.evaluate(
            """() => {
                const look = each => {
                    const style = getComputedStyle(each);
                    return style.outlineStyle + style.outlineWidth + style.boxShadow;
                };
                const each = document.activeElement, focused = look(each);
                each.blur();
                const plain = look(each);
                each.focus({focusVisible: true});
                return focused !== plain;
            }"""
        )

    def choose(self, label, option):
        """Choose an option of a list."""
        self.control(label).click()
        self.page.get_by_role('option', name=option).click()

    def picture(self):
        """What the 3D view shows, (H, W, 3) uint8."""
        png = self.page.locator('canvas[data-engine]').screenshot()
        return np.asarray(Image.open(BytesIO(png)).convert('RGB'))

    def other_picture(self, before):
        """The picture once it is another one."""
        for _ in range(200):
            now = self.picture()
            if now.shape != before.shape or changed(now, before) > 1e-3:
                return now
            self.page.wait_for_timeout(50)
        raise AssertionError('the picture stays the same')

    def from_the_front(self, server, middle):
        """Look at all robots from far, so that each is seen as if one stood before it."""
        before = self.picture()
        for client in server.get_clients().values():
            camera = client.camera
            camera.position, camera.look_at = middle + np.array([200.0, 0.0, 60.0]), middle
            camera.fov = 0.012
        return self.other_picture(before)

    def move_and_look(self, label, value, before):
        """Move a slider, and give the picture that comes of it."""
        self.move(label, value)
        return self.other_picture(before)

    def halves_overlap(self, picture):
        """The share of coloured pixels that both halves have in common."""
        values = picture.astype(int)
        colour = values.max(axis=-1) - values.min(axis=-1) > 20
        left, right = (np.argwhere(half) for half in np.array_split(colour, 2, axis=1))
        places = [set(map(tuple, half - half.min(axis=0))) for half in (left, right)]
        return len(places[0] & places[1]) / len(places[0] | places[1])


def changed(one, other):
    """The share of pixels that differ clearly."""
    return float((np.abs(one.astype(int) - other).max(axis=-1) > 24).mean())
