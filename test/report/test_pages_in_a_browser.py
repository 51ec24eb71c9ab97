"""The page of a dataset in a real browser: one cursor, two colours, any width, only a keyboard."""

import re
from functools import partial

import pytest

pytest.importorskip('playwright', reason='needs pip install playwright')
from playwright.sync_api import expect

from helpers.browser import lacks
from helpers.page_browsing import at, clock, is_painted, watched
from helpers.swinging_dataset import swing, write
from neuracore_ros.cli.main import main

pytestmark = pytest.mark.skipif(bool(lacks()), reason=lacks())
SPIKED, LAST = 3, 5


@pytest.fixture(scope='module')
def file(tmp_path_factory):
    """Six episodes of two robots; the fourth has a wild value."""
    folder = tmp_path_factory.mktemp('browsed')
    episodes = [
        ('arm' if n < 4 else 'other <b>arm</b>', swing(phase=n, spike=7 if n == SPIKED else None))
        for n in range(LAST + 1)
    ]
    data = write(folder / 'data', episodes, has_camera=True)
    assert main(['report', str(data), '--out', str(folder / 'page.html')]) == 0
    return folder / 'page.html'


@pytest.fixture
def opened(chromium, file):
    with watched(chromium) as open_page:
        yield partial(open_page, file)


def test_the_most_doubtful_episode_is_shown_at_first(opened):
    page = opened()
    assert page.locator('[data-part=title]').inner_text() == f'Episode {SPIKED}: arm'
    assert page.locator('#episodes tbody tr').first.locator('a').inner_text() == str(SPIKED)


def test_the_pointer_over_one_plot_moves_time_everywhere(opened):
    page = opened()
    before = at(page)
    box = page.locator('.u-over').nth(1).bounding_box()
    page.locator('.u-over').nth(1).scroll_into_view_if_needed()
    box = page.locator('.u-over').nth(1).bounding_box()
    page.mouse.move(box['x'] + box['width'] / 2, box['y'] + 20)
    expect(clock(page)).not_to_have_text('0.00 s, step 0')
    after = at(page)
    step = int(re.search(r'step (\d+)', after['clock'])[1])
    assert 18 <= step <= 21
    assert all(place == pytest.approx(step / 39, abs=0.02) for place in after['cursors'])
    assert len(after['cursors']) == 2
    assert int(after['frame']) == step and after['red'] == pytest.approx(6 * step, abs=12)
    assert all(a != b for a, b in zip(before['values'], after['values'], strict=True))


def test_arrows_on_the_slider_and_on_a_plot_move_time(opened):
    page = opened()
    at(page)
    page.locator('[data-part=slider]').focus()
    for _ in range(3):
        page.keyboard.press('ArrowRight')
    assert '0.30 s, step 3' in at(page)['clock']
    page.locator('.area').first.focus()
    page.keyboard.press('ArrowLeft')
    assert (found := at(page))['clock'] == '0.20 s, step 2' and found['frame'] == '2'
    page.keyboard.press('End')
    assert (found := at(page))['clock'] == '3.90 s, step 39'
    assert found['cursors'] == pytest.approx([1.0, 1.0], abs=0.01)
    page.keyboard.press('ArrowRight')
    assert at(page)['clock'] == '3.90 s, step 39'


def test_the_spike_is_read_in_the_legend_at_its_step(opened):
    page = opened()
    page.locator('.area').first.focus()
    for _ in range(7):
        page.keyboard.press('ArrowRight')
    assert at(page)['values'][1] == '30'


def test_no_digit_is_shown_that_the_line_cannot_tell(opened):
    """Beside a value of 30 a line of 4,000 levels tells hundredths."""
    page = opened()
    area = page.locator('.area').first
    area.focus()
    for step in range(6):
        wild, other = float(at(page)['values'][1]), float(at(page)['values'][0])
        base, elbow = swing(phase=SPIKED)[step]
        assert abs(wild - elbow) < 0.01 and wild == round(wild, 2)
        assert abs(other - base) < 0.001
        page.keyboard.press('ArrowRight')


def test_it_plays_to_the_end_and_stops(opened):
    page = opened()
    page.locator('[data-part=play]').click()
    expect(clock(page)).to_have_text('3.90 s, step 39')
    expect(page.locator('[data-part=play]')).to_have_text('Play')


