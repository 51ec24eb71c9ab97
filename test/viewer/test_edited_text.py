"""Texts of robot files after edits: every character that need not change stays."""

import random
import re

import pytest
import yaml

from helpers.any_yaml import any_yaml
from helpers.mutations import budget
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped_robots
from neuracore_ros.errors import UserError, collect_warnings
from neuracore_ros.viewer.robot_file_editor import FRAMES, RobotFileEditor

JOINTS, VELOCITIES = DataType.JOINT_POSITIONS, DataType.JOINT_VELOCITIES
TARGETS, RGB = DataType.JOINT_TARGET_POSITIONS, DataType.RGB_IMAGES
OPEN = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
EDITS = 8


def opened(tmp_path, text):
    path = tmp_path / 'robot.yaml'
    path.write_bytes(text.encode())
    return RobotFileEditor.open(path)


def any_edit(editor, chance):
    """One edit of any kind; it may be refused."""
    robot = editor.robot
    slots = [
        (kind, name)
        for description in (robot.input, robot.output)
        for kind, those in description.items()
        for name in those.values()
    ]
    kind, name = chance.choice(slots)
    way = chance.choice(['flip', 'move', 'offset', 'index', 'swap', 'match', 'frame', 'scale'])
    if way == 'flip':
        editor.flip_sign(kind, name)
    elif way == 'move':
        editor.move_zero(kind, name, chance.uniform(-3, 3))
    elif way == 'offset':
        editor.set_offset(kind, name, chance.choice([0, 1, -1.5708]))
    elif way == 'index':
        editor.set_index(kind, name, chance.randrange(9))
    elif way == 'swap':
        editor.swap(kind, name, chance.choice([own for each, own in slots if each is kind]))
    elif way == 'match':
        editor.match_commands(kind, name)
    elif way == 'scale':
        editor.set_pose_scale(kind, name, chance.uniform(0.1, 3.0))
    elif robot.chains:
        xyz, rpy = ([chance.choice([0, chance.uniform(-1, 1)]) for _ in range(3)] for _ in 'ab')
        editor.set_frame(chance.choice([*robot.chains]), chance.choice(FRAMES), xyz, rpy)


def edit_at_random(editor, chance, count=EDITS):
    for _ in range(count):
        before = editor.text
        try:
            any_edit(editor, chance)
        except UserError as error:
            assert editor.text == before
            assert 'by hand' not in str(error)
            assert 'Known' not in str(error)


def require_kept(editor, content):
    """Comments and line ends are those of before; what is saved is what is shown; undo is exact."""
    before, now = content.decode(), editor.text
    comments = [sorted(re.findall('#[^\r\n]*', text)) for text in (before, now)]
    assert comments[0] == comments[1]
    for ending in ('\r', '\ufeff'):
        assert (ending in before) == (ending in now)
    assert now.count('\r') in {0, now.count('\n')}
    assert now.count('\n\n') == before.count('\n\n')
    assert before.endswith('\n') == now.endswith('\n')
    editor.save()
    with collect_warnings():
        assert load_robot(editor.path) == editor.robot
    while editor.can_undo:
        editor.undo()
    assert editor.text.encode() == content


@pytest.mark.parametrize('name', sorted(shipped_robots()))
def test_any_edits_of_a_shipped_file_keep_the_rest_and_are_undone_exactly(name, tmp_path):
    path = shipped_robots()[name]
    for urdf in path.parent.glob('*.urdf'):
        (tmp_path / urdf.name).symlink_to(urdf)
    chance = random.Random(name)
    copy = tmp_path / 'copy.yaml'
    for _ in range(budget(1)):
        as_it_is = path.read_bytes()
        windows, bare = as_it_is.replace(b'\n', b'\r\n'), b'\xef\xbb\xbf' + as_it_is.rstrip(b'\n')
        for content in (as_it_is, chance.choice([windows, bare])):
            copy.write_bytes(content)
            editor = RobotFileEditor.open(copy)
            edit_at_random(editor, chance)
            require_kept(editor, content)


@pytest.mark.parametrize('robot', ['franka', 'ur5', 'so100'])
def test_so_do_those_of_a_drafted_file(robot, tmp_path):
    out = tmp_path / 'drafted.yaml'
    urdf = shipped_robots()[robot].parent / f'{robot}.urdf'
    assert main(['describe', '--urdf', str(urdf), '--out', str(out), '--poses']) == 0
    content = out.read_bytes()
    editor = RobotFileEditor.open(out)
    edit_at_random(editor, random.Random(robot), 3 * EDITS)
    require_kept(editor, content)


