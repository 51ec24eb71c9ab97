"""Every DataType reaches a policy from a dataset as it does from the bag."""

import json

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from helpers.every_data_type import EVERY, SUPPORTED, record_every
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

TARGETS = (
    DataType.JOINT_TARGET_POSITIONS,
    DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS,
)
WIDTHS = {DataType.CUSTOM_1D: 6}
WIDTHS |= dict.fromkeys(
    [DataType.JOINT_POSITIONS, DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS, DataType.RGB_IMAGES], 3
)
WIDTHS |= dict.fromkeys([DataType.POSES, DataType.DEPTH_IMAGES, DataType.JOINT_TORQUES], 2)


class One(torch.nn.Module):
    """Gives the mean of one input as joint and as gripper."""

    def __init__(self, kind: str):
        super().__init__()
        self.kind = kind

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        chunk = inputs[self.kind].float().flatten(1).mean(1)[:, None, None].repeat(1, 4, 1)
        return {'JOINT_TARGET_POSITIONS': chunk, 'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS': chunk}


def write(path, kind):
    width = WIDTHS.get(kind, 1)
    size = (48, 64) if kind.is_image else None
    length = 256 if kind is DataType.LANGUAGE else None
    inputs = {kind: InputSlots(width, tuple(range(width)), image_size=size, length=length)}
    outputs = {target: OutputSlots(1, (0,)) for target in TARGETS}
    save(One(kind.value), Manifest(inputs, outputs, rate_hz=20.0, horizon=4), path)
    return path


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('replayed')
    (folder / 'every.yaml').write_text(EVERY)
    bag = record_every(folder / 'bag')
    words = [folder / 'data', bag, '--description', folder / 'every.yaml', '--image-size', '64x48']
    assert main(['convert', *map(str, words)]) == 0
    return folder


@pytest.mark.parametrize('kind', [kind for kind in SUPPORTED if kind not in TARGETS])
def test_a_policy_that_reads_one_type_is_told_the_same_by_bag_and_dataset(kind, folder, capsys):
    policy = write(folder / f'{kind}.pt', kind)
    found = []
    for recording in (folder / 'bag', folder / 'data'):
        # The robot file tells of a dataset's joints, too, that one of them turns without end.
        words = [folder / 'every.yaml', recording]
        options = ['--json', '--execute-steps', '1']
        assert main(['evaluate', str(policy), *map(str, words), *options]) == 0
        found += json.loads(capsys.readouterr().out)['cases']
    by_bag, by_row = found
    assert by_bag['steps'] == by_row['steps'] > 30
    assert by_bag['predictions'] == by_row['predictions'] > 10
    # Video is not exact, and grey values are large numbers beside joints.
    most = 1.0 if kind is DataType.RGB_IMAGES else 1e-3
    for one, other in zip(by_bag['joints'], by_row['joints'], strict=True):
        np.testing.assert_allclose(one['error_by_step'], other['error_by_step'], atol=most)
