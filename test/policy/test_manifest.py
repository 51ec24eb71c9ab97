"""The manifest: what is refused, what is lenient, and that it survives a round trip."""

import json
import math
import subprocess
import sys
from functools import partial

import pytest

from helpers.mutations import with_value
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.compatibility import trained_positions
from neuracore_ros.policy.manifest import Manifest

MINIMAL = {
    'format': 1,
    'input': {
        'JOINT_POSITIONS': {'width': 3},
        'RGB_IMAGES': {'width': 2, 'trained': [1], 'image_size': [48, 64]},
    },
    'output': {'JOINT_TARGET_POSITIONS': {'width': 3}},
    'rate_hz': 20.0,
    'horizon': 8,
}


changed = partial(with_value, MINIMAL)


def test_what_is_optional_has_a_default():
    manifest = Manifest.from_json(json.dumps(MINIMAL))
    assert manifest.observation_steps == 1
    assert manifest.input[DataType.JOINT_POSITIONS].trained == (0, 1, 2)
    assert manifest.output[DataType.JOINT_TARGET_POSITIONS].mode == 'absolute'
    assert manifest.image_size == (48, 64)
    assert manifest.input_layout.widths == {DataType.JOINT_POSITIONS: 3, DataType.RGB_IMAGES: 2}
    assert manifest.robots == {}


def test_a_round_trip_changes_nothing():
    record = {
        **MINIMAL,
        'observation_steps': 2,
        'versions': {'torch': '2'},
        'dataset': 'reach',
        'robots': {
            'ur5': {
                'input': {
                    'JOINT_POSITIONS': {'0': 'pan', '2': 'wrist'},
                    'RGB_IMAGES': {'1': 'top'},
                },
                'output': {'JOINT_TARGET_POSITIONS': {'0': 'pan', '2': 'wrist'}},
            }
        },
    }
    manifest = Manifest.from_json(json.dumps(record))
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert json.loads(manifest.to_json())['robots'] == record['robots']


def test_a_slot_that_no_episode_had_has_no_range():
    text = changed('output', 'JOINT_TARGET_POSITIONS', 'min', to=[-1.0, None, 0])
    slots = Manifest.from_json(text).output[DataType.JOINT_TARGET_POSITIONS]
    assert slots.minimum[0] == -1.0
    assert math.isnan(slots.minimum[1])
    assert json.loads(Manifest.from_json(text).to_json())['output']['JOINT_TARGET_POSITIONS'][
        'min'
    ] == [-1.0, None, 0.0]


def test_the_positions_of_poses_in_training_are_kept():
    ends = {'min_xyz': [0.1, 0.2, 0.3, None, None, None], 'max_xyz': [1, 2, 3, None, None, None]}
    record = {
        **MINIMAL,
        'output': {'END_EFFECTOR_POSES': {'width': 2, 'trained': [0], **ends}},
    }
    manifest = Manifest.from_json(json.dumps(record))
    low, high = trained_positions(manifest, DataType.END_EFFECTOR_POSES, 0)
    assert (low.tolist(), high.tolist()) == ([0.1, 0.2, 0.3], [1, 2, 3])
    assert trained_positions(manifest, DataType.END_EFFECTOR_POSES, 1) is None
    again = json.loads(manifest.to_json())['output']['END_EFFECTOR_POSES']
    assert again['min_xyz'] == ends['min_xyz']
    record['output']['END_EFFECTOR_POSES']['min_xyz'] = [0.1, 0.2]
    with pytest.raises(PolicyError, match='a list of 6 numbers'):
        Manifest.from_json(json.dumps(record))


