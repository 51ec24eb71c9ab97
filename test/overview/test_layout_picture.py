"""The picture of a layout: what is in it, and that others can open it."""

import itertools
import xml.etree.ElementTree as ElementTree

import cv2
import pytest

from helpers.overview_arms import STRETCHED, UPRIGHT, load, manifest, robot
from neuracore_ros.description import load_descriptions
from neuracore_ros.errors import UserError
from neuracore_ros.overview.picture import draw, save
from neuracore_ros.overview.scene import Box, Words
from neuracore_ros.overview.survey import survey

NAMES = {0: 'pan', 1: 'lift', 2: 'bend'}
LONG = 'the_second_left_arm_of_the_humanoid_shoulder_pan_joint'


@pytest.fixture
def two(tmp_path):
    first = robot(tmp_path, 'up', NAMES, UPRIGHT)
    second = robot(tmp_path, 'out', {0: 'yaw', 1: 'shoulder', 2: 'elbow'}, STRETCHED)
    return load(first, second)


def texts(path):
    root = ElementTree.parse(path).getroot()
    return [element.text for element in root.iter('{http://www.w3.org/2000/svg}text')]


def test_an_svg_has_every_name_as_text_and_every_role_once_in_its_legend(two, tmp_path):
    save(survey(*two), tmp_path / 'layout.svg')
    said = texts(tmp_path / 'layout.svg')
    for name in ('up', 'out', *NAMES.values(), 'yaw', 'shoulder', 'elbow', 'JOINT_POSITIONS'):
        assert name in said
    # Twice below names, of two robots and in two tables, and once in the legend.
    assert said.count('elbow pitch') == 5
    assert 'input, width 3' in said
    assert said.count('!') == 2 * 2 + 1


def test_names_that_mean_markup_stay_text(tmp_path):
    (tmp_path / 'odd.yaml').write_text("r<1>: {JOINT_POSITIONS: {0: 'a&b\"<c>'}}")
    save(survey(load_descriptions([tmp_path / 'odd.yaml'])), tmp_path / 'layout.svg')
    said = texts(tmp_path / 'layout.svg')
    assert 'a&b"<c>' in said
    assert 'r<1>' in said


def test_a_long_name_is_cut_where_it_stands_and_whole_in_its_hint(tmp_path):
    (tmp_path / 'long.yaml').write_text(f'r: {{JOINT_POSITIONS: {{0: {LONG}, 1: b}}}}')
    scene = draw(survey(load_descriptions([tmp_path / 'long.yaml'])))
    words = [shape for shape in scene.shapes if isinstance(shape, Words)]
    assert any(word.text.endswith('…') and word.text[:-1] in LONG for word in words)
    assert any(isinstance(s, Box) and s.hint.startswith(LONG) for s in scene.shapes)
    assert all(word.x + word.width <= scene.width for word in words if word.anchor == 'start')


def test_long_names_of_robots_that_differ_at_their_end_still_differ(tmp_path):
    for side in ('left', 'right'):
        (tmp_path / f'{side}.yaml').write_text(
            f'a_robot_of_the_laboratory_on_the_second_floor_{side}: {{JOINT_POSITIONS: {{0: a}}}}'
        )
    scene = draw(survey(load_descriptions(sorted(tmp_path.glob('*.yaml')))))
    titles = {s.text for s in scene.shapes if isinstance(s, Words) and '…' in s.text}
    assert {title[-5:] for title in titles} == {'_left', 'right'}


def test_nothing_stands_outside_however_many_robots_there_are(tmp_path):
    robots = {
        f'robot_{r}': {'JOINT_POSITIONS': {i: f'joint_{i}_of_{r}' for i in range(14) if i != r}}
        for r in range(6)
    }
    (tmp_path / 'six.yaml').write_text(str(robots).replace("'", ''))
    scene = draw(survey(load_descriptions([tmp_path / 'six.yaml'])))
    for shape in scene.shapes:
        assert 0 <= shape.x <= scene.width
        assert 0 <= shape.y <= scene.height
    boxes = [s for s in scene.shapes if isinstance(s, Box) and s.hint]
    assert len(boxes) == 6 * 13
    for first in boxes:
        for second in boxes:
            apart = first.x + first.width <= second.x or first.y + first.height <= second.y
            assert first is second or apart or second.x < first.x or second.y < first.y


def test_what_a_policy_saw_and_refuses_is_drawn(two, tmp_path):
    new = robot(tmp_path, 'new', {0: 'a', 7: 'h'})
    policy = manifest(two[0])
    save(survey(load_descriptions([new]), (), policy), tmp_path / 'layout.svg')
    said = texts(tmp_path / 'layout.svg')
    assert 'Policy trained on up, out: 20 Hz, reads 1 step, predicts 10' in said
    assert said.count('-1.00 .. 1.00') == 6
    assert 'refused' in said
    assert any(
        text.startswith("Refused: 'new' uses JOINT_TARGET_POSITIONS index 7") for text in said
    )


def test_a_png_opens_and_shows_something(two, tmp_path):
    found = survey(*two)
    save(found, tmp_path / 'layout.png')
    image = cv2.imread(str(tmp_path / 'layout.png'))
    scene = draw(found)
    assert image.shape[:2] == pytest.approx((scene.height * 2, scene.width * 2), abs=1)
    assert image.reshape(-1, 3).std(axis=0).min() > 5
    assert [path.name for path in tmp_path.glob('.*')] == []


def test_a_picture_that_cannot_be_written_is_told(two, tmp_path):
    with pytest.raises(UserError, match='cannot be written: No such file or directory'):
        save(survey(*two), tmp_path / 'nowhere' / 'layout.svg')


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
    scene = draw(survey(described, (), manifest(described) if trained else None))
    words = [shape for shape in scene.shapes if isinstance(shape, Words)]
    for one, other in itertools.combinations(words, 2):
        beside = _ends(one)[1] <= _ends(other)[0] or _ends(other)[1] <= _ends(one)[0]
        above = one.y <= other.y - 0.8 * other.size or other.y <= one.y - 0.8 * one.size
        assert beside or above, (one, other)
    assert all(_ends(one)[1] <= scene.width for one in words)


def _ends(words):
    """Where a text begins and ends, from left to right."""
    left = words.x - {'start': 0.0, 'middle': 0.5, 'end': 1.0}[words.anchor] * words.width
    return left, left + words.width
