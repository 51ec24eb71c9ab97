"""What the reader gives back is what the writer was given."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuracore_ros.description import DataType
from neuracore_ros.errors import DatasetError
from neuracore_ros.loading.batches import Batches
from neuracore_ros.training.augment import shift
from neuracore_ros.training.sampling import draw, rows_by_robot
from neuracore_ros.training.splitting import split

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
IMAGES = DataType.RGB_IMAGES


def test_a_batch_has_each_robots_own_masks(dataset):
    data = Batches(dataset)
    assert data.robots == ('long', 'short')
    long, short = data.episodes[0], data.episodes[-1]
    batch = data.take(np.array([long.start, short.start]), 1, 4)
    assert batch.inputs[JOINTS].shape == (2, 1, 3)
    assert batch.inputs[IMAGES].shape == (2, 1, 2, 32, 32, 3)
    assert batch.valid[JOINTS].tolist() == [[True] * 3, [True, False, True]]
    assert batch.valid[IMAGES].tolist() == [[True, True], [False, True]]
    assert batch.inputs[IMAGES][0, 0, 1].max() > 200
    assert not batch.inputs[IMAGES][1, 0, 0].any()
    assert batch.target_valid[TARGETS][1].tolist() == [[True, False, True]] * 4


def test_a_chunk_holds_the_next_targets_and_ends_with_the_episode(dataset):
    data = Batches(dataset)
    first = data.episodes[0]
    targets, valid = data.targets(np.array([first.start, first.stop - 2]), 4)
    joints = data.numbers(first.rows, 1)[JOINTS][:, 0]
    assert np.allclose(targets[TARGETS][0, :3], joints[1:4])
    assert valid[TARGETS][1].all(1).tolist() == [True, True, False, False]


def test_before_the_start_the_first_step_is_repeated(dataset):
    data = Batches(dataset)
    second = data.episodes[1]
    past = data.numbers(np.array([second.start + 1]), 4)[JOINTS][0]
    joints = data.numbers(second.rows, 1)[JOINTS][:, 0]
    assert np.array_equal(past, joints[[0, 0, 0, 1]])


def test_stored_images_equal_those_that_are_decoded_each_time(dataset, tmp_path):
    rows = np.random.default_rng(0).permutation(Batches(dataset).episodes[-1].stop)
    lines: list[str] = []
    each_time = Batches(dataset).take(rows, 2, 1).inputs[IMAGES]
    stored = Batches(dataset, tmp_path / 'cache', lines.append).take(rows, 2, 1).inputs[IMAGES]
    assert np.array_equal(each_time, stored)
    assert len(lines) == 1 and ' of 35 videos once, into ' in lines[0]
    Batches(dataset, tmp_path / 'cache', lines.append)
    assert len(lines) == 1


def test_every_robot_is_held_back_and_drawn_alike(dataset):
    data = Batches(dataset)
    parts = split(data.episodes, seed=1)
    assert sorted({episode.robot for episode in parts.validation}) == ['long', 'short']
    assert not set(parts.training) & set(parts.validation)
    rows = rows_by_robot(parts.training)
    drawn = draw(list(rows.values()), 400, np.random.default_rng(0))
    assert 160 < np.isin(drawn, rows['short']).sum() < 240


def test_a_shift_moves_an_image_and_repeats_its_border():
    image = np.zeros((1, 2, 1, 3, 3, 3), np.uint8)
    image[..., 1, 1, :] = 9
    image[..., :, 0, :] = 5
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            moved = shift(image, np.array([[[down, across]]]))
            assert np.array_equal(moved[:, 0], moved[:, 1])  # A camera moves alike in all steps.
            assert set(np.unique(moved)) <= {0, 5, 9}


def test_a_folder_that_is_no_dataset_is_refused(tmp_path):
    with pytest.raises(DatasetError, match='not a dataset of neuracore_ros'):
        Batches(tmp_path)


@pytest.fixture
def copy(dataset, tmp_path):
    return shutil.copytree(dataset, tmp_path / 'copy')


def test_a_dataset_without_episodes_is_refused(copy):
    path = copy / 'meta' / 'neuracore_ros.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), 'episodes': {}}))
    with pytest.raises(DatasetError, match='has no episodes; add some with'):
        Batches(copy)


def test_a_video_that_is_cut_short_is_refused(copy):
    video = next(copy.glob('videos/*rgb_1/*/file-003.mp4'))
    video.write_bytes(video.read_bytes()[:200])
    with pytest.raises(DatasetError, match=r'file-003.mp4: missing or damaged') as refused:
        Batches(copy)
    assert '\n' not in str(refused.value)


def test_rows_that_contradict_the_metadata_are_refused(copy):
    file = next(copy.glob('data/*/file-002.parquet'))
    pq.write_table(pq.read_table(file).slice(0, 5), file)
    with pytest.raises(DatasetError, match='has 5 rows of 3 slots; meta says 16 of 3'):
        Batches(copy)


def test_a_number_that_is_not_finite_is_named(copy):
    file = next(copy.glob('data/*/file-001.parquet'))
    table = pq.read_table(file)
    values = table['action'].to_pylist()
    values[7][1] = float('nan')
    column = table.column_names.index('action')
    kind = table.schema.field('action').type
    changed = table.set_column(column, 'action', [pa.array(values, kind)])
    pq.write_table(changed, file)
    with pytest.raises(DatasetError, match=r'JOINT_TARGET_POSITIONS.1 is nan at step 7'):
        Batches(copy)
