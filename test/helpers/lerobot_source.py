"""Runs under an interpreter that has lerobot: writes, upgrades and reads datasets by its code.

Usage: python lerobot_source.py write DATASET
       python lerobot_source.py upgrade DATASET  # of v2.1 to v3.0, in place
       python lerobot_source.py read DATASET OUT.npz [DATASET OUT.npz ...]
"""

import sys
from pathlib import Path

import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset

FPS, SIZE = 30, (48, 64)
JOINTS = [f'{name}.pos' for name in ('shoulder', 'elbow', 'gripper')]
LENGTHS = (12, 9, 15)
TASKS = ('pick up the cube', 'open the drawer')
COUNTERS = ('episode_index', 'frame_index', 'index', 'timestamp')


def write(root):
    """Record three episodes, by LeRobot's own means: one camera is a video, one is not."""
    vector = {'dtype': 'float32', 'shape': (len(JOINTS),), 'names': JOINTS}
    image = {'shape': (*SIZE, 3), 'names': ['height', 'width', 'channels']}
    features = {
        'observation.state': vector,
        'action': vector,
        'observation.images.front': {'dtype': 'video', **image},
        'observation.images.wrist': {'dtype': 'image', **image},
    }
    written = LeRobotDataset.create('local/test', FPS, features, root, 'arm', use_videos=True)
    random = np.random.default_rng(0)
    for episode, length in enumerate(LENGTHS):
        scene = random.integers(0, 60, (6, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        for k in range(length):
            picture = scene.copy()
            picture[10:22, 2 + 3 * k : 14 + 3 * k] = (220, 60 * episode, 30)
            written.add_frame(
                {
                    'observation.state': np.sin(k / 7 + np.arange(3)).astype(np.float32) / 2,
                    'action': np.sin((k + 1) / 7 + np.arange(3)).astype(np.float32) / 2,
                    'observation.images.front': picture,
                    'observation.images.wrist': 255 - picture,
                    'task': TASKS[episode % 2],
                }
            )
        written.save_episode()
    written.finalize()


def upgrade(root):
    """Make a dataset of v2.1 one of v3.0; the name of the module is not that of before."""
    root = Path(root)
    try:
        from lerobot.datasets.v30.convert_dataset_v21_to_v30 import convert_dataset

        folder = root.parent
    except ImportError:
        from lerobot.scripts.convert_dataset_v21_to_v30 import convert_dataset

        folder = root
    convert_dataset(root.name, root=folder, push_to_hub=False)


def read(*words):
    """Every frame as LeRobot gives it: images as bytes, tasks as texts."""
    for root, out in zip(words[::2], words[1::2], strict=True):
        read_one(root, out)


def read_one(root, out):
    dataset = LeRobotDataset('local/test', root=root, video_backend='pyav')
    items = [dataset[k] for k in range(len(dataset))]
    found = {}
    for key, value in items[0].items():
        if key in dataset.meta.camera_keys:
            found[key] = np.stack([(item[key] * 255).round().byte().numpy() for item in items])
            found[key] = found[key].transpose(0, 2, 3, 1)
        elif key == 'task':
            found[key] = np.array([item[key] for item in items])
        elif not isinstance(value, str):
            found[key] = np.stack([item[key].numpy() for item in items])
    np.savez(out, **found)


if __name__ == '__main__':
    {'write': write, 'upgrade': upgrade, 'read': read}[sys.argv[1]](*sys.argv[2:])
