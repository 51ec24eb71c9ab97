"""The node's own life while a policy server is not there, compiles, or hangs."""

import json
import signal
import socket
import time
from pathlib import Path

import pytest

from helpers.faulty_relays import robot_file
from helpers.faulty_server import GROOT, OPENPI, OWN, FaultyServer
from helpers.live_robot import Running
from helpers.misbehaving_policy import write_misbehaving_policy
from helpers.server_fault_rig import ServerFaultRig
from helpers.waiting import wait_until

pytest.importorskip('zmq')

PROTOCOLS = pytest.mark.parametrize('protocol', [OWN, OPENPI, GROOT])


@pytest.fixture(scope='module')
def rig(domain, tmp_path_factory):
    """A simulated robot; each test starts a node of its own."""
    folder = tmp_path_factory.mktemp('servers')
    rig = ServerFaultRig(robot_file(folder), folder)
    yield rig
    rig.node = None
    rig.close()


@pytest.fixture
def serve(rig):
    """Starts the server of a protocol; none is left behind."""
    servers = []

    def start(protocol):
        servers.append(FaultyServer(protocol))
        rig.server = servers[-1]
        return servers[-1]

    rig.relays.heal()
    rig.begin()
    rig.world.diagnostics.clear()
    yield start
    if rig.node is not None and rig.node.process.poll() is None:
        rig.node.end(signal.SIGKILL)
    for server in servers:
        server.close()


def start_node(rig, server):
    return rig.start_node(model=server.model(rig.folder))


@pytest.mark.parametrize('scheme', ['ws', 'tcp'])
def test_a_node_without_a_server_ends_with_one_line_that_says_so(rig, serve, scheme):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        server = serve(OWN if scheme == 'ws' else GROOT)
        server.port = taken.getsockname()[1]
        node = start_node(rig, server)
        assert node.wait() == 1
    (line,) = [line for line in node.lines if '[FATAL]' in line]
    assert line.endswith(
        f'{server.address}: nothing listens there: start the server, or correct the address'
    )
    assert 'Traceback' not in node.output


@PROTOCOLS
def test_a_signal_ends_a_node_whose_server_compiles_for_its_first_answer(rig, serve, protocol):
    server = serve(protocol)
    server.order('slow 60')
    node = start_node(rig, server)
    server.until_asked()
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output
    assert rig.relays.sent == []


def test_a_signal_ends_a_node_whose_server_says_nothing(rig, serve):
    server = serve(OWN)
    server.freeze()
    node = start_node(rig, server)
    rig.world.until(lambda: 'infer' in rig.world.node.get_node_names(), 'the node')
    # Nothing tells that it waits: a node starts in three seconds.
    rig.world.let_pass(4.0)
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output


@PROTOCOLS
def test_a_signal_while_a_request_hangs_leaves_a_robot_at_rest(rig, serve, protocol):
    server = serve(protocol)
    node = start_node(rig, server)
    rig.world.until_state('RUNNING')
    rig.world.until_moving()
    server.order('slow 60')
    server.until_asked()
    sent_s = time.time()
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output
    # The request was cut off, and its thread has ended.
    assert 'still running' not in node.output
    rig.world.until_still()
    assert rig.last_moved_s() - sent_s < 0.5 + 0.3
    rig.check()


def test_the_real_server_is_killed_and_comes_back(rig, serve, tmp_path):
    file = write_misbehaving_policy(tmp_path / 'policy.pt')

    def start(port):
        words = ('serve', file, '--port', port, '--threads', 1, '--json')
        server = Running('neuracore_ros.cli.main', *words)
        rig.world.until(lambda: any('address' in line for line in server.lines), 'a server')
        ready = next(line for line in server.lines if 'address' in line)
        return server, json.loads(ready)['address']

    server, address = start(0)
    node = rig.start_node(model=address)
    rig.world.until_state('RUNNING')
    rig.world.until_moving()
    killed_s = time.time()
    assert server.end(signal.SIGKILL) == -signal.SIGKILL
    rig.world.until_state('HOLDING', 'nothing listens there')
    rig.world.until_still()
    # It asks every half second, and stops in another half.
    assert rig.last_moved_s() - killed_s < 1.0 + 0.3
    rig.stays('HOLDING')
    server, _ = start(int(address.rpartition(':')[2]))
    rig.world.until_state('RUNNING')
    rig.world.until_moving()
    rig.check()
    assert node.end() == 0, node.output
    assert server.end(signal.SIGTERM) == 0


def held(process):
    """Threads and open files of a process."""
    status = Path(f'/proc/{process.pid}/status').read_text()
    threads = int(status.split('Threads:')[1].split()[0])
    return threads, len(list(Path(f'/proc/{process.pid}/fd').iterdir()))


@PROTOCOLS
def test_cleanup_while_a_request_hangs_leaves_nothing_behind(rig, serve, protocol):
    server = serve(protocol)
    node, world = start_node(rig, server), rig.world
    rig.world.until_state('RUNNING')
    before, rounds = None, 20 if protocol == OWN else 3
    for number in range(rounds):
        if number % 2:
            server.order('slow 60')
            server.until_asked()
        assert world.change('deactivate')
        assert world.change('cleanup')
        if number % 2:
            # Whoever computes for a minute serves nobody else.
            server.restart()
        before = before or held(node.process)
        assert world.change('configure'), node.output
        assert world.change('activate')
        world.until_state('RUNNING')
    assert world.change('deactivate')
    assert world.change('cleanup')
    # One that ends may be seen still; a thread or a file a time would be twenty.
    wait_until(
        lambda: all(now <= then + 1 for now, then in zip(held(node.process), before, strict=True)),
        10.0,
        lambda: f'{before}, not {held(node.process)}',
    )
    assert node.end() == 0, node.output
    rig.check()
