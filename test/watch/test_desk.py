"""Keys, the node that they act on, and the confirmation of what may begin a motion."""

import pytest

from helpers.watched_views import BY_ITSELF, ENABLE, view
from neuracore_ros.watch.desk import NOTED_S, PATIENCE_S, READING_S, Desk
from neuracore_ros.watch.requests import NodeRequest
from neuracore_ros.watch.watched import Presence

LATER = READING_S + 0.1


class Sitting:
    """A person at a desk before two nodes, both of which wait for enable."""

    def __init__(self):
        self.sent = []
        self.desk = Desk()
        self.desk.send = lambda node, request: self.sent.append((node, request.value))
        self.now_s = 100.0
        self.views = [
            view('HOLDING', 'why', ENABLE, name=f'/{side}/infer') for side in ('left', 'right')
        ]

    def press(self, *keys, after_s=LATER):
        for key in keys:
            self.now_s += after_s
            self.desk.press(key, self.views, self.now_s)
        return self

    @property
    def said(self):
        return [note.text for note in self.desk.notes]


@pytest.fixture
def sitting():
    return Sitting()


def test_enable_waits_for_y(sitting):
    assert sitting.press('e').sent == []
    assert sitting.desk.question.node == '/left/infer'
    assert sitting.press('y').sent == [('/left/infer', 'enable')]
    assert sitting.press('y').sent == [('/left/infer', 'enable')]


@pytest.mark.parametrize('key', ['n', 'e', '\n', '1', '\t', 'x', '\x1b'])
def test_no_other_key_confirms(sitting, key):
    sitting.press('e', key)
    assert sitting.sent == []
    # Only a second question can be open, and it is another one.
    assert (sitting.desk.question is not None) is (key == 'e')


def test_a_paste_or_a_bouncing_key_confirms_nothing(sitting):
    assert sitting.press('e', 'y', after_s=0.01).sent == []
    assert sitting.said == ['not sent: y came before the question could be read']
    assert sitting.press('y').sent == []


def test_a_stop_goes_at_once_also_while_something_is_asked(sitting):
    assert sitting.press('e', 'd').sent == [('/left/infer', 'disable')]
    assert sitting.press('y').sent == [('/left/infer', 'disable')]


def test_keys_act_on_the_chosen_node_alone(sitting):
    sitting.press('2', 'd', '\t', 'd', '\t', 'd')
    assert [node for node, _ in sitting.sent] == ['/right/infer', '/left/infer', '/right/infer']
    assert sitting.press('3').said == ['there is no node 3']
    assert sitting.desk.chosen == '/right/infer'
    assert sitting.press('0').desk.chosen == '/right/infer'


def test_a_question_never_moves_to_another_node(sitting):
    sitting.press('e', '\t', 'y')
    assert (sitting.sent, sitting.desk.chosen) == ([], '/right/infer')


def test_the_space_bar_disables_all_that_are_there(sitting):
    sitting.views.append(view(name='/gone/infer', presence=Presence.GONE))
    assert sitting.press(' ').sent == [('/left/infer', 'disable'), ('/right/infer', 'disable')]


def test_a_question_is_withdrawn_when_the_node_changes(sitting):
    sitting.press('e')
    sitting.views[0] = view('WAITING', 'why', BY_ITSELF, name='/left/infer')
    assert sitting.press('y').sent == []
    assert sitting.said == ['not sent: /left/infer has changed meanwhile']


def test_a_question_is_withdrawn_when_a_second_node_of_the_name_comes(sitting):
    sitting.press('e')
    sitting.views[0] = view('HOLDING', 'why', ENABLE, name='/left/infer', twins=2)
    assert sitting.press('y').sent == []


def test_a_question_does_not_outlive_the_absence_of_whoever_was_asked(sitting):
    sitting.press('e')
    sitting.desk.leave()
    assert sitting.press('y').sent == []


def test_a_question_is_withdrawn_when_nobody_answers(sitting):
    sitting.press('e').press('y', after_s=PATIENCE_S + 1)
    assert sitting.sent == []
    assert 'nobody confirmed' in sitting.said[0]


def test_a_node_that_is_found_later_changes_neither_numbers_nor_choice(sitting):
    sitting.press('2')
    sitting.views.append(view(name='/a/infer'))
    assert sitting.press('1').desk.chosen == '/left/infer'
    assert sitting.press('3').desk.chosen == '/a/infer'


def test_keys_without_any_node_say_so(sitting):
    sitting.views.clear()
    assert sitting.press('e').said == ["no node has been found; 'enable' was not sent"]
    assert sitting.press(' ').said == ['no node is there to disable']
    assert sitting.press('\t', 'q').desk.has_quit


def test_an_answer_takes_the_place_of_what_was_asked_and_is_forgotten_later(sitting):
    sitting.press('d')
    assert sitting.said == ['/left/infer: disable ...']
    sitting.desk.answer('/left/infer', 'disable: DISABLED')
    assert sitting.said == ['/left/infer: disable: DISABLED']
    sitting.desk.update(sitting.views, sitting.now_s + NOTED_S + 1)
    assert sitting.said == []


def test_every_request_has_a_key(sitting):
    from neuracore_ros.watch.desk import REQUESTS

    assert set(REQUESTS.values()) == set(NodeRequest)
