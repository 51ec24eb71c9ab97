"""The page of an evaluation: complete, and in need of nothing from elsewhere."""

import re

import pytest

pytest.importorskip('torch')

from helpers.leader_arm import ARM, STEP_S, ramps, record
from helpers.page_reading import fetched, rows_under, shown
from helpers.small_policies import write_policy
from neuracore_ros.cli.main import main


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    """Two policies, one of them named so that HTML could be hurt; joint states stop for a while."""
    folder = tmp_path_factory.mktemp('evaluated')
    (folder / 'arm.yaml').write_text(ARM)
    good = write_policy(folder / 'good.pt', width=3, speed=STEP_S)
    still = write_policy(folder / 'a<b>.pt', width=3)
    states = [m for m in ramps(3.0, '/joint_states') if not 1.0 < (m[2] % 10**10) / 1e9 < 2.0]
    bag = record(folder / 'bag', states=states)
    out = folder / 'report.html'
    words = ['evaluate', good, still, folder / 'arm.yaml', bag, '--out', out]
    assert main(list(map(str, words))) == 0
    return out.read_text()


def test_the_page_of_an_evaluation_needs_nothing_from_elsewhere(page):
    assert fetched(page) == []
    assert '<b>.pt' not in page


def test_the_page_shows_every_policy_joint_hold_and_the_layout(page):
    texts = re.sub(r'<[^>]+>', '|', page)
    for text in ('good.pt', 'a&lt;b&gt;.pt', '0 a', '2 c', 'commanded', 'max_age_s'):
        assert text in texts, text
    # Over the horizon; the grid is of another class.
    assert len(re.findall(r'<polyline (?![^>]*class="grid")', page)) == 2
    [(key, data)] = shown(page).items()
    assert [chart['title'] for chart in data['charts']] == ['0 a', '2 c']
    for chart in data['charts']:
        labels = [line['label'] for line in chart['lines']]
        assert labels == ['commanded', 'good.pt', 'a<b>.pt'] and chart['unit'] == 'rad'
    assert f'<a href="#{key}">' in page
    assert 'JOINT_TARGET_POSITIONS' in texts


def test_the_time_in_which_the_robot_was_held_is_shaded_with_its_reason(page):
    [data] = shown(page).values()
    kinds = [band['kind'] for band in data['bands']]
    assert 'hold' in kinds
    held = data['bands'][kinds.index('hold')]
    assert held['text'].startswith("held: /joint_states: 'a'")
    assert 1.0 < held['from'] < 1.5 and 1.9 < held['to'] < 2.5


def test_words_such_as_clamps_and_seam_are_explained_where_they_stand(page):
    for word in ('clamps', 'seam', 'late', 'start gate', 'jerk', 'in spreads'):
        assert f'<dt>{word}</dt>' in page


@pytest.mark.parametrize('is_dataset', [False, True])
def test_joints_have_their_names_in_the_vocabulary(tmp_path, is_dataset):
    (tmp_path / 'arm.yaml').write_text(f'vocabulary: arm/1\n{ARM}')
    policy = write_policy(tmp_path / 'policy.pt', width=3)
    bag, data = record(tmp_path / 'bag'), tmp_path / 'data'
    if is_dataset:
        words = ['convert', data, bag, '--description', tmp_path / 'arm.yaml']
        assert main(list(map(str, words))) == 0
    files = [data] if is_dataset else [tmp_path / 'arm.yaml', bag]
    words = ['evaluate', policy, *files, '--out', tmp_path / 'page.html']
    assert main(list(map(str, words))) == 0
    rows = rows_under((tmp_path / 'page.html').read_text(), 'arm: error of each joint')
    assert [row[:2] for row in rows] == [
        ['0 a', 'right.shoulder_yaw'],
        ['2 c', 'right.upper_arm_roll'],
    ]


def test_without_a_vocabulary_there_is_no_column_of_its_names(page):
    rows = rows_under(page, 'arm: error of each joint')
    assert rows[0][:2] == ['0 a', 'good.pt']
