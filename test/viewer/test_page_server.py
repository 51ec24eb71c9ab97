import socket

import pytest

from neuracore_ros.errors import UserError

viser = pytest.importorskip('viser')
websockets = pytest.importorskip('websockets')

from websockets.datastructures import Headers
from websockets.sync.client import connect

from neuracore_ros.viewer.page_server import PageServer, is_own


@pytest.fixture(scope='module')
def server():
    started = PageServer(0, 'a page')
    yield started
    started.stop()


def opened(server, **options):
    return connect(f'ws://127.0.0.1:{server.get_port()}', **options)


def test_a_port_that_is_taken_is_told_and_no_other_is_taken(server):
    port = server.get_port()
    with pytest.raises(UserError, match=f'port {port} of 127.0.0.1 is in use.*--port'):
        PageServer(port, 'another')


def test_a_page_of_this_server_may_connect(server):
    own = server.url
    with opened(server, origin=own, subprotocols=[f'viser-v{viser.__version__}']) as page:
        assert page.recv()


@pytest.mark.parametrize('origin', [None, 'http://example.com', 'http://127.0.0.1:1', 'null'])
def test_no_other_site_may_connect(server, origin):
    with pytest.raises(websockets.exceptions.InvalidStatus, match='403'):
        opened(server, origin=origin, subprotocols=[f'viser-v{viser.__version__}'])


def test_a_name_that_leads_here_from_the_network_is_refused():
    # A site may let its own name lead to 127.0.0.1, and its page then has this port as its own.
    rebound = Headers(Host='evil.example:8090', Origin='http://evil.example:8090')
    assert not is_own(rebound)
    assert not is_own(Headers(Host='evil.example:8090'))
    assert not is_own(Headers())


def test_a_tunnel_that_ends_at_another_port_of_this_computer_is_let_in():
    tunnel = Headers(Host='localhost:9000', Origin='http://localhost:9000', Upgrade='websocket')
    assert is_own(tunnel)
    assert is_own(Headers(Host='127.0.0.1'))


def test_only_this_computer_reaches_it(server):
    with socket.socket() as other:
        other.settimeout(2)
        # Another address of this computer, which a server at 0.0.0.0 would answer.
        assert other.connect_ex(('127.0.0.2', server.get_port())) != 0


def test_nobody_publishes_the_page(server):
    assert server.request_share_url() is None


def test_nothing_is_printed(capsys):
    PageServer(0, 'quiet').stop()
    assert capsys.readouterr().out == ''
