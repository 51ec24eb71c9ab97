"""Charts as SVG, in a page and as files."""

from itertools import pairwise
from xml.etree import ElementTree

from neuracore_ros.report.chart import LINEAR, line_chart, line_picture


def test_a_chart_is_well_formed_and_names_its_curves():
    curves = {'training <loss>': [(0, 1.0), (100, 0.1)], 'validation': [(50, 0.3)]}
    for drawn in (line_chart(curves, 'x', 'y'), line_picture(curves, 'x', 'y')):
        texts = [element.text for element in ElementTree.fromstring(drawn).iter() if element.text]
        assert 'training <loss>' in texts
        assert '0.2' in texts


def test_a_chart_that_is_a_file_has_its_colours():
    drawn = line_picture({'a': [(0, 1.0), (1, 2.0)]}, 'x', 'y')
    [curve] = [
        e
        for e in ElementTree.fromstring(drawn).iter()
        if 'colour0' in e.get('class', '') and e.tag.endswith('polyline')
    ]
    assert curve is not None and '.colour0 { stroke: #0069a8 }' in drawn
    assert line_picture({'a': []}, 'x', 'y') == ''


def test_a_chart_of_nothing_says_so():
    assert line_chart({'a': [(0, 0.0)]}, 'x', 'y') == '<p>No curve was recorded.</p>'


def test_a_line_of_one_point_is_a_dot():
    """As the error over a horizon of one step is."""
    drawn = line_chart({'a': [(0.0, 1.0)], 'b': [(0.0, 2.0), (1.0, 2.0)]}, 'x', 'y', LINEAR)
    dot, line = [
        e
        for e in ElementTree.fromstring(drawn).iter()
        if e.tag.endswith('polyline') and e.get('class') != 'grid'
    ]
    first, second = dot.get('points').split()
    assert first == second and dot.get('stroke-linecap') == 'round'
    assert float(dot.get('stroke-width')) > float(line.get('stroke-width'))


def test_names_of_lines_that_end_together_are_readable_side_by_side():
    drawn = line_chart({name: [(0, 1.0), (1, 2.0)] for name in 'abcdef'}, 'x', 'y', LINEAR)
    texts = [e for e in ElementTree.fromstring(drawn).iter() if 'colour' in e.get('class', '')]
    heights = sorted(float(e.get('y')) for e in texts if e.tag.endswith('text'))
    assert len(heights) == 6
    assert all(b - a >= 13.9 for a, b in pairwise(heights))
