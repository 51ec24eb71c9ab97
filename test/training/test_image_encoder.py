"""What a policy sees counts from its first step, whatever it was built from."""

import numpy as np
import pytest
import torch
from test_padding import manifest, policy

from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.loading.batches import Batches
from neuracore_ros.training.image_encoder import CameraEncoder, ImageEncoder
from neuracore_ros.training.prepare import init_image_statistics

IMAGES = DataType.RGB_IMAGES.value


def balls(count=40, size=64, width=4):
    """Images of a small red square on grey, and where it is: row and column, 0 to 1."""
    rng = np.random.default_rng(0)
    images = np.full((count, size, size, 3), 150, np.uint8)
    corners = rng.integers(8, size - 8 - width, (count, 2))
    for image, (row, column) in zip(images, corners, strict=True):
        image[row : row + width, column : column + width] = (222, 48, 38)
    return torch.from_numpy(images), corners / size


@pytest.mark.parametrize('seed', [0, 1, 2])
def test_key_points_tell_where_a_small_thing_is_before_they_learn(seed):
    torch.manual_seed(seed)
    encode = ImageEncoder((64, 64), False, 'keypoints', True, False)
    images, places = balls()
    with torch.inference_mode():
        points = encode(images)[:, 0].numpy()
    assert points.std(0).mean() > 0.01
    # Whatever else they tell: a straight line leads from the best of them to the place.
    found = np.corrcoef(points.T, places.T)[-2:, :-2]
    assert abs(found).max(1).min() > 0.8


@pytest.mark.parametrize(
    ('kind', 'encoder'),
    [('mlp', ''), ('act', ''), ('diffusion', ''), ('act', 'patches'), ('act', 'resnet18')],
)
def test_features_vary_by_one_before_they_learn(dataset, kind, encoder):
    data = Batches(dataset)
    module = policy(kind, manifest(joints=3, cameras=2, image_size=(32, 32)), encoder)
    init_image_statistics(module, data, data.episodes)
    rows = np.arange(data.episodes[-1].stop)
    batch = data.take(rows, 1, 1)
    inputs = {IMAGES: torch.from_numpy(batch.inputs[DataType.RGB_IMAGES])}
    valid = {IMAGES: torch.from_numpy(batch.valid[DataType.RGB_IMAGES])}
    (view,) = (each for each in module.modules() if isinstance(each, CameraEncoder))
    with torch.inference_mode():
        tokens = view(inputs, valid)[:, 0]
    there = valid[IMAGES]
    own = [there & (torch.arange(2) == camera) for camera in (0, 1)]
    for has in [there] if encoder == 'resnet18' else own:
        features = tokens[has].flatten(0, 1)
        assert features.mean(0).abs().median() < 0.3
        assert 0.5 < features.std(0).median() < 1.5


def test_a_run_begins_with_that_look_and_keeps_it(dataset, tmp_path):
    out = str(tmp_path / 'run')
    words = ['--policy', 'act', '--batch', '4', '--horizon', '3', '--width', '32', '--layers', '1']
    assert main(['train', str(dataset), '--out', out, *words, '--steps', '0']) == 0

    def looks():
        weights = torch.jit.load(f'{out}/policy.pt').state_dict()
        of_images = [name for name in weights if 'encoders' in name and name.endswith('.centre')]
        return {name: weights[name] for name in of_images}

    before = looks()
    assert len(before) == 2
    assert all(centre.any() for centre in before.values())
    assert main(['train', '--resume', out, '--steps', '2']) == 0
    after = looks()
    assert all(torch.equal(centre, after[name]) for name, centre in before.items())


def test_a_camera_that_no_row_shows_is_taken_as_it_is(dataset):
    data = Batches(dataset)
    short = [each for each in data.episodes if each.robot == 'short']
    module = policy('mlp', manifest(joints=3, cameras=2, image_size=(32, 32)))
    init_image_statistics(module, data, short)
    hand, top = (each for each in module.modules() if isinstance(each, ImageEncoder))
    assert not hand.centre.any()
    assert top.centre.any()


def test_a_policy_without_images_looks_at_nothing(dataset):
    data = Batches(dataset, inputs=(DataType.JOINT_POSITIONS,))
    module = policy('act', manifest(joints=3, cameras=0))
    before = {name: each.clone() for name, each in module.state_dict().items()}
    init_image_statistics(module, data, data.episodes)
    assert all(torch.equal(each, before[name]) for name, each in module.state_dict().items())