@pytest.mark.parametrize('aliased', [0.0, 0.25, 0.6])
def test_so_do_those_of_a_file_in_any_style(aliased, tmp_path):
    folder = shipped_robots()['ur5'].parent
    for urdf in folder.rglob('*.urdf'):
        (tmp_path / urdf.name).symlink_to(urdf)
    for seed in range(budget(12)):
        chance = random.Random(f'{aliased} {seed}')
        path = chance.choice(list(shipped_robots().values()))
        text = any_yaml(yaml.safe_load(path.read_text()), chance, aliased)
        editor = opened(tmp_path, text)
        edit_at_random(editor, chance)
        require_kept(editor, text.encode())


ODD = """\
%YAML 1.1
---
robot:   "odd"      # two blanks, quotes

limits: {a: {position: [-1, 1], velocity: 1}, b: {position: [-1, 1], velocity: 1},
         'c d': {position: [ -1,1 ], velocity: 1.0e0}}
input:
    joint_positions:          # another spelling
    - a        # the first
    - "b"
    - 'c d'
    RGB_IMAGES: {   0 :  eye }
output: {JOINT_TARGET_POSITIONS: [a, b, 'c d']}
sources:
      JOINT_POSITIONS:
            'c d' : { scale : +2 ,  offset: -.5 }    # aligned by hand
            topic: /s

            # about b
            "b":
               scale: -1
      JOINT_TARGET_POSITIONS: {topic: /t,}
      RGB_IMAGES: {eye: {topic: /eye}}
commands:
      JOINT_TARGET_POSITIONS: {topic: /t, a: {}, b: {scale: -1, offset: 0}
         , 'c d': {scale: 2, offset: -.5}}
...
"""


def lines(before, after):
    """The lines that differ, old and new."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


def test_a_number_that_is_turned_keeps_its_digits(tmp_path):
    editor = opened(tmp_path, ODD)
    editor.flip_sign(JOINTS, 'c d')
    old, new = lines(ODD, editor.text)
    assert old[0] == "            'c d' : { scale : +2 ,  offset: -.5 }    # aligned by hand"
    assert new == [
        "            'c d' : { scale : -2 ,  offset: .5 }    # aligned by hand",
        "      JOINT_TARGET_POSITIONS: {topic: /t, 'c d': {scale: -1.0},}",
        "         , 'c d': {scale: -2, offset: .5}}",
    ]


def test_options_are_added_in_the_way_in_which_their_neighbours_are_written(tmp_path):
    editor = opened(tmp_path, ODD)
    editor.move_zero(JOINTS, 'b', 0.25)
    editor.flip_sign(JOINTS, 'a')
    assert (
        '            "b":\n               scale: -1\n               offset: 0.25\n' in editor.text
    )
    assert '            topic: /s\n            a: {scale: -1.0}\n\n' in editor.text
    assert '{topic: /t, a: {scale: -1.0}, b: {scale: -1, offset: 0.25}\n         , ' in editor.text


def test_a_list_becomes_a_mapping_only_where_a_gap_needs_one(tmp_path):
    editor = opened(tmp_path, ODD)
    editor.swap(JOINTS, 'a', 'b')
    assert '    - "b"\n    - a        # the first\n' in editor.text
    assert "output: {JOINT_TARGET_POSITIONS: [b, a, 'c d']}" in editor.text
    assert editor.robot.output[TARGETS] == {0: 'b', 1: 'a', 2: 'c d'}
    editor.set_index(JOINTS, 'a', 6)
    assert '      0: "b"\n      2: \'c d\'\n      6: a        # the first\n' in editor.text
    assert "{JOINT_TARGET_POSITIONS: {0: b, 2: 'c d', 6: a}}" in editor.text


@pytest.mark.parametrize('end', ['\n', '\r\n'])
@pytest.mark.parametrize('is_list', [True, False])
def test_comments_above_a_slot_stay_with_its_joint(is_list, end, tmp_path):
    """Such as what describe has guessed about a joint."""
    margin = ' ' * (4 if is_list else 6)
    marks = ['- '] * 3 if is_list else ['0: ', '1: ', '2: ']
    slots = [
        f'{margin}# guessed: of a',
        f'{margin}{marks[0]}a',
        f'{margin}{marks[1]}b  # beside b',
        '',
        f'{margin}# guessed: of c,',
        f'{margin}# in two lines',
        f'{margin}{marks[2]}c d',
    ]
    listed = '    - a        # the first\n    - "b"\n    - \'c d\'\n'
    assert listed in ODD
    text = ODD.replace(listed, '\n'.join(slots) + '\n').replace('\n', end)
    editor = opened(tmp_path, text)
    editor.swap(JOINTS, 'a', 'c d')
    expected = [
        *slots[4:6],
        f'{margin}{marks[0]}c d',
        slots[2],
        '',
        slots[0],
        f'{margin}{marks[2]}a',
    ]
    assert end.join(expected) in editor.text
    editor.undo()
    assert editor.text == text
    editor.set_index(JOINTS, 'a', 5)
    found = [each.strip() for each in editor.text.split(end)]
    assert found[found.index('5: a') - 1] == '# guessed: of a'
    place = found.index('2: c d')
    assert found[place - 2 : place] == ['# guessed: of c,', '# in two lines']
    editor.swap(JOINTS, 'a', 'c d')
    found = [each.strip() for each in editor.text.split(end)]
    assert found[found.index('2: a') - 1] == '# guessed: of a'


def test_a_frame_is_added_below_the_links_that_it_is_seen_from(tmp_path):
    shipped = shipped_robots()['ur5_hand']
    (tmp_path / 'ur5.urdf').symlink_to(shipped.parent / 'ur5.urdf')
    editor = opened(tmp_path, shipped.read_text())
    editor.set_frame('hand', 'base_offset', [0, 0, 0], [0, 0, 0])
    assert not editor.is_changed
    editor.set_frame('hand', 'base_offset', [0, 0, 0.5], [0, 0, 0])
    old, new = lines(shipped.read_text(), editor.text)
    assert (old, new) == ([], ['    base_offset: {xyz: [0.0, 0.0, 0.5]}'])
    editor.set_frame('hand', 'base_offset', [0, 0, 0.5], [0, 0, 1.570796])
    assert '    base_offset: {xyz: [0.0, 0.0, 0.5], rpy: [0.0, 0.0, 1.570796]}' in editor.text
    editor.set_frame('hand', 'base_offset', [0, 0, 0.6], [0, 0, 0])
    assert 'rpy: [0.0, 0.0, 0.0]}' in editor.text


ALIASES = """\
robot: twice
limits: &all
  a: {position: [-1, 1], velocity: 1}
  b: {position: [-1, 1], velocity: 1}
