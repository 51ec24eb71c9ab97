"""Traces and pictures as a page holds them: exact enough, bounded, and no way out of their element."""

import json
import re

import numpy as np
import pytest

from helpers.page_reading import lines, pictures, shown
from neuracore_ros.report.camera_sheet import MOST_PICTURES, SampledPictures, camera_sheet
from neuracore_ros.report.episode_view import (
    Band,
    EpisodeView,
    ShownLine,
    TimeChart,
    points_within,
)

ODD = '</script><script>alert(1)</script> \u2028 "\'&lt; \udcff'


def view(*values, **changes):
    """An episode with one chart of these lines."""
    own = [ShownLine(f'{n}', np.asarray(line, float)) for n, line in enumerate(values)]
    steps = len(own[0].values) if own else changes.pop('steps', 5)
    charts = [TimeChart('chart', 'rad', own)] if own else []
    return EpisodeView('episode-0', 'title', 'about', 10.0, steps, charts, **changes)


def read(one, points=400):
    return lines(shown(one.element(points))['episode-0'])


@pytest.mark.parametrize(
    'values',
    [
        [0.0, 1.0, -1.0, 0.5],
        [1e6, 1e6 + 1, 1e6 + 3],
        [np.nan, 2.0, np.nan, 3.0, np.nan],
        [5.0, 5.0, 5.0],
        [1e-9, 2e-9],
        [0.25],
    ],
)
def test_a_line_comes_back_within_a_part_in_eight_thousand_of_its_range(values):
    values = np.array(values)
    found = read(view(values))['chart', '0']
    span = np.nanmax(values) - np.nanmin(values)
    assert np.allclose(found, values, rtol=0, atol=span / 8000 + 1e-12, equal_nan=True)


def test_a_line_without_any_value_stays_empty_and_infinities_are_none():
    found = read(view([np.nan] * 4, [np.inf, 1.0, -np.inf, 2.0]))
    assert np.isnan(found['chart', '0']).all()
    assert np.allclose(found['chart', '1'], [np.nan, 1, np.nan, 2], equal_nan=True, atol=1e-3)


def test_an_episode_without_numbers_is_shown_by_its_pictures():
    frames = [np.full((8, 8, 3), 40 * n, np.uint8) for n in range(5)]
    data = shown(view(steps=5, cameras=[camera_sheet('top', range(5), frames)]).element())
    assert data['episode-0']['charts'] == [] and len(data['episode-0']['cameras']) == 1


def test_a_long_line_has_few_points_and_its_peaks():
    values = np.sin(np.arange(10_000) / 700)
    values[4321] = 9.0
    element = view(values).element(points=100)
    data = shown(element)['episode-0']
    found = lines(data)['chart', '0']
    assert len(found) == data['points'] <= 102 and len(element) < 1000
    assert found.max() == pytest.approx(9.0, abs=0.01)
    assert np.argmax(found) * data['every'] == pytest.approx(4321, abs=2 * data['every'])


def test_points_follow_from_the_bytes_that_there_are():
    assert points_within(8_000_000, 28) == 400
    assert 150 < points_within(8_000_000, 28_000) < 400
    assert points_within(8_000_000, 10**7) == 60
    assert points_within(8_000_000, 0) == 400


def test_no_name_ends_the_element_or_stops_the_page_from_being_written(tmp_path):
    from neuracore_ros.report.html import write_page

    charts = [TimeChart(ODD, ODD, [ShownLine(ODD, np.zeros(3))])]
    one = EpisodeView('episode-0', ODD, ODD, 10.0, 3, charts, [Band('hold', ODD, 0, 1)])
    write_page(tmp_path / 'page.html', ODD, [one.element()], has_episodes=True)
    page = (tmp_path / 'page.html').read_text()
    assert '<script>alert' not in page and page.count('</script>') == 4
    text = re.search(r'type="application/json"[^>]*>(.*?)</script>', page)[1]
    assert json.loads(text)['title'] == ODD


def test_sampled_pictures_stay_few_and_spread(monkeypatch):
    taken = SampledPictures()
    for step in range(5000):
        taken.add(step, np.full((480, 640, 3), step % 200, np.uint8))
    assert MOST_PICTURES <= len(taken.steps) <= 2 * MOST_PICTURES
    assert len({*np.diff(taken.steps)}) == 1 and taken.steps[-1] > 4900
    sheet = taken.sheet('top')
    assert sheet.size == (144, 192)
    found = shown(view(steps=5000, cameras=[sheet]).element())['episode-0']['cameras'][0]
    means = [picture.mean() for picture in pictures(found)]
    assert np.allclose(means, [step % 200 for step in taken.steps], atol=4)


def test_wide_and_narrow_pictures_fit_their_place():
    for size, expected in (((90, 1600), (14, 256)), ((1000, 10), (144, 1)), ((8, 8), (8, 8))):
        sheet = camera_sheet('c', [0], [np.zeros((*size, 3), np.uint8)])
        assert sheet.size == expected
