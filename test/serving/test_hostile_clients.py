"""Clients that flood, stall, lie and vanish: the others are answered, and memory has an end."""

import errno
import http.client
import io
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from helpers.raw_socket import BINARY, CONTINUED, PING, TEXT, RawSocket, frame
from helpers.served import client, packed, serving, unpacked
from helpers.waiting import stays, wait_until
from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.policy import Policy
from neuracore_ros.serving import connection, server
from neuracore_ros.serving.log import print_line

HORIZON = 10_000
"""So that an answer has 120 kB, and what is not read soon fills all buffers."""


def request(number=0):
    return {'JOINT_POSITIONS': np.full(3, number, np.float32)}


class Gate:
    """A model that runs while its gate is open, and keeps who asked."""

    def __init__(self):
        self.manifest = Manifest(
            {DataType.JOINT_POSITIONS: InputSlots(3, (0, 1, 2))},
            {DataType.JOINT_TARGET_POSITIONS: OutputSlots(3, (0, 1, 2))},
            rate_hz=20.0,
            horizon=HORIZON,
        )
        self.open, self.seen = threading.Event(), []
        self.open.set()

    def run(self, inputs, valid):
        self.seen.append(int(inputs['JOINT_POSITIONS'][0, 0, 0]))
        assert self.open.wait(30)
        return {'JOINT_TARGET_POSITIONS': np.zeros((1, HORIZON, 3), np.float32)}


@pytest.fixture
def model():
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
def running(model):
    with serving(Policy(model, 'ab' * 32)) as found:
        yield found


@pytest.fixture
def good(running):
    with client(running.address) as found:
        yield found


def is_answered(good):
    return good.ask(request(1))['actions']['JOINT_TARGET_POSITIONS'].shape == (HORIZON, 3)


def test_a_client_that_never_reads_is_not_read_any_more(running, good, model):
    with RawSocket(running.port, patience_s=1.0) as flood:
        with pytest.raises(TimeoutError):
            while True:
                flood.send(frame(packed(request(7))) * 100)
        asked = len(model.seen)
        # Of requests and answers, only what kernels buffer and one of each.
        assert asked < 2000
        assert is_answered(good)
        stays(lambda: model.seen.count(7) <= asked + 1, 0.2)
    assert is_answered(good)


def test_a_client_that_does_not_take_its_answers_is_dropped(running, good, monkeypatch):
    monkeypatch.setattr(connection, '_UNTAKEN_S', 0.3)
    with RawSocket(running.port) as flood:
        flood.send(frame(packed(request())) * 200)
        wait_until(lambda: any('gone after' in line for line in running.lines), 30, 'its end')
    assert is_answered(good)


def test_a_client_that_reads_late_gets_every_answer(running, good, model):
    with client(running.address) as late:
        # 24 MB of answers, for which the server has to wait until they are read.
        for number in range(200):
            late.socket.send(packed(request(number) | {'request_id': number}))
        stays(lambda: len(model.seen) < 200, 0.2)
        answers = [unpacked(late.socket.recv(30)) for _ in range(200)]
    assert [answer['request_id'] for answer in answers] == [*range(200)]
    assert is_answered(good)


def test_pings_whose_answers_nobody_reads_fill_no_memory(running, good):
    # 50 MB, several times of what kernels buffer.
    with RawSocket(running.port) as flood, pytest.raises(ConnectionError):
        for _ in range(400):
            flood.send(frame(b'x' * 125, PING) * 1000)
    assert is_answered(good)


def test_half_a_frame_keeps_nobody_waiting(running, good):
    whole = frame(packed(request(7)))
    for part in (1, 5, 10, len(whole) - 1):
        with RawSocket(running.port) as half:
            half.send(whole[:part])
            assert is_answered(good)
        assert is_answered(good)


def test_a_message_in_many_frames_is_one(running, model):
    data = packed(request(7))
    with RawSocket(running.port) as slow:
        slow.send(frame(data[:1], BINARY, last=False))
        for byte in data[1:-1]:
            slow.send(frame(bytes([byte]), CONTINUED, last=False))
        slow.send(frame(data[-1:], CONTINUED))
        wait_until(lambda: 7 in model.seen, 30, 'its request')


@pytest.mark.parametrize(
    ('sent', 'code'),
    [
        (frame(b'', length=2**62), 1009),
        (frame(bytes(20 * 2**20)), 1009),
        (frame(b'\xff\xfe', TEXT), 1007),
        (frame(b'', opcode=5), 1002),
        (b'\x82\x01\x00', 1002),  # Without the mask that a client must use.
        (b'\xff' * 100, 1002),
        (frame(b'a', CONTINUED), 1002),
        (frame(b'x' * 126, PING), 1002),
    ],
)
def test_frames_that_none_may_send_end_that_connection_alone(running, good, sent, code):
    with RawSocket(running.port) as liar:
        liar.send(sent)
        # A frame of closing: its kind, its length, its code.
        assert code.to_bytes(2, 'big') in liar.until_dropped()[-130:]
    assert is_answered(good)


def test_a_handshake_that_never_ends_does(running, good, monkeypatch):
    with RawSocket(running.port, greet=False) as slow:
        slow.send(b'GET / HTTP/1.1\r\nX: ')
        assert is_answered(good)
    with RawSocket(running.port, greet=False) as slow:
        slow.send(b'GET / HTTP/1.1\r\n' + b'X: y\r\n' * 100_000)
        slow.until_dropped()
    assert is_answered(good)


