"""The picture of a layout: its texts, and their places."""

import itertools
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

import pytest

from helpers.overview_arms import STRETCHED, UPRIGHT, load, manifest, robot
from neuracore_ros.description import load_descriptions
from neuracore_ros.overview.picture import draw
from neuracore_ros.overview.survey import survey
from neuracore_ros.svg import text_width

NAMES = {0: 'pan', 1: 'lift', 2: 'bend'}
LONG = 'the_second_left_arm_of_the_humanoid_shoulder_pan_joint'


@pytest.fixture
def two(tmp_path):
    first = robot(tmp_path, 'up', NAMES, UPRIGHT)
    second = robot(tmp_path, 'out', {0: 'yaw', 1: 'shoulder', 2: 'elbow'}, STRETCHED)
    return load(first, second)


SVG = '{http://www.w3.org/2000/svg}'


@dataclass(frozen=True)
class Text:
    left: float
    right: float
    y: float
    size: float
    text: str

    @classmethod
    def of(cls, element):
        size, classes = float(element.get('font-size')), element.get('class').split()
        width = text_width(
            element.text, size, 'mono' in classes, element.get('font-weight') is not None
        )
        before = {'middle': 0.5, 'end': 1.0}.get(element.get('text-anchor'), 0.0)
        left = float(element.get('x')) - before * width
        return cls(left, left + width, float(element.get('y')), size, element.text)


class Picture:
    def __init__(self, svg):
        root = ElementTree.fromstring(svg)
        self.width, self.height = (float(root.get(side)) for side in ('width', 'height'))
        self.texts = [Text.of(element) for element in root.iter(f'{SVG}text')]
        self.boxes = [
            (
                *(float(box.get(key)) for key in ('x', 'y', 'width', 'height')),
                box.findtext(f'{SVG}title'),
            )
            for box in root.iter(f'{SVG}rect')
        ]

    @property
    def said(self):
        return [each.text for each in self.texts]


def test_an_svg_has_every_name_as_text_and_every_role_once_in_its_legend(two, tmp_path):
    said = Picture(draw(survey(*two))).said
    for name in ('up', 'out', *NAMES.values(), 'yaw', 'shoulder', 'elbow', 'JOINT_POSITIONS'):
        assert name in said
    # Twice below names, of two robots and in two tables, and once in the legend.
    assert said.count('elbow pitch') == 5
    assert 'input, width 3' in said
    assert said.count('!') == 2 * 2 + 1


def test_names_that_mean_markup_stay_text(tmp_path):
    (tmp_path / 'odd.yaml').write_text("r<1>: {JOINT_POSITIONS: {0: 'a&b\"<c>'}}")
    said = Picture(draw(survey(load_descriptions([tmp_path / 'odd.yaml'])))).said
    assert 'a&b"<c>' in said
    assert 'r<1>' in said


def test_a_long_name_is_cut_where_it_stands_and_whole_in_its_hint(tmp_path):
    (tmp_path / 'long.yaml').write_text(f'r: {{JOINT_POSITIONS: {{0: {LONG}, 1: b}}}}')
    picture = Picture(draw(survey(load_descriptions([tmp_path / 'long.yaml']))))
    assert any(text.endswith('…') and text[:-1] in LONG for text in picture.said)
    assert any(hint and hint.startswith(LONG) for *_, hint in picture.boxes)
    assert all(text.right <= picture.width for text in picture.texts)


def test_long_names_of_robots_that_differ_at_their_end_still_differ(tmp_path):
    for side in ('left', 'right'):
        (tmp_path / f'{side}.yaml').write_text(
            f'a_robot_of_the_laboratory_on_the_second_floor_{side}: {{JOINT_POSITIONS: {{0: a}}}}'
        )
    picture = Picture(draw(survey(load_descriptions(sorted(tmp_path.glob('*.yaml'))))))
    titles = {text for text in picture.said if '…' in text}
    assert {title[-5:] for title in titles} == {'_left', 'right'}


def test_nothing_stands_outside_however_many_robots_there_are(tmp_path):
    robots = {
        f'robot_{r}': {'JOINT_POSITIONS': {i: f'joint_{i}_of_{r}' for i in range(14) if i != r}}
        for r in range(6)
    }
    (tmp_path / 'six.yaml').write_text(str(robots).replace("'", ''))
    picture = Picture(draw(survey(load_descriptions([tmp_path / 'six.yaml']))))
    for x, y, width, height, _ in picture.boxes:
        assert 0 <= x <= x + width <= picture.width
        assert 0 <= y <= y + height <= picture.height
    cells = [box[:4] for box in picture.boxes if box[4]]
    assert len(cells) == 6 * 13
    for one, other in itertools.combinations(cells, 2):
        (x, y, width, height), (left, top, *_) = sorted([one, other])
        assert x + width <= left or y + height <= top or top + height <= y


def test_what_a_policy_saw_and_refuses_is_drawn(two, tmp_path):
    new = robot(tmp_path, 'new', {0: 'a', 7: 'h'})
    policy = manifest(two[0])
    said = Picture(draw(survey(load_descriptions([new]), (), policy))).said
    assert 'Policy trained on up, out: 20 Hz, reads 1 step, predicts 10' in said
    assert said.count('-1.00 .. 1.00') == 6
    assert 'refused' in said
    assert any(
        text.startswith("Refused: 'new' uses JOINT_TARGET_POSITIONS index 7") for text in said
    )


@pytest.mark.parametrize('count', [1, 2, 3, 6])
@pytest.mark.parametrize(
    'name', ['k', 'r_with_a_name_that_is_longer_than_its_column_is', '机器人手臂']
)
@pytest.mark.parametrize('trained', [False, True])
def test_no_text_stands_on_another_one(tmp_path, count, name, trained):
    for number in range(count):
        names = '{PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: j}, JOINT_TARGET_POSITIONS: {0: a}}'
        text = f'robot: {name}{number}\ninput: {{JOINT_POSITIONS: {{0: a}}}}\noutput: {names}\n'
        limits = (
            'limits: {a: {position: [-1, 1], velocity: 1}, j: {position: [0, 1], velocity: 1}}'
        )
        (tmp_path / f'{number}.yaml').write_text(text + limits)
    described = load_descriptions(sorted(tmp_path.glob('*.yaml')))
    picture = Picture(draw(survey(described, (), manifest(described) if trained else None)))
    for one, other in itertools.combinations(picture.texts, 2):
        beside = one.right <= other.left or other.right <= one.left
        above = one.y <= other.y - 0.8 * other.size or other.y <= one.y - 0.8 * one.size
        assert beside or above, (one, other)
    assert all(text.right <= picture.width for text in picture.texts)
