"""The shipped server files, each against a server that takes and gives what the real one does."""

import json
from contextlib import contextmanager

import numpy as np
import pytest

from helpers.gr00t_servers import Gr00tServer
from helpers.openpi_policies import aloha, as_openpi, droid, lerobot_so101, libero
from helpers.scripted_server import scripted_server
from neuracore_ros.description import DataType
from neuracore_ros.description.shipped import server_file, shipped_robots, shipped_servers
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.remote.foreign_server import ForeignServer
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.wire.websocket import WebSocketConnection
from neuracore_ros.wire.zeromq import ZeroMqConnection

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
OPENING = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
TOLD_OPENING = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
HAND, RGB, TEXT = DataType.END_EFFECTOR_POSES, DataType.RGB_IMAGES, DataType.LANGUAGE
DEGREE = np.pi / 180


def shipped(name):
    return ServerFile.read(server_file(f'{name}.server.yaml'))


@contextmanager
def served(name, infer, answer='actions'):
    """A policy of a shipped file behind openpi's server, and the requests that reach it."""
    requests = []
    with scripted_server(as_openpi(infer, requests, answer)) as server:
        connection = WebSocketConnection(server.address)
        file = shipped(name)
        try:
            yield Policy(ForeignServer(file, connection.ask), file.sha256), requests
        finally:
            connection.close()


def observation(policy, task='fold the towel', **values):
    """Inputs of a robot that has all slots; those that are not given are random."""
    random = np.random.default_rng(0)
    inputs, valid = {}, {}
    for kind, slots in policy.manifest.input.items():
        shape = policy.manifest.input_shape(kind)
        inputs[kind] = random.random(shape).astype(np.float32)
        valid[kind] = np.ones(slots.width, bool)
        if kind is RGB:
            inputs[kind] = random.integers(0, 256, shape, np.uint8)
        if kind is TEXT:
            inputs[kind] = np.frombuffer(task.encode().ljust(256, b'\0'), np.uint8)[None, None]
        if kind.value in values:
            inputs[kind][:] = values[kind.value]
    return inputs, valid


def test_every_file_is_a_policy_and_no_robot():
    files = shipped_servers()
    assert {'pi05_droid', 'pi0_aloha', 'pi0_libero', 'pi05_libero', 'lerobot_so101'} <= {
        name.removesuffix('.server.yaml') for name in files
    }
    for name, path in files.items():
        file = ServerFile.read(path)
        assert file.address and file.execute <= file.horizon, name
        manifest = ForeignServer(file, print).manifest
        assert Manifest.from_json(manifest.to_json()) == manifest
        assert json.loads(manifest.to_json())['dataset'] == name
    assert not any('server' in name for name in shipped_robots())


def test_a_shipped_file_is_found_by_name_and_a_misspelt_one_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert server_file('pi05_droid.server.yaml') == shipped_servers()['pi05_droid.server.yaml']
    with pytest.raises(PolicyError, match=r'no such file; shipped are pi05_droid\.server\.yaml'):
        server_file('pi05_driod.server.yaml')
    with pytest.raises(PolicyError, match='no such file'):
        server_file('elsewhere/pi05_droid.server.yaml')
    own = tmp_path / 'pi05_droid.server.yaml'
    own.write_text('server: openpi')
    assert server_file(own.name).resolve() == own


def test_pi05_droid_gets_what_droid_sends_and_moves_its_joints_by_velocities():
    actions = np.zeros((15, 8))
    actions[0, :3] = 1.0, -0.5, 7.0  # openpi's client clips the last
    actions[1, 0] = 0.5
    actions[:, 7] = [0.7] + [0.5] * 13 + [-0.1]
    with served('pi05_droid', droid(actions)) as (policy, requests):
        inputs, valid = observation(policy, JOINT_POSITIONS=0.1, PARALLEL_GRIPPER_OPEN_AMOUNTS=1)
        chunk = policy.predict(inputs, valid)
        policy.warm_up()
    (request, *_) = requests
    assert request['prompt'] == 'fold the towel'
    assert np.array_equal(request['observation/exterior_image_1_left'], inputs[RGB][0, 0])
    assert np.array_equal(request['observation/wrist_image_left'], inputs[RGB][0, 1])
    assert np.array_equal(request['observation/joint_position'], inputs[JOINTS][0])
    assert request['observation/gripper_position'].tolist() == [0], 'DROID has 0 open, 1 closed'
    assert chunk[TARGETS][0, :4] == pytest.approx([0.3, 0.0, 0.3, 0.1], abs=1e-6)
    assert chunk[TARGETS][1:, 0] == pytest.approx([0.4] * 14)
    # `action[-1] > 0.5` closes, in examples/droid/main.py.
    assert chunk[TOLD_OPENING][:, 0].tolist() == [0] + [1] * 14