def test_a_drag_zooms_every_plot_and_escape_shows_all_again(opened):
    page = opened()
    area = page.locator('.u-over').first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    page.mouse.move(box['x'] + 0.3 * box['width'], box['y'] + 30)
    page.mouse.down()
    page.mouse.move(box['x'] + 0.6 * box['width'], box['y'] + 30, steps=5)
    page.mouse.up()
    page.locator('.area').nth(1).focus()
    page.keyboard.press('Home')  # The start is outside of what both show.
    expect(page.locator('.now:not([hidden])')).to_have_count(0)
    page.keyboard.press('Escape')
    expect(page.locator('.now:not([hidden])')).to_have_count(2)
    assert at(page)['cursors'] == pytest.approx([0.0, 0.0], abs=0.01)


def test_every_episode_is_reached_by_keyboard(opened):
    page = opened()
    reached = [page.locator('#viewer').get_attribute('data-shown')]
    following = page.locator('[data-part=next]')
    while following.is_enabled():
        following.focus()
        page.keyboard.press('Enter')
        before = reached[-1]
        expect(page.locator('#viewer')).not_to_have_attribute('data-shown', before)
        expect(page.locator('[data-part=title]')).to_be_focused()
        reached.append(page.locator('#viewer').get_attribute('data-shown'))
    assert len({*reached}) == len(reached) == LAST + 1
    # Back, as the browser goes back.
    page.go_back()
    page.wait_for_selector(f'#viewer[data-shown="{reached[-2]}"]')


def test_back_to_the_begin_shows_what_was_shown_there(opened):
    page = opened()
    page.locator('#episodes a').last.click()
    page.wait_for_selector(f'#viewer:not([data-shown="episode-{SPIKED}"])')
    page.go_back()
    page.wait_for_selector(f'#viewer[data-shown="episode-{SPIKED}"]')


@pytest.mark.parametrize('key', ['%', 'episode-99', 'every-episode', 'viewer'])
def test_an_address_that_names_no_episode_shows_the_first(opened, key):
    assert opened(key=key).locator('[data-part=title]').inner_text() == f'Episode {SPIKED}: arm'


def test_a_link_to_an_episode_opens_it(opened):
    page = opened(key=f'episode-{LAST}')
    assert page.locator('[data-part=title]').inner_text() == f'Episode {LAST}: other <b>arm</b>'
    page.locator('#episodes a', has_text='0').focus()
    page.keyboard.press('Enter')
    page.wait_for_selector('#viewer[data-shown="episode-0"]')


def column(page, number):
    return page.locator(
        f'#episodes tbody tr:not([hidden]) td:nth-child({number})'
    ).all_inner_texts()


def test_a_heading_sorts_its_table_and_the_order_of_the_viewer(opened):
    page = opened()
    assert column(page, 1) == ['3', '0', '1', '2', '4', '5']
    heading = page.locator('#episodes th', has_text='episode')
    heading.locator('button').focus()
    page.keyboard.press('Enter')
    assert column(page, 1) == ['5', '4', '3', '2', '1', '0']
    assert heading.get_attribute('aria-sort') == 'descending'
    page.locator('[data-part=next]').click()
    page.wait_for_selector('#viewer[data-shown="episode-2"]')
    page.keyboard.press('Shift+Tab')
    heading.locator('button').click()
    assert column(page, 1) == ['0', '1', '2', '3', '4', '5']
    assert heading.get_attribute('aria-sort') == 'ascending'


def test_words_find_episodes(opened):
    page = opened()
    page.locator('input[type=search]').fill('other run_5')
    assert column(page, 1) == ['5']
    assert page.locator('#episodes-count').inner_text() == '1 shown'
    # The only one that is found has no neighbours; then all are there again.
    page.locator('#episodes a', has_text='5').click()
    expect(page.locator('[data-part=previous]')).to_be_disabled()
    page.locator('input[type=search]').fill('')
    assert len(column(page, 1)) == LAST + 1
    expect(page.locator('[data-part=previous]')).to_be_enabled()


@pytest.mark.parametrize('width', [360, 800, 1400])
def test_the_page_never_scrolls_sideways(opened, width):
    page = opened(width)
    page.evaluate('document.querySelectorAll("details").forEach((each) => { each.open = true; })')
    assert page.evaluate('document.documentElement.scrollWidth') == width


