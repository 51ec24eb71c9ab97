"""The files that pages are made of: uPlot as it was published, colours that can be read, words."""

import hashlib
import re
from pathlib import Path

import pytest

from neuracore_ros.report.glossary import _FORMS, GLOSSARY, word_of
from neuracore_ros.report.html import MOST_ROWS, table, without_empty, write_page
from neuracore_ros.report.page_colours import COLOURS, page_colours

ASSETS = Path(__file__).resolve().parents[2] / 'neuracore_ros' / 'report' / 'assets'
# Of the npm package uplot 1.6.32, whose sha512 is
# KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==
PUBLISHED = {
    'uPlot.iife.min.js': '19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f',
    'uPlot.min.css': 'df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04',
}


@pytest.mark.parametrize('name', PUBLISHED)
def test_uplot_is_byte_for_byte_what_was_published(name):
    assert hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() == PUBLISHED[name]
    assert f'{PUBLISHED[name]}  {name}' in (ASSETS / 'README.md').read_text()


def test_the_licence_of_uplot_is_beside_it_and_its_name_in_every_page_that_has_it(tmp_path):
    licence = (ASSETS / 'uPlot.LICENSE').read_text()
    assert 'MIT License' in licence and '--' not in licence
    write_page(tmp_path / 'with.html', 'with', [], has_episodes=True)
    write_page(tmp_path / 'without.html', 'without', [])
    text = (tmp_path / 'with.html').read_text()
    assert licence in text and 'github.com/leeoniya/uPlot (v1.6.32)' in text
    assert 'uPlot' not in (tmp_path / 'without.html').read_text()


def test_no_script_or_sheet_ends_its_own_element():
    for file in ASSETS.glob('*.*s'):
        assert not re.search('</(script|style)', file.read_text(), re.IGNORECASE), file


def luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """Contrast as WCAG 2 has it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize('ground', [0, 1], ids=['light', 'dark'])
def test_text_and_lines_can_be_read_on_every_ground(ground):
    texts = ['ink', 'quiet', 'link', 'good', 'bad', *(f'colour{n}' for n in range(7))]
    below = COLOURS['ground'][ground]
    assert {
        name: contrast(COLOURS[name][ground], below)
        for name in texts
        if contrast(COLOURS[name][ground], below) < 4.5
    } == {}
    for band in ('band-start', 'band-hold', 'band-wait', 'band-human', 'raised'):
        for name in (f'colour{n}' for n in range(7)):
            found = contrast(COLOURS[name][ground], COLOURS[band][ground])
            assert found >= 3, (name, band)
    assert contrast(COLOURS['edge'][ground], below) >= 3


def test_every_colour_that_a_sheet_uses_has_a_value():
    used = {
        name
        for file in ASSETS.glob('*.css')
        for name in re.findall(r'var\(--([\w-]+)\)', file.read_text())
    }
    # What the scripts set.
    assert used - COLOURS.keys() == {'swatch', 'shape', 'steer'}
    assert page_colours().count('--ink: ') == 3


def test_words_of_tables_are_explained_where_they_stand():
    html = table(['joint', 'clamps', 'seam p99'], ['', 'number', 'number'], [('a', 1, '0.1 rad')])
    assert re.search(
        r'<th scope="col" class="number"><abbr title="Setpoints[^"]*">clamps</abbr>', html
    )
    assert '<dt>seam</dt>' in html and '<dt>clamps</dt>' in html and '<dt>joint</dt>' not in html


def test_columns_that_say_nothing_are_left_out_and_long_tables_end():
    rows = [('a', '', 1), ('b', '', '')]
    assert without_empty(['x', 'y', 'z'], ['', 'long', 'number'], rows) == (
        ['x', 'z'],
        ['', 'number'],
        [['a', 1], ['b', '']],
    )
    assert without_empty(['x'], [''], []) == (['x'], [''], [])
    html = table(['n'], ['number'], ([n] for n in range(MOST_ROWS + 7)))
    assert '7 more rows are left out' in html and html.count('<tr>') == 1 + MOST_ROWS


def test_every_form_of_a_word_leads_to_a_word():
    assert {word_of(form) for form in _FORMS} <= GLOSSARY.keys()
    assert word_of('joint') == ''
