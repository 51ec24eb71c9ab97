"""The files of a LeRobot checkpoint without its weights, as LeRobot 0.6 writes them."""

import json

STATE, ACTION = 'observation.state', 'action'
NAMES = ('shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper')

NO_TENSORS = (2).to_bytes(8, 'little') + b'{}'
"""A safetensors file without a tensor."""

SO101 = """
robot: so101
limits:
  shoulder_pan: {position: [-1.9, 1.9], velocity: 2.0}
  shoulder_lift: {position: [-1.7, 1.7], velocity: 2.0}
  elbow_flex: {position: [-1.7, 1.7], velocity: 2.0}
  wrist_flex: {position: [-1.6, 1.6], velocity: 2.0}
  wrist_roll: {position: [-2.7, 2.7], velocity: 2.0}
  gripper: {position: [-0.17, 1.75], velocity: 2.0}
input:
  JOINT_POSITIONS: [shoulder_pan, shoulder_lift, elbow_flex, wrist_flex, wrist_roll]
  PARALLEL_GRIPPER_OPEN_AMOUNTS: [gripper]
  RGB_IMAGES: [front, wrist]
output:
  JOINT_TARGET_POSITIONS: [shoulder_pan, shoulder_lift, elbow_flex, wrist_flex, wrist_roll]
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: [gripper]
sources:
  JOINT_POSITIONS: {topic: /joint_states}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: /joint_states}
  RGB_IMAGES: {front: {topic: /front/image_raw}, wrist: {topic: /wrist/image_raw}}
  JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: /arm/joint_trajectory}
commands:
  JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: /arm/joint_trajectory}
"""
"""A robot file whose slots are what LeRobot's arm has, in radians, and a gripper from 0 to 1."""

FILE = """
server: openpi
rate_hz: 30
horizon: 8
send:
  observation.state:
    - {JOINT_POSITIONS: [0, 1, 2, 3, 4], scale: 0.0174532925}
    - {PARALLEL_GRIPPER_OPEN_AMOUNTS: 0, scale: 0.01}
  observation.images.front: {RGB_IMAGES: 0, size: [48, 64]}
  observation.images.wrist: {RGB_IMAGES: 1, size: [48, 64]}
receive:
  action:
    - {JOINT_TARGET_POSITIONS: [0, 1, 2, 3, 4], scale: 0.0174532925}
    - {PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: 0, scale: 0.01}
"""
"""The server file of the ACT policy on this robot."""


def write_checkpoint(folder, config=None, before=None, after=None, weights=NO_TENSORS):
    """Write the JSON files of an ACT policy, with changes, and weights."""
    folder.mkdir(parents=True, exist_ok=True)
    images = {
        f'observation.images.{name}': {'type': 'VISUAL', 'shape': [3, 48, 64]}
        for name in ('front', 'wrist')
    }
    whole = {
        'type': 'act',
        'n_obs_steps': 1,
        'input_features': {STATE: {'type': 'STATE', 'shape': [6]}, **images},
        'output_features': {ACTION: {'type': 'ACTION', 'shape': [6]}},
        'chunk_size': 8,
        'use_peft': False,
    }
    steps = ('rename_observations_processor', 'to_batch_processor', 'device_processor')
    named = [{'registry_name': name, 'config': {}} for name in steps]
    files = {
        'config.json': whole | (config or {}),
        'policy_preprocessor.json': {'name': 'before', 'steps': named + (before or [])},
        'policy_postprocessor.json': {'name': 'after', 'steps': named[-1:] + (after or [])},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    (folder / 'model.safetensors').write_bytes(weights)
    return folder


def write_dataset(folder, state=NAMES, action=NAMES, fps=30):
    """Write what is read of a dataset: its ``meta/info.json``."""
    (folder / 'meta').mkdir(parents=True)
    features = {
        STATE: {'dtype': 'float32', 'shape': [len(state)], 'names': list(state)},
        ACTION: {'dtype': 'float32', 'shape': [len(action)], 'names': list(action)},
    }
    info = {'codebase_version': 'v3.0', 'fps': fps, 'features': features}
    (folder / 'meta' / 'info.json').write_text(json.dumps(info))
    return folder
