"""Callbacks of a page: one at a time, errors told in one line, and an end."""

import threading

import pytest

pytest.importorskip('viser')

from neuracore_ros.errors import UserError
from neuracore_ros.viewer.callbacks import Callbacks


def test_an_error_of_a_user_is_told_and_the_next_callback_works():
    told, done = [], []
    callbacks = Callbacks(told.append)

    def fail():
        raise UserError('no')

    callbacks(fail)(None)
    callbacks(lambda: done.append(1))(None)
    assert (told, done) == (['no'], [1])


def test_what_the_page_sets_itself_calls_nothing_back():
    done = []
    callbacks = Callbacks(print)
    callback = callbacks(lambda: done.append(1))
    with callbacks.quiet():
        callback(None)
    assert done == []


def test_an_end_waits_for_the_callback_that_works_and_lets_none_follow():
    done, began, may_go_on = [], threading.Event(), threading.Event()
    callbacks = Callbacks(print)

    def save():
        began.set()
        assert may_go_on.wait(30)
        done.append('whole')

    def end():
        callbacks.end()
        done.append('ended')

    threads = [
        threading.Thread(target=callbacks(save), args=(None,)),
        threading.Thread(target=end),
    ]
    threads[0].start()
    assert began.wait(30)
    threads[1].start()
    may_go_on.set()
    for thread in threads:
        thread.join(30)
    callbacks(lambda: done.append('late'))(None)
    assert done == ['whole', 'ended']
