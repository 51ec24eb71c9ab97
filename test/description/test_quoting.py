"""A refusal tells a stranger on the graph next to nothing of the file that it refuses."""

import json
import time

import pytest

from helpers.robot_file_examples import ONE_JOINT as UR5
from neuracore_ros.description import load_descriptions, load_robot
from neuracore_ros.errors import VALUE_LENGTH, DescriptionError, PolicyError
from neuracore_ros.policy.manifest import Manifest

SECRET = 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ'
KEY = (
    f'-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----\n'
)


def refusal(path, load):
    with pytest.raises(DescriptionError) as refused:
        load(path)
    return str(refused.value)


@pytest.mark.parametrize('load', [load_robot, lambda path: load_descriptions([path])])
@pytest.mark.parametrize(
    'text',
    [
        KEY,
        f'root:x:0:0:{SECRET}:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n',
        f'[default]\naws_secret_access_key = {SECRET}\n',
        f'TOKEN={SECRET}\nPASSWORD={SECRET}\n',
        f'- {SECRET}\n- {SECRET}\n',
        f'"{SECRET}"',
        f'network={{\n  psk="{SECRET}"\n}}\n',
        f'token: {SECRET}\n',
        f'robot: {{token: {SECRET}}}\n',
        f'machine: host\npassword: |\n  {SECRET}\n',
        f'# comment\n*{SECRET}\n' * 2,
        f'%{SECRET}\n---\n',
    ],
)
def test_a_file_that_is_no_robot_file_is_not_told(tmp_path, text, load):
    path = tmp_path / 'id_rsa'
    path.write_text(text)
    assert SECRET not in refusal(path, load).replace(str(path), '')


@pytest.mark.parametrize('length', [300, 2_000_000])
@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ('robot: ', 'robot: {}'),
        ('robot: ', '"{}": 1\nrobot: '),
        ('[-3.14', '[{}'),
        ('{0: elbow', '{{{}: elbow'),
        ('{0: elbow', '{{0: {}'),
        ('topic: /joint_states', 'topic: {}'),
        ('topic: /joint_states', 'topic: /joint_states, stamp: {}'),
        ('JOINT_POSITIONS: {0', '{}: {{0'),
    ],
)
def test_a_value_of_any_length_is_quoted_by_its_first_letters(tmp_path, old, new, length):
    path, long = tmp_path / 'arm.yaml', 'w' * length
    text = UR5.replace(old, new.format(long), 1)
    assert text != UR5
    path.write_text(text)
    start_s = time.monotonic()
    assert 'w' * (VALUE_LENGTH + 1) not in refusal(path, load_robot)
    assert time.monotonic() - start_s < 20


def test_aliases_that_repeat_each_other_without_end_are_refused(tmp_path):
    lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    lines += [f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 10)}]' for n in range(1, 30)]
    path = tmp_path / 'arm.yaml'
    path.write_text('\n'.join(lines))
    assert 'holds more than 100000 values' in refusal(path, load_robot)


def test_a_manifest_is_quoted_by_the_first_letters_of_its_values():
    for key in ('format', 'rate_hz', 'input', 'robots'):
        with pytest.raises(PolicyError) as refused:
            Manifest.from_json(json.dumps({'format': 1, 'input': {}, key: SECRET * 100}))
        assert SECRET * 2 not in str(refused.value)
