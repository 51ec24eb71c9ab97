"""Which parts of a recording become episodes."""

import json

import numpy as np
import pytest

from helpers.small_bags import ROS2, Messages, S, at, write_bag
from helpers.two_arms import joint_states
from neuracore_ros.bags.writer import BagWriter
from neuracore_ros.cli.main import main
from neuracore_ros.convert.cutting import (
    IDLE,
    OUTSIDE,
    Cuts,
    Span,
    by_marker,
    by_ranges,
    by_silence,
    overlaps,
    trimmed,
)
from neuracore_ros.dataset.metadata import load_metadata

WHOLE = Span(0, 100 * S)
STRING, JOINT_STATE = 'std_msgs/msg/String', 'sensor_msgs/msg/JointState'
BOOL = ROS2.types['std_msgs/msg/Bool']


def seconds(spans):
    return [(span.start_ns / S, span.end_ns / S, span.outcome) for span in spans]


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        ('start@10 stop@20', [(10, 20, '')]),
        ('start@10 success@20 start@30 discard@40', [(10, 20, 'success'), (30, 40, 'discard')]),
        ('start@10 stop@20 success@22', [(10, 20, 'success')]),
        ('start@10 stop@20 start@25 discard@30', [(10, 20, ''), (25, 30, 'discard')]),
        ('start@10 start@20 stop@30', [(10, 20, ''), (20, 30, '')]),
        ('start@10', [(10, 100, '')]),
        ('discard@40', [(0, 40, 'discard')]),
        ('pause@5 stop@40 start@50 stop@60', [(0, 40, ''), (50, 60, '')]),
        ('hello@5', []),
    ],
)
def test_the_words_of_a_marker_make_spans(words, expected):
    said = [word.split('@') for word in words.split()]
    spans, _ = by_marker([(word, int(t) * S) for word, t in said], WHOLE)
    assert seconds(spans) == expected


def test_words_that_say_nothing_are_told():
    words = [
        ('pause', 1 * S),
        ('pause', 2 * S),
        ('start', 3 * S),
        ('stop', 4 * S),
        ('stop', 5 * S),
    ]
    _, notes = by_marker(words, WHOLE)
    assert notes == ["marker 'pause' is ignored 2 times", "marker 'stop' is ignored 1 times"]
    _, notes = by_marker([('start', 3 * S)], WHOLE)
    assert notes == ['the last episode has no end marker: it ends with the recording']


