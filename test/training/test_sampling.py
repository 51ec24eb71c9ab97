"""What a run learns from: which episodes, how often, and changed how."""

import numpy as np
import pytest

from neuracore_ros.description import DataType
from neuracore_ros.errors import TrainingError
from neuracore_ros.loading.batches import Batches
from neuracore_ros.training.augment import (
    JITTER,
    LEAST_SIDE,
    MOST_SIDE,
    draw_blocks,
    draw_jitter,
    jitter,
    occlude,
)
from neuracore_ros.training.config import Config
from neuracore_ros.training.normalise import bases
from neuracore_ros.training.prepare import make_manifest, measure
from neuracore_ros.training.processes import Processes
from neuracore_ros.training.sampling import Sampler, with_padding
from neuracore_ros.training.splitting import limit, split

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
IMAGES = DataType.RGB_IMAGES
LONG, SHORT = 0, 1


@pytest.fixture(scope='module')
def data(dataset, tmp_path_factory) -> Batches:
    return Batches(dataset, cache=tmp_path_factory.mktemp('cache'))


@pytest.fixture(scope='module')
def numbers(dataset) -> Batches:
    return Batches(dataset, inputs=(JOINTS,))


def settings(**changes) -> Config:
    return Config(dataset='', **{'batch': 200, 'horizon': 4, **changes})


def sampler(data: Batches, processes: Processes | None = None, **changes) -> Sampler:
    config = settings(**changes)
    episodes = limit(split(data.episodes, config.seed), config.max_episodes)
    index = {'long': 0, 'short': 1}
    return Sampler(data, episodes, config, index, processes or Processes('cpu'))


def of(batch, robot: int) -> int:
    return int((batch.robot == robot).sum())


def test_robots_are_drawn_equally_often_or_as_often_as_they_have_steps(numbers):
    assert 80 < of(sampler(numbers).draw(0), SHORT) < 120
    assert 30 < of(sampler(numbers, balance=False).draw(0), SHORT) < 65  # 4 of 17 episodes.


def test_only_the_first_episodes_of_a_robot_are_learnt_from(numbers):
    whole = split(numbers.episodes, 0)
    few = limit(whole, {'long': 3})
    kept = [episode.number for episode in few.training if episode.robot == 'long']
    assert kept == [episode.number for episode in whole.training if episode.robot == 'long'][:3]
    assert [e for e in few.training if e.robot == 'short'] == [
        e for e in whole.training if e.robot == 'short'
    ]
    assert few.validation == whole.validation


def test_a_robot_may_be_left_out_and_is_not_validated_then(numbers):
    alone = limit(split(numbers.episodes, 0), {'long': 0})
    assert {episode.robot for episode in (*alone.training, *alone.validation)} == {'short'}
    with pytest.raises(TrainingError, match="no episodes of 'longe'; did you mean 'long'"):
        limit(split(numbers.episodes, 0), {'longe': 0})


def test_a_batch_depends_on_the_seed_and_the_step_alone(data):
    changes = {'shift': 2, 'augment': True, 'occlusions': 2, 'embedding': 'robot', 'batch': 6}
    first, second = (sampler(data, **changes) for _ in range(2))
    first.draw(3)
    a, b, c = first.draw(7), second.draw(7), second.draw(8)
    assert np.array_equal(a.inputs[IMAGES], b.inputs[IMAGES])
    assert np.array_equal(a.robot, b.robot)
    assert not np.array_equal(a.inputs[IMAGES], c.inputs[IMAGES])
    other = sampler(data, seed=1, **changes).draw(7)
    assert not np.array_equal(a.inputs[IMAGES], other.inputs[IMAGES])


def test_processes_share_out_what_one_would_learn_from(data):
    changes = {'shift': 2, 'augment': True, 'occlusions': 2, 'embedding': 'robot', 'batch': 7}
    whole = sampler(data, **changes).draw(5)
    for rank in range(2):
        process = Processes('cpu')
        process.rank, process.count = rank, 2
        part = sampler(data, process, **changes).draw(5)
        for kind, array in part.inputs.items():
            assert np.array_equal(array, whole.inputs[kind][rank::2]), kind
        assert np.array_equal(part.targets[TARGETS], whole.targets[TARGETS][rank::2])
        assert np.array_equal(part.robot, whole.robot[rank::2])


def test_a_policy_that_knows_its_robots_also_learns_without_knowing(numbers):
    robots = sampler(numbers, embedding='robot', batch=1000).draw(0).robot
    assert 60 < (robots == -1).sum() < 140
    assert (sampler(numbers).draw(0).robot >= 0).all()
    assert all((held.robot >= 0).all() for held in sampler(numbers).held_back().values())


def test_padding_counts_as_zeros_only_where_that_is_asked_for(numbers):
    masked = sampler(numbers).draw(0)
    counted = sampler(numbers, mask_padding=False).draw(0)
    short = masked.robot == SHORT
    assert not masked.valid[JOINTS][short][:, 1].any()
    assert counted.valid[JOINTS].all()
    assert not counted.inputs[JOINTS][short][..., 1].any()
    # Past the end of an episode there is no target either way.
    within = masked.target_valid[TARGETS].any(2)
    assert np.array_equal(counted.target_valid[TARGETS].all(2), within)
    assert not within.all()
    held = sampler(numbers, mask_padding=False).held_back()['short']
    assert not held.target_valid[TARGETS][..., 1].any()


