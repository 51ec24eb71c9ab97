"""Robots that are edited together: changes, undo, and what is compared with whom."""

import pytest

pytest.importorskip('viser')

from helpers.aligned import CONFIG, write_mine
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.errors import UserError
from neuracore_ros.viewer.edited_robots import EditedRobots
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor
from neuracore_ros.viewer.robot_model import RobotModel

JOINTS = DataType.JOINT_POSITIONS
ELBOW = 'panda_joint4'


@pytest.fixture
def robots(tmp_path):
    paths = [write_mine(tmp_path), CONFIG / 'franka.yaml']
    models = [RobotModel.of(load_robot(path)) for path in paths]
    editors = {model.name: RobotFileEditor.open(model.robot.path) for model in models}
    return EditedRobots(models, editors, fixed=['franka'])


def turn(robots):
    return robots.change('mine', 'the sign', lambda file: file.flip_sign(JOINTS, ELBOW))


def offset(robots, value, part=None):
    def change(file):
        file.set_offset(JOINTS, ELBOW, value)

    return robots.change('mine', 'the offset', change, part)


def test_others_are_compared_with_the_robot_whose_file_is_not_changed(robots):
    assert list(robots.models) == ['franka', 'mine'] and list(robots.editors) == ['mine']
    turn(robots)
    assert any("'panda_joint4' of mine turns" in each.text for each in robots.warnings())
    assert [each.name for each in robots.proposals('mine')] == [ELBOW]
    assert robots.proposals('franka') == ()


def test_a_change_is_drawn_and_undone(robots):
    slot = (JOINTS, 3)
    before = robots.models['mine'].slots()[slot]
    assert turn(robots) and robots.unsaved() == ['mine']
    assert robots.models['mine'].slots()[slot].upper == -before.lower
    assert robots.last_change == 'mine: the sign'
    assert robots.undo() == 'mine' and robots.unsaved() == [] and robots.diff('mine') == []
    assert robots.models['mine'].slots()[slot] == before
    assert robots.undo() == '' and robots.last_change == ''


def test_a_number_that_is_typed_is_undone_as_one_but_no_other(robots):
    for value in (0.2, 0.25):
        offset(robots, value, part='typed')
    turn(robots)
    offset(robots, 0.5, part='typed')
    for text in ('offset: -0.25', 'offset: 0.25'):
        robots.undo()
        assert text in robots.editors['mine'].text
    robots.undo()
    assert robots.unsaved() == []


def test_what_changes_nothing_is_nothing_to_undo(robots):
    assert not offset(robots, 0.0)
    assert robots.last_change == ''


def test_a_change_that_is_refused_leaves_all_as_it_was(robots):
    with pytest.raises(UserError, match="no 'elbow'"):
        robots.change('mine', 'a sign', lambda file: file.flip_sign(JOINTS, 'elbow'))
    with pytest.raises(UserError, match='or choose a free index'):
        robots.change('mine', 'an index', lambda file: file.set_index(JOINTS, ELBOW, 0))
    assert robots.unsaved() == [] and robots.last_change == ''


def test_a_copy_lies_beside_the_file_under_a_name_of_its_own(robots, tmp_path):
    turn(robots)
    for name in (
        '../up.yaml',
        '/tmp/there.yaml',
        'mine.yaml',
        'arm.txt',
        '',
        '.',
        '..',
        'a\0.yaml',
    ):
        with pytest.raises(UserError):
            robots.save_copy('mine', name)
    robots.save_copy('mine', 'other.yaml')
    assert robots.unsaved() == [] and robots.editors['mine'].path == tmp_path / 'other.yaml'
    assert load_robot(tmp_path / 'other.yaml').name == 'mine'
    assert 'scale' not in (tmp_path / 'mine.yaml').read_text()


def test_the_diff_is_what_saving_writes(robots):
    turn(robots)
    added = [line[1:] for line in robots.diff('mine') if line.startswith('+')]
    assert added and all('scale: -1' in line for line in added)
    robots.save('mine')
    assert robots.diff('mine') == []
    # What was saved can be undone, and that is a change again.
    robots.undo()
    assert robots.unsaved() == ['mine'] and 'scale: -1' in '\n'.join(robots.diff('mine'))


