"""Addresses at which a policy is served: whom they let in, and how clients write them."""

import asyncio
import errno
import socket

import pytest

from neuracore_ros.errors import WireError
from neuracore_ros.serving.listen_address import ListenAddress, listening, require_free, shown

KEY = 'NEURACORE_ROS_API_KEY'


@pytest.mark.parametrize('host', ['127.0.0.1', '127.8.8.8', '::1', 'localhost'])
def test_only_this_computer_reaches_loopback(host):
    assert not ListenAddress(host).is_open


@pytest.mark.parametrize('host', ['0.0.0.0', '::', '192.168.1.7', 'gpu-box'])
def test_any_other_address_is_open_without_a_key(host, monkeypatch):
    assert ListenAddress(host).is_open
    assert not ListenAddress(host, api_key='secret').is_open
    monkeypatch.setenv(KEY, 'secret')
    place = ListenAddress(host)
    assert not place.is_open
    assert 'secret' not in repr(place)


def test_an_address_is_one_that_a_client_can_use():
    assert ListenAddress('127.0.0.1').address(8000) == 'ws://127.0.0.1:8000'
    assert ListenAddress('::1').address(8000) == 'ws://[::1]:8000'
    for host in ('0.0.0.0', '::'):
        assert ListenAddress(host).address(8000) == f'ws://{socket.gethostname()}:8000'


def test_a_client_is_shown_by_its_address():
    assert shown(('127.0.0.1', 5)) == '127.0.0.1:5'
    assert shown(('::1', 5, 0, 0)) == '[::1]:5'
    assert shown(None) == 'a client'


def test_a_free_port_stays_free():
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WireError, match=f'port {port} of 127.0.0.1 is in use'):
            asyncio.run(require_free(ListenAddress(port=port)))
    for _ in range(2):
        asyncio.run(require_free(ListenAddress(port=port)))


@pytest.mark.parametrize(
    ('number', 'says'),
    [
        (errno.EACCES, 'port 80 is for the administrator; choose a --port from 1024 on'),
        (errno.EMFILE, '127.0.0.1:80: cannot be served: Too many open files'),
    ],
)
def test_why_nothing_can_be_served_there_is_one_line(number, says):
    with pytest.raises(WireError, match=says), listening(ListenAddress(port=80)):
        raise OSError(number, 'Too many open files')
