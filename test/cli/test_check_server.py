"""`neuracore_ros check` of a policy on a server: its manifest, and how long the way to it is."""

import json
import time

import pytest

from helpers.scripted_server import scripted_server
from helpers.swaying import Swaying, swaying_manifest
from neuracore_ros.cli.main import main
from neuracore_ros.description.shipped import shipped
from neuracore_ros.policy.remote.own_server import ServedPolicy
from neuracore_ros.wire.packing import pack, unpack

UR5 = shipped('ur5')
METADATA = ServedPolicy(swaying_manifest().to_json(), 'ab' * 32).metadata()


def answering(took_s=0.0, **more):
    sway = Swaying()

    def answer(connection, frame):
        request = unpack(frame)
        time.sleep(took_s)
        actions = {'JOINT_TARGET_POSITIONS': sway(request['JOINT_POSITIONS'][-1])}
        return pack({'actions': actions, 'request_id': request['request_id']} | more)

    return answer


@pytest.fixture
def check(capsys):
    """Runs the verb; returns its status, and what it printed as JSON."""

    def run(answer, metadata=METADATA):
        capsys.readouterr()
        with scripted_server(answer, metadata) as server:
            code = main(['check', server.address, str(UR5), '--json'])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_the_round_trip_is_told_with_the_share_of_the_server(check):
    code, found = check(answering(0.03, server_timing={'infer_ms': 20.0}))
    assert (code, found['errors']) == (0, [])
    (fact,) = [fact for fact in found['facts'] if 'there and back' in fact]
    assert ': 20 Hz, 20 steps a prediction, ' in fact
    words = fact.split('prediction, ')[1].split()
    assert float(words[0]) == pytest.approx(20.0 + float(words[-3]), abs=0.2)
    assert fact.endswith(' the network') and ': 20.0 the server, ' in fact


def test_a_server_that_does_not_tell_its_share_is_said(check):
    _, found = check(answering())
    assert any('the server does not tell its own share' in fact for fact in found['facts'])


def test_a_network_that_takes_most_of_a_late_prediction_is_named(check):
    _, found = check(answering(0.6, server_timing={'infer_ms': 20.0}))
    (late,) = [text for text in found['warnings'] if 'may be late' in text]
    assert 'use a faster network' in late


def test_a_server_that_fails_is_one_line(check):
    code, found = check(lambda connection, frame: 'Traceback\n  x\nKeyError: state')
    assert code == 1
    (error,) = found['errors']
    assert 'the server failed: KeyError: state' in error


def test_a_server_that_is_none_of_ours_is_one_line(check):
    code, found = check(answering(), {})
    assert code == 1
    (error,) = found['errors']
    assert 'describe it in a server file' in error
