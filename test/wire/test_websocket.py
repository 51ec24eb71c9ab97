"""A connection keeps its deadline, and never takes an answer for that of another request."""

import errno
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from websockets.utils import accept_key

from helpers.scripted_server import scripted_server
from helpers.waiting import wait_until
from neuracore_ros.errors import WireError
from neuracore_ros.wire.causes import cause_of
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
        ('a\n' * 900 + 'enough', 'the server failed: enough'),
        (b'\xc1', 'the answer is no MessagePack'),
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


@pytest.mark.parametrize('frame', [b'\x89\x00', b'\x00\x00', b'\x8a\x00'])
def test_frames_that_are_no_answer_do_not_keep_a_request_beyond_its_deadline(frame):
    def flood(connection, request):
        if frame == b'\x00\x00':
            connection.socket.sendall(b'\x02\x00')
        # Whoever does not read is sent answers to pings without end.
        with suppress(OSError):
            while True:
                connection.socket.sendall(frame * 2**14)

    with scripted_server(flood) as server:
        connection = connect(server)
        start_s = time.monotonic()
        with pytest.raises(WireError, match='frames that are no answer|too many fragments'):
            connection.ask({}, 20.0)
        assert time.monotonic() - start_s < 20.0
        server.answer = echo
        assert connection.ask({'n': 1}, 20.0) == {'n': 1}


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


def test_a_server_cannot_send_the_robot_on_to_another_one():
    def redirect(listening, elsewhere):
        client = listening.accept()[0]
        client.recv(4096)
        there = f'HTTP/1.1 302 Found\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n'
        client.sendall(there.encode())
        client.close()

    with scripted_server(echo) as server, socket.socket() as listening:
        listening.bind(('127.0.0.1', 0))
        listening.listen()
        words = [listening, server.address]
        threading.Thread(target=redirect, args=words, daemon=True).start()
        address = f'ws://127.0.0.1:{listening.getsockname()[1]}'
        with pytest.raises(WireError, match='answers HTTP 302'):
            WebSocketConnection(address, api_key='secret').open(5.0)
        assert server.headers == []


@pytest.mark.parametrize(
    ('number', 'words'),
    [
        (errno.ECONNREFUSED, 'nothing listens there'),
        (errno.EHOSTUNREACH, 'No route to host'),
        (errno.ENETUNREACH, 'Network is unreachable'),
    ],
)
def test_what_the_system_says_of_an_address_is_said(number, words):
    # As asyncio words it, for one address and for several of a host.
    one = OSError(number, "Connect call failed ('10.0.0.1', 8000)")
    assert words in cause_of(one)
    assert words in cause_of(OSError(f'Multiple exceptions: {one}, {one}')) or number != 111


def left_over():
    """Threads of connections, and open files of this process."""
    threads = [t for t in threading.enumerate() if t.name.startswith(('websocket', 'asyncio'))]
    return len(threads), len(list(Path('/proc/self/fd').iterdir()))


def test_connections_that_are_closed_leave_no_thread_and_no_file():
    with scripted_server(echo) as server, socket.socket() as silent:
        silent.bind(('127.0.0.1', 0))
        silent.listen()
        before = left_over()
        for _ in range(10):
            good, hung = connect(server), connect(server)
            hung.address = f'ws://127.0.0.1:{silent.getsockname()[1]}'
            assert good.ask({}, 5.0) == {}
            with pytest.raises(WireError, match='no answer'):
                hung.ask({}, 0.05)
            for connection in (good, hung):
                connection.close()
                connection.close()
        # The server's ends are files of this process, too.
        wait_until(lambda: left_over() <= before, 5.0, lambda: f'{before}, not {left_over()}')


@pytest.mark.parametrize('stage', ['connecting', 'waiting'])
def test_closing_ends_a_request_that_hangs(stage):
    release = threading.Event()

    def hang(connection, frame):
        release.wait(30)

    caught = []

    def ask(connection):
        try:
            connection.ask({}, 30.0)
        except WireError as error:
            caught.append(str(error))

    with scripted_server(hang, None if stage == 'connecting' else ()) as server:
        connection = connect(server)
        asking = threading.Thread(target=ask, args=[connection])
        asking.start()
        wait_until(lambda: server.headers, 5.0, 'a connection')
        time.sleep(0.1)
        connection.close()
        asking.join(5.0)
        release.set()
    assert not asking.is_alive()
    assert caught and ('closed' in caught[0] or 'given back' in caught[0])
    with pytest.raises(WireError, match='the connection was given back'):
        connection.ask({}, 5.0)
