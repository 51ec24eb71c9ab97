"""An edited dataset, opened by LeRobot itself; and one that is not finished."""

import subprocess

import numpy as np
import pyarrow.parquet as pq
import pytest

from helpers.interrupted_runs import killed_run
from helpers.lerobot_reading import read_by_lerobot


def test_a_merged_dataset_opens_in_lerobot(tmp_path, make, edit, lerobot_python):
    make(tmp_path / 'left', 'left', 'pieces', 'late', alone=True, options=['--task', 'wave'])
    make(tmp_path / 'right', 'right', alone=True, options=['--task', 'push'])
    words = ['--drop', '1', '--merge', tmp_path / 'right', '--out', tmp_path / 'new']
    assert edit(tmp_path / 'left', *words)[0] == 0
    items = read_by_lerobot(lerobot_python, tmp_path / 'new', tmp_path)
    steps = [20, 14, 16, 20]
    assert items['episode'].tolist() == np.repeat(range(4), steps).tolist()
    assert items['task'].tolist() == np.repeat(['wave', 'wave', 'wave', 'push'], steps).tolist()
    sources = [('left', 0), ('left', 2), ('left', 3), ('right', 0)]
    # Slots of a robot alone among those of both: the right arm lacks the third.
    rows = np.split(items['observation.state'], np.cumsum(steps)[:-1])
    for (name, number), found in zip(sources, rows, strict=True):
        file = tmp_path / name / f'data/chunk-000/file-{number:03d}.parquet'
        own = np.array(pq.read_table(file)['observation.state'].to_pylist(), np.float32)
        np.testing.assert_array_equal(found[:, : own.shape[1]], own)
        assert not found[:, own.shape[1] :].any()
    assert np.isfinite(items['loss'])


def test_an_edit_that_has_not_ended_does_not_open_in_lerobot(five, tmp_path, lerobot_python):
    for moment in (1, 9, 17):
        out = tmp_path / f'new{moment}'
        assert killed_run('rename', moment, ['edit', str(five), '--drop', '1', '--out', str(out)])
        with pytest.raises(subprocess.CalledProcessError):
            read_by_lerobot(lerobot_python, out, tmp_path)
