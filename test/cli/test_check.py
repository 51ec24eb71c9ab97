"""`neuracore_ros check`, on policies, robot files and recordings that are right or wrong."""

import subprocess
import sys

import pytest

torch = pytest.importorskip('torch')

from helpers.small_policies import StandStill
from neuracore_ros.description import DataType
from neuracore_ros.description.shipped import shipped
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

UR5 = shipped('ur5')


@pytest.fixture(scope='module')
def policies(tmp_path_factory):
    """Policy files by name: one that fits, one that is too narrow, one whose manifest lies."""
    folder = tmp_path_factory.mktemp('policies')
    for name, width, horizon in (('good', 7, 4), ('narrow', 5, 4), ('lying', 7, 9)):
        slots = tuple(range(width))
        manifest = Manifest(
            input={DataType.JOINT_POSITIONS: InputSlots(width, slots)},
            output={DataType.JOINT_TARGET_POSITIONS: OutputSlots(width, slots)},
            rate_hz=20.0,
            horizon=horizon,
        )
        save(StandStill(4), manifest, folder / f'{name}.pt')
    return folder


def test_what_fits_is_told_with_what_is_read_and_commanded(policies, check):
    code, found = check(policies / 'good.pt', UR5)
    assert (code, found['errors']) == (0, [])
    assert found['warnings'] == ["'ur5' has RGB_IMAGES, which the policy does not read: ignored."]
    assert 'reads joint_states; commands arm_controller/joint_trajectory' in found['facts']


def test_where_a_human_can_take_over_is_told(tmp_path, policies, check):
    robot = tmp_path / 'robot.yaml'
    text = UR5.read_text()
    commands = text[text.index('commands:') :].replace('commands:', 'teleop:')
    robot.write_text(text + commands.replace('arm_controller/joint_trajectory', '/leader'))
    code, found = check(policies / 'good.pt', robot)
    assert code == 0
    (told,) = [fact for fact in found['facts'] if 'take over' in fact]
    assert told.startswith('a human can take over on /leader (JointState): shoulder_pan_joint')
    robot.write_text(text + commands)
    code, found = check(policies / 'good.pt', robot)
    assert code == 1 and 'a second commander there stops it' in found['errors'][0]


def test_crops_and_openings_that_follow_are_told(tmp_path, policies, check):
    robot = tmp_path / 'robot.yaml'
    text = UR5.read_text()
    for old, new in (
        ('image_raw}', 'image_raw, crop: [8, 4, 32, 24]}'),
        ('output:', '  PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: g}\noutput:'),
        ('limits:', 'limits:\n  g: {position: [0, 1], velocity: 1}'),
        ('sources:', 'sources:\n  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: /hand, follow_s: 0.4}'),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    robot.write_text(text)
    _, found = check(policies / 'good.pt', robot)
    told = [fact for fact in found['facts'] if ' index ' in fact]
    assert told == [
        "PARALLEL_GRIPPER_OPEN_AMOUNTS index 0 'g': follows its command in 0.4 s (/hand)",
        "RGB_IMAGES index 1 'overhead': crop [8, 4, 32, 24] (overhead/image_raw)",
    ]


@pytest.mark.parametrize('file', ['policy.onnx', 'policy.xml'])
def test_every_kind_of_policy_file_is_read(tmp_path, policies, file, check):
    for library in ('onnx', 'onnxscript', 'onnxruntime', 'openvino'):
        pytest.importorskip(library)
    from neuracore_ros.policy.load import load_policy
    from neuracore_ros.training.graph import write_onnx, write_openvino

    write = write_onnx if file == 'policy.onnx' else write_openvino
    write(StandStill(4), load_policy(policies / 'good.pt').manifest, tmp_path / file)
    code, found = check(tmp_path / file, UR5)
    assert (code, found['errors']) == (0, [])
    assert f'{tmp_path / file}: 20 Hz, 4 steps a prediction' in ' '.join(found['facts'])
    if file == 'policy.xml':
        (tmp_path / 'policy.bin').unlink()
        code, found = check(tmp_path / file, UR5)
        assert code == 1
        assert 'lacks policy.bin beside it' in found['errors'][0]


def test_every_error_is_told_and_not_only_the_first(policies, tmp_path, check):
    robot = tmp_path / 'ur5.yaml'
    robot.write_text(UR5.read_text().split('commands:')[0])
    code, found = check(policies / 'narrow.pt', robot)
    assert code == 1
    command, fit = found['errors']
    assert 'Add under commands' in command
    assert 'index 6; the model was trained with width 5' in fit


def test_a_model_that_does_not_do_what_its_manifest_says_is_found(policies, check):
    code, found = check(policies / 'lying.pt', UR5)
    assert code == 1
    assert 'the manifest says (1, 9, 7)' in found['errors'][0]


def test_files_that_are_not_there_are_each_told(policies, tmp_path, check):
    code, found = check(tmp_path / 'nowhere.pt', tmp_path / 'nowhere.yaml')
    assert code == 1
    assert ['nowhere.yaml' in found['errors'][0], 'nowhere.pt' in found['errors'][1]] == [
        True,
        True,
    ]


def test_a_recording_must_have_the_declared_topics_types_and_names(policies, tmp_path, check):
    rosbags = pytest.importorskip('rosbags')
    assert rosbags
    import numpy as np
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    types, nothing = store.types, np.zeros(0)
    header = types['std_msgs/msg/Header'](types['builtin_interfaces/msg/Time'](1, 0), '')
    names = [
        'shoulder_pan_joint',
        'shoulder_lift_joint',
        'elbow_joint',
        'wrist_1_joint',
        'wrist_2_joint',
    ]
    names.append('wrist_three_joint')
    joints = types['sensor_msgs/msg/JointState'](header, names, np.zeros(6), nothing, nothing)
    jpeg = types['sensor_msgs/msg/CompressedImage'](header, 'jpeg', np.zeros(3, np.uint8))
    with Writer(tmp_path / 'bag', version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for topic, message in (('/joint_states', joints), ('/overhead/image_raw', jpeg)):
            kind = message.__msgtype__
            connection = writer.add_connection(topic, kind, typestore=store)
            writer.write(connection, 10**9, store.serialize_cdr(message, kind))
    code, found = check(policies / 'good.pt', UR5, '--bag', tmp_path / 'bag')
    assert code == 1
    name, image = found['errors']
    assert "lacks 'wrist_3_joint' (JOINT_POSITIONS index 6; did you mean" in name
    assert 'type: sensor_msgs/msg/CompressedImage' in image


def test_a_robot_computer_checks_a_recording_without_the_libraries_of_datasets(policies, tmp_path):
    pytest.importorskip('rosbags')
    from helpers.every_data_type import BARE, record_bare

    robot = tmp_path / 'bare.yaml'
    robot.write_text(BARE)
    command = ['check', str(policies / 'good.pt'), str(robot)]
    command += ['--bag', str(record_bare(tmp_path / 'bag'))]
    code = (
        'import sys; sys.modules["pyarrow"] = sys.modules["av"] = None; '
        f'from neuracore_ros.cli.main import main; sys.exit(main({command}))'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert 'bag: 1 episode, 40 steps' in done.stdout
