"""Requests to GR00T's servers over real sockets, and all that a server can do wrong."""

import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgpack
import numpy as np
import pytest
import zmq

from helpers.gr00t_servers import PING, Gr00tServer, misbehaving, to_bytes
from helpers.waiting import wait_until
from neuracore_ros.errors import WireError
from neuracore_ros.wire.npy_packing import pack_npy
from neuracore_ros.wire.zeromq import ZeroMqConnection

PATIENCE_S = 20.0
SOON_S = 0.3
ASK = {'endpoint': 'ping'}


def connection(address, **options):
    return closing(ZeroMqConnection(address, **options))


def failure(connection, deadline_s=PATIENCE_S, message=ASK):
    with pytest.raises(WireError) as error:
        connection.ask(message, deadline_s)
    assert '\n' not in str(error.value)
    assert str(error.value).startswith(connection.address)
    return str(error.value)


@contextmanager
def tcp_server(answer):
    """A plain TCP server that calls ``answer`` with each connection."""
    listening = socket.create_server(('127.0.0.1', 0))
    kept = []

    def run():
        while True:
            try:
                kept.append(listening.accept()[0])
            except OSError:
                return
            # Who hangs up early is what is tested.
            with suppress(OSError):
                answer(kept[-1])

    threading.Thread(target=run, daemon=True).start()
    try:
        yield f'tcp://127.0.0.1:{listening.getsockname()[1]}'
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for each in kept:
            each.close()


def test_a_request_is_answered_again_and_again():
    with Gr00tServer() as server, connection(server.address) as asking:
        server.endpoints['get_action'] = lambda observation, options: [
            {'arm': observation['state'] + 1},
            {},
        ]
        for number in range(3):
            data = {'observation': {'state': np.float32([[number]])}, 'options': None}
            action, info = asking.ask({'endpoint': 'get_action', 'data': data}, PATIENCE_S)
            assert action['arm'].tolist() == [[number + 1]]
            assert action['arm'].dtype == np.float32
            assert info == {}
        assert asking.ask(ASK, PATIENCE_S) == PING


def test_the_message_on_the_wire_is_that_of_the_official_client():
    seen = []

    def answer(router, frames):
        seen.append(frames[3])
        router.send_multipart([*frames[:3], to_bytes(PING)])

    with misbehaving(answer) as address:
        with connection(address) as asking:
            asking.ask(ASK, PATIENCE_S)
        with connection(address, token='secret') as asking:
            asking.ask({'endpoint': 'reset', 'data': {'options': None}}, PATIENCE_S)
    assert seen == [
        b'\x81\xa8endpoint\xa4ping',
        b'\x83\xa8endpoint\xa5reset\xa4data\x81\xa7options\xc0\xa9api_token\xa6secret',
    ]


def test_a_wrong_token_is_refused_by_the_server_and_the_cure_is_named():
    with Gr00tServer(token='secret') as server:
        with connection(server.address, token='secret') as asking:
            assert asking.ask(ASK, PATIENCE_S) == PING
        with connection(server.address, token='wrong') as asking:
            assert 'Invalid API token: set NEURACORE_ROS_API_KEY to the server' in failure(asking)
            assert 'wrong' not in failure(asking)


def test_an_error_of_the_server_is_told_and_the_next_request_goes_over_the_same_connection():
    def fail(**data):
        raise ValueError(f'no arm\nbut {"x" * 5000}')

    with Gr00tServer() as server:
        server.endpoints['get_action'] = fail
        with connection(server.address) as asking:
            assert asking.ask(ASK, PATIENCE_S) == PING
            link = asking._link
            message = failure(asking, message={'endpoint': 'get_action', 'data': {}})
            assert message == f'{server.address}: the server failed: no arm'
            assert 'Unknown endpoint: nothing' in failure(asking, message={'endpoint': 'nothing'})
            assert asking.ask(ASK, PATIENCE_S) == PING
            assert asking._link is link


