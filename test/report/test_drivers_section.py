"""The page of a dataset shows who drove, episode by episode."""

import re

from helpers.driven_dataset import driven
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.report.dataset_page import write_dataset_page
from neuracore_ros.report.drivers_section import drivers_section


def section(dataset):
    return ''.join(drivers_section(dataset, load_metadata(dataset)))


def words(text):
    text = re.sub('<svg.*?</svg>', ' ', text, flags=re.DOTALL)
    return ' '.join(re.sub('<[^>]*>', ' ', text).split())


def test_each_episode_has_a_bar_of_who_commanded_its_steps(tmp_path):
    data = driven(tmp_path / 'data', 'pppphhpp', 'pppp', 'dddd', outcomes=('', 'success', ''))
    html = section(data)
    bars = re.findall(r'<title>([^<]*)</title>\n<rect', html)
    assert bars == [
        'policy 0.4 s, then human 0.2 s, then policy 0.2 s',
        'policy 0.4 s',
        'demonstration 0.4 s',
    ]
    said = words(html)
    assert 'Policies commanded 1 s, and a human in their place 0 s (17% of both).' in said
    assert 'lift.pt 2 1 (50%) 1 (50%) 1 17%' in said
    assert 'demonstrations 1 0 (0%)' in said
    assert '0 arm lift.pt 1 - -' in said and '1 arm lift.pt - yes -' in said
    write_dataset_page(tmp_path / 'page.html', data)
    assert 'Who drove' in (tmp_path / 'page.html').read_text()


def test_a_success_to_which_a_human_helped_is_none_of_the_policy_alone(tmp_path):
    data = driven(tmp_path / 'data', 'pphh', 'pppp', outcomes=('success', ''))
    assert 'lift.pt 2 1 (50%) 0 (0%) 1 25%' in words(section(data))


def test_pieces_of_one_attempt_are_one_and_no_success_of_the_policy_alone(tmp_path):
    data = driven(
        tmp_path / 'data',
        *('pppp', 'hh', 'hh', 'pp'),
        apart_s=0.2,
        outcomes=['success'] * 4,
        is_one_attempt=True,
    )
    html = section(data)
    bars = re.findall(r'<title>([^<]*)</title>\n<rect', html)
    assert bars == [
        'policy 0.4 s, then nobody 0.2 s, then human 0.2 s, then nobody 0.2 s, then human 0.2 s, '
        'then nobody 0.2 s, then policy 0.2 s'
    ]
    assert 'lift.pt 1 1 (100%) 0 (0%) 1 40%' in words(html)
    assert '0-3 arm lift.pt 1 yes -' in words(html)


def test_demonstrations_alone_and_older_datasets_have_no_such_section(tmp_path):
    assert section(driven(tmp_path / 'demonstrations', 'dddd')) == ''
    assert section(driven(tmp_path / 'older', 'pphh', has_control=False)) == ''


def test_many_episodes_are_folded(tmp_path):
    html = section(driven(tmp_path / 'data', *['ph'] * 25))
    assert '<details><summary>All 25 attempts</summary>' in html


def test_names_of_policies_are_text_and_no_html(tmp_path, monkeypatch):
    from helpers import driven_dataset
    from neuracore_ros.control import Commander, Control

    evil = Control(Commander.POLICY, '<script>alert(1)</script>')
    monkeypatch.setitem(driven_dataset.DRIVERS, 'p', evil)
    html = section(driven(tmp_path / 'data', 'pphh'))
    assert '<script' not in html and '&lt;script&gt;' in html