def test_a_client_that_says_nothing_is_dropped_in_time(model, monkeypatch):
    monkeypatch.setattr(server, '_HANDSHAKE_S', 0.2)
    with serving(Policy(model, '')) as running, RawSocket(running.port, greet=False) as slow:
        slow.until_dropped()
        with client(running.address) as good:
            assert is_answered(good)


def test_of_hundreds_of_connections_most_are_dropped(running, good):
    opened = []
    try:
        for _ in range(300):
            opened.append(socket.create_connection(('127.0.0.1', running.port)))
        assert is_answered(good)
        assert len(running.sockets) <= connection.MOST_SOCKETS
    finally:
        for each in opened:
            each.close()
    wait_until(lambda: len(running.sockets) == 1, 30, 'their end')
    with client(running.address) as other:
        assert is_answered(other)


def test_a_client_too_many_is_told_so_until_another_leaves(running, monkeypatch):
    monkeypatch.setattr(server, 'MOST_CLIENTS', 2)
    with client(running.address) as first:
        with client(running.address) as second:
            with pytest.raises(InvalidStatus) as refused, client(running.address):
                pass
            assert refused.value.response.status_code == 503
            assert refused.value.response.body == b'has 2 clients already\n'
            assert is_answered(first) and is_answered(second)
        wait_until(lambda: len(running.sockets) == 1, 30, 'its end')
        with client(running.address) as third:
            assert is_answered(third)


def test_a_request_whose_client_has_gone_is_not_computed(running, good, model):
    model.open.clear()
    good.socket.send(packed(request(1)))
    wait_until(lambda: model.seen, 30, 'the first request')
    for number in range(5):
        with RawSocket(running.port) as impatient:
            impatient.send(frame(packed(request(70 + number))))
            wait_until(lambda: len(running.sockets) == 2, 30, 'it')
        wait_until(lambda: len(running.sockets) == 1, 30, 'its end')
    model.open.set()
    good.socket.recv(30)
    assert is_answered(good)
    assert model.seen == [1, 1]


def test_each_client_has_its_turn_however_much_another_asks(running, good, model):
    model.open.clear()
    with RawSocket(running.port) as greedy:
        greedy.send(frame(packed(request(7))) * 20)
        wait_until(lambda: model.seen, 30, 'the first request')
        good.socket.send(packed(request(1)))
        time.sleep(0.2)  # For it to arrive, behind those that are there already.
        model.open.set()
        good.socket.recv(30)
        assert model.seen.index(1) <= 2


def test_each_of_many_clients_gets_its_own_answers(model, running):
    def own(inputs, valid):
        newest = inputs['JOINT_POSITIONS'][:, -1:]
        return {'JOINT_TARGET_POSITIONS': np.repeat(newest, HORIZON, axis=1)}

    model.run = own

    def ask(number):
        with client(running.address) as found:
            for turn in range(20):
                message = request(1000 * number + turn) | {'request_id': turn}
                answer = found.ask(message)
                assert answer['request_id'] == turn
                assert (answer['actions']['JOINT_TARGET_POSITIONS'] == 1000 * number + turn).all()
        return True

    with ThreadPoolExecutor(10) as pool:
        assert all(pool.map(ask, range(10)))


def test_a_page_in_a_browser_is_no_client(running):
    with (
        pytest.raises(InvalidStatus) as refused,
        client(running.address, additional_headers={'Origin': 'http://evil.example'}),
    ):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    'headers',
    [
        {},
        {'Authorization': 'Api-Key wrong'},
        {'Authorization': 'Api-Key '},
        {'Authorization': 'secret'},
        {'Authorization': 'Bearer secret'},
        {'Authorization': 'api-key secret'},
        [('Authorization', 'Api-Key secret'), ('Authorization', 'Api-Key wrong')],
    ],
)
def test_without_the_key_there_is_no_metadata_and_no_answer(model, headers):
    with serving(Policy(model, ''), api_key='secret') as running:
        with (
            pytest.raises(InvalidStatus) as refused,
            client(running.address, additional_headers=headers),
        ):
            pass
        assert refused.value.response.status_code == 401
        plain = http.client.HTTPConnection('127.0.0.1', running.port, timeout=30)
        plain.request('GET', '/healthz')
        answer = plain.getresponse()
        assert (answer.status, answer.read()) == (200, b'OK\n')
        with client(
            running.address, additional_headers={'Authorization': 'Api-Key secret'}
        ) as good:
            assert is_answered(good)
        assert not any('secret' in line for line in running.lines)


def test_a_log_that_nobody_takes_keeps_no_client_out(model, monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(errno.ENOSPC, 'No space left on device')

    with serving(Policy(model, ''), say=print_line) as running, monkeypatch.context() as patched:
        patched.setattr('sys.stderr', Full())
        with client(running.address) as good:
            assert is_answered(good)


def test_a_server_that_ends_says_goodbye(model):
    with serving(Policy(model, '')) as running, client(running.address) as good:
        running.close()
        with pytest.raises(ConnectionClosed) as closed:
            good.socket.recv(30)
        assert closed.value.rcvd.code == 1001
