"""What servers, networks, environments and callers can do wrong to a WebSocket, over real sockets."""

import base64
import hashlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress

import pytest
from websockets.sync.server import serve

from helpers.scripted_server import scripted_server
from neuracore_ros.errors import WireError
from neuracore_ros.wire.packing import pack
from neuracore_ros.wire.websocket import WebSocketConnection

PATIENCE_S = 20.0
SOON_S = 0.3
METADATA = b'\x82\x01\x80'


@contextmanager
def tcp_server(answer, family=socket.AF_INET, host='127.0.0.1'):
    """A plain TCP server that calls ``answer`` with each connection, and closes it afterwards."""
    listening = socket.create_server((host, 0), family=family)

    def run():
        while True:
            try:
                tcp = listening.accept()[0]
            except OSError:
                return
            with tcp, suppress(OSError):
                answer(tcp)

    threading.Thread(target=run, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def shake_hands(tcp):
    heard = b''
    while b'\r\n\r\n' not in heard:
        heard += tcp.recv(4096)
    key = re.search(rb'Sec-WebSocket-Key: (\S+)', heard)[1]
    guid = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
    accepted = base64.b64encode(hashlib.sha1(key + guid).digest())
    tcp.sendall(
        b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
        b'Sec-WebSocket-Accept: ' + accepted + b'\r\n\r\n'
    )


def connection(address, **options):
    return closing(WebSocketConnection(address, **options))


def failure(connection, deadline_s=PATIENCE_S):
    with pytest.raises(WireError) as error:
        connection.ask({}, deadline_s)
    assert str(error.value).startswith(connection.address)
    assert '\n' not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    'begun',
    [
        b'\x82',
        b'\x82\x7e\x03\xe8' + bytes(500),
        b'\x02\x01\x80' + b'\x00\x01\x00' * 50,
        b'\x02\x00',
    ],
)
def test_half_an_answer_is_an_error_when_the_connection_ends(begun):
    def answer(tcp):
        shake_hands(tcp)
        tcp.sendall(METADATA)
        tcp.recv(1000)
        tcp.sendall(begun)

    with tcp_server(answer) as port, connection(f'ws://127.0.0.1:{port}') as asking:
        assert failure(asking).endswith('closed the connection')


def test_metadata_that_come_too_late_are_an_error_at_the_deadline():
    def answer(tcp):
        shake_hands(tcp)
        tcp.recv(1000)

    with tcp_server(answer) as port, connection(f'ws://127.0.0.1:{port}') as asking:
        assert failure(asking, SOON_S).endswith('no answer within 0.3 s')


@pytest.mark.parametrize('piece', [b'HTTP/1.1 101 X\r\n' + b'A: b\r\n' * 10_000, b'H' * 10**6])
def test_a_handshake_without_end_is_an_error(piece):
    def answer(tcp):
        tcp.recv(1000)
        while True:
            tcp.sendall(piece)

    with tcp_server(answer) as port, connection(f'ws://127.0.0.1:{port}') as asking:
        failure(asking, SOON_S)
        failure(asking, SOON_S)


def test_a_server_of_ipv6_is_asked_too():
    try:
        listening = socket.create_server(('::1', 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip('this machine has no IPv6')
    server = serve(answer_all, sock=listening)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with connection(f'ws://[::1]:{listening.getsockname()[1]}') as asking:
        assert asking.ask({}, PATIENCE_S) == {'ok': True}
    server.shutdown()


def answer_all(connection):
    connection.send(pack({}))
    for _ in connection:
        connection.send(pack({'ok': True}))


def test_a_path_and_a_query_are_kept_and_no_proxy_is_asked(monkeypatch):
    for name in ('http_proxy', 'https_proxy', 'all_proxy', 'ws_proxy', 'socks_proxy'):
        monkeypatch.setenv(name, 'http://127.0.0.1:1')
        monkeypatch.setenv(name.upper(), 'http://127.0.0.1:1')
    paths = []

    def answer(connection, frame):
        paths.append(connection.request.path)
        return frame

    with (
        scripted_server(answer) as server,
        connection(f'{server.address}/v1/robot?name=a') as asking,
    ):
        asking.ask({}, PATIENCE_S)
    assert paths == ['/v1/robot?name=a']


@pytest.mark.parametrize('address', ['ws://me:secret@gpu-box:8000', 'wss://secret@gpu-box/path'])
def test_a_password_in_an_address_is_refused_and_never_shown(address):
    with pytest.raises(WireError, match='set NEURACORE_ROS_API_KEY') as error:
        WebSocketConnection(address)
    assert 'secret' not in str(error.value)


def test_threads_ask_one_after_the_other():
    answers = []

    def ask(number):
        answers.append((number, asking.ask({'n': number}, PATIENCE_S)['n']))

    with scripted_server(lambda c, frame: frame) as server, connection(server.address) as asking:
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(answers) == [(n, n) for n in range(8)]


@pytest.fixture(scope='module')
def certificate(tmp_path_factory):
    """A certificate for the name gpu-box that nobody has signed, and its key."""
    if shutil.which('openssl') is None:
        pytest.skip('needs openssl')
    folder = tmp_path_factory.mktemp('tls')
    files = folder / 'certificate.pem', folder / 'key.pem'
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
         '-nodes', '-out', files[0], '-keyout', files[1], '-days', '1', '-subj', '/CN=gpu-box',
         '-addext', 'subjectAltName=DNS:gpu-box'],
        check=True, capture_output=True,
    )  # fmt: skip
    return files


