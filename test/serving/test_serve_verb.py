"""``neuracore_ros serve`` as a process: what it says, whom it lets in, and how it ends."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from helpers.processes import until_computed
from helpers.served import client, packed
from helpers.small_policies import write_policy
from helpers.waiting import wait_until
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.remote.server_options import ServerOptions

PATIENCE_S = 60.0
REQUEST = {'JOINT_POSITIONS': np.linspace(0.1, 0.7, 7)}
KEY = 'NEURACORE_ROS_API_KEY'


@pytest.fixture(scope='module')
def policy(tmp_path_factory):
    return write_policy(tmp_path_factory.mktemp('serve') / 'policy.pt', speed=0.01)


@pytest.fixture(scope='module')
def hanging_policy(tmp_path_factory):
    """Never answers a first request whose joints are not zero."""
    return write_policy(tmp_path_factory.mktemp('hang') / 'policy.pt', fault='hang', at=1)


@contextmanager
def process(*arguments, **environment):
    """A serving process; what it still runs is killed at the end."""
    command = [sys.executable, '-m', 'neuracore_ros.cli.main', 'serve', *map(str, arguments)]
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True}
    inherited = {name: value for name, value in os.environ.items() if name != KEY}
    with subprocess.Popen(command, env=inherited | environment, **pipes) as started:
        try:
            yield started
        finally:
            started.kill()


def ready(started):
    """The line that tells all, once it is there."""
    return json.loads(started.stdout.readline())


def health(address):
    """What ``GET /healthz`` gives."""
    connection = http.client.HTTPConnection(address.removeprefix('ws://'), timeout=PATIENCE_S)
    connection.request('GET', '/healthz')
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_line_says_that_it_is_ready_and_sigterm_is_a_good_end(policy):
    with process(policy, '--port', 0, '--threads', 1) as started:
        line = started.stdout.readline()
        assert line.startswith(f'{policy} (sha256 ')
        address = line.split('model:=')[1].strip()
        assert health(address) == (200, b'OK\n')
        with client(address) as stranger:
            for _ in range(3):
                chunk = stranger.ask(REQUEST)['actions']['JOINT_TARGET_POSITIONS']
            assert np.allclose(chunk[:2, 0], [0.11, 0.12])
            assert isinstance(stranger.ask({}), str)
            started.send_signal(signal.SIGTERM)
            out, err = started.communicate(timeout=PATIENCE_S)
        assert started.returncode == 0
        assert out == ''
        came, went = err.splitlines()
        assert came.endswith(': connected, 1 of at most 32 clients')
        assert ': gone after 3 predictions and 1 error, the last: holds nothing' in went


@pytest.mark.parametrize(('number', 'status'), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it_at_once_while_a_model_runs_and_others_are_heard_meanwhile(
    hanging_policy, number, status
):
    with process(hanging_policy, '--port', 0, '--threads', 1, '--json') as started:
        address = ready(started)['address']
        with client(address) as waiting, client(address) as other:
            waiting.socket.send(packed(REQUEST))
            until_computed(started.pid, 0.3)
            assert health(address) == (200, b'OK\n')
            with client(address) as third:
                assert 'neuracore_ros' in third.metadata
            other.socket.ping().wait(PATIENCE_S)
            started.send_signal(number)
            assert started.wait(PATIENCE_S) == status
        assert 'Traceback' not in started.stderr.read()


def test_a_server_that_is_killed_in_a_request_is_an_error_and_the_same_policy_goes_on(
    hanging_policy,
):
    with process(hanging_policy, '--port', 0, '--threads', 1, '--json') as started:
        address = ready(started)['address']
        there = load_policy(address, server=ServerOptions(timeout_s=PATIENCE_S))
        zeros = {DataType.JOINT_POSITIONS: np.zeros((1, 7))}
        one = {DataType.JOINT_POSITIONS: np.full((1, 7), 0.1)}
        valid = {DataType.JOINT_POSITIONS: np.ones(7, bool)}
        there.predict(zeros, valid)
        errors = []

        def ask():
            try:
                there.predict(one, valid)
            except PolicyError as error:
                errors.append(str(error))

        asking = threading.Thread(target=ask)
        asking.start()
        until_computed(started.pid, 0.3)
        started.kill()
        asking.join(PATIENCE_S)
        (said,) = errors
        assert said.startswith(address) and '\n' not in said
        with pytest.raises(PolicyError, match='nothing listens there'):
            there.predict(zeros, valid)
    port = address.rpartition(':')[2]
    with process(hanging_policy, '--port', port, '--threads', 1, '--json') as started:
        assert ready(started)['address'] == address
        assert not there.predict(zeros, valid)[DataType.JOINT_TARGET_POSITIONS].any()


def test_ctrl_c_ends_it_while_it_loads(policy):
    with process(policy, '--port', 0) as started:
        wait_until(lambda: b'torch' in maps(started.pid), PATIENCE_S, 'torch', 0.005)
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=PATIENCE_S)
        assert started.returncode == 130
        assert 'Traceback' not in err


def maps(pid):
    """The libraries that a process has loaded."""
    try:
        return Path(f'/proc/{pid}/maps').read_bytes()
    except OSError:
        return b''


def test_a_server_that_anybody_reaches_says_so_and_a_key_is_taken_from_the_environment(policy):
    with process(policy, '--port', 0, '--host', '0.0.0.0', '--json') as started:
        assert ready(started)['address'].startswith(f'ws://{socket.gethostname()}:')
        started.terminate()
        _, err = started.communicate(timeout=PATIENCE_S)
        assert err == (
            f'warning: anybody who reaches 0.0.0.0 may use this policy, since {KEY} is not set\n'
        )
    environment = {KEY: 'secret'}
    with process(policy, '--port', 0, '--host', '0.0.0.0', '--json', **environment) as started:
        port = ready(started)['address'].rpartition(':')[2]
        with client(
            f'ws://127.0.0.1:{port}', additional_headers={'Authorization': 'Api-Key secret'}
        ) as stranger:
            assert 'actions' in stranger.ask(REQUEST)
        started.terminate()
        _, err = started.communicate(timeout=PATIENCE_S)
        assert 'warning' not in err and 'secret' not in err


def refused(capsys, *arguments):
    """The one line of a command that does not serve, run in this process."""
    assert main(['serve', *map(str, arguments)]) == 1
    out, err = capsys.readouterr()
    assert out == ''
    assert err.count('\n') == 1
    return err


def test_what_keeps_it_from_serving_is_one_line(policy, tmp_path, capsys, monkeypatch):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        # Before anything is loaded: there is no such file.
        assert f'port {port} of 127.0.0.1 is in use: end that server, or choose another' in (
            refused(capsys, tmp_path / 'none.pt', '--port', port)
        )
    for arguments, says in (
        (('--host', 'no-such-host.invalid'), "host 'no-such-host.invalid' is unknown"),
        (('--host', '203.0.113.9'), '203.0.113.9 is no address of this computer'),
        (('--sha256', '0' * 64), 'which was demanded'),
        (('--device', 'cuda:9'), "device 'cuda:9' is not available"),
    ):
        assert says in refused(capsys, policy, '--port', 0, *arguments)
    assert 'none.pt: no such file' in refused(capsys, tmp_path / 'none.pt', '--port', 0)
    monkeypatch.setenv(KEY, 'schl\u00fcssel')
    assert f'{KEY} has letters that no header can carry' in refused(capsys, policy)
