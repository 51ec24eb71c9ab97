"""GR00T's packing: byte for byte as its servers write it, and what no frame may do to a client."""

import random
import struct
import tracemalloc

import msgpack
import numpy as np
import pytest

from helpers.gr00t_servers import from_bytes, modality, to_bytes
from neuracore_ros.errors import WireError
from neuracore_ros.wire.npy_packing import pack_npy, unpack_npy

HEADER = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }"
# np.save: magic, version 1.0, length of the header, header padded to 128 bytes, numbers.
NPY = (
    b'\x93NUMPY\x01\x00' + struct.pack('<H', 118) + HEADER.ljust(117) + b'\n'
    + struct.pack('<2f', 1.0, -2.0)
)  # fmt: skip


def array_frame(data):
    return msgpack.packb({'__ndarray_class__': True, 'as_npy': data})


def npy(header, data=b''):
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header + data


def test_an_array_is_packed_byte_for_byte_as_gr00t_does():
    packed = pack_npy({'endpoint': 'get_action', 'data': np.float32([[1, -2]])})
    assert packed == (
        b'\x82\xa8endpoint\xaaget_action\xa4data\x82\xb1__ndarray_class__\xc3\xa6as_npy\xc4\x88'
        + NPY
    )


@pytest.mark.parametrize(
    'value',
    [
        np.zeros((1, 2, 4, 6, 3), np.uint8),
        np.float32([[[0.5]]]),
        np.array(3.0),
        np.zeros((0, 3), np.float32),
        np.zeros((2, 0)),
        np.array([True, False]),
        np.arange(10, dtype=np.int64)[::3],
        np.arange(3, dtype='>f4'),
    ],
)
def test_arrays_are_those_of_np_save_both_ways(value):
    assert pack_npy([value]) == to_bytes([value])
    read = unpack_npy(to_bytes([value]))[0]
    assert read.dtype == value.dtype
    assert read.shape == value.shape
    assert read.tolist() == value.tolist()


def test_an_array_in_the_order_of_fortran_is_read_in_its_own():
    value = np.arange(6).reshape(2, 3).T
    assert unpack_npy(to_bytes(value)).tolist() == value.tolist()
    assert from_bytes(pack_npy(value)).tolist() == value.tolist()


def test_a_number_of_numpy_is_a_number():
    assert unpack_npy(pack_npy({'a': np.float32(0.5), 'b': np.int64(3)})) == {'a': 0.5, 'b': 3}


def test_a_configuration_is_an_object_or_in_older_servers_the_text_of_one():
    new = unpack_npy(msgpack.packb({'action': modality(['arm'], [0, 1])}))
    assert new['action']['modality_keys'] == ['arm']
    text = '{"delta_indices":[0,1],"modality_keys":["action.arm"]}'
    old = unpack_npy(msgpack.packb({'__ModalityConfig_class__': True, 'as_json': text}))
    assert old == {'delta_indices': [0, 1], 'modality_keys': ['action.arm']}


@pytest.mark.parametrize(
    'header',
    [
        b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        b"{'descr': '|S4', 'fortran_order': False, 'shape': (1,), }",
        b"{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,), }",
        b"{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }",
        b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -1), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000000000000, 1), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 10000000000000000000000), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,), }",
        b"{'descr': '<f4', 'fortran_order': 7, 'shape': (1,), }",
        b"{'descr': '<f4', 'shape': (1,), }",
        b'__import__("os").abort()',
        b'[' * 5000,
        b'9' * 9000,
        b'',
    ],
)
def test_a_header_that_lies_is_refused_in_one_line(header):
    with pytest.raises(WireError, match='^holds an array') as error:
        unpack_npy(array_frame(npy(header, b'\0\0\0\0')))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    'frame',
    [
        b'',
        b'\xc1',
        b'\x92\x01',
        b'ERROR',
        b'\x80\x80',
        b'\xdd\xff\xff\xff\xff',
        b'\xdf\xff\xff\xff\xff',
        b'\xc6\xff\xff\xff\xff',
        b'\x91' * 5000,
        msgpack.packb({'__ndarray_class__': True}),
        msgpack.packb({'__ndarray_class__': True, 'as_npy': 'text'}),
        array_frame(b''),
        array_frame(b'\x93NUMPY'),
        array_frame(b'\x93NUMPY\x09\x00'),
        array_frame(NPY[:-1]),
        array_frame(NPY + b'\0'),
        msgpack.packb({'__ModalityConfig_class__': True}),
        msgpack.packb({'__ModalityConfig_class__': True, 'as_json': '['}),
        msgpack.packb({'__ModalityConfig_class__': True, 'as_json': '[' * 100_000}),
        msgpack.packb({'__ModalityConfig_class__': True, 'as_json': '[]'}),
    ],
)
def test_a_damaged_frame_is_refused_in_one_line(frame):
    with pytest.raises(WireError, match='^(holds|is no MessagePack)'):
        unpack_npy(frame)


@pytest.mark.parametrize(
    'frame',
    [
        b'\xdc\x10\x00' * 1000 + bytes(2**20),
        b'\xdd\x00\x10\x00\x00' * 1000 + bytes(2**20),
        b'\xdc\x10\x00' + (b'\xdc\x10\x00' + b'\x90' * 4096) * 4096,
    ],
)
def test_countless_lists_are_refused_before_they_fill_the_memory(frame):
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            unpack_npy(frame)
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


def test_no_frame_does_anything_but_be_read_or_refused():
    drawn = random.Random(0)
    whole = to_bytes([{'arm': np.zeros((1, 16, 5), np.float32)}, {'info': [1, 'a', None]}])
    for _ in range(2000):
        frame = bytearray(whole[: drawn.choice([len(whole), drawn.randrange(len(whole))])])
        for _ in range(drawn.randrange(4)):
            if frame:
                frame[drawn.randrange(min(len(frame), 200))] = drawn.randrange(256)
        try:
            unpack_npy(bytes(frame))
        except WireError as error:
            assert '\n' not in str(error)


@pytest.mark.parametrize(
    'value', [np.array(['text']), np.array([None]), {1, 2}, object(), 2**70, np.complex64(1)]
)
def test_what_has_no_place_in_a_frame_is_refused(value):
    with pytest.raises(WireError, match='^cannot be packed'):
        pack_npy({'a': value})
