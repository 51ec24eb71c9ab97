"""Runs under an interpreter that has lerobot: reads a dataset and takes a training step.

Usage: python lerobot_reader.py DATASET OUT.npz
"""

import sys

import numpy as np
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset

KEYS = ('observation.state', 'action', 'valid.observation.state', 'valid.action', 'timestamp')
CHUNK = 4


def main(root, out):
    dataset = LeRobotDataset('local/test', root=root)
    items = [dataset[k] for k in range(len(dataset))]
    found = {key: np.stack([item[key].numpy() for item in items]) for key in KEYS}
    for camera in dataset.meta.camera_keys:
        if camera in dataset.meta.depth_keys:  # millimetres
            found[camera] = np.stack([item[camera].numpy() for item in items])
            continue
        found[camera] = np.stack([(item[camera] * 255).round().byte().numpy() for item in items])
    found['policy'] = np.array([item['policy'] for item in items])
    for key in ('intervention', 'success'):
        found[key] = np.array([bool(item[key]) for item in items])
    found['task'] = np.array([item['task'] for item in items])
    found['episode'] = np.array([int(item['episode_index']) for item in items])
    if dataset.meta.camera_keys:
        found['loss'] = np.array(training_step(dataset.meta, root))
    np.savez(out, **found)


def training_step(meta, root):
    """The loss of a stock ACT, on chunks that go past the end of an episode too."""
    from lerobot.policies.act.configuration_act import ACTConfig
    from lerobot.policies.factory import make_policy, make_pre_post_processors
    from lerobot.utils.feature_utils import dataset_to_policy_features

    features = dataset_to_policy_features(meta.features)
    # Stock policies look at three channels; they would fail on LeRobot's own depth, too.
    inputs = {
        key: feature
        for key, feature in features.items()
        if key != 'action' and key not in meta.depth_keys
    }
    config = ACTConfig(
        chunk_size=CHUNK,
        n_action_steps=CHUNK,
        dim_model=32,
        n_heads=2,
        dim_feedforward=32,
        n_encoder_layers=1,
        pretrained_backbone_weights=None,
        device='cpu',
        input_features=inputs,
        output_features={'action': features['action']},
        push_to_hub=False,
    )
    policy = make_policy(config, ds_meta=meta)
    before, _ = make_pre_post_processors(config, dataset_stats=meta.stats)
    times = {'action': [k / meta.fps for k in range(CHUNK)]}
    chunks = LeRobotDataset('local/test', root=root, delta_timestamps=times)
    batch = next(iter(torch.utils.data.DataLoader(chunks, batch_size=8, shuffle=True)))
    loss, _ = policy.forward(before(batch))
    loss.backward()
    torch.optim.SGD(policy.parameters(), 1e-3).step()
    return float(loss)


if __name__ == '__main__':
    main(*sys.argv[1:])