def test_ranges_count_from_the_start_and_silences_are_between_messages():
    whole = Span(1000 * S, 1010 * S)
    assert by_ranges([(5, 7), (0, 2.5)], whole) == [
        Span(1000 * S, 1002 * S + S // 2),
        Span(1005 * S, 1007 * S),
    ]
    spans = by_silence([1000 * S, 1001 * S, 1005 * S, 1006 * S], 2.0, whole)
    assert spans == [Span(1000 * S, 1001 * S + 1), Span(1005 * S, 1006 * S + 1)]
    assert by_silence([1000 * S, 1009 * S], 20.0, whole) == [whole]


def test_spans_of_two_kinds_leave_what_both_have():
    markers = [Span(0, 10, 'success'), Span(20, 30)]
    assert overlaps(markers, [Span(5, 25)]) == [Span(5, 10, 'success'), Span(20, 25)]


def test_an_idle_start_and_end_are_left_out_but_for_a_margin():
    moving = [t * S for t in (1, 20, 21, 22, 90)]
    kept, idle = trimmed(Span(10 * S, 30 * S, 'success'), moving)
    assert kept == Span(19 * S + S // 2, 22 * S + S // 2 + 1, 'success')
    assert idle == [Span(10 * S, kept.start_ns), Span(kept.end_ns, 30 * S)]
    assert trimmed(Span(30 * S, 80 * S), moving) == (None, [Span(30 * S, 80 * S)])


def test_a_time_belongs_to_an_episode_or_to_none_for_a_reason():
    one, other = Span(10, 20), Span(20, 30)
    found = Cuts((one, other), ((Span(5, 10), IDLE),))
    assert [found.at(t) for t in (4, 5, 10, 19, 20, 29, 30)] == [
        OUTSIDE,
        IDLE,
        one,
        one,
        other,
        other,
        OUTSIDE,
    ]


@pytest.fixture
def cut(tmp_path, convert):
    """Converts a bag of messages; gives exit code, the JSON of the bag, and errors."""

    def run(messages, *options, bag='bag'):
        path = tmp_path / bag
        if not path.exists():
            write_bag(path, messages)
        code, out, error = convert(path, *options, '--json')
        return code, json.loads(out)['bags'][0], error

    return run


def marked(words, topic='/record/episode'):
    """Ten seconds of joints and the words of a marker."""
    said = [word.split('@') for word in words.split()]
    return joint_states(10.0) + [(topic, Messages().string(w), at(float(t))) for w, t in said]


def episodes(tmp_path):
    """(seconds of the first tick, steps, outcome) of each episode."""
    return [
        ((e.start_ns - at(0)) / S, e.steps, e.outcome)
        for e in load_metadata(tmp_path / 'data').episodes
    ]


def test_a_marker_topic_cuts_and_a_discarded_episode_is_left_out_and_counted(tmp_path, cut):
    words = 'start@1 success@2 start@3 discard@5 start@6 stop@8'
    code, report, _ = cut(marked(words, '/marks'), '--marker', '/marks')
    assert code == 0
    assert episodes(tmp_path) == [(1.0, 20, 'success'), (6.0, 40, '')]
    # Ticks run from 0 to 9.98 s.
    assert report['ticks_cut'] == {OUTSIDE: 100, 'discarded by its marker': 40}
    assert (report['ticks'], report['ticks_unusable'], report['steps']) == (60, 0, 60)
    stored = json.loads((tmp_path / 'data/meta/neuracore_ros.json').read_text())
    assert [stored['episodes'][n]['outcome'] for n in '01'] == ['success', '']
    assert stored['bags'][0]['dropped'] == report['ticks_cut']


def test_what_the_recorder_marked_as_discarded_is_never_converted(tmp_path, cut):
    code, report, _ = cut(marked('start@0 discard@9.99'))
    assert code == 0 and not report['episodes']
    assert report['ticks_cut'] == {'discarded by its marker': 200}
    assert cut([])[0] == 0 and not list(tmp_path.glob('data/data/*/*'))


def test_the_marker_of_a_recorder_can_be_left_out_of_account(tmp_path, cut):
    assert cut(marked('start@0 discard@9.99'), '--marker', 'none')[0] == 0
    assert episodes(tmp_path) == [(0.0, 200, '')]


@pytest.mark.parametrize('whole', [True, False])
def test_a_recording_of_our_recorder_keeps_its_outcome(tmp_path, cut, whole):
    marker = '/cell/record/episode'
    writer = BagWriter(tmp_path / 'bag', {marker: STRING, '/joint_states': JOINT_STATE})
    writer.write_text(marker, at(0), 'start')
    for topic, message, log_ns in joint_states(2.0):
        writer.write(topic, log_ns, bytes(ROS2.serialize_cdr(message, JOINT_STATE)))
    if whole:
        writer.write_text(marker, at(2.0), 'success')
        writer.close()
    else:  # the disk was full
        writer.flush()
        writer.close_cut()
    code, report, _ = cut([])
    assert code == 0 and episodes(tmp_path) == [(0.0, 40, 'success' if whole else '')]
    assert bool(report['losses']) == (not whole)


def test_any_other_topic_of_that_name_cuts_nothing(tmp_path, cut):
    assert cut(marked('one@1 two@2'))[0] == 0
    assert episodes(tmp_path) == [(0.0, 200, '')]


def test_a_bool_is_a_marker_and_its_repetitions_say_nothing(tmp_path, cut):
    said = [(1.0, True), (1.5, True), (2.0, False), (2.5, False), (4.0, True), (6.0, False)]
    messages = joint_states(10.0) + [('/pedal', BOOL(value), at(t)) for t, value in said]
    assert cut(messages, '--marker', '/pedal')[0] == 0
    assert episodes(tmp_path) == [(1.0, 20, ''), (4.0, 40, '')]


def test_gaps_cut_even_where_every_tick_is_usable(tmp_path, cut):
    # A sample serves for 0.2 s, so that a silence of 0.15 s costs no tick by itself.
    messages = joint_states(2.0) + joint_states(2.0, start=2.13)
    code, report, _ = cut(messages, '--gap-s', '0.1')
    assert code == 0 and report['ticks_unusable'] == 0
    assert [start for start, _, _ in episodes(tmp_path)] == [0.0, 2.15]


def test_ranges_are_episodes_and_one_beyond_the_end_is_an_error(tmp_path, cut):
    code, report, _ = cut(joint_states(10.0), '--range', '1:2', '--range', '5.5:7')
    assert code == 0 and report['ticks_cut'] == {OUTSIDE: 150}
    assert episodes(tmp_path) == [(1.0, 20, ''), (5.5, 30, '')]
    code, _, error = cut(joint_states(5.0), '--range', '6:7', bag='other')
    assert code == 1 and 'nothing of it lies in --range 6:7; it lasts 5.0 s' in error
    code, _, error = cut([], '--range', '2:4', '--range', '1:3', bag='other')
    assert code == 1 and 'no step can belong to two episodes' in error


def test_idle_starts_and_ends_are_trimmed(tmp_path, cut):
    messages, out = Messages(), []
    for t in np.arange(500) / 50:
        value = float(np.clip(t, 3.0, 6.0))
        out.append(('/joint_states', messages.joints(at(t), a=value, c=0.0), at(t)))
    code, report, _ = cut(out, '--trim-idle', '0.1')
    assert code == 0
    ((start, steps, _),) = episodes(tmp_path)
    assert start == pytest.approx(2.5, abs=0.1) and steps == pytest.approx(81, abs=2)
    assert report['ticks_cut'] == {IDLE: 200 - steps}


def test_the_same_cut_again_adds_nothing_and_another_one_is_refused(tmp_path, cut):
    messages = marked('start@1 stop@2 start@3 stop@4', '/marks')
    assert cut(messages, '--marker', '/marks')[0] == 0
    code, report, _ = cut([], '--marker', '/marks')
    assert code == 0 and report['already_converted'] == 2 and not report['episodes']
    code, _, error = cut([])
    assert code == 1
    assert 'cut with --marker /marks, which cannot become none' in error
    assert len(episodes(tmp_path)) == 2


def test_a_marker_that_is_not_there_names_what_could_be_one(cut):
    code, _, error = cut(marked('start@1', '/marks'), '--marker', '/mark')
    assert code == 1 and 'no marker on /mark (--marker); it has /marks' in error
    code, _, error = cut([], '--marker', '/joint_states')
    assert code == 1 and 'holds sensor_msgs/msg/JointState; give a std_msgs/msg/String' in error
    code, _, error = cut(marked('hello@1', '/marks'), '--marker', '/marks', bag='other')
    assert code == 1 and 'its marker never says start' in error


@pytest.mark.parametrize(
    'option', [('--range', '5'), ('--range', '5:2'), ('--gap-s', '0'), ('--trim-idle', '-1')]
)
def test_wrong_options_of_cutting_exit_with_2(tmp_path, option):
    with pytest.raises(SystemExit) as caught:
        main(['convert', str(tmp_path / 'd'), 'bag', '--description', 'x.yaml', *option])
    assert caught.value.code == 2
