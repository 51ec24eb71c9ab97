"""The time of a request is told apart: what the server needed, and what the way to it took."""

import math
import time

import numpy as np
import pytest

from neuracore_ros.policy.remote.server_link import ServerLink


class Connection:
    """A connection that gives an answer after 20 ms."""

    def __init__(self, answer):
        self.answer, self.is_closed = answer, False

    def ask(self, message, deadline_s):
        time.sleep(0.02)
        return self.answer

    def close(self):
        self.is_closed = True


def trip(answer):
    link = ServerLink(Connection(answer))
    assert link.newest is None
    assert link.ask({}, 1.0) is answer
    return link.newest


@pytest.mark.parametrize('told', [15.0, 15, np.float32(15.0), np.int64(15)])
def test_what_the_server_tells_is_taken_from_the_whole(told):
    newest = trip({'actions': 0, 'server_timing': {'infer_ms': told}})
    assert newest.server_s == pytest.approx(0.015)
    assert newest.network_s == pytest.approx(newest.taken_s - 0.015)
    assert newest.taken_s >= 0.02


@pytest.mark.parametrize(
    'answer',
    [
        {'actions': 0},
        {'server_timing': 3},
        {'server_timing': {}},
        {'server_timing': {'infer_ms': 'fast'}},
        {'server_timing': {'infer_ms': None}},
        {'server_timing': {'infer_ms': math.nan}},
        {'server_timing': {'infer_ms': -1.0}},
        [1, 2],
    ],
)
def test_a_server_that_does_not_tell_its_time_has_no_share(answer):
    assert math.isnan(trip(answer).network_s)


def test_a_server_that_tells_more_than_all_leaves_nothing_for_the_network():
    assert trip({'server_timing': {'infer_ms': 1e6}}).network_s == 0.0


def test_a_link_closes_its_connection():
    connection = Connection({})
    ServerLink(connection).close()
    assert connection.is_closed
