"""The page of `align`, used by mouse and keyboard in a real browser."""

import numpy as np
import pytest

from helpers.browser import lacks

pytestmark = pytest.mark.skipif(bool(lacks()), reason=lacks())
pytest.importorskip('viser')
pytest.importorskip('playwright')

from helpers.aligned import CONFIG, Seen, aligned, write_hand, write_mine
from helpers.three_arms import write_arm_bag
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor

JOINTS = DataType.JOINT_POSITIONS
FRANKA = CONFIG / 'franka.yaml'
ELBOW = '3 elbow pitch'


@pytest.fixture(scope='module')
def opened(chromium):
    """A function that opens a page of its own, as another user does."""

    def open_page(server):
        size = {'width': 1000, 'height': 700}
        return Seen(chromium.new_context(viewport=size).new_page()).open(server.url)

    return open_page


@pytest.fixture(scope='module')
def common(tmp_path_factory, opened):
    """A page of two equal arms, of which one has a shorter elbow: server, robots, what is seen."""
    folder = tmp_path_factory.mktemp('common')
    mine = write_mine(folder)
    arm = folder / 'arm.urdf'
    arm.write_text(arm.read_text().replace('lower="-3.0718"', 'lower="-1.5"'))
    with aligned([mine, FRANKA], fixed=['franka']) as (server, robots):
        seen = opened(server)
        yield server, robots, seen
        seen.close()


@pytest.fixture
def both(common):
    """That page, on which all is saved and the elbow chosen; a test leaves it so."""
    _, robots, seen = common
    seen.tab('Slots')
    seen.move(ELBOW, -1.0)
    seen.text('mine: panda_joint4')
    yield common
    seen.text('All is saved.')
    assert robots.unsaved() == []


def with_faults(path):
    """A file in which a sign is turned, two joints are swapped, and a zero is elsewhere."""
    editor = RobotFileEditor.open(path)
    editor.flip_sign(JOINTS, 'panda_joint4')
    editor.swap(JOINTS, 'panda_joint5', 'panda_joint6')
    editor.move_zero(JOINTS, 'panda_joint2', np.pi / 2)
    editor.save()
    return path


def test_a_stranger_mends_three_faults_and_saves_them(tmp_path, opened):
    mine = with_faults(write_mine(tmp_path))
    wrong = mine.read_text()
    with aligned([mine, FRANKA], fixed=['franka']) as (server, robots):
        seen = opened(server)
        seen.text("'panda_joint4' of mine turns the other way")
        seen.move(ELBOW, -1.0)
        seen.press('Turn the sign')
        seen.no_text('turns the other way')
        seen.choose('Slot', '1 shoulder pitch')
        seen.text('has its zero 1.57 rad away')
        seen.press('-90°')
        seen.no_text('has its zero')
        seen.choose('Slot', '4 ')
        seen.text('is a wrist pitch')
        seen.choose('Index', '5 ')
        seen.no_text('is a wrist pitch')
        assert robots.warnings() == ()
        assert mine.read_text() == wrong
        seen.tab('Changes')
        seen.text('4: panda_joint5')
        seen.press('Save mine.yaml')
        seen.text('All is saved.')
        seen.text('Nothing is changed.')
        kept = [line for line in FRANKA.read_text().splitlines() if line.startswith('#')]
        assert all(line in mine.read_text().splitlines() for line in kept)
        assert load_robot(mine).input == load_robot(FRANKA).input

        # Somebody else writes the file, and their work is not lost.
        seen.press('Turn the sign')
        seen.text('Not saved')
        mine.write_text(theirs := mine.read_text() + '# theirs\n')
        seen.press('Save mine.yaml')
        seen.text('Not done')
        assert mine.read_text() == theirs
        seen.row('Copy as').locator('input').fill('other.yaml')
        seen.press('Save a copy')
        seen.text('All is saved.')
        assert 'scale: ' in (tmp_path / 'other.yaml').read_text() and mine.read_text() == theirs
        seen.close()


