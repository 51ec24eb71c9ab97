"""A policy server fails in every way while its robot moves, over real sockets and real topics."""

import re
from pathlib import Path

import pytest

from helpers.fault_rig import stops_in_time_and_goes_on
from helpers.faulty_relays import robot_file
from helpers.faulty_server import GROOT, OPENPI, OWN
from helpers.server_fault_rig import ServerFaultRig
from helpers.server_fault_table import SERVER_FAULTS, SERVER_FLOODS, SERVER_ODDITIES

pytest.importorskip('zmq')

# A frame of 16 MiB, the largest that is taken, stands in memory five times while it is read.
MOST_GROWTH_MB = 128.0


@pytest.fixture(scope='module')
def rig(domain, tmp_path_factory):
    """A simulated robot, and a node without a policy as yet."""
    folder = tmp_path_factory.mktemp('servers')
    rig = ServerFaultRig(robot_file(folder), folder)
    yield rig
    rig.close()
    for line in rig.lines():
        print(line)
    assert 'Traceback' not in rig.node.output


def served(protocol):
    """A fixture: the rig, while its node runs the policy of a server of a protocol."""

    @pytest.fixture(scope='module')
    def started(rig):
        rig.run(protocol)
        return rig

    return started


own, openpi, gr00t = served(OWN), served(OPENPI), served(GROOT)


def goes_on(rig, order):
    rig.recover()
    rig.server.order(order)
    rig.goes_on(2.0)


def faults_of(protocol):
    return pytest.mark.parametrize('fault', SERVER_FAULTS[protocol], ids=lambda fault: fault.name)


@faults_of(OWN)
def test_a_server_that_fails_stops_the_robot_in_time_and_it_goes_on(own, fault):
    stops_in_time_and_goes_on(own, fault)


def oddities_of(*protocols):
    found = [(what, order) for protocol, what, order in SERVER_ODDITIES if protocol in protocols]
    return pytest.mark.parametrize(('what', 'order'), found)


@oddities_of(OWN)
def test_a_server_that_is_only_odd_does_not_stop_it(own, what, order):
    goes_on(own, order)


@pytest.mark.parametrize(('what', 'order'), SERVER_FLOODS)
def test_a_flood_of_frames_makes_predictions_late_at_most(own, what, order):
    own.recover()
    own.server.order(order)
    own.world.let_pass(2.0)
    reasons = {reason for _, state, reason in own.world.states if state == 'HOLDING'}
    assert all('prediction late' in each or 'no answer within' in each for each in reasons)
    own.check_limits()
    own.heal()
    own.world.until_state('RUNNING')
    own.world.until_moving()
    own.check_limits()


def test_the_share_of_the_network_is_on_diagnostics(own):
    own.recover()
    inference = own.world.diagnostics['infer: inference']
    assert 0.0 <= float(inference['network_ms_p50']) <= float(inference['latency_ms_p99'])


def memory_mb(process, key):
    text = Path(f'/proc/{process.pid}/status').read_text()
    return int(re.search(rf'{key}:\s+(\d+) kB', text)[1]) / 1024


@pytest.mark.parametrize('order', ['huge', 'lists', 'flood', 'pings'])
def test_nothing_that_a_server_sends_fills_the_memory_of_the_node(own, order):
    own.recover()
    before_mb = memory_mb(own.node.process, 'VmRSS')
    Path(f'/proc/{own.node.process.pid}/clear_refs').write_text('5')  # Forgets the most so far.
    own.server.order(order)
    own.world.let_pass(3.0)
    most_mb = memory_mb(own.node.process, 'VmHWM')
    print(f'{order}: {most_mb - before_mb:.1f} MB more')
    assert most_mb - before_mb < MOST_GROWTH_MB


def test_another_policy_is_not_taken_however_often_it_answers(own):
    own.recover()
    own.server.restart('b')
    own.world.until_state('HOLDING', 'serves another policy now')
    own.world.until_still(5.0)
    sent = len(own.relays.sent)
    own.stays('HOLDING', 3.0)
    assert own.world.enable(True).success
    own.world.until_state('HOLDING', 'serves another policy now')
    own.world.let_pass(1.0)
    assert len(own.relays.sent) == sent
    own.server.restart('a')
    own.world.until_state('RUNNING')


@faults_of(OPENPI)
def test_a_server_of_openpi_that_fails_stops_the_robot_in_time_and_it_goes_on(openpi, fault):
    stops_in_time_and_goes_on(openpi, fault)


def test_another_policy_of_a_server_without_metadata_cannot_be_noticed(openpi):
    openpi.recover()
    openpi.server.restart('b')
    openpi.until_said('nothing listens there')
    openpi.world.until_state('RUNNING')
    openpi.check()


@faults_of(GROOT)
def test_a_server_of_gr00t_that_fails_stops_the_robot_in_time_and_it_goes_on(gr00t, fault):
    stops_in_time_and_goes_on(gr00t, fault)


@oddities_of(GROOT)
def test_a_server_of_gr00t_that_is_only_odd_does_not_stop_it(gr00t, what, order):
    goes_on(gr00t, order)
