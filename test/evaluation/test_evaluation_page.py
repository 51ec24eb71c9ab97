"""The page of an evaluation: complete, and in need of nothing from elsewhere."""

import re

import pytest

pytest.importorskip('torch')

from helpers.leader_arm import ARM, STEP_S, ramps, record
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
    assert '<script' not in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert '<b>.pt' not in page


def test_the_page_shows_every_policy_joint_hold_and_the_layout(page):
    texts = re.sub(r'<[^>]+>', '|', page)
    for text in ('good.pt', 'a&lt;b&gt;.pt', '0 a', '2 c', 'commanded', 'max_age_s'):
        assert text in texts, text
    # Over the horizon, and a trace of each joint; the grid is drawn in another colour.
    curves = re.findall(r'<polyline (?![^>]*#e3e7ee)', page)
    assert len(curves) == 2 + 2 * 3
    assert 'JOINT_TARGET_POSITIONS' in texts
