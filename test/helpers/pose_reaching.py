"""A small dataset of arms that go to a pose, told as a pose; quaternions have random signs."""

from pathlib import Path

import numpy as np

from neuracore_ros.dataset.metadata import Episode, Metadata
from neuracore_ros.dataset.row import Row
from neuracore_ros.dataset.staging import EpisodeWriter
from neuracore_ros.dataset.writer import open_dataset
from neuracore_ros.description import DataType, Descriptions, embodiment
from neuracore_ros.kinematics.rotations import matrix_to_quaternion, rpy_to_matrix

HAND, GOAL = DataType.END_EFFECTOR_POSES, DataType.POSES
JOINTS = DataType.JOINT_POSITIONS
GRIP = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
STEPS = 12
DOWN = np.array([np.pi, 0, 0])

# Slot 0 is the arm of all of them, slot 1 the second arm of one. Only 'wired' tells its joints.
HANDS = {'one': {0: 'hand'}, 'other': {0: 'tool'}, 'both': {0: 'a', 1: 'b'}, 'wired': {0: 'hand'}}


def described(robots) -> Descriptions:
    inputs, outputs = {}, {}
    for robot in robots:
        hands = {'END_EFFECTOR_POSES': HANDS[robot]}
        joints = {'JOINT_POSITIONS': {0: 'elbow'}} if robot == 'wired' else {}
        inputs[robot] = embodiment({**joints, **hands, 'POSES': {0: 'goal'}})
        grip = {'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS': {0: 'fingers'}}
        outputs[robot] = embodiment({**hands, **grip})
    return Descriptions(inputs, outputs)


def draw_pose(rng: np.random.Generator, turn: float = 1.0) -> np.ndarray:
    """A pose within 0.3 m, up to ``turn`` [rad] about each axis away from pointing down."""
    quaternion = matrix_to_quaternion(rpy_to_matrix(DOWN + rng.uniform(-turn, turn, 3)))
    return np.concatenate([rng.uniform(-0.3, 0.3, 3), quaternion])


def towards(pose: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """A third of the way."""
    sign = 1.0 if pose[3:] @ goal[3:] >= 0 else -1.0
    quaternion = pose[3:] + (sign * goal[3:] - pose[3:]) / 3
    quaternion /= np.linalg.norm(quaternion)
    return np.concatenate([pose[:3] + (goal[:3] - pose[:3]) / 3, quaternion])


def either(pose: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same pose, by one of its two quaternions."""
    return np.concatenate([pose[:3], rng.choice([-1.0, 1.0]) * pose[3:]])


def rows(robot: str, widths, rng: np.random.Generator, turn: float = 1.0):
    """Every hand goes to the goal, and the gripper closes there; slots that lack are zeros."""
    has = {kind: np.zeros(width, bool) for kind, width in widths.items()}
    has[HAND][list(HANDS[robot])] = True
    has[GOAL][0] = has[GRIP][0] = True
    if JOINTS in has:
        has[JOINTS][0] = robot == 'wired'
    goal, hands = draw_pose(rng, turn), [draw_pose(rng, turn) for _ in HANDS[robot]]
    for step in range(STEPS):
        after = [towards(hand, goal) for hand in hands]
        now, then, told = np.zeros((widths[HAND], 7)), np.zeros((widths[HAND], 7)), goal[None]
        for index, (hand, target) in enumerate(zip(hands, after, strict=True)):
            now[index], then[index] = either(hand, rng), either(target, rng)
        near = np.linalg.norm(hands[0][:3] - goal[:3]) < 0.03
        inputs = {JOINTS: np.full(1, 2.0 * has[JOINTS][0])} if JOINTS in has else {}
        inputs |= {HAND: now, GOAL: told}
        outputs = {HAND: then, GRIP: np.array([0.0 if near else 1.0])}
        yield Row(
            piece=0,
            tick_ns=step,
            inputs={kind: values.astype(np.float32) for kind, values in inputs.items()},
            input_valid={kind: has[kind] for kind in inputs},
            outputs={kind: values.astype(np.float32) for kind, values in outputs.items()},
            output_valid={kind: has[kind] for kind in outputs},
            dropped={},
        )
        hands = after


def write(path: Path, episodes: dict[str, int], seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    with open_dataset(path, Metadata(10.0, (8, 8), described(episodes))) as writer:
        meta = writer.metadata
        widths = {**meta.input_layout.widths, **meta.output_layout.widths}
        for robot, count in episodes.items():
            for _ in range(count):
                written = EpisodeWriter(writer.staging / 'episode', meta, 'go there')
                for row in rows(robot, widths, rng):
                    written.add(row)
                writer.commit(written.finish(), Episode(robot, 'bag', 0, STEPS))
    return path
