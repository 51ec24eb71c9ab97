"""A small table that stands for very many values is refused before it is read."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuracore_ros.dataset import lerobot
from neuracore_ros.errors import DatasetError
from neuracore_ros.loading.reading import read_columns


@pytest.mark.parametrize('rows', [1, 20])
def test_a_table_of_very_many_equal_values_is_refused(tmp_path, monkeypatch, rows):
    zeros = pa.array(np.zeros(3_000_000 * rows, np.float32))
    values = pa.ListArray.from_arrays(np.arange(rows + 1) * 3_000_000, zeros)
    path = tmp_path / lerobot.data_path(0)
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({lerobot.STATE: values}), path, compression='zstd')
    assert path.stat().st_size < 1_000_000
    # One step of three numbers in, and three out, each with its validity.
    layout = SimpleNamespace(columns=lambda: range(3))
    metadata = SimpleNamespace(
        episodes=[SimpleNamespace(steps=1)], input_layout=layout, output_layout=layout
    )
    monkeypatch.setattr(pq.ParquetFile, 'read', None)
    with pytest.raises(DatasetError, match=f'has {3_000_000 * rows} values; meta says 12'):
        read_columns(tmp_path, metadata, 0)
