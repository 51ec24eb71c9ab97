"""Shipped server files, spoilt: refused in one line, or a map that works all the same."""

import json
import random

import numpy as np
import pytest
import yaml

from helpers.mutations import budget, spoilt
from neuracore_ros.description.shipped import shipped_servers
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.policy.remote.server_map import ServerMap

SHIPPED = shipped_servers()
# Words that stand in a place where others are meant.
WORDS = [
    'LANGUAGE', 'unused', 'velocity', 'xyz', 'axis_angle', {'JOINT_POSITIONS': 0}, {'constant': 1},
    {'RGB_IMAGES': 0, 'size': [8, 8]}, [{'JOINT_TARGET_POSITIONS': [0, 1]}], None,
]  # fmt: skip
MOST_BYTES = 10**8


def answer_of(file):
    """An answer of the right shape, with poses whose rotations are some."""
    answer = {}
    for keys, columns in file.receive.items():
        inner = answer
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = np.full((file.horizon, len(columns)), 0.5, np.float32)
    return answer


def works(file):
    """Make a request, and read an answer."""
    mapped = ServerMap(file)
    manifest = mapped.manifest()
    size = sum(np.prod(manifest.input_shape(kind), dtype=float) for kind in manifest.input)
    size += sum(np.prod(manifest.output_shape(kind), dtype=float) for kind in manifest.output)
    if size > MOST_BYTES:
        return
    inputs = {k.value: np.zeros((1, *manifest.input_shape(k)), k.dtype) for k in manifest.input}
    for kind in manifest.input:
        if kind.is_pose:
            inputs[kind.value][..., -1] = 1
    valid = {k.value: np.ones((1, each.width), bool) for k, each in manifest.input.items()}
    mapped.request(inputs, valid)
    for values in mapped.outputs(answer_of(file), inputs).values():
        assert values.dtype == np.float32


@pytest.mark.parametrize('name', SHIPPED)
def test_a_spoilt_file_is_refused_in_one_line_or_works(name):
    document = json.dumps(yaml.safe_load(SHIPPED[name].read_text()))
    kept = 0
    for seed in range(budget(25)):
        data = spoilt(document, f'{name} {seed}')
        kept += accepted(data.decode('utf-8', 'replace'), SHIPPED[name])
    assert kept < budget(25), 'nothing was refused'


@pytest.mark.parametrize('name', SHIPPED)
def test_a_file_with_words_in_wrong_places_is_refused_in_one_line_or_works(name):
    tree = yaml.safe_load(SHIPPED[name].read_text())
    for seed in range(budget(25)):
        chance = random.Random(f'{name} {seed}')
        spoilt_tree = json.loads(json.dumps(tree))
        places = list(leaves(spoilt_tree))
        holder, key = chance.choice(places)
        holder[key] = chance.choice(WORDS)
        accepted(json.dumps(spoilt_tree), SHIPPED[name])


def leaves(tree):
    """Each place of a tree."""
    for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        yield tree, key
        if isinstance(value, dict | list):
            yield from leaves(value)


def accepted(text, path):
    """True if a text is a server file, which then works; else it is refused in one line."""
    try:
        works(ServerFile.parse(text, path))
    except PolicyError as error:
        assert str(error).isprintable()
        return False
    return True
