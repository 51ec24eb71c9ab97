"""The page and the table of a demo."""

import re
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from helpers.page_reading import fetched, tables
from neuracore_ros.demo.page import Score, score, score_rows, write_page
from neuracore_ros.demo.trials import TrialResult
from neuracore_ros.description import load_descriptions
from neuracore_ros.description.shipped import shipped
from neuracore_ros.errors import DescriptionError


def trial(robot='ur5', driver='poses', seed=1, distance_m=0.01) -> TrialResult:
    return TrialResult(robot, driver, seed, 0.4, distance_m, tolerance_m=0.04, rejected=0)


def test_a_trial_succeeds_within_its_tolerance():
    assert trial(distance_m=0.04).success
    assert not trial(distance_m=0.041).success


def test_a_score_counts_successes_and_takes_the_median():
    trials = [trial(distance_m=d) for d in (0.01, 0.02, 0.03, 0.30)]
    assert score(trials) == Score(trials=4, successes=3, median_cm=pytest.approx(2.5))
    assert score([]) is None


def test_a_row_has_a_place_for_each_driver():
    rows = score_rows([trial(driver='expert'), trial(driver='poses')])
    (robot, (expert, joints, poses)) = rows[0]
    assert robot == 'ur5'
    assert expert and poses and joints is None


def test_the_page_holds_layout_scores_and_pictures(tmp_path: Path):
    (tmp_path / 'ur5_poses_1_start.png').write_bytes(b'picture')
    descriptions = load_descriptions([shipped('franka_ur5'), shipped('so100')])
    write_page(
        tmp_path / 'report.html',
        {'Joint slots: <b>': descriptions},
        [trial(), trial(robot='so100', distance_m=0.3)],
        {'training': [(0, 1.0)]},
        tmp_path,
    )
    page = (tmp_path / 'report.html').read_text()
    assert 'wrist_3_joint' in page
    assert '<h2>Joint slots: &lt;b&gt;</h2>' in page
    assert 'ur5, pose slots: start and end' in page
    assert 'so100 (never trained on)' in page
    assert 'data:image/png;base64,cGljdHVyZQ==' in page
    assert fetched(page) == [], 'the page must be readable without a network'


def test_every_trial_is_there_and_the_worst_have_pictures(tmp_path: Path):
    for seed in range(6):
        (tmp_path / f'ur5_poses_{seed}_end.png').write_bytes(b'picture')
    trials = [trial(seed=seed, distance_m=0.01 * seed) for seed in range(6)]
    write_page(tmp_path / 'report.html', {}, trials, {'training': [(0, 1.0)]}, tmp_path)
    page = (tmp_path / 'report.html').read_text()
    rows = max(tables(page), key=len)[1:]
    assert [row[2] for row in rows] == ['5', '4', '3', '2', '1', '0']
    assert rows[0][4:6] == ['5.0 cm', 'missed']
    assert 'start and end, the 4 worst of 6' in page
    assert re.findall(r'alt="end of trial (\d)', page) == ['5', '4', '3', '2']


def test_a_robot_that_is_not_shipped_is_refused_with_those_that_are():
    with pytest.raises(
        DescriptionError, match='There are: franka, .*franka_ur5.* and [0-9]+ more'
    ):
        shipped('kuka')