@pytest.fixture
def tls_port(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = serve(answer_all, '127.0.0.1', 0, ssl=context)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.socket.getsockname()[1]
    server.shutdown()


def test_a_certificate_that_nobody_signed_is_not_trusted(tls_port):
    with connection(f'wss://127.0.0.1:{tls_port}') as asking:
        assert 'its certificate is not trusted: self' in failure(asking)


def test_a_certificate_of_another_host_is_not_trusted(tls_port, certificate, monkeypatch):
    monkeypatch.setenv('SSL_CERT_FILE', str(certificate[0]))
    with connection(f'wss://127.0.0.1:{tls_port}') as asking:
        assert 'its certificate is not trusted: IP address mismatch' in failure(asking)


def test_a_server_without_tls_is_told():
    with (
        tcp_server(lambda tcp: tcp.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n')) as port,
        connection(f'wss://127.0.0.1:{port}') as asking,
    ):
        assert 'TLS failed' in failure(asking)


def test_a_server_that_hangs_up_on_tls_may_have_none():
    with (
        tcp_server(lambda tcp: tcp.recv(10_000)) as port,
        connection(f'wss://127.0.0.1:{port}') as asking,
    ):
        assert failure(asking).endswith('hung up: if it has no TLS, write ws://')


def run(code):
    code = 'from neuracore_ros.wire.websocket import WebSocketConnection\n' + code
    return subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_request_that_hangs_does_not_keep_the_process_alive():
    with tcp_server(lambda tcp: time.sleep(60)) as port:
        done = run(
            'import threading, time\n'
            f'asking = WebSocketConnection("ws://127.0.0.1:{port}")\n'
            'threading.Thread(target=asking.ask, args=({}, 1e6), daemon=True).start()\n'
            'time.sleep(0.5)'
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')


def test_ctrl_c_ends_a_request_and_the_connection_goes_on_with_another():
    with scripted_server(lambda c, frame: frame) as server:
        done = run(
            'import signal, threading, os, time\n'
            f'asking = WebSocketConnection({server.address!r}, greet=lambda metadata: hang())\n'
            'def hang(): hanging and time.sleep(2)\n'
            'hanging = True\n'
            'threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n'
            'try: asking.ask({}, 1e6)\n'
            'except KeyboardInterrupt: print("interrupted")\n'
            'hanging = False\n'
            'print(asking.ask({"n": 1}, 20.0))'
        )
    assert (done.stdout, done.stderr) == ("interrupted\n{'n': 1}\n", '')


def test_a_forked_process_is_refused_in_its_deadline_and_harms_nobody():
    with scripted_server(lambda c, frame: frame) as server:
        done = run(
            'import os\n'
            'from neuracore_ros.errors import WireError\n'
            f'asking = WebSocketConnection({server.address!r})\n'
            'asking.ask({}, 20.0)\n'
            'if os.fork() == 0:\n'
            '    try: asking.ask({}, 0.2)\n'
            '    except WireError as error: print(error, flush=True)\n'
            '    os._exit(0)\n'
            'os.wait()\n'
            'print(asking.ask({"n": 1}, 20.0))'
        )
    assert done.stdout == f"{server.address}: no answer within 0.2 s\n{{'n': 1}}\n"