def test_padding_of_a_type_that_a_robot_lacks_wholly_counts_too():
    valid, target_valid = with_padding(
        {JOINTS: np.zeros((1, 2), bool)},
        {TARGETS: np.array([[[True, False]] * 2 + [[False, False]]]), JOINTS: np.zeros((1, 3, 1))},
    )
    assert valid[JOINTS].all()
    assert target_valid[JOINTS][0, :, 0].tolist() == [True, True, False]


def scales(data: Batches, **changes):
    config = settings(**changes)
    episodes = split(data.episodes, 0).training
    return measure(data, episodes, make_manifest(data, episodes, config), config)


def test_statistics_are_of_all_robots_or_of_each_its_own(numbers):
    pooled = scales(numbers, statistics='pooled').input[JOINTS]
    own = scales(numbers, statistics='per-robot').input[JOINTS]
    assert (pooled.centre.shape, own.centre.shape) == ((1, 3), (3, 3))
    assert np.array_equal(own.centre[0], pooled.centre[0])
    alone = limit(split(numbers.episodes, 0), {'long': 0})
    config = settings(statistics='pooled')
    short = measure(
        numbers, alone.training, make_manifest(numbers, alone.training, config), config
    ).input[JOINTS]
    assert np.array_equal(own.centre[1 + SHORT][[0, 2]], short.centre[0][[0, 2]])
    assert own.centre[1 + SHORT][1] == pooled.centre[0][1]  # It has no joint there.
    assert own.centre[1 + LONG][1] == pooled.centre[0][1]  # Nobody else has.


def test_outputs_are_relative_to_the_measured_joints_or_absolute(numbers):
    relative, absolute = scales(numbers, relative=True), scales(numbers)
    assert relative.base == {TARGETS: JOINTS}
    assert absolute.base == {}
    targets, valid = numbers.targets(np.arange(numbers.episodes[-1].stop), 4)
    low, high = targets[TARGETS][valid[TARGETS]].min(), targets[TARGETS][valid[TARGETS]].max()
    assert (absolute.output[TARGETS].centre > low).all()
    assert (absolute.output[TARGETS].centre < high).all()
    assert not np.allclose(relative.output[TARGETS].centre, absolute.output[TARGETS].centre)


def test_padding_counts_in_statistics_only_where_that_is_asked_for(numbers):
    masked = scales(numbers, statistics='pooled').input[JOINTS]
    counted = scales(numbers, statistics='pooled', mask_padding=False).input[JOINTS]
    assert abs(counted.centre[0, 1]) < abs(masked.centre[0, 1])
    assert counted.centre[0, 0] == masked.centre[0, 0]


def test_a_gripper_is_predicted_as_it_is(numbers):
    manifest = make_manifest(numbers, numbers.episodes, settings())
    gripper = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
    slots = manifest.output[TARGETS]
    both = type(manifest)(
        input={**manifest.input, gripper.measured: manifest.input[JOINTS]},
        output={TARGETS: slots, gripper: slots},
        rate_hz=8.0,
        horizon=4,
    )
    assert bases(both) == {TARGETS: JOINTS}


def test_only_the_light_of_a_camera_changes_and_alike_in_all_steps():
    pytest.importorskip('torchvision')
    rng = np.random.default_rng(0)
    image = rng.integers(80, 120, (8, 8, 3), np.uint8)
    images = np.broadcast_to(image, (2, 3, 2, 8, 8, 3)).copy()
    factors = draw_jitter(2, 2, rng)
    assert (abs(factors - 1) <= JITTER).all()
    changed = jitter(images, factors)
    assert (changed.shape, changed.dtype) == (images.shape, images.dtype)
    assert np.array_equal(changed[:, 0], changed[:, 2])
    assert not np.array_equal(changed[0, 0, 0], changed[0, 0, 1])
    assert np.array_equal(images, np.broadcast_to(image, images.shape))
    assert np.array_equal(jitter(images, np.ones((2, 2, 3))), images)


def test_blocks_hide_parts_of_an_image_alike_in_all_of_its_steps():
    images = np.full((1, 2, 1, 10, 20, 3), 7, np.uint8)
    blocks = np.array([[[[0.2, 0.5, 0.4, 0.75, 255, 0, 1], [-0.5, 0.9, 0.1, 1.4, 9, 9, 9]]]])
    hidden = occlude(images, blocks)
    expected = np.full((10, 20, 3), 7)
    expected[2:4, 10:15] = [255, 0, 1]
    expected[:1, 18:] = 9
    for step in range(2):
        assert np.array_equal(hidden[0, step, 0], expected)
    assert (images == 7).all()


def test_blocks_are_none_to_as_many_as_are_allowed_half_of_them_at_an_edge():
    blocks = draw_blocks(400, 2, 3, np.random.default_rng(0))
    sides = blocks[..., 2:4] - blocks[..., :2]
    there = sides.min(-1) > 0
    assert set(there.sum(-1).ravel().tolist()) == {0, 1, 2, 3}
    assert sides[there].min() + 1e-9 >= LEAST_SIDE and sides[there].max() <= MOST_SIDE + 1e-9
    middles = ((blocks[..., :2] + blocks[..., 2:4]) / 2)[there]
    at_edge = (np.isclose(middles, 0) | np.isclose(middles, 1)).any(-1)
    assert 0.45 < at_edge.mean() < 0.55
    assert (blocks[..., 4:] >= 0).all() and (blocks[..., 4:] < 256).all()
