"""Frames are openpi's, byte for byte, and what is damaged is refused in a line."""

import tracemalloc

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neuracore_ros.errors import WireError
from neuracore_ros.wire.npy_packing import unpack_npy
from neuracore_ros.wire.packing import pack, unpack, unpack_map

ARRAY = (
    b'\x81\xa1a\x84\xc4\x0b__ndarray__\xc3\xc4\x04data\xc4\x08\x00\x00\x80\x3f\x00\x00\x00\x40'
    b'\xc4\x05dtype\xa3<f4\xc4\x05shape\x91\x02'
)


def test_an_array_is_packed_byte_for_byte_as_openpi_packs_it():
    assert pack({'a': np.array([1.0, 2.0], np.float32)}) == ARRAY


def test_a_numpy_number_is_packed_as_openpi_packs_it():
    packed = pack({'a': np.float32(1.5)})
    assert msgpack.unpackb(packed, strict_map_key=False) == {
        'a': {b'__npgeneric__': True, b'data': 1.5, b'dtype': '<f4'}
    }
    assert unpack(packed) == {'a': np.float32(1.5)}
    assert isinstance(unpack(packed)['a'], np.float32)


@given(
    st.sampled_from(['u1', '<f4', '<f8', '<i8', '?']).flatmap(
        lambda dtype: arrays(dtype, st.lists(st.integers(0, 4), max_size=4).map(tuple))
    )
)
def test_what_is_packed_is_unpacked(array):
    found = unpack(pack({'deep': [{'x': array}]}))['deep'][0]['x']
    assert found.dtype == array.dtype and found.shape == array.shape
    assert found.tobytes() == array.tobytes()


def test_a_view_of_an_array_is_packed_in_the_order_of_its_axes():
    view = np.arange(12, dtype=np.float32).reshape(3, 4).T[::2]
    assert np.array_equal(unpack(pack({'a': view}))['a'], view)


def test_markers_that_are_texts_are_read_too():
    array = {'__ndarray__': True, 'data': b'\x01\x02', 'dtype': '|u1', 'shape': [2]}
    assert unpack(msgpack.packb({'a': array}))['a'].tolist() == [1, 2]


@pytest.mark.parametrize(
    ('array', 'words'),
    [
        ({'data': b'12', 'dtype': '<f4', 'shape': [1]}, 'in 2 bytes, which needs 4'),
        ({'data': b'1234', 'dtype': '<f4', 'shape': [-1]}, r'of the shape \[-1\]'),
        ({'data': b'1234', 'dtype': '<f4', 'shape': 1}, 'of the shape 1'),
        ({'data': b'1234', 'dtype': '|O', 'shape': [1]}, r"of the type '\|O'"),
        ({'data': b'1234', 'dtype': 'f4,f4', 'shape': [1]}, "of the type 'f4,f4'"),
        ({'data': b'1234', 'dtype': '(2,2)u1', 'shape': [1]}, 'of the type'),
        ({'data': b'1234', 'dtype': None, 'shape': [1]}, 'of the type null'),
        ({'data': b'1234', 'dtype': 'f4,(9999999)i8', 'shape': [1]}, 'of the type'),
        ({'data': 'text', 'dtype': '<f4', 'shape': [1]}, "'text' for its bytes"),
        ({'data': b'', 'dtype': '<f4', 'shape': [2**40, 2**40]}, 'which needs'),
        ({}, 'of the type null'),
    ],
)
def test_an_array_that_contradicts_itself_is_refused(array, words):
    packed = msgpack.packb(
        {'a': {b'__ndarray__': True} | {k.encode(): v for k, v in array.items()}}
    )
    with pytest.raises(WireError, match=words):
        unpack(packed)


@pytest.mark.parametrize(
    'frame', [b'', b'\xc1', ARRAY[:-1], ARRAY + b'\x00', b'\xdd\xff\xff\xff\xff', b'\x91' * 5000]
)
def test_a_damaged_frame_is_refused(frame):
    with pytest.raises(WireError, match='is no MessagePack'):
        unpack(frame)


@pytest.mark.parametrize('thing', [b'\x01', b'\x90', b'\x80', b'\xa0', b'\x91\x90'])
@pytest.mark.parametrize('shape', ['one', 'many'])
@pytest.mark.parametrize('unpack', [unpack, unpack_npy])
def test_a_frame_of_countless_things_is_refused_before_they_fill_the_memory(thing, shape, unpack):
    millions = 2_000_000
    if shape == 'one':
        frame = b'\xdd' + millions.to_bytes(4, 'big') + thing * millions
    else:
        row = b'\xdc\x04\x00' + thing * 1024
        frame = b'\xdc\x04\x00' + row * 1024
    tracemalloc.start()
    with pytest.raises(WireError, match='exceeds max_array_len|more than 65536 things'):
        unpack(frame)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20_000_000


@given(st.binary(max_size=200))
def test_no_frame_raises_anything_else(frame):
    try:
        unpack(frame)
    except WireError as error:
        assert '\n' not in str(error)


def test_a_frame_that_is_no_map_is_refused():
    with pytest.raises(WireError, match='holds 3, not a map'):
        unpack_map(pack(3))


@pytest.mark.parametrize(
    'value', [object(), np.array([object()]), np.array(['text']), 1 + 2j, 2**70]
)
def test_what_is_no_number_is_not_packed(value):
    with pytest.raises(WireError, match='cannot be packed'):
        pack({'a': value})
