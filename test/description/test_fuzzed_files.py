"""Whatever stands in a robot file, it loads or is refused in one line."""

import warnings
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.robot_file_examples import FORM_A, FORM_B, ROBOT
from neuracore_ros.description import load_descriptions, load_robot
from neuracore_ros.errors import DescriptionError

pytestmark = pytest.mark.filterwarnings('ignore')

CROPPED = ROBOT.replace('/eye/compressed', '/eye/compressed, crop: [80, 40, 320, 240]')
WORDS = st.sampled_from(
    [
        'robot', 'vocabulary', 'arm/1', 'right.elbow_pitch', 'scene', 'urdf', 'limits', 'input', 'output', 'sources', 'commands', 'JOINT_POSITIONS',
        'RGB_IMAGES', 'JOINT_TARGET_POSITIONS', 'LANGUAGE', 'topic', 'names', 'order', 'scale',
        'qos', 'reliability', 'base', 'wrist', 'eye', 'position', 'velocity', 'none', 'robots',
        'type', 'Image', 'crop', 'follow_s', 'PARALLEL_GRIPPER_OPEN_AMOUNTS', 'Joy', '0', '1', '010', 'yes', '.inf', '1e400', '', '~', '/joint_states',
    ]
)  # fmt: skip
SCALARS = WORDS | st.integers() | st.floats() | st.booleans() | st.none() | st.text(max_size=5)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.integers(0, 9), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


def loads_or_is_refused_in_one_line(load, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            loaded = load(path)
        except DescriptionError as error:
            assert '\n' not in str(error)
            return
    if load is load_robot:
        for tool in (loaded.input_sources, loaded.output_sources, loaded.measured_sources):
            try:
                tool()
                loaded.commands()
            except DescriptionError as error:
                assert '\n' not in str(error)


@pytest.fixture(scope='module')
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp('fuzz') / 'fuzzed.yaml'


@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_robot_file_with_one_value_replaced(path, data):
    tree = yaml.safe_load(CROPPED)
    node = tree
    while True:
        key = data.draw(st.sampled_from(sorted(node, key=str)))
        if not (isinstance(node[key], dict) and node[key] and data.draw(st.booleans())):
            break
        node = node[key]
    if data.draw(st.booleans()):
        node[key] = data.draw(TREES)
    else:
        node[data.draw(WORDS)] = node.pop(key)
    path.write_text(yaml.safe_dump(tree, allow_unicode=True))
    loads_or_is_refused_in_one_line(load_robot, path)


@given(st.integers(0, len(CROPPED) - 1), st.text(max_size=3), st.integers(0, 5))
@settings(max_examples=400, deadline=None)
def test_a_robot_file_with_some_characters_replaced(path, start, new, length):
    text = CROPPED[:start] + new + CROPPED[start + length :]
    path.write_text(text, encoding='utf-8', errors='replace')
    loads_or_is_refused_in_one_line(load_robot, path)


@given(TREES)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_description_of_any_shape(path, tree):
    path.write_text(yaml.safe_dump(tree, allow_unicode=True))
    loads_or_is_refused_in_one_line(lambda file: load_descriptions([file]), path)


@given(st.sampled_from([FORM_A, FORM_B]), st.integers(0, 200), st.text(max_size=3))
@settings(max_examples=200, deadline=None)
def test_a_description_with_some_characters_replaced(path, form, start, new):
    path.write_text(form[:start] + new + form[start + 1 :], encoding='utf-8', errors='replace')
    loads_or_is_refused_in_one_line(lambda file: load_descriptions([file]), path)


@given(st.binary(max_size=60))
def test_a_file_of_any_bytes(path, content):
    path.write_bytes(content)
    loads_or_is_refused_in_one_line(load_robot, path)
