"""A policy that a server executes is checked like a file, and is never another one."""

import json
import threading

import cv2
import numpy as np
import pytest
from test_torchscript import IMAGES, JOINTS, MANIFEST, TARGETS

from helpers.scripted_server import scripted_server
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.remote.own_server import ServedPolicy
from neuracore_ros.policy.remote.server_options import ServerOptions
from neuracore_ros.wire.packing import pack, unpack

TEXT = Manifest.from_json(json.dumps(MANIFEST)).to_json()
METADATA = ServedPolicy(TEXT, 'ab' * 32).metadata()


def stand_still(request, **other):
    """What a policy that repeats the measured joints would answer."""
    actions = {'JOINT_TARGET_POSITIONS': np.repeat(request['JOINT_POSITIONS'], 5, 0)}
    return pack({'actions': actions, 'request_id': request['request_id']} | other)


def answer(connection, frame):
    return stand_still(unpack(frame))


def observation():
    inputs = {
        JOINTS: np.array([[0.1, 0.2, 0.3]], np.float32),
        IMAGES: np.full((1, 2, 4, 6, 3), 200, np.uint8),
    }
    return inputs, {JOINTS: np.array([True, True, False]), IMAGES: np.array([True, False])}


def test_a_policy_at_an_address_predicts_as_a_file_does():
    with scripted_server(answer, METADATA) as server:
        policy = load_policy(server.address)
        assert policy.is_remote and policy.sha256 == 'ab' * 32
        assert policy.name == server.address
        assert policy.manifest == Manifest.from_json(TEXT)
        assert policy.warm_up() > 0
        chunk = policy.predict(*observation())[TARGETS]
        assert np.array_equal(chunk, np.tile(np.float32([0.1, 0.2, 0.3]), (5, 1)))


def test_a_server_gets_raw_arrays_masks_and_a_number():
    requests = []

    def note(connection, frame):
        requests.append(unpack(frame))
        return stand_still(requests[-1])

    with scripted_server(note, METADATA) as server:
        policy = load_policy(server.address)
        for _ in range(2):
            policy.predict(*observation())
    first, second = requests
    assert first['JOINT_POSITIONS'].shape == (1, 3) and first['as_model'] is True
    assert first['RGB_IMAGES'].shape == (1, 2, 4, 6, 3) and first['RGB_IMAGES'].dtype == np.uint8
    assert first['valid']['JOINT_POSITIONS'].tolist() == [True, True, False]
    assert (first['request_id'], second['request_id']) == (1, 2)


def test_images_are_sent_as_jpeg_where_that_is_asked():
    requests = []

    def note(connection, frame):
        requests.append(unpack(frame))
        return stand_still(requests[-1])

    with scripted_server(note, METADATA) as server:
        load_policy(server.address, server=ServerOptions(jpeg_quality=90)).predict(*observation())
    files = requests[0]['RGB_IMAGES']['jpeg']
    images = [cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR) for file in files]
    assert [image.shape for image in images] == [(4, 6, 3), (4, 6, 3)]
    assert np.abs(np.stack(images).astype(int) - 200).max() < 5


@pytest.mark.parametrize(
    ('spoil', 'words'),
    [
        ({'request_id': 999}, 'answered another request'),
        ([1], 'answered another request'),
        ({'actions': None}, "the answer has no 'actions'"),
        ({'actions': {}}, 'gives no JOINT_TARGET_POSITIONS'),
        ({'actions': {'JOINT_TARGET_POSITIONS': np.zeros((4, 3), 'f4')}}, r'shape \(1, 4, 3\)'),
        ({'actions': {'JOINT_TARGET_POSITIONS': np.zeros((5, 3), 'i4')}}, 'as int32'),
        ({'actions': {'JOINT_TARGET_POSITIONS': np.full((5, 3), np.nan, 'f4')}}, 'with nan'),
        ({'actions': {'JOINT_TARGET_POSITIONS': 'text'}}, 'shape'),
        ({'actions': {'JOINT_TARGET_POSITIONS': [[1.0], [1.0, 2.0]]}}, 'inhomogeneous|shape'),
    ],
)
def test_a_lying_server_is_refused_and_the_next_answer_is_taken(spoil, words):
    lies = [spoil]

    def lie(connection, frame):
        request = unpack(frame)
        lied = lies.pop() if lies else {}
        return pack(unpack(stand_still(request)) | lied if isinstance(lied, dict) else lied)

    with scripted_server(lie, METADATA) as server:
        policy = load_policy(server.address)
        with pytest.raises(PolicyError, match=words) as caught:
            policy.predict(*observation())
        assert '\n' not in str(caught.value)
        assert policy.predict(*observation())[TARGETS].shape == (5, 3)


