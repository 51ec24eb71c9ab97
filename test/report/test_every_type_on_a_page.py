"""The page of a dataset with every DataType: charts with units, pictures of colours and depths."""

import numpy as np
import pytest

from helpers.every_data_type import EVERY, record_every
from helpers.page_reading import lines, pictures, shown, tables
from neuracore_ros.cli.main import main
from neuracore_ros.report.episode_cameras import shaded


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp('every')
    (folder / 'every.yaml').write_text(EVERY)
    bag, data = record_every(folder / 'bag'), folder / 'data'
    words = ['convert', data, bag, '--description', folder / 'every.yaml', '--image-size', '64x48']
    assert main(list(map(str, words))) == 0
    words = ['report', data, folder / 'every.yaml', '--out', folder / 'page.html']
    assert main(list(map(str, words))) == 0
    return (folder / 'page.html').read_text()


def test_every_type_of_numbers_has_a_chart_with_its_unit(page):
    charts = shown(page)['episode-0']['charts']
    units = {chart['title'].removeprefix('input '): chart['unit'] for chart in charts}
    # Of 'b' nothing says whether it turns or slides.
    assert units['JOINT_POSITIONS'] == 'rad or m'
    assert units['output JOINT_TARGET_POSITIONS'] == 'rad'
    assert units['JOINT_VELOCITIES'] == 'rad/s'
    assert units['JOINT_TORQUES'] == 'Nm'
    assert units['PARALLEL_GRIPPER_OPEN_AMOUNTS'] == 'open, 0 to 1'
    assert units['POSES: position'] == 'm' and units['POSES: quaternion'] == ''
    assert units['CUSTOM_1D'] == ''


def test_every_number_has_a_row_of_figures(page):
    rows = next(table for table in tables(page) if table[0][0] == 'slot')
    assert len(rows) - 1 == len(lines(shown(page)['episode-0']))
    named = {(row[0], row[1]) for row in rows}
    assert ('CUSTOM_1D 4', 'forward') in named and ('POSES 1 qw', 'cube') in named


def test_colours_and_depths_are_both_seen(page):
    cameras = {camera['label']: camera for camera in shown(page)['episode-0']['cameras']}
    assert sorted(cameras) == ['0 top', '1 top: depth', '2 part']
    [first, *_] = pictures(cameras['1 top: depth'])
    assert first.shape == (48, 64, 3) and first.std() > 1


def test_near_is_light_and_nothing_is_black():
    shades = shaded(np.array([[0, 1, 1500, 3000, 65535]], np.uint16))[0, :, 0].tolist()
    assert shades == [0, 254, 147, 40, 40]