def ground(page):
    return page.evaluate('getComputedStyle(document.body).backgroundColor')


def test_it_is_dark_where_the_screen_is_and_a_button_changes_that(opened):
    page = opened(colours='dark')
    light, dark = (89, 98, 115), (163, 173, 189)
    assert ground(page) == 'rgb(20, 24, 31)' and is_painted(page, *dark)
    button = page.get_by_role('button', name='Use light colours')
    button.focus()
    page.keyboard.press('Enter')
    assert ground(page) == 'rgb(255, 255, 255)'
    assert is_painted(page, *light) and not is_painted(page, *dark)
    fill = 'getComputedStyle(document.querySelector(".layout .ground")).fill'
    assert page.evaluate(fill) == 'rgb(255, 255, 255)'
    page.reload()
    page.wait_for_selector('#viewer[data-shown]')
    assert ground(page) == 'rgb(255, 255, 255)'
    page.get_by_role('button', name='Use dark colours').click()
    assert ground(page) == page.evaluate(fill) == 'rgb(20, 24, 31)'


def test_on_paper_it_is_light(opened):
    page = opened(colours='dark')
    page.emulate_media(media='print')
    assert ground(page) == 'rgb(255, 255, 255)'
    assert page.pdf()[:5] == b'%PDF-'
    assert not page.locator('#theme').is_visible()


def test_words_of_headings_are_explained_by_keyboard(opened):
    page = opened()
    words = page.locator('details.words', has_text='fastest').first
    words.locator('summary').focus()
    page.keyboard.press('Enter')
    assert 'as a speed' in words.locator('dd').all_inner_texts()[-1]


def test_without_scripts_the_tables_are_there_and_the_page_says_what_is_not(opened):
    page = opened(script=False)
    assert page.locator('#episodes tbody tr').count() == LAST + 1
    assert page.locator('noscript').inner_text().startswith('Traces and pictures need JavaScript')
    for only_with_scripts in ('#viewer', 'input[type=search]', '#theme'):
        assert not page.locator(only_with_scripts).is_visible()


def test_every_control_has_a_name(opened):
    page = opened()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, canvas[role], [tabindex="0"]')]
            .filter((each) => !(each.getAttribute('aria-label') || each.textContent.trim()
                || each.closest('label')))
            .map((each) => each.outerHTML.slice(0, 200))"""
    )
    assert nameless == []


@pytest.mark.parametrize('gaps', [(), range(0, 9, 2)])
def test_a_value_without_neighbours_is_a_dot(chromium, tmp_path, gaps):
    angles = swing(steps=9 if gaps else 1)
    angles[list(gaps)] = float('nan')
    data = write(tmp_path / 'data', [('arm', angles)])
    assert main(['report', str(data), '--out', str(tmp_path / 'page.html')]) == 0
    with watched(chromium) as open_page:
        assert is_painted(open_page(tmp_path / 'page.html'), 0x00, 0x69, 0xA8)


def test_the_page_of_the_demo_fits_a_phone_in_the_dark_and_fetches_nothing(chromium, tmp_path):
    pytest.importorskip('rclpy')
    from neuracore_ros.demo.page import write_page
    from neuracore_ros.demo.trials import TrialResult
    from neuracore_ros.description import load_descriptions
    from neuracore_ros.description.shipped import shipped

    out = tmp_path / 'demo.html'
    trials = [TrialResult('ur5', 'poses', seed, 0.4, 0.01 * seed, 0.04, 0) for seed in range(6)]
    write_page(
        out,
        {'Joint slots': load_descriptions([shipped('franka_ur5'), shipped('so100')])},
        trials,
        {'training': [(0, 1.0), (1000, 0.1)]},
        tmp_path,
    )
    with watched(chromium) as open_page:
        page = open_page(out, width=360, colours='dark')
        page.locator('summary', has_text='All 6 trials').click()
        assert page.evaluate('document.documentElement.scrollWidth') == 360
        assert ground(page) == 'rgb(20, 24, 31)'
        colour = 'getComputedStyle(document.querySelector("polyline.colour0")).stroke'
        assert page.evaluate(colour) == 'rgb(90, 180, 240)'
