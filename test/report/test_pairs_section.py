"""The page of a dataset says what is paired, what is missing, and what has no label."""

from helpers.page_reading import tables
from neuracore_ros.dataset.metadata import Episode
from neuracore_ros.report.pairs_section import pairs_section


def section(**robots):
    """The text of the section for (robot=labels); '' is an episode without one."""
    episodes = [
        Episode(robot, 'bag', 0, 10, pair=label)
        for robot, labels in robots.items()
        for label in labels
    ]
    return '\n'.join(pairs_section(episodes))


def test_nothing_is_said_of_a_dataset_without_pairs():
    assert section(ur5=['', '']) == ''


def test_a_table_of_labels_and_robots_with_what_is_missing():
    page = section(ur5=['10', '2', '2', ''], franka=['2', 'red <b>'])
    assert '1 of 3 pairs is complete: both robots that record pairs have' in page
    robots, labels = tables(page)
    assert robots[1:] == [
        ['ur5', '2', 'red &lt;b&gt;', '3', '1'],
        ['franka', '2', '10', '2', '-'],
    ]
    assert labels[0] == ['pair', 'ur5: episodes', 'franka: episodes', '']
    assert labels[1:] == [
        ['2', '1, 2', '4', 'complete'],
        ['10', '0', '-', 'incomplete'],
        ['red &lt;b&gt;', '-', '5', 'incomplete'],
    ]


def test_a_robot_without_labels_is_no_part_of_a_pair():
    page = section(ur5=['1'], franka=['1'], so100=['', ''])
    assert '1 of 1 pair is complete' in page
    robots, labels = tables(page)
    assert robots[3] == ['so100', '0', '-', '0', '2']
    assert labels[0] == ['pair', 'ur5: episodes', 'franka: episodes', '']


def test_one_robot_alone_has_no_complete_pair():
    page = section(ur5=['1', '2'])
    assert '2 labels, of one robot only: no pair is complete before' in page
    assert tables(page)[1][1] == ['1', '0', 'incomplete']


def test_three_robots_make_a_pair_complete_together():
    page = section(a=['1', '2'], b=['1', '2'], c=['2'])
    assert '1 of 2 pairs is complete: all 3 robots' in page


def test_ten_thousand_labels_are_folded():
    labels = list(map(str, range(10_000)))
    page = section(ur5=labels, franka=labels[:-1])
    assert '9999 of 10000 pairs are complete' in page
    assert '<summary>All 10000 pairs</summary>' in page
    assert tables(page)[0][2] == ['franka', '9999', '9999', '9999', '-']
