"""Photograph one episode on the page of `report` for the documentation, in a Chromium.

    python docs/photograph.py DATASET EPISODE [--robots ROBOT...]

Writes `docs/pictures/report.webp`. Needs playwright, and a Chromium that it finds.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import sync_playwright

from neuracore_ros.description import load_descriptions
from neuracore_ros.report.dataset_page import write_dataset_page

PICTURE = Path(__file__).resolve().parent / 'pictures' / 'report.webp'
SIZE = {'width': 1100, 'height': 660}
BROWSERS = ('chromium', 'chromium-browser', 'google-chrome')


def main() -> None:
    """Write the page, show the middle of the episode, and keep what is seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('dataset', type=Path)
    parser.add_argument('episode', type=int)
    parser.add_argument('--robots', type=Path, nargs='*', default=[])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / 'page.html'
        robots = load_descriptions(arguments.robots).robots
        write_dataset_page(page, arguments.dataset, 0, robots, [arguments.episode])
        picture = photograph(page, arguments.episode)
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(PICTURE), pixels, [cv2.IMWRITE_WEBP_QUALITY, 85])


def photograph(page: Path, episode: int) -> bytes:
    """A picture of the viewer with its cursor in the middle of the episode, as PNG."""
    path = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=['--no-sandbox'])
        seen = browser.new_page(viewport=SIZE, device_scale_factor=1.5)
        seen.goto(f'{page.as_uri()}#episode-{episode}')
        seen.wait_for_selector('#viewer[data-shown]')
        seen.locator('#viewer').evaluate('(viewer) => viewer.scrollIntoView()')
        slider = seen.locator('[data-part=slider]')
        slider.fill(str(int(slider.get_attribute('max') or 0) // 2))
        slider.blur()
        seen.wait_for_selector('canvas[data-frame]:not([data-frame="0"])')
        picture = seen.screenshot()
        browser.close()
    return bytes(picture)


if __name__ == '__main__':
    main()
