"""Pages for people without a mouse, with weak eyes, or who hear the page: focus, contrast, names."""

from functools import partial
from itertools import pairwise

import pytest

pytest.importorskip('playwright', reason='needs pip install playwright')

from helpers.browser import lacks
from helpers.page_browsing import watched
from helpers.swinging_dataset import swing, write
from neuracore_ros.cli.main import main
from neuracore_ros.report.html import table, write_page

pytestmark = pytest.mark.skipif(bool(lacks()), reason=lacks())

# What has the focus, unless some of it can be seen.
HIDDEN = """() => {
    const own = document.activeElement;
    if (own === document.body) return 'end';
    const box = own.getBoundingClientRect();
    const y = box.top + box.height / 2;
    const seen = [0.1, 0.5, 0.9].some((part) => {
        const there = document.elementFromPoint(box.left + part * box.width, y);
        return there && (own.contains(there) || there.contains(own));
    });
    return seen ? '' : own.outerHTML.slice(0, 99);
}"""
# Texts with less contrast than WCAG 2 asks for in AA.
PALE = """() => {
    const numbers = (colour) => [...colour.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
    const light = (colour) => colour.slice(0, 3).reduce((sum, value, n) => {
        const part = value / 255;
        const linear = part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        return sum + linear * [0.2126, 0.7152, 0.0722][n];
    }, 0.05);
    const ground = (own) => {
        if (!own) return [255, 255, 255, 1];
        const colour = numbers(getComputedStyle(own).backgroundColor);
        return colour[3] ? colour : ground(own.parentElement);
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (texts.nextNode()) {
        const own = texts.currentNode.parentElement;
        if (!texts.currentNode.textContent.trim() || !own.getClientRects().length) continue;
        const below = ground(own);
        const style = getComputedStyle(own);
        const colour = numbers(own.closest('svg') ? style.fill : style.color);
        const seen = colour.map((value, n) => value * colour[3] + below[n] * (1 - colour[3]));
        const [a, b] = [light(seen), light(below)];
        if (Math.max(a, b) / Math.min(a, b) < 4.5) found.push(own.outerHTML.slice(0, 99));
    }
    return found;
}"""
SMALL = """() => [...document.querySelectorAll('button, input, summary')]
    .map((own) => [own.outerHTML.slice(0, 99), own.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))
    .map(([text]) => text)"""


@pytest.fixture(scope='module')
def file(tmp_path_factory):
    """Forty episodes, of which the list scrolls, and tables that are wider than a small screen."""
    folder = tmp_path_factory.mktemp('access')
    episodes = [('arm', swing(steps=12, phase=n)) for n in range(40)]
    data = write(folder / 'data', episodes, has_camera=True)
    assert main(['report', str(data), '--out', str(folder / 'page.html')]) == 0
    return folder / 'page.html'


@pytest.fixture
def opened(chromium, file):
    with watched(chromium) as open_page:
        yield partial(open_page, file)


@pytest.mark.parametrize('key', ['Tab', 'Shift+Tab'])
@pytest.mark.parametrize('width', [360, 640])
def test_what_has_the_focus_is_seen(opened, width, key):
    page = opened(width)
    page.set_viewport_size({'width': width, 'height': 420})
    stops = 0
    while True:
        page.keyboard.press(key)
        hidden = page.evaluate(HIDDEN)
        if hidden == 'end':
            break
        assert hidden == ''
        stops += 1
        assert stops < 400
    assert stops > 60


@pytest.mark.parametrize('colours', ['light', 'dark'])
def test_every_text_can_be_read_and_every_control_be_hit(opened, colours):
    page = opened(colours=colours)
    page.evaluate('document.querySelectorAll("details").forEach((each) => { each.open = true; })')
    assert page.evaluate(PALE) == []
    assert page.evaluate(SMALL) == []


def test_headings_skip_no_level_and_the_content_has_a_landmark(opened):
    page = opened()
    levels = page.evaluate(
        '[...document.querySelectorAll("h1, h2, h3, h4")].map((each) => Number(each.tagName[1]))'
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert page.locator('main h1').count() == 1


def test_a_heading_sorts_numbers_by_size_and_names_as_text(chromium, tmp_path):
    names = ['2026-11-22/b', '10 arms', '2026-11-22/a', '9 arms', '-']
    rows = [(name, f'{size} s') for name, size in zip(names, (3, 20, -1, 0.5, 100), strict=True)]
    sections = ['<h1>t</h1>', table(['name', 'time'], ['', 'number'], rows)]
    write_page(tmp_path / 'page.html', 'sorted', sections)
    with watched(chromium) as open_page:
        page = open_page(tmp_path / 'page.html')

        def column(number):
            return page.locator(f'tbody td:nth-child({number})').all_inner_texts()

        page.locator('th', has_text='name').locator('button').click()
        assert column(1) == ['9 arms', '10 arms', '2026-11-22/a', '2026-11-22/b', '-']
        page.locator('th', has_text='time').locator('button').click()
        assert column(2) == ['100 s', '20 s', '3 s', '0.5 s', '-1 s']