def test_what_somebody_else_has_written_is_read_again(tmp_path, opened):
    mine = write_mine(tmp_path)
    with aligned([mine, FRANKA], fixed=['franka']) as (server, robots):
        seen = opened(server)
        seen.move(ELBOW, -1.0)
        seen.tab('Changes')
        mine.write_text(theirs := with_faults(mine).read_text() + '# theirs\n')
        seen.press('Read mine.yaml again')  # Nothing is lost, and nothing asked.
        seen.text('Turn the sign (scale is -1)')
        seen.text('All is saved.')

        seen.press('Turn the sign')
        seen.text('Not saved')
        changed = robots.editors['mine'].text
        seen.press('Read mine.yaml again')
        seen.text('Reading mine.yaml again loses the changes that are shown here.')
        seen.press('Keep them')
        seen.no_text('Reading mine.yaml again')
        assert robots.editors['mine'].text == changed
        seen.press('Read mine.yaml again')
        seen.press('Lose them')
        seen.text('All is saved.')
        assert robots.editors['mine'].text == theirs == mine.read_text()
        seen.close()


def test_robots_that_are_alike_look_alike_until_a_sign_is_turned(tmp_path, opened):
    mine = write_mine(tmp_path)
    with aligned([FRANKA, mine], fixed=['franka']) as (server, _):
        seen = opened(server)
        far = seen.from_the_front(server, np.array([0.0, 0.6, 0.5]))
        before = seen.move_and_look(ELBOW, -2.4, far)
        assert seen.halves_overlap(before) > 0.9
        seen.press('Turn the sign')
        seen.text('Not saved')
        assert seen.halves_overlap(seen.other_picture(before)) < 0.8
        seen.close()


def test_the_keyboard_alone_moves_turns_and_undoes(both):
    _, robots, seen = both
    seen.page.reload()
    seen.text('All is saved.')
    seen.tab_to(seen.slider(ELBOW))
    assert seen.focus_is_visible()
    seen.page.keyboard.press('ArrowRight')
    seen.page.keyboard.press('ArrowRight')
    seen.until_value(ELBOW, -0.9)
    seen.tab_to(seen.page.get_by_role('button', name='Turn the sign'))
    assert seen.focus_is_visible()
    seen.page.keyboard.press('Enter')
    seen.text('Not saved: mine.yaml')
    assert robots.unsaved() == ['mine']
    seen.tab_to(seen.page.get_by_role('button', name='Undo'))
    seen.page.keyboard.press('Enter')


def test_the_offset_is_typed_and_undone_in_one(both):
    _, robots, seen = both
    box = seen.control('Offset [rad]')
    box.fill('')
    box.press_sequentially('0.25')
    seen.text('has its zero 0.25 rad away')
    seen.page.keyboard.press('ArrowUp')
    seen.text('has its zero 0.26 rad away')
    assert robots.editors['mine'].text.count('offset: 0.26') == 3
    seen.press('Undo: mine: the offset of panda_joint4')
    seen.text('All is saved.')
    assert box.input_value() == '0'


def test_a_joint_that_cannot_go_so_far_stands_at_its_limit_and_says_so(both):
    _, _, seen = both
    seen.move(ELBOW, -3.0)
    seen.text('-1.50 rad (limit)')
    seen.move(ELBOW, -1.0)
    seen.no_text('(limit)')


def test_what_is_proposed_is_applied_one_by_one_or_all_at_once(both):
    _, robots, seen = both
    for apply in ('Do as proposed', 'Apply all to mine'):
        seen.press('Turn the sign')
        seen.tab('Proposals')
        seen.text("turn the sign of 'panda_joint4'")
        seen.press(apply)
        seen.text('Nothing is proposed.')
        assert robots.warnings() == ()
        seen.press('Undo: mine: ')
        seen.text("turn the sign of 'panda_joint4'")
        seen.press('Undo: mine: the sign')
        seen.text('All is saved.')


