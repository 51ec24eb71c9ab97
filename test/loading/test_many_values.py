"""A small table that stands for very many values is refused before it is read."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuracore_ros.dataset import lerobot
from neuracore_ros.errors import DatasetError
from neuracore_ros.loading import reading


@pytest.mark.parametrize('rows', [1, 20])
def test_a_table_of_very_many_equal_values_is_refused(tmp_path, monkeypatch, rows):
    zeros = pa.array(np.zeros(3_000_000 * rows, np.float32))
    values = pa.ListArray.from_arrays(np.arange(rows + 1) * 3_000_000, zeros)
    path = tmp_path / 'a.parquet'
    pq.write_table(pa.table({lerobot.STATE: values}), path, compression='zstd')
    assert path.stat().st_size < 1_000_000
    monkeypatch.setattr(pq.ParquetFile, 'read', None)
    with pytest.raises(DatasetError, match=f'has {3_000_000 * rows} values; meta says 12'):
        reading._table(path, 12, lerobot.STATE, lerobot.ACTION)
