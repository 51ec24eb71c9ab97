"""The page of an evaluation in a real browser: recordings, start gate, pictures, one cursor."""

import itertools
import re
from functools import partial

import pytest

pytest.importorskip('torch')
pytest.importorskip('playwright', reason='needs pip install playwright')
from playwright.sync_api import expect

from helpers.browser import lacks
from helpers.leader_arm import CAMERA, brightness, ramps, record
from helpers.page_browsing import at, clock, is_painted, watched
from helpers.page_reading import lines, pictures, rows_under, shown
from helpers.small_bags import write_bag
from helpers.small_policies import write_policy
from neuracore_ros.cli.main import main

pytestmark = pytest.mark.skipif(bool(lacks()), reason=lacks())


@pytest.fixture(scope='module')
def file(tmp_path_factory):
    """Four recordings; in the last the robot is told to be 0.3 rad farther ahead than in others.

    The policy wants joint a 0.2 rad ahead at once, so that the start gate lets it go slowly.
    """
    folder = tmp_path_factory.mktemp('evaluation')
    (folder / 'arm.yaml').write_text(CAMERA)
    policy = write_policy(folder / 'policy.pt', width=3, ahead=0.2)
    bags = []
    for n in range(3):
        grey = brightness(3.0, itertools.cycle([20, 120, 220]))
        path = record(folder / f'bag_{n}', more=grey)
        bags.append(path)
    far = folder / 'bag_far'
    write_bag(
        far,
        [
            *ramps(3.0, '/joint_states'),
            *ramps(3.0, '/leader', 0.35),
            *brightness(3.0, itertools.repeat(90)),
        ],
    )
    words = ['evaluate', policy, folder / 'arm.yaml', *bags, far, '--out', folder / 'page.html']
    assert main(list(map(str, words))) == 0
    return folder / 'page.html'


@pytest.fixture
def opened(chromium, file):
    with watched(chromium) as open_page:
        yield partial(open_page, file)


def test_every_recording_is_there_and_the_worst_comes_first(file):
    page = file.read_text()
    rows = rows_under(page, 'Recordings, the worst first')
    assert len(rows) == len(shown(page)) == 4
    errors = [float(row[2].split()[0]) for row in rows]
    assert rows[0][0].endswith('bag_far')
    assert errors == sorted(errors, reverse=True)


def test_the_start_gate_is_shaded_and_named(opened):
    page = opened()
    bands = page.locator('[data-part=bands] li').all_inner_texts()
    assert any(text.startswith('start gate: slowly to the plan') for text in bands)
    assert is_painted(page, 0xFF, 0xE9, 0xBF)


def test_pictures_are_what_the_policy_saw_when_it_was_asked(file):
    data = shown(file.read_text())['recording-0']
    [camera] = data['cameras']
    assert camera['label'] == '1 eye'
    # Pictures of 20 Hz, at ticks of 20 Hz.
    for step, picture in zip(camera['steps'], pictures(camera), strict=True):
        assert min(abs(picture.mean() - grey) for grey in (20, 120, 220)) < 4, step
    assert len(camera['steps']) > 2
    values = lines(data)
    assert {name for _, name in values} == {'commanded', 'policy.pt', 'executed'}


def test_one_cursor_moves_the_time_of_all_joints_and_pictures(opened):
    page = opened()
    page.locator('.u-over').nth(1).scroll_into_view_if_needed()
    box = page.locator('.u-over').nth(1).bounding_box()
    page.mouse.move(box['x'] + 0.7 * box['width'], box['y'] + 20)
    expect(clock(page)).not_to_have_text('0.00 s, step 0')
    found = at(page)
    assert found['cursors'] == pytest.approx([0.7, 0.7], abs=0.03)
    assert int(found['frame']) > 0
    step = int(re.search(r'step (\d+)', found['clock'])[1])
    # What is commanded of joint a is its place 0.35 s later.
    assert float(found['values'][0]) == pytest.approx(step / 20 + 0.35, abs=0.15)


def test_every_recording_is_reached_on_a_phone_without_sideways_scroll(opened):
    page = opened(width=360, colours='dark')
    for link in page.locator('#recordings a').all():
        link.click()
        page.wait_for_selector(f'#viewer[data-shown="{link.get_attribute("href")[1:]}"]')
        assert page.evaluate('document.documentElement.scrollWidth') == 360