def test_two_browsers_see_the_same_and_ask_for_nothing_else(both, opened):
    server, _, one = both
    other, asked = opened(server), []
    for each in (one, other):
        each.page.on('request', lambda request: asked.append(request.url))
    one.move(ELBOW, -1.3)
    other.until_value(ELBOW, -1.3)
    other.press('Turn the sign')
    one.text('Not saved: mine.yaml')
    one.page.reload()
    one.text('Not saved: mine.yaml')
    one.press('Undo')
    other.text('All is saved.')
    other.close()
    own = (server.url, 'blob:', 'data:')
    assert asked and [url for url in asked if not url.startswith(own)] == []


@pytest.mark.parametrize(('width', 'height'), [(700, 900), (400, 800)])
def test_a_narrow_window_has_all_controls(both, width, height):
    _, _, seen = both
    seen.page.set_viewport_size({'width': width, 'height': height})
    seen.move(ELBOW, -1.2)
    seen.press('Turn the sign')
    seen.text('Not saved')
    seen.press('Undo')
    seen.page.set_viewport_size({'width': 1000, 'height': 700})


def test_the_frames_of_a_chain_are_placed(tmp_path, opened):
    hand = write_hand(tmp_path)
    with aligned([hand]) as (server, robots):
        seen = opened(server)
        before = seen.picture()
        seen.move('0 z [m]', -0.1)
        seen.other_picture(before)
        seen.row('Tip xyz [m]').locator('input').first.fill('0.3')
        seen.text('Not saved')
        assert robots.models['mine_hand'].robot.chains['hand'].tip_offset.xyz[0] == 0.3
        seen.press_beside('Tip: turn', 'z 90°')
        seen.text('Undo: mine_hand: the tip_offset')
        seen.tab('Changes')
        seen.text('tip_offset: {xyz: [0.3')
        seen.close()


def test_a_recording_is_played_on_its_robot_and_on_all(tmp_path, opened):
    mine = write_mine(tmp_path)
    bag = write_arm_bag(tmp_path / 'bag', 'franka', ('wrist', 'overhead'))
    with aligned([mine, FRANKA], fixed=['franka'], recordings=[('mine', bag)]) as (server, _):
        seen = opened(server)
        before = seen.picture()
        seen.tab('Recording')
        seen.move('Time [s]', 1.0)
        moved = seen.other_picture(before)
        seen.press('Play')
        seen.other_picture(moved)
        seen.page.get_by_role('button', name='Play').wait_for()  # It has come to its end.
        seen.tab('Slots')
        assert seen.value('0 base yaw') == pytest.approx(0.3 * np.sin(1.9), abs=0.1)
        seen.close()


def test_a_number_with_a_name_moves_what_the_slider_moves(both):
    _, _, seen = both
    box = seen.page.get_by_role('textbox', name='Value [rad]')
    # What is typed before the last move of the slider has come back is overwritten by it.
    seen.page.wait_for_function('each => Number(each.value) === -1', arg=box.element_handle())
    box.fill('-1.2')
    seen.until_value(ELBOW, -1.2)
    box.fill('9')
    seen.until_value(ELBOW, -0.05)
    seen.text('-0.07 rad (limit)')
    seen.page.wait_for_function('each => each.value === "-0.05"', arg=box.element_handle())
    seen.move(ELBOW, -0.5)
    seen.page.wait_for_function('each => each.value === "-0.5"', arg=box.element_handle())


def test_what_is_typed_keeps_its_digits(both):
    _, robots, seen = both
    box = seen.control('Offset [rad]')
    box.fill('0.2116')
    seen.text('Not saved: mine.yaml')
    seen.page.keyboard.press('ArrowUp')
    seen.text('has its zero 0.22 rad away')
    assert box.input_value() == '0.2216'
    assert robots.editors['mine'].text.count('offset: 0.2216') == 3
    seen.press('Undo')