def test_droids_own_rule_gives_the_same_joints_as_ours():
    """`joint_velocity_to_delta` of DROID after the clip of openpi's client."""
    file = shipped('pi05_droid')
    random = np.random.default_rng(1)
    actions = random.normal(0, 1.5, (15, 8))
    policy = Policy(ForeignServer(file, lambda message, deadline_s: {'actions': actions}), '')
    inputs, valid = observation(policy)
    velocities = np.clip(actions[:, :7], -1, 1)
    deltas = 0.2 * velocities / np.maximum(1, np.abs(velocities).max(1, keepdims=True))
    wanted = inputs[JOINTS][0] + np.cumsum(deltas, 0)
    assert policy.predict(inputs, valid)[TARGETS] == pytest.approx(wanted, abs=1e-6)


def test_pi0_aloha_gets_both_arms_in_its_order_and_chw_images():
    actions = np.arange(50 * 14).reshape(50, 14) / 700
    with served('pi0_aloha', aloha(actions)) as (policy, requests):
        inputs, valid = observation(
            policy,
            JOINT_POSITIONS=np.arange(12) / 10,
            PARALLEL_GRIPPER_OPEN_AMOUNTS=[0.25, 0.75],
        )
        chunk = policy.predict(inputs, valid)
    (request,) = requests
    wanted = [*np.arange(6) / 10, 0.25, *np.arange(6, 12) / 10, 0.75]
    assert request['state'] == pytest.approx(wanted)
    for index, name in enumerate(('cam_high', 'cam_left_wrist', 'cam_right_wrist')):
        assert np.array_equal(request['images'][name], np.moveaxis(inputs[RGB][0, index], -1, 0))
    arms = np.delete(actions, (6, 13), axis=1)
    assert np.array_equal(chunk[TARGETS], arms.astype(np.float32))
    assert np.array_equal(chunk[TOLD_OPENING], actions[:, (6, 13)].astype(np.float32))


def test_pi0_aloha_does_without_wrist_cameras_and_with_its_own_prompt():
    infer = aloha(np.zeros((50, 14)), default_prompt='fold the towel')
    with served('pi0_aloha', infer) as (policy, requests):
        inputs, valid = observation(policy)
        valid[RGB][1:] = False
        del inputs[TEXT], valid[TEXT]
        policy.predict(inputs, valid)
    (request,) = requests
    assert list(request['images']) == ['cam_high'] and 'prompt' not in request


@pytest.mark.parametrize(('name', 'horizon'), [('pi05_libero', 10), ('pi0_libero', 50)])
def test_libero_gets_its_eight_numbers_and_moves_a_hand(name, horizon):
    actions = np.zeros((horizon, 7))
    actions[0] = 1, -0.5, 0, 0, 0, 1, 1  # to the front and right, a turn about the world's z
    actions[1] = 3, 0, 0, 0, 0, 1, -1  # `scale_action` clips
    down = np.float32([0.1, 0.2, 1.1, 1, 0, 0, 0])
    with served(name, libero(actions)) as (policy, requests):
        inputs, valid = observation(
            policy, END_EFFECTOR_POSES=down, PARALLEL_GRIPPER_OPEN_AMOUNTS=0.5
        )
        chunk = policy.predict(inputs, valid)
    (request,) = requests
    assert request['observation/state'] == pytest.approx(
        [0.1, 0.2, 1.1, np.pi, 0, 0, 0.02, -0.02], abs=1e-6
    )
    for index, key in enumerate(('observation/image', 'observation/wrist_image')):
        assert np.array_equal(request[key], inputs[RGB][0, index, ::-1, ::-1])
    assert chunk[HAND].shape == (horizon, 1, 7)
    assert chunk[HAND][:2, 0, :3] == pytest.approx(
        np.array([[0.11335, 0.193325, 1.1], [0.1267, 0.193325, 1.1]])
    )
    # Turns about the world's z: x of a hand that points down turns with it.
    for step, angle in enumerate((0.1335, 0.267)):
        x, y, z, w = chunk[HAND][step, 0, 3:]
        assert [1 - 2 * (y * y + z * z), 2 * (x * y + z * w)] == pytest.approx(
            [np.cos(angle), np.sin(angle)], abs=1e-6
        )
    # 1 closes, -1 opens; 0 does neither, and is the last that robosuite's sign() would not close.
    assert chunk[TOLD_OPENING][:3, 0].tolist() == [0, 1, 1]


