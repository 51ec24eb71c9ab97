import numpy as np
import pytest

from neuracore_ros.dataset.statistics import Statistics
from neuracore_ros.errors import DatasetError
from neuracore_ros.records import Record, RecordOrigin


def of(values, valid):
    return Statistics.of(np.array(values, np.float32), np.array(valid, bool))


def read_back(record, width):
    return Statistics.of_record(Record(record, RecordOrigin('stats.json', DatasetError)), width)


@pytest.mark.parametrize('value', [None, 'x', [], [1], [1, 'x'], [1, 10**400], [1, 1e999], [[]]])
@pytest.mark.parametrize('name', ['mean', 'q01', 'valid_count'])
def test_what_is_stored_otherwise_is_refused(name, value):
    record = of([[1, 2], [3, 4]], [[1, 0], [1, 0]]).to_json(steps=2, image=False)
    with pytest.raises(DatasetError, match=f'stats.json: {name} must be 2 finite numbers'):
        read_back({**record, name: value}, 2)


def test_entries_that_are_not_valid_do_not_count():
    found = of([[1, 9], [3, 9], [100, 9]], [[1, 0], [1, 0], [0, 0]])
    assert found.count.tolist() == [2, 0]
    assert (found.mean[0], found.std[0]) == (2.0, 1.0)
    assert (found.minimum[0], found.maximum[0]) == (1.0, 3.0)


def test_a_slot_that_nobody_has_leaves_padding_at_zero_under_every_normaliser():
    found = of([[5.0]], [[0]])
    assert (0.0 - found.mean[0]) / found.std[0] == 0.0
    low, high = found.minimum[0], found.maximum[0]
    assert 2 * (0.0 - low) / (high - low) - 1 == 0.0
    low, high = found.quantiles[0, 0], found.quantiles[-1, 0]
    assert 2 * (0.0 - low) / (high - low) - 1 == 0.0


@pytest.mark.parametrize('order', [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_merging_is_as_exact_as_counting_at_once(order):
    random = np.random.default_rng(1)
    values = random.normal(3.0, 0.1, (90, 4)).astype(np.float32)
    valid = random.random((90, 4)) < 0.7
    valid[:30, 1] = False
    valid[:, 3] = False
    parts = [Statistics.of(values[i::3], valid[i::3]) for i in order]
    merged = parts[0].merge(parts[1]).merge(parts[2])
    whole = Statistics.of(values, valid)
    assert merged.count.tolist() == whole.count.tolist()
    for name in ('mean', 'std', 'minimum', 'maximum'):
        np.testing.assert_allclose(getattr(merged, name), getattr(whole, name), rtol=1e-9)
    # Quantiles cannot be merged; the widest stays.
    assert merged.quantiles[0, 0] == min(part.quantiles[0, 0] for part in parts)
    assert merged.quantiles[-1, 0] == max(part.quantiles[-1, 0] for part in parts)


def test_pixels_are_counted_by_level():
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    levels = np.stack([np.bincount(image[..., c].ravel(), minlength=256) for c in range(3)])
    found = Statistics.of_histogram(levels, 1 / 255)
    np.testing.assert_allclose(found.mean, image.mean((0, 1)) / 255)
    np.testing.assert_allclose(found.std, image.std((0, 1)) / 255)
    median = np.median(image, (0, 1)) / 255
    np.testing.assert_allclose(found.quantiles[2], median, atol=1 / 255)


def test_what_is_stored_is_read_back():
    found = of([[1, 2], [3, 4]], [[1, 0], [1, 0]])
    again = read_back(found.to_json(steps=2, image=False), 2)
    for name in Statistics.__slots__:
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))


def constant_and_padded():
    """Three slots of 100 rows: one that never moves, in half of them; one that hardly moves."""
    values = np.zeros((100, 3), np.float32)
    values[:50, 0] = 2.0
    values[:, 1] = 5.0
    values[:, 2] = np.random.default_rng(0).normal(1.0, 0.5, 100)
    valid = np.ones((100, 3), bool)
    valid[50:, 0] = False
    return values, valid


@pytest.mark.parametrize('way', [('mean', 'std'), ('min', 'max'), ('q01', 'q99'), ('q10', 'q90')])
def test_a_tool_without_masks_brings_padding_to_at_most_10(way):
    values, valid = constant_and_padded()
    record = Statistics.of(values, valid).to_widened_json(100)
    first, second = (np.array(record[name]) for name in way)
    normal = (values - first) / second
    if way[0] != 'mean':
        normal = 2 * (values - first) / (second - first) - 1
    assert np.abs(normal[:, :2]).max() <= 10.001
    assert np.abs(normal[50:, 0] - normal[:50, 0]).min() > 1


def test_what_is_widened_merges_as_exactly():
    values, valid = constant_and_padded()
    exact = Statistics.of(values, valid)
    record = exact.to_widened_json(100)
    assert record['std'][0] == pytest.approx(0.2) and record['std'][1] == 0.01
    assert record['std'][2] == exact.std[2]
    assert 'valid_mean' not in record
    again = read_back(record, 3)
    for name in Statistics.__slots__:
        np.testing.assert_array_equal(getattr(again, name), getattr(exact, name))