def test_where_nothing_listens_a_request_fails_before_its_deadline():
    with socket.create_server(('127.0.0.1', 0)) as listening:
        port = listening.getsockname()[1]
    with connection(f'tcp://127.0.0.1:{port}') as asking:
        start_s = time.monotonic()
        assert 'nothing listens there: start the server' in failure(asking, 60.0)
        assert 'nothing listens there: start the server' in failure(asking, 60.0)
        assert time.monotonic() - start_s < 30
        with Gr00tServer(port=port):
            assert asking.ask(ASK, PATIENCE_S) == PING


def test_a_name_that_no_host_has_is_told():
    with connection('tcp://no-such-host.invalid:5555') as asking:
        assert failure(asking) in {
            f'{asking.address}: no host has this name, or it cannot be reached',
            f'{asking.address}: cannot be reached within {PATIENCE_S:g} s',
        }


@pytest.mark.parametrize(
    'address',
    [
        'tcp://gpu-box', 'tcp://gpu-box:0', 'tcp://gpu-box:65536', 'tcp://:5555', 'tcp://*:5555',
        'tcp://gpu-box:5555/path', 'tcp://a;b:5555', 'tcp://user@gpu-box:5555', 'ws://gpu-box:5555',
        'ipc:///tmp/socket', 'inproc://there', 'tcp://::1:5555', 'tcp://gpu box:5555', '',
        'tcp://gpu-box:5555\n', 'tcp://gpu-box:\u0665\u0665',
    ],
)  # fmt: skip
def test_an_address_of_another_form_is_refused(address):
    with pytest.raises(WireError, match='one is tcp://host:5555'):
        ZeroMqConnection(address)