def test_the_scale_of_libero_is_how_far_its_controller_goes_in_a_step():
    """`run_controller` of robosuite's OSC for a mass of 1, at 20 Hz, with steps of 2 ms."""
    kp, damping = 150, 2 * np.sqrt(150)
    place = speed = 0.0
    for _ in range(40):
        start, goal = place, place + 0.05
        for _ in range(25):
            speed += 0.002 * (kp * (goal - place) - damping * speed)
            place += 0.002 * speed
    for name in ('pi0_libero', 'pi05_libero'):
        scales = {column.number: column.scale for column in shipped(name).received_columns()}
        assert scales['x'] == pytest.approx(place - start, rel=0.01)
        assert scales['rz'] == pytest.approx(10 * (place - start), rel=0.01)


def test_the_rotation_that_libero_sends_is_that_of_mujocos_quaternion():
    """LIBERO's own way: MuJoCo multiplies the quaternions of links, `_quat2axisangle` follows."""
    half = np.sqrt(0.5)
    links = [(1, 0, 0, 0), *([(half, -half, 0, 0), (half, half, 0, 0), (half, half, 0, 0)] * 2)]
    hand = np.array([0.924, 0, 0, -0.383]) / np.hypot(0.924, 0.383)
    rest = [0, -1.61037389e-01, 0, -2.44459747, 0, 2.22675220, np.pi / 4]  # mounted_panda.py

    def product(one, other):
        (w, x, y, z), (e, f, g, h) = one, other
        return np.array([
            w * e - x * f - y * g - z * h, w * f + x * e + y * h - z * g,
            w * g - x * h + y * e + z * f, w * h + x * g - y * f + z * e,
        ])  # fmt: skip

    file = shipped('pi05_libero')
    sent = []

    def ask(message, deadline_s):
        sent.append(message['observation/state'][3:6])
        return {'actions': np.zeros((10, 7))}

    policy = Policy(ForeignServer(file, ask), '')
    random = np.random.default_rng(0)
    over_half_a_turn = 0
    for _ in range(100):
        turned = np.array([1.0, 0, 0, 0])
        for link, angle in zip(links, random.normal(rest, 0.3), strict=True):
            turned = product(turned, np.array(link))
            turned = product(turned, np.array([np.cos(angle / 2), 0, 0, np.sin(angle / 2)]))
        w, x, y, z = turned = product(turned, hand)
        wanted = turned[1:] * 2 * np.arccos(w) / np.sqrt(1 - w * w)
        over_half_a_turn += np.linalg.norm(wanted) > np.pi
        policy.predict(*observation(policy, END_EFFECTOR_POSES=[0, 0, 1, x, y, z, w]))
        assert sent[-1] == pytest.approx(wanted, abs=1e-4)
    assert 20 < over_half_a_turn < 80


def test_lerobots_so101_gets_degrees_and_percent():
    """The features of a LeRobot dataset of an SO-101, by `so_follower.py`."""
    action = np.zeros((100, 6))
    action[0] = 90, -45, 0, 10, 180, 25
    with served('lerobot_so101', lerobot_so101(action), 'action') as (policy, requests):
        inputs, valid = observation(
            policy, JOINT_POSITIONS=[0, 0.1, -0.2, 1, np.pi], PARALLEL_GRIPPER_OPEN_AMOUNTS=0.4
        )
        chunk = policy.predict(inputs, valid)
    (request,) = requests
    wanted = [0, 0.1 / DEGREE, -0.2 / DEGREE, 1 / DEGREE, 180, 40]
    assert request['observation.state'] == pytest.approx(wanted, abs=1e-4)
    assert np.array_equal(request['observation.images.front'], inputs[RGB][0, 0])
    assert chunk[TARGETS][0] == pytest.approx(np.multiply([90, -45, 0, 10, 180], DEGREE), abs=1e-6)
    assert chunk[TOLD_OPENING][0, 0] == pytest.approx(0.25)