def test_unknown_keys_are_ignored():
    assert Manifest.from_json(changed('colour', to='red')) == Manifest.from_json(
        json.dumps(MINIMAL)
    )


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ('', 'has no manifest'),
        ('{', 'is not JSON'),
        ('[]', 'must be a JSON object, is []'),
        (changed('format', to=2), 'format 2 is unknown; this version reads 1'),
        (changed('format', to=...), "lacks 'format'"),
        (changed('rate_hz', to=...), "lacks 'rate_hz'"),
        (changed('rate_hz', to='fast'), 'rate_hz must be a number from 0.1 to 1000, is "fast"'),
        (changed('horizon', to=0), 'horizon must be an integer of at least 1, is 0'),
        (changed('horizon', to=True), 'horizon must be an integer of at least 1, is true'),
        (changed('input', to={}), 'input: must name at least one DataType'),
        (
            changed('input', 'JOINT_POSITION', to={'width': 1}),
            "'JOINT_POSITION' is no DataType; did you mean 'JOINT_POSITIONS'?",
        ),
        (changed('input', 'RGB_IMAGES', 'image_size', to=...), "lacks 'image_size'"),
        (changed('input', 'RGB_IMAGES', 'image_size', to=[4]), 'image_size must be [height'),
        (changed('input', 'RGB_IMAGES', 'trained', to=[2]), 'trained must be a list of indices'),
        (
            changed('input', 'DEPTH_IMAGES', to={'width': 1, 'image_size': [8, 8]}),
            "all images must have one 'image_size'",
        ),
        (changed('input', 'LANGUAGE', to={'width': 1}), "LANGUAGE: lacks 'length' in bytes"),
        (changed('inpaint', to='yes'), 'inpaint must be true or false, is "yes"'),
        (changed('robot_index', to={'ur5': -1}), 'ur5 must be an integer of at least 0, is -1'),
        (changed('input', 'JOINT_POSITIONS', to=3), 'JOINT_POSITIONS: must be a JSON object'),
        (
            changed('output', 'JOINT_TARGET_POSITIONS', 'mode', to='odd'),
            "'absolute' or 'relative'",
        ),
        (changed('output', 'JOINT_TARGET_POSITIONS', 'min', to=[1]), 'a list of 3 numbers'),
        (changed('output', 'JOINT_TARGET_POSITIONS', 'max', to=[1, 2, 'x']), 'null where a slot'),
        (changed('robots', to={'ur5': {'input': {}}}), "robots: ur5: lacks 'output'"),
        (
            changed(
                'robots', to={'ur5': {'input': {'JOINT_POSITIONS': {'00': 'a'}}, 'output': {}}}
            ),
            'ur5',
        ),
    ],
)
def test_a_wrong_manifest_is_refused_in_one_line(text, says):
    with pytest.raises(PolicyError) as refused:
        Manifest.from_json(text, 'policy.pt')
    assert says in str(refused.value)
    assert str(refused.value).startswith('policy.pt: ')
    assert '\n' not in str(refused.value)


def test_reading_a_manifest_and_fitting_import_no_torch():
    code = (
        'import sys, neuracore_ros.policy.compatibility, neuracore_ros.policy.manifest; '
        "print(sorted({'torch', 'rclpy', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        (b'{"format": 1, "dataset": "\xe9"}', 'the manifest is not text in UTF-8 (byte 26)'),
        ('{"a":' * 500 + '1' + '}' * 500, 'the manifest is nested too deeply'),
        (changed('rate_hz', to=5e-324), 'rate_hz must be a number from 0.1 to 1000, is 5e-324'),
        (changed('rate_hz', to=10**400), 'is an integer of about 400 digits'),
        (
            changed('input', 'RGB_IMAGES', 'width', to=10**400),
            'width must be an integer of at most 10000, is an integer of about 400 digits',
        ),
        (
            changed('output', 'JOINT_TARGET_POSITIONS', 'min', to=[10**400] * 3),
            'min must be a list',
        ),
        (
            changed('robot_index', to={'ur5': 10**30}),
            'an integer of at most 1000000, is 1000000000',
        ),
        (changed('input', 'RGB_IMAGES', 'image_size', to=[4096, 4096]), None),
        (
            changed('input', 'RGB_IMAGES', to={'width': 9999, 'image_size': [4096, 4096]}),
            'reads and gives 503 GB; at most 5 GB are taken: look at widths, image_size, horizon',
        ),
    ],
)
def test_numbers_beyond_all_bounds_are_refused_before_memory_is_taken(text, says):
    if says is None:
        Manifest.from_json(text, 'policy.pt')
        return
    with pytest.raises(PolicyError) as refused:
        Manifest.from_json(text, 'policy.pt')
    assert says in str(refused.value) and len(str(refused.value)) < 300


def test_what_a_robot_must_have_survives_a_round_trip_and_is_nothing_by_default():
    assert Manifest.from_json(json.dumps(MINIMAL)).input[DataType.JOINT_POSITIONS].required == ()
    text = changed('input', 'JOINT_POSITIONS', 'required', to=[2, 0])
    manifest = Manifest.from_json(text)
    assert manifest.input[DataType.JOINT_POSITIONS].required == (0, 2)
    assert Manifest.from_json(manifest.to_json()) == manifest
    text = changed('input', 'JOINT_POSITIONS', 'required', to=[3])
    with pytest.raises(PolicyError, match=r'required must be a list of indices in 0\.\.2'):
        Manifest.from_json(text)
