"""An SO-101 in a dataset of LeRobot, and a Panda and a UR5 in bags, with their robot files."""

from pathlib import Path

import numpy as np

from helpers.drawn_arms import joint, urdf
from helpers.lerobot_datasets import write_lerobot
from helpers.small_bags import Messages, at, write_bag
from neuracore_ros.description import load_robot

CONFIG = Path(__file__).resolve().parents[2] / 'config'
LIMITS = {
    'shoulder_pan': (-1.91986, 1.91986),
    'shoulder_lift': (-1.74533, 1.74533),
    'elbow_flex': (-1.69, 1.69),
    'wrist_flex': (-1.65806, 1.65806),
    'wrist_roll': (-2.79253, 2.79253),
    'gripper': (-0.174533, 1.74533),
}
# Limits and names of an SO-101; where its joints are is of no interest here.
SO101_URDF = urdf(
    *(
        joint(name, limit=limit, after=before)
        for (name, limit), before in zip(LIMITS.items(), ['', *LIMITS], strict=False)
    ),
    name='so101',
)
TASKS = ('pick up the cube', 'put the cube into the box')


def so101_state(episode, k):
    """The joints of an SO-101 as LeRobot records them: degrees, and a gripper of 0 to 100."""
    angles = 110 * np.sin(0.05 * k + np.arange(5) + episode) * [0.9, 0.8, 0.8, 0.8, 1.0]
    return np.array([*angles, 50 + 40 * np.sin(0.05 * k)], np.float32)


def so101_action(episode, k):
    """The joints of the leader arm, a little ahead."""
    return so101_state(episode, k + 2)


def write_cubes(folder, version='v3.0', lengths=(45, 40), **options):
    """A dataset of an SO-101 with one camera and two tasks; gives its folder."""
    return write_lerobot(
        folder,
        version,
        lengths=lengths,
        numbers=(so101_state, so101_action),
        cameras=('front',),
        tasks=TASKS,
        **options,
    )


def write_arm_bag(path, arm, cameras, seconds=2.0, phase=0.0):
    """A bag of a shipped arm on its usual topics: joints that sway, and what commands them."""
    robot = load_robot(CONFIG / f'{arm}.yaml')
    make, frames = Messages(), []
    joints = [joint for command in robot.commands() for joint in command.joints]
    middles = [(j.limit.lower + j.limit.upper) / 2 for j in joints]
    for t in np.arange(0.0, seconds, 0.02):
        sway = 0.3 * np.sin(t + phase + np.arange(len(joints)))
        state = {j.name: m + s for j, m, s in zip(joints, middles, sway, strict=True)}
        frames.append(('/joint_states', make.joints(at(t), **state), at(t)))
        ahead = [m + s + 0.02 for m, s in zip(middles, sway, strict=True)]
        command = make.trajectory(0, [(0.05, ahead)], list(state))
        frames.append(('/arm_controller/joint_trajectory', command, at(t)))
    for t in np.arange(0.0, seconds, 1 / 15):
        picture = np.full((48, 64, 3), int(40 + 60 * np.sin(t + phase)) % 255, np.uint8)
        frames += [(f'/{name}/image_raw', make.image(at(t), picture), at(t)) for name in cameras]
    return write_bag(path, sorted(frames, key=lambda frame: frame[2]))
