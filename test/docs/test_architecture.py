"""ARCHITECTURE.md and its picture say what test_walls.py holds."""

import base64
import importlib.util
import re

import cv2
import draw
import draw_folders
import numpy as np
import pytest

from helpers.doc_workspace import ROOT

TEXT = (ROOT / 'ARCHITECTURE.md').read_text()
PAGES = [*sorted((ROOT / 'docs').glob('*.md')), ROOT / 'README.md', ROOT / 'CONTRIBUTING.md']
FOLDERS = {path.parent.name for path in (ROOT / 'neuracore_ros').glob('*/__init__.py')}


@pytest.fixture(scope='module')
def walls():
    spec = importlib.util.spec_from_file_location('walls', ROOT / 'test' / 'test_walls.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows():
    found = re.findall(r'^\| `(\w+)` \| (.*) \| (.*) \|(.*)\|$', TEXT, re.MULTILINE)
    return {folder: (needs.strip(), heavy.strip()) for folder, _, needs, heavy in found}


def heavy_of(walls, folder):
    return ', '.join(sorted(name for name, folders in walls.HEAVY.items() if folder in folders))


def test_the_table_has_every_folder_with_what_it_may_import(walls):
    wanted = {}
    for folder in sorted(FOLDERS):
        needs = walls.NEEDS.get(folder)
        said = 'any' if needs is None else ', '.join(sorted(needs)) or '-'
        wanted[folder] = (said, heavy_of(walls, folder))
    assert dict(sorted(rows().items())) == wanted


def test_the_picture_shows_every_folder_with_a_library_that_is_its_own(walls):
    assert draw_folders.FOLDERS.keys() == FOLDERS
    for folder, (*_, libraries, _) in draw_folders.FOLDERS.items():
        known = heavy_of(walls, folder).split(', ')
        assert set(filter(None, libraries.split(', '))) <= set(known), folder


def test_every_file_that_it_names_is_there():
    folders = ('', 'neuracore_ros', 'neuracore_ros/observation', 'neuracore_ros/command', 'test')
    for name in re.findall(r'`([\w/.]+\.(?:py|md|svg))`', TEXT):
        assert any((ROOT / folder / name).is_file() for folder in folders), name


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page):
    top = 'benchmarks|config|docs|experiments|launch|neuracore_ros|test'
    for name in re.findall(rf'(?<![\w/])(?:{top})/[\w/]+\.(?:md|py|svg|yaml)\b', page.read_text()):
        assert (ROOT / name).is_file(), name


def test_every_page_that_a_shipped_file_names_is_there():
    files = [*ROOT.glob('config/**/*.yaml'), ROOT / 'setup.py']
    named = {name for file in files for name in re.findall(r'docs/\w+\.md', file.read_text())}
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize('name', ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'README.md'])
def test_every_link_of_a_page_outside_of_the_site_leads_somewhere(name):
    for target in re.findall(r'\]\(([^)\s]+)\)', (ROOT / name).read_text()):
        file, _, heading = target.partition('#')
        if not target.startswith('https:'):
            assert (ROOT / file).is_file(), target
            assert not heading or heading in anchors(ROOT / file), target


def anchors(page):
    """The anchors of the headings of a page."""
    headings = re.findall(r'^#+ (.*)$', page.read_text(), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', each).lower().replace(' ', '-') for each in headings}


@pytest.mark.parametrize('name', draw.PICTURES)
def test_every_picture_is_as_it_is_drawn_today(name, tmp_path):
    draw.PICTURES[name](tmp_path / 'new.svg')
    kept, new = (draw.FOLDER / f'{name}.svg').read_text(), (tmp_path / 'new.svg').read_text()
    assert PNG.sub('', kept) == PNG.sub('', new), 'run: make pictures'
    # Each version of OpenCV rounds in its own way.
    for one, other in zip(PNG.findall(kept), PNG.findall(new), strict=True):
        assert np.abs(pixels(one) - pixels(other)).mean() < 2.0, 'run: make pictures'


PNG = re.compile(r'data:image/png;base64,([\w+/=]+)')


def pixels(data):
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR) * 1.0