def test_another_policy_after_a_restart_is_never_taken():
    with scripted_server(answer, METADATA) as server:
        policy = load_policy(server.address)
        policy.predict(*observation())
        server.answer = lambda connection, frame: connection.close()
        server.metadata = ServedPolicy(TEXT, 'cd' * 32).metadata()
        with pytest.raises(PolicyError, match='closed the connection'):
            policy.predict(*observation())
        server.answer = answer
        for _ in range(2):
            with pytest.raises(PolicyError, match='serves another policy now .sha256 cdcd'):
                policy.predict(*observation())
        server.metadata = METADATA
        assert policy.predict(*observation())[TARGETS].shape == (5, 3)


@pytest.mark.parametrize(
    ('metadata', 'words'),
    [
        ({}, r'does not say what its arrays mean: describe it in a server file'),
        ({'neuracore_ros': 3}, 'neuracore_ros'),
        ({'neuracore_ros': {'format': 2}}, 'format 2 is unknown'),
        ({'neuracore_ros': METADATA['neuracore_ros'] | {'manifest': '{}'}}, 'its own sha256'),
        (ServedPolicy('{"format": 1}', 'ab').metadata(), "lacks 'input'"),
    ],
)
def test_a_server_that_is_none_of_ours_is_refused(metadata, words):
    with scripted_server(answer, metadata) as server:
        with pytest.raises(PolicyError, match=words) as caught:
            load_policy(server.address)
        assert server.address in str(caught.value)


def test_a_demanded_sha256_holds_for_a_server_too():
    with scripted_server(answer, METADATA) as server:
        load_policy(server.address, sha256='ab' * 32)
        with pytest.raises(PolicyError, match='has sha256 abab.*not cdcd'):
            load_policy(server.address, sha256='cd' * 32)


def test_the_key_of_the_environment_is_sent_and_no_other_header_shows_it(monkeypatch):
    monkeypatch.setenv('NEURACORE_ROS_API_KEY', 'secret')
    with scripted_server(answer, METADATA) as server:
        load_policy(server.address)
        assert server.headers[0]['Authorization'] == 'Api-Key secret'
    assert 'secret' not in repr(ServerOptions())
    monkeypatch.setenv('NEURACORE_ROS_API_KEY', 'se\ncret')
    with pytest.raises(PolicyError, match='letters that no header can carry'):
        ServerOptions()


@pytest.mark.parametrize('address', ['http://127.0.0.1:8000', 'gpu://x', '://'])
def test_an_address_of_another_kind_is_refused(address):
    with pytest.raises(PolicyError, match='is no address of a policy server; one is ws://'):
        load_policy(address)


def links():
    """Threads of connections."""
    return sum(thread.name == 'websocket' for thread in threading.enumerate())


def test_a_policy_that_is_given_back_leaves_no_thread_and_ends_what_is_under_way():
    release, caught, before = threading.Event(), [], links()

    def hang(connection, frame):
        release.wait(30)

    def predict(policy):
        try:
            policy.predict(*observation())
        except PolicyError as error:
            caught.append(str(error))

    with scripted_server(hang, METADATA) as server:
        policy = load_policy(server.address)
        asking = threading.Thread(target=predict, args=[policy])
        asking.start()
        policy.close()
        policy.close()
        asking.join(10.0)
        release.set()
    assert not asking.is_alive()
    assert len(caught) == 1 and server.address in caught[0]
    assert links() <= before


@pytest.mark.parametrize('metadata', [{}, None, {'neuracore_ros': {'format': 1}}])
def test_a_server_that_is_refused_leaves_no_thread(metadata, monkeypatch):
    before = links()
    monkeypatch.setattr('neuracore_ros.policy.remote.own_server.FIRST_ANSWER_S', 0.3)
    with scripted_server(answer, metadata) as server, pytest.raises(PolicyError):
        load_policy(server.address)
    assert links() <= before


def test_the_time_of_an_answer_is_told_apart_from_that_of_the_network():
    def timed(connection, frame):
        return stand_still(unpack(frame), server_timing={'infer_ms': 0.01})

    with scripted_server(timed, METADATA) as server:
        policy = load_policy(server.address)
        policy.predict(*observation())
        trip = policy.link.newest
        assert trip.server_s == 0.00001
        assert trip.network_s == pytest.approx(trip.taken_s - 0.00001)
        policy.close()