def test_a_server_of_ipv6_is_asked_too():
    try:
        socket.create_server(('::1', 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip('this machine has no IPv6')
    with zmq.Context.instance().socket(zmq.REP) as server:
        server.setsockopt(zmq.IPV6, 1)
        port = server.bind_to_random_port('tcp://[::1]')
        with connection(f'tcp://[::1]:{port}') as asking:
            answering = threading.Thread(target=lambda: (server.recv(), server.send(b'\x01')))
            answering.start()
            assert asking.ask(ASK, PATIENCE_S) == 1
            answering.join()


def test_after_a_timeout_the_next_answer_is_its_own_and_not_the_late_one():
    late = threading.Event()

    def answer(router, frames):
        number = msgpack.unpackb(frames[3])['number']
        if number == 0:
            late.wait(PATIENCE_S)
        router.send_multipart([*frames[:3], pack_npy(number)])

    with misbehaving(answer) as address, connection(address) as asking:
        assert failure(asking, SOON_S, {'number': 0}).endswith('no answer within 0.3 s')
        late.set()
        assert [asking.ask({'number': n}, PATIENCE_S) for n in (1, 2, 3)] == [1, 2, 3]


def test_several_answers_to_one_request_are_none_to_the_next():
    """The second comes when the next request has been sent, and would be taken for its answer."""

    def answer(router, frames):
        router.send_multipart([*before[:3], pack_npy('of the one before')]) if before else None
        router.send_multipart([*frames[:3], pack_npy(msgpack.unpackb(frames[3])['number'])])
        before[:] = frames

    before = []
    with misbehaving(answer) as address, connection(address) as asking:
        assert [asking.ask({'number': n}, PATIENCE_S) for n in range(5)] == [0, 1, 2, 3, 4]


def test_a_deadline_of_nothing_or_less_is_over_at_once():
    with Gr00tServer() as server, connection(server.address) as asking:
        for deadline_s in (0.0, -1.0):
            assert 'within' in failure(asking, deadline_s)
        assert asking.ask(ASK, PATIENCE_S) == PING


@pytest.mark.parametrize(
    ('answers', 'said'),
    [
        ([b'ERROR'], 'the answer is no MessagePack'),
        ([b''], 'the answer is no MessagePack'),
        ([b'\x93NUMPY'], 'the answer is no MessagePack'),
        ([b'\x01', b'\x02'], 'answered with 2 frames; it must be one'),
        ([b'\x01'] * 1000, 'answered with 1000 frames; it must be one'),
        ([to_bytes({'error': None})], 'the server failed: None'),
        ([to_bytes({'error': ''})], 'the server failed: it says nothing'),
        ([to_bytes({'error': '\x1b[2J\n' * 9})], r'the server failed: \x1b[2J'),
    ],
)
def test_an_answer_that_is_none_is_an_error_and_the_next_is_good(answers, said):
    good = threading.Event()

    def answer(router, frames):
        router.send_multipart([*frames[:3], *([pack_npy(1)] if good.is_set() else answers)])

    with misbehaving(answer) as address, connection(address) as asking:
        assert said in failure(asking)
        good.set()
        assert asking.ask(ASK, PATIENCE_S) == 1


def test_an_answer_larger_than_the_bound_is_not_read():
    def answer(router, frames):
        router.send_multipart([*frames[:3], bytes(size[0])])

    size = [2**20 + 1]
    with misbehaving(answer) as address, connection(address, most_bytes=2**20) as asking:
        assert 'or answered with more than 1 MiB' in failure(asking)
        size[0] = 1
        assert asking.ask(ASK, PATIENCE_S) == 0


def test_a_frame_that_claims_two_gigabytes_is_not_waited_for():
    """Its first bytes are as libzmq's greeting, and then the header of a frame."""
    greeting = b'\xff' + bytes(8) + b'\x7f\x03\x00NULL' + bytes(16 + 1 + 31)
    ready = b'\x05READY\x0bSocket-Type\x00\x00\x00\x06ROUTER\x08Identity\x00\x00\x00\x00'
    frame = b'\x02' + (2 * 2**30).to_bytes(8, 'big')

    def answer(tcp):
        tcp.sendall(greeting + b'\x04' + bytes([len(ready)]) + ready)
        heard = b''
        while b'ping' not in heard:
            heard += tcp.recv(1000)
        tcp.sendall(frame + bytes(1000))

    with tcp_server(answer) as address, connection(address) as asking:
        assert 'or answered with more than 16 MiB' in failure(asking)


def test_an_answer_of_endless_frames_is_cut_off():
    """Each is small; ZeroMQ keeps them until the last one has come."""
    greeting = b'\xff' + bytes(8) + b'\x7f\x03\x00NULL' + bytes(16 + 1 + 31)
    ready = b'\x05READY\x0bSocket-Type\x00\x00\x00\x06ROUTER\x08Identity\x00\x00\x00\x00'

    def answer(tcp):
        tcp.sendall(greeting + b'\x04' + bytes([len(ready)]) + ready)
        heard = b''
        while b'ping' not in heard:
            heard += tcp.recv(1000)
        # The number of the request, and an empty frame, stand before the message.
        begin = heard.index(b'\x01\x04')
        tcp.sendall(heard[begin : begin + 8])
        with suppress(OSError):
            while True:
                tcp.sendall(b'\x03' + (2**16).to_bytes(8, 'big') + bytes(2**16))

    with tcp_server(answer) as address, connection(address, most_bytes=2**22) as asking:
        assert failure(asking).endswith('answered with more than 4 MiB')


def test_half_an_answer_is_an_error_when_the_connection_ends():
    whole = threading.Event()

    def relay(tcp):
        with socket.create_connection(('127.0.0.1', server.port)) as behind:
            threading.Thread(target=pump, args=(tcp, behind), daemon=True).start()
            seen = 0
            while data := behind.recv(1 if not whole.is_set() else 1000):
                seen += len(data)
                tcp.sendall(data)
                if seen > 64 + 60 and not whole.is_set():
                    tcp.shutdown(socket.SHUT_RDWR)
                    return

    def pump(source, sink):
        with suppress(OSError):
            while data := source.recv(1000):
                sink.sendall(data)

    with Gr00tServer() as server, tcp_server(relay) as address, connection(address) as asking:
        assert 'closed the connection' in failure(asking)
        whole.set()
        assert asking.ask(ASK, PATIENCE_S) == PING


@pytest.mark.parametrize(
    'garbage',
    [
        b'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n' * 5,
        b'SSH-2.0-OpenSSH_9.6\r\n',
        bytes(1000),
        b'\xff' * 1000,
        b'\x16\x03\x01' * 500,
    ],
)
def test_a_server_of_another_protocol_is_an_error(garbage):
    with tcp_server(lambda tcp: tcp.sendall(garbage)) as address, connection(address) as asking:
        assert failure(asking, SOON_S)
        assert failure(asking, SOON_S)


def test_a_server_that_closes_each_connection_at_once_is_no_zeromq_server():
    with tcp_server(lambda tcp: tcp.close()) as address, connection(address) as asking:
        assert 'is no ZeroMQ server' in failure(asking)


def test_a_server_that_accepts_and_says_nothing_is_an_error_at_the_deadline():
    with tcp_server(lambda tcp: None) as address, connection(address) as asking:
        message = failure(asking, SOON_S)
        assert message.endswith('something listens there, but says nothing within 0.3 s')


@contextmanager
def server_process(port=0):
    """An echo of whatever is asked, in a process that can be stopped and killed."""
    code = (
        'import sys, zmq; s = zmq.Context().socket(zmq.REP)\n'
        f's.bind("tcp://127.0.0.1:{port or "*"}")\n'
        'print(s.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)\n'
        'while True:\n m = s.recv()\n if b"die" in m: sys.exit()\n s.send(m)'
    )
    process = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True)
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_server_that_dies_in_a_request_is_noticed_before_the_deadline():
    with server_process() as (_, address), connection(address) as asking:
        asking.ask(ASK, PATIENCE_S)
        start_s = time.monotonic()
        assert 'closed the connection' in failure(asking, 60.0, {'endpoint': 'die'})
        assert 'nothing listens there' in failure(asking, 60.0)
        assert time.monotonic() - start_s < 30
        with server_process(int(address.rpartition(':')[2])):
            assert asking.ask(ASK, PATIENCE_S) == ASK


def test_a_frozen_server_costs_the_deadline_and_answers_in_its_own_time_afterwards():
    with server_process() as (process, address), connection(address) as asking:
        asking.ask(ASK, PATIENCE_S)
        process.send_signal(signal.SIGSTOP)
        try:
            assert 'no answer within' in failure(asking, SOON_S, {'number': 1})
            assert 'within' in failure(asking, SOON_S, {'number': 2})
        finally:
            process.send_signal(signal.SIGCONT)
        assert asking.ask({'number': 3}, PATIENCE_S) == {'number': 3}


def test_each_new_connection_is_greeted_and_a_restart_between_requests_is_a_new_one():
    greeted = []
    with connection('tcp://127.0.0.1:1', greeting=ASK, greet=greeted.append) as asking:
        with Gr00tServer() as server:
            asking.address = server.address
            asking.open(PATIENCE_S)
            asking.ask(ASK, PATIENCE_S)
            assert greeted == [PING]
        wait_until(lambda: not asking._link.is_usable())
        with Gr00tServer(port=server.port):
            assert asking.ask(ASK, PATIENCE_S) == PING
            assert greeted == [PING, PING]


def test_a_greeting_that_is_refused_is_asked_again_before_the_next_request():
    def greet(answer):
        greeted.append(answer)
        if len(greeted) == 1:
            raise WireError('serves another policy now')

    greeted = []
    with Gr00tServer() as server:
        server.endpoints['get_modality_config'] = lambda: {'action': {}}
        with connection(
            server.address, greeting={'endpoint': 'get_modality_config'}, greet=greet
        ) as asking:
            with pytest.raises(WireError, match='serves another policy now'):
                asking.ask(ASK, PATIENCE_S)
            assert server.asked == ['get_modality_config']
            assert asking.ask(ASK, PATIENCE_S) == PING
            assert greeted == [{'action': {}}] * 2


def test_an_error_in_the_greeting_is_that_of_the_request():
    with (
        Gr00tServer(token='secret') as server,
        connection(server.address, greeting=ASK) as asking,
    ):
        assert 'Unauthorized' in failure(asking)
        assert 'Unauthorized' in failure(asking)


def test_two_threads_ask_one_after_the_other():
    answers = []
    with Gr00tServer() as server, connection(server.address) as asking:
        server.endpoints['get_action'] = lambda number: number

        def ask(number):
            message = {'endpoint': 'get_action', 'data': {'number': number}}
            answers.append((number, asking.ask(message, PATIENCE_S)))

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(answers) == [(n, n) for n in range(8)]


def test_a_thread_that_waits_for_another_keeps_its_deadline():
    with misbehaving(lambda router, frames: None) as address, connection(address) as asking:
        other = threading.Thread(target=lambda: failure(asking, 2.0))
        other.start()
        wait_until(lambda: asking._link is not None)
        assert 'another request is under way' in failure(asking, 0.01)
        other.join()


def test_what_cannot_be_packed_is_told_and_nothing_is_sent():
    with Gr00tServer() as server, connection(server.address) as asking:
        assert 'cannot be packed' in failure(asking, message={'data': object()})
        assert server.asked == []
        assert asking.ask(ASK, PATIENCE_S) == PING


def run(code, **options):
    code = 'from neuracore_ros.wire.zeromq import ZeroMqConnection\n' + code
    return subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True, text=True, timeout=60, check=False, **options,
    )  # fmt: skip