input:
  JOINT_POSITIONS: &slots {0: a, 1: b}
output:
  JOINT_TARGET_POSITIONS: *slots
sources:
  JOINT_POSITIONS: &arm
    topic: /states
    a: &turned {scale: -1, offset: 0.5}
    b: *turned
  JOINT_TARGET_POSITIONS: {topic: /command, a: *turned, b: *turned}
commands:
  JOINT_TARGET_POSITIONS:
    topic: /command
    a: *turned
    b: *turned
"""


def test_one_text_that_all_share_is_edited_once(tmp_path):
    editor = opened(tmp_path, ALIASES)
    editor.set_index(JOINTS, 'b', 4)
    assert lines(ALIASES, editor.text)[1] == ['  JOINT_POSITIONS: &slots {0: a, 4: b}']
    assert editor.robot.output[TARGETS] == {0: 'a', 4: 'b'}


def test_an_alias_that_another_joint_shares_is_written_out(tmp_path):
    editor = opened(tmp_path, ALIASES)
    editor.flip_sign(JOINTS, 'b')
    assert [editor.sense(JOINTS, name).scale for name in 'ab'] == [-1.0, 1.0]
    for section, kind in (('sources', TARGETS), ('commands', TARGETS)):
        scales = [editor.robot.routes[section].options(kind, name).scale for name in 'ab']
        assert scales == [-1.0, 1.0]
    assert '    a: &turned {scale: -1, offset: 0.5}\n' in editor.text
    editor.undo()
    editor.move_zero(JOINTS, 'a', 1.0)
    assert [editor.sense(JOINTS, name).offset for name in 'ab'] == [1.5, 0.5]
    editor.undo()
    assert editor.text == ALIASES


JSON = (
    '{"robot": "plain", "limits": {"a": {"position": [-1, 1], "velocity": 1}},\n'
    ' "input": {"JOINT_POSITIONS": {"0": "a"}}, "output": {},\n'
    ' "sources": {"JOINT_POSITIONS": {"topic": "/s"}}}'
)


def test_a_file_of_json_stays_one(tmp_path):
    editor = opened(tmp_path, JSON)
    editor.flip_sign(JOINTS, 'a')
    editor.set_index(JOINTS, 'a', 3)
    assert '"sources": {"JOINT_POSITIONS": {"topic": "/s", "scale": -1.0}}}' in editor.text
    assert '{"3": "a"}' in editor.text


def test_names_of_a_vocabulary_are_exchanged_for_names(tmp_path):
    editor = opened(
        tmp_path,
        'robot: named\nvocabulary: arm/1\n'
        'input:\n  JOINT_POSITIONS:\n    right.shoulder_yaw: a  # turns\n    1: b\noutput: {}\n'
        'sources: {JOINT_POSITIONS: {topic: /s}}\n',
    )
    editor.swap(JOINTS, 'a', 'b')
    assert '    0: b\n    right.shoulder_pitch: a  # turns\n' in editor.text


def test_numbers_without_names_keep_their_order_when_their_indices_change(tmp_path):
    text = (
        'robot: array\nlimits:\n  a: {position: [-1, 1], velocity: 1}\n'
        '  b: {position: [-1, 1], velocity: 1}\n'
        'input: {JOINT_POSITIONS: {0: a, 1: b}}\noutput: {JOINT_POSITIONS: {0: a, 1: b}}\n'
        'sources: {JOINT_POSITIONS: {topic: /s}}\n'
        'commands:\n  JOINT_POSITIONS:\n    topic: /c\n    type: Float64MultiArray\n'
        '    names: {a: first}\n    b: {scale: -1}\n'
    )
    editor = opened(tmp_path, text)
    editor.set_index(JOINTS, 'b', 5)
    assert 'order' not in editor.text
    editor.swap(JOINTS, 'a', 'b')
    (command,) = editor.robot.commands()
    assert [joint.message_name for joint in command.joints] == ['first', 'b']
    assert '    names: {a: first}\n    order: [first, b]\n    b: {scale: -1}\n' in editor.text


def test_torques_keep_their_order_too_even_where_another_command_is_missing(tmp_path):
    text = (
        'robot: array\nlimits: {a: {effort: 1}, b: {effort: 1}, c: {position: [-1, 1], '
        'velocity: 1}}\ninput: {JOINT_POSITIONS: {0: a, 1: b, 2: c}}\n'
        'output: {JOINT_TORQUES: {0: a, 1: b}, JOINT_TARGET_POSITIONS: {2: c}}\n'
        'sources: {JOINT_POSITIONS: {topic: /s}, JOINT_TORQUES: {topic: /s}}\n'
        'commands: {JOINT_TORQUES: {topic: /c, allow_torques: true, stop: zero}}\n'
    )
    editor = opened(tmp_path, text)
    editor.swap(JOINTS, 'a', 'b')
    assert 'stop: zero, order: [a, b]}' in editor.text
    (command,) = editor.robot.direct_commands()
    assert [slot.name for slot in command.slots] == ['a', 'b']


@pytest.mark.parametrize('spoilt', ['scale: -1', 'scale: &x -1', "scale: '-1'", 'scale: -1.0e0'])
def test_a_number_is_turned_however_it_is_written(tmp_path, spoilt):
    text = (
        'robot: one\ninput: {JOINT_POSITIONS: [a, b]}\noutput: {}\n'
        f'sources: {{JOINT_POSITIONS: {{topic: /s, a: {{{spoilt}}}}}}}\n'
    )
    editor = opened(tmp_path, text)
    editor.flip_sign(JOINTS, 'a')
    assert editor.sense(JOINTS, 'a').scale == 1.0
    editor.flip_sign(JOINTS, 'a')
    assert editor.sense(JOINTS, 'a').scale == -1.0


def test_what_is_done_and_done_back_leaves_no_trace(tmp_path):
    text = (
        'robot: one\ninput: {JOINT_POSITIONS: [a, b]}\noutput: {}\n'
        'sources: {JOINT_POSITIONS: {topic: /s}}  # none is turned\n'
    )
    editor = opened(tmp_path, text)
    editor.flip_sign(JOINTS, 'a')
    turned = editor.text
    editor.move_zero(JOINTS, 'b', 0.5)
    editor.move_zero(JOINTS, 'b', -0.5)
    assert editor.text == turned != text
    editor.flip_sign(JOINTS, 'a')
    assert editor.text == text and not editor.is_changed
    editor.undo()
    assert editor.text == turned


def test_a_line_in_braces_is_broken_between_names_whatever_comment_follows(tmp_path):
    comment = '  # guessed: the usual topic; nothing was listened to, so that it may be another'
    editor = opened(
        tmp_path,
        'robot: one\ninput: {JOINT_POSITIONS: [shoulder_lift, elbow_joint, wrist_joint]}\n'
        f'output: {{}}\nsources:\n  JOINT_POSITIONS: {{topic: joint_states}}{comment}\n',
    )
    for name in ('shoulder_lift', 'elbow_joint', 'wrist_joint'):
        editor.flip_sign(JOINTS, name)
        editor.move_zero(JOINTS, name, 0.1234)
    own = '{scale: -1.0, offset: 0.1234}'
    assert editor.text.endswith(
        f'  JOINT_POSITIONS: {{topic: joint_states, shoulder_lift: {own},\n'
        f'                    elbow_joint: {own}, wrist_joint: {own}}}{comment}\n'
    )
