"""The screen as a person reads it, on terminals of any size."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from helpers.watched_views import BY_ITSELF, ENABLE, stream, view
from neuracore_ros.watch.desk import READING_S, Desk
from neuracore_ros.watch.screen import STYLES, ScreenFrame
from neuracore_ros.watch.watched import NodeParameters, OnGraph, Presence

REASON = (
    "joint_states: 'shoulder_pan_joint' (JOINT_POSITIONS index 0) is 1.2 s old; max_age_s is 0.2"
)
HELD = view(
    'HOLDING',
    REASON,
    BY_ITSELF,
    streams=[
        stream(message=REASON, level=b'\x03', rate_hz='0.0', age_s='1.200'),
        stream('/overhead/image_raw', '29.9'),
    ],
    log=['a warning'],
    latency_ms_p50='8.0',
    latency_ms_p99='12.0',
)


def shown(*views, width=100, height=40, keys='', has_keys=True, **options):
    """The lines of a frame after keys."""
    desk = Desk()
    desk.update(views, 0.0)
    for number, key in enumerate(keys, 1):
        desk.press(key, views, number * 2 * READING_S)
    text = io.StringIO()
    console = Console(file=text, width=width, height=height, **options)
    console.print(ScreenFrame('title', views, desk, has_keys), end='')
    return text.getvalue().split('\n')


def read(lines):
    return ' '.join(' '.join(lines).split())


def test_a_held_robot_tells_state_reason_cause_cure_and_figures():
    text = read(shown(HELD))
    for said in (
        '/infer HOLDING',
        f'why {REASON}',
        'next the stream stopped, is slow',
        'it goes on by itself when this is over',
        'moved by nobody',
        'policy policy.pt',
        'latency median 8.0 ms, p99 12.0 ms',
        '/joint_states 0.0 Hz 1.200 s 0 stale',
        '/overhead/image_raw 29.9 Hz 0.010 s 0 ok',
        'log a warning',
        'e enable d disable r reset',
    ):
        assert said in text, text


@pytest.mark.parametrize('width', [20, 60, 80, 200])
@pytest.mark.parametrize('height', [4, 10, 24, 60])
def test_every_line_fits_and_the_keys_are_always_there(width, height):
    lines = shown(HELD, width=width, height=height)
    assert len(lines) == height
    assert max(map(cell_len, lines)) <= width
    assert 'quit' in lines[-1]


def test_on_sixty_columns_a_long_reason_is_wrapped_and_nothing_of_it_is_lost():
    assert f'why {REASON}' in read(shown(HELD, width=60))


def test_a_low_window_says_how_much_is_hidden():
    assert any('more lines in a taller window' in line for line in shown(HELD, height=10))


def test_a_question_stands_alone_at_the_bottom():
    lines = shown(view('HOLDING', 'why', ENABLE), height=10, keys='e')
    assert lines[-1].split() == ['y:', 'yes,', 'do', 'it', 'any', 'other', 'key:', 'no']
    assert 'Enable /infer?' in lines[-2]


@pytest.mark.parametrize(('width', 'height'), [(40, 10), (20, 5), (30, 3)])
def test_in_a_small_window_a_long_question_leaves_the_state_and_the_answer(width, height):
    held = replace(
        view('HOLDING', 'why', ENABLE, robot='long name ' * 9),
        parameters=NodeParameters('/home/me/long name/' * 9, 'ur5.yaml'),
    )
    lines = shown(held, view(name='/b/infer'), width=width, height=height, keys='e')
    assert len(lines) == height
    assert lines[0].startswith('>1 /infer   HOLDING')
    assert lines[1].startswith('Enable /infer?')
    assert lines[-1].endswith('no') or width == 20


def test_two_nodes_stand_above_with_numbers_and_the_chosen_one_is_marked():
    left, right = (view(name=f'/{side}/infer') for side in ('left', 'right'))
    lines = shown(left, right, keys='2')
    assert lines[1].split() == ['1', '/left/infer', 'RUNNING']
    assert lines[2].split() == ['>2', '/right/infer', 'RUNNING']
    assert 'keys act on /right/infer' in read(lines)
    assert 'space disable all' in read(lines)


def test_on_a_narrow_screen_every_node_keeps_its_number_and_its_state():
    held = [view('HOLDING', REASON * 3, BY_ITSELF, name=f'/{side}/infer') for side in ('a', 'b')]
    lines = shown(*held, width=40)
    assert [line.split()[:3] for line in lines[1:3]] == [
        ['>1', '/a/infer', 'HOLDING'],
        ['2', '/b/infer', 'HOLDING'],
    ]


@pytest.mark.parametrize(
    ('presence', 'says'),
    [
        (Presence.ABSENT, 'is ROS_DOMAIN_ID the same there'),
        (Presence.UNCONFIGURED, 'press a to configure and activate it'),
        (Presence.SILENT, 'nothing has been heard of it for 5 s; it was RUNNING'),
        (Presence.GONE, 'the node ended 5 s ago; it was RUNNING'),
    ],
)
def test_a_node_that_is_not_heard_says_so_and_what_to_do(presence, says):
    text = read(shown(view(presence=presence, since_s=5.0)))
    assert f'/infer {presence.value}' in text
    assert says in text
    if presence in (Presence.SILENT, Presence.GONE):
        assert 'what it said last, and may be otherwise by now' in text


def test_no_node_at_all_says_how_to_start_one():
    assert 'infer_node' in read(shown())


def test_text_from_the_network_neither_controls_nor_colours_the_terminal():
    evil = '\x1b[2J[red]x[/red]\r\n\u202e' * 3
    hostile = view('HOLDING', evil, evil, robot=evil, streams=[stream(evil, evil, evil)], log=[])
    text = '\n'.join(shown(hostile, force_terminal=True, color_system='truecolor'))
    assert '\x1b[2J' not in text and '\u202e' not in text and '\r' not in text
    assert '[red]x[/red]' in text


@pytest.mark.parametrize('options', [{'no_color': True}, {'color_system': None}])
def test_without_colour_the_words_say_all(options, monkeypatch):
    text = '\n'.join(shown(HELD, force_terminal=True, **options))
    assert 'HOLDING' in text
    assert '\x1b[31' not in text and '\x1b[1;31' not in text


def test_names_of_any_script_keep_the_columns():
    named = view(robot='ロボット', streams=[stream('/ジョイント'), stream('/łokieć')])
    assert max(map(cell_len, shown(named, width=60))) <= 60


def test_without_a_keyboard_no_keys_are_promised():
    assert 'no keys' in shown(HELD, has_keys=False)[-1]


def test_every_state_has_a_colour():
    from neuracore_ros.runner import State

    assert {*State, 'INACTIVE', 'FOUND'} | {*Presence} - {Presence.HEARD} == {*STYLES}


def test_the_documentation_shows_a_screen_as_it_is():
    reason = REASON.replace('shoulder_pan_joint', 'elbow_joint').replace('0)', '3)')
    reason = reason.replace('1.2 s', '0.4 s')
    figures = {'latency_ms_p50': '27.1', 'latency_ms_p99': '31.0', 'rate_hz': '20.00'}
    figures |= {'worst_gap_s': '0.052', 'late': 0, 'holds': 1, 'clamps': 0, 'commands': 812}
    streams = [
        stream('joint_states', '0.0', '0.412', level=b'\x03', message=reason),
        stream('overhead/image_raw', '30.0', '0.021'),
    ]
    left = replace(
        view('HOLDING', reason, BY_ITSELF, name='/left/infer', streams=streams, **figures),
        parameters=NodeParameters('/home/me/policy.pt', '/home/me/ur5.yaml'),
        graph=OnGraph(True, 1, ('/left/arm_controller/joint_trajectory',)),
    )
    page = (Path(__file__).parents[2] / 'docs' / 'watch.md').read_text()
    (sample,) = re.findall(r'```text\n(neuracore_ros watch .*?)```', page, re.DOTALL)
    lines = shown(left, view(name='/right/infer'), height=24)
    assert [line.rstrip() for line in lines[1:]] == sample.splitlines()[1:]