def test_a_request_that_hangs_does_not_keep_the_process_alive():
    with tcp_server(lambda tcp: None) as address:
        done = run(
            'import threading, time\n'
            f'asking = ZeroMqConnection({address!r})\n'
            'threading.Thread(target=asking.ask, args=({}, 1e6), daemon=True).start()\n'
            'while asking._link is None: time.sleep(0.01)\n'
            'time.sleep(0.2)'
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')


def test_a_connection_that_is_never_closed_does_not_keep_the_process_alive():
    with Gr00tServer() as server:
        done = run(
            f'asking = ZeroMqConnection({server.address!r})\n'
            'asking.ask({"endpoint": "ping"}, 20.0)'
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')


def test_ctrl_c_ends_a_request_and_the_connection_goes_on_with_another():
    with Gr00tServer() as server, tcp_server(lambda tcp: None) as silent:
        done = run(
            'import signal, threading, os, time\n'
            f'asking = ZeroMqConnection({silent!r})\n'
            'threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n'
            'try: asking.ask({}, 1e6)\n'
            'except KeyboardInterrupt: print("interrupted")\n'
            f'asking.address = {server.address!r}\n'
            'print(asking.ask({"endpoint": "ping"}, 20.0)["status"])'
        )
    assert (done.stdout, done.stderr) == ('interrupted\nok\n', '')


def test_a_forked_process_makes_a_connection_of_its_own():
    with Gr00tServer() as server, connection(server.address) as asking:
        asking.ask(ASK, PATIENCE_S)
        done = run(
            'import os\n'
            f'asking = ZeroMqConnection({server.address!r})\n'
            'ask = lambda: print(asking.ask({"endpoint": "ping"}, 20.0)["status"], flush=True)\n'
            'ask()\n'
            'if os.fork() == 0: ask(); os._exit(0)\n'
            'os.wait(); ask()'
        )
    assert (done.stdout, done.stderr) == ('ok\nok\nok\n', '')


def open_files():
    return sum(1 for _ in Path('/proc/self/fd').iterdir())


def test_no_file_descriptor_is_left_by_connections_that_fail():
    with tcp_server(lambda tcp: tcp.close()) as address, connection(address) as asking:
        failure(asking)
        before = open_files()
        for _ in range(50):
            failure(asking)
        # ZeroMQ closes in a thread of its own.
        wait_until(lambda: open_files() <= before + 10)


def test_closing_ends_a_request_that_hangs_on_another_thread():
    asked, caught = threading.Event(), []

    def ask(connection):
        caught.append(failure(connection, 60.0))

    with misbehaving(lambda router, frames: asked.set()) as address:
        connection = ZeroMqConnection(address)
        asking = threading.Thread(target=ask, args=[connection])
        asking.start()
        assert asked.wait(PATIENCE_S)
        connection.close()
        asking.join(PATIENCE_S)
        assert not asking.is_alive()
        assert 'given back' in caught[0]
        assert 'given back' in failure(connection)
