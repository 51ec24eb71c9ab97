"""Draw the pictures of `docs/align.md`: the page of `align` in a browser, as a stranger sees it.

It needs the extras see and dev, and Chromium; a machine without a GPU will do.
"""

import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from neuracore_ros.description import DataType, load_robot
from neuracore_ros.viewer.edited_robots import EditedRobots
from neuracore_ros.viewer.page import AlignPage
from neuracore_ros.viewer.page_server import PageServer
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor
from neuracore_ros.viewer.robot_model import RobotModel

FOLDER = Path(__file__).resolve().parent / 'pictures'
CONFIG = Path(__file__).resolve().parents[1] / 'config'
WIDTH, HEIGHT = 1200, 750
BROWSERS = ('chromium', 'chromium-browser', 'google-chrome')
SOFTWARE = ('--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader')
JOINTS = DataType.JOINT_POSITIONS
# Until the last motion is drawn.
STILL_MS = 1500


def write_arm() -> Path:
    """An arm like the Panda, whose file has a turned sign, a swapped pair and a wrong zero."""
    for ending in ('urdf', 'yaml'):
        text = (CONFIG / f'franka.{ending}').read_text().replace('panda_joint', 'joint_')
        text = text.replace('robot: franka\n', 'robot: my_arm\nurdf: my_arm.urdf\n')
        Path(f'my_arm.{ending}').write_text(text)
    editor = RobotFileEditor.open('my_arm.yaml')
    editor.flip_sign(JOINTS, 'joint_4')
    editor.swap(JOINTS, 'joint_5', 'joint_6')
    editor.move_zero(JOINTS, 'joint_2', math.pi / 2)
    editor.save()
    return editor.path


@contextmanager
def chdir(folder: str) -> Iterator[None]:
    """A block that works in a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def opened(mine: Path) -> Iterator[Page]:
    """The page of that arm and the shipped franka, in a browser."""
    paths = (CONFIG / 'franka.yaml', mine)
    models = [RobotModel.of(load_robot(path)) for path in paths]
    editors = {model.name: RobotFileEditor.open(model.robot.path) for model in models}
    server = PageServer(0, 'neuracore_ros align')
    AlignPage(server, EditedRobots(models, editors, fixed=['franka']))
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        sys.exit('Chromium is not installed: apt install chromium')
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SOFTWARE)
        page = browser.new_page(viewport={'width': WIDTH, 'height': HEIGHT})
        page.goto(server.url)
        page.get_by_text('All is saved.').wait_for()
        page.locator('[role=alert] button').click()
        yield page
        browser.close()
    server.stop()


def take(page: Page, name: str) -> None:
    """Take a picture of the page, once it stands still."""
    page.wait_for_timeout(STILL_MS)
    picture = Image.open(BytesIO(page.screenshot()))
    picture.save(FOLDER / name, quality=82, method=6)


def choose(page: Page, label: str, option: str) -> None:
    """Choose an option of a list."""
    name = page.locator('label', has_text=label).first.get_attribute('for')
    page.locator(f'[id="{name}"]').click()
    page.get_by_role('option', name=option).click()


def main() -> None:
    """Draw both pictures: what is wrong, and what is saved."""
    # Warnings name the file as it was given.
    with tempfile.TemporaryDirectory() as folder, chdir(folder), opened(write_arm()) as page:
        page.mouse.move(300, 400)
        page.mouse.wheel(0, 240)
        page.locator('[role=slider]').nth(3).focus()
        for _ in range(16):
            page.keyboard.press('ArrowRight')
        take(page, 'align_wrong.webp')
        page.get_by_role('button', name='Turn the sign').click()
        choose(page, 'Slot', '1 shoulder pitch')
        page.get_by_role('button', name='-90°').click()
        choose(page, 'Slot', '4 forearm')
        choose(page, 'Index', '5 wrist')
        choose(page, 'Slot', '3 elbow')
        page.get_by_role('tab', name='Changes').click()
        take(page, 'align_right.webp')


if __name__ == '__main__':
    main()
