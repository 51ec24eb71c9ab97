"""``meta/neuracore_ros.json``: what older versions wrote is read, what is wrong is refused."""

import json
from functools import partial

import pytest

from helpers.mutations import with_value
from neuracore_ros.dataset.metadata import (
    METADATA_PATH,
    ConvertedBag,
    Episode,
    Metadata,
    StreamSummary,
    load_metadata,
)
from neuracore_ros.description import Descriptions, embodiment
from neuracore_ros.errors import DatasetError

ARM = embodiment({'JOINT_POSITIONS': {0: 'base', 2: 'wrist'}})
DESCRIBED = Descriptions({'arm': ARM}, {'arm': ARM})
# As the first version wrote it.
OLDEST = {
    'format': 1,
    'rate_hz': 20,
    'image_size': [48, 64],
    'descriptions': {'arm': {'input': {'JOINT_POSITIONS': {'0': 'base'}}, 'output': {}}},
    'episodes': {'0': {'robot': 'arm', 'bag': 'bags/a', 'start_ns': 5, 'steps': 9}},
}


changed = partial(with_value, OLDEST)


def test_what_is_written_is_read_back():
    stream = StreamSummary('/js', 'input', ('base',), 9, 50.0, 0.01, drops={'older': 2})
    bag = ConvertedBag('arm', 'bags/a', 'f', 9, {'late': 1}, 1, 3, '--gap-s 1', ('x',), (stream,))
    episode = Episode('arm', 'bags/a', 5, 9, 'f', {'late': 1}, 'success', '--gap-s 1')
    gone = Episode('arm', 'bags/a', 7, 3, 'f')
    metadata = Metadata(20.0, (48, 64), DESCRIBED, (episode,), (bag,), removed=(gone,))
    again = Metadata.from_json(metadata.to_json(), 'meta')
    assert again.episodes == (episode,) and again.bags == (bag,) and again.removed == (gone,)
    assert (again.rate_hz, again.image_size) == (20.0, (48, 64))
    assert dict(again.descriptions.input['arm']) == dict(ARM)


def test_what_the_first_version_wrote_is_read():
    metadata = Metadata.from_json(json.dumps(OLDEST), 'meta')
    assert metadata.episodes == (Episode('arm', 'bags/a', 5, 9),) and metadata.bags == ()


def test_what_a_later_version_adds_is_ignored():
    later = changed('colour', to='red')
    assert Metadata.from_json(later, 'meta').rate_hz == 20.0


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        (changed('rate_hz', to=0), 'rate_hz must be a number from 0.1 to 1000, is 0'),
        (changed('rate_hz', to=-1), 'rate_hz must be a number from 0.1 to 1000, is -1'),
        (changed('rate_hz', to=10**400), 'is an integer of about 400 digits'),
        (changed('rate_hz', to=True), 'rate_hz must be a number from 0.1 to 1000, is true'),
        (changed('format', to=2), 'format 2 is unknown; this version reads 1: take the version'),
        (changed('format', to=True), 'format true is unknown'),
        (changed('image_size', to=[48]), 'image_size must be [height, width], integers from 1'),
        (
            changed('image_size', to=[0, 10**9]),
            'image_size must be [height, width], integers from',
        ),
        (changed('episodes', to=[]), 'episodes: must be a JSON object, is []'),
        (changed('episodes', '1', to=3), 'episodes: 1: must be a JSON object, is 3'),
        (changed('episodes', '7', to={}), "episodes: lacks '1'"),
        (changed('episodes', '0', 'steps', to=0), 'steps must be an integer of at least 1, is 0'),
        (changed('episodes', '0', 'steps', to=10**9), 'steps must be an integer of at most'),
        (changed('episodes', '0', 'steps', to=...), "episodes: 0: lacks 'steps'"),
        (changed('episodes', '0', 'robot', to='leg'), "episode 0 is of 'leg'; described are: arm"),
        (changed('episodes', '0', 'robot', to=None), 'robot must be a text, is null'),
        (changed('episodes', '0', 'start_ns', to=1e30), 'start_ns must be an integer of at least'),
        (
            changed('episodes', '0', 'dropped', to={'late': -1}),
            'late must be an integer of at leas',
        ),
        (changed('descriptions', to={}), "episode 0 is of 'arm'; described are: none"),
        (changed('descriptions', 'arm', to={'input': {}}), "descriptions: arm: lacks 'output'"),
        (changed('descriptions', 'arm', 'input', to=3), 'a description must be a mapping, not '),
        (changed('bags', to={'a': 1}), 'bags must be a list, is an object (a)'),
        (changed('bags', to=[{'robot': 'arm'}]), "bags[0]: lacks 'bag'"),
        (
            json.dumps(OLDEST).replace('"0":', '"\\ud83d": {}, "0":'),
            r"without leading zeros, not '\ud83d'",
        ),
        ('{"format": 1, "format": 1}', 'the key "format" is given twice'),
        (b'{"format": 1, "\xe9": 1}', 'is not text in UTF-8 (byte 15)'),
        (json.dumps(OLDEST)[:-9], 'is not JSON: '),
    ],
)
def test_a_wrong_value_is_refused_with_file_key_and_value(tmp_path, text, says):
    path = tmp_path / METADATA_PATH
    path.parent.mkdir()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DatasetError) as refused:
        load_metadata(tmp_path)
    assert str(refused.value).startswith(f'{path}: ') and says in str(refused.value)
