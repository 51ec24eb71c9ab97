"""`neuracore_ros evaluate` of a policy on a server: the figures are those of its file."""

import json
import socket
import time

import numpy as np
import pytest

pytest.importorskip('torch')

from helpers.leader_arm import ARM, STEP_S, record
from helpers.scripted_server import scripted_server
from helpers.small_policies import write_policy
from neuracore_ros.cli.main import main
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.remote.own_server import ServedPolicy
from neuracore_ros.serving.answers import PolicyAnswers

OF_THE_CLOCK = {'latency_ms_p50', 'latency_ms_p99'}


@pytest.fixture
def recorded(tmp_path):
    """A robot file and a recording."""
    path = tmp_path / 'arm.yaml'
    path.write_text(ARM)
    return path, record(tmp_path / 'bag')


@pytest.fixture
def file(tmp_path):
    return write_policy(tmp_path / 'policy.pt', width=3, speed=STEP_S)


@pytest.fixture
def evaluate(capsys):
    """Exit code, the one case, and the last line of the complaint."""

    def run(*words):
        code = main(['evaluate', *map(str, words), '--json'])
        said = capsys.readouterr()
        cases = json.loads(said.out)['cases'] if said.out else [None]
        return code, cases[0], said.err.strip().split('\n')[-1]

    return run


def served(file, spoil=None):
    """A server of a policy file, whose answers are spoiled from the tenth on."""
    policy, count = load_policy(file), [0]
    answers = PolicyAnswers(policy)

    def answer(connection, frame):
        count[0] += 1
        if spoil is not None and count[0] > 9:
            return spoil(connection)
        return answers.answer(frame, 0.0, None)

    metadata = ServedPolicy(policy.manifest.to_json(), policy.sha256).metadata()
    return scripted_server(answer, metadata)


def test_the_figures_of_a_server_are_those_of_its_file(evaluate, file, recorded):
    _, of_file, _ = evaluate(file, *recorded)
    with served(file) as server:
        code, of_server, _ = evaluate(server.address, *recorded)
    assert code == 0
    assert of_file.keys() == of_server.keys()
    for key in of_file.keys() - OF_THE_CLOCK - {'policy', 'model'}:
        np.testing.assert_equal(of_server[key], of_file[key], key)


def test_no_answer_is_too_late_for_a_tool_that_moves_no_robot(evaluate, file, recorded, capsys):
    """One of 1.2 s, where the node waits 0.9 s."""
    policy, count = load_policy(file), [0]
    answers = PolicyAnswers(policy)

    def answer(connection, frame):
        count[0] += 1
        if count[0] == 3:  # The last of those that warm it up.
            time.sleep(1.2)
        return answers.answer(frame, 0.0, None)

    metadata = ServedPolicy(policy.manifest.to_json(), policy.sha256).metadata()
    with scripted_server(answer, metadata) as server:
        code, _, said = evaluate(server.address, *recorded)
        assert code == 0, said
        count[0] = 0
        assert main(['check', server.address, str(recorded[0])]) == 0
    assert 's to answer, and the node waits no longer than 0.90 s' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('spoil', 'words'),
    [
        (lambda connection: connection.close(), 'closed the connection'),
        (lambda connection: 'out of memory', 'the server failed: out of memory'),
        (lambda connection: b'\xc1', 'is no MessagePack'),
    ],
)
def test_a_server_that_fails_on_the_way_is_one_line(evaluate, file, recorded, spoil, words):
    with served(file, spoil) as server:
        code, case, said = evaluate(server.address, *recorded)
    assert (code, case) == (1, None)
    assert words in said and server.address in said


def test_a_server_that_is_not_there_is_one_line(evaluate, recorded):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        address = f'ws://127.0.0.1:{taken.getsockname()[1]}'
        code, _, said = evaluate(address, *recorded)
    assert code == 1
    assert said.endswith(
        f'{address}: nothing listens there: start the server, or correct the address'
    )
