"""A connection keeps its deadline, and never takes an answer for that of another request."""

import socket
import threading
import time

import numpy as np
import pytest
from websockets.utils import accept_key

from helpers.scripted_server import scripted_server
from neuracore_ros.errors import WireError
from neuracore_ros.wire.packing import pack
from neuracore_ros.wire.websocket import WebSocketConnection


def echo(connection, frame):
    return frame


def connect(server, **options):
    return WebSocketConnection(server.address, **options)


def test_a_request_is_answered_by_its_own_answer():
    with scripted_server(echo, {'name': 'echo'}) as server:
        connection = connect(server, api_key='secret')
        for number in range(5):
            assert connection.ask({'n': number, 'x': np.arange(3)}, 5.0)['n'] == number
        assert connection.metadata == {'name': 'echo'}
        assert len(server.headers) == 1
        assert server.headers[0]['Authorization'] == 'Api-Key secret'
        connection.close()


def test_after_a_timeout_no_answer_is_one_behind():
    slow = [True]

    def answer(connection, frame):
        if slow[0]:
            slow[0] = False
            time.sleep(0.5)
        return frame

    with scripted_server(answer) as server:
        connection = connect(server)
        with pytest.raises(WireError, match='no answer within 0.2 s'):
            connection.ask({'n': 0}, 0.2)
        for number in range(1, 5):
            assert connection.ask({'n': number}, 5.0)['n'] == number


@pytest.mark.parametrize(
    ('frame', 'words'),
    [
        ('Traceback:\n  File x\nValueError: no state', 'the server failed: ValueError: no state'),
        ('', 'the server failed: it says nothing'),
        (b'\xc1', 'the answer is no MessagePack'),
        (pack([1]), 'the answer holds'),
        (b'\x00' * 3000, 'a frame that is too large'),
    ],
)
def test_an_answer_that_is_none_is_one_line_and_the_next_request_is_answered(frame, words):
    answers = iter([frame])
    with scripted_server(lambda connection, request: next(answers, request)) as server:
        connection = connect(server, most_bytes=2000)
        with pytest.raises(WireError, match=words) as caught:
            connection.ask({'n': 0}, 5.0)
        assert server.address in str(caught.value) and '\n' not in str(caught.value)
        assert connection.ask({'n': 1}, 5.0) == {'n': 1}


def test_a_server_that_closes_between_requests_is_connected_again():
    with scripted_server(
        lambda connection, frame: connection.send(frame) or connection.close()
    ) as s:
        connection = connect(s)
        for number in range(3):
            assert connection.ask({'n': number}, 5.0)['n'] == number
            time.sleep(0.1)
        assert len(s.headers) == 3


def test_a_server_that_closes_in_a_request_is_an_error():
    with scripted_server(
        lambda connection, frame: connection.close(1011, 'out of memory')
    ) as server:
        connection = connect(server)
        with pytest.raises(WireError, match='closed the connection: 1011 out of memory'):
            connection.ask({}, 5.0)


def test_frames_that_nobody_asked_for_are_never_taken_for_an_answer():
    def answer(connection, frame):
        connection.send(frame)
        return frame

    with scripted_server(answer) as server:
        connection = connect(server)
        assert connection.ask({'n': 0}, 5.0)['n'] == 0
        time.sleep(0.1)
        with pytest.raises(WireError, match='a frame that nobody asked for'):
            connection.ask({'n': 1}, 5.0)
        assert connection.ask({'n': 2}, 5.0)['n'] == 2


def test_a_server_that_does_not_read_keeps_nobody_beyond_the_deadline():
    def shake_hands(listening):
        client = listening.accept()[0]
        request = client.recv(4096).decode()
        key = request.split('Sec-WebSocket-Key: ')[1].split()[0]
        client.sendall(
            b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
            b'Sec-WebSocket-Accept: ' + accept_key(key).encode() + b'\r\n\r\n\x82\x01\x80'
        )
        clients.append(client)  # Whose socket stays open, and is never read.

    clients = []
    with socket.socket() as listening:
        listening.bind(('127.0.0.1', 0))
        listening.listen()
        threading.Thread(target=shake_hands, args=[listening], daemon=True).start()
        connection = WebSocketConnection(f'ws://127.0.0.1:{listening.getsockname()[1]}')
        connection.open(5.0)
        with pytest.raises(WireError, match='no answer within 0.5 s'):
            connection.ask({'x': np.zeros(30_000_000, np.uint8)}, 0.5)
        clients[0].close()


def test_a_server_that_floods_is_cut_off():
    def flood(connection, frame):
        while True:
            connection.send(pack({'n': 0}))

    with scripted_server(flood) as server:
        connection = connect(server)
        connection.ask({}, 5.0)
        with pytest.raises(WireError):
            connection.ask({}, 5.0)


@pytest.mark.parametrize('deadline_s', [0.0, -1.0])
def test_a_deadline_that_has_passed_is_an_error(deadline_s):
    with scripted_server(echo) as server, pytest.raises(WireError, match='no answer within'):
        connect(server).ask({}, deadline_s)


def test_nothing_that_listens_is_said():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        address = f'ws://127.0.0.1:{taken.getsockname()[1]}'
        with pytest.raises(WireError, match='nothing listens there'):
            WebSocketConnection(address).open(5.0)


def test_something_that_listens_and_says_nothing_is_given_up():
    with socket.socket() as silent:
        silent.bind(('127.0.0.1', 0))
        silent.listen()
        address = f'ws://127.0.0.1:{silent.getsockname()[1]}'
        with pytest.raises(WireError, match='no answer within 0.3 s'):
            WebSocketConnection(address).open(0.3)


@pytest.mark.parametrize(
    ('address', 'words'),
    [
        ('ws://', 'is no address'),
        ('ws://no-such-host.invalid:8000', 'no-such-host'),
        ('ws://127.0.0.1:99999', '99999|is no address'),
    ],
)
def test_an_address_that_is_none_is_said(address, words):
    with pytest.raises(WireError, match=words) as caught:
        WebSocketConnection(address).open(10.0)
    assert '\n' not in str(caught.value)


def test_a_first_frame_that_is_no_metadata_is_said():
    for first, words in (
        (b'\xc1', 'is no policy server: its first frame'),
        ('not today', 'refuses: not today'),
    ):
        with scripted_server(echo, first) as server, pytest.raises(WireError, match=words):
            connect(server).open(5.0)


def test_a_greeting_may_refuse_a_server():
    def greet(metadata):
        raise WireError('not this one')

    with scripted_server(echo) as server:
        connection = connect(server, greet=greet)
        for _ in range(2):
            with pytest.raises(WireError, match='not this one'):
                connection.ask({}, 5.0)
