"""openpi's policies as a client sees them: the input transforms of each, and answers of their shape.

Each refuses what the real one would: the checks are those of src/openpi/policies/*.py, of the
resizing and tokenising that follow (src/openpi/transforms.py), and of the examples' clients.
"""

import numpy as np

from neuracore_ros.wire.packing import pack, unpack

MODEL_SIDE = 224
"""Images of the model; what comes in another size was not sent as the examples send it."""


def as_openpi(infer, requests, name='actions'):
    """What a server of openpi does with a frame: an answer, or a traceback and the end."""

    def answer(connection, frame):
        try:
            requests.append(unpack(frame))
            actions = infer(dict(requests[-1]))
        except Exception as error:
            connection.send(f'Traceback (most recent call last):\n  ...\n{error!r}')
            connection.close(1011, 'Internal server error. Traceback included in previous frame.')
            return None
        timing = {'policy_timing': {'infer_ms': 61.0}, 'server_timing': {'infer_ms': 62.0}}
        return pack({name: actions} | timing)

    return answer


def image(array, is_chw=False):
    """An image as `_parse_image` and `convert_image` take it: uint8, of the model's size."""
    assert array.dtype == np.uint8, array.dtype
    if is_chw:
        assert array.shape[0] == 3, array.shape
        array = np.moveaxis(array, 0, -1)
    assert array.shape == (MODEL_SIDE, MODEL_SIDE, 3), array.shape
    return array


def vector(array, width):
    """A state as the examples send it."""
    assert array.shape == (width,), array.shape
    assert array.dtype in (np.float32, np.float64), array.dtype
    return array


def tokenized(data):
    """The text, without which `TokenizePrompt` raises."""
    if 'prompt' not in data:
        raise ValueError('Prompt is required')
    assert isinstance(data['prompt'], str)
    return data['prompt']


def droid(actions):
    """pi05_droid: `DroidInputs`, which reads these keys and no others."""

    def infer(data):
        joints = vector(data.pop('observation/joint_position'), 7)
        opening = vector(data.pop('observation/gripper_position'), 1)
        assert np.concatenate([joints, opening]).shape == (8,)
        image(data.pop('observation/exterior_image_1_left'))
        image(data.pop('observation/wrist_image_left'))
        tokenized(data)
        assert list(data) == ['prompt']
        return np.asarray(actions, np.float32)

    return infer


def aloha(actions, default_prompt=None):
    """pi0_aloha: `AlohaInputs`."""
    cameras = ('cam_high', 'cam_low', 'cam_left_wrist', 'cam_right_wrist')

    def infer(data):
        state = vector(data['state'], 14)
        # `_gripper_to_angular` is only sensible for what `PUPPET_GRIPPER_POSITION_NORMALIZE_FN`
        # gives.
        assert 0.0 <= state[6] <= 1.0 and 0.0 <= state[13] <= 1.0
        images = data['images']
        if set(images) - set(cameras):
            raise ValueError(f'Expected images to contain {cameras}, got {tuple(images)}')
        image(images['cam_high'], is_chw=True)
        for name in images:
            image(images[name], is_chw=True)
        if default_prompt is not None:
            data.setdefault('prompt', default_prompt)
        tokenized(data)
        return np.asarray(actions, np.float64)

    return infer


def lerobot_so101(action):
    """A policy of LeRobot that reads what `so_follower.py` gives, at 30 frames a second."""

    def infer(data):
        vector(data.pop('observation.state'), 6)
        front = data.pop('observation.images.front')
        assert front.dtype == np.uint8 and front.shape == (480, 640, 3), front.shape
        assert not data
        return np.asarray(action, np.float32)

    return infer


def libero(actions):
    """pi0_libero and pi05_libero: `LiberoInputs`."""

    def infer(data):
        vector(data['observation/state'], 8)
        image(data['observation/image'])
        image(data['observation/wrist_image'])
        tokenized(data)
        return np.asarray(actions, np.float64)

    return infer
