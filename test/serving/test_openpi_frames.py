"""The bytes of openpi's own client, as it sent them to ``serve``, and the answers that it reads.

Recorded from packages/openpi-client of openpi (commit 15a9616a) with NumPy 1.26. The frames are
written out here, so that nothing of ours packs or unpacks them.
"""

import re

import numpy as np
import pytest

from helpers.raw_socket import RawSocket, frame
from helpers.served import serving
from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.policy import Policy

HORIZON = 2
# Keys of arrays are bytes (c4), keys of the message are texts (a., b.).
JOINTS = (
    b'\xafJOINT_POSITIONS'
    b'\x84\xc4\x0b__ndarray__\xc3'
    b'\xc4\x04data\xc4\x18\x9a\x99\x99\x99\x99\x99\xb9?\x9a\x99\x99\x99\x99\x99\xc9?333333\xd3?'
    b'\xc4\x05dtype\xa3<f8\xc4\x05shape\x91\x03'
)
IMAGES = (
    b'\xaaRGB_IMAGES'
    b'\x84\xc4\x0b__ndarray__\xc3'
    b'\xc4\x04data\xc4\x0c\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b'
    b'\xc4\x05dtype\xa3|u1\xc4\x05shape\x94\x02\x01\x02\x03'
)
PROMPT = b'\xa6prompt\xa4lift'
NUMBER = b'\xaarequest_id\x83\xc4\r__npgeneric__\xc3\xc4\x04data\x05\xc4\x05dtype\xa3<i8'
OBSERVATION = b'\x84' + JOINTS + IMAGES + PROMPT + NUMBER


class Held:
    """A runtime that repeats the joints, and keeps what it was given."""

    manifest = Manifest(
        input={
            DataType.JOINT_POSITIONS: InputSlots(3, (0, 1, 2)),
            DataType.RGB_IMAGES: InputSlots(2, (0, 1), image_size=(1, 2)),
            DataType.LANGUAGE: InputSlots(1, (0,), length=8),
        },
        output={DataType.JOINT_TARGET_POSITIONS: OutputSlots(3, (0, 1, 2))},
        rate_hz=20.0,
        horizon=HORIZON,
    )

    def run(self, inputs, valid):
        self.inputs = inputs
        return {'JOINT_TARGET_POSITIONS': np.repeat(inputs['JOINT_POSITIONS'], HORIZON, axis=1)}


@pytest.fixture
def runtime():
    return Held()


@pytest.fixture
def socket(runtime):
    with serving(Policy(runtime, 'ab' * 32)) as server, RawSocket(server.port) as found:
        yield found


def read_frame(socket):
    """The first byte of a frame from the server, and its payload."""
    first, length = socket.read(2)
    if length == 126:
        length = int.from_bytes(socket.read(2), 'big')
    return first, socket.read(length)


def test_an_observation_of_openpi_reaches_the_model_and_its_client_reads_the_answer(
    socket, runtime
):
    assert b'HTTP/1.1 101 Switching Protocols' in socket.head
    # No extension: neither side compresses.
    assert b'Sec-WebSocket-Extensions' not in socket.head
    first, metadata = read_frame(socket)
    assert first == 0x82  # Binary, in one frame.
    assert metadata.startswith(b'\x81\xadneuracore_ros')
    socket.send(frame(OBSERVATION))
    first, answer = read_frame(socket)
    assert first == 0x82
    assert runtime.inputs['JOINT_POSITIONS'].tolist() == [[np.float32([0.1, 0.2, 0.3]).tolist()]]
    assert runtime.inputs['RGB_IMAGES'].ravel().tolist() == list(range(12))
    assert bytes(runtime.inputs['LANGUAGE'].ravel()) == b'lift\0\0\0\0'
    # Three numbers of four bytes, twice.
    chunk = b'\xcd\xcc\xcc=\xcd\xccL>\x9a\x99\x99>' * HORIZON
    number = rb'\xcb.{8}'
    expected = (
        re.escape(
            b'\x84\xa7actions\x81\xb6JOINT_TARGET_POSITIONS'
            b'\x84\xc4\x0b__ndarray__\xc3\xc4\x04data\xc4\x18' + chunk + b'\xc4\x05dtype\xa3<f4'
            b'\xc4\x05shape\x92\x02\x03'
        )
        + rb'\xadpolicy_timing\x81\xa8infer_ms'
        + number
        + rb'\xadserver_timing\x81\xa8infer_ms'
        + number
        + re.escape(b'\xaarequest_id\x05')
    )
    assert re.fullmatch(expected, answer, re.DOTALL)
    socket.send(frame(OBSERVATION))
    assert b'\xadprev_total_ms' in read_frame(socket)[1]


def test_an_error_is_a_text_frame_as_openpi_expects_it_and_the_connection_goes_on(socket):
    read_frame(socket)
    socket.send(frame(b'\x81' + JOINTS.replace(b'\x91\x03', b'\x91\x04')))
    first, said = read_frame(socket)
    assert first == 0x81
    assert b'needs 32' in said
    socket.send(frame(OBSERVATION))
    assert read_frame(socket)[0] == 0x82