def test_the_first_robot_is_held_to_the_vocabulary_that_its_file_names(tmp_path):
    out = tmp_path / 'drafted.yaml'
    urdf = CONFIG / 'franka.urdf'
    assert main(['describe', '--urdf', str(urdf), '--out', str(out)]) == 0
    editor = RobotFileEditor.open(out)
    robots = EditedRobots([RobotModel.of(editor.robot)], {editor.robot.name: editor})
    (name,) = robots.editors
    assert (robots.vocabulary, robots.proposals(name)) == ('arm/1', ())
    robots.change(name, 'turned', lambda file: file.flip_sign(JOINTS, ELBOW))
    assert [each.name for each in robots.proposals(name)] == [ELBOW]
    assert robots.apply_all(name)
    assert robots.proposals(name) == ()


def test_a_file_that_somebody_else_has_changed_is_read_again(robots):
    turn(robots)
    path = robots.editors['mine'].path
    path.write_text(theirs := path.read_text().replace('0: panda_joint1', '9: panda_joint1'))
    with pytest.raises(UserError, match='or read it again'):
        robots.save('mine')
    robots.read_again('mine')
    assert robots.editors['mine'].text == theirs
    assert (robots.unsaved(), robots.diff('mine'), robots.last_change) == ([], [], '')
    assert (JOINTS, 9) in robots.models['mine'].slots()
    assert turn(robots)
    robots.save('mine')


def test_a_urdf_that_the_file_names_by_now_is_drawn_and_compared(robots):
    path = robots.editors['mine'].path
    other = path.with_name('other.urdf')
    text = path.with_name('arm.urdf').read_text()
    other.write_text(text.replace('lower="-3.0718"', 'lower="-1.5"'))
    path.write_text(path.read_text().replace('urdf: arm.urdf', 'urdf: other.urdf'))
    robots.read_again('mine')
    assert robots.models['mine'].urdf == other
    assert robots.models['mine'].slots()[JOINTS, 3].lower == -1.5


@pytest.mark.parametrize(
    ('before', 'after', 'problem'),
    [
        ('robot: mine', 'robot: other', "is the file of 'other' now, not of 'mine'"),
        ('0: panda_joint1', '0: panda_joint1x', 'panda_joint1x'),
        ('robot: mine', 'robot: [', 'is not YAML'),
    ],
)
def test_a_file_that_cannot_be_read_again_leaves_all_as_it_was(robots, before, after, problem):
    turn(robots)
    mine = robots.editors['mine'].text
    path = robots.editors['mine'].path
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(UserError, match=problem):
        robots.read_again('mine')
    assert robots.editors['mine'].text == mine
    assert robots.last_change == 'mine: the sign'
    assert robots.undo() == 'mine' and robots.unsaved() == []


def test_a_file_that_cannot_be_compared_any_more_leaves_all_as_it_was(tmp_path):
    own = CONFIG / 'vocabulary.yaml'
    (tmp_path / 'own.yaml').write_text(own.read_text().replace('arm/1', 'own/1'))
    paths = [tmp_path / 'one.yaml', tmp_path / 'two.yaml']
    for path in paths:
        text = write_mine(tmp_path, robot=path.stem).read_text()
        path.write_text(text.replace('limits:', 'vocabulary: arm/1\nlimits:', 1))
    models = [RobotModel.of(load_robot(path)) for path in paths]
    editors = {model.name: RobotFileEditor.open(model.robot.path) for model in models}
    robots = EditedRobots(models, editors)
    before = robots.warnings()
    paths[1].write_text(paths[1].read_text().replace('vocabulary: arm/1', 'vocabulary: own.yaml'))
    with pytest.raises(UserError, match='Robots of one layout have one'):
        robots.read_again('two')
    assert robots.warnings() == before
