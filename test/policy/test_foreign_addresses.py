"""A server file is a policy: at its own address or another, and always the same one."""

import numpy as np
import pytest

from helpers.scripted_server import scripted_server
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.remote.server_options import ServerOptions
from neuracore_ros.wire.packing import pack, unpack

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
FILE = """
server: openpi
address: {address}
rate_hz: 20
horizon: 4
send: {{state: [{{JOINT_POSITIONS: 0, scale: 2.0}}, {{JOINT_POSITIONS: 1}}]}}
receive: {{actions: [{{JOINT_TARGET_POSITIONS: 0, scale: 2.0}}, {{JOINT_TARGET_POSITIONS: 1}}]}}
"""
INPUTS = {JOINTS: np.array([[0.2, -0.4]], np.float32)}, {JOINTS: np.array([True, True])}


def stay(connection, frame):
    return pack({'actions': np.repeat(unpack(frame)['state'][None], 4, 0)})


def bare(connection, frame):
    """What vLLM-Omni answers: the array alone."""
    return pack(np.repeat(unpack(frame)['state'][None], 4, 0))


def written(folder, address):
    path = folder / 'two.server.yaml'
    path.write_text(FILE.format(address=address))
    return path


@pytest.mark.parametrize('answer', [stay, bare])
def test_a_server_file_is_a_policy_at_its_address(tmp_path, answer):
    with scripted_server(answer) as server:
        policy = load_policy(written(tmp_path, server.address))
        assert policy.is_remote and policy.warm_up() > 0
        assert np.allclose(policy.predict(*INPUTS)[TARGETS], [[0.2, -0.4]] * 4)


def test_another_address_takes_the_place_of_that_in_the_file(tmp_path):
    file = written(tmp_path, 'ws://127.0.0.1:1')
    with scripted_server(stay) as server:
        policy = load_policy(file, server=ServerOptions(server.address))
        assert policy.name == server.address
        assert policy.predict(*INPUTS)[TARGETS].shape == (4, 2)
    with pytest.raises(PolicyError, match="of openpi begins with ws:// or wss://, unlike 'tcp:"):
        load_policy(file, server=ServerOptions('tcp://127.0.0.1:1'))


def test_options_that_would_mean_nothing_are_refused(tmp_path):
    file = written(tmp_path, 'ws://127.0.0.1:1')
    with pytest.raises(PolicyError, match='takes images as JPEG: remove jpeg_quality'):
        load_policy(file, server=ServerOptions(jpeg_quality=90))
    with pytest.raises(PolicyError, match='takes images as JPEG: remove jpeg_quality'):
        load_policy(tmp_path / 'policy.pt', server=ServerOptions(jpeg_quality=90))
    for model in (tmp_path / 'policy.pt', 'ws://127.0.0.1:1'):
        with pytest.raises(PolicyError, match='is no server file, whose address could be ws://b'):
            load_policy(model, server=ServerOptions('ws://b'))


def test_a_file_without_an_address_needs_one(tmp_path):
    file = tmp_path / 'two.server.yaml'
    file.write_text(FILE.replace('address: {address}\n', '').replace('{{', '{').replace('}}', '}'))
    with pytest.raises(PolicyError, match="has no 'address', and none is given"):
        load_policy(file)


def test_metadata_that_changes_is_another_policy(tmp_path):
    with scripted_server(stay, {'name': 'a'}) as server:
        policy = load_policy(written(tmp_path, server.address))
        server.answer = lambda connection, frame: connection.close()
        server.metadata = {'name': 'b'}
        with pytest.raises(PolicyError, match='closed the connection'):
            policy.predict(*INPUTS)
        with pytest.raises(PolicyError, match='serves another policy now'):
            policy.predict(*INPUTS)