def so100_rows():
    arm = np.zeros((16, 5), np.float32)
    arm[0] = 90, 0, 0, 0, -90
    return arm, np.full((16, 1), 75, np.float32)


def gr00t_policy(name, server, connection):
    file = shipped(name)

    def ask(message, deadline_s):
        return connection.ask({'endpoint': 'get_action', 'data': message}, deadline_s)

    return Policy(ForeignServer(file, ask), file.sha256)


def gr00t_chunk(name, is_flat, answer):
    """The inputs of a prediction and its chunk, by a server of GR00T's."""
    with Gr00tServer(is_flat=is_flat) as server:
        server.endpoints['get_action'] = answer
        connection = ZeroMqConnection(server.address)
        try:
            policy = gr00t_policy(name, server, connection)
            inputs, valid = observation(policy, JOINT_POSITIONS=0.1)
            return inputs, policy.predict(inputs, valid)
        finally:
            connection.close()


def test_gr00t_n17_gets_batches_of_steps_and_gives_joints():
    arm, gripper = so100_rows()
    seen = []

    def get_action(observation, options):
        """`check_observation` of gr00t/policy/gr00t_policy.py, and its answer."""
        seen.append(observation)
        assert options is None
        for key in ('front', 'wrist'):
            video = observation['video'][key]
            assert video.dtype == np.uint8 and video.shape == (1, 1, 480, 640, 3)
        for key, width in (('single_arm', 5), ('gripper', 1)):
            state = observation['state'][key]
            assert state.dtype == np.float32 and state.shape == (1, 1, width)
        (text,) = observation['language']['annotation.human.task_description']
        assert isinstance(text, list) and text == ['fold the towel']
        return [{'single_arm': arm[None], 'gripper': gripper[None]}, {}]

    inputs, chunk = gr00t_chunk('gr00t_n17_so100', False, get_action)
    assert seen[0]['state']['single_arm'][0, 0] == pytest.approx([0.1 / DEGREE] * 5, abs=1e-5)
    assert np.array_equal(seen[0]['video']['wrist'][0, 0], inputs[RGB][0, 1])
    assert chunk[TARGETS][0] == pytest.approx([np.pi / 2, 0, 0, 0, -np.pi / 2], abs=1e-6)
    assert chunk[TOLD_OPENING][:, 0] == pytest.approx([0.75] * 16)


def test_gr00t_n15_gets_flat_keys_and_gives_arrays_without_axes_of_length_1():
    arm, gripper = so100_rows()
    seen = []

    def get_action(observation):
        seen.append(observation)
        for key in ('video.front', 'video.wrist'):
            assert observation[key].dtype == np.uint8
            assert observation[key].shape == (1, 480, 640, 3)
        # `_check_state_is_batched`: fewer than three axes are one observation.
        assert observation['state.single_arm'].shape == (1, 5)
        assert observation['state.gripper'].shape == (1, 1)
        assert observation['annotation.human.task_description'] == ['fold the towel']
        # `squeeze_dict_values` takes away every axis of length 1.
        return {'action.single_arm': arm, 'action.gripper': np.squeeze(gripper)}

    _, chunk = gr00t_chunk('gr00t_n15_so100', True, get_action)
    assert seen[0]['state.gripper'].dtype == np.float32
    assert chunk[TARGETS][0] == pytest.approx([np.pi / 2, 0, 0, 0, -np.pi / 2], abs=1e-6)
    assert chunk[TOLD_OPENING][:, 0] == pytest.approx([0.75] * 16)


def test_the_traceback_of_an_openpi_server_is_told_by_its_last_line():
    def infer(data):
        raise KeyError('observation/joint_position')

    with served('pi05_droid', infer) as (policy, _), pytest.raises(PolicyError) as refused:
        policy.predict(*observation(policy))
    assert "KeyError('observation/joint_position')" in str(refused.value)
    assert 'Traceback' not in str(refused.value)


def test_pi0_droid_behind_the_file_of_pi05_is_told_with_the_line_to_write():
    answer = droid(np.zeros((10, 8)))
    with served('pi05_droid', answer) as (policy, _), pytest.raises(PolicyError) as refused:
        policy.predict(*observation(policy))
    assert str(refused.value) == (
        'pi05_droid.server.yaml: actions: the server gave shape (10, 8); the file says horizon 15 '
        'and 8 columns: write horizon: 10'
    )
